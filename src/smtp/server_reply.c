/*
 * Replies of the engine's own, what they count, and how a session ends. A
 * command beyond a bound gets the 421 as its one reply: so there is exactly
 * one reply to each command, always.
 */
#include "smtp/server_private.h"

const char *smtp_close_reason_name(enum smtp_close_reason reason)
{
	switch (reason) {
	case SMTP_CLOSE_NONE:
		return "none";
	case SMTP_CLOSE_ERRORS:
		return "errors";
	case SMTP_CLOSE_JUNK:
		return "junk";
	case SMTP_CLOSE_AUTH_FAILURES:
		return "auth-failures";
	case SMTP_CLOSE_RECIPIENTS:
		return "recipients";
	case SMTP_CLOSE_PIPELINED_STARTTLS:
		return "pipelined-starttls";
	case SMTP_CLOSE_EARLY_TALKER:
		return "early-talker";
	case SMTP_CLOSE_OVERSIZE:
		return "oversize";
	case SMTP_CLOSE_BDAT_SIZE:
		return "bdat-size";
	case SMTP_CLOSE_HTTP:
		return "http";
	case SMTP_CLOSE_TLS_ON_PLAIN:
		return "tls-on-plain";
	case SMTP_CLOSE_PROXY_HEADER:
		return "proxy-header";
	case SMTP_CLOSE_OUT_OF_MEMORY:
		return "out-of-memory";
	case SMTP_CLOSE_CALLER:
		return "caller";
	}
	unreachable_state("no such close reason");
}

void server_reply(struct smtp_server *s, struct buf *out, enum reply_id id,
		  slice detail, slice advice)
{
	struct reply r = { .id = id, .detail = detail, .advice = advice };
	if (!reply_positive(id))
		r.tag = s->tag;
	reply_write(out, &r);
}

void server_end(struct smtp_server *s, enum smtp_close_reason reason)
{
	invariant(s->phase != PHASE_ENDED);
	s->phase = PHASE_ENDED;
	s->awaits = AWAITS_NOTHING;
	s->close = reason;
	sasl_server_free(&s->sasl);
}

void server_end_with(struct smtp_server *s, struct buf *out, enum reply_id id,
		     enum smtp_close_reason reason)
{
	server_reply(s, out, id, SLICE(""), SLICE(""));
	server_end(s, reason);
}

bool server_count(struct smtp_server *s, struct buf *out,
		  enum server_weight weight)
{
	const struct limits *l = s->limits;
	uint32_t *counter = weight == WEIGHT_JUNK ? &s->junk : &s->errors;
	uint64_t max = weight == WEIGHT_JUNK ?
		(s->known ? l->junk_known : l->junk_stranger) :
		(s->known ? l->errors_known : l->errors_stranger);
	if (weight == WEIGHT_NOTHING)
		return true;
	if (++*counter <= max)
		return true;
	server_end_with(s, out, REPLY_TOO_MANY_ERRORS,
			weight == WEIGHT_JUNK ? SMTP_CLOSE_JUNK :
						SMTP_CLOSE_ERRORS);
	return false;
}

void server_refuse_with(struct server_call *c, enum reply_id id, slice detail,
			slice advice, enum server_weight weight)
{
	invariant(!reply_positive(id));
	if (server_count(c->s, c->out, weight))
		server_reply(c->s, c->out, id, detail, advice);
}

void server_refuse(struct server_call *c, enum reply_id id)
{
	server_refuse_with(c, id, SLICE(""), SLICE(""), WEIGHT_ERROR);
}

bool server_out_of_turn(struct server_call *c)
{
	if (c->in->n == 0)
		return false;
	if (c->s->known) {
		c->s->out_of_turn = true;
		return false;
	}
	server_end_with(c->s, c->out, REPLY_EARLY_TALKER,
			SMTP_CLOSE_EARLY_TALKER);
	return true;
}
