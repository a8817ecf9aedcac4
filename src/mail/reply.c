/* The replies of ours; see reply.h. */
#include "mail/reply.h"

static const struct reply_row rows[] = {
#define REPLY(id, code, enhanced, text) { #id, code, enhanced, text },
#include "mail/reply.def"
#undef REPLY
};

enum {
	LINE_MAX_BYTES = 512,		/* with CRLF; RFC 5321 4.5.3.1.5 */
	ADVICE_LINES_MAX = 20,
};

const struct reply_row *reply_row(enum reply_id id)
{
	invariant((unsigned)id < REPLY_COUNT);
	return &rows[id];
}

/* One line without its code. */
struct line {
	char p[LINE_MAX_BYTES];
	size_t n, max;
};

static void add(struct line *l, slice s)
{
	for (size_t i = 0; i < s.n && l->n < l->max; i++) {
		char c = s.p[i];
		l->p[l->n++] = c >= 0x20 && c < 0x7f ? c : '?';
	}
}

static void add_first(struct line *l, const char *text, slice detail)
{
	const char *mark = strstr(text, "%s");
	if (mark == NULL) {
		add(l, slice_of(text));
		return;
	}
	add(l, (slice){ text, (size_t)(mark - text) });
	add(l, detail);
	add(l, slice_of(mark + 2));
}

static struct line line_of(const struct reply_row *row)
{
	/* "550-", "5.7.1 ", CRLF */
	size_t enhanced = strlen(row->enhanced);
	return (struct line){ .max = LINE_MAX_BYTES - 6 -
				     (enhanced ? enhanced + 1 : 0) };
}

static void put(struct buf *out, const struct reply_row *row, slice text,
		bool last)
{
	buf_printf(out, "%u%c", (unsigned)row->code, last ? ' ' : '-');
	if (row->enhanced[0] != '\0')
		buf_printf(out, "%s ", row->enhanced);
	buf_append(out, text);
	buf_append(out, SLICE("\r\n"));
}

/* Cuts the next line off *advice: to the line end, or at a space when it is
 * longer than max, or anywhere. */
static slice next_advice(slice *advice, size_t max)
{
	slice line = slice_sub(*advice, 0, slice_find(*advice, '\n'));
	if (line.n <= max) {
		*advice = slice_skip(*advice, line.n + 1);
		return line;
	}
	line = slice_sub(line, 0, max);
	size_t space = slice_rfind(line, ' ');
	if (space > 0 && space < line.n)
		line = slice_sub(line, 0, space);
	*advice = slice_trim(slice_skip(*advice, line.n));
	return line;
}

static bool more_lines(slice *advice)
{
	while (advice->n > 0 && advice->p[0] == '\n')
		*advice = slice_skip(*advice, 1);
	return advice->n > 0;
}

/* Advice and tag behind the first line: the tag ends the last line, or is a
 * line of its own when there is no advice or no room. */
static void put_rest(struct buf *out, const struct reply_row *row,
		     slice advice, slice tag)
{
	for (int lines = 0; lines < ADVICE_LINES_MAX && more_lines(&advice);
	     lines++) {
		struct line l = line_of(row);
		add(&l, next_advice(&advice, l.max));
		bool last = lines + 1 == ADVICE_LINES_MAX ||
			    !more_lines(&advice);
		if (last && tag.n > 0 && tag.n + 3 <= l.max - l.n) {
			add(&l, SLICE(" ["));
			add(&l, tag);
			add(&l, SLICE("]"));
			tag.n = 0;
		}
		put(out, row, (slice){ l.p, l.n }, last && tag.n == 0);
	}
	if (tag.n == 0)
		return;
	struct line l = line_of(row);
	add(&l, SLICE("ref "));
	add(&l, tag);
	put(out, row, (slice){ l.p, l.n }, true);
}

/* "334 BASE64": the client's library needs it whole, however long it is
 * (RFC 4954 section 4). */
static void put_challenge(struct buf *out, slice challenge)
{
	for (size_t i = 0; i < challenge.n; i++)
		invariant(challenge.p[i] > 0x20 && challenge.p[i] < 0x7f);
	buf_append(out, SLICE("334 "));
	buf_append(out, challenge);
	buf_append(out, SLICE("\r\n"));
}

void reply_write(struct buf *out, const struct reply *r)
{
	const struct reply_row *row = reply_row(r->id);
	slice advice = r->advice;
	if (r->id == REPLY_AUTH_CHALLENGE) {
		put_challenge(out, r->detail);
		return;
	}
	struct line first = line_of(row);
	add_first(&first, row->text, r->detail);
	bool alone = !more_lines(&advice) && r->tag.n == 0;
	put(out, row, (slice){ first.p, first.n }, alone);
	if (!alone)
		put_rest(out, row, advice, r->tag);
}
