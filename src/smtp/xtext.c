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
	if (s->n < 3)
		return false;
	int high = ascii_hex(s->p[1]), low = ascii_hex(s->p[2]);
	if (high < 0 || low < 0)
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
