/* The persistent radix tree of address entries; see radix.h. */
#include "policy/radix.h"

#include <stdlib.h>

#include "policy/object.h"

enum { STRIDE = 4, FANOUT = 16, BITS = 128, PATH_MAX = BITS / STRIDE + 1 };

/* An address as two numbers, so that prefixes are compared in two steps. */
struct bits128 {
	uint64_t hi, lo;
};

/* A range as the tree sees it. */
struct prefix {
	struct bits128 bits;
	uint32_t n;
};

/* slots: first the children, by their four bits, then the entries, by code
 * and id; the codes stand behind the slots. */
struct radix_node {
	_Atomic uint32_t refs;
	uint16_t children;		/* bitmap */
	uint16_t entries;		/* how many */
	uint32_t offset;
	uintptr_t slots[];
};

/* --- bits ----------------------------------------------------------------- */
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

static struct prefix prefix_of(const struct object *entry)
{
	const struct ip_range *r = &object_entry(entry)->range;
	invariant(r->bits <= BITS);
	return (struct prefix){ bits_of(&r->first), r->bits };
}

/* The four bits at offset; behind the last there are zeros. */
static uint32_t nibble(struct bits128 a, uint32_t offset)
{
	invariant(offset % STRIDE == 0 && offset <= BITS);
	if (offset == BITS)
		return 0;
	return (uint32_t)(offset < 64 ? a.hi >> (60 - offset) :
					a.lo >> (124 - offset)) & 15;
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

/* Where the two part: the first bit that differs, or the end of one. */
static uint32_t shared(struct prefix a, struct prefix b)
{
	uint32_t n = common(a.bits, b.bits);
	n = n < a.n ? n : a.n;
	return n < b.n ? n : b.n;
}

/* The k = p.n - offset < 4 bits behind the offset, below a leading 1. */
static uint8_t code_of(struct prefix p, uint32_t offset)
{
	invariant(p.n >= offset && p.n - offset < STRIDE);
	uint32_t k = p.n - offset;
	return (uint8_t)(1u << k | nibble(p.bits, offset) >> (STRIDE - k));
}

/* All codes that hold an address with these four bits: that of k bits is
 * the one of k + 1 without its last. */
static bool code_holds(uint8_t code, uint32_t four)
{
	uint32_t full = FANOUT | four;
	return code == full >> 4 || code == full >> 3 || code == full >> 2 ||
	       code == full >> 1;
}

/* --- slots ---------------------------------------------------------------- */
static bool is_leaf(uintptr_t slot)
{
	return (slot & 1) != 0;
}

static struct object *leaf_entry(uintptr_t slot)
{
	invariant(is_leaf(slot));
	return (struct object *)(slot & ~(uintptr_t)1);
}

static struct radix_node *slot_node(uintptr_t slot)
{
	invariant(slot != 0 && !is_leaf(slot));
	return (struct radix_node *)slot;
}

static uintptr_t slot_of_node(const struct radix_node *n)
{
	return (uintptr_t)n;
}

static uintptr_t slot_of_entry(const struct object *o)
{
	return (uintptr_t)o | 1;
}

static uint32_t bit_count(uint32_t v)
{
	v -= v >> 1 & 0x5555;
	v = (v & 0x3333) + (v >> 2 & 0x3333);
	v = (v + (v >> 4)) & 0x0f0f;
	return (v + (v >> 8)) & 31;
}

static uint32_t child_count(const struct radix_node *n)
{
	return bit_count(n->children);
}

static uint32_t child_at(const struct radix_node *n, uint32_t four)
{
	return bit_count(n->children & ((1u << four) - 1));
}

static uint32_t slot_count(const struct radix_node *n)
{
	return child_count(n) + n->entries;
}

static uint8_t *codes(struct radix_node *n)
{
	return (uint8_t *)&n->slots[slot_count(n)];
}

static size_t node_bytes(uint32_t slots, uint32_t entries)
{
	return sizeof(struct radix_node) + slots * sizeof(uintptr_t) +
	       entries;
}

static struct radix_node *node_new(struct radix *r, uint32_t offset,
				   uint32_t children, uint32_t entries)
{
	uint32_t slots = bit_count(children) + entries;
	struct radix_node *n = malloc(node_bytes(slots, entries));
	if (n == NULL)
		return NULL;
	atomic_init(&n->refs, 1);
	n->children = (uint16_t)children;
	n->entries = (uint16_t)entries;
	n->offset = offset;
	r->bytes += node_bytes(slots, entries);
	return n;
}

/* --- counting ------------------------------------------------------------- */
static void slot_ref(uintptr_t slot)
{
	if (is_leaf(slot))
		object_ref(leaf_entry(slot));
	else
		atomic_fetch_add_explicit(&slot_node(slot)->refs, 1,
					  memory_order_relaxed);
}

/* At most PATH_MAX deep: a child's offset is greater. */
static void slot_unref(uintptr_t slot)
{
	if (is_leaf(slot)) {
		object_unref(leaf_entry(slot));
		return;
	}
	struct radix_node *n = slot_node(slot);
	uint32_t was = atomic_fetch_sub_explicit(&n->refs, 1,
						 memory_order_acq_rel);
	invariant(was > 0);
	if (was > 1)
		return;
	uint32_t count = slot_count(n);
	for (uint32_t i = 0; i < count; i++)
		slot_unref(n->slots[i]);
	free(n);
}

static bool only_ours(const struct radix_node *n)
{
	return atomic_load_explicit(&n->refs, memory_order_acquire) == 1;
}

struct radix radix_share(const struct radix *r)
{
	if (r->root != 0)
		slot_ref(r->root);
	return *r;
}

void radix_release(struct radix *r)
{
	if (r->root != 0)
		slot_unref(r->root);
	*r = (struct radix){ 0 };
}

/* --- looking up ----------------------------------------------------------- */

/* Paths are compressed, so what the codes and four bits say is checked once
 * more on the entry itself. */
static bool holds(const struct object *entry, struct bits128 want)
{
	struct prefix p = prefix_of(entry);
	return common(p.bits, want) >= p.n;
}

void radix_holding(const struct radix *r, const struct ip_addr *a,
		   bool (*each)(void *ctx, const struct object *entry),
		   void *ctx)
{
	struct bits128 want = bits_of(a);
	uintptr_t slot = r->root;
	while (slot != 0) {
		if (is_leaf(slot)) {
			struct object *o = leaf_entry(slot);
			if (holds(o, want))
				each(ctx, o);
			return;
		}
		struct radix_node *n = slot_node(slot);
		uint32_t four = nibble(want, n->offset);
		uint32_t first = child_count(n);
		for (uint32_t i = 0; i < n->entries; i++) {
			if (!code_holds(codes(n)[i], four))
				continue;
			struct object *o = leaf_entry(n->slots[first + i]);
			if (holds(o, want) && !each(ctx, o))
				return;
		}
		bool there = (n->children & 1u << four) != 0;
		slot = there ? n->slots[child_at(n, four)] : 0;
	}
}

/* A node of 16 children has 144 bytes: three lines, asked for at once, since
 * which of them is meant stands in the first. */
static void prefetch(uintptr_t slot)
{
	if (is_leaf(slot)) {
		object_prefetch(leaf_entry(slot));
		return;
	}
	const char *n = (const char *)slot_node(slot);
	__builtin_prefetch(n);
	__builtin_prefetch(n + 64);
	__builtin_prefetch(n + 128);
}

void radix_probe_begin(struct radix_probe *p, const struct radix *r,
		       const struct ip_addr *a)
{
	struct bits128 want = bits_of(a);
	*p = (struct radix_probe){ r->root, { want.hi, want.lo } };
}

/* Of the entries of a node the first few that may hold the address: more
 * than that are rare, and asking for too much at once helps nobody. */
bool radix_probe_step(struct radix_probe *p)
{
	enum { FEW = 8 };
	if (p->slot == 0 || is_leaf(p->slot)) {
		p->slot = 0;
		return false;
	}
	struct radix_node *n = slot_node(p->slot);
	struct bits128 want = { p->want[0], p->want[1] };
	uint32_t four = nibble(want, n->offset), first = child_count(n);
	for (uint32_t i = 0; i < n->entries && i < FEW; i++)
		if (code_holds(codes(n)[i], four))
			prefetch(n->slots[first + i]);
	if ((n->children & 1u << four) == 0) {
		p->slot = 0;
		return false;
	}
	p->slot = n->slots[child_at(n, four)];
	prefetch(p->slot);
	return true;
}

/* --- nodes made anew ------------------------------------------------------ */

/* A node while it is being changed, in a form that is easy to change. */
struct draft {
	uint32_t offset, children, entries;
	uint32_t skip;			/* slot that is left out */
	uint32_t gap;			/* place of a new slot, in the new node */
	uintptr_t added;		/* what goes there; 0: nothing */
	uint8_t code;			/* of an added entry */
};

enum { NO_SLOT = UINT32_MAX };

/* Puts in the place of the node in *at one that is like it but for the
 * draft. Takes over the reference of draft->added. */
static bool node_renew(struct radix *r, uintptr_t *at,
		       const struct draft *draft)
{
	struct radix_node *old = slot_node(*at);
	struct radix_node *n = node_new(r, draft->offset, draft->children,
					draft->entries);
	if (n == NULL)
		return false;
	bool ours = only_ours(old);
	uint32_t count = slot_count(old), first = child_count(old), out = 0;
	uint32_t new_first = child_count(n), new_count = slot_count(n);
	for (uint32_t i = 0; i <= count; i++) {
		if (out == draft->gap && draft->added != 0) {
			if (out >= new_first)
				codes(n)[out - new_first] = draft->code;
			n->slots[out++] = draft->added;
		}
		if (i == count)
			break;
		if (i == draft->skip) {
			if (ours)
				slot_unref(old->slots[i]);
			continue;
		}
		if (!ours)
			slot_ref(old->slots[i]);
		if (i >= first)
			codes(n)[out - new_first] = codes(old)[i - first];
		n->slots[out++] = old->slots[i];
	}
	invariant(out == new_count);
	r->bytes -= node_bytes(count, old->entries);
	if (ours)
		free(old);
	else
		slot_unref(*at);
	*at = slot_of_node(n);
	return true;
}

static struct draft draft_of(const struct radix_node *n)
{
	return (struct draft){ n->offset, n->children, n->entries, NO_SLOT,
			       NO_SLOT, 0, 0 };
}

/* Makes the node in *at one that only this tree holds. */
static bool node_own(struct radix *r, uintptr_t *at)
{
	if (only_ours(slot_node(*at)))
		return true;
	struct draft same = draft_of(slot_node(*at));
	return node_renew(r, at, &same);
}

static bool add_child(struct radix *r, uintptr_t *at, uint32_t four,
		      struct object *entry)
{
	struct draft d = draft_of(slot_node(*at));
	d.gap = child_at(slot_node(*at), four);
	d.children |= 1u << four;
	d.added = slot_of_entry(entry);
	if (!node_renew(r, at, &d))
		return false;
	object_ref(entry);
	return true;
}

/* The entry belongs to the node itself. */
static enum radix_result add_here(struct radix *r, uintptr_t *at,
				  struct prefix p, struct object *entry)
{
	struct radix_node *n = slot_node(*at);
	struct draft d = draft_of(n);
	uint32_t first = child_count(n), same = 0, place = 0;
	uint32_t id = object_entry(entry)->id;
	d.code = code_of(p, n->offset);
	for (uint32_t i = 0; i < n->entries; i++) {
		uint8_t code = codes(n)[i];
		uint32_t other = object_entry(leaf_entry(
			n->slots[first + i]))->id;
		same += code == d.code;
		if (code < d.code || (code == d.code && other < id))
			place = i + 1;
	}
	if (same >= RADIX_ENTRIES_MAX)
		return RADIX_FULL;
	d.entries++;
	d.gap = first + place;
	d.added = slot_of_entry(entry);
	if (!node_renew(r, at, &d))
		return RADIX_OUT_OF_MEMORY;
	object_ref(entry);
	return RADIX_DONE;
}

/* --- adding --------------------------------------------------------------- */

/* One of two things that a new node holds: a prefix and what stands for it;
 * own: an entry of the node itself. */
struct half {
	struct prefix p;
	uintptr_t slot;
	bool own;
};

static bool goes_before(const struct half *a, const struct half *b,
			uint32_t offset)
{
	if (a->own != b->own)
		return b->own;
	if (!a->own)
		return nibble(a->p.bits, offset) < nibble(b->p.bits, offset);
	uint8_t x = code_of(a->p, offset), y = code_of(b->p, offset);
	return x != y ? x < y :
			object_entry(leaf_entry(a->slot))->id <
				object_entry(leaf_entry(b->slot))->id;
}

/* Puts above *at a node that holds it and the entry; they part behind n
 * bits. `below` is the prefix of anything in *at. */
static bool part(struct radix *r, uintptr_t *at, struct prefix below,
		 struct prefix p, uint32_t n, struct object *entry)
{
	uint32_t offset = n / STRIDE * STRIDE;
	struct half halves[2] = {
		{ below, *at, is_leaf(*at) && below.n < offset + STRIDE },
		{ p, slot_of_entry(entry), p.n < offset + STRIDE },
	};
	uint32_t children = 0, entries = 0;
	for (int i = 0; i < 2; i++) {
		if (halves[i].own)
			entries++;
		else
			children |= 1u << nibble(halves[i].p.bits, offset);
	}
	struct radix_node *made = node_new(r, offset, children, entries);
	if (made == NULL)
		return false;
	invariant(slot_count(made) == 2);
	bool swap = goes_before(&halves[1], &halves[0], offset);
	for (int i = 0; i < 2; i++) {
		const struct half *h = &halves[swap ? 1 - i : i];
		made->slots[i] = h->slot;
		if (h->own)
			codes(made)[i - (2 - (int)entries)] =
				code_of(h->p, offset);
	}
	object_ref(entry);
	*at = slot_of_node(made);
	return true;
}

/* The prefix of something in the tree that shares as much with p as
 * anything there. */
static struct prefix nearest(const struct radix *r, struct prefix p)
{
	uintptr_t slot = r->root;
	while (!is_leaf(slot)) {
		const struct radix_node *n = slot_node(slot);
		uint32_t four = nibble(p.bits, n->offset);
		bool there = (n->children & 1u << four) != 0 &&
			     p.n >= n->offset + STRIDE;
		slot = n->slots[there ? child_at(n, four) : 0];
	}
	return prefix_of(leaf_entry(slot));
}

enum radix_result radix_add(struct radix *r, struct object *entry)
{
	struct prefix p = prefix_of(entry);
	if (r->root == 0) {
		object_ref(entry);
		r->root = slot_of_entry(entry);
		return RADIX_DONE;
	}
	struct prefix near = nearest(r, p);
	uint32_t parts = shared(p, near);
	uintptr_t *at = &r->root;
	bool ok;
	for (;;) {
		if (is_leaf(*at) || slot_node(*at)->offset > parts) {
			ok = part(r, at, near, p, parts, entry);
			break;
		}
		uint32_t offset = slot_node(*at)->offset;
		if (p.n < offset + STRIDE)
			return add_here(r, at, p, entry);
		uint32_t four = nibble(p.bits, offset);
		if ((slot_node(*at)->children & 1u << four) == 0) {
			ok = add_child(r, at, four, entry);
			break;
		}
		if (!node_own(r, at))
			return RADIX_OUT_OF_MEMORY;
		struct radix_node *n = slot_node(*at);
		at = &n->slots[child_at(n, four)];
	}
	return ok ? RADIX_DONE : RADIX_OUT_OF_MEMORY;
}

/* --- removing and replacing ----------------------------------------------- */

/* The slot in the node at *at that holds the entry or leads to it. */
static uint32_t slot_towards(uintptr_t at, struct prefix p,
			     const struct object *entry)
{
	struct radix_node *n = slot_node(at);
	if (p.n >= n->offset + STRIDE) {
		uint32_t four = nibble(p.bits, n->offset);
		invariant((n->children & 1u << four) != 0);
		return child_at(n, four);
	}
	uint32_t count = slot_count(n);
	for (uint32_t i = child_count(n); i < count; i++)
		if (leaf_entry(n->slots[i]) == entry)
			return i;
	unreachable_state("the entry is in the tree");
}

/* Owns the nodes down to the one that holds the entry; false out of memory.
 * *at is the slot of that node, NULL when the entry is the whole tree. */
static bool descend(struct radix *r, const struct object *entry,
		    uintptr_t **at, uint32_t *slot)
{
	struct prefix p = prefix_of(entry);
	*at = NULL;
	uintptr_t *here = &r->root;
	for (uint32_t depth = 0; !is_leaf(*here); depth++) {
		invariant(depth < PATH_MAX);
		if (!node_own(r, here))
			return false;
		*slot = slot_towards(*here, p, entry);
		*at = here;
		here = &slot_node(*here)->slots[*slot];
	}
	invariant(leaf_entry(*here) == entry);
	return true;
}

/* A node of two loses one: the other takes the node's place. */
static void dissolve(struct radix *r, uintptr_t *at, uint32_t slot)
{
	struct radix_node *n = slot_node(*at);
	invariant(only_ours(n) && slot < 2);
	uintptr_t other = n->slots[1 - slot];
	slot_unref(n->slots[slot]);
	r->bytes -= node_bytes(2, n->entries);
	free(n);
	*at = other;
}

bool radix_remove(struct radix *r, const struct object *entry)
{
	uintptr_t *at;
	uint32_t slot;
	struct prefix p = prefix_of(entry);
	if (!descend(r, entry, &at, &slot))
		return false;
	if (at == NULL) {
		radix_release(r);
		return true;
	}
	struct radix_node *n = slot_node(*at);
	if (slot_count(n) == 2) {
		dissolve(r, at, slot);
		return true;
	}
	struct draft d = draft_of(n);
	d.skip = slot;
	if (slot < child_count(n))
		d.children &= ~(1u << nibble(p.bits, n->offset));
	else
		d.entries--;
	return node_renew(r, at, &d);
}

bool radix_replace(struct radix *r, const struct object *old,
		   struct object *new)
{
	uintptr_t *at;
	uint32_t slot;
	invariant(object_entry(old)->id == object_entry(new)->id);
	if (!descend(r, old, &at, &slot))
		return false;
	uintptr_t *place = at ? &slot_node(*at)->slots[slot] : &r->root;
	uintptr_t was = *place;
	object_ref(new);
	*place = slot_of_entry(new);
	slot_unref(was);
	return true;
}
