/*
 * Address entries by range: a persistent binary radix tree with compressed
 * paths over the 128-bit form of addresses. Each node stands for one prefix
 * and holds the entries of exactly that range. Counting and copying as in
 * trie.h. A path is at most 129 nodes.
 */
#pragma once

#include "base/ip.h"
#include "base/slice.h"

struct object;
struct radix_node;

/* Entries of one and the same range, of all customers together: it bounds
 * what one look-up may cost. */
enum { RADIX_ENTRIES_MAX = 4096 };

struct radix {
	struct radix_node *root;
	uint64_t bytes;
};

struct radix radix_share(const struct radix *r);
void radix_release(struct radix *r);

enum radix_result { RADIX_DONE, RADIX_FULL, RADIX_OUT_OF_MEMORY };
/* entry is an OBJECT_ENTRY, not in r yet; its range has no host bits. */
enum radix_result radix_add(struct radix *r, struct object *entry) MUST_USE;
/* entry must be in r. False: out of memory. */
bool radix_remove(struct radix *r, const struct object *entry) MUST_USE;

/* Calls each for the entries whose range holds a, wide ranges first, until
 * it returns false. */
void radix_holding(const struct radix *r, const struct ip_addr *a,
		   bool (*each)(void *ctx, const struct object *entry),
		   void *ctx);
