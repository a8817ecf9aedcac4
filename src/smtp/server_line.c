/*
 * From bytes to command lines. What ends a line is CRLF and nothing else: a
 * bare CR or LF is a character of the line (and makes it refused later). A
 * line that lies whole in the input is lent from there; only one that is cut
 * in two is kept, at most its bound, and freed when it was handled.
 *
 * The first bytes of a connection are looked at before: a TLS ClientHello,
 * an HTTP request or a PROXY header is no SMTP and gets no reply. All but
 * the PROXY v2 signature are no prefix of a line with an end, so waiting for
 * the rest of them costs nothing. The signature begins with empty lines:
 * its bytes are held as a mere count, and read as lines when it turns out
 * to be something else.
 */
#include "smtp/server_private.h"

#include <stdlib.h>

enum {
	AUTH_COMMAND_EXTRA = 32,	/* "AUTH MECHANISM " before the base64 */
	DISCARD_MAX = 16 << 20,		/* of one line, before it is junk */
	LINE_GROW_MIN = 128,
};

static const slice auth_verb = { "AUTH ", 5 };

void server_line_free(struct smtp_server *s)
{
	struct server_line *l = &s->line;
	invariant((l->p == NULL) == (l->cap == 0) && l->n <= l->cap);
	if (l->p != NULL)
		explicit_bzero(l->p, l->cap);
	free(l->p);
	*l = (struct server_line){ 0 };
}

/* Copies, so that nothing of a password stays in memory that was freed. */
static bool line_grow(struct server_line *l, size_t need)
{
	size_t cap = l->cap ? l->cap * 2 : LINE_GROW_MIN;
	while (cap < need)
		cap *= 2;
	invariant(cap <= UINT32_MAX);
	char *p = malloc(cap);
	if (p == NULL)
		return false;
	if (l->p != NULL) {
		memcpy(p, l->p, l->n);
		explicit_bzero(l->p, l->cap);
		free(l->p);
	}
	l->p = p;
	l->cap = (uint32_t)cap;
	return true;
}

static bool line_append(struct server_line *l, slice s)
{
	if (s.n == 0)
		return true;
	if (l->n + s.n > l->cap && !line_grow(l, l->n + s.n))
		return false;
	memcpy(l->p + l->n, s.p, s.n);
	l->n += (uint32_t)s.n;
	return true;
}

/* Byte i of what is kept and the input together. */
static char byte_at(const struct server_line *l, slice in, size_t i)
{
	return i < l->n ? l->p[i] : in.p[i - l->n];
}

/* The longest line that may be, with its CRLF. */
static size_t line_max(const struct smtp_server *s, slice in)
{
	const struct limits *limits = s->limits;
	if (s->phase == PHASE_AUTH)
		return limits->auth_line + 2;
	if (s->line.n + in.n < auth_verb.n)
		return limits->command_line;
	for (size_t i = 0; i < auth_verb.n; i++)
		if (ascii_lower(byte_at(&s->line, in, i)) !=
		    ascii_lower(auth_verb.p[i]))
			return limits->command_line;
	return limits->auth_line + AUTH_COMMAND_EXTRA + 2;
}

/* Index behind the first CRLF in `in`, 0 when there is none; before_cr: the
 * byte before `in` was CR. */
static size_t find_end(slice in, bool before_cr)
{
	size_t at = 0;
	while (at < in.n) {
		const char *lf = memchr(in.p + at, '\n', in.n - at);
		if (lf == NULL)
			return 0;
		size_t i = (size_t)(lf - in.p);
		if (i == 0 ? before_cr : in.p[i - 1] == '\r')
			return i + 1;
		at = i + 1;
	}
	return 0;
}

static enum line_result discard(struct server_line *l, slice *in)
{
	size_t end = find_end(*in, l->discard_cr);
	if (end > 0) {
		*in = slice_skip(*in, end);
		*l = (struct server_line){ 0 };
		return LINE_LONG;
	}
	if (in->n == 0)
		return LINE_NONE;
	l->discarded += in->n;
	l->discard_cr = in->p[in->n - 1] == '\r';
	*in = slice_skip(*in, in->n);
	return l->discarded > DISCARD_MAX ? LINE_ENDLESS : LINE_NONE;
}

static enum line_result too_long(struct smtp_server *s, slice *in, bool auth)
{
	s->long_line_is_auth = auth;
	bool before_cr = s->line.n > 0 && s->line.p[s->line.n - 1] == '\r';
	server_line_free(s);
	s->line.discarding = true;
	s->line.discard_cr = before_cr;
	return discard(&s->line, in);
}

enum line_result server_line_read(struct smtp_server *s, slice *in,
				  slice *line)
{
	struct server_line *l = &s->line;
	invariant(!l->spent);
	if (l->complete) {		/* it was put back */
		*line = (slice){ l->p, l->n };
		return LINE_READY;
	}
	if (l->discarding)
		return discard(l, in);
	size_t end = find_end(*in, l->n > 0 && l->p[l->n - 1] == '\r');
	size_t max = line_max(s, *in);
	if (end > 0 ? l->n + end > max : l->n + in->n >= max)
		return too_long(s, in, max != s->limits->command_line);
	if (end > 0 && l->n == 0) {
		*line = slice_sub(*in, 0, end - 2);
		*in = slice_skip(*in, end);
		return LINE_READY;
	}
	size_t taken = end > 0 ? end : in->n;
	if (!line_append(l, slice_sub(*in, 0, taken)))
		return LINE_NO_MEMORY;
	*in = slice_skip(*in, taken);
	if (end == 0)
		return LINE_NONE;
	invariant(l->n >= 2 && l->p[l->n - 1] == '\n');
	l->n -= 2;
	l->complete = true;
	*line = (slice){ l->p, l->n };
	return LINE_READY;
}

/* --- the first bytes ------------------------------------------------------ */

const char server_proxy_v2[PROXY_V2_LEN] = {
	'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n',
};

static const struct first_bytes {
	slice bytes;
	enum smtp_close_reason reason;
} table[] = {
	/* TLS record of type handshake, version 3.x (RFC 8446 5.1) */
	{ { "\x16\x03", 2 }, SMTP_CLOSE_TLS_ON_PLAIN },
	{ { "PROXY ", 6 }, SMTP_CLOSE_PROXY_HEADER },
	{ { "GET ", 4 }, SMTP_CLOSE_HTTP },
	{ { "POST ", 5 }, SMTP_CLOSE_HTTP },
	{ { "PUT ", 4 }, SMTP_CLOSE_HTTP },
	{ { "HEAD ", 5 }, SMTP_CLOSE_HTTP },
	{ { "DELETE ", 7 }, SMTP_CLOSE_HTTP },
	{ { "OPTIONS ", 8 }, SMTP_CLOSE_HTTP },
	{ { "CONNECT ", 8 }, SMTP_CLOSE_HTTP },
	{ { "TRACE ", 6 }, SMTP_CLOSE_HTTP },
	{ { "PATCH ", 6 }, SMTP_CLOSE_HTTP },
	{ { "PRI * HTTP/2", 12 }, SMTP_CLOSE_HTTP },
};

/* How many bytes of the pattern stand at the front of what came. */
static size_t matched(const struct server_line *l, slice in, slice pattern)
{
	size_t have = l->n + in.n, i = 0;
	while (i < pattern.n && i < have &&
	       byte_at(l, in, i) == pattern.p[i])
		i++;
	return i;
}

/* True: settled. */
static bool match_table(const struct smtp_server *s, slice in,
			enum smtp_close_reason *reason)
{
	size_t have = s->line.n + in.n;
	bool settled = true;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (s->tls && table[i].reason == SMTP_CLOSE_TLS_ON_PLAIN)
			continue;
		size_t n = matched(&s->line, in, table[i].bytes);
		if (n == table[i].bytes.n) {
			*reason = table[i].reason;
			return true;
		}
		if (n == have)
			settled = false;
	}
	return settled;
}

bool server_first_bytes(struct smtp_server *s, slice *in,
			enum smtp_close_reason *reason)
{
	invariant(s->first_bytes_due && s->replay_n == 0);
	*reason = SMTP_CLOSE_NONE;
	while (s->line.n == 0 && in->n > 0 &&
	       in->p[0] == server_proxy_v2[s->proxy_matched]) {
		*in = slice_skip(*in, 1);
		if (++s->proxy_matched == PROXY_V2_LEN) {
			*reason = SMTP_CLOSE_PROXY_HEADER;
			return true;
		}
	}
	if (s->proxy_matched > 0) {
		if (in->n == 0)
			return false;
		s->replay_n = s->proxy_matched;
		return true;
	}
	return match_table(s, *in, reason);
}
