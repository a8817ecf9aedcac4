/* PROXY v2 headers, read and refused, at every byte (SPEC 1.4, RELIABILITY
 * C6). The checksum comes from HAProxy's definition: CRC-32C over the header
 * with zeros in its place. */
#include "unit/unit.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "smtp/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\2\x7b" "\xcb\0\x71\7" "\x12\x34" "\0\x19"
#define V6 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" \
	   "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2" "\x12\x34" "\0\x19"
#define H(bytes) { bytes, sizeof(bytes) - 1 }

static const struct header {
	slice bytes;
	enum proxy_result result;
	const char *client, *local;
} headers[] = {
	{ H(SIGNATURE "\x21\x11\0\x0c" V4), PROXY_CLIENT, "192.0.2.123:4660",
	  "203.0.113.7:25" },
	{ H(SIGNATURE "\x21\x21\0\x24" V6), PROXY_CLIENT,
	  "[2001:db8::1]:4660", "[2001:db8::2]:25" },
	/* records: ALPN, no-op of nothing, one of our own */
	{ H(SIGNATURE "\x21\x11\0\x1a" V4 "\1\0\4smtp" "\4\0\0" "\xe0\0\1x"),
	  PROXY_CLIENT, "192.0.2.123:4660", "203.0.113.7:25" },
	{ H(SIGNATURE "\x20\0\0\0"), PROXY_LOCAL, NULL, NULL },
	{ H(SIGNATURE "\x20\x11\0\x0c" V4), PROXY_LOCAL, NULL, NULL },
	{ H(SIGNATURE "\x20\xff\0\3" "abc"), PROXY_LOCAL, NULL, NULL },
	/* nobody whom it speaks for */
	{ H(SIGNATURE "\x21\0\0\0"), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x12\0\x0c" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x10\0\x0c" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x31\0\x0c" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x11\0\x0c" "\0\0\0\0" "\xcb\0\x71\7" "\x12\x34"
	    "\0\x19"), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x11\0\x0c" "\xe0\0\0\1" "\xcb\0\x71\7" "\x12\x34"
	    "\0\x19"), PROXY_BAD, NULL, NULL },
	/* lengths */
	{ H(SIGNATURE "\x21\x11\0\x0b" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x21\0\x0c" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x11\0\x0e" V4 "\1\0"), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x11\0\x10" V4 "\1\0\2x"), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x21\x11\x10\0" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x20\0\xff\xff"), PROXY_BAD, NULL, NULL },
	/* versions and commands */
	{ H(SIGNATURE "\x11\x11\0\x0c" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x31\x11\0\x0c" V4), PROXY_BAD, NULL, NULL },
	{ H(SIGNATURE "\x22\x11\0\x0c" V4), PROXY_BAD, NULL, NULL },
	/* no v2 at all */
	{ H("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), PROXY_BAD, NULL, NULL },
	{ H("EHLO x\r\n"), PROXY_BAD, NULL, NULL },
	{ H("\x16\3\1"), PROXY_BAD, NULL, NULL },
	{ H("\r\n\r\n\0\r\nQUIT\r\n"), PROXY_BAD, NULL, NULL },
};

static enum proxy_result look(slice bytes, size_t n, struct proxy_header *out)
{
	char *p = malloc(n ? n : 1);
	assert_non_null(p);
	memcpy(p, bytes.p, n);
	enum proxy_result r = proxy_header_read((slice){ p, n }, out);
	free(p);
	return r;
}

static void s1_4_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		const struct header *h = &headers[i];
		struct proxy_header got;
		char text[IP_PORT_TEXT_MAX];
		if (look(h->bytes, h->bytes.n, &got) != h->result)
			fail_msg("header %zu", i);
		if (h->result == PROXY_BAD)
			continue;
		assert_int_equal(got.length, h->bytes.n);
		if (h->result == PROXY_LOCAL)
			continue;
		assert_string_equal(ip_port_text(&got.client, text),
				    h->client);
		assert_string_equal(ip_port_text(&got.local, text), h->local);
	}
}

/* A header that will be good asks for more at each byte; a bad one is never
 * taken early; what follows is not looked at. */
static void s1_4_split_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		const struct header *h = &headers[i];
		struct proxy_header got, again;
		bool good = h->result != PROXY_BAD, bad = false;
		for (size_t n = 0; n < h->bytes.n; n++) {
			enum proxy_result r = look(h->bytes, n, &got);
			assert_true(r == PROXY_MORE ||
				    (r == PROXY_BAD && !good));
			assert_true(!bad || r == PROXY_BAD);
			bad = r == PROXY_BAD;
		}
		if (!good)
			continue;
		char behind[200];
		memset(behind, 'x', sizeof(behind));
		memcpy(behind, h->bytes.p, h->bytes.n);
		assert_int_equal(look(h->bytes, h->bytes.n, &got), h->result);
		assert_int_equal(look((slice){ behind, sizeof(behind) },
				      sizeof(behind), &again), h->result);
		assert_memory_equal(&got, &again, sizeof(got));
	}
}

static void s1_4_a_checksum_must_fit(void **state)
{
	(void)state;
	char bytes[] = SIGNATURE "\x21\x11\0\x16" V4 "\3\0\4\0\0\0\0"
		       "\4\0\0";
	slice h = { bytes, sizeof(bytes) - 1 };
	struct proxy_header got;
	uint32_t crc = crc32c(0, bytes, h.n);
	assert_int_equal(look(h, h.n, &got), PROXY_BAD);
	for (size_t i = 0; i < 4; i++)
		bytes[31 + i] = (char)(uint8_t)(crc >> (24 - 8 * i));
	assert_int_equal(look(h, h.n, &got), PROXY_CLIENT);
	for (size_t bit = 8 * 16; bit < 8 * 28; bit++) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(look(h, h.n, &got), PROXY_BAD);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
}

/* 4,096 bytes are taken, one more is not, and at once. */
static void s1_4_the_length_has_a_bound(void **state)
{
	(void)state;
	enum { REST = PROXY_HEADER_MAX - PROXY_HEADER_MIN };
	static char bytes[PROXY_HEADER_MAX + 1];
	for (size_t more = 0; more <= 1; more++) {
		struct proxy_header got;
		size_t n = REST + more;
		memcpy(bytes, SIGNATURE "\x20\0", 14);
		bytes[14] = (char)(uint8_t)(n >> 8);
		bytes[15] = (char)(uint8_t)n;
		slice all = { bytes, PROXY_HEADER_MIN + n };
		assert_int_equal(look(all, PROXY_HEADER_MIN, &got),
				 more ? PROXY_BAD : PROXY_MORE);
		assert_int_equal(look(all, all.n, &got),
				 more ? PROXY_BAD : PROXY_LOCAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_4_headers),
		cmocka_unit_test(s1_4_split_at_every_byte),
		cmocka_unit_test(s1_4_a_checksum_must_fit),
		cmocka_unit_test(s1_4_the_length_has_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
