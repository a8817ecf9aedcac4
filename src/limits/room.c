/* Counted memory; see room.h. */
#include "limits/room.h"

#include <stdlib.h>

enum { ALLOCATOR_BYTES = 16 };	/* glibc: a header, rounded up */

void *room_take(struct room *room, size_t bytes)
{
	invariant(bytes > 0 && bytes < SIZE_MAX / 2);
	uint64_t whole = bytes + ALLOCATOR_BYTES;
	uint64_t before = atomic_fetch_add_explicit(&room->used_bytes, whole,
						    memory_order_relaxed);
	void *p = NULL;
	if (before + whole <= room->max_bytes)
		p = calloc(1, bytes);
	if (p == NULL)
		atomic_fetch_sub_explicit(&room->used_bytes, whole,
					  memory_order_relaxed);
	return p;
}

void room_give(struct room *room, void *p, size_t bytes)
{
	if (p == NULL)
		return;
	uint64_t whole = bytes + ALLOCATOR_BYTES;
	uint64_t before = atomic_fetch_sub_explicit(&room->used_bytes, whole,
						    memory_order_relaxed);
	invariant(before >= whole);
	free(p);
}
