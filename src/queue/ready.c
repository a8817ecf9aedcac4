/* Lanes; see ready.h. A customer's place is kept while it has parts here,
 * and freed with its last one. */
#include "queue/ready.h"

#include <stdlib.h>

enum { LANE_CUSTOMERS_MAX = 1000000 };

static uint64_t customer_hash(uint32_t customer)
{
	uint64_t h = (customer + 1ull) * 0x9e3779b97f4a7c15u;
	return h < 2 ? 2 : h;
}

static bool same_customer(const void *object, const void *key)
{
	const struct lane_customer *c = object;
	const uint32_t *customer = key;
	return c->customer == *customer;
}

void lane_init(struct lane *l, struct destination *d)
{
	*l = (struct lane){ .destination = d };
	map_init(&l->customers, LANE_CUSTOMERS_MAX);
	list_init(&l->turns);
}

static void forget_customer(struct lane *l, struct lane_customer *c)
{
	invariant(list_empty(&c->parts));
	list_remove(&c->node);
	map_remove(&l->customers, customer_hash(c->customer), c);
	free(c);
}

void lane_fini(struct lane *l)
{
	list_each(&l->turns, node, after) {
		struct lane_customer *c =
			CONTAINER_OF(node, struct lane_customer, node);
		list_each(&c->parts, part, next)
			list_remove(part);
		forget_customer(l, c);
	}
	map_fini(&l->customers);
}

static struct lane_customer *find_customer(const struct lane *l,
					   uint32_t customer)
{
	return map_get(&l->customers, customer_hash(customer), same_customer,
		       &customer);
}

static struct lane_customer *add_customer(struct lane *l, uint32_t customer)
{
	struct lane_customer *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->customer = customer;
	c->deficit = LANE_QUANTUM;
	list_init(&c->node);
	list_init(&c->parts);
	if (!map_add(&l->customers, customer_hash(customer), c)) {
		free(c);
		return NULL;
	}
	list_append(&l->turns, &c->node);
	return c;
}

bool lane_add(struct lane *l, struct queue_part *p)
{
	uint32_t customer = p->entry->customer;
	struct lane_customer *c = find_customer(l, customer);
	if (c == NULL)
		c = add_customer(l, customer);
	if (c == NULL)
		return false;
	list_append(&c->parts, &p->node);
	l->count++;
	return true;
}

void lane_hurry(struct lane *l, struct queue_part *p)
{
	struct lane_customer *c = find_customer(l, p->entry->customer);
	invariant(c != NULL && !list_empty(&p->node));
	list_remove(&p->node);
	list_prepend(&c->parts, &p->node);
	list_remove(&c->node);
	list_prepend(&l->turns, &c->node);
}

void lane_remove(struct lane *l, struct queue_part *p)
{
	struct lane_customer *c = find_customer(l, p->entry->customer);
	invariant(c != NULL && l->count > 0);
	list_remove(&p->node);
	l->count--;
	if (list_empty(&c->parts))
		forget_customer(l, c);
}

struct queue_part *lane_take(struct lane *l)
{
	if (list_empty(&l->turns))
		return NULL;
	struct lane_customer *c =
		list_first(&l->turns, struct lane_customer, node);
	struct queue_part *p = list_first(&c->parts, struct queue_part, node);
	invariant(p != NULL);
	c->deficit -= p->count;
	if (c->deficit <= 0) {
		/* Its turn is over: the next customer, and this one again
		 * with a fresh quantum. */
		c->deficit += LANE_QUANTUM;
		list_remove(&c->node);
		list_append(&l->turns, &c->node);
	}
	lane_remove(l, p);
	return p;
}
