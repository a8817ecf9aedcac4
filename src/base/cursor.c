/* Reading binary formats; see cursor.h. */
#include "base/cursor.h"

slice cursor_take(struct cursor *c, size_t n)
{
	if (c->failed || n > c->rest.n) {
		c->failed = true;
		return (slice){ 0 };
	}
	slice taken = slice_sub(c->rest, 0, n);
	c->rest = slice_skip(c->rest, n);
	return taken;
}

static uint64_t little_endian(struct cursor *c, size_t width)
{
	slice s = cursor_take(c, width);
	uint64_t v = 0;
	for (size_t i = s.n; i > 0; i--)
		v = v << 8 | (uint8_t)s.p[i - 1];
	return v;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)little_endian(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)little_endian(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)little_endian(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
	return little_endian(c, 8);
}

slice cursor_bytes32(struct cursor *c, size_t max)
{
	uint32_t n = cursor_u32(c);
	if (n > max)
		c->failed = true;
	return cursor_take(c, n);
}
