/*
 * A lane: what is due now for one destination in one shard. Customers take
 * turns (deficit round robin by recipients), so a big sender never starves a
 * small one; within a customer first come, first served.
 */
#pragma once

#include "base/map.h"
#include "queue/entry.h"

enum { LANE_QUANTUM = 50 };	/* recipients a customer may send in a turn */

struct lane_customer {
	uint32_t customer;
	int32_t deficit;
	struct list node;		/* in lane->turns while it has parts */
	struct list parts;		/* queue_part.node */
};

struct lane {
	struct destination *destination;
	struct map customers;		/* lane_customer by customer id */
	struct list turns;
	uint64_t count;			/* parts */
};

void lane_init(struct lane *l, struct destination *d);
void lane_fini(struct lane *l);
/* False: out of memory (a customer seen for the first time). */
bool lane_add(struct lane *l, struct queue_part *p) MUST_USE;
/* To the very front, before other customers too: asked for by hand. */
void lane_hurry(struct lane *l, struct queue_part *p);
void lane_remove(struct lane *l, struct queue_part *p);
/* NULL when empty. */
struct queue_part *lane_take(struct lane *l);
