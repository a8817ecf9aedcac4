/*
 * xtext; see xtext.h. RFC 3461 section 4:
 *
 *	xtext   = *( xchar / hexchar )
 *	xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive,
 *	          except for "+" and "="
 *	hexchar = ASCII "+" immediately followed by two upper case hexadecimal
 *	          digits
 */
#include "smtp/xtext.h"

static bool hex_digit(char c, uint8_t *out)
{
	char l = ascii_lower(c);
	if (ascii_digit(c))
		*out = (uint8_t)(c - '0');
	else if (l >= 'a' && l <= 'f')
		*out = (uint8_t)(l - 'a' + 10);
	else
		return false;
	return true;
}

/* One octet at the front of *s. */
static bool take_octet(slice *s, uint8_t *out)
{
	invariant(s->n > 0);
	uint8_t c = (uint8_t)s->p[0];
	if (c != '+') {
		*s = slice_skip(*s, 1);
		*out = c;
		return c > ' ';
	}
	uint8_t high, low;
	if (s->n < 3 || !hex_digit(s->p[1], &high) ||
	    !hex_digit(s->p[2], &low))
		return false;
	*s = slice_skip(*s, 3);
	*out = (uint8_t)(high << 4 | low);
	return true;
}

static bool octet_fine(uint8_t c, bool eight_bit)
{
	return c >= ' ' && c != 0x7f && (c < 0x80 || eight_bit);
}

bool xtext_decode(slice s, bool eight_bit, struct arena *arena, slice *out,
		  struct err *err)
{
	size_t n = 0, max = s.n;
	char *p = arena_alloc(arena, max ? max : 1);
	if (p == NULL)
		return err_set_memory(err, "xtext_decode");
	while (s.n > 0) {
		uint8_t c;
		if (!take_octet(&s, &c) || !octet_fine(c, eight_bit))
			return err_set(err, ERR_PROTOCOL, SCOPE_SESSION,
				       "xtext_decode", "bad xtext");
		invariant(n < max);
		p[n++] = (char)c;
	}
	*out = (slice){ p, n };
	return true;
}

void xtext_write(struct buf *out, slice s)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		if (c > ' ' && c < 0x7f && c != '+' && c != '=') {
			buf_append_char(out, (char)c);
			continue;
		}
		char coded[3] = { '+', hex[c >> 4], hex[c & 15] };
		buf_append_bytes(out, coded, sizeof(coded));
	}
}
