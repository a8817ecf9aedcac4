/*
 * What an answer of the caller does: the reply, the next state, what counts.
 * A refusal of a stranger is an error; one of a known client is at most a
 * command without progress, so that a customer over its limit, or with a bad
 * list, keeps its session.
 */
#include "smtp/server_private.h"

/* Writes the caller's reply; a refusal of a stranger counts as an error and
 * may become the 421. */
static void answer_write(struct smtp_server *s, struct buf *out,
			 const struct reply *reply, enum server_weight known)
{
	enum server_weight weight = s->known ? known : WEIGHT_ERROR;
	if (reply_positive(reply->id) ||
	    reply_row(reply->id)->code == 421 || server_count(s, out, weight))
		reply_write(out, reply);
}

static void answer_helo(struct smtp_server *s, struct buf *out,
			const struct reply *reply)
{
	struct reply named = *reply;
	if (!reply_positive(reply->id)) {
		answer_write(s, out, reply, WEIGHT_JUNK);
		return;
	}
	s->helo_done = true;
	s->extended = s->helo_extended;
	if (named.detail.n == 0)
		named.detail = s->config->hostname;
	if (s->extended)
		server_ehlo_write(s, out, named.detail);
	else
		reply_write(out, &named);
}

static void answer_starttls(struct smtp_server *s, struct buf *out,
			    const struct reply *reply)
{
	if (!reply_positive(reply->id)) {
		answer_write(s, out, reply, WEIGHT_JUNK);
		return;
	}
	server_reply(s, out, REPLY_STARTTLS_GO, SLICE(""), SLICE(""));
	server_line_free(s);
	s->phase = PHASE_TLS;
}

static void answer_auth(struct smtp_server *s, struct buf *out,
			const struct reply *reply)
{
	invariant(!reply_positive(reply->id) || s->sasl->complete);
	reply_write(out, reply);
	sasl_server_free(&s->sasl);
	if (reply_positive(reply->id))
		s->authenticated = true;
	else if (reply->id != REPLY_AUTH_BUSY)
		s->auth_failures++;
}

static void answer_mail(struct smtp_server *s, struct buf *out,
			const struct reply *reply)
{
	bool good = reply_positive(reply->id);
	answer_write(s, out, reply, WEIGHT_JUNK);
	s->transaction = good ? TRANSACTION_OPEN : TRANSACTION_FAILED;
	if (!good)
		arena_reset(&s->arena);
}

static void answer_rcpt(struct smtp_server *s, struct buf *out,
			const struct reply *reply)
{
	if (reply_positive(reply->id))
		s->rcpt_accepted++;
	answer_write(s, out, reply, WEIGHT_NOTHING);
}

/* DATA or the first BDAT. A refusal ends the transaction. */
static void answer_data(struct smtp_server *s, struct buf *out,
			const struct reply *reply, bool by_bdat)
{
	if (reply_positive(reply->id)) {
		if (!by_bdat)
			server_reply(s, out, REPLY_DATA_GO, SLICE(""),
				     SLICE(""));
		server_body_begin(s, by_bdat);
		return;
	}
	server_drop(s);
	answer_write(s, out, reply, WEIGHT_NOTHING);
	if (s->phase == PHASE_ENDED)
		return;
	if (by_bdat) {
		s->eaten_bytes += s->chunk_left;
		server_eat(s);
	} else if (s->bytes_behind_data) {	/* see refuse_data */
		server_end_with(s, out, REPLY_EARLY_TALKER,
				SMTP_CLOSE_EARLY_TALKER);
	}
}

/* The verdict is never replaced by a 421: it says whether the message is
 * ours now. */
static void answer_body_end(struct smtp_server *s, struct buf *out,
			    const struct reply *reply)
{
	reply_write(out, reply);
	s->transaction = TRANSACTION_NONE;
	s->body = (struct server_body){ 0 };
	arena_reset(&s->arena);
	if (!reply_positive(reply->id))
		return;
	s->errors = s->junk = 0;
	s->eaten_bytes = 0;
}

void smtp_server_answer(struct smtp_server *s, struct buf *out,
			const struct reply *reply)
{
	enum server_awaits awaits = s->awaits;
	invariant(awaits != AWAITS_NOTHING);
	server_check(s);
	s->awaits = AWAITS_NOTHING;
	switch (awaits) {
	case AWAITS_NOTHING:
		unreachable_state("nothing awaits an answer");
	case AWAITS_HELO:
		answer_helo(s, out, reply);
		break;
	case AWAITS_STARTTLS:
		answer_starttls(s, out, reply);
		break;
	case AWAITS_AUTH:
		answer_auth(s, out, reply);
		break;
	case AWAITS_XCLIENT:
		server_answer_xclient(s, out, reply);
		break;
	case AWAITS_MAIL:
		answer_mail(s, out, reply);
		break;
	case AWAITS_RCPT:
		answer_rcpt(s, out, reply);
		break;
	case AWAITS_DATA:
		answer_data(s, out, reply, false);
		break;
	case AWAITS_BDAT:
		answer_data(s, out, reply, true);
		break;
	case AWAITS_BODY_END:
		answer_body_end(s, out, reply);
		break;
	}
	if (reply_row(reply->id)->code == 421 && s->phase != PHASE_ENDED)
		server_end(s, SMTP_CLOSE_CALLER);
	server_check(s);
}
