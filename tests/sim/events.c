/* What is to happen outside of the program, by time: a binary heap. */
#include <stdlib.h>

#include "base/check.h"
#include "sim/sim.h"

void sim_event_init(struct sim_event *e, void (*run)(struct sim_event *))
{
	*e = (struct sim_event){ .run = run };
}

int64_t sim_next_event_ns(void)
{
	return sim->events > 0 ? sim->heap[0]->at_ns : INT64_MAX;
}

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns
				    : a->number < b->number;
}

static void place(uint32_t at, struct sim_event *e)
{
	sim->heap[at] = e;
	e->place = at + 1;
}

static void sift_up(uint32_t at)
{
	struct sim_event *e = sim->heap[at];
	while (at > 0 && earlier(e, sim->heap[(at - 1) / 2])) {
		place(at, sim->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(at, e);
}

static void sift_down(uint32_t at)
{
	struct sim_event *e = sim->heap[at];
	for (uint32_t child; (child = at * 2 + 1) < sim->events; at = child) {
		if (child + 1 < sim->events &&
		    earlier(sim->heap[child + 1], sim->heap[child]))
			child++;
		if (!earlier(sim->heap[child], e))
			break;
		place(at, sim->heap[child]);
	}
	place(at, e);
}

void sim_cancel(struct sim_event *e)
{
	if (e->place == 0)
		return;
	uint32_t at = e->place - 1;
	e->place = 0;
	struct sim_event *last = sim->heap[--sim->events];
	if (last == e)
		return;
	place(at, last);
	sift_up(at);
	sift_down(last->place - 1);
}

void sim_at(struct sim_event *e, int64_t at_ns)
{
	invariant(e->run != NULL);
	sim_cancel(e);
	if (sim->events == sim->events_cap) {
		sim->events_cap = sim->events_cap ? sim->events_cap * 2 : 64;
		sim->heap = realloc(sim->heap, sim->events_cap *
						       sizeof(*sim->heap));
		invariant(sim->heap != NULL);
	}
	e->at_ns = at_ns > sim->now_ns ? at_ns : sim->now_ns;
	e->number = sim->event_number++;
	place(sim->events, e);
	sim->events++;
	sift_up(sim->events - 1);
}

void sim_after(struct sim_event *e, int64_t ns)
{
	sim_at(e, sim->now_ns + ns);
}
