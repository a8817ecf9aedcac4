/*
 * Threads, posts and pools: who runs what, and how work crosses from one
 * thread to another. Simulated in tests/sim, where threads are turns in
 * seeded order on a virtual clock.
 *
 * A thread is a mailbox, a poller and a `turn`. Its driver, for ever: run
 * what was posted, tell watches of ready sockets, take a turn; then sleep
 * until the time that turn named, a post or a ready socket. A turn never
 * waits. Only jobs of a pool and the commit thread call what may block.
 *
 * A post is a node inside its object, one outstanding each: mailboxes never
 * fill. Posts of one sender to one thread keep their order.
 */
#pragma once

#include <stdatomic.h>

#include "base/err.h"
#include "base/ip.h"

struct os_thread;

#define OS_NEVER INT64_MAX
/* Returned by a turn: take another one at once (after posts and sockets). */
#define OS_AGAIN 0

/* Does what is due, without waiting; returns the monotonic ns until which
 * nothing is due, OS_AGAIN or OS_NEVER. */
typedef int64_t os_turn(void *ctx);

/* Made first, so that others can hold it; runs when started. */
bool os_thread_new(struct os_thread **out, const char *name, os_turn *turn,
		   void *ctx, struct err *err) MUST_USE;
bool os_thread_start(struct os_thread *t, struct err *err) MUST_USE;
/* Runs it on the calling thread until os_thread_stop. */
void os_thread_run(struct os_thread *t);
/* Any thread: the driver returns after its current or next round; what this
 * caller posted before is run. */
void os_thread_stop(struct os_thread *t);
/* Waits for its end (stop it first; one that never ran has ended). Then what
 * lives on it may be freed by the caller, and last comes os_thread_join. */
void os_thread_wait(struct os_thread *t);
/* Waits for its end and frees it; *t is cleared. Posts still in its mailbox
 * are dropped. One that never ran is only freed. */
void os_thread_join(struct os_thread **t);
/* The thread that runs now; NULL in threads that are none of ours. */
struct os_thread *os_thread_self(void);

/* call(ctx, err) with all signals blocked: threads that a library starts in
 * there leave signals to the main thread, as ours do. Returns what it does. */
bool os_masked(bool (*call)(void *ctx, struct err *err), void *ctx,
	       struct err *err) MUST_USE;

struct os_post {
	struct os_post *next;
	void (*run)(struct os_post *post);	/* on the receiving thread */
	_Atomic bool posted;			/* taken back before run */
};
void os_post_init(struct os_post *post, void (*run)(struct os_post *));
/* Any thread. The post must not be outstanding. */
void os_thread_post(struct os_thread *to, struct os_post *post);

/* A job for a pool: `work` on one of its threads (may block), then `done`
 * posted to the thread that submitted it. */
struct os_job {
	struct os_post done;
	struct os_thread *home;
	struct os_job *next;
	void (*work)(struct os_job *job);
};
struct os_pool;
bool os_pool_open(struct os_pool **out, const char *name, unsigned threads,
		  struct err *err) MUST_USE;
/* Ends when the jobs submitted so far are done. */
void os_pool_close(struct os_pool **pool);
/* On one of our threads. done: job->done.run is called with &job->done. */
void os_pool_submit(struct os_pool *pool, struct os_job *job,
		    void (*work)(struct os_job *),
		    void (*done)(struct os_post *));

/* For state that is shared (limits ledger, budgets): held for one look-up,
 * never across a wait. */
struct os_mutex;
bool os_mutex_new(struct os_mutex **out, struct err *err) MUST_USE;
void os_mutex_free(struct os_mutex **m);
void os_mutex_lock(struct os_mutex *m);
void os_mutex_unlock(struct os_mutex *m);
