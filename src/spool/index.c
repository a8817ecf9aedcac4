/*
 * From id to place, for every live message. Entries stand in blocks and
 * never move, so that a walk by number can go on after changes; a table of
 * entry numbers (linear probing, at most three quarters full) finds them.
 * 36 bytes an entry and 5.3 to 10.7 a slot: under 48 bytes a message.
 * Changed by the commit thread alone.
 */
#include "spool/spool_private.h"

#include <stdlib.h>

#include "base/map.h"

enum { BLOCK = 4096, SLOTS_MIN = 1024, BLOCKS_MAX = 1 << 18 };

_Static_assert(sizeof(struct place) == 36, "a place is 36 bytes");

void index_init(struct index *x)
{
	*x = (struct index){ 0 };
}

void index_fini(struct index *x)
{
	for (uint32_t i = 0; i < x->block_count; i++)
		free(x->blocks[i]);
	free(x->blocks);
	free(x->slots);
	*x = (struct index){ 0 };
}

static void index_check(const struct index *x)
{
	invariant(x->count + x->free_count == x->high);
	invariant(x->high <= x->block_count * (uint64_t)BLOCK);
	invariant((x->slot_count & (x->slot_count - 1)) == 0);
	invariant(x->count <= x->slot_count);
}

static struct place *entry(const struct index *x, uint32_t n)
{
	return &x->blocks[n / BLOCK][n % BLOCK];
}

static uint64_t hash_of(uint64_t time_ms, uint64_t random)
{
	uint64_t words[2] = { time_ms, random };
	return hash_bytes((slice){ (const char *)words, sizeof(words) });
}

static void slot_put(uint32_t *slots, uint32_t slot_count, uint64_t hash,
		     uint32_t value)
{
	uint32_t i = (uint32_t)hash & (slot_count - 1);
	while (slots[i] != 0)
		i = (i + 1) & (slot_count - 1);
	slots[i] = value;
}

static bool grow_slots(struct index *x, uint32_t slot_count)
{
	uint32_t *slots = calloc(slot_count, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (uint32_t i = 0; i < x->slot_count; i++) {
		if (x->slots[i] == 0)
			continue;
		const struct place *p = entry(x, x->slots[i] - 1);
		slot_put(slots, slot_count, hash_of(p->time_ms, p->random),
			 x->slots[i]);
	}
	free(x->slots);
	x->slots = slots;
	x->slot_count = slot_count;
	return true;
}

static bool add_block(struct index *x)
{
	if (x->block_count >= BLOCKS_MAX)
		return false;
	struct place **blocks = realloc(x->blocks, (x->block_count + 1) *
					sizeof(*blocks));
	if (blocks == NULL)
		return false;
	x->blocks = blocks;
	blocks[x->block_count] = calloc(BLOCK, sizeof(struct place));
	if (blocks[x->block_count] == NULL)
		return false;
	x->block_count++;
	return true;
}

bool index_reserve(struct index *x, uint32_t more)
{
	index_check(x);
	uint64_t need = (uint64_t)x->count + more;
	uint64_t slots = x->slot_count ? x->slot_count : SLOTS_MIN;
	while (need > slots / 4 * 3)
		slots *= 2;
	if (slots > UINT32_MAX / 2 + 1u)
		return false;
	if (slots > x->slot_count && !grow_slots(x, (uint32_t)slots))
		return false;
	while (need > x->block_count * (uint64_t)BLOCK)
		if (!add_block(x))
			return false;
	return true;
}

/* The slot of that id, or of the free slot that ends the search. */
static uint32_t slot_find(const struct index *x, struct id id)
{
	uint32_t i = (uint32_t)hash_of(id.time_ms, id.random) &
		     (x->slot_count - 1);
	/* Ends: a quarter of the slots is free. */
	while (x->slots[i] != 0) {
		const struct place *p = entry(x, x->slots[i] - 1);
		if (p->random == id.random && p->time_ms == id.time_ms)
			break;
		i = (i + 1) & (x->slot_count - 1);
	}
	return i;
}

struct place *index_get(const struct index *x, struct id id)
{
	if (x->count == 0)
		return NULL;
	uint32_t i = slot_find(x, id);
	return x->slots[i] == 0 ? NULL : entry(x, x->slots[i] - 1);
}

struct place *index_add(struct index *x, struct id id)
{
	invariant(!id_is_zero(id));
	invariant(x->count + 1 <= x->slot_count / 4 * 3);
	uint32_t n = x->high;
	if (x->free != 0) {
		n = x->free - 1;
		x->free = entry(x, n)->offset;
		x->free_count--;
	} else {
		invariant(x->high < x->block_count * (uint64_t)BLOCK);
		x->high++;
	}
	uint32_t slot = slot_find(x, id);
	invariant(x->slots[slot] == 0);
	x->slots[slot] = n + 1;
	x->count++;
	struct place *p = entry(x, n);
	*p = (struct place){ .time_ms = id.time_ms, .random = id.random };
	index_check(x);
	return p;
}

/* Closes the gap: later entries of the run move up when they may. */
static void slot_clear(struct index *x, uint32_t gap)
{
	uint32_t mask = x->slot_count - 1;
	for (uint32_t i = (gap + 1) & mask; x->slots[i] != 0;
	     i = (i + 1) & mask) {
		const struct place *p = entry(x, x->slots[i] - 1);
		uint32_t home = (uint32_t)hash_of(p->time_ms, p->random) & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		x->slots[gap] = x->slots[i];
		gap = i;
	}
	x->slots[gap] = 0;
}

void index_remove(struct index *x, struct place *p)
{
	invariant(x->count > 0);
	uint32_t slot = slot_find(x, place_id(p));
	invariant(x->slots[slot] != 0);
	uint32_t n = x->slots[slot] - 1;
	invariant(entry(x, n) == p);
	slot_clear(x, slot);
	*p = (struct place){ .offset = x->free };
	x->free = n + 1;
	x->free_count++;
	x->count--;
	index_check(x);
}

struct place *index_at(const struct index *x, uint32_t n)
{
	invariant(n < x->high);
	struct place *p = entry(x, n);
	return p->time_ms == 0 && p->random == 0 ? NULL : p;
}
