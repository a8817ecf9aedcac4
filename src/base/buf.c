/* Growable bytes; see buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

void buf_release(struct buf *b)
{
	size_t max = b->max;
	buf_fini(b);
	buf_init(b, max);
}

static bool grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 128;
	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	char *p = realloc(b->p, cap);
	if (p == NULL)
		return false;
	b->p = p;
	b->cap = cap;
	return true;
}

char *buf_room(struct buf *b, size_t n)
{
	size_t need;
	invariant(b->n <= b->cap && b->cap <= b->max);
	if (b->failed || __builtin_add_overflow(b->n, n, &need) ||
	    need > b->max || (need > b->cap && !grow(b, need))) {
		b->failed = true;
		return NULL;
	}
	return b->p + b->n;
}

void buf_added(struct buf *b, size_t n)
{
	invariant(n <= b->cap - b->n);
	b->n += n;
}

void buf_append_bytes(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	char *to = buf_room(b, n);
	if (to == NULL)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void buf_append(struct buf *b, slice s)
{
	buf_append_bytes(b, s.p, s.n);
}

void buf_append_char(struct buf *b, char c)
{
	buf_append_bytes(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	char *to = n < 0 ? NULL : buf_room(b, (size_t)n + 1);
	if (to != NULL) {
		vsnprintf(to, (size_t)n + 1, format, again);
		b->n += (size_t)n;
	} else {
		b->failed = true;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	invariant(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_append_bytes(b, &v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	uint8_t bytes[2] = { (uint8_t)v, (uint8_t)(v >> 8) };
	buf_append_bytes(b, bytes, sizeof(bytes));
}

void buf_u32(struct buf *b, uint32_t v)
{
	buf_u16(b, (uint16_t)v);
	buf_u16(b, (uint16_t)(v >> 16));
}

void buf_u64(struct buf *b, uint64_t v)
{
	buf_u32(b, (uint32_t)v);
	buf_u32(b, (uint32_t)(v >> 32));
}

void buf_bytes32(struct buf *b, slice s)
{
	if (s.n > UINT32_MAX) {
		b->failed = true;
		return;
	}
	buf_u32(b, (uint32_t)s.n);
	buf_append(b, s);
}
