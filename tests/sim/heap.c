/* The memory of the program; see heap.h. */
#include "sim/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/sim.h"

enum { MAGIC = 0x6d656d73 };

struct block {
	struct block *next, *prev;
	size_t n;
	uint32_t magic;
	bool process;			/* or the world's, by code they share */
	uint8_t lead;			/* bytes before it, for alignment */
};
_Static_assert(sizeof(struct block) % 16 == 0, "memory stays aligned");

/* The simulator's second file-level variable: malloc has no context. */
static struct {
	struct block *first;
	uint64_t pieces, count, fail_at;
	bool for_ever, failed;
	int64_t first_ns, last_ns;	/* of failing; 0: never */
} heap;

static bool must_fail(void)
{
	if (sim == NULL || !sim->inside)
		return false;
	heap.count++;
	if (heap.fail_at == 0 || heap.count < heap.fail_at ||
	    (heap.count > heap.fail_at && !heap.for_ever))
		return false;
	if (!heap.failed && getenv("SIM_HEAP_TRAP") != NULL)
		__builtin_trap();	/* for the debugger: who asks? */
	heap.failed = true;
	heap.last_ns = sim->now_ns;
	if (heap.first_ns == 0)
		heap.first_ns = sim->now_ns;
	errno = ENOMEM;
	return true;
}

static void link_in(struct block *b)
{
	b->prev = NULL;
	b->next = heap.first;
	if (heap.first != NULL)
		heap.first->prev = b;
	heap.first = b;
	heap.pieces++;
}

static void link_out(struct block *b)
{
	if (b->prev != NULL)
		b->prev->next = b->next;
	else
		heap.first = b->next;
	if (b->next != NULL)
		b->next->prev = b->prev;
	heap.pieces--;
}

static void *begin(struct block *b, size_t n)
{
	invariant(b != NULL);	/* the machine itself has enough */
	b->n = n;
	b->magic = MAGIC;
	b->lead = 0;
	b->process = sim != NULL && sim->inside;
	if (b->process)
		link_in(b);
	return b + 1;
}

static struct block *block_of(void *p)
{
	struct block *b = (struct block *)p - 1;
	invariant(b->magic == MAGIC);
	return b;
}

static void release(struct block *b)
{
	b->magic = 0;
	free((char *)b - b->lead);
}

void *heap_malloc(size_t n)
{
	if (must_fail() || n > SIZE_MAX / 2)
		return NULL;
	return begin(malloc(sizeof(struct block) + n), n);
}

void *heap_calloc(size_t count, size_t n)
{
	if (must_fail() || (n != 0 && count > SIZE_MAX / 2 / n))
		return NULL;
	return begin(calloc(1, sizeof(struct block) + count * n), count * n);
}

void *heap_aligned_alloc(size_t alignment, size_t n)
{
	enum { LINE = 64 };
	invariant(alignment == LINE && n % LINE == 0);
	if (must_fail() || n > SIZE_MAX / 2)
		return NULL;
	char *all = aligned_alloc(LINE, LINE + n);
	invariant(all != NULL);
	struct block *b = (struct block *)(void *)(all + LINE) - 1;
	void *p = begin(b, n);
	b->lead = LINE - sizeof(*b);
	return p;
}

void *heap_realloc(void *p, size_t n)
{
	if (p == NULL)
		return heap_malloc(n);
	if (must_fail() || n > SIZE_MAX / 2)
		return NULL;
	struct block *b = block_of(p);
	bool process = b->process;
	invariant(b->lead == 0);
	if (process)
		link_out(b);
	b->magic = 0;
	b = realloc(b, sizeof(struct block) + n);
	invariant(b != NULL);
	b->n = n;
	b->magic = MAGIC;
	b->process = process;
	if (process)
		link_in(b);
	return b + 1;
}

void *heap_reallocarray(void *p, size_t count, size_t n)
{
	if (n != 0 && count > SIZE_MAX / 2 / n)
		return NULL;
	return heap_realloc(p, count * n);
}

void heap_free(void *p)
{
	if (p == NULL)
		return;
	struct block *b = block_of(p);
	if (b->process)
		link_out(b);
	release(b);
}

void heap_process_died(void)
{
	while (heap.first != NULL) {
		struct block *b = heap.first;
		link_out(b);
		release(b);
	}
}

uint64_t heap_pieces(void)
{
	return heap.pieces;
}

void heap_fail_at(uint64_t n, bool for_ever)
{
	heap.count = 0;
	heap.fail_at = n;
	heap.for_ever = for_ever;
	heap.failed = false;
	if (n > 0)
		heap_begin();
}

void heap_begin(void)
{
	heap.first_ns = heap.last_ns = 0;
}

bool heap_was_short(int64_t ns, int64_t margin_ns)
{
	return heap.first_ns != 0 && ns >= heap.first_ns - margin_ns &&
	       ns <= heap.last_ns + margin_ns;
}

uint64_t heap_count(void)
{
	return heap.count;
}

bool heap_failed(void)
{
	return heap.failed;
}
