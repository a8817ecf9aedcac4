/* What the files of src/deliver share. */
#pragma once

#include "deliver/deliver.h"

struct deliver_lane {
	struct deliver *deliver;
	struct destination *destination;
	struct loop_task dispatch;
	struct list idle;		/* hop.node: connections to spare */
	uint32_t idle_count;
	/* sharing with the lanes of other shards (lane.c) */
	uint32_t used;			/* of the destination's connections */
	bool waiting;			/* for one; counted there */
	bool yielded;			/* gave one away: others first */
	bool resting;			/* for want of memory */
	struct timer look;
};

struct deliver {
	struct deliver_config config;
	struct deliver_lane *lanes[DESTINATIONS_MAX];
	struct list hops;		/* all connections */
	uint32_t attempts;		/* under way, reports being read too */
	bool draining;
	void (*empty)(void *ctx);
	void *empty_ctx;
};

/*
 * An attempt: one leased part on its way, from lease to outcome.
 *
 *   load (memory or spool) → routed? expired? → hop or Maildir → outcome
 */
struct attempt {
	struct deliver *deliver;
	struct deliver_lane *lane;
	struct queue_part *part;
	struct hop *hop;		/* while it sends */
	struct spool_read read;
	bool was_read;			/* read.envelope is ours */
	struct arena arena;
	struct envelope envelope;
	struct body *body;		/* NULL: big */
	bool expired;
	int64_t until_ms;		/* monotonic: limits.attempt_ms */
	uint16_t at, batch;		/* recipients of the part: done, and in
					 * this transaction */
	struct queue_result *results;	/* one a recipient of the part */
	bool *has_result;		/* the same recipient has one */
	uint32_t result_count;
	bool down, ambiguous;
	char tls[16];
};

/* --- attempt.c */
/* Begins with the next part of the lane; false: there is none. */
bool attempt_begin(struct deliver_lane *lane, struct hop *hop);
/* Copies the outcome of one recipient (index in the part). */
void attempt_result(struct attempt *a, uint16_t index, enum result_kind kind,
		    uint16_t code, const uint8_t enhanced[3], slice reply,
		    bool dsn_passed);
/* All that have no result yet get this one. */
void attempt_rest(struct attempt *a, enum result_kind kind, uint16_t code,
		  const uint8_t enhanced[3], slice reply);
/* The queue learns; the attempt is freed. host: peer's name, may be empty. */
void attempt_end(struct attempt *a, slice host, const struct ip_port *peer);
/* The attempt's recipient: its number in the envelope. */
uint16_t attempt_number(const struct attempt *a, uint16_t index);
/* Is it still to be sent to (not held or removed meanwhile)? */
bool attempt_wants(const struct attempt *a, uint16_t index);

/* --- lane.c: connections shared between shards */
void lane_init_sharing(struct deliver_lane *l);
void lane_fini_sharing(struct deliver_lane *l);
/* Takes one of the destination's connections (or a place in a Maildir). False:
 * none is free; the lane is dispatched again soon. */
bool lane_enter(struct deliver_lane *l) MUST_USE;
/* Could not begin, for want of memory: looks again in a while, not at once. */
void lane_rest(struct deliver_lane *l);
/* Gives it back. */
void lane_leave(struct deliver_lane *l);
/* There is nothing to send any more: it doesn't wait for one. */
void lane_wait_over(struct deliver_lane *l);
/* Should a connection that has just become free be closed, so that another
 * shard's lane may have one? */
bool lane_gives_up(struct deliver_lane *l);
/* A connection went to lane->idle. */
void lane_idle(struct deliver_lane *l);

/* --- hop.c: a connection to a next hop */
struct hop;
/* A new connection for the lane; the caller has entered the destination. The
 * attempt, when it is loaded, comes by hop_send. */
struct hop *hop_open(struct deliver_lane *lane, const struct route *route);
/* An attempt is being loaded for it: it stays until hop_idle. */
void hop_claim(struct hop *h);
void hop_send(struct hop *h, struct attempt *a);
/* Nothing to send any more: back to the idle ones (or closed). */
void hop_idle(struct hop *h);
/* Takes one that is idle. NULL: none. */
struct hop *hop_take_idle(struct deliver_lane *lane);
/* So many idle ones end, the longest unused first. */
void hop_close_idle(struct deliver_lane *lane, uint32_t count);
bool hop_uses(const struct hop *h, const struct routes *routes);
void hop_close(struct hop *h);

/* --- maildir.c */
void maildir_send(struct attempt *a, const struct route *route);

/* --- deliver.c */
void lane_dispatch_later(struct deliver_lane *lane);
void deliver_attempt_over(struct deliver *d);
