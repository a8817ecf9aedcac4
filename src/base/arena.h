/*
 * Memory of one lifetime (process, view, session, transaction, event): many
 * small allocations, one end. What lives longer never points into an arena
 * that lives shorter. No page is taken until the first allocation.
 */
#pragma once

#include "base/slice.h"

struct arena_page;
struct arena {
	struct arena_page *pages;	/* newest first */
	size_t used_bytes;		/* of all pages */
	size_t max_bytes;		/* reaching it is an error, not an abort */
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_fini(struct arena *a);
/* Forgets everything; gives all memory back. */
void arena_reset(struct arena *a);

/* Zeroed and aligned for any type; NULL over the cap or out of memory. */
void *arena_alloc(struct arena *a, size_t bytes) MUST_USE;
/* A copy that lives as long as the arena; false over the cap. */
bool arena_copy(struct arena *a, slice s, slice *out) MUST_USE;
