/* A binary heap of parts; see schedule.h. Each part knows its index. */
#include "queue/schedule.h"

#include <stdlib.h>

void schedule_init(struct schedule *s)
{
	*s = (struct schedule){ 0 };
}

void schedule_fini(struct schedule *s)
{
	free(s->heap);
	*s = (struct schedule){ 0 };
}

bool schedule_reserve(struct schedule *s, uint32_t parts)
{
	if (parts <= s->cap)
		return true;
	uint32_t cap = s->cap ? s->cap : 64;
	while (cap < parts) {
		if (cap > UINT32_MAX / 2)
			return false;
		cap *= 2;
	}
	struct queue_part **heap =
		realloc(s->heap, cap * sizeof(struct queue_part *));
	if (heap == NULL)
		return false;
	s->heap = heap;
	s->cap = cap;
	return true;
}

static void place(struct schedule *s, uint32_t at, struct queue_part *p)
{
	s->heap[at] = p;
	p->heap_at = at;
}

static void sift_up(struct schedule *s, uint32_t at)
{
	struct queue_part *p = s->heap[at];
	while (at > 0) {
		uint32_t parent = (at - 1) / 2;
		if (s->heap[parent]->next_ms <= p->next_ms)
			break;
		place(s, at, s->heap[parent]);
		at = parent;
	}
	place(s, at, p);
}

static void sift_down(struct schedule *s, uint32_t at)
{
	struct queue_part *p = s->heap[at];
	for (;;) {
		uint32_t child = at * 2 + 1;
		if (child >= s->count)
			break;
		if (child + 1 < s->count &&
		    s->heap[child + 1]->next_ms < s->heap[child]->next_ms)
			child++;
		if (s->heap[child]->next_ms >= p->next_ms)
			break;
		place(s, at, s->heap[child]);
		at = child;
	}
	place(s, at, p);
}

void schedule_add(struct schedule *s, struct queue_part *p, int64_t next_ms)
{
	invariant(p->heap_at == NOT_IN_HEAP && s->count < s->cap);
	p->next_ms = next_ms;
	place(s, s->count++, p);
	sift_up(s, p->heap_at);
}

void schedule_remove(struct schedule *s, struct queue_part *p)
{
	uint32_t at = p->heap_at;
	invariant(at < s->count && s->heap[at] == p);
	p->heap_at = NOT_IN_HEAP;
	struct queue_part *last = s->heap[--s->count];
	if (last == p)
		return;
	place(s, at, last);
	sift_up(s, at);
	sift_down(s, last->heap_at);
}

struct queue_part *schedule_due(struct schedule *s, int64_t wall_ms)
{
	if (s->count == 0 || s->heap[0]->next_ms > wall_ms)
		return NULL;
	struct queue_part *p = s->heap[0];
	schedule_remove(s, p);
	return p;
}

int64_t schedule_next_ms(const struct schedule *s)
{
	return s->count == 0 ? INT64_MAX : s->heap[0]->next_ms;
}
