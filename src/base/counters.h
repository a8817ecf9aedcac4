/*
 * What happened how often: one table makes the names, /metrics and the
 * memory. The numbers lie in a page that master makes, relay writes and
 * console reads: also with admin or relay dead.
 *
 * Each writer (a shard, the control thread, master) has a slot of its own on
 * cache lines of its own and adds without waiting; readers sum the slots.
 * A gauge may go up in one slot and down in another.
 */
#pragma once

#include <stdatomic.h>

#include "base/slice.h"

enum counter {
#define COUNTER(name, type, help) COUNTER_##name,
#include "base/counters.def"
#undef COUNTER
	COUNTER_COUNT,
};
enum counter_type { COUNTER_GROWS, COUNTER_GAUGE };

struct counter_row {
	const char *name;		/* without "postrider_" */
	enum counter_type type;
	const char *help;
};
const struct counter_row *counter_row(enum counter c);

/* One writer's numbers. */
struct counters {
	_Alignas(64) _Atomic uint64_t values[COUNTER_COUNT];
};

/* slots: shards + COUNTERS_OTHERS; slot 0 is master's, 1 the control
 * thread's, 2 + n shard n's. */
enum { COUNTERS_MASTER, COUNTERS_CONTROL, COUNTERS_SHARD, COUNTERS_OTHERS = 2,
       COUNTERS_SLOTS_MAX = 1026 };
struct counters_page {
	uint32_t magic, slots, rows, unused;
	struct counters slot[];
};
size_t counters_page_bytes(uint32_t slots);
/* `page` is zeroed memory of that size. */
void counters_page_init(struct counters_page *page, uint32_t slots);
/* Memory of `bytes` that another process made: of this program's table? */
bool counters_page_valid(const struct counters_page *page, size_t bytes);
/* A new relay begins: gauges of all slots but master's are 0 again. */
void counters_page_forget_gauges(struct counters_page *page);
uint64_t counters_sum(const struct counters_page *page, enum counter c);

/* s may be NULL (tests, tools). */
static inline void counter_add(struct counters *s, enum counter c, uint64_t n)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->values[c], n,
					  memory_order_relaxed);
}
static inline void counter_sub(struct counters *s, enum counter c, uint64_t n)
{
	if (s != NULL)
		atomic_fetch_sub_explicit(&s->values[c], n,
					  memory_order_relaxed);
}
static inline void counter_set(struct counters *s, enum counter c, uint64_t n)
{
	if (s != NULL)
		atomic_store_explicit(&s->values[c], n, memory_order_relaxed);
}
static inline uint64_t counter_get(const struct counters *s, enum counter c)
{
	return atomic_load_explicit(&s->values[c], memory_order_relaxed);
}
