/*
 * A shard: one thread, its loop, and on it everything a message needs from
 * accept to delivery: receive, door, queue, deliver. Shards share the spool,
 * the journal, the resolver, the destinations and the body budget.
 */
#pragma once

#include "accept/door.h"
#include "deliver/deliver.h"
#include "receive/receive.h"

struct shard_config {
	unsigned number;
	struct spool *spool;		/* set before shard_open_rest */
	struct journal *journal;
	struct log *log;
	struct counters *counters;
	struct note *note;
	struct body_budget *budget;
	struct budgets *budgets;
	struct log_sources *log_sources;
	struct ledger *ledger;
	struct held *held;		/* of all shards */
	const struct limits *limits;
	struct resolver *resolver;
	struct os_pool *disk;
	slice hostname, help_url;
	const uint8_t *pepper, *booking_key;
	uint64_t body_log_max_bytes;
	const struct receive_refused *refused;
	size_t refused_count;
	struct destinations *destinations;
	const struct routes *routes;
	struct retry_plan retry;
	const struct view *view;
	struct tls_context *tls_server, *tls_client;
};

struct shard {
	struct shard_config config;
	struct loop *loop;
	struct queue *queue;
	struct door *door;
	struct alerts *alerts;
	struct receive *receive;
	struct deliver *deliver;
	const struct view *view;
	struct timer tick;		/* the queue's */
	int64_t tick_at_ms;		/* wall clock; 0: not set */
	struct timer second;		/* cooling, counters, heartbeat */
	int64_t wall_offset_ms;		/* wall - monotonic, a second ago */
	struct os_post checkpoint_post;
	struct timer checkpoint_timer;	/* the next slice */
	struct spool_checkpoint *checkpoint;
	bool checkpoint_begun;
	/* draining: called on this shard's thread when all is quiet */
	void (*drained)(struct shard *s);
	void *owner;
};

/* Loop and queue: ready to be recovered into. */
bool shard_open(struct shard *s, const struct shard_config *config,
		struct err *err) MUST_USE;
/* Door, receive, deliver: when the spool is open. */
bool shard_open_rest(struct shard *s, struct spool *spool,
		     struct err *err) MUST_USE;
/* On its own thread, first: parts into lanes, timers. */
void shard_begin(struct shard *s);
void shard_set_view(struct shard *s, const struct view *view);
void shard_set_routes(struct shard *s, const struct routes *routes,
		      const struct retry_plan *retry);
/* On its thread: stops taking mail, ends transactions and attempts. */
void shard_drain(struct shard *s, void (*drained)(struct shard *s));
/* Any thread: hand over entries to a checkpoint. */
void shard_checkpoint(struct shard *s, struct spool_checkpoint *ck);
/* After its thread has ended. */
void shard_close(struct shard *s);
