/*
 * What the benches of the ledger share: a ledger with relay's mutexes, keys,
 * time. The heap is kept as relay keeps it.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "limits/ledger.h"
#include "os/process.h"
#include "os/thread.h"

#define START INT64_C(1767225600000)
#define UNLIMITED (UINT64_MAX / 2)

struct random {
	uint64_t state;
};

static inline uint64_t next_random(struct random *r)
{
	uint64_t n = r->state += 0x9e3779b97f4a7c15u;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline _Noreturn void die(const char *what)
{
	fprintf(stderr, "ledger: %s\n", what);
	exit(1);
}

struct ledger_world {
	struct ledger *ledger;
	struct os_mutex *stripes[LEDGER_STRIPES];
};

static inline void world_lock(void *ctx, unsigned i)
{
	os_mutex_lock(((struct ledger_world *)ctx)->stripes[i]);
}

static inline void world_unlock(void *ctx, unsigned i)
{
	os_mutex_unlock(((struct ledger_world *)ctx)->stripes[i]);
}

static inline void world_open(struct ledger_world *w)
{
	struct err err;
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		if (!os_mutex_new(&w->stripes[i], &err))
			die(err.text);
	w->ledger = ledger_new(
		(struct ledger_locks){ world_lock, world_unlock, w },
		UINT64_C(16) << 30);
	if (w->ledger == NULL)
		die("out of memory");
}

static inline void world_close(struct ledger_world *w)
{
	ledger_free(&w->ledger);
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		os_mutex_free(&w->stripes[i]);
}

static inline struct ledger_ask world_ask(uint32_t count)
{
	return (struct ledger_ask){
		.count = count,
		.allowed = { UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED,
			     0, 0 },
	};
}
