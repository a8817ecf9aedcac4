/* What every unit test includes: cmocka, and how to compare slices. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

/* Compares a slice with a string literal or C string, showing both. */
#define assert_slice_eq(s, expected)                                        \
	do {                                                                \
		slice assert_got = (s);                                     \
		slice assert_want = slice_of(expected);                     \
		if (!slice_eq(assert_got, assert_want))                     \
			fail_msg("got \"%.*s\", want \"%.*s\"",             \
				 SLICE_ARG(assert_got),                     \
				 SLICE_ARG(assert_want));                   \
	} while (0)

/* How often the place number `place` stands in a text. */
static inline unsigned text_uses(const char *s, unsigned place)
{
	unsigned n = 0;
	for (; *s; s++)
		n += s[0] == '{' && s[1] == (char)('0' + place) && s[2] == '}';
	return n;
}

/* Which arguments {0} to {9} a text takes, a bit each: the two languages of a
 * row take the same. */
static inline int text_places(const char *s)
{
	int seen = 0;
	for (; *s; s++)
		if (s[0] == '{' && s[2] == '}')
			seen |= 1 << (s[1] - '0');
	return seen;
}
