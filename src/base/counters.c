/* The table of counters and the page they lie in; see counters.h. */
#include "base/counters.h"

static const struct counter_row rows[COUNTER_COUNT] = {
#define COUNTER(name, type, help) [COUNTER_##name] = { #name, type, help },
#include "base/counters.def"
#undef COUNTER
};

enum { MAGIC = 0x43725031 };	/* "CrP1" */

const struct counter_row *counter_row(enum counter c)
{
	invariant(c < COUNTER_COUNT);
	return &rows[c];
}

size_t counters_page_bytes(uint32_t slots)
{
	invariant(slots > 0 && slots <= COUNTERS_SLOTS_MAX);
	return sizeof(struct counters_page) + slots * sizeof(struct counters);
}

void counters_page_init(struct counters_page *page, uint32_t slots)
{
	invariant(slots > 0 && slots <= COUNTERS_SLOTS_MAX);
	page->magic = MAGIC;
	page->slots = slots;
	page->rows = COUNTER_COUNT;
}

bool counters_page_valid(const struct counters_page *page, size_t bytes)
{
	return bytes >= sizeof(*page) && page->magic == MAGIC &&
	       page->rows == COUNTER_COUNT && page->slots > 0 &&
	       page->slots <= COUNTERS_SLOTS_MAX &&
	       bytes >= counters_page_bytes(page->slots);
}

void counters_page_forget_gauges(struct counters_page *page)
{
	for (uint32_t i = 0; i < page->slots; i++)
		for (unsigned c = 0; c < COUNTER_COUNT; c++)
			if (i != COUNTERS_MASTER &&
			    rows[c].type == COUNTER_GAUGE)
				counter_set(&page->slot[i], c, 0);
}

uint64_t counters_sum(const struct counters_page *page, enum counter c)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < page->slots; i++)
		sum += counter_get(&page->slot[i], c);
	return sum;
}
