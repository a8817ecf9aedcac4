/*
 * Doubly linked list whose nodes stand inside the objects. A node that is in
 * no list points to itself, so removing twice is harmless.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}
static inline void list_remove(struct list *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
	list_init(node);
}
/* Puts node before `at`: at the tail when `at` is the head of the list. */
static inline void list_insert_before(struct list *at, struct list *node)
{
	invariant(list_empty(node));
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}
static inline void list_append(struct list *head, struct list *node)
{
	list_insert_before(head, node);
}
static inline void list_prepend(struct list *head, struct list *node)
{
	list_insert_before(head->next, node);
}
/* The object at the front, NULL when empty. */
#define list_first(head, type, member) \
	(list_empty(head) ? NULL : CONTAINER_OF((head)->next, type, member))
/* The one at the end. */
#define list_last(head, type, member) \
	(list_empty(head) ? NULL : CONTAINER_OF((head)->prev, type, member))
/* Safe against removal of the current node. */
#define list_each(head, node, after)                                  \
	for (struct list *node = (head)->next, *after = node->next; \
	     node != (head); node = after, after = node->next)
