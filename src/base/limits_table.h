/*
 * Every bound of the program, in one table: name in the config file, default
 * value, smallest and largest allowed value, reason. A loop, line, list,
 * queue or wait without a row here has its maximum as a named constant
 * beside it. Values of the running process: struct limits, filled from the
 * defaults and the config key `limits:`.
 */
#pragma once

#include "base/slice.h"

struct limits {
#define LIMIT(name, value, min, max, why) uint64_t name;
#include "base/limits_table.def"
#undef LIMIT
};

struct limit_row {
	const char *name;
	uint64_t value, min, max;
	const char *why;
	size_t offset;			/* in struct limits */
};

/* NULL-name terminated. */
const struct limit_row *limits_rows(void);
void limits_defaults(struct limits *l);
/* The row of that name, or NULL. */
const struct limit_row *limits_find(slice name);
/* False when value is outside the row's range. */
bool limits_set(struct limits *l, const struct limit_row *row,
		uint64_t value) MUST_USE;
