/* The persistent hash trie; see trie.h. */
#include "policy/trie.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "policy/object.h"

/* Which of the 16 are there stands in the slot that leads here, so that a
 * look-up reads one line of each node, not two. Below the last level all
 * bits are used up: there a node is a list of objects of one and the same
 * hash, and its bitmap is 0. */
struct trie_node {
	_Atomic uint32_t refs;
	uint32_t count;		/* slots */
	uintptr_t slots[];
};

/*
 * A slot is an address and what is worth knowing before going there:
 *
 *   bit 0        1: an object, 0: a node
 *   bits 1-47    the address, without its bit 0
 *   bits 48-63   of a node its bitmap; of an object 16 bits of its hash,
 *                so that an object that isn't meant is not touched
 */
enum { FANOUT_BITS = 4, HIGH = 48 };
_Static_assert(sizeof(uintptr_t) == 8, "a slot has 16 bits to spare");

/* --- slots ---------------------------------------------------------------- */
static bool is_leaf(uintptr_t slot)
{
	return (slot & 1) != 0;
}

static void *slot_address(uintptr_t slot)
{
	return (void *)(slot & (((uintptr_t)1 << HIGH) - 2));
}

static uint32_t slot_high(uintptr_t slot)
{
	return (uint32_t)(slot >> HIGH);
}

static struct object *leaf_object(uintptr_t slot)
{
	invariant(is_leaf(slot));
	return slot_address(slot);
}

static struct trie_node *slot_node(uintptr_t slot)
{
	invariant(slot != 0 && !is_leaf(slot));
	return slot_address(slot);
}

static uintptr_t slot_of(const void *at, uint32_t high)
{
	uintptr_t address = (uintptr_t)at;
	invariant((address & 1) == 0 && address >> HIGH == 0);
	invariant(high <= UINT16_MAX);
	return address | (uintptr_t)high << HIGH;
}

static uintptr_t slot_of_object(const struct object *o, uint32_t tag)
{
	return slot_of(o, tag) | 1;
}

/* The last bits of a hash of bytes, which the path doesn't say; of an id,
 * whose last bits are 0, those of the id. */
static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32) & 0xffff;
}

static uint32_t index_at(uint64_t hash, uint32_t level)
{
	invariant(level < TRIE_LEVELS);
	return (uint32_t)(hash >> (60 - FANOUT_BITS * level)) & 15;
}

static uint32_t bit_at(uint64_t hash, uint32_t level)
{
	return 1u << index_at(hash, level);
}

/* Without a flag for newer processors the compiler's own is a call. */
static uint32_t bit_count(uint32_t v)
{
	v -= v >> 1 & 0x5555;
	v = (v & 0x3333) + (v >> 2 & 0x3333);
	v = (v + (v >> 4)) & 0x0f0f;
	return (v + (v >> 8)) & 31;
}

static uint32_t position(uint32_t bitmap, uint32_t bit)
{
	return bit_count(bitmap & (bit - 1));
}

static size_t node_bytes(uint32_t slots)
{
	return sizeof(struct trie_node) + slots * sizeof(uintptr_t);
}

static struct trie_node *node_new(struct trie *t, uint32_t slots)
{
	invariant(slots > 0);
	struct trie_node *n = malloc(node_bytes(slots));
	if (n == NULL)
		return NULL;
	atomic_init(&n->refs, 1);
	n->count = slots;
	t->bytes += node_bytes(slots);
	return n;
}

/* --- counting ------------------------------------------------------------- */
static void slot_ref(uintptr_t slot)
{
	if (is_leaf(slot))
		object_ref(leaf_object(slot));
	else
		atomic_fetch_add_explicit(&slot_node(slot)->refs, 1,
					  memory_order_relaxed);
}

/* By level, so at most TRIE_LEVELS + 1 deep. */
static void slot_unref(uintptr_t slot, uint32_t level)
{
	if (is_leaf(slot)) {
		object_unref(leaf_object(slot));
		return;
	}
	invariant(level <= TRIE_LEVELS);
	struct trie_node *n = slot_node(slot);
	uint32_t was = atomic_fetch_sub_explicit(&n->refs, 1,
						 memory_order_acq_rel);
	invariant(was > 0);
	if (was > 1)
		return;
	for (uint32_t i = 0; i < n->count; i++)
		slot_unref(n->slots[i], level + 1);
	free(n);
}

struct trie trie_share(const struct trie *t)
{
	if (t->root != 0)
		slot_ref(t->root);
	return *t;
}

void trie_release(struct trie *t)
{
	if (t->root != 0)
		slot_unref(t->root, 0);
	*t = (struct trie){ 0 };
}

/* --- looking up ----------------------------------------------------------- */
void trie_probe_begin(struct trie_probe *p, const struct trie *t,
		      uint64_t hash)
{
	*p = (struct trie_probe){ .at = &t->root, .hash = hash };
}

/* It has arrived: at an object that is likely the one, at a list, or (0)
 * nowhere. */
static bool arrive(struct trie_probe *p, uintptr_t slot)
{
	p->at = NULL;
	p->slot = slot;
	return false;
}

/* Inline, since trie_get is made of it. */
static inline bool step(struct trie_probe *p)
{
	if (p->at == NULL)
		return false;
	uintptr_t slot = *p->at;
	if (slot == 0)
		return arrive(p, 0);
	if (is_leaf(slot)) {
		if (slot_high(slot) != tag_of(p->hash))
			return arrive(p, 0);
		object_prefetch(leaf_object(slot));
		return arrive(p, slot);
	}
	if (p->level == TRIE_LEVELS)
		return arrive(p, slot);
	uint32_t bitmap = slot_high(slot), bit = bit_at(p->hash, p->level);
	if ((bitmap & bit) == 0)
		return arrive(p, 0);
	p->at = &slot_node(slot)->slots[position(bitmap, bit)];
	p->level++;
	__builtin_prefetch(p->at);
	return true;
}

bool trie_probe_step(struct trie_probe *p)
{
	return step(p);
}

bool trie_probes_step(struct trie_probe *p, size_t n)
{
	bool under_way = false;
	for (size_t i = 0; i < n; i++)
		under_way |= step(&p[i]);
	return under_way;
}

static const struct object *find_among(const struct trie_node *n,
				       const struct trie_key *k)
{
	for (uint32_t i = 0; i < n->count; i++) {
		struct object *o = leaf_object(n->slots[i]);
		if (k->ops->same(o, k->key))
			return o;
	}
	return NULL;
}

const struct object *trie_probe_end(const struct trie_probe *p,
				    const struct trie_key *k)
{
	invariant(p->at == NULL);
	if (p->slot == 0)
		return NULL;
	invariant(p->hash == k->hash);
	if (!is_leaf(p->slot))
		return find_among(slot_node(p->slot), k);
	struct object *o = leaf_object(p->slot);
	return k->ops->same(o, k->key) ? o : NULL;
}

const struct object *trie_get(const struct trie *t, const struct trie_key *k)
{
	struct trie_probe p = { .at = &t->root, .hash = k->hash };
	while (step(&p))
		;
	return trie_probe_end(&p, k);
}

/* --- changing ------------------------------------------------------------- */

/* Moves or copies the slots of the node in *at into `to`, leaving a gap of
 * one at `gap` (to has one slot more), or leaving slot `skip` out; `bitmap`
 * is that of `to`. The node in *at is given up. Pass UINT32_MAX for none. */
static void take_slots(uintptr_t *at, uint32_t level, struct trie_node *to,
		       uint32_t bitmap, uint32_t gap, uint32_t skip)
{
	struct trie_node *n = slot_node(*at);
	bool ours = atomic_load_explicit(&n->refs, memory_order_acquire) == 1;
	uint32_t out = 0;
	for (uint32_t i = 0; i < n->count; i++) {
		if (i == gap)
			out++;
		if (i == skip) {
			if (ours)
				slot_unref(n->slots[i], level + 1);
			continue;
		}
		if (!ours)
			slot_ref(n->slots[i]);
		to->slots[out++] = n->slots[i];
	}
	if (ours)
		free(n);
	else
		slot_unref(*at, level);
	*at = slot_of(to, bitmap);
}

/* Makes the node in *at one that only this trie holds. */
static bool node_own(struct trie *t, uintptr_t *at, uint32_t level)
{
	struct trie_node *n = slot_node(*at);
	if (atomic_load_explicit(&n->refs, memory_order_acquire) == 1)
		return true;
	uint32_t count = n->count;
	struct trie_node *copy = node_new(t, count);
	if (copy == NULL)
		return false;
	t->bytes -= node_bytes(count);
	take_slots(at, level, copy, slot_high(*at), UINT32_MAX, UINT32_MAX);
	return true;
}

/* One slot more at `pos`, holding o of hash `hash`. */
static bool node_insert(struct trie *t, uintptr_t *at, uint32_t level,
			uint32_t bitmap, uint32_t pos, uint64_t hash,
			struct object *o)
{
	uint32_t count = slot_node(*at)->count;
	struct trie_node *to = node_new(t, count + 1);
	if (to == NULL)
		return false;
	t->bytes -= node_bytes(count);
	take_slots(at, level, to, bitmap, pos, UINT32_MAX);
	invariant(level == TRIE_LEVELS || bit_count(bitmap) == count + 1);
	to->slots[pos] = slot_of_object(o, tag_of(hash));
	object_ref(o);
	t->count++;
	return true;
}

/* The same key, so the same hash and tag. */
static void leaf_replace(uintptr_t *at, struct object *o)
{
	struct object *old = leaf_object(*at);
	object_ref(o);
	*at = slot_of_object(o, slot_high(*at));
	object_unref(old);
}

/* Nodes with one child from `level` down to above `bottom`, made upwards. */
static bool wrap(struct trie *t, uintptr_t *slot, uint64_t hash,
		 uint32_t level, uint32_t bottom)
{
	for (uint32_t l = bottom; l > level; l--) {
		struct trie_node *n = node_new(t, 1);
		if (n == NULL)
			return false;
		n->slots[0] = *slot;
		*slot = slot_of(n, bit_at(hash, l - 1));
	}
	return true;
}

/* Frees what wrap made before it ran out of memory, without the leaves. */
static void unwrap(struct trie *t, uintptr_t slot, uint32_t made,
		   uint32_t bottom_slots)
{
	for (uint32_t i = 0; i <= made; i++) {
		struct trie_node *n = slot_node(slot);
		slot = n->slots[0];
		t->bytes -= node_bytes(i == made ? bottom_slots : 1);
		free(n);
	}
}

/* A leaf stands where o wants to go: both move below, to where their hashes
 * part. */
static bool leaf_split(struct trie *t, uintptr_t *at, uint32_t level,
		       const struct trie_key *k, struct object *o)
{
	uint64_t old = k->ops->hash(leaf_object(*at));
	uint32_t bottom = level;
	while (bottom < TRIE_LEVELS &&
	       index_at(old, bottom) == index_at(k->hash, bottom))
		bottom++;
	bool old_first = true;
	uint32_t bitmap = 0;
	if (bottom < TRIE_LEVELS) {
		bitmap = bit_at(old, bottom) | bit_at(k->hash, bottom);
		old_first = index_at(old, bottom) < index_at(k->hash, bottom);
	}
	struct trie_node *pair = node_new(t, 2);
	if (pair == NULL)
		return false;
	pair->slots[old_first ? 0 : 1] = *at;
	pair->slots[old_first ? 1 : 0] = slot_of_object(o, tag_of(k->hash));
	uintptr_t slot = slot_of(pair, bitmap);
	uint64_t before = t->bytes;
	if (!wrap(t, &slot, k->hash, level, bottom)) {
		uint64_t made = (t->bytes - before) / node_bytes(1);
		unwrap(t, slot, (uint32_t)made, 2);
		return false;
	}
	object_ref(o);
	*at = slot;
	t->count++;
	return true;
}

static bool leaf_is(uintptr_t slot, const struct trie_key *k)
{
	return slot_high(slot) == tag_of(k->hash) &&
	       k->ops->same(leaf_object(slot), k->key);
}

static bool leaf_put(struct trie *t, uintptr_t *at, uint32_t level,
		     const struct trie_key *k, struct object *o)
{
	if (!leaf_is(*at, k))
		return leaf_split(t, at, level, k, o);
	leaf_replace(at, o);
	return true;
}

static bool put_among(struct trie *t, uintptr_t *at, const struct trie_key *k,
		      struct object *o)
{
	struct trie_node *n = slot_node(*at);
	for (uint32_t i = 0; i < n->count; i++) {
		if (!leaf_is(n->slots[i], k))
			continue;
		if (!node_own(t, at, TRIE_LEVELS))
			return false;
		leaf_replace(&slot_node(*at)->slots[i], o);
		return true;
	}
	return node_insert(t, at, TRIE_LEVELS, 0, n->count, k->hash, o);
}

bool trie_put(struct trie *t, const struct trie_key *k, struct object *o)
{
	uintptr_t *at = &t->root;
	if (*at == 0) {
		object_ref(o);
		*at = slot_of_object(o, tag_of(k->hash));
		t->count = 1;
		return true;
	}
	for (uint32_t level = 0; level < TRIE_LEVELS; level++) {
		if (is_leaf(*at))
			return leaf_put(t, at, level, k, o);
		uint32_t bitmap = slot_high(*at);
		uint32_t bit = bit_at(k->hash, level);
		uint32_t pos = position(bitmap, bit);
		if ((bitmap & bit) == 0)
			return node_insert(t, at, level, bitmap | bit, pos,
					   k->hash, o);
		if (!node_own(t, at, level))
			return false;
		at = &slot_node(*at)->slots[pos];
	}
	return is_leaf(*at) ? leaf_put(t, at, TRIE_LEVELS, k, o) :
			      put_among(t, at, k, o);
}

/* Takes slot `pos` out of the node in *at, which has two or more. */
static bool node_drop(struct trie *t, uintptr_t *at, uint32_t level,
		      uint32_t bitmap, uint32_t pos)
{
	uint32_t count = slot_node(*at)->count;
	invariant(count >= 2 && pos < count);
	struct trie_node *to = node_new(t, count - 1);
	if (to == NULL)
		return false;
	t->bytes -= node_bytes(count);
	take_slots(at, level, to, bitmap, UINT32_MAX, pos);
	t->count--;
	return true;
}

/* A node left with one leaf gives way to that leaf, upwards. */
static void collapse(struct trie *t, uintptr_t **path, uint32_t depth)
{
	for (uint32_t i = depth + 1; i > 0; i--) {
		uint32_t level = i - 1;
		struct trie_node *n = slot_node(*path[level]);
		if (n->count != 1 || !is_leaf(n->slots[0]))
			return;
		invariant(atomic_load(&n->refs) == 1);
		*path[level] = n->slots[0];
		t->bytes -= node_bytes(1);
		free(n);
	}
}

static bool remove_among(struct trie *t, uintptr_t *at,
			 const struct trie_key *k)
{
	struct trie_node *n = slot_node(*at);
	for (uint32_t i = 0; i < n->count; i++)
		if (leaf_is(n->slots[i], k))
			return node_drop(t, at, TRIE_LEVELS, 0, i);
	unreachable_state("the key was found before");
}

bool trie_remove(struct trie *t, const struct trie_key *k)
{
	invariant(trie_get(t, k) != NULL);
	if (is_leaf(t->root)) {
		trie_release(t);
		return true;
	}
	uintptr_t *path[TRIE_LEVELS + 1];
	uintptr_t *at = &t->root;
	for (uint32_t level = 0; level < TRIE_LEVELS; level++) {
		path[level] = at;
		if (!node_own(t, at, level))
			return false;
		struct trie_node *n = slot_node(*at);
		uint32_t bitmap = slot_high(*at);
		uint32_t bit = bit_at(k->hash, level);
		uint32_t pos = position(bitmap, bit);
		if (!is_leaf(n->slots[pos])) {
			at = &n->slots[pos];
			continue;
		}
		if (!node_drop(t, at, level, bitmap & ~bit, pos))
			return false;
		collapse(t, path, level);
		return true;
	}
	path[TRIE_LEVELS] = at;
	if (!remove_among(t, at, k))
		return false;
	collapse(t, path, TRIE_LEVELS);
	return true;
}

/* --- in order ------------------------------------------------------------- */
static const struct object *leftmost(uintptr_t slot)
{
	while (!is_leaf(slot))
		slot = slot_node(slot)->slots[0];
	return leaf_object(slot);
}

const struct object *trie_after(const struct trie *t,
				const struct trie_ops *ops, uint64_t hash)
{
	uintptr_t slot = t->root, higher = 0;
	for (uint32_t level = 0; slot != 0 && !is_leaf(slot); level++) {
		const struct trie_node *n = slot_node(slot);
		if (level == TRIE_LEVELS)
			break;		/* all have this very hash */
		uint32_t bitmap = slot_high(slot), bit = bit_at(hash, level);
		uint32_t pos = position(bitmap, bit);
		bool there = (bitmap & bit) != 0;
		uint32_t next = pos + (there ? 1 : 0);
		if (next < n->count)
			higher = n->slots[next];
		slot = there ? n->slots[pos] : 0;
	}
	if (slot != 0 && is_leaf(slot) && ops->hash(leaf_object(slot)) > hash)
		return leaf_object(slot);
	return higher != 0 ? leftmost(higher) : NULL;
}

static void walk_push(struct trie_walk *w, uintptr_t slot)
{
	invariant(w->depth <= TRIE_LEVELS);
	w->node[w->depth] = slot_node(slot);
	w->at[w->depth++] = 0;
}

const struct object *trie_walk_next(struct trie_walk *w)
{
	if (!w->begun) {
		w->begun = true;
		if (w->trie->root == 0)
			return NULL;
		if (is_leaf(w->trie->root))
			return leaf_object(w->trie->root);
		walk_push(w, w->trie->root);
	}
	while (w->depth > 0) {
		uint32_t level = w->depth - 1u;
		const struct trie_node *n = w->node[level];
		if (w->at[level] == n->count) {
			w->depth--;
			continue;
		}
		uintptr_t slot = n->slots[w->at[level]++];
		if (is_leaf(slot))
			return leaf_object(slot);
		walk_push(w, slot);
	}
	return NULL;
}
