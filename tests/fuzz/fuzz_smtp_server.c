/*
 * The SMTP server engine with any bytes from a client, AUTH, TLS flag and
 * BDAT included. The first byte chooses who the client is and what the
 * caller says, the second how the input is cut; the session is run in that
 * cut and in one piece, and both must be the same (but where a client talked
 * out of turn, which only the cut can show).
 */
#include <stdlib.h>

#include "mail/reply.h"
#include "smtp/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FLAG_TLS = 1, FLAG_KNOWN = 2, FLAG_NO_STARTTLS = 4, FLAG_NO_AUTH = 8,
       FLAG_STRICT = 16, FLAG_XCLIENT = 32 };

struct run {
	struct smtp_server *server;
	struct buf replies, bodies;
	unsigned flags;
	uint32_t asked;		/* answers so far: decides what to say */
	uint64_t body_bytes;	/* given out in this transaction */
	bool open, over;
	uint32_t go_ahead;	/* DATAs that were let through */
	enum smtp_close_reason close;
};

static void answer(struct run *r, enum reply_id good, enum reply_id bad)
{
	bool refuse = (r->flags & FLAG_STRICT) && r->asked++ % 3 == 2;
	struct reply reply = { .id = refuse ? bad : good };
	smtp_server_answer(r->server, &r->replies, &reply);
	invariant(!smtp_server_awaits_answer(r->server));
}

static void mark(struct run *r, char what)
{
	buf_append_char(&r->bodies, '\0');
	buf_append_char(&r->bodies, what);
}

static void on_mail(struct run *r, const struct smtp_event *ev)
{
	invariant(!r->open);
	bool refuse = (r->flags & FLAG_STRICT) && r->asked % 3 == 2;
	r->open = !refuse;
	r->body_bytes = 0;
	for (size_t i = 0; i < ev->envid.n; i++)
		invariant((uint8_t)ev->envid.p[i] >= ' ');
	answer(r, REPLY_SENDER_OK, REPLY_RELAY_DENIED);
}

static void on_data(struct run *r, const struct smtp_event *ev)
{
	bool refuse = (r->flags & FLAG_STRICT) && r->asked % 3 == 2;
	invariant(r->open);
	if (!refuse && !ev->by_bdat)
		r->go_ahead++;
	answer(r, REPLY_DATA_GO, REPLY_CUSTOMER_DAY);
}

static void on_body_end(struct run *r, const struct smtp_event *ev)
{
	invariant(r->open);
	invariant(ev->too_big ? ev->body_bytes > r->body_bytes :
				ev->body_bytes == r->body_bytes);
	r->open = false;
	answer(r, REPLY_ACCEPTED, REPLY_FAULT);
}

static void on_auth(struct run *r, const struct smtp_event *ev)
{
	invariant(smtp_server_is_tls(r->server));
	invariant(slice_find(ev->user, '\0') == ev->user.n &&
		  slice_find(ev->secret, '\0') == ev->secret.n);
	answer(r, REPLY_AUTH_OK, REPLY_AUTH_FAILED);
}

static void on_scram(struct run *r, const struct smtp_event *ev)
{
	bool refuse = (r->flags & FLAG_STRICT) && r->asked % 3 == 2;
	invariant(smtp_server_is_tls(r->server) && ev->secret.n == 0);
	invariant(ev->user.n > 0 &&
		  slice_find(ev->user, '\0') == ev->user.n);
	if (refuse || ev->kind == SMTP_SCRAM_DONE) {
		answer(r, REPLY_AUTH_OK, REPLY_AUTH_FAILED);
		return;
	}
	r->asked++;
	if (ev->kind == SMTP_SCRAM_FIRST)
		smtp_server_scram_first(r->server, &r->replies, SLICE("SERVER"),
					SLICE("salt"), 4096);
	else
		smtp_server_scram_final(r->server, &r->replies,
					SLICE("0123456789abcdef"));
	invariant(!smtp_server_awaits_answer(r->server));
}

static void on_rcpt(struct run *r, const struct smtp_event *ev)
{
	invariant(r->open);
	for (size_t i = 0; i < ev->recipient.orcpt.n; i++)
		invariant((uint8_t)ev->recipient.orcpt.p[i] >= ' ');
	answer(r, REPLY_RECIPIENT_OK, REPLY_NO_ROUTE);
}

static void on_event(struct run *r, const struct smtp_event *ev)
{
	if (ev->kind != SMTP_BODY)
		mark(r, (char)('A' + (int)ev->kind));
	switch (ev->kind) {
	case SMTP_NEED_INPUT:
		break;
	case SMTP_HELO:
		invariant(ev->helo.n > 0 && ev->helo.n <= 256);
		answer(r, REPLY_HELO_OK, REPLY_FAULT);
		break;
	case SMTP_STARTTLS:
		invariant(!smtp_server_is_tls(r->server) && !r->open);
		if ((r->flags & FLAG_STRICT) && r->asked % 3 == 2) {
			answer(r, REPLY_STARTTLS_GO, REPLY_TLS_BUSY);
			break;
		}
		answer(r, REPLY_STARTTLS_GO, REPLY_TLS_BUSY);
		smtp_server_tls_started(r->server);
		break;
	case SMTP_AUTH:
		on_auth(r, ev);
		break;
	case SMTP_XCLIENT:
		invariant(!r->open);
		answer(r, REPLY_GREETING, REPLY_PARAMETER_VALUE);
		break;
	case SMTP_SCRAM_FIRST:
	case SMTP_SCRAM_FINAL:
	case SMTP_SCRAM_DONE:
		on_scram(r, ev);
		break;
	case SMTP_MAIL:
		on_mail(r, ev);
		break;
	case SMTP_RCPT:
		on_rcpt(r, ev);
		break;
	case SMTP_DATA:
		on_data(r, ev);
		break;
	case SMTP_BODY:
		invariant(r->open && ev->body.n > 0);
		r->body_bytes += ev->body.n;
		buf_append(&r->bodies, ev->body);
		break;
	case SMTP_BODY_END:
		on_body_end(r, ev);
		break;
	case SMTP_DROPPED:
		invariant(r->open);
		r->open = false;
		break;
	case SMTP_QUIT:
	case SMTP_CLOSE:
		r->over = true;
		r->close = ev->close;
		break;
	}
}

static void feed(struct run *r, slice bytes)
{
	struct smtp_event ev;
	char *p = malloc(bytes.n);
	if (p == NULL || r->over) {
		free(p);
		return;
	}
	memcpy(p, bytes.p, bytes.n);
	slice in = { p, bytes.n };
	do {
		smtp_server_next(r->server, &in, &r->replies, &ev);
		if (ev.kind != SMTP_NEED_INPUT)
			on_event(r, &ev);
	} while (ev.kind != SMTP_NEED_INPUT && !r->over);
	invariant(in.n == 0);
	free(p);
}

/* Lines of at most 512 octets, nothing but printable ASCII in them. */
static void check_replies(const struct run *r)
{
	slice rest = buf_slice(&r->replies);
	uint32_t go_ahead = 0;
	while (rest.n > 0) {
		size_t n = slice_find_slice(rest, SLICE("\r\n"));
		invariant(n < rest.n && n >= 4 && n + 2 <= 512);
		for (size_t i = 0; i < n; i++)
			invariant(rest.p[i] >= ' ' && rest.p[i] < 0x7f);
		go_ahead += slice_starts(rest, SLICE("354 "));
		rest = slice_skip(rest, n + 2);
	}
	invariant(go_ahead == r->go_ahead);
}

static void run(struct run *r, const struct smtp_server_config *config,
		slice input, unsigned flags, uint32_t cut)
{
	*r = (struct run){ .flags = flags };
	buf_init(&r->replies, 16 << 20);
	buf_init(&r->bodies, 16 << 20);
	r->server = smtp_server_new(config, flags & FLAG_TLS);
	if (r->server == NULL)
		return;
	if (flags & FLAG_KNOWN)
		smtp_server_known_client(r->server);
	if (flags & FLAG_XCLIENT)
		smtp_server_xclient(r->server, SMTP_XCLIENT_ALLOWED);
	smtp_server_greet(r->server, &r->replies);
	while (input.n > 0) {
		size_t n = input.n;
		if (cut != 0) {
			cut = cut * 1664525 + 1013904223;
			n = 1 + (cut >> 24) % 9;
		}
		feed(r, slice_sub(input, 0, n));
		input = slice_skip(input, n);
	}
	check_replies(r);
	smtp_server_free(&r->server);
}

static bool cut_shows(const struct run *r)
{
	return r->close == SMTP_CLOSE_EARLY_TALKER ||
	       r->close == SMTP_CLOSE_PIPELINED_STARTTLS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct limits limits;
	limits_defaults(&limits);
	limits.message_size = 300;	/* so that bounds are met */
	limits.recipients = 5;
	limits.recipients_overshoot = 3;
	limits.command_line = 512;
	unsigned flags = data[0];
	struct smtp_server_config config = {
		.hostname = SLICE("relay.test"),
		.help_url = SLICE("https://relay.test/"),
		.limits = &limits,
		.offer_starttls = !(flags & FLAG_NO_STARTTLS),
		.offer_auth = !(flags & FLAG_NO_AUTH),
	};
	slice input = { (const char *)data + 2, size - 2 };
	struct run whole, part;
	run(&whole, &config, input, flags, 0);
	run(&part, &config, input, flags, data[1] + 1u);
	if (!cut_shows(&whole) && !cut_shows(&part))
		invariant(slice_eq(buf_slice(&whole.replies),
				   buf_slice(&part.replies)) &&
			  slice_eq(buf_slice(&whole.bodies),
				   buf_slice(&part.bodies)));
	buf_fini(&whole.replies);
	buf_fini(&whole.bodies);
	buf_fini(&part.replies);
	buf_fini(&part.bodies);
	return 0;
}
