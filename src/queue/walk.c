/*
 * A look at every entry of a queue, in pieces: between two of them mail comes
 * and goes. A walk stands before the entry it tells next; who forgets that
 * entry moves the walk on.
 */
#include "queue/queue_private.h"

void queue_walk_begin(struct queue *q, struct queue_walk *w)
{
	*w = (struct queue_walk){ .queue = q, .next = queue_next(q, NULL),
				  .left = queue_count(q) };
	list_init(&w->node);
	list_append(&q->walks, &w->node);
}

struct queue_entry *queue_walk_next(struct queue_walk *w)
{
	struct queue_entry *e = w->next;
	if (e == NULL || w->left == 0) {
		queue_walk_end(w);
		return NULL;
	}
	w->left--;
	w->next = queue_next(w->queue, e);
	return e;
}

void queue_walk_end(struct queue_walk *w)
{
	if (w->queue == NULL)
		return;
	list_remove(&w->node);
	*w = (struct queue_walk){ 0 };
}

void walks_pass(struct queue *q, struct queue_entry *e)
{
	list_each(&q->walks, node, after) {
		struct queue_walk *w =
			CONTAINER_OF(node, struct queue_walk, node);
		if (w->next == e)
			w->next = queue_next(q, e);
	}
}

void walks_end(struct queue *q)
{
	list_each(&q->walks, node, after)
		queue_walk_end(CONTAINER_OF(node, struct queue_walk, node));
}
