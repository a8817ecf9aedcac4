/*
 * The unique recipients of one user (SPEC 6.1): a set of 64-bit keyed hashes
 * with the bucket of last use, so that each counts once and leaves 24 h
 * after its last booking.
 *
 * A hash that a transaction reserved is *pinned*: it counts as one, however
 * many transactions pinned it, and does not expire until the last of them
 * books or lets go. The others count in a 24 h window, so an old bucket
 * leaves in no time; its hashes are then stale: they count as absent and are
 * cleared when their table needs room.
 *
 *   absent, stale --pin--> pinned <--pin-- live
 *   pinned --unpin (last)--> live if its last booking still is, else stale
 *   pinned --book  (last)--> live, last use now
 *
 * Many small tables, chosen by the first bits of the hash (extendible
 * hashing): each has at most some 4,000 places and is rebuilt alone, in
 * steps of a half, so no call stalls, and a key takes 18 to 24 bytes.
 * Hashes must be keyed (booking_recipient_hash): then nobody can choose them
 * so that they meet.
 */
#pragma once

#include "limits/window.h"

struct unique_table;

struct unique {
	struct window window;		/* live hashes by bucket, pinned ones
					 * not */
	/* One table, or 2^depth places that point to tables. */
	union {
		struct unique_table *table;	/* depth 0; NULL: none */
		struct unique_table **tables;	/* depth > 0 */
	};
	uint64_t filled;		/* places in use, stale ones too */
	uint32_t pinned;		/* hashes */
	uint32_t hand;			/* table that is tidied next */
	uint32_t fresh_bucket;		/* of fresh[0]; fresh[1]: before it */
	uint32_t fresh[2];		/* hashes that were new when booked */
	uint8_t depth;
};

enum unique_pin { UNIQUE_PINNED, UNIQUE_OVER, UNIQUE_NO_ROOM };

void unique_init(struct unique *u);
void unique_fini(struct unique *u, struct room *room);

/* window_advance, for the set. */
void unique_advance(struct unique *u, int64_t now_ms);
/* What counts against the limit. */
static inline uint64_t unique_count(const struct unique *u)
{
	return u->window.used + u->pinned;
}

/* Pins once more. UNIQUE_OVER: it is not in the set, and with it more than
 * `limit` would be. UNIQUE_NO_ROOM: no memory, or pinned 65,535 times. */
enum unique_pin unique_pin(struct unique *u, struct room *room, uint64_t hash,
			   uint64_t limit) MUST_USE;
/* Takes one pin back. The hash must be pinned. */
void unique_unpin(struct unique *u, struct room *room, uint64_t hash);
/* Takes one pin and books the hash at at_ms (at most the newest time seen).
 * Never fails. */
void unique_book(struct unique *u, struct room *room, uint64_t hash,
		 int64_t at_ms);
/* Books at at_ms without a pin, whatever the limit; an earlier time than it
 * has is nothing. False: no memory. */
bool unique_restore(struct unique *u, struct room *room, uint64_t hash,
		    int64_t at_ms) MUST_USE;

/* Asks for the lines in which a hash is looked for, before it is. */
void unique_prefetch(const struct unique *u, uint64_t hash);

/* Hashes that were new in about the last 10 min (window_recent). */
uint64_t unique_recent(const struct unique *u, int64_t now_ms);
/* Clears stale hashes out of the next table: one, so that it takes no time
 * (giving millions of keys back at once would take tens of ms). */
void unique_tidy(struct unique *u, struct room *room);
/* Nothing counts, and what is left is freed in no time. */
bool unique_is_empty(const struct unique *u);
/* Bytes of the tables. */
uint64_t unique_bytes(const struct unique *u);
