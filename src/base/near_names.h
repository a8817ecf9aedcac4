/*
 * Names that come one by one, for "did you mean …" (text_nearest).
 */
#pragma once

#include "base/arena.h"

enum { NEAR_NAMES_MAX = 2000 };

struct near_names {
	struct arena *arena;		/* set by who makes it, else zeroed */
	const char *all[NEAR_NAMES_MAX + 1];
	size_t count;
};

/* Copies it into the arena. One too many, with a NUL, or for which there is
 * no memory is left out: it is only a hint. */
void near_add(struct near_names *n, slice name);
/* The nearest to s, lent from the arena; empty: none is near. */
slice near_find(const struct near_names *n, slice s);
