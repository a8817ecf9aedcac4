/* The schema of the store, step by step; a step never changes once it was
 * released. */
#pragma once

#include <stdint.h>

struct migrations {
	const char *const *steps;	/* SQL from version i to i + 1 */
	uint32_t count;			/* the version that is written */
};
const struct migrations *migrations_all(void);
