/*
 * Replies of strangers; see client_reply.h. RFC 5321 4.2:
 *
 *	Reply-line  = *( Reply-code "-" [ textstring ] CRLF )
 *	              Reply-code [ SP textstring ] CRLF
 *	Reply-code  = %x32-35 %x30-35 %x30-39
 *
 * The second digit is taken as any digit: servers invent codes. All lines of
 * a reply must have the same code (4.2.1), else somebody may have slipped a
 * reply into another. RFC 2034 4: the text of the first line may begin with
 * an enhanced status code; one of another class than the code is ignored.
 */
#include "smtp/client_reply.h"

#include <stdio.h>

enum { CODE_LEN = 3 };

void smtp_reply_init(struct smtp_reply *r, const struct limits *limits)
{
	*r = (struct smtp_reply){ .limits = limits };
	buf_init(&r->line, limits->reply_line);
	buf_init(&r->text, limits->reply_bytes);
}

void smtp_reply_fini(struct smtp_reply *r)
{
	buf_fini(&r->line);
	buf_fini(&r->text);
}

void smtp_reply_reset(struct smtp_reply *r)
{
	buf_clear(&r->line);
	buf_clear(&r->text);
	r->bytes = 0;
	r->lines = 0;
	r->code = 0;
	r->whole = false;
	memset(r->enhanced, 0, sizeof(r->enhanced));
}

void smtp_reply_release(struct smtp_reply *r)
{
	smtp_reply_reset(r);
	buf_release(&r->line);
	buf_release(&r->text);
}

bool smtp_reply_begun(const struct smtp_reply *r)
{
	return !r->whole && r->bytes > 0;
}

static bool broken(struct err *err, const char *what)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_SESSION, "smtp_reply",
		       "peer's reply: %s", what);
}

/* --- one line ------------------------------------------------------------- */

static bool parse_code(slice line, uint16_t *code)
{
	if (line.n < CODE_LEN || line.p[0] < '2' || line.p[0] > '5' ||
	    !ascii_digit(line.p[1]) || !ascii_digit(line.p[2]))
		return false;
	*code = (uint16_t)((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
			   (line.p[2] - '0'));
	return true;
}

/* "5.1.1" at the front of the words. */
static void parse_enhanced(struct smtp_reply *r, slice words)
{
	slice status = slice_cut(&words, ' ');
	uint64_t n[3];
	for (size_t i = 0; i < 3; i++) {
		slice part = slice_cut(&status, '.');
		if (part.n > 3 || !slice_u64(part, UINT8_MAX, &n[i]))
			return;
	}
	if (status.n > 0 || n[0] != smtp_reply_class(r))
		return;
	for (size_t i = 0; i < 3; i++)
		r->enhanced[i] = (uint8_t)n[i];
}

static void keep_words(struct smtp_reply *r, slice words)
{
	if (r->lines > 0)
		buf_append_char(&r->text, '\n');
	size_t from = r->text.n;
	buf_append(&r->text, words);
	for (size_t i = from; i < r->text.n; i++) {
		uint8_t c = (uint8_t)r->text.p[i];
		if (c < ' ' || c == 0x7f)
			r->text.p[i] = c == '\t' ? ' ' : '?';
	}
}

/* A line without its CRLF. */
static bool take_line(struct smtp_reply *r, slice line, struct err *err)
{
	uint16_t code;
	if (slice_find(line, '\0') != line.n)
		return broken(err, "NUL");
	if (slice_find(line, '\r') != line.n)
		return broken(err, "bare CR");
	if (!parse_code(line, &code))
		return broken(err, "no reply code");
	char after = line.n > CODE_LEN ? line.p[CODE_LEN] : ' ';
	if (after != ' ' && after != '-')
		return broken(err, "no reply code");
	if (r->lines > 0 && code != r->code)
		return broken(err, "different codes in one reply");
	if (r->lines >= r->limits->reply_lines)
		return broken(err, "too many lines");
	slice words = slice_skip(line, CODE_LEN + 1);
	r->code = code;
	if (r->lines == 0)
		parse_enhanced(r, words);
	keep_words(r, words);
	r->lines++;
	r->whole = after == ' ';
	return true;
}

/* --- lines from pieces ---------------------------------------------------- */

/* A piece that ends with LF, together with what came before it. */
static bool end_line(struct smtp_reply *r, slice piece, struct err *err)
{
	slice line = piece;
	if (r->line.n > 0) {
		buf_append(&r->line, piece);
		line = buf_slice(&r->line);
	}
	if (r->line.failed || line.n > r->limits->reply_line)
		return r->line.n + piece.n > r->limits->reply_line
			       ? broken(err, "line is too long")
			       : err_set_memory(err, "smtp_reply");
	if (line.n < 2 || line.p[line.n - 2] != '\r')
		return broken(err, "bare LF");
	bool ok = take_line(r, slice_sub(line, 0, line.n - 2), err);
	buf_clear(&r->line);
	return ok;
}

static bool begin_line(struct smtp_reply *r, slice piece, struct err *err)
{
	/* A line this long can't end within the bound any more. */
	if (piece.n + r->line.n >= r->limits->reply_line)
		return broken(err, "line is too long");
	buf_append(&r->line, piece);
	return !r->line.failed || err_set_memory(err, "smtp_reply");
}

bool smtp_reply_feed(struct smtp_reply *r, slice *in, struct err *err)
{
	invariant(!r->whole);
	while (in->n > 0 && !r->whole) {
		size_t at = slice_find(*in, '\n');
		bool ends = at < in->n;
		slice piece = slice_sub(*in, 0, ends ? at + 1 : at);
		*in = slice_skip(*in, piece.n);
		r->bytes += piece.n;
		if (r->bytes > r->limits->reply_bytes)
			return broken(err, "too long");
		if (!(ends ? end_line(r, piece, err)
			   : begin_line(r, piece, err)))
			return false;
	}
	if (r->text.failed)
		return err_set_memory(err, "smtp_reply");
	return true;
}

/* --- what others make of it ----------------------------------------------- */

slice smtp_reply_words(const struct smtp_reply *r, struct arena *arena)
{
	slice words = slice_sub(buf_slice(&r->text), 0, SMTP_REPLY_KEPT_MAX);
	slice copy;
	return arena_copy(arena, words, &copy) ? copy : (slice){ 0 };
}

bool smtp_reply_err(const struct smtp_reply *r, struct err *err,
		    enum err_scope scope, const char *where)
{
	unsigned class = smtp_reply_class(r);
	enum err_kind kind = class == 4 ? ERR_TEMPORARY
			     : class == 5 ? ERR_PERMANENT : ERR_PROTOCOL;
	slice words = slice_sub(buf_slice(&r->text), 0, sizeof(err->text));
	err_set(err, kind, scope, where, "%u %.*s", (unsigned)r->code,
		SLICE_ARG(words));
	if (err == NULL)
		return false;
	for (char *p = err->text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = *p == '\n' ? ' ' : '?';
	err->code = r->code;
	memcpy(err->enhanced, r->enhanced, sizeof(err->enhanced));
	return false;
}
