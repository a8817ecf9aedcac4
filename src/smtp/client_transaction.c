/*
 * The client engine: one transaction. Commands are steps with numbers, sent
 * and answered in order, so two counters are the whole queue of a pipeline:
 *
 *	0 RSET (if the last transaction was left open)   1 MAIL
 *	2 … count + 1 RCPT                               count + 2 DATA
 *
 * A body by BDAT has no DATA step. Without PIPELINING one step is sent at a
 * time; with it a window of them. DATA may be sent before the replies to
 * RCPT are known (RFC 2920 3.1), BDAT is not: a refused recipient would cost
 * a body sent for nothing.
 *
 * Between RCPT and the end an outcome that is not done holds the code of the
 * positive reply to RCPT: this recipient was accepted. RFC 5321 3.3, 2920,
 * 3030, 2033.
 */
#include "smtp/client_command.h"
#include "smtp/client_private.h"

#include <inttypes.h>

enum { STEP_RESET, STEP_MAIL, STEP_RCPT };

static uint32_t step_data(const struct smtp_client *c)
{
	return STEP_RCPT + c->transaction->count;
}

bool client_in_transaction(const struct smtp_client *c)
{
	return c->state == CLIENT_COMMANDS || c->state == CLIENT_BODY ||
	       c->state == CLIENT_DOT || c->state == CLIENT_LONE_DOT;
}

/* The step whose reply comes next. */
static enum smtp_client_wait wait_of_step(const struct smtp_client *c)
{
	if (c->answered <= STEP_MAIL)
		return SMTP_WAIT_MAIL;
	return c->answered < step_data(c) ? SMTP_WAIT_RCPT : SMTP_WAIT_DATA;
}

enum smtp_client_wait client_commands_wait(const struct smtp_client *c)
{
	invariant(c->state == CLIENT_COMMANDS);
	return wait_of_step(c);
}

const char *client_phase(const struct smtp_client *c)
{
	switch (c->state) {
	case CLIENT_GREETING:
		return "greeting";
	case CLIENT_EHLO:
		return c->config.lmtp ? "LHLO" : "EHLO";
	case CLIENT_HELO:
		return "HELO";
	case CLIENT_STARTTLS:
	case CLIENT_HANDSHAKE:
		return "STARTTLS";
	case CLIENT_AUTH:
		return "AUTH";
	case CLIENT_COMMANDS:
		return wait_of_step(c) == SMTP_WAIT_MAIL   ? "MAIL"
		       : wait_of_step(c) == SMTP_WAIT_RCPT ? "RCPT"
							   : "DATA";
	case CLIENT_BODY:
		return c->by_bdat ? "BDAT" : "DATA";
	case CLIENT_DOT:
	case CLIENT_LONE_DOT:
		return "dot";
	case CLIENT_QUIT:
		return "QUIT";
	case CLIENT_READY:
	case CLIENT_ENDED:
	case CLIENT_CLOSING:
	case CLIENT_OVER:
	default:
		return "session";
	}
}

/* --- outcomes ------------------------------------------------------------- */

static void decide(const struct smtp_client *c, struct smtp_outcome *o,
		   enum err_scope scope, slice words, const char *phase)
{
	const struct smtp_reply *r = &c->reply;
	invariant(!o->done);
	o->done = true;
	o->code = r->code;
	memcpy(o->enhanced, r->enhanced, sizeof(o->enhanced));
	o->scope = smtp_reply_class(r) == 2 ? SCOPE_NONE : scope;
	o->reply = words;
	o->phase = phase;
}

/* The reply decides for everybody who has no outcome; words kept once. */
static void decide_rest(struct smtp_client *c, enum err_scope scope)
{
	slice words = smtp_reply_words(&c->reply, &c->words);
	const char *phase = client_phase(c);
	for (uint32_t i = 0; i < c->transaction->count; i++)
		if (!c->transaction->outcomes[i].done)
			decide(c, &c->transaction->outcomes[i], scope, words,
			       phase);
}

/* The same for a refusal of our own. */
static void refuse_rest(struct smtp_client *c, const struct smtp_refusal *why)
{
	for (uint32_t i = 0; i < c->transaction->count; i++) {
		struct smtp_outcome *o = &c->transaction->outcomes[i];
		if (o->done)
			continue;
		o->done = true;
		o->code = why->code;
		memcpy(o->enhanced, why->enhanced, sizeof(o->enhanced));
		o->scope = SCOPE_MESSAGE;
		o->reply = slice_of(why->text);
		o->phase = "check";
	}
}

void client_transaction_end(struct smtp_client *c)
{
	for (uint32_t i = 0; i < c->transaction->count; i++)
		invariant(c->transaction->outcomes[i].done);
	c->state = CLIENT_ENDED;
	c->due = false;
}

void client_transaction_cut(struct smtp_client *c, enum err_scope scope)
{
	decide_rest(c, scope);
	c->unusable = true;
	client_transaction_end(c);
}

/* --- beginning ------------------------------------------------------------ */

static void clear_outcomes(const struct smtp_transaction *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct recipient *r = t->outcomes[i].recipient;
		invariant(r != NULL);
		t->outcomes[i] = (struct smtp_outcome){ .recipient = r };
	}
}

void smtp_client_transaction(struct smtp_client *c, struct buf *out,
			     const struct smtp_transaction *t)
{
	invariant(c->state == CLIENT_READY && !c->due && !c->failed);
	invariant(t->count > 0 && t->count <= ENVELOPE_RECIPIENTS_MAX);
	arena_reset(&c->words);
	clear_outcomes(t);
	c->transaction = t;
	c->accepted = c->at = 0;
	c->bdat_left = 0;
	c->stuffer = (struct smtp_stuffer){ 0 };
	c->mail_refused = false;
	c->by_bdat = smtp_transaction_by_bdat(t, &c->extensions);
	c->sent = c->answered = c->needs_reset ? STEP_RESET : STEP_MAIL;
	c->end = step_data(c) + (c->by_bdat ? 0 : 1);
	const struct smtp_refusal *no =
		smtp_transaction_refusal(t, &c->extensions);
	c->state = CLIENT_COMMANDS;
	if (no != NULL) {
		refuse_rest(c, no);
		client_transaction_end(c);
		return;
	}
	/* Half a reply stands in the parser: it answers nothing we said. */
	if (smtp_reply_begun(&c->reply)) {
		client_fail_unasked(c);
		return;
	}
	c->needs_reset = false;
	client_commands_send(c, out);
	client_check_output(c, out);
}

/* --- sending -------------------------------------------------------------- */

static void send_step(struct smtp_client *c, struct buf *out, uint32_t step)
{
	const struct smtp_transaction *t = c->transaction;
	if (step == STEP_RESET)
		buf_append(out, SLICE("RSET\r\n"));
	else if (step == STEP_MAIL)
		smtp_command_mail(out, t, &c->extensions);
	else if (step < step_data(c))
		smtp_command_rcpt(out, t->outcomes[step - STEP_RCPT].recipient,
				  t, &c->extensions);
	else
		buf_append(out, SLICE("DATA\r\n"));
}

/* Nobody is left to send to; commands already sent are still answered. */
static bool is_pointless(const struct smtp_client *c)
{
	return c->mail_refused ||
	       (c->sent == step_data(c) && c->answered == c->sent &&
		c->accepted == 0);
}

void client_commands_send(struct smtp_client *c, struct buf *out)
{
	uint32_t window = c->extensions.pipelining ? SMTP_CLIENT_WINDOW : 1;
	while (c->sent < c->end && c->sent - c->answered < window &&
	       !is_pointless(c))
		send_step(c, out, c->sent++);
}

void client_body_begin(struct smtp_client *c, struct buf *out)
{
	if (!c->by_bdat)
		return;
	/* The size is known, so one chunk does (RFC 3030 2). */
	c->bdat_left = c->transaction->size;
	buf_printf(out, "BDAT %" PRIu64 " LAST\r\n", c->bdat_left);
}

/* --- replies -------------------------------------------------------------- */

static void misfit(struct smtp_client *c)
{
	client_fail(c, ERR_PROTOCOL, SCOPE_SESSION,
		    "peer's reply does not fit the command");
}

static bool refused(const struct smtp_client *c)
{
	unsigned class = smtp_reply_class(&c->reply);
	return class == 4 || class == 5;
}

static void take_reset(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) != 2)
		client_fail(c, ERR_PROTOCOL, SCOPE_SESSION,
			    "peer refused RSET");
}

static void take_mail(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) == 3) {
		misfit(c);
	} else if (refused(c)) {
		decide_rest(c, SCOPE_MESSAGE);
		c->mail_refused = true;
	}
}

static void take_rcpt(struct smtp_client *c, uint32_t i)
{
	struct smtp_outcome *o = &c->transaction->outcomes[i];
	if (smtp_reply_class(&c->reply) == 3) {
		misfit(c);
	} else if (c->mail_refused) {
		return;		/* 503, or what the peer makes of it */
	} else if (refused(c)) {
		decide(c, o, SCOPE_RECIPIENT,
		       smtp_reply_words(&c->reply, &c->words), "RCPT");
	} else {
		o->code = c->reply.code;
		c->accepted++;
	}
}

/*
 * RFC 2920 3.1: a server may say 354 to a pipelined DATA although it refused
 * all recipients; the way out is a lone dot, whose reply counts for nobody.
 * LMTP forbids that 354 (RFC 2033 4.2), and there would be no reply to the
 * dot: the connection is dropped.
 */
static void take_lone_354(struct smtp_client *c, struct buf *out)
{
	if (c->config.lmtp) {
		c->unusable = true;
		client_transaction_end(c);
		return;
	}
	buf_append(out, SLICE(".\r\n"));
	c->state = CLIENT_LONE_DOT;
}

static void take_data(struct smtp_client *c, struct buf *out)
{
	if (smtp_reply_class(&c->reply) == 2) {
		misfit(c);	/* replies have slipped: see client.c */
	} else if (refused(c)) {
		decide_rest(c, SCOPE_MESSAGE);
		c->needs_reset = true;
		client_transaction_end(c);
	} else if (c->accepted == 0) {
		take_lone_354(c, out);
	} else {
		invariant(!c->mail_refused);
		client_enter(c, CLIENT_BODY);
	}
}

/* After a reply to RSET, MAIL or RCPT. */
static void go_on(struct smtp_client *c, struct buf *out)
{
	if (is_pointless(c))
		c->end = c->sent;
	if (c->answered < c->end) {
		/* With nothing outstanding the input must be silent before
		 * we speak; next sees to that. */
		if (c->sent == c->answered)
			c->due = true;
		else
			client_commands_send(c, out);
	} else if (c->accepted > 0 && !c->mail_refused) {
		invariant(c->by_bdat);
		client_enter(c, CLIENT_BODY);
	} else {
		c->needs_reset = true;
		client_transaction_end(c);
	}
}

static void take_command_reply(struct smtp_client *c, struct buf *out)
{
	uint32_t step = c->answered;
	invariant(step < c->sent);
	if (step == STEP_RESET)
		take_reset(c);
	else if (step == STEP_MAIL)
		take_mail(c);
	else if (step < step_data(c))
		take_rcpt(c, step - STEP_RCPT);
	else
		take_data(c, out);
	if (c->failed)
		return;
	c->answered++;
	if (step < step_data(c))
		go_on(c, out);
}

/* RFC 2033 4.2: one reply for each accepted recipient, in order. */
static void take_lmtp_dot(struct smtp_client *c)
{
	const struct smtp_transaction *t = c->transaction;
	while (c->at < t->count && t->outcomes[c->at].done)
		c->at++;
	invariant(c->at < t->count);
	decide(c, &t->outcomes[c->at++], SCOPE_RECIPIENT,
	       smtp_reply_words(&c->reply, &c->words), "dot");
	while (c->at < t->count && t->outcomes[c->at].done)
		c->at++;
	if (c->at == t->count)
		client_transaction_end(c);
}

static void take_dot(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) == 3) {
		misfit(c);
	} else if (c->config.lmtp) {
		take_lmtp_dot(c);
	} else {
		decide_rest(c, SCOPE_MESSAGE);
		client_transaction_end(c);
	}
}

void client_transaction_reply(struct smtp_client *c, struct buf *out)
{
	if (c->state == CLIENT_COMMANDS) {
		take_command_reply(c, out);
	} else if (c->state == CLIENT_DOT) {
		take_dot(c);
	} else if (c->state == CLIENT_LONE_DOT) {
		if (smtp_reply_class(&c->reply) == 3)
			misfit(c);
		else
			client_transaction_end(c);
	} else if (refused(c)) {
		/* BDAT refused while its octets are on the way. The rest of
		 * them is saved by closing. */
		invariant(c->state == CLIENT_BODY && c->by_bdat);
		client_transaction_cut(c, SCOPE_MESSAGE);
	} else {
		misfit(c);
	}
}

/* --- the body ------------------------------------------------------------- */

/* The envelope said that there is no such line end. The peer has part of the
 * body: only closing keeps it from taking that for the whole. */
static void refuse_line_end(struct smtp_client *c)
{
	refuse_rest(c, smtp_refusal_bare_line_end());
	c->unusable = true;
	client_transaction_end(c);
}

void smtp_client_body(struct smtp_client *c, struct buf *out, slice piece)
{
	if (c->failed || c->state != CLIENT_BODY || c->due)
		return;		/* cut by the peer: next tells */
	if (!c->by_bdat) {
		if (!smtp_stuffer_feed(&c->stuffer, out, piece))
			refuse_line_end(c);
	} else if (piece.n > c->bdat_left) {
		/* One octet more would be a command. */
		client_fail(c, ERR_INTERNAL, SCOPE_SELF,
			    "body is longer than was announced");
	} else {
		c->bdat_left -= piece.n;
		buf_append(out, piece);
	}
	client_check_output(c, out);
}

void smtp_client_body_end(struct smtp_client *c, struct buf *out)
{
	if (c->failed || c->state != CLIENT_BODY || c->due)
		return;
	client_check_output(c, out);
	if (c->failed)		/* a piece is missing: so must the end be */
		return;
	if (c->by_bdat && c->bdat_left > 0)
		client_fail(c, ERR_INTERNAL, SCOPE_SELF,
			    "body is shorter than was announced");
	else if (!c->by_bdat && !smtp_stuffer_end(&c->stuffer, out))
		refuse_line_end(c);
	else
		c->state = CLIENT_DOT;
	client_check_output(c, out);
}

/* --- a lost connection ---------------------------------------------------- */

void client_outcomes_lost(struct smtp_client *c, const struct err *why)
{
	slice words = { 0 };
	if (why != NULL && !arena_copy(&c->words, slice_of(why->text), &words))
		words = (slice){ 0 };
	for (uint32_t i = 0; i < c->transaction->count; i++) {
		struct smtp_outcome *o = &c->transaction->outcomes[i];
		if (o->done)
			continue;
		o->code = 0;
		/* RFC 3463 3.5: 4.4.2, bad connection */
		memcpy(o->enhanced, (uint8_t[]){ 4, 4, 2 }, 3);
		o->scope = why != NULL && why->scope != SCOPE_NONE
				   ? why->scope : SCOPE_SESSION;
		o->reply = words;
		o->phase = client_phase(c);
	}
}

bool smtp_client_lost(struct smtp_client *c, const struct err *why)
{
	if (c->transaction == NULL)
		return false;
	bool ambiguous = c->state == CLIENT_DOT;
	client_outcomes_lost(c, why);
	c->transaction = NULL;
	c->sent = c->answered = c->end = 0;
	c->state = CLIENT_OVER;
	c->due = false;
	return ambiguous;
}
