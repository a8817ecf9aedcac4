/*
 * A message in memory; see body.h. The first blocks are small and double, so
 * a small message costs a small block.
 */
#include "mail/body.h"

#include <stdlib.h>

enum { BLOCK_MIN = 1024 - 64 };

struct body *body_new(struct body_budget *budget)
{
	struct body *b = malloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	*b = (struct body){ .budget = budget };
	atomic_init(&b->refs, 1);
	return b;
}

struct body *body_ref(struct body *b)
{
	unsigned before = atomic_fetch_add_explicit(&b->refs, 1,
						    memory_order_relaxed);
	invariant(before > 0 && before < UINT32_MAX);
	return b;
}

static bool budget_take(struct body_budget *budget, uint64_t bytes)
{
	uint64_t before = atomic_fetch_add_explicit(&budget->used_bytes, bytes,
						    memory_order_relaxed);
	if (before <= budget->max_bytes && bytes <= budget->max_bytes - before)
		return true;
	atomic_fetch_sub_explicit(&budget->used_bytes, bytes,
				  memory_order_relaxed);
	return false;
}

static void blocks_free(struct body_budget *budget, struct body_block *block)
{
	while (block != NULL) {
		struct body_block *next = block->next;
		uint64_t bytes = sizeof(*block) + block->cap;
		uint64_t before = atomic_fetch_sub_explicit(
			&budget->used_bytes, bytes, memory_order_relaxed);
		invariant(before >= bytes);
		free(block);
		block = next;
	}
}

void body_unref(struct body **b)
{
	struct body *body = *b;
	*b = NULL;
	if (body == NULL)
		return;
	unsigned before = atomic_fetch_sub_explicit(&body->refs, 1,
						    memory_order_acq_rel);
	invariant(before > 0);
	if (before > 1)
		return;
	blocks_free(body->budget, body->first);
	free(body);
}

static struct body_block *block_new(struct body_budget *budget, uint32_t cap,
				    struct err *err)
{
	uint64_t bytes = sizeof(struct body_block) + cap;
	if (!budget_take(budget, bytes)) {
		err_set(err, ERR_LIMIT, SCOPE_SELF, "body_append",
			"no room in memory for more mail");
		return NULL;
	}
	struct body_block *block = malloc(bytes);
	if (block == NULL) {
		atomic_fetch_sub_explicit(&budget->used_bytes, bytes,
					  memory_order_relaxed);
		err_set_memory(err, "body_append");
		return NULL;
	}
	*block = (struct body_block){ .cap = cap };
	return block;
}

/* Twice the last one with its overhead, at least what is still to come. */
static uint32_t next_cap(uint32_t last_cap, size_t want)
{
	uint32_t cap = BLOCK_MIN;
	while (cap < BODY_BLOCK && (cap <= last_cap || cap < want))
		cap = cap * 2 + 64;
	return cap < BODY_BLOCK ? cap : BODY_BLOCK;
}

/* A chain of new blocks with room for n bytes; NULL with an error. */
static struct body_block *chain_new(struct body *b, size_t n, struct err *err)
{
	struct body_block *first = NULL, **at = &first;
	uint32_t cap = b->last ? b->last->cap : 0;
	while (n > 0) {
		cap = next_cap(cap, n);
		struct body_block *block = block_new(b->budget, cap, err);
		if (block == NULL) {
			blocks_free(b->budget, first);
			return NULL;
		}
		*at = block;
		at = &block->next;
		n -= n < cap ? n : cap;
	}
	return first;
}

static size_t fill(struct body_block *block, slice s)
{
	size_t room = block->cap - block->used;
	size_t n = s.n < room ? s.n : room;
	if (n > 0)
		memcpy(block->bytes + block->used, s.p, n);
	block->used += (uint32_t)n;
	return n;
}

bool body_append(struct body *b, slice s, struct err *err)
{
	invariant(!b->sealed);
	size_t room = b->last ? b->last->cap - b->last->used : 0;
	struct body_block *chain = NULL;
	/* All memory first: an append that fails has changed nothing. */
	if (s.n > room) {
		chain = chain_new(b, s.n - room, err);
		if (chain == NULL)
			return false;
	}
	b->size += s.n;
	if (b->last != NULL) {
		s = slice_skip(s, fill(b->last, s));
		b->last->next = chain;
	} else {
		b->first = chain;
	}
	for (; chain != NULL; chain = chain->next) {
		s = slice_skip(s, fill(chain, s));
		b->last = chain;
	}
	invariant(s.n == 0);
	return true;
}

bool body_prepend(struct body *b, slice s, struct err *err)
{
	invariant(!b->sealed && s.n <= UINT32_MAX);
	if (s.n == 0)
		return true;
	struct body_block *block = block_new(b->budget, (uint32_t)s.n, err);
	if (block == NULL)
		return false;
	fill(block, s);
	block->next = b->first;
	b->first = block;
	if (b->last == NULL)
		b->last = block;
	b->size += s.n;
	return true;
}

void body_seal(struct body *b)
{
	invariant(!b->sealed);
	b->sealed = true;
}

struct body_at body_start(const struct body *b)
{
	return (struct body_at){ b->first };
}

bool body_next(struct body_at *at, slice *piece)
{
	const struct body_block *block = at->block;
	if (block == NULL)
		return false;
	invariant(block->used > 0 && block->used <= block->cap);
	*piece = (slice){ block->bytes, block->used };
	at->block = block->next;
	return true;
}
