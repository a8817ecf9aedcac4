/* Hash table; see map.h. Linear probing, at most three quarters in use. */
#include "base/map.h"

#include <stdlib.h>

enum { SLOT_FREE = 0, SLOT_REMOVED = 1, CAP_MIN = 16 };

/* The one mutable variable of base/: set once, before threads exist. */
static struct {
	uint8_t bytes[16];
} hash_key;

void hash_key_set(const uint8_t key[16])
{
	memcpy(hash_key.bytes, key, sizeof(hash_key.bytes));
}

static inline uint64_t rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

uint64_t siphash(const uint8_t key[16], slice bytes)
{
	uint64_t k0, k1;
	memcpy(&k0, key, 8);
	memcpy(&k1, key + 8, 8);
	struct sip s = {
		k0 ^ 0x736f6d6570736575,
		k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573,
	};
	uint64_t word, last = (uint64_t)bytes.n << 56;
	size_t whole = bytes.n & ~(size_t)7;
	for (size_t i = 0; i < whole; i += 8) {
		memcpy(&word, bytes.p + i, 8);
		sip_word(&s, word);
	}
	for (size_t i = whole; i < bytes.n; i++)
		last |= (uint64_t)(uint8_t)bytes.p[i] << 8 * (i & 7);
	sip_word(&s, last);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(slice s)
{
	uint64_t hash = siphash(hash_key.bytes, s);
	return hash > SLOT_REMOVED ? hash : hash + 2;
}

void map_init(struct map *m, size_t max_count)
{
	*m = (struct map){ .max = max_count };
}

void map_fini(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

static void map_check(const struct map *m)
{
	invariant(m->count <= m->used && m->used <= m->cap);
	invariant((m->cap & (m->cap - 1)) == 0);
}

void *map_get(const struct map *m, uint64_t hash, map_same *same,
	      const void *key)
{
	map_check(m);
	invariant(hash > SLOT_REMOVED);
	if (m->cap == 0)
		return NULL;
	/* Ends: a quarter of the slots is free. */
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		const struct map_slot *slot = &m->slots[i];
		if (slot->hash == SLOT_FREE)
			return NULL;
		if (slot->hash == hash && same(slot->object, key))
			return slot->object;
	}
}

void map_prefetch(const struct map *m, uint64_t hash)
{
	if (m->cap > 0)
		__builtin_prefetch(&m->slots[hash & (m->cap - 1)]);
}

void *map_guess(const struct map *m, uint64_t hash)
{
	if (m->cap == 0)
		return NULL;
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		const struct map_slot *slot = &m->slots[i];
		if (slot->hash == SLOT_FREE)
			return NULL;
		if (slot->hash == hash)
			return slot->object;
	}
}

static void put(struct map_slot *slots, size_t cap, uint64_t hash,
		void *object)
{
	size_t i = hash & (cap - 1);
	while (slots[i].hash != SLOT_FREE)
		i = (i + 1) & (cap - 1);
	slots[i] = (struct map_slot){ hash, object };
}

/* Into a table without removed slots, twice as big when half is in use. */
static bool rebuild(struct map *m)
{
	size_t cap = m->cap == 0 ? CAP_MIN : m->cap;
	if (m->count >= cap / 2)
		cap *= 2;
	struct map_slot *slots = calloc(cap, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].hash > SLOT_REMOVED)
			put(slots, cap, m->slots[i].hash, m->slots[i].object);
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	m->used = m->count;
	return true;
}

bool map_add(struct map *m, uint64_t hash, void *object)
{
	map_check(m);
	invariant(hash > SLOT_REMOVED && object != NULL);
	if (m->count >= m->max)
		return false;
	if (m->used >= m->cap / 4 * 3 && !rebuild(m))
		return false;
	put(m->slots, m->cap, hash, object);
	m->count++;
	m->used++;
	return true;
}

void map_remove(struct map *m, uint64_t hash, const void *object)
{
	map_check(m);
	invariant(m->count > 0 && hash > SLOT_REMOVED);
	size_t i = hash & (m->cap - 1);
	while (m->slots[i].object != object) {
		invariant(m->slots[i].hash != SLOT_FREE);
		i = (i + 1) & (m->cap - 1);
	}
	m->slots[i] = (struct map_slot){ .hash = SLOT_REMOVED };
	m->count--;
	/* In front of a free slot nothing is looked for behind it. */
	while (m->slots[i].hash == SLOT_REMOVED &&
	       m->slots[(i + 1) & (m->cap - 1)].hash == SLOT_FREE) {
		m->slots[i].hash = SLOT_FREE;
		m->used--;
		i = (i - 1) & (m->cap - 1);
	}
}

void *map_next(const struct map *m, size_t *at)
{
	while (*at < m->cap) {
		const struct map_slot *slot = &m->slots[(*at)++];
		if (slot->hash > SLOT_REMOVED)
			return slot->object;
	}
	return NULL;
}
