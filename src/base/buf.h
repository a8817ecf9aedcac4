/*
 * A growable run of bytes with a hard cap. Appending past the cap or out of
 * memory sets `failed` and changes nothing more: write freely, look once.
 */
#pragma once

#include <stdarg.h>

#include "base/slice.h"

struct buf {
	char *p;
	size_t n;	/* bytes in use */
	size_t cap;	/* bytes allocated */
	size_t max;	/* never more than this */
	bool failed;
};

/* No allocation until the first append. */
void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);
/* Forgets the content and `failed`, keeps the memory. */
void buf_clear(struct buf *b);
/* Gives the memory back as well; the cap stays. */
void buf_release(struct buf *b);

void buf_append(struct buf *b, slice s);
void buf_append_bytes(struct buf *b, const void *p, size_t n);
void buf_append_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Room for n bytes at the end, to be written by the caller and then added
 * with buf_added; NULL when there is none (failed is set). */
char *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

/* Removes n bytes at the front, n <= b->n. */
void buf_consume(struct buf *b, size_t n);

/* Lends the content until the next change. */
static inline slice buf_slice(const struct buf *b)
{
	return (slice){ b->p, b->n };
}

/* Fixed-width little-endian numbers, and a length-prefixed run of bytes
 * (u32 length): what all our binary formats are made of; wire.h reads it. */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_bytes32(struct buf *b, slice s);
