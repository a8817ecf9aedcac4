/*
 * The client engine: the session. Greeting, EHLO, STARTTLS, AUTH, quitting,
 * and what is expected of the peer at any moment. The transaction is in
 * client_transaction.c. RFC 5321, 2033, 3207.
 *
 *	GREETING → EHLO			[take_greeting]
 *	EHLO → HELO			[take_ehlo: refused, SMTP only]
 *	EHLO, HELO → STARTTLS, AUTH, READY	[after_hello]
 *	STARTTLS → HANDSHAKE, AUTH, READY	[take_starttls]
 *	HANDSHAKE → EHLO		[smtp_client_tls_started]
 *	AUTH → READY			[client_auth_reply]
 *	READY → COMMANDS		[smtp_client_transaction]
 *	COMMANDS → BODY, LONE_DOT, ENDED	[client_transaction_reply]
 *	BODY → DOT			[smtp_client_body_end]
 *	DOT, LONE_DOT → ENDED		[client_transaction_reply]
 *	ENDED → READY, CLOSING		[tell_done]
 *	READY → QUIT			[smtp_client_quit]
 *	QUIT, READY → CLOSING → OVER	[take_reply, step]
 *	any → failed			[client_fail]
 *
 * On entering a state its command or event is `due`. It goes out only while
 * no input is there: bytes that came before the command they seem to answer
 * are a reply that nobody asked for, and end the session (response
 * smuggling; RFC 3207 6 for bytes behind the 220 to STARTTLS).
 */
#include "smtp/client_private.h"

#include <stdlib.h>

static void client_check(const struct smtp_client *c)
{
	bool transaction = c->transaction != NULL;
	invariant(c->answered <= c->sent && c->sent <= c->end);
	invariant(!c->reply.whole);
	switch (c->state) {
	case CLIENT_GREETING:
	case CLIENT_DOT:
	case CLIENT_LONE_DOT:
	case CLIENT_QUIT:
		invariant(!c->due);
		break;
	case CLIENT_EHLO:
	case CLIENT_HELO:
	case CLIENT_STARTTLS:
	case CLIENT_HANDSHAKE:
	case CLIENT_AUTH:
	case CLIENT_READY:
	case CLIENT_CLOSING:
		invariant(!transaction);
		break;
	case CLIENT_COMMANDS:
		invariant(transaction && c->accepted <= c->transaction->count);
		break;
	case CLIENT_BODY:
		invariant(transaction && c->accepted > 0 && !c->mail_refused);
		break;
	case CLIENT_ENDED:
		invariant(transaction);
		break;
	case CLIENT_OVER:
		break;
	default:
		unreachable_state("client state");
	}
}

/* --- life ----------------------------------------------------------------- */

/* No byte that ends a line or a C string: it may stand in a command. */
static bool is_plain(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

struct smtp_client *smtp_client_new(const struct smtp_client_config *config)
{
	invariant(config->limits != NULL);
	invariant(config->ehlo_name.n > 0 && is_plain(config->ehlo_name));
	struct smtp_client *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->config = *config;
	c->tls = config->implicit_tls;
	smtp_reply_init(&c->reply, config->limits);
	arena_init(&c->words, SMTP_CLIENT_WORDS_MAX);
	client_check(c);
	return c;
}

void smtp_client_free(struct smtp_client **cp)
{
	struct smtp_client *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	smtp_reply_fini(&c->reply);
	arena_fini(&c->words);
	free(c);
}

void client_enter(struct smtp_client *c, enum client_state state)
{
	c->state = state;
	c->due = true;
}

void client_fail(struct smtp_client *c, enum err_kind kind,
		 enum err_scope scope, const char *text)
{
	if (c->failed)		/* the first reason counts */
		return;
	c->failed = true;
	err_set(&c->failure, kind, scope, "smtp_client", "%s", text);
}

void client_check_output(struct smtp_client *c, const struct buf *out)
{
	if (out->failed)
		client_fail(c, ERR_INTERNAL, SCOPE_SELF,
			    "output buffer is full");
}

/* The reply ends the session. */
static void fail_by_reply(struct smtp_client *c, enum err_scope scope)
{
	if (c->failed)
		return;
	c->failed = true;
	smtp_reply_err(&c->reply, &c->failure, scope, client_phase(c));
}

static void fail_temporarily(struct smtp_client *c, enum err_scope scope)
{
	fail_by_reply(c, scope);
	c->failure.kind = ERR_TEMPORARY;
}

/* --- replies of the session ----------------------------------------------- */

static void take_greeting(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) == 2)
		client_enter(c, CLIENT_EHLO);
	else
		fail_by_reply(c, SCOPE_HOST);
}

static void after_tls(struct smtp_client *c)
{
	bool auth = c->config.auth_user.n > 0 || c->config.auth_password.n > 0;
	if (!auth) {
		client_enter(c, CLIENT_READY);
	} else if (client_auth_possible(c)) {
		c->auth = c->extensions.auth_plain ? AUTH_PLAIN_SENT
						   : AUTH_LOGIN_SENT;
		client_enter(c, CLIENT_AUTH);
	}
}

static void after_hello(struct smtp_client *c)
{
	if (c->tls || c->config.tls == SMTP_TLS_NEVER) {
		after_tls(c);
	} else if (c->extensions.starttls) {
		client_enter(c, CLIENT_STARTTLS);
	} else if (c->config.tls == SMTP_TLS_REQUIRED) {
		client_fail(c, ERR_TEMPORARY, SCOPE_HOST,
			    "TLS is required, but the peer does not offer it");
		memcpy(c->failure.enhanced, (uint8_t[]){ 4, 7, 10 }, 3);
	} else {
		after_tls(c);
	}
}

/* RFC 5321 3.2: a server may know HELO only. LMTP has no such past. */
static void take_ehlo(struct smtp_client *c)
{
	unsigned class = smtp_reply_class(&c->reply);
	if (class == 2) {
		client_extensions_parse(buf_slice(&c->reply.text),
					&c->extensions);
		after_hello(c);
	} else if (class == 5 && !c->config.lmtp) {
		client_enter(c, CLIENT_HELO);
	} else {
		fail_by_reply(c, SCOPE_HOST);
	}
}

static void take_helo(struct smtp_client *c)
{
	c->extensions = (struct smtp_extensions){ 0 };
	if (smtp_reply_class(&c->reply) == 2)
		after_hello(c);
	else
		fail_by_reply(c, SCOPE_HOST);
}

static void take_starttls(struct smtp_client *c)
{
	unsigned class = smtp_reply_class(&c->reply);
	if (class == 2)
		client_enter(c, CLIENT_HANDSHAKE);
	else if (class == 3)
		fail_by_reply(c, SCOPE_SESSION);
	else if (c->config.tls == SMTP_TLS_REQUIRED)
		fail_temporarily(c, SCOPE_HOST);
	else		/* opportunistic: go on in clear */
		after_tls(c);
}

/* RFC 5321 3.8: the peer closes. Where a mail is under way, its outcome says
 * so; where nothing is, it is a good end. */
static void take_421(struct smtp_client *c)
{
	if (client_in_transaction(c))
		client_transaction_cut(c, SCOPE_HOST);
	else if (c->state == CLIENT_READY || c->state == CLIENT_QUIT)
		client_enter(c, CLIENT_CLOSING);
	else
		fail_by_reply(c, SCOPE_HOST);
}

/* --- whose turn it is ----------------------------------------------------- */

static bool expects_reply(const struct smtp_client *c)
{
	if (c->due)
		return false;
	switch (c->state) {
	case CLIENT_GREETING:
	case CLIENT_EHLO:
	case CLIENT_HELO:
	case CLIENT_STARTTLS:
	case CLIENT_AUTH:
	case CLIENT_DOT:
	case CLIENT_LONE_DOT:
	case CLIENT_QUIT:
		return true;
	case CLIENT_COMMANDS:
		return c->sent > c->answered;
	case CLIENT_BODY:	/* BDAT may be refused at its first line */
		return c->by_bdat;
	case CLIENT_HANDSHAKE:
	case CLIENT_READY:
	case CLIENT_ENDED:
	case CLIENT_CLOSING:
	case CLIENT_OVER:
		return false;
	default:
		unreachable_state("client state");
	}
}

static void take_expected(struct smtp_client *c, struct buf *out)
{
	switch (c->state) {
	case CLIENT_GREETING:
		take_greeting(c);
		break;
	case CLIENT_EHLO:
		take_ehlo(c);
		break;
	case CLIENT_HELO:
		take_helo(c);
		break;
	case CLIENT_STARTTLS:
		take_starttls(c);
		break;
	case CLIENT_AUTH:
		client_auth_reply(c);
		break;
	case CLIENT_COMMANDS:
	case CLIENT_BODY:
	case CLIENT_DOT:
	case CLIENT_LONE_DOT:
		client_transaction_reply(c, out);
		break;
	case CLIENT_QUIT:	/* 221, or whatever the peer calls it */
		client_enter(c, CLIENT_CLOSING);
		break;
	case CLIENT_HANDSHAKE:
	case CLIENT_READY:
	case CLIENT_ENDED:
	case CLIENT_CLOSING:
	case CLIENT_OVER:
	default:
		unreachable_state("no reply expected");
	}
}

void client_fail_unasked(struct smtp_client *c)
{
	client_fail(c, ERR_PROTOCOL, SCOPE_SESSION,
		    "peer sent a reply that nobody asked for");
}

static void take_reply(struct smtp_client *c, struct buf *out)
{
	if (c->reply.code == 421)
		take_421(c);
	else
		take_expected(c, out);
	smtp_reply_reset(&c->reply);
}

/* The due command, or the due event. */
static enum smtp_client_event act(struct smtp_client *c, struct buf *out)
{
	slice name = c->config.ehlo_name;
	c->due = false;
	switch (c->state) {
	case CLIENT_EHLO:
		buf_printf(out, "%s %.*s\r\n",
			   c->config.lmtp ? "LHLO" : "EHLO", SLICE_ARG(name));
		break;
	case CLIENT_HELO:
		buf_printf(out, "HELO %.*s\r\n", SLICE_ARG(name));
		break;
	case CLIENT_STARTTLS:
		buf_append(out, SLICE("STARTTLS\r\n"));
		break;
	case CLIENT_HANDSHAKE:
		return SMTP_CLIENT_START_TLS;
	case CLIENT_AUTH:
		client_auth_send(c, out);
		break;
	case CLIENT_READY:
		smtp_reply_release(&c->reply);	/* it may stay for long */
		return SMTP_CLIENT_READY;
	case CLIENT_COMMANDS:
		client_commands_send(c, out);
		break;
	case CLIENT_BODY:
		client_body_begin(c, out);
		return SMTP_CLIENT_WANT_BODY;
	case CLIENT_GREETING:
	case CLIENT_DOT:
	case CLIENT_LONE_DOT:
	case CLIENT_ENDED:
	case CLIENT_QUIT:
	case CLIENT_CLOSING:
	case CLIENT_OVER:
	default:
		unreachable_state("nothing can be due");
	}
	return SMTP_CLIENT_NEED_INPUT;
}

static enum smtp_client_event tell_done(struct smtp_client *c)
{
	c->transaction = NULL;
	c->sent = c->answered = c->end = 0;
	client_enter(c, c->unusable ? CLIENT_CLOSING : CLIENT_READY);
	return SMTP_CLIENT_DONE;
}

/* One step: tells what is to be told, sends what is due, or reads a reply.
 * NEED_INPUT: nothing to tell yet. */
static enum smtp_client_event step(struct smtp_client *c, slice *in,
				   struct buf *out)
{
	bool quiet = in->n == 0 && !smtp_reply_begun(&c->reply);
	if (c->state == CLIENT_ENDED)
		return tell_done(c);
	if (c->state == CLIENT_CLOSING || c->state == CLIENT_OVER) {
		c->state = CLIENT_OVER;
		*in = slice_skip(*in, in->n);	/* its end, as callers check */
		return SMTP_CLIENT_CLOSED;
	}
	if (c->due && quiet)
		return act(c, out);
	if (c->state == CLIENT_HANDSHAKE && !quiet) {
		client_fail(c, ERR_PROTOCOL, SCOPE_SESSION,
			    "peer sent bytes behind its reply to STARTTLS");
		return SMTP_CLIENT_FAILED;
	}
	struct err err;
	if (!smtp_reply_feed(&c->reply, in, &err)) {
		client_fail(c, err.kind, err.scope, err.text);
		smtp_reply_reset(&c->reply);
	} else if (c->reply.code != 0 && c->reply.code != 421 &&
		   !expects_reply(c)) {	/* its first line is enough */
		client_fail_unasked(c);
		smtp_reply_reset(&c->reply);
	} else if (c->reply.whole) {
		take_reply(c, out);
	}
	return SMTP_CLIENT_NEED_INPUT;
}

/* Nothing can happen before more input comes. */
static bool at_rest(const struct smtp_client *c, const slice *in)
{
	if (c->failed || c->state == CLIENT_ENDED ||
	    c->state == CLIENT_CLOSING || c->state == CLIENT_OVER)
		return false;
	return in->n == 0 && (!c->due || smtp_reply_begun(&c->reply));
}

static enum smtp_client_event tell_failure(struct smtp_client *c, slice *in,
					   struct err *err)
{
	*in = slice_skip(*in, in->n);	/* its end, as callers check */
	if (c->transaction != NULL)
		client_outcomes_lost(c, &c->failure);
	if (err != NULL)
		*err = c->failure;
	return SMTP_CLIENT_FAILED;
}

enum smtp_client_event smtp_client_next(struct smtp_client *c, slice *in,
					struct buf *out, struct err *err)
{
	enum smtp_client_event event = SMTP_CLIENT_NEED_INPUT;
	client_check(c);
	/* Ends: each step uses input, a due, or gives an event. */
	while (event == SMTP_CLIENT_NEED_INPUT && !c->failed &&
	       !at_rest(c, in))
		event = step(c, in, out);
	client_check_output(c, out);
	client_check(c);
	return c->failed ? tell_failure(c, in, err) : event;
}

/* --- what the caller says and asks ---------------------------------------- */

void smtp_client_tls_started(struct smtp_client *c)
{
	invariant(c->state == CLIENT_HANDSHAKE && !c->due);
	c->tls = true;
	c->extensions = (struct smtp_extensions){ 0 };	/* RFC 3207 4.2 */
	client_enter(c, CLIENT_EHLO);
}

void smtp_client_quit(struct smtp_client *c, struct buf *out)
{
	if (c->failed || c->state != CLIENT_READY)
		return;
	buf_append(out, SLICE("QUIT\r\n"));
	client_check_output(c, out);
	c->state = CLIENT_QUIT;
	c->due = false;
}

const struct smtp_extensions *smtp_client_extensions(
	const struct smtp_client *c)
{
	return &c->extensions;
}

bool smtp_client_is_tls(const struct smtp_client *c)
{
	return c->tls;
}

enum smtp_client_wait smtp_client_waits_for(const struct smtp_client *c)
{
	switch (c->state) {
	case CLIENT_GREETING:
		return SMTP_WAIT_GREETING;
	case CLIENT_EHLO:
	case CLIENT_HELO:
		return SMTP_WAIT_EHLO;
	case CLIENT_STARTTLS:
	case CLIENT_HANDSHAKE:
		return SMTP_WAIT_STARTTLS;
	case CLIENT_AUTH:
		return SMTP_WAIT_AUTH;
	case CLIENT_COMMANDS:
		return client_commands_wait(c);
	case CLIENT_BODY:
		return SMTP_WAIT_BLOCK;
	case CLIENT_DOT:
	case CLIENT_LONE_DOT:
		return SMTP_WAIT_DOT;
	case CLIENT_QUIT:
		return SMTP_WAIT_QUIT;
	case CLIENT_READY:
	case CLIENT_ENDED:
	case CLIENT_CLOSING:
	case CLIENT_OVER:
		return SMTP_WAIT_NOTHING;
	default:
		unreachable_state("client state");
	}
}
