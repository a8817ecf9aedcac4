/*
 * The memory of the program in the simulator. Its archives call heap_malloc
 * and so on instead of malloc (objcopy, see sim.mk); the world's own memory
 * comes from libc. So a process can die anywhere: what it had is given back
 * at once; what it forgot to free at an orderly end is seen; and the n-th
 * allocation can be made to fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The process is dead, its memory is free. */
void heap_process_died(void);
/* Pieces of memory that the process has now. */
uint64_t heap_pieces(void);
/* The n-th allocation of the process from now on fails (1: the next one),
 * with for_ever all behind it too; 0: none. */
void heap_fail_at(uint64_t n, bool for_ever);
/* Allocations of the process since heap_fail_at. */
uint64_t heap_count(void);
/* Whether one has been made to fail since then, and from when to when that
 * went on; the times stay until heap_fail_at(n > 0) or heap_begin. */
bool heap_failed(void);
bool heap_was_short(int64_t ns, int64_t margin_ns);
void heap_begin(void);

void *heap_malloc(size_t n);
void *heap_calloc(size_t count, size_t n);
void *heap_aligned_alloc(size_t alignment, size_t n);
void *heap_realloc(void *p, size_t n);
void *heap_reallocarray(void *p, size_t count, size_t n);
void heap_free(void *p);
