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
struct list;

/* A stream of numbers; streams of one seed don't disturb each other. */
struct sim_random {
	uint64_t state;
};
uint64_t sim_next(struct sim_random *r);
/* In [0, n), n > 0. */
uint64_t sim_below(struct sim_random *r, uint64_t n);
bool sim_chance(struct sim_random *r, unsigned percent);

/*
 * Something that happens outside of the program at a time: a packet arrives,
 * a client acts. The owner's node; run once, then it may be set again.
 */
struct sim_event {
	int64_t at_ns;
	uint64_t number;		/* equals run in the order of asking */
	uint32_t place;			/* in the heap + 1; 0: not set */
	void (*run)(struct sim_event *e);
};
void sim_event_init(struct sim_event *e, void (*run)(struct sim_event *));
void sim_at(struct sim_event *e, int64_t at_ns);
void sim_after(struct sim_event *e, int64_t ns);
void sim_cancel(struct sim_event *e);
/* INT64_MAX: nothing is to happen. */
int64_t sim_next_event_ns(void);

/* Calls of one kind (files, sockets) that the program makes: the n-th one
 * fails, or it and all behind it. Counted only while one is to fail. */
struct sim_calls {
	uint64_t count, fail_at;	/* 0: none fails */
	bool for_ever, other;		/* the usual error or the other one */
	const char *first;		/* the first that failed; NULL: none */
	int64_t first_ns, last_ns;
};

struct sim {
	uint64_t seed;
	struct sim_random order;	/* who runs next, how long it takes */
	struct sim_random program;	/* what os_random gives */
	struct sim_random faults;	/* what the disk does */
	int64_t now_ns;
	/* How far the machine's wall clock has been moved, and the process's
	 * own (src/os/clock.h). */
	int64_t machine_wall_ms, process_wall_ms;
	int64_t process_floor_ms;	/* a time: its own is never below it */
	uint64_t steps;
	struct os_thread *threads;	/* in order of their making */
	struct os_pool *pools;
	struct os_thread *self;
	struct disk *disk;
	struct sim_calls files, sockets;
	/* Pool jobs take up to so long before they run. */
	int64_t job_delay_max_ns;
	/* A write or sync holds its thread up to so long. */
	int64_t disk_delay_max_ns;
	struct os_mutex *mutexes;
	struct sim_event **heap;	/* by time */
	uint32_t events, events_cap;
	uint64_t event_number;
	/* The program runs (and not the world around it): its calls count, its
	 * memory is its own. */
	bool inside;
	/* At each call of the program to the outside; may not return. */
	void (*on_call)(void);
	/* net.c: tells the ready sockets of a thread */
	void (*tell_sockets)(struct list *ready);
	/* and: forgets its watches */
	void (*forget_sockets)(const struct os_thread *t);
	uint64_t hash;			/* of all that happened */
	bool trace;
};

extern struct sim *sim;

/* Everything that happens comes by here: two runs of a seed are the same when
 * their hashes are. */
void sim_note(const char *what, uint64_t a, uint64_t b);

/* The program stands at the kernel's door: here it may die. */
static inline void sim_call(void)
{
	if (sim->inside && sim->on_call != NULL)
		sim->on_call();
}
void sim_fail_at(struct sim_calls *c, uint64_t n, bool for_ever, bool other);
/* The errno with which this call fails; 0: it does not. */
int sim_call_error(struct sim_calls *c, const char *where, int usual,
		   int other);
/* Some failed around this time. */
bool sim_calls_failed(const struct sim_calls *c, int64_t ns,
		      int64_t margin_ns);

/* Sockets of the thread that have something to tell; kept by net.c. */
struct list *sim_ready_sockets(struct os_thread *t);
/* The thread that runs is held up by the disk. */
void sim_hold_up(void);
/* A process begins, with the machine's wall clock. */
void sim_wall_process_begins(void);
/* How far its own time is moved, now. */
int64_t sim_own_wall_ms(void);
/* The process is dead: threads, pools and mutexes are no more. */
void sim_process_died(void);

void sim_begin(uint64_t seed);
/* Threads and pools must be gone. */
void sim_end(void);

/* One round of one thread or one job of a pool; moves the clock when nobody
 * has anything to do now. False: nobody ever will, or the clock would pass
 * until_ns. */
bool sim_step(int64_t until_ns);
