/*
 * AUTH (RFC 4954): order, the exchange, and no secret that outlives its
 * answer. The credentials are judged by the caller.
 *
 * After limits.auth_failures failures the next AUTH gets 421: each failure
 * is answered truthfully with its 535, and there is no further guess.
 */
#include "smtp/server_private.h"

#include <stdlib.h>

static void challenge(struct server_call *c, slice base64)
{
	buf_append(c->out, SLICE("334 "));	/* the space stays (RFC 4954) */
	buf_append(c->out, base64);
	buf_append(c->out, SLICE("\r\n"));
	c->s->phase = PHASE_AUTH;
}

static void exchange_over(struct server_call *c, enum reply_id id)
{
	sasl_server_free(&c->s->sasl);
	c->s->phase = PHASE_COMMAND;
	server_refuse(c, id);
}

static bool ask(struct server_call *c, enum smtp_event_kind kind)
{
	struct sasl_server *sasl = c->s->sasl;
	c->s->phase = PHASE_COMMAND;
	c->ev->mechanism = sasl_mechanism_name(sasl->mechanism);
	c->ev->authzid = sasl->authzid;
	c->ev->user = sasl->user;
	c->ev->secret = sasl->secret;
	c->ev->scram_message = sasl->scram.auth_message;
	c->ev->scram_proof = sasl->scram.proof;
	return server_event(c, kind, AWAITS_AUTH);
}

static enum smtp_event_kind complete(const struct sasl_server *sasl)
{
	return sasl->mechanism == SASL_SCRAM_SHA_256 ? SMTP_SCRAM_DONE :
						       SMTP_AUTH;
}

static bool respond(struct server_call *c, slice base64)
{
	slice next = SLICE("");
	if (base64.n > c->s->limits->auth_line) {
		exchange_over(c, REPLY_AUTH_TOO_LONG);
		return false;
	}
	switch (sasl_server_step(c->s->sasl, base64, &next)) {
	case SASL_CHALLENGE:
		challenge(c, next);
		return false;
	case SASL_COMPLETE:
		return ask(c, complete(c->s->sasl));
	case SASL_SCRAM_FIRST:
		return ask(c, SMTP_SCRAM_FIRST);
	case SASL_SCRAM_FINAL:
		return ask(c, SMTP_SCRAM_FINAL);
	case SASL_UNDECODABLE:
		exchange_over(c, REPLY_AUTH_BASE64);
		return false;
	case SASL_NO_MEMORY:
		server_end_with(c->s, c->out, REPLY_BUSY,
				SMTP_CLOSE_OUT_OF_MEMORY);
		return false;
	}
	unreachable_state("no such SASL result");
}

/* The answer to SMTP_SCRAM_FIRST or FINAL is a challenge. */
static void scram_line(struct smtp_server *s, struct buf *out, bool ok)
{
	s->awaits = AWAITS_NOTHING;
	s->phase = PHASE_AUTH;
	buf_append(out, SLICE("\r\n"));
	if (!ok)
		out->failed = true;	/* ends the session */
	server_check(s);
}

void smtp_server_scram_first(struct smtp_server *s, struct buf *out,
			     slice nonce, slice salt, unsigned iterations)
{
	invariant(s->awaits == AWAITS_AUTH && s->sasl != NULL);
	buf_append(out, SLICE("334 "));
	scram_line(s, out, sasl_scram_begin(s->sasl, nonce, salt, iterations,
					    out));
}

void smtp_server_scram_final(struct smtp_server *s, struct buf *out,
			     slice signature)
{
	invariant(s->awaits == AWAITS_AUTH && s->sasl != NULL);
	buf_append(out, SLICE("334 "));
	sasl_scram_signature(s->sasl, signature, out);
	scram_line(s, out, true);
}

static void refuse_in_clear(struct server_call *c)
{
	slice initial = c->arg;
	slice name = slice_cut(&initial, ' ');
	c->s->auth_in_clear = true;
	if (slice_eq_fold(name, SLICE("PLAIN")) && initial.n > 0)
		c->s->secret_in_clear = true;
	server_refuse(c, REPLY_AUTH_NEEDS_TLS);
}

/* In this order: what the connection is, what was said, what is asked. */
static bool in_order(struct server_call *c)
{
	struct smtp_server *s = c->s;
	if (c->arg.n == 0)
		server_refuse(c, REPLY_SYNTAX);
	else if (!s->config->offer_auth || s->no_auth)
		server_refuse(c, REPLY_NOT_IMPLEMENTED);
	else if (!s->tls)
		refuse_in_clear(c);
	else if (!s->helo_done)
		server_refuse(c, REPLY_NEED_HELO);
	else if (s->authenticated)
		server_refuse(c, REPLY_AUTH_ALREADY);
	else if (server_in_transaction(s))
		server_refuse(c, REPLY_AUTH_IN_TRANSACTION);
	else if (s->auth_failures >= s->limits->auth_failures)
		server_end_with(s, c->out, REPLY_TOO_MANY_ERRORS,
				SMTP_CLOSE_AUTH_FAILURES);
	else
		return true;
	return false;
}

bool server_auth(struct server_call *c)
{
	struct smtp_server *s = c->s;
	enum sasl_mechanism mechanism;
	slice initial = c->arg;
	if (server_out_of_turn(c) || !in_order(c))
		return false;
	slice name = slice_cut(&initial, ' ');
	initial = slice_trim(initial);
	if (!sasl_mechanism_find(name, &mechanism)) {
		server_refuse(c, REPLY_AUTH_MECHANISM);
		return false;
	}
	if (slice_find(initial, ' ') < initial.n) {
		server_refuse(c, REPLY_SYNTAX);
		return false;
	}
	invariant(s->sasl == NULL);
	s->sasl = sasl_server_new(mechanism);
	if (s->sasl == NULL) {
		server_end_with(s, c->out, REPLY_BUSY,
				SMTP_CLOSE_OUT_OF_MEMORY);
		return false;
	}
	if (initial.n > 0)
		return respond(c, initial);
	challenge(c, sasl_server_first_challenge(s->sasl));
	return false;
}

bool server_auth_line(struct server_call *c, slice line)
{
	invariant(c->s->phase == PHASE_AUTH && c->s->sasl != NULL);
	if (server_out_of_turn(c))
		return false;
	if (slice_eq(line, SLICE("*"))) {
		exchange_over(c, REPLY_AUTH_CANCELLED);
		return false;
	}
	return respond(c, line);
}
