/*
 * The relay without its process: spool, journal, shards, and what they share.
 * relay.c gives it sockets, keys and a sandbox; the simulator gives it a
 * world of its own. Calls are made on the thread that opened it (the control
 * thread); what comes back is posted there.
 */
#pragma once

#include "app/shard.h"

enum { RELAY_SHARDS_MAX = 256 };

struct relay_core_config {
	struct os_thread *home;		/* the control thread */
	uint32_t shards;
	slice hostname, help_url;
	const struct limits *limits;
	int spool_dir, journal_dir;
	uint64_t segment_bytes, keep_free_bytes, journal_keep_ms,
		journal_bytes;
	uint64_t checkpoint_min_bytes;	/* of log between two; 0: 256 MiB */
	const struct route *routes;	/* specs (deliver/route.h) */
	size_t route_count;
	struct retry_plan retry;
	const struct view *view;
	struct tls_context *tls_server, *tls_client;	/* may be NULL */
	struct resolver *resolver;
	const uint8_t *pepper, *booking_key;
	struct counters_page *counters;	/* may be NULL */
	struct notes *notes;		/* may be NULL */
	const struct id *poison;
	size_t poison_count;
	const struct receive_refused *refused;
	size_t refused_count;
	struct log *log;
	/* Mail to the operator that a start finds, in the order of the log;
	 * while relay_core_open runs. May be NULL. */
	void (*operator_mark)(void *ctx, uint8_t number, int64_t sent_ms);
	void *operator_ctx;
};

struct relay_core;
/* Recovers the spool: everything that was accepted is in the queue when it
 * returns. ERR_TEMPORARY: the spool is locked by another process. The config
 * (and what it points to) must live as long as the core. */
bool relay_core_open(const struct relay_core_config *config,
		     struct relay_core **out, struct err *err) MUST_USE;
/* Threads run, mail flows. */
bool relay_core_start(struct relay_core *c, struct err *err) MUST_USE;
/* A listening socket for shard n; before relay_core_start. What rules points
 * to must live as long as the core. */
bool relay_core_listen_by(struct relay_core *c, uint32_t shard, int fd,
			  enum receive_tls tls, slice name,
			  const struct receive_rules *rules,
			  struct err *err) MUST_USE;
/* The same without rules. */
bool relay_core_listen(struct relay_core *c, uint32_t shard, int fd,
		       enum receive_tls tls, slice name,
		       struct err *err) MUST_USE;
/* live is called when every shard uses it. One at a time: a later view waits
 * for the one before. */
void relay_core_set_view(struct relay_core *c, const struct view *view,
			 void (*live)(void *ctx, uint64_t revision),
			 void *ctx);
/* New routes and retry plan: first all that can fail, then what can't.
 * concurrency: limits.destination_concurrency. */
struct new_routes {
	struct routes *routes;		/* NULL: none */
	struct old_routes *old;		/* for those whose place they take */
	struct retry_plan retry;
};
bool relay_core_make_routes(struct relay_core *c, const struct route *specs,
			    size_t count, const struct retry_plan *retry,
			    uint32_t concurrency, struct new_routes *out,
			    struct err *err) MUST_USE;
/* From now on; later ones wait for those before, and the last of those that
 * wait count. Takes what n holds. */
void relay_core_take_routes(struct relay_core *c, struct new_routes *n);
/* Of some that are not taken, or none. */
void new_routes_drop(struct new_routes *n);
/* What the core itself takes of new limits: bodies_memory. They must live as
 * long as the core; shards are told by app/live. */
void relay_core_set_limits(struct relay_core *c, const struct limits *limits);
/* Drains all shards, then the spool (with a checkpoint), then `stopped`;
 * relay_core_close may follow. */
void relay_core_drain(struct relay_core *c, void (*stopped)(void *ctx),
		      void *ctx);
/* After stopped, or after relay_core_open without start. */
void relay_core_close(struct relay_core **c);

/* Runs work on shard n's thread, then done here. The object is the caller's
 * until done. */
struct relay_job {
	struct os_post there, back;
	struct os_thread *home;
	struct shard *shard;
	void (*work)(struct relay_job *job, struct shard *s);
	void (*done)(struct relay_job *job);
	/* set beforehand: the work ends later, by relay_job_over */
	bool later;
};
void relay_core_run(struct relay_core *c, uint32_t shard,
		    struct relay_job *job);
/* On the shard's thread. */
void relay_job_over(struct relay_job *job);
uint32_t relay_core_shards(const struct relay_core *c);
/* Once a second: how many log lines were left out, by client. now_ms:
 * loop_now_ms. */
void relay_core_tell_log(struct relay_core *c, int64_t now_ms);
struct journal *relay_core_journal(struct relay_core *c);
struct spool *relay_core_spool(struct relay_core *c);
struct destinations *relay_core_destinations(struct relay_core *c);
/* The newest one; lent until the next set_view. */
const struct view *relay_core_view(const struct relay_core *c);
struct ledger *relay_core_ledger(struct relay_core *c);
struct held *relay_core_held(struct relay_core *c);
const struct body_budget *relay_core_bodies(const struct relay_core *c);
