/*
 * Address entries by range: a persistent radix tree over the 128-bit form of
 * addresses, four bits a step, with compressed paths. Counting and copying
 * as in trie.h. A path is at most 33 nodes; a million entries make about
 * six, and that is what a decision pays for, one cache miss each.
 *
 * A node at offset n (a multiple of 4) stands for one prefix of n bits. It
 * holds the entries whose ranges have n to n + 3 bits, each with a code for
 * its bits behind n, and up to 16 children by the next four bits. A child is
 * a node or, when it is alone there, an entry. Every node holds at least two
 * things, so one set of entries has one form.
 */
#pragma once

#include "base/ip.h"
#include "base/slice.h"

struct object;

/* Entries of one and the same range, of all customers together: it bounds
 * what one look-up may cost. */
enum { RADIX_ENTRIES_MAX = 4096 };

struct radix {
	uintptr_t root;		/* a slot: 0, node, or entry | 1 */
	uint64_t bytes;
};

struct radix radix_share(const struct radix *r);
void radix_release(struct radix *r);

enum radix_result { RADIX_DONE, RADIX_FULL, RADIX_OUT_OF_MEMORY };
/* entry is an OBJECT_ENTRY, not in r yet; its range has no host bits. */
enum radix_result radix_add(struct radix *r, struct object *entry) MUST_USE;
/* entry must be in r. False: out of memory. */
bool radix_remove(struct radix *r, const struct object *entry) MUST_USE;
/* The same range with another row: `new` goes into the place of `old`, which
 * must be in r. False: out of memory. */
bool radix_replace(struct radix *r, const struct object *old,
		   struct object *new) MUST_USE;

/* Calls each for the entries whose range holds a, wide ranges first, until
 * it returns false. */
void radix_holding(const struct radix *r, const struct ip_addr *a,
		   bool (*each)(void *ctx, const struct object *entry),
		   void *ctx);

/*
 * Asks the processor for the memory that radix_holding will read, in steps
 * beside those of other look-ups (trie.h): begin, then step until false.
 * Tells nothing; r stays as it is meanwhile.
 */
struct radix_probe {
	uintptr_t slot;		/* whose memory was asked for; 0: done */
	uint64_t want[2];
};
void radix_probe_begin(struct radix_probe *p, const struct radix *r,
		       const struct ip_addr *a);
bool radix_probe_step(struct radix_probe *p);
