/*
 * A next hop: an SMTP or LMTP server by the book, but for its mood. What it
 * has taken it tells to the oracle at the moment it decides to, whether the
 * 250 will be heard or not.
 */
#include "sim/people.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONTENT_MAX = 4 << 20, LINE_MAX_BYTES = 2000, TAKEN_MAX = 100 };

const struct hop_mood hop_good = { 0 };

enum hop_state { HOP_COMMANDS, HOP_DATA, HOP_CHUNK };

struct taken {
	struct sim_message *message;	/* of a report: about it; NULL: an
					 * alert about a limit */
	unsigned index;
	bool is_report;			/* or an alert */
};

struct connection {
	struct talk talk;
	struct list node;
	struct hop_server *hop;
	struct sim_event event;		/* a slow answer */
	struct buf in;			/* not looked at yet */
	struct buf content;
	struct buf answer;		/* said when the event comes */
	enum hop_state state;
	uint64_t chunk_left;
	bool chunk_last, chunk_refused;
	bool busy, over, deaf, drops, ends_after, starts_tls;
	bool in_mail, null_sender;
	char mail[PARAMETERS_MAX];	/* DSN parameters of MAIL */
	struct taken taken[TAKEN_MAX];
	unsigned taken_count;
	/* the message whose 250 is about to be said */
	bool delivers;
};

static const struct talk_user hop_user;
static void process(struct connection *c);

static bool chance(struct connection *c, unsigned percent)
{
	return percent > 0 && sim_chance(&c->hop->draw, percent);
}

/* --- saying --------------------------------------------------------------- */

static void finish(struct connection *c)
{
	if (c->over)
		return;
	c->over = true;
	sim_cancel(&c->event);
	buf_release(&c->in);
	buf_release(&c->content);
	buf_release(&c->answer);
}

static void hang_up(struct connection *c, bool reset)
{
	if (c->over)
		return;
	/* Its end is still there: what was heard is known now. */
	oracle_connection_over(c->hop->oracle, c->talk.end);
	if (reset)
		talk_abort(&c->talk);
	else
		talk_close(&c->talk);
	finish(c);
}

static void deliver(struct connection *c, bool unsaid)
{
	uint64_t said = unsaid ? 0 : net_said(c->talk.end);
	c->delivers = false;
	for (unsigned i = 0; i < c->taken_count; i++) {
		const struct taken *t = &c->taken[i];
		if (t->message == NULL)
			continue;
		if (t->is_report)
			oracle_reported(c->hop->oracle, t->message,
					buf_slice(&c->content));
		else
			oracle_delivered(c->hop->oracle, t->message, t->index,
					 buf_slice(&c->content), c->hop->dsn,
					 c->talk.end, said);
	}
	c->hop->taken++;
}

static void end_transaction(struct connection *c)
{
	c->in_mail = false;
	c->taken_count = 0;
	c->state = HOP_COMMANDS;
	buf_release(&c->content);
}

static void say_now(struct connection *c)
{
	talk_say(&c->talk, buf_slice(&c->answer));
	buf_clear(&c->answer);
	if (c->delivers) {
		deliver(c, false);
		end_transaction(c);
	}
	if (c->ends_after)
		hang_up(c, false);
	else if (c->starts_tls) {
		c->starts_tls = false;
		talk_start_tls(&c->talk, true);
	}
}

static void answer_due(struct sim_event *e)
{
	struct connection *c = CONTAINER_OF(e, struct connection, event);
	c->busy = false;
	say_now(c);
	process(c);
}

/* What was put into answer is said now or later. */
static void speak(struct connection *c)
{
	const struct hop_mood *m = &c->hop->mood;
	if (chance(c, m->stall)) {
		c->deaf = c->busy = true;
		return;
	}
	if (m->slow_max_ns == 0 || chance(c, 50)) {
		say_now(c);
		return;
	}
	c->busy = true;
	sim_after(&c->event, (int64_t)sim_below(&c->hop->draw,
						(uint64_t)m->slow_max_ns));
}

static void reply(struct connection *c, const char *line)
{
	buf_printf(&c->answer, "%s\r\n", line);
	speak(c);
}

/* --- the content ---------------------------------------------------------- */

static void note_refusal(struct connection *c)
{
	for (unsigned i = 0; i < c->taken_count; i++)
		if (c->taken[i].message != NULL && !c->taken[i].is_report)
			c->taken[i].message->recipients[c->taken[i].index]
				.refused_by_hop = true;
}

/* LMTP: a reply for each recipient (RFC 2033 4.2). */
static void answer_each(struct connection *c)
{
	const struct hop_mood *m = &c->hop->mood;
	for (unsigned i = 0; i < c->taken_count; i++) {
		struct taken *t = &c->taken[i];
		if (chance(c, m->dot_4)) {
			buf_append(&c->answer, SLICE("452 4.2.2 full\r\n"));
			t->message = NULL;
		} else if (chance(c, m->dot_5) && !t->is_report) {
			buf_append(&c->answer, SLICE("550 5.2.1 no\r\n"));
			t->message->recipients[t->index].refused_by_hop =
				true;
			t->message = NULL;
		} else {
			buf_append(&c->answer, SLICE("250 2.0.0 ok\r\n"));
		}
	}
	c->delivers = true;
	speak(c);
}

static bool has_report(const struct connection *c)
{
	for (unsigned i = 0; i < c->taken_count; i++)
		if (c->taken[i].is_report)
			return true;
	return false;
}

static void content_whole(struct connection *c)
{
	const struct hop_mood *m = &c->hop->mood;
	c->state = HOP_COMMANDS;
	if (chance(c, m->drop_unsaid)) {
		/* Taken, but who will know? */
		deliver(c, true);
		hang_up(c, chance(c, 50));
		return;
	}
	if (chance(c, m->drop)) {
		hang_up(c, true);
		return;
	}
	if (chance(c, m->drop_said))
		c->ends_after = true;
	if (c->hop->lmtp) {
		answer_each(c);
		return;
	}
	if (chance(c, m->dot_4)) {
		end_transaction(c);
		reply(c, "451 4.3.0 later");
	} else if (chance(c, m->dot_5) && !has_report(c)) {
		note_refusal(c);
		end_transaction(c);
		reply(c, "554 5.6.0 no");
	} else {
		c->delivers = true;
		reply(c, "250 2.0.0 taken");
	}
}

/* A line of DATA; false: more is needed. */
static bool data_line(struct connection *c)
{
	slice in = buf_slice(&c->in);
	size_t n = slice_find_slice(in, SLICE("\r\n"));
	if (n == in.n)
		return false;
	n += 2;
	if (n == 3 && in.p[0] == '.') {
		buf_consume(&c->in, n);
		content_whole(c);
		return true;
	}
	size_t dot = in.p[0] == '.';
	buf_append(&c->content, slice_sub(in, dot, n - dot));
	buf_consume(&c->in, n);
	if (chance(c, c->hop->mood.drop_in_body))
		hang_up(c, true);
	return true;
}

static bool chunk_bytes(struct connection *c)
{
	size_t n = c->in.n < c->chunk_left ? c->in.n : (size_t)c->chunk_left;
	if (n == 0 && c->chunk_left > 0)
		return false;
	buf_append(&c->content, (slice){ c->in.p, n });
	buf_consume(&c->in, n);
	c->chunk_left -= n;
	if (c->chunk_left > 0)
		return true;
	c->state = HOP_COMMANDS;
	if (c->chunk_refused) {
		reply(c, "503 5.5.1 no transaction");
	} else if (c->chunk_last) {
		content_whole(c);
	} else {
		reply(c, "250 2.0.0 chunk");
	}
	return true;
}

/* --- commands ------------------------------------------------------------- */

static slice address_in(slice line)
{
	size_t from = slice_find(line, '<');
	slice rest = slice_skip(line, from + 1 < line.n ? from + 1 : line.n);
	return slice_sub(rest, 0, slice_find(rest, '>'));
}

static void on_ehlo(struct connection *c)
{
	struct hop_server *h = c->hop;
	end_transaction(c);
	if (chance(c, h->mood.ehlo)) {
		reply(c, "451 4.3.0 not now");
		return;
	}
	buf_append(&c->answer, SLICE("250-hop.sim\r\n"));
	if (h->pipelining)
		buf_append(&c->answer, SLICE("250-PIPELINING\r\n"));
	if (h->chunking)
		buf_append(&c->answer, SLICE("250-CHUNKING\r\n"));
	if (h->starttls && c->talk.tls == NULL)
		buf_append(&c->answer, SLICE("250-STARTTLS\r\n"));
	if (h->dsn)
		buf_append(&c->answer, SLICE("250-DSN\r\n"));
	buf_append(&c->answer, SLICE("250-8BITMIME\r\n"
				     "250 ENHANCEDSTATUSCODES\r\n"));
	speak(c);
}

static void on_starttls(struct connection *c)
{
	if (chance(c, c->hop->mood.bad_tls)) {
		buf_append(&c->answer, SLICE("220 go\r\nwhat?\r\n"));
		speak(c);
		return;
	}
	c->starts_tls = true;
	reply(c, "220 2.0.0 go");
}

/* The DSN parameters of a command, in its order. */
static void keep_dsn(slice line, char to[PARAMETERS_MAX])
{
	static const char *const names[] = { "RET=", "ENVID=", "NOTIFY=",
					     "ORCPT=" };
	int n = 0;
	to[0] = '\0';
	while (line.n > 0) {
		slice word = slice_cut(&line, ' ');
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (slice_starts(word, slice_of(names[i])))
				n += snprintf(to + n, PARAMETERS_MAX -
						      (size_t)n, " %.*s",
					      SLICE_ARG(word));
		invariant(n < PARAMETERS_MAX);
	}
}

/* Everything the client said arrives where DSN is offered, and nothing
 * elsewhere; a report must never be reported on (RFC 3461 6.2). */
static void judge_dsn(struct connection *c, const struct taken *t, slice line)
{
	char mail[PARAMETERS_MAX] = "", rcpt[PARAMETERS_MAX] = "";
	char said[PARAMETERS_MAX];
	keep_dsn(line, said);
	if (c->hop->dsn && t->is_report) {
		snprintf(rcpt, sizeof(rcpt), " NOTIFY=NEVER");
		snprintf(mail, sizeof(mail), "%s", c->mail);
	} else if (c->hop->dsn) {
		message_dsn(t->message, mail);
		recipient_dsn(t->message, t->index, rcpt);
	}
	if (strcmp(mail, c->mail) != 0 || strcmp(rcpt, said) != 0)
		oracle_fail(c->hop->oracle, "DSN: message %u%s: %s%s",
			    t->message->number,
			    t->is_report ? " (report)" : "", c->mail, said);
}

/* The 5yz at MAIL, DATA or the dot is the message's: all its recipients of
 * the transaction that are known by then, and those that would have come. */
static void refuse_transaction(struct connection *c)
{
	note_refusal(c);
	c->in_mail = false;
}

static void on_mail(struct connection *c, slice line)
{
	const struct hop_mood *m = &c->hop->mood;
	slice address = address_in(line);
	struct sim_message *about =
		oracle_sender(c->hop->oracle, address);
	end_transaction(c);
	c->null_sender = address.n == 0;
	keep_dsn(line, c->mail);
	if (chance(c, m->mail_4)) {
		reply(c, "451 4.3.0 later");
	} else if (about != NULL && chance(c, m->mail_5)) {
		for (unsigned i = 0; i < about->recipient_count; i++)
			about->recipients[i].refused_by_hop = true;
		reply(c, "550 5.7.1 not from you");
	} else {
		c->in_mail = true;
		reply(c, "250 2.1.0 ok");
	}
}

static bool whose(struct connection *c, slice address, struct taken *t)
{
	struct oracle *o = c->hop->oracle;
	*t = (struct taken){ 0 };
	/* A customer without super admins (SPEC 6.11). */
	if (slice_eq(address, SLICE("postmaster@c1.sim"))) {
		t->is_report = true;
		return c->null_sender;
	}
	t->message = oracle_recipient(o, address, &t->index);
	if (t->message == NULL) {
		t->message = oracle_sender(o, address);
		t->is_report = true;
	}
	return t->message != NULL && (!t->is_report || c->null_sender);
}

static void on_rcpt(struct connection *c, slice line)
{
	const struct hop_mood *m = &c->hop->mood;
	struct taken t;
	if (!c->in_mail) {
		reply(c, "503 5.5.1 MAIL first");
		return;
	}
	if (!whose(c, address_in(line), &t) || c->taken_count == TAKEN_MAX) {
		oracle_fail(c->hop->oracle, "STRAY: RCPT %.*s",
			    SLICE_ARG(address_in(line)));
		reply(c, "550 5.1.1 who?");
		return;
	}
	if (t.message != NULL)
		judge_dsn(c, &t, line);
	if (chance(c, m->rcpt_4)) {
		reply(c, "450 4.2.0 later");
	} else if (!t.is_report && chance(c, m->rcpt_5)) {
		t.message->recipients[t.index].refused_by_hop = true;
		reply(c, "550 5.1.1 nobody");
	} else {
		c->taken[c->taken_count++] = t;
		reply(c, "250 2.1.5 ok");
	}
}

static void on_data(struct connection *c)
{
	const struct hop_mood *m = &c->hop->mood;
	if (c->taken_count == 0) {
		reply(c, "503 5.5.1 RCPT first");
	} else if (chance(c, m->data_4)) {
		end_transaction(c);
		reply(c, "451 4.3.0 later");
	} else if (chance(c, m->data_5) && !has_report(c)) {
		refuse_transaction(c);
		end_transaction(c);
		reply(c, "554 5.7.1 no");
	} else {
		c->state = HOP_DATA;
		reply(c, "354 go");
	}
}

static void on_bdat(struct connection *c, slice line)
{
	slice_cut(&line, ' ');
	slice count = slice_cut(&line, ' ');
	if (!slice_u64(count, CONTENT_MAX, &c->chunk_left)) {
		oracle_fail(c->hop->oracle, "REPLIES: strange BDAT");
		hang_up(c, true);
		return;
	}
	c->chunk_last = slice_eq(line, SLICE("LAST"));
	c->chunk_refused = c->taken_count == 0;
	c->state = HOP_CHUNK;
}

static void on_command(struct connection *c, slice line)
{
	if (chance(c, c->hop->mood.drop)) {
		hang_up(c, chance(c, 50));
		return;
	}
	if (slice_starts_fold(line, SLICE("EHLO ")) ||
	    slice_starts_fold(line, SLICE("LHLO ")) ||
	    slice_starts_fold(line, SLICE("HELO "))) {
		on_ehlo(c);
	} else if (slice_eq(line, SLICE("STARTTLS"))) {
		on_starttls(c);
	} else if (slice_starts(line, SLICE("MAIL FROM:<"))) {
		on_mail(c, line);
	} else if (slice_starts(line, SLICE("RCPT TO:<"))) {
		on_rcpt(c, line);
	} else if (slice_eq(line, SLICE("DATA"))) {
		on_data(c);
	} else if (slice_starts(line, SLICE("BDAT "))) {
		on_bdat(c, line);
	} else if (slice_eq(line, SLICE("RSET"))) {
		end_transaction(c);
		reply(c, "250 2.0.0 ok");
	} else if (slice_eq(line, SLICE("QUIT"))) {
		c->ends_after = true;
		reply(c, "221 2.0.0 bye");
	} else {
		oracle_fail(c->hop->oracle, "REPLIES: strange command to a "
			    "hop: %.*s", SLICE_ARG(slice_sub(line, 0, 80)));
		hang_up(c, true);
	}
}

static bool command_line(struct connection *c)
{
	char line[LINE_MAX_BYTES];
	size_t n = slice_find_slice(buf_slice(&c->in), SLICE("\r\n"));
	if (n == c->in.n)
		return false;
	size_t kept = n < sizeof(line) ? n : sizeof(line);
	memcpy(line, c->in.p, kept);
	buf_consume(&c->in, n + 2);
	on_command(c, (slice){ line, kept });
	return true;
}

static void process(struct connection *c)
{
	bool more = true;
	while (more && !c->over && !c->busy) {
		switch (c->state) {
		case HOP_COMMANDS:
			more = c->in.n > 0 && command_line(c);
			break;
		case HOP_DATA:
			more = data_line(c);
			break;
		case HOP_CHUNK:
			more = chunk_bytes(c);
			break;
		}
	}
}

/* --- connections ---------------------------------------------------------- */

static void input(struct talk *t, slice bytes)
{
	struct connection *c = CONTAINER_OF(t, struct connection, talk);
	if (c->over || c->deaf)
		return;
	buf_append(&c->in, bytes);
	process(c);
}

static void ended(struct talk *t, bool reset)
{
	(void)reset;
	struct connection *c = CONTAINER_OF(t, struct connection, talk);
	if (!c->over)
		oracle_connection_over(c->hop->oracle, t->end);
	finish(c);
}

static const struct talk_user hop_user = {
	.input = input, .ended = ended,
};

static void called(void *ctx, struct net_end *end)
{
	struct hop_server *h = ctx;
	struct connection *c = calloc(1, sizeof(*c));
	invariant(c != NULL);
	c->hop = h;
	buf_init(&c->in, CONTENT_MAX);
	buf_init(&c->content, CONTENT_MAX);
	buf_init(&c->answer, CONTENT_MAX);
	sim_event_init(&c->event, answer_due);
	list_init(&c->node);
	list_append(&h->connections, &c->node);
	talk_take(&c->talk, &hop_user, end);
	if (chance(c, h->mood.greeting)) {
		c->ends_after = true;
		reply(c, chance(c, 50) ? "421 4.3.2 busy" : "554 5.7.1 no");
	} else {
		reply(c, "220 hop.sim ESMTP");
	}
}

void hop_begin(struct hop_server *h, struct oracle *o,
	       const struct ip_port *at, uint64_t seed)
{
	*h = (struct hop_server){ .oracle = o };
	h->draw.state = seed;
	h->pipelining = sim_chance(&h->draw, 70);
	h->chunking = sim_chance(&h->draw, 50);
	h->starttls = sim_chance(&h->draw, 40);
	h->dsn = sim_chance(&h->draw, 50);
	list_init(&h->connections);
	h->server = (struct net_server){
		.at = *at, .answer = NET_ACCEPTS, .called = called, .ctx = h,
	};
	net_serve(&h->server);
}

void hop_set_mood(struct hop_server *h, const struct hop_mood *mood)
{
	h->mood = *mood;
	h->server.answer = sim_chance(&h->draw, mood->refuse) ? NET_REFUSES :
			   sim_chance(&h->draw, mood->silent) ? NET_SILENT :
			   NET_ACCEPTS;
}

void hop_hang_up(struct hop_server *h)
{
	list_each(&h->connections, node, after)
		hang_up(CONTAINER_OF(node, struct connection, node), true);
}

void hop_fini(struct hop_server *h)
{
	hop_hang_up(h);
	list_each(&h->connections, node, after) {
		struct connection *c =
			CONTAINER_OF(node, struct connection, node);
		list_remove(node);
		free(c);
	}
}
