/* Arenas; see arena.h. Pages double from 1 KiB to 64 KiB. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

struct arena_page {
	struct arena_page *next;
	size_t cap;
	size_t used;
	alignas(max_align_t) char bytes[];
};

enum { PAGE_MIN = 1024, PAGE_MAX = 65536 };

void arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){ .max_bytes = max_bytes };
}

void arena_fini(struct arena *a)
{
	arena_reset(a);
}

void arena_reset(struct arena *a)
{
	while (a->pages != NULL) {
		struct arena_page *page = a->pages;
		a->pages = page->next;
		free(page);
	}
	a->used_bytes = 0;
}

static size_t next_page_size(const struct arena *a, size_t bytes)
{
	size_t size = a->pages ? a->pages->cap * 2 : PAGE_MIN;
	if (size > PAGE_MAX)
		size = PAGE_MAX;
	return size < bytes ? bytes : size;
}

static bool add_page(struct arena *a, size_t bytes)
{
	size_t cap = next_page_size(a, bytes);
	if (cap > a->max_bytes - a->used_bytes)
		cap = bytes;
	struct arena_page *page = malloc(sizeof(*page) + cap);
	if (page == NULL)
		return false;
	*page = (struct arena_page){ .next = a->pages, .cap = cap };
	a->pages = page;
	return true;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	size_t align = alignof(max_align_t);
	if (bytes > a->max_bytes)
		return NULL;
	bytes = (bytes + align - 1) & ~(align - 1);
	if (bytes > a->max_bytes - a->used_bytes)
		return NULL;
	struct arena_page *page = a->pages;
	if ((page == NULL || bytes > page->cap - page->used) &&
	    !add_page(a, bytes))
		return NULL;
	page = a->pages;
	char *p = page->bytes + page->used;
	page->used += bytes;
	a->used_bytes += bytes;
	memset(p, 0, bytes);
	return p;
}

bool arena_copy(struct arena *a, slice s, slice *out)
{
	char *p = arena_alloc(a, s.n ? s.n : 1);
	if (p == NULL)
		return false;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	*out = (slice){ p, s.n };
	return true;
}
