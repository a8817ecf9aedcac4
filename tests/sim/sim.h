/*
 * The deterministic world of the simulator: one real thread on which the
 * threads of the program take turns in an order drawn from a seed, on a
 * virtual clock. threads.c, clock.c, random.c and disk.c stand behind the
 * headers of src/os; they are chosen at link time. A seed and a commit
 * reproduce a run bit for bit.
 *
 * The one file-level variable of the simulator is `sim`: the functions of
 * src/os have no context argument.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/thread.h"

struct disk;

/* A stream of numbers; streams of one seed don't disturb each other. */
struct sim_random {
	uint64_t state;
};
uint64_t sim_next(struct sim_random *r);
/* In [0, n), n > 0. */
uint64_t sim_below(struct sim_random *r, uint64_t n);
bool sim_chance(struct sim_random *r, unsigned percent);

struct sim {
	uint64_t seed;
	struct sim_random order;	/* who runs next, how long it takes */
	struct sim_random program;	/* what os_random gives */
	struct sim_random faults;	/* what the disk does */
	int64_t now_ns;
	uint64_t steps;
	struct os_thread *threads;	/* in order of their making */
	struct os_pool *pools;
	struct os_thread *self;
	struct disk *disk;
	/* Pool jobs take up to so long before they run. */
	int64_t job_delay_max_ns;
};

extern struct sim *sim;

void sim_begin(uint64_t seed);
/* Threads and pools must be gone. */
void sim_end(void);

/* One round of one thread or one job of a pool; moves the clock when nobody
 * has anything to do now. False: nobody ever will, or the clock would pass
 * until_ns. */
bool sim_step(int64_t until_ns);
