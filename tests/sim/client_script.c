/* What a client is going to say, and what it is like; see client.c. */
#include "sim/client_private.h"

static struct command *add(struct client *c, enum command_kind kind,
			   bool alone)
{
	if (c->count == CLIENT_COMMANDS_MAX)
		return &c->commands[c->count - 1];
	struct command *k = &c->commands[c->count++];
	*k = (struct command){ .kind = kind, .alone = alone || c->lock_step };
	return k;
}

static void add_chunks(struct client *c, struct sim_message *m)
{
	uint32_t at = 0;
	unsigned chunks = (unsigned)sim_below(&c->draw, 4);
	for (unsigned i = 0; i < chunks; i++) {
		struct command *k = add(c, COMMAND_CHUNK, false);
		k->message = m;
		k->from = at;
		k->n = (uint32_t)sim_below(&c->draw, m->size - at + 1);
		at += k->n;
	}
	struct command *k = add(c, COMMAND_LAST, false);
	k->message = m;
	k->from = at;
	k->n = m->size - at;
}

static void draw_dsn(struct client *c, struct sim_message *m)
{
	m->ret = (enum dsn_return)sim_below(&c->draw, 3);
	m->has_envid = sim_chance(&c->draw, 50);
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct sim_recipient *r = &m->recipients[i];
		r->has_orcpt = sim_chance(&c->draw, 50);
		r->notify = sim_chance(&c->draw, 25) ? DSN_NEVER :
			    (uint8_t)(sim_below(&c->draw, 8) * DSN_SUCCESS);
	}
}

static void draw_message(struct client *c, struct sim_message *m)
{
	m->null_sender = sim_chance(&c->draw, 8);
	m->eight_bit = sim_chance(&c->draw, 20);
	/* Mostly small, at times above every bound. */
	m->bytes = (uint32_t)sim_below(&c->draw,
				       sim_chance(&c->draw, 70)
					       ? 1500 : c->plan.bytes_max);
	m->recipient_count = 1;
	while (m->recipient_count < RECIPIENTS_MAX && !m->null_sender &&
	       sim_chance(&c->draw, 40))
		m->recipient_count++;
	for (unsigned i = 0; i < m->recipient_count; i++)
		m->recipients[i].domain =
			c->plan.maildir && sim_chance(&c->draw, 40)
				? MAILDIR_DOMAIN
				: (uint8_t)sim_below(&c->draw,
						     c->plan.domains);
	if (sim_chance(&c->draw, 30))
		draw_dsn(c, m);
	struct buf text;
	buf_init(&text, TEXT_MAX);
	message_text(m, &text);
	buf_fini(&text);
}

static void add_transaction(struct client *c)
{
	if (c->count + 2 * RECIPIENTS_MAX + 4 > CLIENT_COMMANDS_MAX)
		return;
	struct sim_message *m = oracle_message(c->oracle);
	if (m == NULL)
		return;
	draw_message(c, m);
	struct command *reset = add(c, COMMAND_RSET, true);
	reset->alone = reset->if_open = true;
	add(c, COMMAND_MAIL, false)->message = m;
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct command *k = add(c, COMMAND_RCPT, false);
		k->message = m;
		k->index = i;
	}
	if (c->plan.may_misbehave && sim_chance(&c->draw, 6)) {
		add(c, COMMAND_RSET, false)->message = m;
		return;
	}
	if (sim_chance(&c->draw, 30)) {
		add_chunks(c, m);
		return;
	}
	add(c, COMMAND_DATA, false)->message = m;
	add(c, COMMAND_BODY, true)->message = m;
}

void client_script(struct client *c)
{
	add(c, COMMAND_EHLO, true);
	if (c->has_login || sim_chance(&c->draw, 25)) {
		add(c, COMMAND_STARTTLS, true);
		add(c, COMMAND_EHLO, true);
		c->commands[c->count - 1].alone = true;
	}
	if (c->has_login)
		add(c, COMMAND_AUTH, true);
	unsigned messages = 1 + (unsigned)sim_below(&c->draw, 4);
	unsigned first = c->count;
	for (unsigned i = 0; i < messages; i++) {
		if (sim_chance(&c->draw, 10))
			add(c, COMMAND_NOOP, false);
		add_transaction(c);
	}
	if (c->count > first)
		c->commands[first].alone = true;
	add(c, COMMAND_QUIT, false);
}

static void draw_login(struct client *c)
{
	struct login_try *t = &c->login;
	const struct login_directory *d = &c->oracle->directory;
	t->mechanism = (enum login_mechanism)sim_below(&c->draw,
						       LOGIN_MECHANISMS);
	/* SCRAM must have a name (RFC 5802 7). */
	t->name = (enum login_name)sim_below(
		&c->draw, t->mechanism == LOGIN_SCRAM ? LOGIN_BY_NOTHING
						      : LOGIN_NAMES);
	t->slot = (unsigned)sim_below(&c->draw, LOGINS);
	t->version = d->truth[t->slot].version;
	t->initial = sim_chance(&c->draw, 50);
	c->stranger = sim_chance(&c->draw, 85);
	c->dawdles = c->plan.may_misbehave && sim_chance(&c->draw, 50);
	if (!c->plan.only_temporary && sim_chance(&c->draw, 15))
		t->version = (unsigned)sim_below(&c->draw, LOGIN_WRONG + 1);
}

void client_draw(struct client *c)
{
	c->lock_step = sim_chance(&c->draw, 50);
	c->stranger = !c->plan.only_temporary && sim_chance(&c->draw, 4);
	c->has_login = sim_chance(&c->draw, c->plan.logins);
	if (c->has_login)
		draw_login(c);
	if (!c->plan.may_misbehave)
		return;
	if (sim_chance(&c->draw, 25))
		c->cut_at = 1 + sim_below(&c->draw,
					  sim_chance(&c->draw, 50) ? 600 :
					  c->plan.bytes_max);
	c->ending = (enum ending)sim_below(&c->draw, 3);
	c->inject = sim_chance(&c->draw, 5);
}
