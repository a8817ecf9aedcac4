/* What somebody meant who typed a range in a form of his own; see
 * problem.h. */
#include "admin/problem.h"

#include <stdio.h>

enum { TYPED_MAX = 128, WIDE = 3, V4_BITS = 96 };

/* Characters of full width (U+FF01 to U+FF5E) as those of ASCII, and the
 * dashes that stand for one between two addresses. False: too long. */
static bool narrow(slice s, char to[TYPED_MAX], slice *out)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		const uint8_t *p = (const uint8_t *)s.p + i;
		bool three = s.n - i >= WIDE && utf8_length(slice_skip(s, i)) == WIDE;
		unsigned c = three ? (p[0] & 0x0fu) << 12 |
					     (p[1] & 0x3fu) << 6 |
					     (p[2] & 0x3fu) : p[0];
		if (c >= 0xff01 && c <= 0xff5e)
			c -= 0xff01 - '!';
		else if (c == 0x2010 || c == 0x2013 || c == 0x2014 ||
			 c == 0x2212 || c == 0x301c)
			c = '-';
		else if (c == 0x3002)
			c = '.';
		else if (c == 0x3000)
			c = ' ';
		if (c > 0x7e || n + 1 >= TYPED_MAX)
			return false;
		to[n++] = c == '~' ? '-' : (char)c;
		i += three ? WIDE - 1 : 0;
	}
	*out = slice_trim((slice){ to, n });
	return true;
}

/* 255.255.255.240 → 28; false: the ones are not in front. */
static bool mask_bits(slice s, unsigned *bits)
{
	struct ip_addr a;
	if (!ip_addr_parse(s, &a) || !ip_is_v4(&a))
		return false;
	uint32_t mask = (uint32_t)a.bytes[12] << 24 |
			(uint32_t)a.bytes[13] << 16 |
			(uint32_t)a.bytes[14] << 8 | a.bytes[15];
	*bits = (unsigned)__builtin_popcount(mask);
	return mask != 0 &&
	       mask == (uint32_t)(UINT64_C(0xffffffff) << (32 - *bits));
}

/* "192.0.2.32 255.255.255.240", with a space or a stroke. */
static bool with_mask(slice s, struct ip_range *out)
{
	size_t at = slice_find(s, '/');
	if (at == s.n)
		at = slice_find(s, ' ');
	if (at == s.n)
		return false;
	slice first = slice_trim(slice_sub(s, 0, at));
	slice mask = slice_trim(slice_skip(s, at + 1));
	unsigned bits;
	if (!mask_bits(mask, &bits) || !ip_addr_parse(first, &out->first) ||
	    !ip_is_v4(&out->first))
		return false;
	out->bits = (uint8_t)(V4_BITS + bits);
	return true;
}

/* "192.0.2.8-192.0.2.15", "192.0.2.8-15": the smallest range with both. */
static bool from_to(slice s, struct ip_range *out)
{
	char last_text[TYPED_MAX];
	struct ip_addr last;
	size_t at = slice_find(s, '-');
	if (at == s.n)
		return false;
	slice a = slice_trim(slice_sub(s, 0, at));
	slice b = slice_trim(slice_skip(s, at + 1));
	size_t dot = slice_rfind(a, '.');
	if (slice_find(b, '.') == b.n && dot < a.n &&
	    slice_find(b, ':') == b.n) {
		int n = snprintf(last_text, sizeof(last_text), "%.*s.%.*s",
				 (int)dot, a.p, SLICE_ARG(b));
		if (n < 0 || (size_t)n >= sizeof(last_text))
			return false;
		b = slice_of(last_text);
	}
	if (!ip_addr_parse(a, &out->first) || !ip_addr_parse(b, &last) ||
	    ip_is_v4(&out->first) != ip_is_v4(&last))
		return false;
	out->bits = 128;
	while (out->bits > 0 && !ip_range_holds(out, &last))
		out->bits--;
	return true;
}

bool problem_meant_range(slice text, char to[IP_RANGE_TEXT_MAX])
{
	char typed[TYPED_MAX];
	struct ip_range r;
	slice s;
	if (!narrow(text, typed, &s) ||
	    (!ip_range_parse(s, &r) && !with_mask(s, &r) && !from_to(s, &r)))
		return false;
	struct ip_range network = ip_range_network(&r);
	ip_range_text(&network, to);
	return true;
}
