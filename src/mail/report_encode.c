/*
 * Cleaning and encoding for reports; see report_encode.h. What goes in may
 * be anything; what comes out has no line end but those it means.
 */
#include "mail/report_encode.h"

#include <unictype.h>
#include <unistr.h>

#include "base/text.h"

void report_clean_ascii(struct buf *out, slice s, size_t max)
{
	s = slice_sub(s, 0, max);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool line_end = c == '\n' || c == '\r' || c == '\t';
		bool plain = (uint8_t)c >= 0x20 && (uint8_t)c < 0x7f;
		buf_append_char(out, line_end ? ' ' : plain ? c : '?');
	}
}

/* Would end or turn a line, or is no character of text. */
static bool is_unfit(slice s)
{
	ucs4_t c;
	int n = u8_mbtouc(&c, (const uint8_t *)s.p, s.n);
	invariant(n > 0);
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
	       c == 0x2029 || uc_is_property_bidi_control(c);
}

void report_clean_utf8(struct buf *out, slice s, size_t max)
{
	s = utf8_cut(s, max);
	while (s.n > 0) {
		size_t n = utf8_length(s);
		slice c = slice_sub(s, 0, n);
		if (n == 0 || is_unfit(c))
			buf_append_char(out, '?');
		else
			buf_append(out, c);
		s = slice_skip(s, n ? n : 1);
	}
}

/* How much of s goes on a line with so much room: up to a space (which then
 * begins the next line), else as much as a line may ever hold. */
static size_t fold_at(slice s, size_t room)
{
	if (s.n <= room)
		return s.n;
	size_t at = slice_rfind(slice_sub(s, 0, room), ' ');
	if (at > 0 && at < room)
		return at;
	at = slice_find(slice_skip(s, room), ' ') + room;
	size_t most = REPORT_LINE_MAX - REPORT_FOLD;
	return at < most ? at : (s.n < most ? s.n : most);
}

void report_field(struct buf *out, const char *name, slice value)
{
	size_t room = REPORT_FOLD - strlen(name) - 2;
	buf_printf(out, "%s: ", name);
	/* No line of spaces only. */
	value = slice_trim(value);
	for (;;) {
		size_t n = fold_at(value, room);
		invariant(n > 0 || value.n == 0);
		buf_append(out, slice_sub(value, 0, n));
		buf_append(out, SLICE("\r\n"));
		value = slice_trim(slice_skip(value, n));
		if (value.n == 0)
			return;
		buf_append_char(out, ' ');
		room = REPORT_FOLD - 1;
	}
}

static const char base64_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_line(struct buf *out, slice s)
{
	for (size_t i = 0; i < s.n; i += 3) {
		size_t n = s.n - i < 3 ? s.n - i : 3;
		uint32_t v = 0;
		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (uint8_t)s.p[i + k] : 0u);
		for (size_t k = 0; k < 4; k++)
			buf_append_char(out, k <= n ? base64_letters
							      [v >> (18 - 6 * k)
							       & 63] : '=');
	}
}

void report_base64(struct buf *out, slice s)
{
	for (; s.n > 0; s = slice_skip(s, 57)) {
		base64_line(out, slice_sub(s, 0, 57));
		buf_append(out, SLICE("\r\n"));
	}
}

void report_encoded_words(struct buf *out, slice utf8)
{
	bool ascii = true;
	for (size_t i = 0; i < utf8.n; i++)
		ascii = ascii && (uint8_t)utf8.p[i] < 0x80;
	if (ascii) {
		buf_append(out, utf8);
		return;
	}
	/* 76 octets a line at most, "Subject: " included (RFC 2047 2). */
	for (bool first = true; utf8.n > 0; first = false) {
		slice word = utf8_cut(utf8, 39);
		buf_append(out, first ? SLICE("=?UTF-8?B?") :
					SLICE("\r\n =?UTF-8?B?"));
		base64_line(out, word);
		buf_append(out, SLICE("?="));
		utf8 = slice_skip(utf8, word.n);
	}
}

static void quoted_line(struct buf *out, slice line)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t used = 0;
	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];
		bool last = i + 1 == line.n;
		bool plain = (uint8_t)c > 0x20 && (uint8_t)c < 0x7f && c != '=';
		/* A space may not end a line; a dot or a dash, a "From" on top
		 * are what gateways and boundaries trip over. */
		if ((c == ' ' || c == '\t') && !last)
			plain = true;
		if (used == 0 && (c == '.' || c == '-' || c == 'F'))
			plain = false;
		if (used + (plain ? 1 : 3) > REPORT_FOLD - 1) {
			buf_append(out, SLICE("=\r\n"));
			used = 0;
		}
		if (plain) {
			buf_append_char(out, c);
			used++;
			continue;
		}
		char coded[3] = { '=', hex[(uint8_t)c >> 4],
				  hex[(uint8_t)c & 15] };
		buf_append_bytes(out, coded, sizeof(coded));
		used += sizeof(coded);
	}
	buf_append(out, SLICE("\r\n"));
}

void report_quoted_printable(struct buf *out, slice s)
{
	while (s.n > 0) {
		size_t n = 0;
		while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
			n++;
		quoted_line(out, slice_sub(s, 0, n));
		bool crlf = n + 1 < s.n && s.p[n] == '\r' &&
			    s.p[n + 1] == '\n';
		s = slice_skip(s, n + (crlf ? 2 : 1));
	}
}

void report_crlf(struct buf *out, slice s)
{
	while (s.n > 0) {
		buf_append(out, slice_cut(&s, '\n'));
		buf_append(out, SLICE("\r\n"));
	}
}
