/*
 * The verb table and the commands that need no more than a few lines. What
 * the caller sees is right in form and order; everything else is answered
 * here.
 */
#include "smtp/server_private.h"

enum { HELO_NAME_MAX = 256 };

struct verb {
	slice name;
	bool (*act)(struct server_call *c);
};

static void no_argument_or_refuse(struct server_call *c, enum reply_id id)
{
	if (c->arg.n > 0)
		server_refuse(c, REPLY_SYNTAX);
	else
		server_say(c, id);
}

/* --- EHLO, HELO ----------------------------------------------------------- */

/* A name as old systems send it: anything printable, one word (SPEC 1.6). */
static bool helo_name_fine(slice name)
{
	if (name.n == 0 || name.n > HELO_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
	return true;
}

static bool hello(struct server_call *c, bool extended)
{
	struct smtp_server *s = c->s;
	if (server_out_of_turn(c))
		return false;
	if (!helo_name_fine(c->arg)) {
		server_refuse(c, REPLY_HELO_SYNTAX);
		return false;
	}
	if (server_in_transaction(s)) {	/* EHLO is RSET too: first that */
		server_drop(s);
		if (!s->line.complete)
			*c->in = c->in_before;
		s->line.spent = false;
		return false;
	}
	if (s->helo_done && !server_count(s, c->out, WEIGHT_JUNK))
		return false;
	s->transaction = TRANSACTION_NONE;
	server_take_limits(s);
	s->helo_extended = extended;
	c->ev->helo = c->arg;
	c->ev->extended = extended;
	c->ev->firewall_mangled = s->firewall_mangled;
	return server_event(c, SMTP_HELO, AWAITS_HELO);
}

static bool ehlo(struct server_call *c)
{
	return hello(c, true);
}

static bool helo(struct server_call *c)
{
	return hello(c, false);
}

/* --- STARTTLS ------------------------------------------------------------- */

/* Bytes behind STARTTLS may be an attack on what comes after the handshake
 * (CVE-2011-0411): whoever sends them, known or not, is sent away. */
static bool starttls(struct server_call *c)
{
	struct smtp_server *s = c->s;
	if (c->in->n > 0)
		server_end_with(s, c->out, REPLY_EARLY_TALKER,
				SMTP_CLOSE_PIPELINED_STARTTLS);
	else if (c->arg.n > 0)
		server_refuse(c, REPLY_SYNTAX);
	else if (s->tls)
		server_refuse(c, REPLY_TLS_ALREADY);
	else if (!s->config->offer_starttls)
		server_refuse(c, REPLY_NOT_IMPLEMENTED);
	else if (server_in_transaction(s))
		server_refuse(c, REPLY_NOT_IN_TRANSACTION);
	else
		return server_event(c, SMTP_STARTTLS, AWAITS_STARTTLS);
	return false;
}

/* --- the rest ------------------------------------------------------------- */

static bool rset(struct server_call *c)
{
	struct smtp_server *s = c->s;
	if (c->arg.n > 0) {
		server_refuse(c, REPLY_SYNTAX);
		return false;
	}
	if (!server_count(s, c->out, WEIGHT_JUNK))
		return false;
	if (server_in_transaction(s))
		server_drop(s);
	s->transaction = TRANSACTION_NONE;
	server_say(c, REPLY_RESET_OK);
	return false;
}

static bool noop(struct server_call *c)
{
	if (server_count(c->s, c->out, WEIGHT_JUNK))
		server_say(c, REPLY_OK);
	return false;
}

static bool help(struct server_call *c)
{
	if (server_count(c->s, c->out, WEIGHT_JUNK))
		server_reply(c->s, c->out, REPLY_HELP, c->s->config->help_url,
			     SLICE(""));
	return false;
}

static bool vrfy(struct server_call *c)
{
	if (c->arg.n == 0)
		server_refuse(c, REPLY_SYNTAX);
	else if (server_count(c->s, c->out, WEIGHT_JUNK))
		server_say(c, REPLY_VRFY);
	return false;
}

static bool quit(struct server_call *c)
{
	no_argument_or_refuse(c, REPLY_BYE);
	if (c->arg.n == 0) {
		c->s->quit = true;
		server_end(c->s, SMTP_CLOSE_NONE);
	}
	return false;
}

static bool not_implemented(struct server_call *c)
{
	server_refuse(c, REPLY_NOT_IMPLEMENTED);
	return false;
}

static const struct verb verbs[] = {
	{ { "RCPT", 4 }, server_rcpt },
	{ { "MAIL", 4 }, server_mail },
	{ { "DATA", 4 }, server_data },
	{ { "BDAT", 4 }, server_bdat },
	{ { "EHLO", 4 }, ehlo },
	{ { "HELO", 4 }, helo },
	{ { "RSET", 4 }, rset },
	{ { "QUIT", 4 }, quit },
	{ { "STARTTLS", 8 }, starttls },
	{ { "AUTH", 4 }, server_auth },
	{ { "NOOP", 4 }, noop },
	{ { "HELP", 4 }, help },
	{ { "VRFY", 4 }, vrfy },
	/* known and never offered (SPEC 14: 502) */
	{ { "EXPN", 4 }, not_implemented },
	{ { "TURN", 4 }, not_implemented },
	{ { "ETRN", 4 }, not_implemented },
	{ { "ATRN", 4 }, not_implemented },
	{ { "BURL", 4 }, not_implemented },
	{ { "SEND", 4 }, not_implemented },
	{ { "SOML", 4 }, not_implemented },
	{ { "SAML", 4 }, not_implemented },
	{ { "XEXCH50", 7 }, not_implemented },
	{ { "XCLIENT", 7 }, server_xclient },
	{ { "XFORWARD", 8 }, not_implemented },
};

static const struct verb *find_verb(slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (slice_eq_fold(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

/* Control characters never; 8-bit only in paths and their parameters, where
 * the parsers decide (RFC 6531 3.1). */
static bool characters_fine(slice line, bool eight_bit)
{
	for (size_t i = 0; i < line.n; i++) {
		uint8_t c = (uint8_t)line.p[i];
		if (c < ' ' || c == 0x7f || (c >= 0x80 && !eight_bit))
			return false;
	}
	return true;
}

/* A firewall that overwrites EHLO with X's (W19). */
static bool is_mangled(slice name)
{
	return slice_eq_fold(name, SLICE("XXXX"));
}

bool server_command(struct server_call *c, slice line)
{
	slice rest = line;
	c->verb = slice_cut(&rest, ' ');
	c->arg = slice_trim(rest);
	const struct verb *verb = find_verb(c->verb);
	bool path = verb != NULL &&
		    (verb->act == server_mail || verb->act == server_rcpt);
	if (!characters_fine(line, path)) {
		server_refuse(c, REPLY_BAD_CHARACTER);
		return false;
	}
	if (is_mangled(c->verb))
		c->s->firewall_mangled = true;
	if (verb == NULL) {
		server_refuse(c, REPLY_UNKNOWN_COMMAND);
		return false;
	}
	return verb->act(c);
}
