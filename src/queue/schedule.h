/*
 * What is due later: a heap of parts by wall-clock time, one a shard.
 */
#pragma once

#include "queue/entry.h"

struct schedule {
	struct queue_part **heap;
	uint32_t count, cap;
};

void schedule_init(struct schedule *s);
void schedule_fini(struct schedule *s);
/* Makes room for so many parts in all, so that adding can't fail. */
bool schedule_reserve(struct schedule *s, uint32_t parts) MUST_USE;
void schedule_add(struct schedule *s, struct queue_part *p, int64_t next_ms);
void schedule_remove(struct schedule *s, struct queue_part *p);
/* The first one if it is due; it is taken out. NULL otherwise. */
struct queue_part *schedule_due(struct schedule *s, int64_t wall_ms);
/* INT64_MAX when empty. */
int64_t schedule_next_ms(const struct schedule *s);
