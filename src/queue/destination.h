/*
 * Where mail can go: what all shards share of one destination. In this
 * version a destination is a route of the configuration (smart host, LMTP,
 * Maildir); each shard has a lane to it and sends over its own connections,
 * while concurrency and pauses are counted here, together.
 *
 * Destinations live as long as the process: a changed configuration brings
 * new ones and a new router, and parts move at their next attempt.
 */
#pragma once

#include <stdatomic.h>

#include "base/slice.h"

enum { DESTINATIONS_MAX = 4096, DESTINATION_NAME_MAX = 320 };

struct destination {
	uint32_t index;			/* of its lane in every shard */
	uint64_t key;			/* hash of the name, for states */
	char name[DESTINATION_NAME_MAX];	/* "smart_host mx.example:587" */
	uint32_t concurrency_max;	/* connections at once, all shards */
	_Atomic uint32_t active;	/* of them in use now */
	_Atomic uint32_t waiting;	/* shards that want one and have none */
	/* health: after failures of the whole host nothing is tried before
	 * this wall-clock time; 0: healthy */
	_Atomic int64_t not_before_ms;
	_Atomic uint32_t failures;	/* in a row */
	_Atomic bool paused;		/* by the operator */
};

/* Finds the destination of a domain; deliver/route implements it. NULL: no
 * route (550 5.4.4). Immutable; any thread. */
struct router {
	struct destination *(*route)(const struct router *r, slice domain);
};

/* One connection more; false when all are in use. */
static inline bool destination_enter(struct destination *d)
{
	uint32_t active = atomic_load_explicit(&d->active,
					       memory_order_relaxed);
	do {
		if (active >= d->concurrency_max)
			return false;
	} while (!atomic_compare_exchange_weak(&d->active, &active,
					       active + 1));
	return true;
}
static inline void destination_leave(struct destination *d)
{
	uint32_t before = atomic_fetch_sub(&d->active, 1);
	invariant(before > 0);
}

/* All destinations of the process; number 0 is "unrouted": parts whose
 * destination is no more wait there until their envelope says more. */
struct destinations {
	_Atomic uint32_t count;
	struct destination *_Atomic all[DESTINATIONS_MAX];
};
/* False: out of memory. */
bool destinations_init(struct destinations *all) MUST_USE;
void destinations_fini(struct destinations *all);
/* The one of that name, made when new; one thread at a time. NULL: too many
 * or out of memory. */
struct destination *destinations_named(struct destinations *all, slice name,
				       uint32_t concurrency_max);
/* NULL: none. Any thread. */
struct destination *destinations_by_key(const struct destinations *all,
					uint64_t key);
static inline struct destination *
destinations_at(const struct destinations *all, uint32_t index)
{
	invariant(index < atomic_load(&all->count));
	return atomic_load(&all->all[index]);
}
enum { DESTINATION_UNROUTED = 0 };
