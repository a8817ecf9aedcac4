/*
 * The loop of a shard; see loop.h. Posts and sockets are told by the thread's
 * driver, then take_turn: timers, tasks, and how long to sleep.
 */
#include "net/loop.h"

#include <stdlib.h>

#include "net/net_private.h"
#include "os/clock.h"

static struct loop_time *time_of(const struct loop *l)
{
	struct loop_time *t = l->time;
	if (!t->known) {
		t->monotonic_ns = os_monotonic_ns();
		t->wall_ms = os_wall_ms();
		/* Before it runs there are no turns: the time goes on. */
		t->known = os_thread_self() == l->thread;
	}
	return t;
}

int64_t loop_now_ms(const struct loop *l)
{
	return time_of(l)->monotonic_ns / MS;
}

int64_t loop_wall_ms(const struct loop *l)
{
	return time_of(l)->wall_ms;
}

/* Only those that are there now; what they ask for waits for the next turn,
 * so that sockets get theirs. */
static void run_tasks(struct loop *l)
{
	struct list now;
	list_init(&now);
	if (list_empty(&l->tasks))
		return;
	list_insert_before(&l->tasks, &now);	/* takes the head's place */
	list_remove(&l->tasks);
	while (!list_empty(&now)) {
		struct loop_task *t = list_first(&now, struct loop_task, node);
		list_remove(&t->node);
		t->run(t);
	}
}

static int64_t take_turn(void *ctx)
{
	struct loop *l = ctx;
	l->time->known = false;
	timerwheel_advance(&l->wheel, loop_now_ms(l));
	run_tasks(l);
	atomic_store_explicit(&l->turns,
			      atomic_load_explicit(&l->turns,
						   memory_order_relaxed) + 1,
			      memory_order_relaxed);
	l->time->known = false;
	if (!list_empty(&l->tasks))
		return OS_AGAIN;
	int64_t next_ms = timerwheel_next_ms(&l->wheel);
	return next_ms > INT64_MAX / MS ? OS_NEVER : next_ms * MS;
}

bool loop_new(struct loop **out, const char *name, struct err *err)
{
	struct loop *l = malloc(sizeof(*l));
	*out = NULL;
	if (l == NULL)
		return err_set_memory(err, "loop_new");
	l->time_here = (struct loop_time){ 0 };
	l->time = &l->time_here;
	list_init(&l->tasks);
	list_init(&l->lingering);
	atomic_init(&l->turns, 0);
	buf_init(&l->plain, LOOP_PLAIN);
	buf_init(&l->spare, 0);
	timerwheel_init(&l->wheel, os_monotonic_ns() / MS);
	if (!os_thread_new(&l->thread, name, take_turn, l, err)) {
		free(l);
		return false;
	}
	*out = l;
	return true;
}

void loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	*lp = NULL;
	if (l == NULL)
		return;
	conn_forget_lingering(l);
	buf_fini(&l->plain);
	buf_fini(&l->spare);
	free(l);
}

struct os_thread *loop_thread(struct loop *l)
{
	return l->thread;
}

/* --- timers and tasks ----------------------------------------------------- */

void loop_timer_set(struct loop *l, struct timer *t, int64_t after_ms)
{
	/* Rounded up: a millisecond that has begun doesn't count. */
	int64_t now_ms = (time_of(l)->monotonic_ns + MS - 1) / MS;
	int64_t due_ms;
	if (after_ms < 0)
		after_ms = 0;
	if (__builtin_add_overflow(now_ms, after_ms, &due_ms))
		due_ms = INT64_MAX;
	timerwheel_set(&l->wheel, t, due_ms);
}

void loop_timer_cancel(struct loop *l, struct timer *t)
{
	timerwheel_cancel(&l->wheel, t);
}

void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *))
{
	list_init(&t->node);
	t->run = run;
}

void loop_task_post(struct loop *l, struct loop_task *t)
{
	if (list_empty(&t->node))
		list_append(&l->tasks, &t->node);
}

void loop_task_cancel(struct loop_task *t)
{
	list_remove(&t->node);
}

uint64_t loop_turns(const struct loop *l)
{
	return atomic_load_explicit(&l->turns, memory_order_relaxed);
}

char *loop_scratch(struct loop *l)
{
	return l->scratch;
}
