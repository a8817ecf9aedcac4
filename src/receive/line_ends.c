/* Normalising line ends; see line_ends.h. */
#include "receive/line_ends.h"

struct normaliser {
	struct body *out;
	bool in_cr;		/* CRs were seen, their LF may follow */
	bool line_empty;	/* nothing but perhaps one dot in the line */
	bool line_dot;
	bool failed;
};

static void put(struct normaliser *n, slice s)
{
	struct err err;
	n->failed = n->failed || !body_append(n->out, s, &err);
}

/* A dot that was alone on a true line (CRLF before and behind) stands here
 * too, after unstuffing; it can't be told from one that a bare line end
 * makes, so any such line refuses. */
static void end_line(struct normaliser *n)
{
	if (n->line_dot)
		n->failed = true;
	put(n, SLICE("\r\n"));
	n->line_empty = true;
	n->line_dot = false;
	n->in_cr = false;
}

static void text(struct normaliser *n, slice s)
{
	if (s.n == 0)
		return;
	if (n->in_cr)
		end_line(n);
	n->line_dot = n->line_empty && s.n == 1 && s.p[0] == '.';
	n->line_empty = false;
	put(n, s);
}

static void feed(struct normaliser *n, slice s)
{
	while (s.n > 0 && !n->failed) {
		size_t plain = 0;
		while (plain < s.n && s.p[plain] != '\r' &&
		       s.p[plain] != '\n')
			plain++;
		text(n, slice_sub(s, 0, plain));
		if (plain < s.n && s.p[plain] == '\r')
			n->in_cr = true;
		else if (plain < s.n)
			end_line(n);
		s = slice_skip(s, plain + 1);
	}
}

bool line_ends_normalise(struct body **b)
{
	struct normaliser n = {
		.out = body_new((*b)->budget),
		.line_empty = true,
	};
	if (n.out == NULL)
		return false;
	struct body_at at = body_start(*b);
	slice piece;
	while (body_next(&at, &piece))
		feed(&n, piece);
	if (n.in_cr)
		end_line(&n);
	if (n.failed) {
		body_unref(&n.out);
		return false;
	}
	body_unref(b);
	*b = n.out;
	return true;
}
