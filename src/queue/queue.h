/*
 * The queue of one shard: which recipients of which message are due, where,
 * for whom. Everything here runs on the shard's loop. The spool has the
 * bytes; the queue has the state, and writes it there with each change.
 */
#pragma once

#include "base/counters.h"
#include "base/log.h"
#include "base/map.h"
#include "base/timerwheel.h"
#include "journal/journal.h"
#include "limits/ledger.h"
#include "queue/entry.h"
#include "queue/held.h"
#include "queue/ready.h"
#include "queue/schedule.h"
#include "spool/spool.h"

enum { RETRY_STEPS_MAX = 32 };

struct retry_plan {
	int64_t after_ms[RETRY_STEPS_MAX];	/* the last one repeats */
	uint32_t steps;
	int64_t expire_ms;
	int64_t expire_own_ms;		/* reports: 1 day */
};

struct queue;
struct queue_hooks {
	void *ctx;
	/* A part became READY in the lane of d: dispatch when you can. */
	void (*ready)(void *ctx, struct destination *d);
	/* Recipients have ended that a report is due for; no attempt is under
	 * way. Answer with queue_reported or queue_report_later. */
	void (*report)(void *ctx, struct queue_entry *e);
	/* What a customer may have now; false: there is none of that number.
	 * For mail that is held over limits, as all below. */
	bool (*allowed)(void *ctx, uint32_t customer, struct allowance *out);
	/* A release's booking reached 80 or 100 % of a limit. sender_domain:
	 * of the message. */
	void (*alert)(void *ctx, const struct ledger_alert *alert,
		      slice sender_domain);
};

struct queue_config {
	struct spool *spool;
	struct journal *journal;
	struct log *log;
	struct counters *counters;	/* this shard's slot */
	const struct router *router;
	struct destinations *destinations;
	struct retry_plan retry;
	int64_t warm_ms;		/* 10 s */
	/* held over limits; NULL: nothing ever is */
	struct held *held;
	uint32_t shard;			/* number of this queue in there */
	int64_t held_look_ms;
	struct ledger *ledger;
	const uint8_t *booking_key;	/* BOOKING_KEY */
	/* the shard's time, and how to be called again at a time */
	int64_t (*wall_ms)(void *clock);
	void (*wake_at)(void *clock, int64_t wall_ms);
	void *clock;
};

bool queue_new(const struct queue_config *config,
	       const struct queue_hooks *hooks, struct queue **out,
	       struct err *err) MUST_USE;
void queue_free(struct queue **q);
/* The spool is opened after the queue it recovers into. */
void queue_set_spool(struct queue *q, struct spool *spool);
/* Destinations of new messages and of the next attempts. */
void queue_set_router(struct queue *q, const struct router *r);
const struct router *queue_router(const struct queue *q);
void queue_set_retry(struct queue *q, const struct retry_plan *plan);

/* --- coming in ------------------------------------------------------------ */

/* Before the accept frame is written: everything that could fail fails
 * here. NULL: no memory, or no route. */
struct queue_entry *queue_prepare(struct queue *q, const struct envelope *e);
/* Of a message that was prepared: which limit (ledger_verdict; LEDGER_OK: none)
 * holds each recipient (by its number in the envelope), SPEC 6.10; user:
 * counted sender; message_booked: the others are booked. False: no memory. */
bool queue_keep_held(struct queue_entry *e, const uint8_t *held, uint32_t user,
		     bool message_booked) MUST_USE;
/* It was not accepted. */
void queue_drop(struct queue_entry **e);
/* Its accept frame is synced: due now. Takes the memory (may be NULL). */
void queue_live(struct queue_entry *e, struct queue_memory *memory);
/* From recovery: made from its state, or, where that is empty, from the
 * envelope. The entry is live and cold. Twice for one id: the later one
 * counts. ERR_PROTOCOL: neither can be read. */
bool queue_recover(struct queue *q, struct id id, const struct envelope *e,
		   slice state, struct err *err) MUST_USE;
void queue_recover_done(struct queue *q, struct id id);
/* After the last one: puts the parts into lanes and heap. */
void queue_recover_end(struct queue *q);

/* --- attempts ------------------------------------------------------------- */

/* The next part of this destination, leased; NULL when none is due or the
 * destination is paused. expired: its time is over, don't connect, report
 * by queue_outcome with queue_expired results. */
struct queue_part *queue_take(struct queue *q, struct destination *d,
			      bool *expired);
/* There is something to take. */
bool queue_has_ready(const struct queue *q, const struct destination *d);

enum result_kind {
	RESULT_DELIVERED,
	RESULT_DEFERRED,
	RESULT_FAILED,
};
struct queue_result {
	uint16_t number;	/* recipient in the envelope */
	enum result_kind kind;
	uint16_t code;
	uint8_t enhanced[3];
	slice reply;
	bool dsn_passed;
};
/* What is told about an attempt besides the recipients. */
struct queue_attempt {
	slice host;			/* name of the peer */
	struct ip_port address;
	const char *tls;		/* "TLSv1.3" or NULL */
	bool ambiguous;			/* the dot had no reply */
	/* the whole destination is at fault: back off, don't count against
	 * each message */
	bool destination_down;
	bool untried;			/* it was never connected to */
	const struct envelope *envelope;
};
/* Ends the lease: recipients, retry, state frame, journal, report. Recipients
 * of the part without a result stay as they were and are deferred. */
void queue_outcome(struct queue_part *part, const struct queue_attempt *a,
		   const struct queue_result *results, uint32_t count);
/* Ends the lease without an attempt; due again at once or after_ms later. */
void queue_untake(struct queue_part *part, int64_t after_ms);
/* Before an attempt, envelope at hand: do the recipients of the leased part
 * still go where the part goes? If not, the entry is made anew with the
 * routes of today (its parts due at once), the lease is over: false. */
bool queue_still_routed(struct queue_part *part, const struct envelope *e);

/* The report is accepted (its frame has told the spool), or none is needed:
 * the recipients are marked; the entry may be gone afterwards. */
void queue_reported(struct queue_entry *e);
/* The report could not be written: the queue asks again after a minute. */
void queue_report_later(struct queue_entry *e);
/* There is nobody who could be told (no route to the sender): as reported. */
void queue_unreportable(struct queue_entry *e);
/* For the report's accept frame: the state that the entry will have when the
 * report is accepted. True: nothing is left (ends_done). The report is about
 * those that have ended by now; who ends later is told in another one. */
bool queue_state_when_reported(struct queue_entry *e, struct buf *out);

/* --- time ----------------------------------------------------------------- */

/* Does what is due; called at the time asked for by wake_at. */
void queue_tick(struct queue *q);
/* Gives back the memory of messages that are warm too long, or of the
 * oldest ones while the budget is over three quarters. */
void queue_cool(struct queue *q, const struct body_budget *budget);

/* --- by hand (RFC: none; SPEC 9.4, 11.7) ---------------------------------- */

struct queue_entry *queue_find(struct queue *q, struct id id);
/* The entry behind `after` (NULL: the first), oldest first; NULL at the end. */
struct queue_entry *queue_next(struct queue *q, struct queue_entry *after);

/* The same in pieces: entries may come and go between two steps. Entries that
 * are there from the beginning to the end are told once each, others once or
 * not at all; never more than there were at the beginning. */
struct queue_walk {
	struct queue *queue;		/* NULL: it is over */
	struct list node;
	struct queue_entry *next;
	uint64_t left;
};
void queue_walk_begin(struct queue *q, struct queue_walk *w);
/* NULL: that was all, the walk is over. */
struct queue_entry *queue_walk_next(struct queue_walk *w);
/* Gives up before that; one that is over may be ended again. */
void queue_walk_end(struct queue_walk *w);

/* Each answers how many recipients it changed. A release leaves out what is
 * in no booking: that is queue_release_unbooked's. */
uint32_t queue_hold(struct queue_entry *e, enum held_reason reason);
uint32_t queue_release(struct queue_entry *e);
/* As a super admin may: not what the operator or a crash holds (SPEC 9.4). */
uint32_t queue_release_by_customer(struct queue_entry *e);
uint32_t queue_retry(struct queue_entry *e);
uint32_t queue_remove(struct queue_entry *e);

/* --- held over limits (release.c) ------------------------------------------ */

/* A release by hand of what no booking has (SPEC 6.10). The ask is the
 * caller's, filled down to `done`; it lives until done. */
struct queue_release_ask {
	struct id id;
	bool over_limit;		/* the operator's: whatever the limit */
	bool by_customer;		/* as queue_release_by_customer */
	void (*done)(struct queue_release_ask *ask);
	/* result */
	uint32_t released;		/* recipients, booked and on the disk */
	uint32_t kept;			/* no room, or under way just now */
	struct ledger_refusal why;	/* of the first one kept by a limit */
	bool failed;			/* not read, or not written */
	/* private */
	struct list node;
};
bool queue_has_unbooked(const struct queue_entry *e);
void queue_release_unbooked(struct queue *q, struct queue_release_ask *ask);
/* About once a second: looks whether there is room, releases what may go. */
void queue_look_at_held(struct queue *q);
/* No release begins any more; stopped is called when none is under way
 * (perhaps before this returns). */
void queue_stop_releases(struct queue *q, void (*stopped)(void *ctx),
			 void *ctx);

/* Somebody who waits until an entry stands in the spool as it is now. */
struct queue_wait {
	struct queue_wait *next;
	/* Once. ok false: it could not be written; it is tried again, and
	 * what was changed is lost if the process ends before. */
	void (*written)(struct queue_wait *w, bool ok);
};
/* False: it stands there already, `written` isn't called. The wait is the
 * caller's and lives until then (or until queue_free). */
bool queue_when_written(struct queue_entry *e, struct queue_wait *w) MUST_USE;

/* When the waiting recipients of the part are tried next, wall ms: now when
 * they are due or under way. 0: nobody knows (held, ended, or the destination
 * is paused by hand). */
int64_t queue_next_ms(const struct queue_part *p);

/* Hands states to the spool's checkpoint, a slice of a millisecond or less
 * each time: begin says that it is the first. True when all are handed over,
 * or there was no memory for one: then there will be no checkpoint.
 * Entries whose accept frame is not synced yet are handed over too: the spool
 * leaves out what it does not know. */
bool queue_checkpoint(struct queue *q, struct spool_checkpoint *ck,
		      bool begin);
uint64_t queue_count(const struct queue *q);
/* Recipients that have not ended, and those of them that are held. */
uint64_t queue_waiting(const struct queue *q, uint64_t *held);
