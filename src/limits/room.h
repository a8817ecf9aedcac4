/*
 * Memory of the limits, with one bound for all of it: what doesn't fit is
 * refused like an allocation that failed. Any thread. Not counted: the slots
 * of the maps in which customers and users are found (32 bytes each are added
 * to their objects instead).
 */
#pragma once

#include <stdatomic.h>

#include "base/slice.h"

struct room {
	_Atomic uint64_t used_bytes;	/* with what the allocator adds */
	uint64_t max_bytes;
};

/* Zeroed; NULL out of memory or over the bound. */
void *room_take(struct room *room, size_t bytes) MUST_USE;
/* p, of that size, came from room_take; NULL is fine. */
void room_give(struct room *room, void *p, size_t bytes);
