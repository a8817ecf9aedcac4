/* The schema of the store, step by step; a step never changes once it was
 * released. */
#pragma once

#include <stdint.h>

/* The version that this program writes: PRAGMA user_version. */
uint32_t migrations_count(void);
/* SQL that leads from version `from` to from + 1. */
const char *migrations_step(uint32_t from);
