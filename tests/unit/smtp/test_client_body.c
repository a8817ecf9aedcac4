/* The dot-stuffer: what a receiver reads back is the body, whatever the
 * pieces; nothing outside CRLF passes. */
#include "unit/unit.h"

#include "base/buf.h"
#include "smtp/client_body.h"

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

/* RFC 5321 4.5.2 as the receiver does it, byte by byte: NULL when the data
 * did not end exactly at the end, or holds a bare CR or LF. */
static bool receive(slice wire, struct buf *body)
{
	bool line_start = true;
	while (wire.n > 0) {
		size_t at = slice_find_slice(wire, SLICE("\r\n"));
		slice line = slice_sub(wire, 0, at);
		if (at == wire.n || slice_find(line, '\r') != line.n ||
		    slice_find(line, '\n') != line.n)
			return false;
		wire = slice_skip(wire, at + 2);
		if (line.n == 1 && line.p[0] == '.')
			return wire.n == 0;
		if (line_start && line.n > 0 && line.p[0] == '.')
			line = slice_skip(line, 1);
		buf_append(body, line);
		buf_append(body, SLICE("\r\n"));
	}
	return false;
}

/* In pieces of random size up to most. */
static bool stuff(slice body, uint32_t seed, size_t most, struct buf *wire)
{
	struct smtp_stuffer s = { 0 };
	while (body.n > 0) {
		slice piece = slice_sub(body, 0,
					next_random(&seed) % most + 1);
		if (!smtp_stuffer_feed(&s, wire, piece))
			return false;
		body = slice_skip(body, piece.n);
	}
	return smtp_stuffer_end(&s, wire);
}

static bool has_bare(slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			return true;
		if (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n'))
			return true;
	}
	return false;
}

static void s11_8_what_is_received_is_what_was_sent(void **state)
{
	(void)state;
	static const char *const words[] = { ".", "..", "\r\n", "\r\n.", "a",
					     "MAIL FROM:<>", "\r\n.\r\n", "",
					     "\xc3\xa9", ".\r\n" };
	uint32_t seed = 1;
	for (int round = 0; round < 20000; round++) {
		struct buf body, wire, back;
		buf_init(&body, 1 << 16);
		buf_init(&wire, 1 << 16);
		buf_init(&back, 1 << 16);
		for (uint32_t i = next_random(&seed) % 12; i > 0; i--)
			buf_append(&body, slice_of(
				words[next_random(&seed) % ARRAY_LEN(words)]));
		size_t most = next_random(&seed) % 9 + 1;
		assert_true(stuff(buf_slice(&body), seed, most, &wire));
		assert_true(receive(buf_slice(&wire), &back));
		if (body.n > 0 && !(body.n >= 2 &&
				    body.p[body.n - 1] == '\n'))
			buf_append(&body, SLICE("\r\n"));
		assert_true(slice_eq(buf_slice(&back), buf_slice(&body)));
		buf_fini(&body);
		buf_fini(&wire);
		buf_fini(&back);
	}
}

/* V1 to V24 of RELIABILITY 2.1 as bodies, and all texts of up to six of
 * these bytes. */
static void r2_1_no_bare_line_end_passes(void **state)
{
	(void)state;
	static const char bytes[] = { '\r', '\n', '.', 'a' };
	for (unsigned n = 0; n <= 6; n++) {
		for (unsigned code = 0; code < 1U << (2 * n); code++) {
			char text[6];
			for (unsigned i = 0; i < n; i++)
				text[i] = bytes[code >> (2 * i) & 3];
			slice body = { text, n };
			for (size_t most = 1; most <= 4; most++) {
				struct buf wire;
				buf_init(&wire, 100);
				assert_int_equal(
					stuff(body, code, most, &wire),
					!has_bare(body));
				/* refused or not: what left is clean */
				slice out = buf_slice(&wire);
				assert_false(has_bare(out));
				buf_fini(&wire);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s11_8_what_is_received_is_what_was_sent),
		cmocka_unit_test(r2_1_no_bare_line_end_passes),
	};
	return cmocka_run_group_tests_name("smtp/client_body", tests, NULL,
					   NULL);
}
