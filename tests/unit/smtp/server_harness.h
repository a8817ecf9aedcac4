/*
 * Talks to the SMTP server engine as a relay would, with a policy that is
 * readable from the addresses, and writes down what happened: `events` is a
 * line for each event (pieces of a body joined), `replies` all bytes that
 * went out. Each input is a block of its own, so that the sanitizer sees a
 * read behind its end.
 *
 *	sender "denied…" 550, "later…" 450, "busy…" 421, "quota…": DATA 550
 *	recipient "no…" 550, "full…" 452
 *	secret "right": accepted and known; "busy": 454; else 535
 *	SCRAM: user "busy" 454; our nonce "S", salt "salt", i=4096; a proof of
 *	32 bytes "p" is right, the signature then 32 bytes "v"
 */
#pragma once

#include "unit/unit.h"

#include <stdio.h>

#include "mail/reply.h"
#include "smtp/server.h"

enum {
	TALK_TLS = 1,		/* implicit TLS */
	TALK_KNOWN = 2,
	TALK_NO_STARTTLS = 4,
	TALK_NO_AUTH = 8,
	TALK_REFUSE_ALL = 16,	/* every MAIL is denied */
	TALK_REFUSE_RCPT = 32,	/* every RCPT is denied */
	TALK_REFUSE_DATA = 64,	/* every DATA is over a limit */
};

struct talk {
	struct limits limits;
	struct smtp_server_config config;
	struct smtp_server *server;
	unsigned flags;
	struct buf replies, events;
	bool body_line;		/* the last line of events is a body */
	bool open;		/* a transaction */
	bool sent_354;
	bool over;		/* QUIT or CLOSE came */
	bool data_refused;	/* the last DATA, for quota */
	enum smtp_close_reason close;
	int messages;		/* accepted */
};

static void talk_begin_with(struct talk *t, unsigned flags,
			    const struct limits *limits)
{
	*t = (struct talk){ .flags = flags, .limits = *limits };
	t->config = (struct smtp_server_config){
		.hostname = SLICE("relay.test"),
		.help_url = SLICE("https://relay.test/help"),
		.limits = &t->limits,
		.offer_starttls = !(flags & TALK_NO_STARTTLS),
		.offer_auth = !(flags & TALK_NO_AUTH),
	};
	buf_init(&t->replies, 64 << 20);
	buf_init(&t->events, 256 << 20);
	t->server = smtp_server_new(&t->config, flags & TALK_TLS);
	assert_non_null(t->server);
	if (flags & TALK_KNOWN)
		smtp_server_known_client(t->server);
	smtp_server_greet(t->server, &t->replies);
}

UNUSED static void talk_begin(struct talk *t, unsigned flags)
{
	struct limits limits;
	limits_defaults(&limits);
	talk_begin_with(t, flags, &limits);
}

UNUSED static void talk_end(struct talk *t)
{
	smtp_server_free(&t->server);
	assert_null(t->server);
	buf_fini(&t->replies);
	buf_fini(&t->events);
}

static void talk_note(struct talk *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void talk_note(struct talk *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (t->body_line)
		buf_append_char(&t->events, '\n');
	t->body_line = false;
	buf_vprintf(&t->events, format, args);
	buf_append_char(&t->events, '\n');
	va_end(args);
}

static void talk_answer(struct talk *t, enum reply_id id, const char *detail)
{
	struct reply r = { .id = id, .detail = slice_of(detail) };
	smtp_server_answer(t->server, &t->replies, &r);
}

static const char *talk_address(const struct address *a, char to[512])
{
	struct buf b;
	buf_init(&b, 500);
	buf_append_char(&b, '<');
	address_write(&b, a);
	buf_append_char(&b, '>');
	assert_false(b.failed);
	assert_true(slice_to_cstr(buf_slice(&b), to, 512));
	buf_fini(&b);
	return to;
}

static void talk_mail(struct talk *t, const struct smtp_event *ev)
{
	char text[512];
	slice local = ev->sender.local;
	talk_note(t, "MAIL %s size=%llu ret=%d envid=%.*s body=%d utf8=%d",
		  talk_address(&ev->sender, text),
		  (unsigned long long)ev->declared_size, (int)ev->ret,
		  SLICE_ARG(ev->envid), (int)ev->body_type, ev->smtputf8);
	assert_false(t->open);
	t->data_refused = (t->flags & TALK_REFUSE_DATA) ||
			  slice_starts(local, SLICE("quota"));
	if ((t->flags & TALK_REFUSE_ALL) || slice_starts(local, SLICE("denied")))
		talk_answer(t, REPLY_RELAY_DENIED, "192.0.2.1");
	else if (slice_starts(local, SLICE("later")))
		talk_answer(t, REPLY_CUSTOMER_PEAK, "");
	else if (slice_starts(local, SLICE("busy")))
		talk_answer(t, REPLY_BUSY, "");
	else {
		t->open = true;
		talk_answer(t, REPLY_SENDER_OK, "");
	}
}

static void talk_rcpt(struct talk *t, const struct smtp_event *ev)
{
	char text[512];
	slice local = ev->recipient.address.local;
	talk_note(t, "RCPT %s notify=%d orcpt=%.*s",
		  talk_address(&ev->recipient.address, text),
		  (int)ev->recipient.notify, SLICE_ARG(ev->recipient.orcpt));
	assert_true(t->open);
	if ((t->flags & TALK_REFUSE_RCPT) || slice_starts(local, SLICE("no")))
		talk_answer(t, REPLY_NO_ROUTE, "");
	else if (slice_starts(local, SLICE("full")))
		talk_answer(t, REPLY_TOO_MANY_RECIPIENTS, "");
	else
		talk_answer(t, REPLY_RECIPIENT_OK, "");
}

static void talk_body_end(struct talk *t, const struct smtp_event *ev)
{
	talk_note(t, "END%s%s%s%s %llu", ev->by_bdat ? " bdat" : "",
		  ev->bare_cr ? " cr" : "", ev->bare_lf ? " lf" : "",
		  ev->too_big ? " big" : "",
		  (unsigned long long)ev->body_bytes);
	assert_true(t->open);
	t->open = false;
	if (ev->too_big)
		talk_answer(t, REPLY_SIZE, "");
	else if (!ev->by_bdat && (ev->bare_cr || ev->bare_lf))
		talk_answer(t, REPLY_BARE_LINE_END, "");
	else {
		t->messages++;
		talk_answer(t, REPLY_ACCEPTED, "id");
	}
}

static void talk_auth(struct talk *t, const struct smtp_event *ev)
{
	talk_note(t, "AUTH %.*s authzid=%.*s user=%.*s secret=%.*s",
		  SLICE_ARG(ev->mechanism), SLICE_ARG(ev->authzid),
		  SLICE_ARG(ev->user), SLICE_ARG(ev->secret));
	if (slice_eq(ev->secret, SLICE("right"))) {
		talk_answer(t, REPLY_AUTH_OK, "");
		smtp_server_known_client(t->server);
	} else if (slice_eq(ev->secret, SLICE("busy"))) {
		talk_answer(t, REPLY_AUTH_BUSY, "");
	} else {
		talk_answer(t, REPLY_AUTH_FAILED, "");
	}
}

static void talk_scram(struct talk *t, const struct smtp_event *ev)
{
	static const char proof[] = "pppppppppppppppppppppppppppppppp";
	static const char *const names[] = { "FIRST", "FINAL", "DONE" };
	talk_note(t, "SCRAM %s authzid=%.*s user=%.*s message=%.*s",
		  names[ev->kind - SMTP_SCRAM_FIRST], SLICE_ARG(ev->authzid),
		  SLICE_ARG(ev->user), SLICE_ARG(ev->scram_message));
	assert_int_equal(ev->secret.n, 0);
	if (slice_eq(ev->user, SLICE("busy"))) {
		talk_answer(t, REPLY_AUTH_BUSY, "");
	} else if (ev->kind == SMTP_SCRAM_FIRST) {
		smtp_server_scram_first(t->server, &t->replies, SLICE("S"),
					SLICE("salt"), 4096);
	} else if (ev->kind == SMTP_SCRAM_DONE) {
		talk_answer(t, REPLY_AUTH_OK, "");
		smtp_server_known_client(t->server);
	} else if (slice_eq(ev->scram_proof, SLICE(proof))) {
		smtp_server_scram_final(
			t->server, &t->replies,
			SLICE("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"));
	} else {
		talk_answer(t, REPLY_AUTH_FAILED, "");
	}
}

static void talk_body(struct talk *t, const struct smtp_event *ev)
{
	assert_true(t->open && ev->body.n > 0);
	if (!t->body_line)
		buf_append(&t->events, SLICE("BODY "));
	t->body_line = true;
	buf_append(&t->events, ev->body);
}

static void talk_data(struct talk *t, const struct smtp_event *ev)
{
	talk_note(t, "DATA%s", ev->by_bdat ? " bdat" : "");
	assert_true(t->open);
	talk_answer(t, t->data_refused ? REPLY_CUSTOMER_DAY : REPLY_DATA_GO,
		    "");
}

/* One event. False: more input, or the end. */
static bool talk_event(struct talk *t, const struct smtp_event *ev)
{
	switch (ev->kind) {
	case SMTP_NEED_INPUT:
		return false;
	case SMTP_HELO:
		talk_note(t, "HELO %.*s%s%s", SLICE_ARG(ev->helo),
			  ev->extended ? " extended" : "",
			  ev->firewall_mangled ? " mangled" : "");
		talk_answer(t, REPLY_HELO_OK, "");
		break;
	case SMTP_STARTTLS:
		talk_note(t, "STARTTLS");
		talk_answer(t, REPLY_STARTTLS_GO, "");
		smtp_server_tls_started(t->server);
		break;
	case SMTP_AUTH:
		talk_auth(t, ev);
		break;
	case SMTP_XCLIENT: {
		char text[IP_TEXT_MAX];
		const struct smtp_xclient *x = &ev->xclient;
		talk_note(t, "XCLIENT addr=%s port=%u helo=%.*s login=%.*s%s",
			  x->has_addr ? ip_addr_text(&x->addr, text) : "",
			  x->port, SLICE_ARG(x->helo), SLICE_ARG(x->login),
			  x->extended ? " extended" : "");
		talk_answer(t, REPLY_GREETING, "");
		break;
	}
	case SMTP_SCRAM_FIRST:
	case SMTP_SCRAM_FINAL:
	case SMTP_SCRAM_DONE:
		talk_scram(t, ev);
		break;
	case SMTP_MAIL:
		talk_mail(t, ev);
		break;
	case SMTP_RCPT:
		talk_rcpt(t, ev);
		break;
	case SMTP_DATA:
		talk_data(t, ev);
		break;
	case SMTP_BODY:
		talk_body(t, ev);
		break;
	case SMTP_BODY_END:
		talk_body_end(t, ev);
		break;
	case SMTP_DROPPED:
		talk_note(t, "DROPPED");
		assert_true(t->open);
		t->open = false;
		break;
	case SMTP_QUIT:
		talk_note(t, "QUIT");
		t->over = true;
		return false;
	case SMTP_CLOSE:
		talk_note(t, "CLOSE %s", smtp_close_reason_name(ev->close));
		t->close = ev->close;
		t->over = true;
		return false;
	}
	assert_false(smtp_server_awaits_answer(t->server));
	return true;
}

/* One input, as it would come from one read(). */
static void talk_feed(struct talk *t, slice bytes)
{
	struct smtp_event ev;
	char *p = malloc(bytes.n ? bytes.n : 1);
	assert_non_null(p);
	if (bytes.n > 0)
		memcpy(p, bytes.p, bytes.n);
	slice in = { p, bytes.n };
	if (!t->over) {
		do
			smtp_server_next(t->server, &in, &t->replies, &ev);
		while (talk_event(t, &ev));
		assert_int_equal(in.n, 0);
	}
	free(p);
}

/* In pieces of so many bytes. */
UNUSED static void talk_feed_pieces(struct talk *t, slice bytes, size_t n)
{
	while (bytes.n > 0) {
		talk_feed(t, slice_sub(bytes, 0, n));
		bytes = slice_skip(bytes, n);
	}
}

UNUSED static void talk_say(struct talk *t, const char *bytes)
{
	talk_feed(t, slice_of(bytes));
}

/* The codes of all replies, "220 250 354 …"; each line is checked: form, at
 * most 512 octets, no control characters, one code in one reply. */
UNUSED static void talk_codes(const struct talk *t, struct buf *to)
{
	slice rest = buf_slice(&t->replies);
	char open[4] = "";
	buf_clear(to);
	while (rest.n > 0) {
		size_t n = slice_find_slice(rest, SLICE("\r\n"));
		assert_true(n < rest.n && n >= 4 && n + 2 <= 512);
		for (size_t i = 0; i < n; i++)
			assert_true(rest.p[i] >= ' ' && rest.p[i] < 0x7f);
		for (size_t i = 0; i < 3; i++)
			assert_true(ascii_digit(rest.p[i]));
		assert_true(open[0] == '\0' || memcmp(open, rest.p, 3) == 0);
		memcpy(open, rest.p, 3);
		if (rest.p[3] == ' ') {
			buf_printf(to, "%s%s", to->n ? " " : "", open);
			open[0] = '\0';
		} else {
			assert_int_equal(rest.p[3], '-');
		}
		rest = slice_skip(rest, n + 2);
	}
	assert_int_equal(open[0], '\0');
}

UNUSED static void talk_expect_codes(const struct talk *t, const char *want)
{
	struct buf codes;
	buf_init(&codes, 1 << 20);
	talk_codes(t, &codes);
	assert_slice_eq(buf_slice(&codes), want);
	buf_fini(&codes);
}

UNUSED static void talk_expect_reply(const struct talk *t, const char *text)
{
	slice all = buf_slice(&t->replies);
	if (slice_find_slice(all, slice_of(text)) == all.n)
		fail_msg("no \"%s\" in \"%.*s\"", text, SLICE_ARG(all));
}

UNUSED static void talk_expect_event(const struct talk *t, const char *text)
{
	slice all = buf_slice(&t->events);
	if (slice_find_slice(all, slice_of(text)) == all.n)
		fail_msg("no \"%s\" in \"%.*s\"", text, SLICE_ARG(all));
}

UNUSED static bool talk_has_event(const struct talk *t, const char *text)
{
	slice all = buf_slice(&t->events);
	return slice_find_slice(all, slice_of(text)) < all.n;
}

/* All bodies, each followed by '|'. */
UNUSED static void talk_bodies(const struct talk *t, struct buf *to)
{
	slice rest = buf_slice(&t->events);
	buf_clear(to);
	for (;;) {
		size_t at = slice_starts(rest, SLICE("BODY ")) ? 0 :
			slice_find_slice(rest, SLICE("\nBODY "));
		if (at == rest.n)
			return;
		rest = slice_skip(rest, at + (at == 0 && rest.p[0] == 'B' ?
					      5 : 6));
		size_t end = slice_find_slice(rest, SLICE("\nEND"));
		size_t dropped = slice_find_slice(rest, SLICE("\nDROPPED"));
		size_t close = slice_find_slice(rest, SLICE("\nCLOSE"));
		end = dropped < end ? dropped : end;
		end = close < end ? close : end;
		buf_append(to, slice_sub(rest, 0, end));
		buf_append_char(to, '|');
		rest = slice_skip(rest, end);
	}
}
