/*
 * The allocator of one test program, for tests of the n-th failure. Included
 * once, outside sanitizers, behind
 *	static uint64_t live;			pieces not given back
 *	static bool this_one_fails(void);	asked at each call
 * and behind `#define NTH_MALLOC_OWN_FREE` by who has a free() of its own.
 */
#pragma once

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void __libc_free(void *p);

void *malloc(size_t n)
{
	void *p = this_one_fails() ? NULL : __libc_malloc(n);
	live += p != NULL;
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = this_one_fails() ? NULL : __libc_calloc(n, size);
	live += p != NULL;
	return p;
}

void *realloc(void *old, size_t n)
{
	void *p = this_one_fails() ? NULL : __libc_realloc(old, n);
	live += p != NULL && old == NULL;
	return p;
}

void *aligned_alloc(size_t alignment, size_t n)
{
	void *p = this_one_fails() ? NULL : __libc_memalign(alignment, n);
	live += p != NULL;
	return p;
}

#ifndef NTH_MALLOC_OWN_FREE
void free(void *p)
{
	live -= p != NULL;
	__libc_free(p);
}
#endif
