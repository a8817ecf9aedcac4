/*
 * The body comes in: into memory, or, past body_log_max, into a file of its
 * own; the header is looked at as it streams by. At the true end everything
 * is judged once, and the door gets what is left (SPEC 1.8: exactly one
 * reply, after stable storage).
 */
#include "receive/receive_private.h"

#include "receive/line_ends.h"

#include <errno.h>
#include <stdlib.h>

enum { BIG_OUTSTANDING_MAX = 262144 };

static const slice none = { 0 };

static void broken(struct transaction *t, const struct err *err)
{
	if (!t->broken)
		t->err = *err;
	t->broken = true;
	body_unref(&t->body);
	spool_big_drop(&t->big);
}

/* --- where it goes -------------------------------------------------------- */

static void big_drained(void *ctx)
{
	struct transaction *t = ctx;
	if (t->session->state == SESSION_FULL)
		session_resume(t->session);
}

/* From memory to a file: what came so far goes first. */
static bool spill(struct transaction *t, struct err *err)
{
	struct receive_config *c = &t->session->receive->config;
	t->big = spool_big_new(c->spool, t->envelope.id, t->room_bytes,
			       big_drained, t);
	if (t->big == NULL)
		return err_set_memory(err, "receive_body");
	if (t->body == NULL)
		return true;
	struct body_at at = body_start(t->body);
	slice piece;
	while (body_next(&at, &piece))
		if (!spool_big_append(t->big, piece, err))
			return false;
	body_unref(&t->body);
	return true;
}

static bool keep(struct transaction *t, slice piece, struct err *err)
{
	uint64_t max = t->session->receive->config.body_log_max_bytes;
	if (t->big == NULL && t->body->size + piece.n <= max) {
		if (body_append(t->body, piece, err))
			return true;
		if (err->kind != ERR_LIMIT)
			return false;
		/* No room in memory for anybody: to the disk. A piece that
		 * went in partly would be doubled, so append is all or
		 * nothing (mail/body.h). */
	}
	if (t->big == NULL && !spill(t, err))
		return false;
	return spool_big_append(t->big, piece, err);
}

void body_begin(struct session *s)
{
	struct transaction *t = s->transaction;
	struct receive_config *c = &s->receive->config;
	const struct limits *l = c->limits;
	struct err err;
	invariant(t != NULL && t->envelope.recipient_count > 0);
	if (spool_is_closed(c->spool)) {
		session_answer(s, REPLY_FAULT, none, none, none);
		return;
	}
	header_scan_init(&t->header, c->hostname, l->header_bytes,
			 (uint32_t)l->header_fields);
	t->body = body_new(c->budget);
	if (t->body == NULL ||
	    (t->room_bytes > c->body_log_max_bytes && !spill(t, &err))) {
		session_answer(s, REPLY_FAULT, none, none, none);
		return;
	}
	t->in_body = true;
	session_answer(s, REPLY_DATA_GO, none, none, none);
}

void body_piece(struct session *s, slice piece)
{
	struct transaction *t = s->transaction;
	struct err err;
	if (t == NULL || t->broken)
		return;
	reserve_progress(t);
	header_scan_feed(&t->header, piece);
	if (!keep(t, piece, &err)) {
		broken(t, &err);
		return;
	}
	if (t->big != NULL &&
	    spool_big_outstanding(t->big) > BIG_OUTSTANDING_MAX) {
		s->state = SESSION_FULL;
		conn_pause(s->conn);
	}
}

/* --- the verdict ---------------------------------------------------------- */

static enum reply_id reply_of(const struct err *err)
{
	if (err->code == 552)
		return REPLY_HEADER_TOO_BIG;
	if (err->code == 554)
		return REPLY_MAIL_LOOP;
	if (err->code == 550)
		return REPLY_TWO_FROM;
	if (err->os_error == ENOSPC || err->os_error == EDQUOT ||
	    err->kind == ERR_LIMIT)
		return REPLY_STORAGE;
	return REPLY_FAULT;
}

/* Bare CR or LF (SPEC 14): in DATA refused, unless the setting asks for
 * normalising and that is safe; in BDAT kept and told to the next hop. */
static bool judge_line_ends(struct transaction *t, const struct smtp_event *ev,
			    enum reply_id *id)
{
	if (!ev->bare_cr && !ev->bare_lf)
		return true;
	if (ev->by_bdat) {
		t->envelope.bare_line_ends = true;
		return true;
	}
	*id = REPLY_BARE_LINE_END;
	if (t->decision.setting->line_ends != LINE_ENDS_NORMALISE ||
	    t->body == NULL)
		return false;
	return line_ends_normalise(&t->body);
}

static bool judge(struct transaction *t, const struct smtp_event *ev,
		  enum reply_id *id)
{
	const struct limits *l = t->session->receive->config.limits;
	struct err err;
	if (ev->too_big) {
		*id = REPLY_SIZE;
		return false;
	}
	if (t->broken) {
		*id = reply_of(&t->err);
		return false;
	}
	if (!judge_line_ends(t, ev, id))
		return false;
	if (!header_scan_verdict(&t->header, (uint32_t)l->received_hops,
				 (uint32_t)l->own_hops, &err)) {
		*id = reply_of(&err);
		return false;
	}
	return true;
}

/* --- to the door ---------------------------------------------------------- */

static void reply_stored(struct session *s, struct id id, bool ok,
			 const struct err *err)
{
	char text[ID_TEXT_MAX];
	if (ok) {
		s->accepted++;
		session_answer(s, REPLY_ACCEPTED, slice_of(id_text(id, text)),
			       none, none);
		return;
	}
	s->refused++;
	log_failure(session_log(s, LOG_WARNING), LOG_WARNING,
		    "receive.not_stored", err);
	session_answer(s, reply_of(err), none, none, none);
}

/* The door's word. The client may have left meanwhile. */
static void stored(void *ctx, bool ok, bool unknown, const struct err *err)
{
	struct session *s = ctx;
	invariant(s->state == SESSION_STORING && s->transaction != NULL);
	struct id id = s->transaction->envelope.id;
	/* What may be stored counts: after a start it would. */
	if (ok || unknown)
		reserve_book(s->transaction);
	if (unknown && s->conn != NULL) {
		/* Neither 250 nor 451 would be true. */
		s->close = SMTP_CLOSE_CALLER;
		conn_abort(&s->conn);
	}
	if (s->conn == NULL) {
		s->accepted += ok;
		session_end(s);
		return;
	}
	/* Before the answer, with which the engine lets go of addresses. */
	transaction_end(s);
	reply_stored(s, id, ok, err);
	session_resume(s);
}

static struct trace_facts trace_of(struct session *s)
{
	const struct tls *tls = conn_tls(s->conn);
	struct transaction *t = s->transaction;
	struct trace_facts f = {
		.from_client = true,
		.helo = slice_of(s->helo),
		.client = s->client.addr,
		.extended = s->extended,
		.utf8 = t->envelope.smtputf8,
		.authenticated = s->has_login,
	};
	if (tls != NULL) {
		f.tls_version = tls_version(tls);
		f.tls_cipher = tls_cipher(tls);
		f.tls_bits = tls_cipher_bits(tls);
	}
	if (t->envelope.recipient_count == 1)
		f.only_recipient =
			address_text(&t->envelope.recipients[0].address,
				     smtp_server_arena(s->server));
	return f;
}

static bool put_booking(struct transaction *t, struct buf *out,
			enum reply_id *id)
{
	if (t->reservation != NULL)
		ledger_put_booking(out, t->reservation);
	*id = REPLY_FAULT;
	return !out->failed;
}

static void submit(struct session *s, slice booking)
{
	struct transaction *t = s->transaction;
	struct submission submission = {
		.envelope = &t->envelope,
		.body = t->body,
		.big = t->big,
		.trace = trace_of(s),
		.booking = booking,
		.held = t->held_count > 0 ? t->held : NULL,
		.listener = slice_of(s->listener->name),
		.entry = refusal_entry(t->view, t->decision.setting,
				       &s->client.addr,
				       session_login(s, t->view) != NULL),
		.done = stored,
		.ctx = s,
	};
	if (s->has_login)
		submission.login = (slice){ s->login_id, sizeof(s->login_id) };
	t->body = NULL;
	t->big = NULL;
	s->state = SESSION_STORING;
	/* An end of input (QUIT and a half-close behind the dot) waits too. */
	conn_pause(s->conn);
	door_submit(s->receive->config.door, &submission);
}

static void finish_envelope(struct transaction *t)
{
	struct envelope *e = &t->envelope;
	/* What it is counts, not what was declared: many clients send 8-bit
	 * without saying so. */
	if (e->body_type != BODY_BINARYMIME)
		e->body_type = t->header.eight_bit ? BODY_8BITMIME : BODY_7BIT;
	e->message_id = (slice){ t->header.message_id,
				 t->header.message_id_n };
}

/* All recipients at once. A fault of ours is not theirs to look up. */
static void refuse_at_end(struct transaction *t, enum reply_id id,
			  const struct limit_words *words)
{
	struct refusal r = transaction_refusal(t, id, words);
	r.recipients = t->envelope.recipient_count;
	if (r.cause == CAUSE_OTHER)
		session_answer(t->session, id, none, r.advice, none);
	else
		session_refuse(t->session, &r);
}

void body_end(struct session *s, const struct smtp_event *ev)
{
	struct transaction *t = s->transaction;
	enum reply_id id = REPLY_FAULT;
	struct buf booking;
	struct limit_words words = { 0 };
	invariant(t != NULL && t->in_body);
	buf_init(&booking, SIZE_MAX);
	if (!judge(t, ev, &id) ||
	    (id = reserve_renew(t, &words)) != REPLY_ACCEPTED ||
	    !put_booking(t, &booking, &id)) {
		s->refused++;
		transaction_tell_over(t);
		refuse_at_end(t, id, &words);
		transaction_end(s);
	} else {
		finish_envelope(t);
		submit(s, buf_slice(&booking));
	}
	buf_fini(&booking);
}
