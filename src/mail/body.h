/*
 * The bytes of a message in memory: a chain of blocks, written by one
 * session, immutable and counted once it is sealed, shared by commit thread
 * and deliveries. What is in memory counts against one budget of the process.
 */
#pragma once

#include <stdatomic.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/slice.h"

struct body_budget {
	_Atomic uint64_t used_bytes;
	_Atomic uint64_t max_bytes;	/* a reload may change it */
};

enum { BODY_BLOCK = 16384 - 64 };

struct body_block {
	struct body_block *next;
	uint32_t used;
	uint32_t cap;
	char bytes[];
};

struct body {
	atomic_uint refs;
	struct body_budget *budget;
	struct body_block *first, *last;
	uint64_t size;
	bool sealed;
};

/* NULL out of memory. refs 1. */
struct body *body_new(struct body_budget *budget);
struct body *body_ref(struct body *b);
/* Frees with the last one; *b is cleared. */
void body_unref(struct body **b);
/* ERR_LIMIT when the budget is used up, ERR_INTERNAL out of memory; then
 * nothing was appended. */
bool body_append(struct body *b, slice s, struct err *err) MUST_USE;
/* Puts s in front of everything (trace fields). Before sealing. */
bool body_prepend(struct body *b, slice s, struct err *err) MUST_USE;
void body_seal(struct body *b);

/* for (p = body_start(b); body_next(&p, &piece); ) */
struct body_at {
	const struct body_block *block;
};
struct body_at body_start(const struct body *b);
bool body_next(struct body_at *at, slice *piece);
