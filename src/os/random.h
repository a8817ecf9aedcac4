/* Random bytes, from getrandom; from the seed in tests/sim. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void os_random(void *to, size_t n);
uint64_t os_random_u64(void);
