/*
 * Bodies: DATA (RFC 5321 4.1.1.4, 4.5.2) and BDAT (RFC 3030).
 *
 * DATA ends at CRLF . CRLF and at nothing else; the beginning counts as the
 * place behind a CRLF. A dot there is taken away when the line goes on with
 * something else; before a bare CR or LF it is kept, so that whoever makes
 * line ends of these sees a line of one dot. Pieces are slices of the input,
 * cut only where a dot leaves; what has to be held back at the end of an
 * input (a dot, a dot and CR) is given out from a constant.
 *
 *	LINE_START  --"."-->	DOT		  other --> TEXT
 *	DOT	    --CR-->	DOT_CR		  other --> TEXT
 *	DOT_CR	    --LF-->	end of data	  other --> CR, then on
 *	TEXT	    --CR-->	CR
 *	CR	    --LF-->	LINE_START	  other --> TEXT
 *
 * Over limits.message_size the rest is read and thrown away, until
 * limits.oversize_read times as much came: then 552 and the end.
 *
 * BDAT octets are counted, never looked at for dots, and always consumed, be
 * the command refused or not: no octet of a chunk becomes a command.
 */
#include "smtp/server_private.h"

uint64_t server_read_max(const struct smtp_server *s)
{
	const struct limits *l = s->limits;
	return l->message_size * l->oversize_read;
}

void server_body_begin(struct smtp_server *s, bool by_bdat)
{
	invariant(s->transaction == TRANSACTION_OPEN && s->rcpt_accepted > 0);
	s->body = (struct server_body){
		.at = by_bdat ? AT_TEXT : AT_LINE_START };
	s->phase = by_bdat ? PHASE_CHUNK : PHASE_DATA;
	if (by_bdat)
		s->transaction = TRANSACTION_BDAT;
}

bool server_body_oversize(struct server_call *c)
{
	struct smtp_server *s = c->s;
	bool body = s->phase == PHASE_DATA || s->phase == PHASE_CHUNK;
	if (!body || s->body.bytes <= server_read_max(s))
		return false;
	server_end_with(s, c->out, REPLY_SIZE, SMTP_CLOSE_OVERSIZE);
	return true;
}

/* A piece for the caller, as far as it fits. False: nothing to give out. */
static bool give(struct server_call *c, slice piece)
{
	struct server_body *b = &c->s->body;
	uint64_t max = c->s->limits->message_size;
	uint64_t room = b->bytes < max ? max - b->bytes : 0;
	b->bytes += piece.n;
	if (piece.n > room) {
		b->too_big = true;
		piece.n = (size_t)room;
	}
	if (piece.n == 0)
		return false;
	c->ev->body = piece;
	return server_event(c, SMTP_BODY, AWAITS_NOTHING);
}

static bool body_end(struct server_call *c, bool by_bdat)
{
	struct server_body *b = &c->s->body;
	c->s->phase = PHASE_COMMAND;
	c->ev->bare_cr = b->bare_cr;
	c->ev->bare_lf = b->bare_lf;
	c->ev->too_big = b->too_big;
	c->ev->body_bytes = b->bytes;
	c->ev->by_bdat = by_bdat;
	return server_event(c, SMTP_BODY_END, AWAITS_BODY_END);
}

/* --- line ends ------------------------------------------------------------ */

/* Reads on in a line, from AT_TEXT or AT_CR, up to and with the next LF or to
 * the end; returns the number of bytes. Leaves AT_LINE_START behind CRLF. */
static size_t scan_line(struct server_body *b, const char *p, size_t n)
{
	invariant(n > 0 && (b->at == AT_TEXT || b->at == AT_CR));
	if (b->at == AT_CR) {
		if (p[0] == '\n') {
			b->at = AT_LINE_START;
			return 1;
		}
		b->bare_cr = true;
	}
	const char *lf = memchr(p, '\n', n);
	size_t line = lf ? (size_t)(lf - p) : n;
	bool ends_in_cr = line > 0 && p[line - 1] == '\r';
	size_t text = ends_in_cr ? line - 1 : line;
	if (!b->bare_cr && text > 0 && memchr(p, '\r', text) != NULL)
		b->bare_cr = true;
	if (lf == NULL) {
		b->at = ends_in_cr ? AT_CR : AT_TEXT;
		return n;
	}
	b->bare_lf |= !ends_in_cr;
	b->at = ends_in_cr ? AT_LINE_START : AT_TEXT;
	return line + 1;
}

/* --- DATA ----------------------------------------------------------------- */

/* What the dot at p, at a line start, is. */
enum dot { DOT_CUT, DOT_CR_CUT, DOT_END, DOT_STUFFED, DOT_KEPT };

static enum dot look_at_dot(const char *p, size_t n)
{
	invariant(n > 0 && p[0] == '.');
	if (n == 1)
		return DOT_CUT;
	if (p[1] == '\n')
		return DOT_KEPT;
	if (p[1] != '\r')
		return DOT_STUFFED;
	if (n == 2)
		return DOT_CR_CUT;
	return p[2] == '\n' ? DOT_END : DOT_KEPT;
}

/* How many bytes stand in the text from here on, up to the next dot at a
 * line start or to the end. */
static size_t scan_text(struct server_body *b, slice in)
{
	size_t i = 0;
	while (i < in.n) {
		if (b->at == AT_LINE_START) {
			if (in.p[i] == '.')
				break;
			b->at = AT_TEXT;
		}
		i += scan_line(b, in.p + i, in.n - i);
	}
	return i;
}

/* Resolves what was held back, with the first byte of more input. True: an
 * event. *again: nothing was held, or the held dot was a stuffed one. */
static bool held_dot(struct server_call *c, bool *again)
{
	struct server_body *b = &c->s->body;
	char first = c->in->p[0];
	*again = false;
	if (b->at == AT_DOT) {
		if (first == '\r') {
			*c->in = slice_skip(*c->in, 1);
			b->at = AT_DOT_CR;
			return false;
		}
		b->at = AT_TEXT;
		*again = first != '\n';
		return first == '\n' && give(c, SLICE("."));
	}
	if (b->at == AT_DOT_CR) {
		if (first == '\n') {
			*c->in = slice_skip(*c->in, 1);
			return body_end(c, false);
		}
		b->at = AT_CR;
		return give(c, SLICE(".\r"));
	}
	*again = true;
	return false;
}

/* At a dot at a line start. True: an event. */
static bool dot_step(struct server_call *c)
{
	struct server_body *b = &c->s->body;
	switch (look_at_dot(c->in->p, c->in->n)) {
	case DOT_CUT:
		*c->in = slice_skip(*c->in, 1);
		b->at = AT_DOT;
		return false;
	case DOT_CR_CUT:
		*c->in = slice_skip(*c->in, 2);
		b->at = AT_DOT_CR;
		return false;
	case DOT_END:
		*c->in = slice_skip(*c->in, 3);
		return body_end(c, false);
	case DOT_STUFFED:
		*c->in = slice_skip(*c->in, 1);
		b->at = AT_TEXT;
		return false;
	case DOT_KEPT:
		b->at = AT_TEXT;
		return false;
	}
	unreachable_state("no such dot");
}

bool server_data_step(struct server_call *c)
{
	struct server_body *b = &c->s->body;
	bool again;
	invariant(c->in->n > 0);
	bool event = held_dot(c, &again);
	if (!again)
		return event;
	if (b->at == AT_LINE_START && c->in->p[0] == '.')
		return dot_step(c);
	size_t n = scan_text(b, *c->in);
	slice piece = slice_sub(*c->in, 0, n);
	*c->in = slice_skip(*c->in, n);
	return give(c, piece);
}

/* The body may not stand behind a DATA that is refused: its lines would be
 * read as commands. Nobody may send it before the 354 (RFC 2920 3.1). */
static bool refuse_data(struct server_call *c, enum reply_id id,
			enum server_weight weight)
{
	server_refuse_with(c, id, SLICE(""), SLICE(""), weight);
	if (c->in->n > 0 && c->s->phase != PHASE_ENDED)
		server_end_with(c->s, c->out, REPLY_EARLY_TALKER,
				SMTP_CLOSE_EARLY_TALKER);
	return false;
}

bool server_data(struct server_call *c)
{
	struct smtp_server *s = c->s;
	if (server_out_of_turn(c))
		return false;
	if (c->arg.n > 0)
		return refuse_data(c, REPLY_SYNTAX, WEIGHT_ERROR);
	switch (s->transaction) {
	case TRANSACTION_NONE:
		return refuse_data(c, s->helo_done ? REPLY_NEED_MAIL :
						     REPLY_NEED_HELO,
				   WEIGHT_ERROR);
	case TRANSACTION_FAILED:
		return refuse_data(c, REPLY_NEED_MAIL, WEIGHT_JUNK);
	case TRANSACTION_BDAT:
		return refuse_data(c, REPLY_BDAT_OPEN, WEIGHT_ERROR);
	case TRANSACTION_OPEN:
		break;
	}
	if (s->rcpt_accepted == 0)
		return refuse_data(c, s->rcpt_commands > 0 ?
					      REPLY_ALL_RECIPIENTS_REFUSED :
					      REPLY_NEED_RECIPIENT,
				   WEIGHT_JUNK);
	if (s->body_type == BODY_BINARYMIME)
		return refuse_data(c, REPLY_BINARY_NEEDS_BDAT, WEIGHT_ERROR);
	s->bytes_behind_data = c->in->n > 0;
	return server_event(c, SMTP_DATA, AWAITS_DATA);
}

/* --- BDAT ----------------------------------------------------------------- */

/*
 *	bdat-cmd  = "BDAT" SP chunk-size [SP "LAST"] CRLF
 *
 * False: without a size that can be trusted nothing behind it can be read.
 */
static bool parse_bdat(const struct smtp_server *s, slice arg, uint64_t *size,
		       bool *last, bool *fine)
{
	slice word = slice_cut(&arg, ' ');
	arg = slice_trim(arg);
	*last = slice_eq_fold(arg, SLICE("LAST"));
	*fine = *last || arg.n == 0;
	return slice_u64(word, server_read_max(s), size);
}

void server_eat(struct smtp_server *s)
{
	s->phase = s->chunk_left > 0 ? PHASE_EAT : PHASE_COMMAND;
}

static bool refuse_bdat(struct server_call *c, enum reply_id id,
			enum server_weight weight)
{
	struct smtp_server *s = c->s;
	/* RFC 3030 section 2: with a chunk missing there is no message. */
	if (server_in_transaction(s))
		server_drop(s);
	s->eaten_bytes += s->chunk_left;
	if (s->eaten_bytes > server_read_max(s)) {
		server_end_with(s, c->out, REPLY_SIZE, SMTP_CLOSE_OVERSIZE);
		return false;
	}
	server_refuse_with(c, id, SLICE(""), SLICE(""), weight);
	if (s->phase != PHASE_ENDED)
		server_eat(s);
	return false;
}

static bool bdat_by_transaction(struct server_call *c)
{
	struct smtp_server *s = c->s;
	switch (s->transaction) {
	case TRANSACTION_NONE:
		return refuse_bdat(c, s->helo_done ? REPLY_NEED_MAIL :
						     REPLY_NEED_HELO,
				   WEIGHT_ERROR);
	case TRANSACTION_FAILED:
		return refuse_bdat(c, REPLY_NEED_MAIL, WEIGHT_JUNK);
	case TRANSACTION_BDAT:
		s->phase = PHASE_CHUNK;
		return false;
	case TRANSACTION_OPEN:
		break;
	}
	if (s->rcpt_accepted == 0)
		return refuse_bdat(c, s->rcpt_commands > 0 ?
					      REPLY_ALL_RECIPIENTS_REFUSED :
					      REPLY_NEED_RECIPIENT,
				   WEIGHT_JUNK);
	c->ev->by_bdat = true;
	return server_event(c, SMTP_DATA, AWAITS_BDAT);
}

bool server_bdat(struct server_call *c)
{
	struct smtp_server *s = c->s;
	bool fine;
	uint64_t size = 0;
	if (!parse_bdat(s, c->arg, &size, &s->chunk_last, &fine)) {
		server_end_with(s, c->out, REPLY_SYNTAX, SMTP_CLOSE_BDAT_SIZE);
		return false;
	}
	s->chunk_left = size;
	if (!fine)
		return refuse_bdat(c, REPLY_SYNTAX, WEIGHT_ERROR);
	/* An empty chunk that is not the last one brings nothing on. */
	if (size == 0 && !s->chunk_last &&
	    !server_count(s, c->out, WEIGHT_JUNK))
		return false;
	return bdat_by_transaction(c);
}

/* At most chunk_left bytes of the input. */
static slice take_octets(struct server_call *c)
{
	struct smtp_server *s = c->s;
	size_t n = c->in->n < s->chunk_left ? c->in->n : (size_t)s->chunk_left;
	slice octets = slice_sub(*c->in, 0, n);
	*c->in = slice_skip(*c->in, n);
	s->chunk_left -= n;
	return octets;
}

static void scan_octets(struct server_body *b, slice octets)
{
	for (size_t i = 0; i < octets.n;) {
		if (b->at == AT_LINE_START)
			b->at = AT_TEXT;
		if (b->bare_cr && b->bare_lf)
			return;
		i += scan_line(b, octets.p + i, octets.n - i);
	}
}

bool server_chunk_step(struct server_call *c)
{
	struct smtp_server *s = c->s;
	invariant(s->transaction == TRANSACTION_BDAT);
	if (s->chunk_left > 0) {
		invariant(c->in->n > 0);
		slice octets = take_octets(c);
		scan_octets(&s->body, octets);
		return give(c, octets);
	}
	if (s->chunk_last) {
		s->body.bare_cr |= s->body.at == AT_CR;
		return body_end(c, true);
	}
	s->phase = PHASE_COMMAND;
	server_say(c, REPLY_CHUNK_OK);
	return false;
}

bool server_eat_step(struct server_call *c)
{
	invariant(c->in->n > 0);
	(void)take_octets(c);
	server_eat(c->s);
	return false;
}
