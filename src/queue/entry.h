/*
 * A message in the queue: one entry, owned by its home shard; its recipients
 * are grouped into parts, one part a destination. A part is what is
 * scheduled, leased for an attempt and retried.
 *
 *   part:  READY → LEASED → (DONE | SCHEDULED → READY …)
 *          READY, SCHEDULED ⇄ HELD                        [acts.c]
 *
 * Held over a limit (SPEC 6.10) is a recipient that was accepted and is in no
 * booking: HELD, unbooked. It leaves by a release frame that has its booking,
 * and is WAITING only when that frame is synced [release.c].
 *
 * Memory is bounded: about 250 bytes for a message with one recipient; the
 * envelope and the body stay here only while they are warm (`memory`).
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/list.h"
#include "mail/body.h"
#include "mail/envelope.h"
#include "queue/destination.h"

enum recipient_state {
	RECIPIENT_WAITING,	/* not tried, or deferred */
	RECIPIENT_DELIVERED,
	RECIPIENT_FAILED,
	RECIPIENT_HELD,
	RECIPIENT_REMOVED,	/* by an administrator: no report */
	RECIPIENT_STATE_COUNT,
};
const char *recipient_state_name(enum recipient_state state);

enum held_reason {
	HELD_NOT,
	HELD_OPERATOR,
	HELD_CRASH,		/* noted in two crashes: operator only */
	HELD_LIMIT,
	HELD_QUARANTINE,
	HELD_USER_PAUSED,
	HELD_CUSTOMER,		/* by hand of a super admin */
	HELD_REASON_COUNT,
};
const char *held_reason_name(enum held_reason reason);

enum { ENTRY_REPLY_MAX = 160 };

struct queue_recipient {
	uint16_t number;	/* in the envelope */
	uint8_t state;		/* recipient_state */
	uint8_t held;		/* held_reason */
	bool reported;		/* its end is in a report or needs none */
	bool telling;		/* it stands in the report under way */
	bool dsn_passed;	/* the next hop took over NOTIFY= */
	bool unbooked;		/* held since it came in: no limit counts it
				 * yet, its release books it */
	uint8_t limit;		/* unbooked: over which it came in
				 * (ledger_verdict); 0: not known */
	bool releasing;		/* that release is on its way to the spool; in
				 * memory it is HELD until it is there */
	bool has_result;	/* of the attempt that ends just now */
	uint8_t enhanced[3];	/* of the last reply */
	uint16_t code;		/* 0: never tried */
	char *reply;		/* last words, NUL-terminated, or NULL */
};

enum part_state { PART_READY, PART_SCHEDULED, PART_LEASED, PART_HELD,
		  PART_DONE };

enum { NOT_IN_HEAP = UINT32_MAX };

struct queue_part {
	struct queue_entry *entry;
	struct destination *destination;
	struct list node;	/* READY: in its lane */
	int64_t next_ms;	/* SCHEDULED: wall clock */
	uint32_t heap_at;	/* SCHEDULED: index in the heap */
	uint16_t tries;
	uint16_t first, count;	/* of entry->recipients */
	uint8_t state;		/* part_state */
	bool urgent;		/* retry asked by hand: no pause holds */
};

/* What is warm of a message. */
struct queue_memory {
	struct buf envelope;	/* its byte form */
	struct body *body;	/* NULL: big, or given back */
};

struct queue_commit;
struct queue_wait;
struct queue_release;
struct held_message;

struct queue_entry {
	struct id id;
	struct queue *queue;
	struct list all;		/* in queue->all */
	struct list warm;		/* in queue->warm while memory is set */
	struct queue_memory *memory;
	struct queue_commit *commit;	/* state on its way to the spool */
	struct queue_wait *waits;	/* who waits until it is there */
	uint32_t customer;
	bool own;			/* a report: no report about it */
	bool live;			/* its accept frame is synced */
	bool dirty;			/* changed since commit was made */
	bool reporting;			/* a report about it is under way */
	bool ends_with_report;		/* whose frame says that it is done */
	bool changed;			/* since that frame was made */
	bool releasing;			/* held parts become ready when commit
					 * is synced */
	bool over;			/* the spool knows it is done: freed as
					 * soon as no commit is under way */
	bool big;
	bool message_booked;		/* the user's message is, too */
	struct queue_release *release;	/* whose booking is under way */
	struct held_message *held;	/* its place among what is held over
					 * limits; NULL: none */
	uint8_t notify_any;		/* dsn_notify of all recipients, or-ed */
	uint16_t recipient_count;
	uint16_t part_count;
	uint32_t waiting;		/* recipients not at their end */
	uint64_t size;
	struct queue_part *parts;
	struct queue_recipient *recipients;	/* sorted by part */
};

/* Allocates entry, parts and recipients in one piece, routed by r; parts are
 * READY. NULL: out of memory or a domain without a route. */
struct queue_entry *entry_new(struct queue *q, const struct router *r,
			      const struct envelope *e);
/* With room for so many, all zero but the links to each other. */
struct queue_entry *entry_alloc(struct queue *q, struct id id,
				uint16_t parts, uint16_t recipients);
/* Frees it; it must be in no list. */
void entry_free(struct queue_entry **entry);
/* Asserts what holds in its states. */
void entry_check(const struct queue_entry *entry);

/* Keeps the words (cut, cleaned of control characters). */
void recipient_set_reply(struct queue_recipient *r, uint16_t code,
			 const uint8_t enhanced[3], slice reply);

/*
 * The state of an entry as bytes: what state frames and checkpoints hold
 * (docs/formats/queue_state.md). Whole each time, so the last one counts,
 * and complete: an entry is made from it without its envelope.
 */
void entry_state_write(struct buf *out, const struct queue_entry *e);
/* NULL and err: ERR_PROTOCOL for bytes that are no state, ERR_INTERNAL out
 * of memory. A destination that is no more becomes the unrouted one. */
struct queue_entry *entry_from_state(struct queue *q, struct id id,
				     struct destinations *all, slice state,
				     struct err *err);
