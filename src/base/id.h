/*
 * Names. A message or session id is 20 characters 0-9a-z: 9 of wall-clock
 * milliseconds, then 11 random ones (56 bits): sorts by time, fits a file
 * name. A reference (of a refusal, shown to strangers, SPEC 4.3) is 25
 * characters of 128 random bits.
 */
#pragma once

#include "base/slice.h"

struct id {
	uint64_t time_ms;	/* wall clock, below 36^9 */
	uint64_t random;	/* below 36^11 */
};

struct reference {
	uint64_t high, low;
};

enum {
	ID_TEXT_LEN = 20,
	ID_TEXT_MAX = ID_TEXT_LEN + 1,
	REFERENCE_TEXT_LEN = 25,
	REFERENCE_TEXT_MAX = REFERENCE_TEXT_LEN + 1,
};

struct id id_make(int64_t wall_ms, uint64_t random);
bool id_eq(struct id a, struct id b);
int id_cmp(struct id a, struct id b);
bool id_is_zero(struct id id);
/* Within the bounds above: ids from a disk may not be. */
bool id_is_possible(struct id id);
/* NUL-terminated into `to`; returns `to`. */
const char *id_text(struct id id, char to[ID_TEXT_MAX]);
bool id_parse(slice s, struct id *out) MUST_USE;

const char *reference_text(struct reference r, char to[REFERENCE_TEXT_MAX]);
bool reference_parse(slice s, struct reference *out) MUST_USE;
