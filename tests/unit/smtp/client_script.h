/*
 * Dialogues of the client engine with a scripted peer. A script is lines:
 *
 *	S: text		the peer sends text CRLF
 *	C: text		the client has sent exactly this (with CRLF)
 *
 * Consecutive S lines are fed at once, or byte by byte; the C lines before
 * the next S must then be all that the client said. "<tls>" as a C line is
 * the moment of the handshake. The driver starts a transaction at each
 * READY, as many as the script has, then quits.
 */
#pragma once

#include "unit/unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "smtp/client.h"

enum { SCRIPT_RECIPIENTS_MAX = 600 };

struct script {
	const char *name;
	const char *dialogue;
	const char *events;	/* "READY DONE READY CLOSED" */
	const char *outcomes;	/* of the last transaction, see below */
	/* the transaction */
	unsigned recipients;	/* r1@b.example, … */
	unsigned transactions;
	const char *body;
	uint64_t size;		/* 0: length of body */
	bool has_8bit, null_sender;
	struct envelope envelope;	/* parameters only */
	struct recipient first;		/* of the first recipient, the same */
	/* the session */
	enum smtp_client_tls tls;
	bool lmtp, implicit_tls, auth_in_clear;
	const char *user, *password;
	/* the failure, if events end with FAILED */
	enum err_kind kind;
	enum err_scope scope;
	bool ambiguous;		/* smtp_client_lost says true at the end */
	bool whole_only;	/* byte by byte it is another dialogue */
};

struct player {
	const struct script *script;
	struct smtp_client *client;
	struct smtp_transaction transaction;
	struct envelope envelope;
	struct recipient recipients[SCRIPT_RECIPIENTS_MAX];
	char locals[SCRIPT_RECIPIENTS_MAX][12];
	struct smtp_outcome outcomes[SCRIPT_RECIPIENTS_MAX];
	struct buf out, said, events;
	struct err err;
	unsigned left;		/* transactions */
	size_t body_piece;
	bool over;
};

static inline void player_note(struct player *p, const char *event)
{
	if (p->events.n > 0)
		buf_append_char(&p->events, ' ');
	buf_append(&p->events, slice_of(event));
}

static inline void player_init(struct player *p, const struct script *s,
			       const struct limits *limits, size_t body_piece)
{
	memset(p, 0, sizeof(*p));
	p->script = s;
	p->left = s->transactions;
	p->body_piece = body_piece;
	buf_init(&p->out, 4 << 20);
	buf_init(&p->said, 4 << 20);
	buf_init(&p->events, 1 << 20);
	struct smtp_client_config config = {
		.ehlo_name = SLICE("me.example"),
		.limits = limits,
		.tls = s->tls,
		.lmtp = s->lmtp,
		.implicit_tls = s->implicit_tls,
		.auth_in_clear = s->auth_in_clear,
		.auth_user = slice_of(s->user),
		.auth_password = slice_of(s->password),
	};
	p->client = smtp_client_new(&config);
	assert_non_null(p->client);
	p->envelope = s->envelope;
	if (!s->null_sender && p->envelope.sender.domain.n == 0)
		p->envelope.sender = (struct address){ SLICE("a"),
						       SLICE("a.example"),
						       false };
	assert_true(s->recipients <= SCRIPT_RECIPIENTS_MAX);
	for (unsigned i = 0; i < s->recipients; i++) {
		struct recipient *r = &p->recipients[i];
		if (i == 0)
			*r = s->first;
		snprintf(p->locals[i], sizeof(p->locals[i]), "r%u", i + 1);
		if (r->address.domain.n == 0)
			r->address = (struct address){ slice_of(p->locals[i]),
						       SLICE("b.example"),
						       false };
		p->outcomes[i].recipient = r;
	}
	p->transaction = (struct smtp_transaction){
		.envelope = &p->envelope,
		.outcomes = p->outcomes,
		.count = s->recipients,
		.has_8bit = s->has_8bit,
		.size = s->size ? s->size : slice_of(s->body).n,
	};
}

static inline void player_fini(struct player *p)
{
	smtp_client_free(&p->client);
	buf_fini(&p->out);
	buf_fini(&p->said);
	buf_fini(&p->events);
}

static inline void player_send_body(struct player *p)
{
	slice body = slice_of(p->script->body);
	size_t n = p->body_piece;
	for (; body.n > 0; body = slice_skip(body, n))
		smtp_client_body(p->client, &p->out, slice_sub(body, 0, n));
	smtp_client_body_end(p->client, &p->out);
}

static inline void player_ready(struct player *p)
{
	player_note(p, "READY");
	if (p->left > 0) {
		p->left--;
		smtp_client_transaction(p->client, &p->out, &p->transaction);
	} else {
		smtp_client_quit(p->client, &p->out);
	}
}

/* Everything that follows from these bytes. */
static inline void player_feed(struct player *p, slice bytes)
{
	slice in = bytes;
	for (int i = 0; i < 10000 && !p->over; i++) {
		enum smtp_client_event e = smtp_client_next(
			p->client, &in, &p->out, &p->err);
		buf_append(&p->said, buf_slice(&p->out));
		buf_clear(&p->out);
		switch (e) {
		case SMTP_CLIENT_NEED_INPUT:
			assert_int_equal(in.n, 0);
			return;
		case SMTP_CLIENT_START_TLS:
			buf_append(&p->said, SLICE("<tls>\r\n"));
			smtp_client_tls_started(p->client);
			break;
		case SMTP_CLIENT_READY:
			player_ready(p);
			break;
		case SMTP_CLIENT_WANT_BODY:
			player_send_body(p);
			break;
		case SMTP_CLIENT_DONE:
			player_note(p, "DONE");
			break;
		case SMTP_CLIENT_CLOSED:
			player_note(p, "CLOSED");
			p->over = true;
			break;
		case SMTP_CLIENT_FAILED:
			player_note(p, "FAILED");
			p->over = true;
			break;
		default:
			fail_msg("event %d", (int)e);
		}
		buf_append(&p->said, buf_slice(&p->out));
		buf_clear(&p->out);
	}
}

/* "250 2.0.0 none dot; 550 5.1.1 recipient RCPT"; "?" before one not done. */
static inline void outcomes_text(const struct player *p, struct buf *to)
{
	for (uint32_t i = 0; i < p->transaction.count; i++) {
		const struct smtp_outcome *o = &p->outcomes[i];
		buf_printf(to, "%s%s%u %u.%u.%u %s %s", i ? "; " : "",
			   o->done ? "" : "?", o->code, o->enhanced[0],
			   o->enhanced[1], o->enhanced[2],
			   err_scope_name(o->scope), o->phase ? o->phase : "-");
	}
}

static inline void play_compare(struct player *p, const char *what,
				slice got, slice want)
{
	if (!slice_eq(got, want))
		fail_msg("%s: %s\n--- got\n%.*s\n--- want\n%.*s\n",
			 p->script->name, what, SLICE_ARG(got),
			 SLICE_ARG(want));
}

/* One of the groups of lines of one side; *rest moves on. */
static inline bool script_group(slice *rest, char side, struct buf *to)
{
	buf_clear(to);
	while (rest->n > 0 && rest->p[0] == side) {
		slice line = slice_cut(rest, '\n');
		buf_append(to, slice_skip(line, 3));
		buf_append(to, SLICE("\r\n"));
	}
	return to->n > 0;
}

static inline void play(const struct script *s, const struct limits *limits,
			bool bytewise, size_t body_piece)
{
	static struct player player;
	struct player *p = &player;
	struct buf group, outcomes;
	slice rest = slice_of(s->dialogue);
	player_init(p, s, limits, body_piece);
	buf_init(&group, 4 << 20);
	buf_init(&outcomes, 1 << 20);
	while (rest.n > 0) {
		size_t before = rest.n;
		if (script_group(&rest, 'S', &group)) {
			for (size_t i = 0; bytewise && i < group.n; i++)
				player_feed(p, (slice){ group.p + i, 1 });
			if (!bytewise)
				player_feed(p, buf_slice(&group));
		}
		script_group(&rest, 'C', &group);
		play_compare(p, "client said", buf_slice(&p->said),
			     buf_slice(&group));
		buf_clear(&p->said);
		if (rest.n == before)
			fail_msg("%s: bad script", s->name);
	}
	play_compare(p, "events", buf_slice(&p->events), slice_of(s->events));
	assert_int_equal(smtp_client_lost(p->client, &p->err), s->ambiguous);
	outcomes_text(p, &outcomes);
	if (s->outcomes != NULL)
		play_compare(p, "outcomes", buf_slice(&outcomes),
			     slice_of(s->outcomes));
	if (s->kind != ERR_OK) {
		if (p->err.kind != s->kind || p->err.scope != s->scope)
			fail_msg("%s: %s of %s: %s", s->name,
				 err_kind_name(p->err.kind),
				 err_scope_name(p->err.scope), p->err.text);
	}
	buf_fini(&group);
	buf_fini(&outcomes);
	player_fini(p);
}

/* Whole groups and byte by byte, body in pieces of several sizes. */
static inline void play_all(const struct script *scripts, size_t n)
{
	static const size_t pieces[] = { 1, 2, 7, 1 << 20 };
	struct limits limits;
	limits_defaults(&limits);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
			play(&scripts[i], &limits, false, pieces[k]);
			if (!scripts[i].whole_only)
				play(&scripts[i], &limits, true, pieces[k]);
		}
}
