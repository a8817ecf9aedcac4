/*
 * A view of bytes that somebody else owns. Never NUL-terminated by promise.
 * All input from outside is handled as slices; a number in it is parsed only
 * by slice_u64. No allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

typedef struct slice {
	const char *p;
	size_t n;
} slice;

/* A string literal as a slice; a C string as a slice. */
#define SLICE(literal) ((slice){ (literal), sizeof(literal) - 1 })
static inline slice slice_of(const char *s)
{
	return (slice){ s, s ? strlen(s) : 0 };
}

/* printf("%.*s", SLICE_ARG(s)): only for logs of ours, never for bytes of
 * strangers that were not escaped. */
#define SLICE_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline bool slice_empty(slice s)
{
	return s.n == 0;
}
bool slice_eq(slice a, slice b);
/* ASCII case folded; other bytes are compared as they are. */
bool slice_eq_fold(slice a, slice b);
int slice_cmp(slice a, slice b);
bool slice_starts(slice s, slice prefix);
bool slice_starts_fold(slice s, slice prefix);
bool slice_ends_fold(slice s, slice suffix);
/* Index of the first / last byte c, or s.n when there is none. */
size_t slice_find(slice s, char c);
size_t slice_rfind(slice s, char c);
/* Index of the first occurrence of needle, or s.n. */
size_t slice_find_slice(slice s, slice needle);
/* [from, from + n) clipped to s. */
slice slice_sub(slice s, size_t from, size_t n);
slice slice_skip(slice s, size_t n);
/* Without SP and HTAB at both ends. */
slice slice_trim(slice s);
/* Cuts s at the first `c`: returns what stood before, leaves what stood
 * behind in *s (empty when there was no c). */
slice slice_cut(slice *s, char c);

/* Decimal digits only, at least one, at most max: the one way to parse a
 * number from outside. */
bool slice_u64(slice s, uint64_t max, uint64_t *out) MUST_USE;

/* Copies into a C string of size cap; false when it doesn't fit or holds a
 * NUL. For the edge of libraries. */
bool slice_to_cstr(slice s, char *to, size_t cap) MUST_USE;

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
static inline bool ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}
/* What a hexadecimal digit of either case is worth; -1: it is none. */
static inline int ascii_hex(char c)
{
	char l = ascii_lower(c);
	return ascii_digit(c) ? c - '0'
	     : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}
static inline bool ascii_alpha(char c)
{
	char l = ascii_lower(c);
	return l >= 'a' && l <= 'z';
}
static inline bool ascii_alnum(char c)
{
	return ascii_alpha(c) || ascii_digit(c);
}
