/*
 * Fuzzes the client engine as a hostile server would. The first bytes choose
 * the session and the mail; the rest is what the peer sends, in pieces.
 *
 * Held on every input: no crash; what the client says is lines that end with
 * CRLF and hold no other CR or LF, but for the octets that a BDAT line
 * announced; nothing is said after it failed or closed; each DONE has an
 * outcome for everybody.
 */
#include <stdlib.h>

#include "smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RECIPIENTS = 4, BODIES = 6, TRANSACTIONS = 3, CHOICES = 6 };

/* An independent reading of what the client says. */
struct wire {
	uint64_t octets;	/* of BDAT, still to come */
	bool after_cr;
	char line[64];		/* front of the line being read */
	size_t line_n;
};

static void wire_line(struct wire *w)
{
	slice line = { w->line, w->line_n };
	w->line_n = 0;
	if (!slice_starts(line, SLICE("BDAT ")))
		return;
	line = slice_skip(line, sizeof("BDAT ") - 1);
	if (!slice_u64(slice_cut(&line, ' '), UINT64_MAX, &w->octets) ||
	    !slice_eq(line, SLICE("LAST")))
		abort();
}

static void wire_read(struct wire *w, slice said, bool data)
{
	for (size_t i = 0; i < said.n; i++) {
		char c = said.p[i];
		if (w->octets > 0) {
			w->octets--;
			continue;
		}
		if (w->after_cr != (c == '\n'))
			abort();
		w->after_cr = c == '\r';
		if (c == '\n' && data)
			w->line_n = 0;
		else if (c == '\n')
			wire_line(w);
		else if (c != '\r' && w->line_n < sizeof(w->line))
			w->line[w->line_n++] = c;
	}
}

struct world {
	struct smtp_client *client;
	struct smtp_transaction transaction;
	struct smtp_outcome outcomes[RECIPIENTS];
	struct envelope envelope;
	struct recipient recipients[RECIPIENTS];
	slice body;
	size_t piece;
	struct buf out;
	struct wire wire;
	unsigned left;
	bool in_data, over;
};

static const slice bodies[BODIES] = {
	{ "", 0 },
	{ "Subject: x\r\n\r\n.\r\n..\r\nhello\r\n", 29 },
	{ "a\nb\r\n", 5 },
	{ "no end", 6 },
	{ "RSET\r\n.\r\nMAIL FROM:<x>\r\n", 24 },
	{ "\r\n.\r\r\n", 6 },
};

static void take_out(struct world *w)
{
	wire_read(&w->wire, buf_slice(&w->out), w->in_data);
	buf_clear(&w->out);
}

static void send_body(struct world *w)
{
	slice body = w->body;
	w->in_data = w->wire.octets == 0;
	for (; body.n > 0; body = slice_skip(body, w->piece)) {
		smtp_client_body(w->client, &w->out,
				 slice_sub(body, 0, w->piece));
		take_out(w);
	}
	smtp_client_body_end(w->client, &w->out);
	take_out(w);
	w->in_data = false;
}

static void ready(struct world *w)
{
	if (w->left-- == 0) {
		w->left = 0;
		smtp_client_quit(w->client, &w->out);
		return;
	}
	w->transaction.count = w->left % RECIPIENTS + 1;
	smtp_client_transaction(w->client, &w->out, &w->transaction);
}

static void done(struct world *w)
{
	for (uint32_t i = 0; i < w->transaction.count; i++) {
		const struct smtp_outcome *o = &w->outcomes[i];
		if (!o->done || o->code < 200 || o->code > 599 || !o->phase)
			abort();
		if ((o->code / 100 == 2) != (o->scope == SCOPE_NONE))
			abort();
		for (size_t k = 0; k < o->reply.n; k++)
			if ((uint8_t)o->reply.p[k] < ' ' &&
			    o->reply.p[k] != '\n')
				abort();
	}
}

static void feed(struct world *w, slice in)
{
	struct err err = { 0 };
	while (!w->over) {
		switch (smtp_client_next(w->client, &in, &w->out, &err)) {
		case SMTP_CLIENT_NEED_INPUT:
			take_out(w);
			if (in.n > 0)
				abort();
			return;
		case SMTP_CLIENT_START_TLS:
			smtp_client_tls_started(w->client);
			break;
		case SMTP_CLIENT_READY:
			ready(w);
			break;
		case SMTP_CLIENT_WANT_BODY:
			take_out(w);
			send_body(w);
			break;
		case SMTP_CLIENT_DONE:
			done(w);
			break;
		case SMTP_CLIENT_FAILED:
			if (err.kind == ERR_OK)
				abort();
			w->over = true;
			break;
		case SMTP_CLIENT_CLOSED:
			w->over = true;
			break;
		default:
			abort();
		}
		take_out(w);
	}
}

static void choose(struct world *w, const uint8_t *d, struct limits *limits)
{
	struct smtp_client_config config = {
		.ehlo_name = SLICE("me.example"),
		.limits = limits,
		.tls = d[0] & 3 ? (d[0] & 3) - 1 : 0,
		.lmtp = d[0] & 4,
		.implicit_tls = d[0] & 8,
		.auth_in_clear = d[0] & 16,
	};
	if (d[0] & 32)
		config.auth_user = config.auth_password = SLICE("alice");
	w->client = smtp_client_new(&config);
	w->body = bodies[d[1] % BODIES];
	w->piece = d[2] % 8 + 1;
	w->left = TRANSACTIONS;
	w->envelope.bare_line_ends = d[3] & 1;
	w->envelope.smtputf8 = d[3] & 2;
	w->envelope.body_type = (d[3] >> 2 & 3) % 3;
	w->envelope.ret = (d[3] >> 4 & 3) % 3;
	w->envelope.sender.local = SLICE("a");
	w->envelope.sender.domain = SLICE("a.example");
	w->envelope.envid = d[3] & 64 ? SLICE("e\r\n=+") : SLICE("");
	for (size_t i = 0; i < RECIPIENTS; i++) {
		struct recipient *r = &w->recipients[i];
		r->address.local = SLICE("b");
		r->address.domain = SLICE("b.example");
		r->notify = d[4] & 15;
		r->orcpt = d[4] & 16 ? SLICE("rfc822;b+\n@c") : SLICE("");
		w->outcomes[i].recipient = r;
	}
	w->transaction.envelope = &w->envelope;
	w->transaction.outcomes = w->outcomes;
	w->transaction.has_8bit = d[4] & 32;
	w->transaction.size = w->body.n + (d[4] >> 6 == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct limits limits;
	struct world w = { 0 };
	if (n < CHOICES)
		return 0;
	limits_defaults(&limits);
	buf_init(&w.out, 1 << 20);
	choose(&w, data, &limits);
	if (w.client == NULL)
		abort();
	slice in = { (const char *)data + CHOICES, n - CHOICES };
	size_t line = data[5] % 3;
	/* at once, by bytes, or by lines */
	while (in.n > 0 && !w.over) {
		size_t take = line == 0 ? in.n
			      : line == 1 ? 1 : slice_find(in, '\n') + 1;
		feed(&w, slice_sub(in, 0, take));
		in = slice_skip(in, take);
	}
	(void)smtp_client_lost(w.client, NULL);
	smtp_client_free(&w.client);
	buf_fini(&w.out);
	return 0;
}
