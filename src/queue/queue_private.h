/* What the files of src/queue share. */
#pragma once

#include "queue/queue.h"

/* Releases of what limits held: one envelope is read at a time. */
struct releases {
	struct list asks;		/* queue_release_ask.node */
	struct queue_release_ask *ask;	/* of the one under way, or NULL */
	struct held_grant grant;	/* else this */
	struct spool_read read;
	bool reading, stopping;
	int64_t look_ms;		/* next look */
	void (*stopped)(void *ctx);
	void *stopped_ctx;
};

/* The booking of an entry's release, from the reservation to its frame. */
struct queue_release {
	struct reservation *reservation;
	struct allowance allowed;
	struct buf booking;
	struct queue_release_ask *ask;	/* who waits for it, or NULL */
	bool full;			/* the ask may have more */
	char sender_domain[ADDRESS_DOMAIN_MAX + 1];
};

struct queue {
	struct queue_config config;
	struct queue_hooks hooks;
	struct map entries;		/* by id */
	struct list all;		/* queue_entry.all, oldest first */
	struct list marker;		/* of the checkpoint, in `all` */
	struct list warm;		/* queue_entry.warm, oldest first */
	struct list walks;		/* queue_walk.node, under way */
	struct lane *lanes[DESTINATIONS_MAX];	/* made when first needed */
	struct schedule schedule;
	uint32_t parts;			/* of all entries */
	uint64_t waiting;		/* recipients that have not ended */
	uint64_t held;			/* of them held */
	uint32_t unwritten;		/* entries whose state waits for memory
					 * or for the spool */
	int64_t poke_ms;		/* next look at all lanes */
	struct releases releases;
};

/* A state of an entry on its way to the spool. */
struct queue_commit {
	struct spool_commit spool;
	struct queue_entry *entry;
	struct buf state;
	struct journal_event event;
	bool has_event;
};

int64_t queue_wall_ms(const struct queue *q);
bool entry_expired(const struct queue *q, const struct queue_entry *e);

/* Moves of a part; the only places that touch its state. */
void part_ready(struct queue *q, struct queue_part *p);
void part_schedule(struct queue *q, struct queue_part *p, int64_t next_ms);
/* Its time has come: READY, or the report it waited for. */
void part_due(struct queue *q, struct queue_part *p);
/* Out of lane and heap; the caller sets the next state at once. */
void part_unlink(struct queue *q, struct queue_part *p);
/* Recipients of the part in that state. */
uint16_t part_waiting(const struct queue_part *p);
uint16_t part_held(const struct queue_part *p);
uint32_t entry_held(const struct queue_entry *e);

/* Lanes for all parts, room in heap and map, then into `all`. */
bool queue_insert(struct queue *q, struct queue_entry *e) MUST_USE;
/* The reverse; frees it. */
void queue_forget(struct queue *q, struct queue_entry **e);
/* e goes: walks that stand before it pass on. */
void walks_pass(struct queue *q, struct queue_entry *e);
/* The queue goes: none is under way any more. */
void walks_end(struct queue *q);
/* Gives back envelope and body. */
void entry_cool(struct queue_entry *e);

/* Writes the state (or done) of e to the spool; the event, if any, goes to
 * the journal when it is synced (it is taken). */
void queue_write(struct queue *q, struct queue_entry *e,
		 struct journal_event *event);
/* Tells those who wait for it; the entry is in the spool (ok) or is not. */
void entry_written(struct queue_entry *e, bool ok);
/* Writes what could not be written before. */
void queue_write_late(struct queue *q);
/* Held over a limit (keep.c, release.c): it counts among what may be held so,
 * and its time ends. A super admin's hold changes nothing about that, or he
 * could have any amount of mail kept for ever; an operator's takes it out. */
static inline bool recipient_limit_held(const struct queue_recipient *r)
{
	return r->state == RECIPIENT_HELD && r->unbooked &&
	       (r->held == HELD_LIMIT || r->held == HELD_CUSTOMER);
}
/* Of them, those that no room releases. */
static inline bool recipient_held_by_hand(const struct queue_recipient *r)
{
	return recipient_limit_held(r) && r->held == HELD_CUSTOMER;
}
/* Its place in `held`, when it has such recipients. False: no memory. */
bool entry_join_held(struct queue *q, struct queue_entry *e, uint32_t user,
		     bool user_known) MUST_USE;
void entry_held_less(struct queue_entry *e, uint32_t recipients);
/* After a hand held some of them. */
void entry_held_recount(struct queue_entry *e);
/* It goes: nothing is held and nothing is being booked any more. */
void entry_leave_held(struct queue_entry *e);
/* Its release, if any, will not be: the booking is given back. */
void release_drop(struct queue_entry *e);
/* The frame with its booking is synced. */
void release_booked(struct queue_entry *e, int64_t booked_ms);
/* With a tick: those that were too many for one turn. */
void queue_go_on_releasing(struct queue *q);
/* The state as it will be then. */
void release_state_write(struct buf *out, struct queue_entry *e);

/* Asks for a report if one is due now. True: it asked. */
bool queue_ask_report(struct queue *q, struct queue_entry *e);
bool entry_unreported(const struct queue_entry *e);
