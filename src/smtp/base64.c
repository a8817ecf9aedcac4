/* Base64; see base64.h. */
#include "smtp/base64.h"

void base64_write(struct buf *out, slice s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < s.n; i += 3) {
		uint8_t b[3] = { 0 };
		size_t have = s.n - i < 3 ? s.n - i : 3;
		memcpy(b, s.p + i, have);
		char four[4] = {
			alphabet[b[0] >> 2],
			alphabet[(b[0] & 3) << 4 | b[1] >> 4],
			have > 1 ? alphabet[(b[1] & 15) << 2 | b[2] >> 6] : '=',
			have > 2 ? alphabet[b[2] & 63] : '=',
		};
		buf_append_bytes(out, four, sizeof(four));
		explicit_bzero(b, sizeof(b));
		explicit_bzero(four, sizeof(four));
	}
}

/* 0..63, or 255 for what is not of the alphabet (RFC 4648 section 4). */
static uint8_t base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (ascii_digit(c))
		return (uint8_t)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : 255;
}

bool base64_decode(slice base64, char *to, size_t *n)
{
	if (base64.n % 4 != 0)
		return false;
	size_t padding = 0;
	while (padding < 2 && padding < base64.n &&
	       base64.p[base64.n - 1 - padding] == '=')
		padding++;
	uint32_t bits = 0;
	size_t at = 0, digits = base64.n - padding;
	for (size_t i = 0; i < base64.n; i++) {
		uint8_t v = i < digits ? base64_value(base64.p[i]) : 0;
		if (v == 255)
			return false;
		bits = bits << 6 | v;
		if (i % 4 != 3)
			continue;
		to[at++] = (char)(bits >> 16);
		to[at++] = (char)(bits >> 8);
		to[at++] = (char)bits;
		bits = 0;
	}
	invariant(at == base64.n / 4 * 3 && at >= padding);
	*n = at - padding;
	return true;
}
