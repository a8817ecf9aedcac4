/*
 * A client with mail: a script of commands, sent one by one or pipelined as
 * RFC 2920 allows, each with its reply. It may vanish at any byte, fall
 * silent, reset, speak out of turn, or say QUIT behind the dot and go.
 */
#include "sim/client_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"

enum { PATIENCE_MS = 90000 };

static const struct talk_user client_user;

/* --- the end -------------------------------------------------------------- */

static void stop(struct client *c)
{
	c->over = true;
	sim_cancel(&c->event);
	sim_cancel(&c->rest);
}

static void vanish(struct client *c)
{
	stop(c);
	switch (c->ending) {
	case ENDING_CLOSE:
		talk_close(&c->talk);
		break;
	case ENDING_RESET:
		talk_abort(&c->talk);
		break;
	case ENDING_SILENCE:
		break;			/* the program's timer ends it */
	}
}

static void ended(struct talk *t, bool reset)
{
	(void)reset;
	stop(CONTAINER_OF(t, struct client, talk));
}

/* --- saying --------------------------------------------------------------- */

/* False: it vanished in the middle. */
static bool say(struct client *c, slice bytes)
{
	uint64_t left = c->cut_at > c->said ? c->cut_at - c->said : 0;
	if (c->cut_at > 0 && left < bytes.n) {
		talk_say(&c->talk, slice_sub(bytes, 0, left));
		c->said += left;
		vanish(c);
		return false;
	}
	talk_say(&c->talk, bytes);
	c->said += bytes.n;
	return !c->over;
}

static void stuff(struct buf *out, slice text)
{
	while (text.n > 0) {
		size_t n = slice_find_slice(text, SLICE("\r\n")) + 2;
		if (text.p[0] == '.')
			buf_append_char(out, '.');
		buf_append(out, slice_sub(text, 0, n));
		text = slice_skip(text, n);
	}
	buf_append(out, SLICE(".\r\n"));
}

/* Whether the answer can be known beforehand. */
static void begin_login(struct client *c, struct buf *out)
{
	const struct login_directory *d = &c->oracle->directory;
	c->login_dead = login_is_dead(d, c->login.slot, c->login.version);
	c->login_sure = login_stands(d, c->login.slot, c->login.version);
	login_begin(&c->login, out);
}

/* As far as anybody can tell. */
static bool may_send(const struct client *c)
{
	return c->logged_in && !login_is_dead(&c->oracle->directory,
					      c->login.slot, c->login.version);
}

static void compose(struct client *c, const struct command *k,
		    struct buf *out)
{
	struct sim_message *m = k->message;
	char address[ADDRESS_MAX], dsn[PARAMETERS_MAX];
	struct buf text;
	switch (k->kind) {
	case COMMAND_EHLO:
		buf_append(out, SLICE("EHLO client.c1.sim\r\n"));
		break;
	case COMMAND_STARTTLS:
		buf_append(out, SLICE("STARTTLS\r\n"));
		c->injected = c->inject;
		if (c->inject)
			buf_append(out, SLICE("MAIL FROM:<x@c1.sim>\r\n"));
		break;
	case COMMAND_AUTH:
		begin_login(c, out);
		break;
	case COMMAND_MAIL:
		message_sender(m, address);
		m->forbidden = c->stranger && !may_send(c);
		buf_printf(out, "MAIL FROM:<%s>", address);
		if (sim_chance(&c->draw, 30))
			buf_printf(out, " SIZE=%u", m->size);
		message_dsn(m, dsn);
		buf_printf(out, "%s\r\n", dsn);
		break;
	case COMMAND_RCPT:
		message_recipient(m, k->index, address);
		recipient_dsn(m, k->index, dsn);
		buf_printf(out, "RCPT TO:<%s>%s\r\n", address, dsn);
		break;
	case COMMAND_DATA:
		buf_append(out, SLICE("DATA\r\n"));
		break;
	case COMMAND_BODY:
	case COMMAND_CHUNK:
	case COMMAND_LAST:
		buf_init(&text, TEXT_MAX);
		message_text(m, &text);
		if (k->kind == COMMAND_BODY) {
			stuff(out, buf_slice(&text));
		} else {
			buf_printf(out, "BDAT %u%s\r\n", k->n,
				   k->kind == COMMAND_LAST ? " LAST" : "");
			buf_append(out, slice_sub(buf_slice(&text), k->from,
						  k->n));
		}
		buf_fini(&text);
		break;
	case COMMAND_RSET:
		buf_append(out, SLICE("RSET\r\n"));
		break;
	case COMMAND_NOOP:
		buf_append(out, SLICE("NOOP\r\n"));
		break;
	case COMMAND_QUIT:
		buf_append(out, SLICE("QUIT\r\n"));
		break;
	}
}

/* What has become pointless by the replies until now. */
static bool is_pointless(const struct client *c, const struct command *k)
{
	bool dead = c->mail_answered &&
		    (c->mail_refused || c->accepted == 0);
	switch (k->kind) {
	case COMMAND_RCPT:
		return c->mail_answered && c->mail_refused;
	case COMMAND_DATA:
	case COMMAND_CHUNK:
	case COMMAND_LAST:
		return dead && c->head == c->sent_count;
	case COMMAND_BODY:
		return !c->data_go;
	case COMMAND_RSET:
		return k->if_open && !c->open;
	case COMMAND_EHLO:
	case COMMAND_STARTTLS:
	case COMMAND_AUTH:
	case COMMAND_MAIL:
	case COMMAND_NOOP:
	case COMMAND_QUIT:
		return false;
	}
	return false;
}

static void begin_transaction(struct client *c)
{
	c->mail_answered = c->mail_refused = c->data_go = false;
	c->chunk_refused = false;
	c->accepted = 0;
}

static void send_command(struct client *c, const struct command *k)
{
	struct buf out;
	bool ends = k->kind == COMMAND_BODY || k->kind == COMMAND_LAST;
	buf_init(&out, TEXT_MAX);
	compose(c, k, &out);
	c->sent[c->sent_count++] = (unsigned)(k - c->commands);
	/* Said in full it may be accepted, whether we hear it or not. */
	/* Its id, and with it its age, begins somewhere behind MAIL. */
	if (k->kind == COMMAND_MAIL && k->message != NULL)
		k->message->wall_ms = sim_own_wall_ms();
	bool whole = c->cut_at == 0 || c->cut_at >= c->said + out.n;
	if (ends && whole) {
		k->message->fate = FATE_UNKNOWN;
		/* Only the process that greeted us can accept it. */
		oracle_accepting(k->message);
	}
	say(c, buf_slice(&out));
	buf_fini(&out);
}

/* Time for the directory to change, and less than the program waits. */
static bool rests(struct client *c)
{
	enum { REST_MAX_MS = 8000 };
	if (!c->dawdles || c->rested)
		return false;
	c->resting = true;
	sim_after(&c->rest,
		  (int64_t)sim_below(&c->draw, REST_MAX_MS) * (int64_t)MS);
	return true;
}

static void go_on(struct client *c)
{
	while (!c->over && !c->resting && c->next < c->count) {
		const struct command *k = &c->commands[c->next];
		/* A new transaction waits for the last one's end: what it was
		 * told about that one must be clear. */
		bool waits = k->alone || k->kind == COMMAND_MAIL;
		if (waits && c->head < c->sent_count)
			return;
		if (k->kind == COMMAND_MAIL && rests(c))
			return;
		c->next++;
		c->rested = false;
		if (k->kind == COMMAND_MAIL)
			begin_transaction(c);
		if (!is_pointless(c, k))
			send_command(c, k);
	}
}

static void rest_is_over(struct sim_event *e)
{
	struct client *c = CONTAINER_OF(e, struct client, rest);
	c->resting = false;
	c->rested = true;
	go_on(c);
}

/* --- hearing -------------------------------------------------------------- */

static void heard_end(struct client *c, const struct command *k,
		      unsigned code)
{
	if (code == 250 && c->accepted == 0)
		oracle_fail(c->oracle, "REPLIES: message %u accepted without "
			    "recipients", k->message->number);
	oracle_answered(c->oracle, k->message, code == 250);
}

static void heard_login(struct client *c, unsigned code)
{
	const struct login_try *t = &c->login;
	c->logged_in = code == 235;
	if (c->logged_in && c->login_dead)
		oracle_fail(c->oracle, "AUTH: password %u.%u, which does not "
			    "stand, was taken", t->slot, t->version);
	if (code == 535 && c->login_sure &&
	    login_stands(&c->oracle->directory, t->slot, t->version))
		oracle_fail(c->oracle, "AUTH: password %u.%u was refused",
			    t->slot, t->version);
	/* It would come again later. */
	if (c->plan.only_temporary && !c->logged_in)
		c->next = c->count;
	c->oracle->logins += c->logged_in;
	c->oracle->logins_refused += !c->logged_in;
}

/* A 334 asks for more. */
static void challenged(struct client *c, slice line)
{
	struct buf out;
	slice text = slice_skip(line, 4);
	buf_init(&out, TEXT_MAX);
	if (login_go_on(&c->login, slice_cut(&text, '\r'), &out))
		say(c, buf_slice(&out));
	else
		oracle_fail(c->oracle, "AUTH: a strange challenge: %.*s",
			    SLICE_ARG(slice_sub(line, 0, 80)));
	buf_fini(&out);
}

/* In an exchange, and the reply is not the last one. */
static bool is_challenge(const struct client *c, unsigned code)
{
	return code == 334 && c->head < c->sent_count &&
	       c->commands[c->sent[c->head]].kind == COMMAND_AUTH;
}

static void heard(struct client *c, unsigned code)
{
	if (!c->greeted) {
		c->greeted = true;
		if (code != 220)
			vanish(c);
		return;
	}
	if (c->injected && code != 421 && c->head == c->sent_count) {
		oracle_fail(c->oracle, "REPLIES: injected command answered");
		return;
	}
	if (c->head == c->sent_count) {
		/* Words without a question: the last ones. */
		if (code != 421)
			oracle_fail(c->oracle, "REPLIES: %u without a command",
				    code);
		stop(c);
		return;
	}
	const struct command *k = &c->commands[c->sent[c->head++]];
	bool good = code >= 200 && code < 300;
	sim_note("reply", (uint64_t)k->kind, code);
	/* What stands behind a refusal is out of order: that is no lie. */
	if (c->plan.only_temporary && code >= 500 &&
	    (k->kind == COMMAND_EHLO || k->kind == COMMAND_MAIL ||
	     k->kind == COMMAND_AUTH ||
	     (!c->mail_refused && !c->chunk_refused && (c->accepted > 0 ||
				   k->kind == COMMAND_RCPT))))
		oracle_fail(c->oracle, "REPLIES: %u for want of memory", code);
	if ((k->kind == COMMAND_MAIL || k->kind == COMMAND_RCPT) &&
	    c->stranger && c->logged_in && !c->mail_refused && code >= 500 &&
	    login_stands(&c->oracle->directory, c->login.slot,
			 c->login.version))
		oracle_fail(c->oracle, "AUTH: %u though password %u.%u stands",
			    code, c->login.slot, c->login.version);
	switch (k->kind) {
	case COMMAND_EHLO:
		if (!good)
			vanish(c);
		break;
	case COMMAND_STARTTLS:
		if (c->injected && code == 220)
			c->next = c->count;	/* the end must come */
		else if (c->injected)
			vanish(c);
		else if (code == 220)
			talk_start_tls(&c->talk, false);
		break;
	case COMMAND_AUTH:
		heard_login(c, code);
		break;
	case COMMAND_MAIL:
		c->mail_answered = true;
		c->mail_refused = !good;
		c->open = good;
		break;
	case COMMAND_RCPT:
		k->message->recipients[k->index].accepted = good;
		c->accepted += good;
		break;
	case COMMAND_DATA:
		c->data_go = code == 354;
		if (code == 354 && c->accepted == 0)
			oracle_fail(c->oracle, "REPLIES: 354 without "
				    "recipients");
		break;
	case COMMAND_BODY:
	case COMMAND_LAST:
		/* RSET does no harm when the refusal has ended it. */
		c->open = !good;
		heard_end(c, k, code);
		break;
	case COMMAND_RSET:
		c->open = false;
		break;
	case COMMAND_CHUNK:
		c->chunk_refused = c->chunk_refused || !good;
		break;
	case COMMAND_NOOP:
		break;
	case COMMAND_QUIT:
		if (code == 221 && c->head != c->sent_count)
			oracle_fail(c->oracle, "REPLIES: too few");
		talk_close(&c->talk);
		stop(c);
		return;
	}
	if (code == 421)
		vanish(c);
}

/* Whole lines; those of a reply with more to come are passed over. */
static void input(struct talk *t, slice bytes)
{
	struct client *c = CONTAINER_OF(t, struct client, talk);
	for (size_t i = 0; i < bytes.n && !c->over; i++) {
		if (c->reply_n < REPLY_MAX)
			c->reply[c->reply_n++] = bytes.p[i];
		if (bytes.p[i] != '\n')
			continue;
		slice line = { c->reply, c->reply_n };
		uint64_t code = 0;
		c->reply_n = 0;
		if (line.n < 6 || !slice_u64(slice_sub(line, 0, 3), 599, &code))
			oracle_fail(c->oracle, "REPLIES: no reply line");
		if (line.p[3] == ' ' && is_challenge(c, (unsigned)code))
			challenged(c, line);
		else if (line.p[3] == ' ')
			heard(c, (unsigned)code);
	}
	if (c->over)
		return;
	sim_after(&c->event, PATIENCE_MS * (int64_t)MS);
	/* During a handshake nothing is said. */
	if (c->greeted && (t->tls == NULL || tls_state(t->tls) == TLS_OPEN))
		go_on(c);
}

static void tls_open(struct talk *t)
{
	go_on(CONTAINER_OF(t, struct client, talk));
}

static const struct talk_user client_user = {
	.input = input, .tls_open = tls_open, .ended = ended,
};

/* --- life ----------------------------------------------------------------- */

static void lose_patience(struct sim_event *e)
{
	vanish(CONTAINER_OF(e, struct client, event));
}

static void begin(struct sim_event *e)
{
	struct client *c = CONTAINER_OF(e, struct client, event);
	client_script(c);
	sim_event_init(&c->event, lose_patience);
	sim_after(&c->event, PATIENCE_MS * (int64_t)MS);
	talk_call(&c->talk, &client_user, &c->from, &c->plan.to);
}

struct client *client_new(struct oracle *o, struct list *all,
			  const struct client_plan *plan, int64_t at_ns,
			  uint64_t seed)
{
	struct client *c = calloc(1, sizeof(*c));
	invariant(c != NULL);
	c->oracle = o;
	c->plan = *plan;
	c->draw.state = seed;
	client_draw(c);
	invariant(ip_addr_parse(c->stranger ? SLICE("198.51.100.9")
					    : SLICE("192.0.2.10"),
				&c->from.addr));
	list_init(&c->node);
	list_append(all, &c->node);
	sim_event_init(&c->event, begin);
	sim_event_init(&c->rest, rest_is_over);
	sim_at(&c->event, at_ns);
	return c;
}

void clients_stop(struct list *all)
{
	list_each(all, node, after) {
		struct client *c = CONTAINER_OF(node, struct client, node);
		stop(c);
		talk_abort(&c->talk);
	}
}

void clients_free(struct list *all)
{
	clients_stop(all);
	list_each(all, node, after) {
		list_remove(node);
		free(CONTAINER_OF(node, struct client, node));
	}
}
