/*
 * Hash table from 64-bit hashes to objects that hold their own keys: open
 * addressing, grows by doubling, one owner thread. hash_bytes is keyed, so
 * strangers can't choose collisions.
 */
#pragma once

#include "base/slice.h"

struct map_slot {
	uint64_t hash;		/* 0: never used; 1: removed */
	void *object;
};

struct map {
	struct map_slot *slots;
	size_t cap;		/* power of two or 0 */
	size_t count;
	size_t used;		/* count + removed */
	size_t max;		/* adding beyond it fails */
};

/* SipHash-2-4 with a process key set once at start by hash_key_set (the
 * simulator sets it from its seed). Never returns 0 or 1. */
/* SipHash-2-4 under a key of the caller's, for hashes that are kept. */
uint64_t siphash(const uint8_t key[16], slice s);
uint64_t hash_bytes(slice s);
void hash_key_set(const uint8_t key[16]);

typedef bool map_same(const void *object, const void *key);

void map_init(struct map *m, size_t max_count);
void map_fini(struct map *m);	/* objects are the caller's */
void *map_get(const struct map *m, uint64_t hash, map_same *same,
	      const void *key);
/* For look-ups in cold memory, several of which may wait side by side: asks for
 * the line in which the look-up of hash begins; and, when that is there, what
 * it will most likely find: the first object of that hash or NULL, untouched. */
void map_prefetch(const struct map *m, uint64_t hash);
void *map_guess(const struct map *m, uint64_t hash);
/* The key must not be in it. False over max or out of memory. */
bool map_add(struct map *m, uint64_t hash, void *object) MUST_USE;
/* Removes exactly this object; it must be in it. */
void map_remove(struct map *m, uint64_t hash, const void *object);
/* for (size_t i = 0; (o = map_next(m, &i)) != NULL; ) in any order. */
void *map_next(const struct map *m, size_t *at);
