/*
 * A persistent hash trie: 16-way nodes over 4 bits of a 64-bit hash at a
 * time, most significant bits first, packed by a bitmap. Nodes are counted
 * and shared between views; a change copies the nodes on its path that
 * somebody else holds too and changes the others in place, so that loading
 * many rows into one new view does not copy it again and again.
 *
 * Depth is at most 16 levels and a list for equal hashes, so nothing here
 * recurses or loops on what strangers send. Leaves are in the order of their
 * hashes; with ids as hashes that is the order of ids.
 */
#pragma once

#include "base/slice.h"

struct object;

struct trie_ops {
	uint64_t (*hash)(const struct object *o);
	bool (*same)(const struct object *o, const void *key);
};

struct trie_key {
	const struct trie_ops *ops;
	uint64_t hash;
	const void *key;
};

struct trie {
	uintptr_t root;		/* a slot: 0, a node or an object */
	uint64_t count;		/* objects */
	uint64_t bytes;		/* of nodes */
};

enum { TRIE_LEVELS = 16 };

/* A second holder of all that is in t. */
struct trie trie_share(const struct trie *t);
void trie_release(struct trie *t);

const struct object *trie_get(const struct trie *t, const struct trie_key *k);

/*
 * The same in steps, so that several look-ups go on at once: a step asks the
 * processor for the memory that the next one needs and doesn't wait for it.
 * begin; step until it is false for all; then end with the key of that hash.
 * A zeroed probe looks for nothing: step is false, end NULL.
 */
struct trie_probe {
	const uintptr_t *at;	/* the slot to be read next; NULL: done */
	uint64_t hash;
	uintptr_t slot;		/* what it came to */
	uint32_t level;
};
void trie_probe_begin(struct trie_probe *p, const struct trie *t,
		      uint64_t hash);
bool trie_probe_step(struct trie_probe *p);
/* A step of each of n; true while any is under way. */
bool trie_probes_step(struct trie_probe *p, size_t n);
const struct object *trie_probe_end(const struct trie_probe *p,
				    const struct trie_key *k);

/* Adds o, or puts it in the place of the object with this key; holds a
 * reference of its own. False: out of memory; t stays valid, with or without
 * the object's path copied. */
bool trie_put(struct trie *t, const struct trie_key *k,
	      struct object *o) MUST_USE;
/* The key must be there. False: out of memory, as above. */
bool trie_remove(struct trie *t, const struct trie_key *k) MUST_USE;

/* The first object whose hash is above `hash`, NULL when there is none. */
const struct object *trie_after(const struct trie *t,
				const struct trie_ops *ops, uint64_t hash);

/* All objects, in the order of hashes: walk zeroed with .trie set. */
struct trie_walk {
	const struct trie *trie;
	bool begun;
	uint8_t depth;
	uint32_t at[TRIE_LEVELS + 1];
	const void *node[TRIE_LEVELS + 1];
};
const struct object *trie_walk_next(struct trie_walk *w);
