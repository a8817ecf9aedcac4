/*
 * Reads the numbers and runs of bytes that buf.h writes. The error is
 * sticky: do ten reads, look at `failed` once; a failed read gives zeros and
 * empty slices. Slices lend from the input.
 */
#pragma once

#include "base/slice.h"

struct cursor {
	slice rest;
	bool failed;
};

static inline struct cursor cursor_of(slice s)
{
	return (struct cursor){ .rest = s };
}
slice cursor_take(struct cursor *c, size_t n);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* A u32 length and so many bytes; more than max bytes fails. */
slice cursor_bytes32(struct cursor *c, size_t max);
/* Everything was read, nothing failed. */
static inline bool cursor_done(const struct cursor *c)
{
	return !c->failed && c->rest.n == 0;
}
