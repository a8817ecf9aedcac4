/*
 * The client engine against our own server engine, back to back in memory:
 * what goes in at one end comes out at the other, byte for byte, however the
 * bytes between them are cut; with and without PIPELINING, by DATA and by
 * BDAT, under STARTTLS with AUTH.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "smtp/client.h"
#include "smtp/server.h"

enum { RECIPIENTS_MAX = 40, MESSAGES = 1000 };

struct pair {
	struct limits limits;
	struct smtp_client *client;
	struct smtp_server *server;
	struct smtp_server_config server_config;
	struct buf up, down;		/* to the server, to the client */
	struct buf up_kept;		/* arrived, not yet taken */
	bool lock_step;			/* PIPELINING is hidden */
	uint32_t seed;
	/* what the server saw of the open transaction */
	struct buf got, envelope;
	unsigned got_recipients;
	bool ended, bare;
	/* what the client is to send */
	struct buf body;
	struct envelope sent;
	struct recipient recipients[RECIPIENTS_MAX];
	struct smtp_outcome outcomes[RECIPIENTS_MAX];
	struct smtp_transaction transaction;
	unsigned left, authenticated, starttls;
	bool closed;
};

static uint32_t next_random(struct pair *p, uint32_t below)
{
	p->seed = p->seed * 1664525U + 1013904223U;
	return (p->seed >> 8) % below;
}

/* --- the server's side ------------------------------------------------------ */

static void answer(struct pair *p, enum reply_id id)
{
	struct reply r = { .id = id, .detail = SLICE("x") };
	smtp_server_answer(p->server, &p->down, &r);
}

/* Recipients whose local part begins with "no" are refused. */
static void serve_rcpt(struct pair *p, const struct smtp_event *ev)
{
	bool no = slice_starts(ev->recipient.address.local, SLICE("no"));
	answer(p, no ? REPLY_RELAY_DENIED : REPLY_RECIPIENT_OK);
	if (no)
		return;
	p->got_recipients++;
	buf_append_char(&p->envelope, ' ');
	address_write(&p->envelope, &ev->recipient.address);
	buf_printf(&p->envelope, "/%u/%.*s", ev->recipient.notify,
		   SLICE_ARG(ev->recipient.orcpt));
}

static void serve_mail(struct pair *p, const struct smtp_event *ev)
{
	buf_clear(&p->envelope);
	buf_clear(&p->got);
	p->got_recipients = 0;
	p->ended = false;
	address_write(&p->envelope, &ev->sender);
	buf_printf(&p->envelope, "/%u/%.*s/%u/%d", ev->ret,
		   SLICE_ARG(ev->envid), ev->body_type, ev->smtputf8);
	assert_int_equal(ev->declared_size, p->body.n);
	answer(p, REPLY_SENDER_OK);
}

static void serve_end(struct pair *p, const struct smtp_event *ev)
{
	assert_false(p->ended);
	p->ended = true;
	p->bare = ev->bare_cr || ev->bare_lf;
	assert_int_equal(ev->by_bdat, p->sent.bare_line_ends ||
			 p->sent.body_type == BODY_BINARYMIME);
	answer(p, REPLY_ACCEPTED);
}

static bool serve_event(struct pair *p, const struct smtp_event *ev)
{
	switch (ev->kind) {
	case SMTP_NEED_INPUT:
		return false;
	case SMTP_HELO:
		answer(p, REPLY_HELO_OK);
		break;
	case SMTP_STARTTLS:
		p->starttls++;
		answer(p, REPLY_STARTTLS_GO);
		return false;
	case SMTP_XCLIENT:
	case SMTP_SCRAM_FIRST:
	case SMTP_SCRAM_FINAL:
	case SMTP_SCRAM_DONE:
		fail_msg("the client knows neither");
	case SMTP_AUTH:
		assert_slice_eq(ev->user, "user");
		assert_slice_eq(ev->secret, "pass word");
		p->authenticated++;
		answer(p, REPLY_AUTH_OK);
		break;
	case SMTP_MAIL:
		serve_mail(p, ev);
		break;
	case SMTP_RCPT:
		serve_rcpt(p, ev);
		break;
	case SMTP_DATA:
		answer(p, REPLY_DATA_GO);
		break;
	case SMTP_BODY:
		buf_append(&p->got, ev->body);
		break;
	case SMTP_BODY_END:
		serve_end(p, ev);
		break;
	case SMTP_DROPPED:
		break;
	case SMTP_QUIT:
	case SMTP_CLOSE:
		return false;
	default:
		fail_msg("server event %d", (int)ev->kind);
	}
	return true;
}

/* Hides a keyword in the server's words by changing its first letter. */
static void hide(struct buf *b, slice keyword)
{
	size_t at = slice_find_slice(buf_slice(b), keyword);
	if (at < b->n)
		b->p[at] = 'X';
}

static void serve(struct pair *p, slice bytes)
{
	struct smtp_event ev;
	size_t before = p->down.n;
	buf_append(&p->up_kept, bytes);
	slice in = buf_slice(&p->up_kept);
	do
		smtp_server_next(p->server, &in, &p->down, &ev);
	while (serve_event(p, &ev));
	buf_consume(&p->up_kept, p->up_kept.n - in.n);
	if (p->lock_step && p->down.n > before)
		hide(&p->down, SLICE("PIPELINING"));
}

/* --- the client's side ------------------------------------------------------ */

static const char *const words[] = {
	".", "..", "\r\n", "\r\n.", "a", "MAIL FROM:<x@y>\r\n", "\r\n.\r\n",
	"BDAT 5 LAST\r\n", "The quick brown fox jumps over the lazy dog. ",
	"QUIT\r\n", "\r\n\r\n", ".\r\n", "=?utf-8?q?x?=",
};
static const char *const bare_words[] = { "\n", "\r", "\r\r\n", "\n.\n",
					  "\n.\r\n" };

static void make_body(struct pair *p)
{
	uint32_t n = next_random(p, 20);
	if (next_random(p, 50) == 0)
		n = 5000;
	buf_clear(&p->body);
	p->sent.bare_line_ends = false;
	for (uint32_t i = 0; i < n; i++) {
		if (p->sent.customer == 1 && next_random(p, 4) == 0) {
			p->sent.bare_line_ends = true;
			buf_append(&p->body, slice_of(bare_words[
				next_random(p, ARRAY_LEN(bare_words))]));
		}
		buf_append(&p->body, slice_of(
			words[next_random(p, ARRAY_LEN(words))]));
	}
	/* "\r\n" may have become bare by a neighbour that is bare: that is
	 * what bare_line_ends is for; else it never does. */
	if (next_random(p, 3) > 0 && !p->sent.bare_line_ends &&
	    (p->body.n < 2 || p->body.p[p->body.n - 1] != '\n'))
		buf_append(&p->body, SLICE("\r\n"));
}

static void make_message(struct pair *p)
{
	static const uint8_t notify[] = { 0, DSN_NEVER, DSN_SUCCESS,
					  DSN_FAILURE | DSN_DELAY, 14 };
	static const char *const locals[] = { "bob", "no1", "a b", "x+y",
					      "q\"q", "no2", "dot.ted" };
	p->sent = (struct envelope){
		.customer = next_random(p, 3),
		.ret = next_random(p, 3),
		.envid = next_random(p, 2) ? SLICE("id=1+2 3") : SLICE(""),
		.body_type = next_random(p, 3),
	};
	if (next_random(p, 4) > 0)
		p->sent.sender = (struct address){ SLICE("al ice"),
						   SLICE("a.example"), false };
	make_body(p);
	p->transaction = (struct smtp_transaction){
		.envelope = &p->sent,
		.outcomes = p->outcomes,
		.count = next_random(p, RECIPIENTS_MAX) + 1,
		.size = p->body.n,
	};
	for (uint32_t i = 0; i < p->transaction.count; i++) {
		struct recipient *r = &p->recipients[i];
		slice local = slice_of(locals[next_random(
			p, ARRAY_LEN(locals))]);
		*r = (struct recipient){
			.address = { local, SLICE("b.example"), false },
			.notify = notify[next_random(p, ARRAY_LEN(notify))],
			.orcpt = next_random(p, 2)
				 ? SLICE("rfc822;o+=x@c.example") : SLICE(""),
		};
		p->outcomes[i].recipient = r;
	}
}

static void send_body(struct pair *p)
{
	slice body = buf_slice(&p->body);
	while (body.n > 0) {
		slice piece = slice_sub(body, 0, next_random(p, 900) + 1);
		smtp_client_body(p->client, &p->up, piece);
		body = slice_skip(body, piece.n);
	}
	smtp_client_body_end(p->client, &p->up);
}

/* What the server should have noted of the envelope. */
static void expected_envelope(const struct pair *p, struct buf *to)
{
	/* all is ASCII here: 8BITMIME is passed on as it was said */
	address_write(to, &p->sent.sender);
	buf_printf(to, "/%u/%.*s/%u/0", p->sent.ret, SLICE_ARG(p->sent.envid),
		   p->sent.body_type);
	for (uint32_t i = 0; i < p->transaction.count; i++) {
		const struct recipient *r = &p->recipients[i];
		if (slice_starts(r->address.local, SLICE("no")))
			continue;
		buf_append_char(to, ' ');
		address_write(to, &r->address);
		buf_printf(to, "/%u/%.*s", r->notify, SLICE_ARG(r->orcpt));
	}
}

static void compare(struct pair *p)
{
	struct buf want;
	unsigned accepted = 0;
	for (uint32_t i = 0; i < p->transaction.count; i++) {
		bool no = slice_starts(p->recipients[i].address.local,
				       SLICE("no"));
		assert_true(p->outcomes[i].done);
		assert_int_equal(p->outcomes[i].code, no ? 550 : 250);
		assert_string_equal(p->outcomes[i].phase, no ? "RCPT" : "dot");
		accepted += !no;
	}
	assert_int_equal(p->ended, accepted > 0);
	if (accepted == 0)
		return;
	assert_int_equal(p->got_recipients, accepted);
	buf_init(&want, 1 << 20);
	expected_envelope(p, &want);
	if (!slice_eq(buf_slice(&want), buf_slice(&p->envelope)))
		fail_msg("got  %.*s\nwant %.*s", SLICE_ARG(p->envelope),
			 SLICE_ARG(want));
	buf_fini(&want);
	bool by_bdat = p->sent.bare_line_ends ||
		       p->sent.body_type == BODY_BINARYMIME;
	assert_true(by_bdat || !p->bare);
	if (!by_bdat && p->body.n > 0 && p->body.p[p->body.n - 1] != '\n')
		buf_append(&p->body, SLICE("\r\n"));
	if (!slice_eq(buf_slice(&p->got), buf_slice(&p->body)))
		fail_msg("got %zu bytes, want %zu", p->got.n, p->body.n);
}

static void client_ready(struct pair *p)
{
	if (p->left == 0) {
		smtp_client_quit(p->client, &p->up);
		return;
	}
	p->left--;
	p->ended = false;
	make_message(p);
	smtp_client_transaction(p->client, &p->up, &p->transaction);
}

static void client_run(struct pair *p, slice bytes)
{
	struct err err = { 0 };
	for (int i = 0; i < 100 && !p->closed; i++) {
		switch (smtp_client_next(p->client, &bytes, &p->up, &err)) {
		case SMTP_CLIENT_NEED_INPUT:
			return;
		case SMTP_CLIENT_START_TLS:
			smtp_server_tls_started(p->server);
			smtp_client_tls_started(p->client);
			break;
		case SMTP_CLIENT_READY:
			client_ready(p);
			break;
		case SMTP_CLIENT_WANT_BODY:
			send_body(p);
			break;
		case SMTP_CLIENT_DONE:
			compare(p);
			break;
		case SMTP_CLIENT_CLOSED:
			p->closed = true;
			break;
		case SMTP_CLIENT_FAILED:
			fail_msg("client: %s", err.text);
			break;
		default:
			fail_msg("client event");
		}
	}
}

/* --- between them ------------------------------------------------------------- */

/* Moves up to most bytes at a time, in random pieces. */
static void carry(struct pair *p, struct buf *from,
		  void (*to)(struct pair *p, slice bytes), uint32_t most)
{
	while (from->n > 0) {
		char piece[4096];
		size_t n = next_random(p, most) + 1;
		n = n < from->n ? n : from->n;
		memcpy(piece, from->p, n);
		buf_consume(from, n);
		to(p, (slice){ piece, n });
	}
}

static void converse(uint32_t seed, unsigned messages, uint32_t most,
		     bool lock_step, bool tls)
{
	static struct pair pair;
	struct pair *p = &pair;
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->left = messages;
	p->lock_step = lock_step;
	limits_defaults(&p->limits);
	struct buf *bufs[] = { &p->up, &p->down, &p->up_kept, &p->got, &p->envelope, &p->body };
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_init(bufs[i], 8 << 20);
	p->server_config = (struct smtp_server_config){
		.hostname = SLICE("relay.example"), .limits = &p->limits,
		.help_url = SLICE("http://x.example"),
		.offer_starttls = tls, .offer_auth = true };
	struct smtp_client_config config = {
		.ehlo_name = SLICE("me.example"), .limits = &p->limits,
		.tls = tls ? SMTP_TLS_REQUIRED : SMTP_TLS_NEVER,
		.auth_user = tls ? SLICE("user") : SLICE(""),
		.auth_password = tls ? SLICE("pass word") : SLICE("") };
	p->server = smtp_server_new(&p->server_config, false);
	p->client = smtp_client_new(&config);
	assert_true(p->server != NULL && p->client != NULL);
	smtp_server_known_client(p->server);
	smtp_server_greet(p->server, &p->down);
	for (int i = 0; i < 1000000 && !p->closed; i++) {
		carry(p, &p->down, client_run, most);
		carry(p, &p->up, serve, most);
	}
	assert_true(p->closed);
	assert_int_equal(p->left, 0);
	assert_int_equal(p->starttls, tls);
	assert_int_equal(p->authenticated, tls);
	smtp_client_free(&p->client);
	smtp_server_free(&p->server);
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_fini(bufs[i]);
}

static void s11_8_a_thousand_bodies_pass_unchanged(void **state)
{
	(void)state;
	converse(1, MESSAGES, 4096, false, false);
}

static void s11_8_also_in_lock_step(void **state)
{
	(void)state;
	converse(2, MESSAGES / 4, 4096, true, false);
}

static void s11_8_also_in_small_pieces(void **state)
{
	(void)state;
	converse(3, MESSAGES / 10, 1, false, false);
	converse(4, MESSAGES / 10, 3, true, false);
	converse(5, MESSAGES / 4, 50, false, false);
}

static void s1_3_also_under_tls_with_auth(void **state)
{
	(void)state;
	converse(6, MESSAGES / 10, 100, false, true);
	converse(7, 10, 1, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s11_8_a_thousand_bodies_pass_unchanged),
		cmocka_unit_test(s11_8_also_in_lock_step),
		cmocka_unit_test(s11_8_also_in_small_pieces),
		cmocka_unit_test(s1_3_also_under_tls_with_auth),
	};
	return cmocka_run_group_tests_name("smtp/client_server", tests, NULL,
					   NULL);
}
