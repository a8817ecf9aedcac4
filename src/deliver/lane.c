/*
 * Lanes of different shards share the connections that a destination allows.
 * A lane that finds them all in use waits: it looks again in LOOK_MS, and is
 * counted in the destination, so that the others see it. They give it their
 * idle connections, and of the busy ones those above an even share, each when
 * its message is through. Without that a lane whose neighbour is busy, or has
 * only just been, would never send.
 */
#include "deliver/deliver_private.h"

enum { LOOK_MS = 20 };

static uint32_t others_waiting(const struct deliver_lane *l)
{
	uint32_t all = atomic_load_explicit(&l->destination->waiting,
					    memory_order_relaxed);
	return all > l->waiting ? all - l->waiting : 0;
}

static void look_later(struct deliver_lane *l)
{
	if (l->look.due_ms == 0)
		loop_timer_set(l->deliver->config.loop, &l->look, LOOK_MS);
}

static void look(struct timer *timer)
{
	struct deliver_lane *l = CONTAINER_OF(timer, struct deliver_lane, look);
	l->yielded = false;
	if (l->waiting || l->resting)
		lane_dispatch_later(l);
	l->resting = false;
	/* Half of the idle ones: so several lanes may share them. */
	if (others_waiting(l) > 0)
		hop_close_idle(l, (l->idle_count + 1) / 2);
	if (l->idle_count > 0)
		look_later(l);
}

void lane_init_sharing(struct deliver_lane *l)
{
	timer_init(&l->look, look);
}

void lane_fini_sharing(struct deliver_lane *l)
{
	lane_wait_over(l);
	loop_timer_cancel(l->deliver->config.loop, &l->look);
}

static void wait(struct deliver_lane *l)
{
	if (!l->waiting)
		atomic_fetch_add(&l->destination->waiting, 1);
	l->waiting = true;
	look_later(l);
}

void lane_wait_over(struct deliver_lane *l)
{
	if (!l->waiting)
		return;
	invariant(atomic_fetch_sub(&l->destination->waiting, 1) > 0);
	l->waiting = false;
}

void lane_rest(struct deliver_lane *l)
{
	l->resting = true;
	loop_task_cancel(&l->dispatch);
	look_later(l);
}

bool lane_enter(struct deliver_lane *l)
{
	if (!l->yielded && destination_enter(l->destination)) {
		lane_wait_over(l);
		l->used++;
		return true;
	}
	wait(l);
	return false;
}

void lane_leave(struct deliver_lane *l)
{
	invariant(l->used > 0);
	l->used--;
	destination_leave(l->destination);
	lane_dispatch_later(l);
}

bool lane_gives_up(struct deliver_lane *l)
{
	uint32_t others = others_waiting(l);
	uint32_t max = l->destination->concurrency_max;
	/* Rounded up, so that an even split is at rest; with more lanes than
	 * connections they go round. */
	uint32_t share = (max + others) / (others + 1);
	if (others == 0 || (l->used <= share && others < max))
		return false;
	l->yielded = true;
	look_later(l);
	return true;
}

void lane_idle(struct deliver_lane *l)
{
	l->idle_count++;
	look_later(l);
}
