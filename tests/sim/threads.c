/*
 * Threads, posts, pools and mutexes without threads; see src/os/thread.h.
 * A step runs one whole round of one thread (its posts, then a turn) or one
 * job of a pool, chosen by the seed among all that could run now.
 */
#include "os/thread.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "os/clock.h"
#include "sim/disk.h"
#include "sim/sim.h"

struct sim *sim;

struct os_thread {
	struct os_thread *next;
	const char *name;
	os_turn *turn;
	void *ctx;
	struct os_post *first, *last;
	struct list sockets;		/* ready ones */
	int64_t until_ns;
	int64_t held_until_ns;		/* by the disk */
	bool started, stop, ended;
};

struct os_pool {
	struct os_pool *next;
	unsigned threads;
	struct os_job *first, *last;
	int64_t ready_ns;		/* of the job at the front */
};

struct os_mutex {
	struct os_mutex *next;
	bool held;
};

/* --- the world -------------------------------------------------------------- */

void sim_begin(uint64_t seed)
{
	invariant(sim == NULL);
	sim = calloc(1, sizeof(*sim));
	invariant(sim != NULL);
	sim->seed = seed;
	struct sim_random split = { seed * 3 + 1 };
	sim->order.state = sim_next(&split);
	sim->program.state = sim_next(&split);
	sim->faults.state = sim_next(&split);
	sim->now_ns = MS;
	sim->job_delay_max_ns = 3 * (int64_t)MS;
	sim->disk = disk_new();
}

void sim_end(void)
{
	invariant(sim->threads == NULL && sim->pools == NULL);
	disk_free(&sim->disk);
	free(sim->heap);
	free(sim);
	sim = NULL;
}

void sim_note(const char *what, uint64_t a, uint64_t b)
{
	uint64_t h = sim->hash ^ (uint64_t)sim->now_ns;
	for (const char *p = what; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3u;
	h = (h ^ a) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 29 ^ b) * 0xbf58476d1ce4e5b9u;
	sim->hash = h ^ h >> 32;
	if (sim->trace)
		fprintf(stderr, "%12.6f %s %llu %llu\n",
			(double)sim->now_ns / 1e9, what,
			(unsigned long long)a, (unsigned long long)b);
}

void sim_process_died(void)
{
	while (sim->threads != NULL) {
		struct os_thread *t = sim->threads;
		sim->threads = t->next;
		free(t);
	}
	while (sim->pools != NULL) {
		struct os_pool *p = sim->pools;
		sim->pools = p->next;
		free(p);
	}
	while (sim->mutexes != NULL) {
		struct os_mutex *m = sim->mutexes;
		sim->mutexes = m->next;
		free(m);
	}
	sim->self = NULL;
	sim->inside = false;
}

void sim_hold_up(void)
{
	if (sim->disk_delay_max_ns > 0 && sim->self != NULL)
		sim->self->held_until_ns = sim->now_ns + (int64_t)sim_below(
			&sim->order, (uint64_t)sim->disk_delay_max_ns);
}

struct list *sim_ready_sockets(struct os_thread *t)
{
	return &t->sockets;
}

static bool thread_ready(const struct os_thread *t)
{
	return t->started && !t->ended && t->held_until_ns <= sim->now_ns &&
	       (t->first != NULL || t->stop || t->until_ns <= sim->now_ns ||
		!list_empty(&t->sockets));
}

static bool pool_ready(const struct os_pool *p)
{
	return p->first != NULL && p->ready_ns <= sim->now_ns;
}

static unsigned count_ready(void)
{
	unsigned n = 0;
	for (struct os_thread *t = sim->threads; t != NULL; t = t->next)
		n += thread_ready(t);
	for (struct os_pool *p = sim->pools; p != NULL; p = p->next)
		n += pool_ready(p);
	return n;
}

static void run_posts(struct os_thread *t)
{
	struct os_post *post = t->first;
	t->first = t->last = NULL;
	while (post != NULL) {
		struct os_post *after = post->next;
		post->next = NULL;
		invariant(atomic_exchange(&post->posted, false));
		post->run(post);
		post = after;
	}
}

static void run_round(struct os_thread *t)
{
	struct os_thread *outer = sim->self;
	bool last = t->stop, was_inside = sim->inside;
	sim->self = t;
	sim->inside = true;
	run_posts(t);
	if (!list_empty(&t->sockets))
		sim->tell_sockets(&t->sockets);
	t->until_ns = t->turn(t->ctx);
	sim->self = outer;
	sim->inside = was_inside;
	if (last)
		t->ended = true;
}

static void draw_delay(struct os_pool *p)
{
	int64_t span = sim->job_delay_max_ns / p->threads + 1;
	p->ready_ns = sim->now_ns +
		      (int64_t)sim_below(&sim->order, (uint64_t)span);
}

static void run_job(struct os_pool *p)
{
	/* Up to `threads` jobs overlap: any of the first may end first. */
	struct os_job **at = &p->first;
	for (uint64_t skip = sim_below(&sim->order, p->threads);
	     skip > 0 && (*at)->next != NULL; skip--)
		at = &(*at)->next;
	struct os_job *job = *at;
	*at = job->next;
	p->last = p->first;
	while (p->last != NULL && p->last->next != NULL)
		p->last = p->last->next;
	job->next = NULL;
	struct os_thread *outer = sim->self;
	bool was_inside = sim->inside;
	sim->self = NULL;
	sim->inside = true;
	job->work(job);
	sim->self = outer;
	sim->inside = was_inside;
	os_thread_post(job->home, &job->done);
	draw_delay(p);
}

static int64_t next_time(void)
{
	int64_t when = sim_next_event_ns();
	for (struct os_thread *t = sim->threads; t != NULL; t = t->next) {
		int64_t at = t->until_ns;
		if (t->first != NULL || t->stop || !list_empty(&t->sockets))
			at = t->held_until_ns;
		else if (at < t->held_until_ns)
			at = t->held_until_ns;
		if (t->started && !t->ended && at < when)
			when = at;
	}
	for (struct os_pool *p = sim->pools; p != NULL; p = p->next)
		if (p->first != NULL && p->ready_ns < when)
			when = p->ready_ns;
	return when;
}

static void run_event(void)
{
	struct sim_event *e = sim->heap[0];
	bool was_inside = sim->inside;	/* a join steps the world too */
	sim->inside = false;
	sim_cancel(e);
	e->run(e);
	sim->inside = was_inside;
}

bool sim_step(int64_t until_ns)
{
	sim->steps++;
	if (sim_next_event_ns() <= sim->now_ns) {
		run_event();
		return true;
	}
	unsigned ready = count_ready();
	if (ready == 0) {
		int64_t when = next_time();
		if (when == OS_NEVER || when > until_ns)
			return false;
		sim->now_ns = when;
		return true;
	}
	sim->now_ns += 1000 + (int64_t)sim_below(&sim->order, 20000);
	uint64_t pick = sim_below(&sim->order, ready);
	for (struct os_thread *t = sim->threads; t != NULL; t = t->next)
		if (thread_ready(t) && pick-- == 0) {
			run_round(t);
			return true;
		}
	/* A pool that became ready by the move of the clock is behind. */
	for (struct os_pool *p = sim->pools; p != NULL; p = p->next)
		if (pool_ready(p) && pick-- == 0) {
			run_job(p);
			return true;
		}
	return true;
}

/* --- threads ----------------------------------------------------------------- */

bool os_thread_new(struct os_thread **out, const char *name, os_turn *turn,
		   void *ctx, struct err *err)
{
	struct os_thread *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set_memory(err, "os_thread_new");
	t->name = name;
	t->turn = turn;
	t->ctx = ctx;
	list_init(&t->sockets);
	struct os_thread **at = &sim->threads;
	while (*at != NULL)
		at = &(*at)->next;
	*at = t;
	*out = t;
	return true;
}

bool os_thread_start(struct os_thread *t, struct err *err)
{
	(void)err;
	invariant(!t->started);
	t->started = true;
	return true;
}

void os_thread_run(struct os_thread *t)
{
	invariant(!t->started && sim->self == NULL);
	t->started = true;
	while (!t->ended)
		invariant(sim_step(OS_NEVER));
}

void os_thread_stop(struct os_thread *t)
{
	t->stop = true;
}

void os_thread_wait(struct os_thread *t)
{
	while (t->started && !t->ended)
		invariant(sim_step(OS_NEVER));
}

void os_thread_join(struct os_thread **tp)
{
	struct os_thread *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	os_thread_wait(t);
	struct os_thread **at = &sim->threads;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (sim->forget_sockets != NULL)
		sim->forget_sockets(t);
	free(t);
}

struct os_thread *os_thread_self(void)
{
	return sim->self;
}

bool os_masked(bool (*call)(void *ctx, struct err *err), void *ctx,
	       struct err *err)
{
	return call(ctx, err);
}

void os_post_init(struct os_post *post, void (*run)(struct os_post *))
{
	post->next = NULL;
	post->run = run;
	atomic_init(&post->posted, false);
}

void os_thread_post(struct os_thread *to, struct os_post *post)
{
	invariant(post->run != NULL);
	invariant(!atomic_exchange(&post->posted, true));
	post->next = NULL;
	if (to->first == NULL)
		to->first = post;
	else
		to->last->next = post;
	to->last = post;
}

/* --- pools and mutexes ----------------------------------------------------------- */

bool os_pool_open(struct os_pool **out, const char *name, unsigned threads,
		  struct err *err)
{
	(void)name;
	invariant(threads > 0);
	struct os_pool *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_set_memory(err, "os_pool_open");
	p->threads = threads;
	p->next = sim->pools;
	sim->pools = p;
	*out = p;
	return true;
}

void os_pool_close(struct os_pool **pool)
{
	struct os_pool *p = *pool;
	*pool = NULL;
	if (p == NULL)
		return;
	while (p->first != NULL)
		run_job(p);
	struct os_pool **at = &sim->pools;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	free(p);
}

void os_pool_submit(struct os_pool *p, struct os_job *job,
		    void (*work)(struct os_job *),
		    void (*done)(struct os_post *))
{
	invariant(sim->self != NULL);
	job->home = sim->self;
	job->work = work;
	job->next = NULL;
	os_post_init(&job->done, done);
	if (p->first == NULL) {
		p->first = job;
		draw_delay(p);
	} else {
		p->last->next = job;
	}
	p->last = job;
}

bool os_mutex_new(struct os_mutex **out, struct err *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return err_set_memory(err, "os_mutex_new");
	(*out)->next = sim->mutexes;
	sim->mutexes = *out;
	return true;
}

void os_mutex_free(struct os_mutex **m)
{
	struct os_mutex **at = &sim->mutexes;
	invariant(*m == NULL || !(*m)->held);
	while (*at != *m)
		at = &(*at)->next;
	if (*at != NULL)
		*at = (*at)->next;
	free(*m);
	*m = NULL;
}

void os_mutex_lock(struct os_mutex *m)
{
	invariant(!m->held);
	m->held = true;
}

void os_mutex_unlock(struct os_mutex *m)
{
	invariant(m->held);
	m->held = false;
}
