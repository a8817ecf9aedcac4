/*
 * The SMTP server engine: the public verbs and the step loop. See server.h
 * for the contract, server_private.h for the parts.
 *
 *	GREETING --greet--> COMMAND <--> AUTH
 *	COMMAND --STARTTLS, 220--> TLS --tls_started--> COMMAND
 *	COMMAND --DATA, 354--> DATA --dot--> COMMAND (awaits the verdict)
 *	COMMAND --BDAT--> CHUNK --octets--> COMMAND, or EAT when refused
 *	any --QUIT, bound, caller--> ENDED
 *
 * A transaction that was opened (MAIL answered with 250) ends with exactly
 * one of: BODY_END answered, DROPPED, QUIT, CLOSE.
 */
#include "smtp/server_private.h"

#include <stdlib.h>

enum {
	ARENA_BASE = 1 << 20,
	ARENA_RECIPIENT = 4096,		/* addresses, ORCPT, the caller's own */
};

void server_check(const struct smtp_server *s)
{
	bool auth_runs = s->phase == PHASE_AUTH || s->awaits == AWAITS_AUTH;
	invariant(auth_runs == (s->sasl != NULL));
	invariant(s->awaits == AWAITS_NOTHING || s->phase == PHASE_COMMAND);
	invariant(s->rcpt_accepted <= s->rcpt_commands);
	switch (s->phase) {
	case PHASE_GREETING:
		invariant(!s->helo_done);
		break;
	case PHASE_TLS:
		invariant(!s->tls && s->line.n == 0);
		break;
	case PHASE_DATA:
		invariant(s->transaction == TRANSACTION_OPEN);
		break;
	case PHASE_CHUNK:
		invariant(s->transaction == TRANSACTION_BDAT);
		break;
	case PHASE_EAT:
		invariant(s->chunk_left > 0 && !server_in_transaction(s));
		break;
	case PHASE_COMMAND:
	case PHASE_AUTH:
	case PHASE_ENDED:
		break;
	}
}

/* --- life ----------------------------------------------------------------- */

struct smtp_server *smtp_server_new(const struct smtp_server_config *config,
				    bool tls)
{
	struct smtp_server *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->config = config;
	s->tls = tls;
	s->first_bytes_due = true;
	arena_init(&s->arena, 0);
	server_take_limits(s);
	return s;
}

void server_take_limits(struct smtp_server *s)
{
	const struct limits *l = s->config->limits;
	size_t room = ARENA_BASE + ARENA_RECIPIENT *
			(l->recipients + l->recipients_overshoot);
	s->limits = l;
	if (s->arena.used_bytes <= room)
		s->arena.max_bytes = room;
}

void smtp_server_refuse_auth(struct smtp_server *s)
{
	s->no_auth = true;
}

void smtp_server_free(struct smtp_server **s)
{
	if (*s == NULL)
		return;
	server_line_free(*s);
	sasl_server_free(&(*s)->sasl);
	arena_fini(&(*s)->arena);
	free(*s);
	*s = NULL;
}

void smtp_server_tag(struct smtp_server *s, slice tag)
{
	s->tag = tag;
}

void smtp_server_greet(struct smtp_server *s, struct buf *out)
{
	invariant(s->phase == PHASE_GREETING || s->phase == PHASE_ENDED);
	if (s->phase == PHASE_ENDED)
		return;
	s->phase = PHASE_COMMAND;
	server_reply(s, out, REPLY_GREETING, s->config->hostname, SLICE(""));
}

void smtp_server_tls_started(struct smtp_server *s)
{
	invariant(s->phase == PHASE_TLS && s->sasl == NULL);
	invariant(!server_in_transaction(s) && !s->drop_due);
	server_line_free(s);
	s->phase = PHASE_COMMAND;
	s->transaction = TRANSACTION_NONE;
	s->tls = true;
	s->helo_done = s->extended = s->firewall_mangled = false;
	s->authenticated = false;
	s->first_bytes_due = true;
	s->proxy_matched = s->replay_at = s->replay_n = 0;
	server_check(s);
}

void smtp_server_known_client(struct smtp_server *s)
{
	s->known = true;
}

void smtp_server_close(struct smtp_server *s, struct buf *out,
		       const struct reply *reply)
{
	if (s->phase == PHASE_ENDED)
		return;
	if (!smtp_server_in_body(s) && s->phase != PHASE_TLS)
		reply_write(out, reply);
	server_end(s, SMTP_CLOSE_CALLER);
}

/* --- small answers -------------------------------------------------------- */

bool smtp_server_awaits_answer(const struct smtp_server *s)
{
	return s->awaits != AWAITS_NOTHING;
}

struct arena *smtp_server_arena(struct smtp_server *s)
{
	return &s->arena;
}

bool smtp_server_in_body(const struct smtp_server *s)
{
	return s->phase == PHASE_DATA || s->phase == PHASE_EAT ||
	       (s->phase == PHASE_CHUNK && s->chunk_left > 0);
}

bool smtp_server_is_tls(const struct smtp_server *s)
{
	return s->tls;
}

bool smtp_server_is_extended(const struct smtp_server *s)
{
	return s->extended;
}

bool smtp_server_was_out_of_turn(const struct smtp_server *s)
{
	return s->out_of_turn;
}

bool smtp_server_saw_auth_in_clear(const struct smtp_server *s)
{
	return s->auth_in_clear;
}

bool smtp_server_saw_secret_in_clear(const struct smtp_server *s)
{
	return s->secret_in_clear;
}

bool server_in_transaction(const struct smtp_server *s)
{
	return s->transaction == TRANSACTION_OPEN ||
	       s->transaction == TRANSACTION_BDAT;
}

bool server_event(struct server_call *c, enum smtp_event_kind kind,
		  enum server_awaits awaits)
{
	invariant(c->s->awaits == AWAITS_NOTHING);
	c->ev->kind = kind;
	c->s->awaits = awaits;
	return true;
}

void server_drop(struct smtp_server *s)
{
	invariant(server_in_transaction(s) && !s->drop_due);
	s->transaction = TRANSACTION_FAILED;
	s->drop_due = true;
}

/* --- the step loop -------------------------------------------------------- */

static bool need_input(struct server_call *c)
{
	return server_event(c, SMTP_NEED_INPUT, AWAITS_NOTHING);
}

static bool long_line(struct server_call *c)
{
	struct smtp_server *s = c->s;
	bool auth = s->phase == PHASE_AUTH || s->long_line_is_auth;
	if (s->phase == PHASE_AUTH) {
		sasl_server_free(&s->sasl);
		s->phase = PHASE_COMMAND;
	}
	server_refuse(c, auth ? REPLY_AUTH_TOO_LONG : REPLY_LINE_TOO_LONG);
	return false;
}

static bool line_step(struct server_call *c)
{
	struct smtp_server *s = c->s;
	slice line;
	c->in_before = *c->in;
	switch (server_line_read(s, c->in, &line)) {
	case LINE_NONE:
		return need_input(c);
	case LINE_READY:
		s->line.spent = true;
		/* nothing of a command that was refused before */
		*c->ev = (struct smtp_event){ 0 };
		return s->phase == PHASE_AUTH ? server_auth_line(c, line) :
						server_command(c, line);
	case LINE_LONG:
		return long_line(c);
	case LINE_ENDLESS:
		server_end_with(s, c->out, REPLY_TOO_MANY_ERRORS,
				SMTP_CLOSE_JUNK);
		return false;
	case LINE_NO_MEMORY:
		server_end_with(s, c->out, REPLY_BUSY,
				SMTP_CLOSE_OUT_OF_MEMORY);
		return false;
	}
	unreachable_state("no such line result");
}

/* Reads the held bytes of a PROXY signature that was none as lines. */
static bool replay_step(struct server_call *c)
{
	struct smtp_server *s = c->s;
	slice *input = c->in;
	slice held = { server_proxy_v2 + s->replay_at,
		       (size_t)(s->replay_n - s->replay_at) };
	size_t before = held.n;
	c->in = &held;
	bool event = line_step(c);
	c->in = input;
	s->replay_at = (uint8_t)(s->replay_at + (before - held.n));
	if (s->replay_at == s->replay_n)
		s->replay_at = s->replay_n = 0;
	/* They hold no command that makes an event; used up is no event. */
	invariant(!event || c->ev->kind == SMTP_NEED_INPUT);
	return false;
}

static bool command_step(struct server_call *c)
{
	struct smtp_server *s = c->s;
	enum smtp_close_reason reason;
	if (s->replay_n > 0)
		return replay_step(c);
	if (s->first_bytes_due && server_first_bytes(s, c->in, &reason)) {
		s->first_bytes_due = false;
		if (reason != SMTP_CLOSE_NONE)
			server_end(s, reason);
		return false;
	}
	return line_step(c);
}

/* Somebody talks before the greeting: the wrong protocol, or no mail server.
 * A known client's input waits for the greeting. */
static bool greeting_step(struct server_call *c)
{
	struct smtp_server *s = c->s;
	enum smtp_close_reason reason = SMTP_CLOSE_NONE;
	slice look = *c->in;
	if (c->in->n == 0 || s->known)
		return need_input(c);
	bool settled = server_first_bytes(s, &look, &reason);
	s->proxy_matched = s->replay_n = 0;
	if (settled && reason != SMTP_CLOSE_NONE)
		server_end(s, reason);
	else
		server_end_with(s, c->out, REPLY_EARLY_TALKER,
				SMTP_CLOSE_EARLY_TALKER);
	return false;
}

static bool dropped_step(struct server_call *c)
{
	c->s->drop_due = false;
	c->s->arena_stale = true;
	return server_event(c, SMTP_DROPPED, AWAITS_NOTHING);
}

static bool ended_step(struct server_call *c)
{
	*c->in = slice_skip(*c->in, c->in->n);
	c->ev->close = c->s->close;
	return server_event(c, c->s->quit ? SMTP_QUIT : SMTP_CLOSE,
			    AWAITS_NOTHING);
}

/* True: c->ev holds an event. False: go on. */
static bool step(struct server_call *c)
{
	struct smtp_server *s = c->s;
	if (s->line.spent)
		server_line_free(s);
	if (s->drop_due)
		return dropped_step(c);
	if (c->out->failed && s->phase != PHASE_ENDED)
		server_end(s, SMTP_CLOSE_OUT_OF_MEMORY);
	if (server_body_oversize(c))
		return false;
	switch (s->phase) {
	case PHASE_GREETING:
		return greeting_step(c);
	case PHASE_COMMAND:
	case PHASE_AUTH:
		return command_step(c);
	case PHASE_TLS:
		invariant(c->in->n == 0);	/* it is the handshake's */
		return need_input(c);
	case PHASE_DATA:
		return c->in->n > 0 ? server_data_step(c) : need_input(c);
	case PHASE_CHUNK:
		return c->in->n > 0 || s->chunk_left == 0 ?
			server_chunk_step(c) : need_input(c);
	case PHASE_EAT:
		return c->in->n > 0 ? server_eat_step(c) : need_input(c);
	case PHASE_ENDED:
		return ended_step(c);
	}
	unreachable_state("no such phase");
}

enum smtp_event_kind smtp_server_next(struct smtp_server *s, slice *in,
				      struct buf *out, struct smtp_event *ev)
{
	struct server_call c = { .s = s, .in = in, .out = out, .ev = ev };
	invariant(s->awaits == AWAITS_NOTHING);
	*ev = (struct smtp_event){ 0 };
	if (s->arena_stale) {
		arena_reset(&s->arena);
		s->arena_stale = false;
	}
	/* Each step takes input, changes the phase, or makes an event. */
	while (!step(&c))
		server_check(s);
	server_check(s);
	invariant(ev->kind != SMTP_NEED_INPUT || in->n == 0 ||
		  s->phase == PHASE_GREETING);
	return ev->kind;
}
