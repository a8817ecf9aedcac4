/* What the files of relay_core share. */
#pragma once

#include "app/relay_core.h"
#include "app/relay_ledger.h"

struct relay_core {
	struct relay_core_config config;
	struct journal *journal;
	struct os_pool *disk;
	struct spool *spool;
	struct body_budget budget;
	struct budgets *budgets;
	struct log_sources *log_sources;
	struct relay_ledger ledger;
	struct held *held;
	struct destinations destinations;
	struct routes *routes;		/* of today */
	struct list old_routes;		/* kept till the end; few */
	struct shard shards[RELAY_SHARDS_MAX];
	uint32_t shard_count;		/* opened */
	bool started;
	struct relay_job begin_jobs[RELAY_SHARDS_MAX];
	/* a view on its way into the shards */
	struct relay_job view_jobs[RELAY_SHARDS_MAX];
	const struct view *view, *view_next;
	uint32_t view_waits;
	void (*live)(void *ctx, uint64_t revision);
	void *live_ctx;
	/* routes on their way into the shards, and those that wait for them */
	struct relay_job route_jobs[RELAY_SHARDS_MAX];
	uint32_t routes_wait;
	struct retry_plan retry;
	struct new_routes routes_next;
	/* the end */
	struct relay_job drain_jobs[RELAY_SHARDS_MAX];
	uint32_t drain_waits;
	struct os_post spool_stopped;
	void (*stopped)(void *ctx);
	void *stopped_ctx;
};

struct old_routes {
	struct list node;
	struct routes *routes;
};

/* relay_core_routes.c: all of them, when no shard has them any more. */
void relay_core_free_routes(struct relay_core *c);
