/*
 * What a reload changes in shards that run: listeners, TLS, limits. A change
 * is the whole of all three; each shard takes it in one step, on its own
 * thread, so no connection sees half of one. Calls on the control thread.
 */
#pragma once

#include "app/relay_core.h"

struct live_listener {
	uint32_t shard;
	struct receive_listening of;	/* slices and ranges are copied */
};

struct live_config {
	struct tls_context *tls, *tls_legacy;	/* may be NULL */
	const struct limits *limits;	/* copied */
	const struct live_listener *listeners;
	size_t listener_count;
};

/* Every shard has it; err: some listener could not be taken, else NULL. */
typedef void live_done(void *ctx, const struct err *err);

struct live;
bool live_new(struct relay_core *core, live_done *done, void *ctx,
	      struct live **out, struct err *err) MUST_USE;
/* After the core was closed: its shards point to what this has. */
void live_free(struct live **l);
/* First all that can fail, then what can't. One at a time: a later one waits
 * for the one before, and the last one of those that wait counts. `done` is
 * told once for each that was taken. May be taken before the threads run: it
 * is the first thing that they do. */
struct live_change;
bool live_make(struct live *l, const struct live_config *config,
	       struct live_change **out, struct err *err) MUST_USE;
void live_take(struct live *l, struct live_change **change);
/* One that is not taken, or none. */
void live_drop(struct live_change **change);
/* The same with other TLS alone, and all else as the last one said. */
bool live_set_tls(struct live *l, struct tls_context *tls,
		  struct tls_context *tls_legacy, struct err *err) MUST_USE;
/* A change is under way or waits. */
bool live_busy(const struct live *l);
/* Clients that came with old TLS, of all shards. */
struct legacy_clients *live_legacy_clients(struct live *l);
