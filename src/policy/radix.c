/* The persistent radix tree of address entries; see radix.h. */
#include "policy/radix.h"

#include <stdlib.h>

#include "policy/object.h"

/* An address as two numbers, so that prefixes are compared in two steps. */
struct bits128 {
	uint64_t hi, lo;
};

struct radix_node {
	_Atomic uint32_t refs;
	uint16_t count;			/* of entries */
	uint8_t bits;			/* length of the prefix */
	struct bits128 prefix;		/* zeros behind it */
	struct radix_node *child[2];	/* by the bit behind the prefix */
	struct object *entries[];
};

enum { BITS = 128, PATH_MAX_NODES = BITS + 1 };

/* --- bits --------------------------------------------------------------------- */
static uint64_t big_endian(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static struct bits128 bits_of(const struct ip_addr *a)
{
	return (struct bits128){ big_endian(a->bytes),
				 big_endian(a->bytes + 8) };
}

static struct bits128 cut(struct bits128 a, uint32_t bits)
{
	if (bits <= 64)
		return (struct bits128){
			bits ? a.hi & (UINT64_MAX << (64 - bits)) : 0, 0
		};
	return (struct bits128){ a.hi, a.lo & (UINT64_MAX << (BITS - bits)) };
}

static uint32_t bit_at(struct bits128 a, uint32_t at)
{
	invariant(at < BITS);
	return (uint32_t)(at < 64 ? a.hi >> (63 - at) :
				    a.lo >> (127 - at)) & 1;
}

/* How many leading bits are the same. */
static uint32_t common(struct bits128 a, struct bits128 b)
{
	if (a.hi != b.hi)
		return (uint32_t)__builtin_clzll(a.hi ^ b.hi);
	if (a.lo != b.lo)
		return 64 + (uint32_t)__builtin_clzll(a.lo ^ b.lo);
	return BITS;
}

/* --- nodes -------------------------------------------------------------------- */
static size_t node_bytes(uint32_t count)
{
	return sizeof(struct radix_node) + count * sizeof(struct object *);
}

static struct radix_node *node_new(struct radix *r, struct bits128 prefix,
				   uint32_t bits, uint32_t count)
{
	struct radix_node *n = malloc(node_bytes(count));
	if (n == NULL)
		return NULL;
	atomic_init(&n->refs, 1);
	n->count = (uint16_t)count;
	n->bits = (uint8_t)bits;
	n->prefix = cut(prefix, bits);
	n->child[0] = n->child[1] = NULL;
	r->bytes += node_bytes(count);
	return n;
}

static void node_ref(struct radix_node *n)
{
	if (n != NULL)
		atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
}

/* At most PATH_MAX_NODES deep: a child's prefix is longer. */
static void node_unref(struct radix_node *n)
{
	if (n == NULL)
		return;
	uint32_t was = atomic_fetch_sub_explicit(&n->refs, 1,
						 memory_order_acq_rel);
	invariant(was > 0);
	if (was > 1)
		return;
	for (uint32_t i = 0; i < n->count; i++)
		object_unref(n->entries[i]);
	node_unref(n->child[0]);
	node_unref(n->child[1]);
	free(n);
}

static bool only_ours(const struct radix_node *n)
{
	return atomic_load_explicit(&n->refs, memory_order_acquire) == 1;
}

/* Puts in the place of *at a node of our own with room for `count` entries,
 * that has the first `keep` of the old one's entries except `skip`. */
static bool node_renew(struct radix *r, struct radix_node **at,
		       uint32_t count, const struct object *skip)
{
	struct radix_node *old = *at;
	struct radix_node *n = node_new(r, old->prefix, old->bits, count);
	if (n == NULL)
		return false;
	uint32_t out = 0;
	for (uint32_t i = 0; i < old->count; i++) {
		if (old->entries[i] == skip)
			continue;
		invariant(out < count);
		object_ref(old->entries[i]);
		n->entries[out++] = old->entries[i];
	}
	for (int side = 0; side < 2; side++) {
		n->child[side] = old->child[side];
		node_ref(n->child[side]);
	}
	r->bytes -= node_bytes(old->count);
	*at = n;
	node_unref(old);
	return true;
}

static bool node_own(struct radix *r, struct radix_node **at)
{
	return only_ours(*at) || node_renew(r, at, (*at)->count, NULL);
}

struct radix radix_share(const struct radix *r)
{
	node_ref(r->root);
	return *r;
}

void radix_release(struct radix *r)
{
	node_unref(r->root);
	*r = (struct radix){ 0 };
}

/* --- looking up --------------------------------------------------------------- */
void radix_holding(const struct radix *r, const struct ip_addr *a,
		   bool (*each)(void *ctx, const struct object *entry),
		   void *ctx)
{
	struct bits128 want = bits_of(a);
	const struct radix_node *n = r->root;
	while (n != NULL && common(n->prefix, want) >= n->bits) {
		for (uint32_t i = 0; i < n->count; i++)
			if (!each(ctx, n->entries[i]))
				return;
		n = n->bits < BITS ? n->child[bit_at(want, n->bits)] : NULL;
	}
}

/* --- changing ----------------------------------------------------------------- */
static struct radix_node *leaf_new(struct radix *r, struct bits128 prefix,
				   uint32_t bits, struct object *entry)
{
	struct radix_node *n = node_new(r, prefix, bits, 1);
	if (n == NULL)
		return NULL;
	n->entries[0] = entry;
	object_ref(entry);
	return n;
}

/* The entry's range is wider than that of *at and holds it. */
static bool add_above(struct radix *r, struct radix_node **at,
		      struct bits128 prefix, uint32_t bits,
		      struct object *entry)
{
	struct radix_node *n = leaf_new(r, prefix, bits, entry);
	if (n == NULL)
		return false;
	n->child[bit_at((*at)->prefix, bits)] = *at;
	*at = n;
	return true;
}

/* The two part behind `shared` bits: a node without entries above both. */
static bool add_beside(struct radix *r, struct radix_node **at,
		       uint32_t shared, struct bits128 prefix, uint32_t bits,
		       struct object *entry)
{
	uint64_t before = r->bytes;
	struct radix_node *branch = node_new(r, prefix, shared, 0);
	struct radix_node *leaf = leaf_new(r, prefix, bits, entry);
	if (branch == NULL || leaf == NULL) {
		node_unref(branch);
		node_unref(leaf);
		r->bytes = before;
		return false;
	}
	uint32_t side = bit_at(prefix, shared);
	invariant(side != bit_at((*at)->prefix, shared));
	branch->child[side] = leaf;
	branch->child[1 - side] = *at;
	*at = branch;
	return true;
}

static enum radix_result add_here(struct radix *r, struct radix_node **at,
				  struct object *entry)
{
	uint32_t count = (*at)->count;
	if (count >= RADIX_ENTRIES_MAX)
		return RADIX_FULL;
	if (!node_renew(r, at, count + 1, NULL))
		return RADIX_OUT_OF_MEMORY;
	(*at)->entries[count] = entry;
	object_ref(entry);
	return RADIX_DONE;
}

static enum radix_result done(bool ok)
{
	return ok ? RADIX_DONE : RADIX_OUT_OF_MEMORY;
}

enum radix_result radix_add(struct radix *r, struct object *entry)
{
	const struct ip_range *range = &object_entry(entry)->range;
	struct bits128 prefix = bits_of(&range->first);
	uint32_t bits = range->bits;
	invariant(bits <= BITS);
	struct radix_node **at = &r->root;
	while (*at != NULL) {
		uint32_t shared = common((*at)->prefix, prefix);
		if (shared > bits)
			shared = bits;
		if (shared < (*at)->bits && shared < bits)
			return done(add_beside(r, at, shared, prefix, bits,
					       entry));
		if (shared < (*at)->bits)
			return done(add_above(r, at, prefix, bits, entry));
		if (bits == (*at)->bits)
			return add_here(r, at, entry);
		if (!node_own(r, at))
			return RADIX_OUT_OF_MEMORY;
		at = &(*at)->child[bit_at(prefix, (*at)->bits)];
	}
	*at = leaf_new(r, prefix, bits, entry);
	return done(*at != NULL);
}

/* A node without entries and with at most one child gives way to it. */
static void collapse(struct radix *r, struct radix_node **at)
{
	struct radix_node *n = *at;
	if (n->count > 0 || (n->child[0] != NULL && n->child[1] != NULL))
		return;
	invariant(only_ours(n));
	*at = n->child[0] != NULL ? n->child[0] : n->child[1];
	r->bytes -= node_bytes(0);
	free(n);
}

bool radix_remove(struct radix *r, const struct object *entry)
{
	const struct ip_range *range = &object_entry(entry)->range;
	struct bits128 prefix = bits_of(&range->first);
	struct radix_node **at = &r->root, **parent = NULL;
	for (;;) {
		invariant(*at != NULL && (*at)->bits <= range->bits);
		if ((*at)->bits == range->bits)
			break;
		if (!node_own(r, at))
			return false;
		parent = at;
		at = &(*at)->child[bit_at(prefix, (*at)->bits)];
	}
	uint32_t count = (*at)->count;
	invariant(count > 0);
	if (!node_renew(r, at, count - 1, entry))
		return false;
	collapse(r, at);
	if (parent != NULL)
		collapse(r, parent);
	return true;
}
