/*
 * The dot-stuffer; see client_body.h. Whole runs are copied at once; per
 * line there are two memchr and nothing else.
 */
#include "smtp/client_body.h"

static void append_run(struct buf *out, const char *from, const char *to)
{
	invariant(from <= to);
	buf_append_bytes(out, from, (size_t)(to - from));
}

/* The LF that the held CR waits for. */
static bool resume(struct smtp_stuffer *s, struct buf *out, slice *piece)
{
	if (piece->p[0] != '\n')
		return false;
	buf_append(out, SLICE("\r\n"));
	s->held_cr = false;
	s->line_open = false;
	*piece = slice_skip(*piece, 1);
	return true;
}

bool smtp_stuffer_feed(struct smtp_stuffer *s, struct buf *out, slice piece)
{
	if (piece.n == 0)
		return true;
	if (s->held_cr && !resume(s, out, &piece))
		return false;
	if (piece.n == 0)
		return true;
	const char *end = piece.p + piece.n;
	const char *run = piece.p;	/* from here on nothing is written */
	const char *at = piece.p;
	while (at < end) {
		if (!s->line_open && *at == '.') {
			append_run(out, run, at);
			buf_append_char(out, '.');
			run = at;
		}
		s->line_open = true;
		const char *cr = memchr(at, '\r', (size_t)(end - at));
		const char *stop = cr ? cr : end;
		if (memchr(at, '\n', (size_t)(stop - at)) != NULL)
			return false;
		if (cr == NULL)
			break;
		if (cr + 1 == end) {
			append_run(out, run, cr);
			s->held_cr = true;
			return true;
		}
		if (cr[1] != '\n')
			return false;
		at = cr + 2;
		s->line_open = false;
	}
	append_run(out, run, end);
	return true;
}

bool smtp_stuffer_end(struct smtp_stuffer *s, struct buf *out)
{
	if (s->held_cr)
		return false;
	if (s->line_open)
		buf_append(out, SLICE("\r\n"));
	buf_append(out, SLICE(".\r\n"));
	return true;
}
