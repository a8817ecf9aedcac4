/*
 * XCLIENT (Postfix's XCLIENT_README): a proxy that speaks SMTP says whose
 * session it hands on. Only on sessions that the caller allows it to.
 *
 *	xclient-command = "XCLIENT" 1*(SP attribute "=" value)
 *	attribute = NAME / ADDR / PORT / PROTO / HELO / LOGIN / DESTADDR /
 *	            DESTPORT
 *	value     = xtext / "[UNAVAILABLE]" / "[TEMPUNAVAIL]"
 *
 * IPv6 addresses have "IPV6:" in front. A positive answer leads back to the
 * greeting. ADDR can't be unavailable: the proxy's own address must never
 * stand for the client's. What NAME, DESTADDR and DESTPORT say is checked and
 * means nothing to us.
 */
#include "smtp/server_private.h"
#include "smtp/xtext.h"

enum { VALUE_MAX = 255, HELO_MAX = 256 };

static bool is_unavailable(slice value)
{
	return slice_eq_fold(value, SLICE("[UNAVAILABLE]")) ||
	       slice_eq_fold(value, SLICE("[TEMPUNAVAIL]"));
}

static bool read_address(slice value, struct ip_addr *to)
{
	slice prefix = SLICE("IPV6:");
	bool v6 = slice_eq_fold(slice_sub(value, 0, prefix.n), prefix);
	if (v6)
		value = slice_skip(value, prefix.n);
	return ip_addr_parse(value, to) &&
	       v6 == (slice_find(value, ':') < value.n);
}

static bool take_addr(struct smtp_xclient *x, slice value)
{
	x->has_addr = true;
	return read_address(value, &x->addr);
}

static bool take_port(struct smtp_xclient *x, slice value)
{
	uint64_t port;
	if (is_unavailable(value))
		return true;
	if (!slice_u64(value, UINT16_MAX, &port))
		return false;
	x->port = (uint16_t)port;
	return true;
}

static bool take_proto(struct smtp_xclient *x, slice value)
{
	x->extended = slice_eq_fold(value, SLICE("ESMTP"));
	return x->extended || slice_eq_fold(value, SLICE("SMTP")) ||
	       is_unavailable(value);
}

static bool take_helo(struct smtp_xclient *x, slice value)
{
	if (is_unavailable(value))
		return true;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 0x7f)
			return false;
	x->helo = value;
	return value.n > 0 && value.n <= HELO_MAX;
}

static bool take_login(struct smtp_xclient *x, slice value)
{
	x->has_login = true;
	if (!is_unavailable(value))
		x->login = value;
	return value.n > 0;
}

static bool skip(struct smtp_xclient *x, slice value)
{
	(void)x;
	return value.n > 0;
}

static bool skip_address(struct smtp_xclient *x, slice value)
{
	struct ip_addr unused;
	(void)x;
	return is_unavailable(value) || read_address(value, &unused);
}

static bool skip_port(struct smtp_xclient *x, slice value)
{
	struct smtp_xclient unused = *x;
	return take_port(&unused, value);
}

static const struct attribute {
	slice name;
	bool (*take)(struct smtp_xclient *x, slice value);
} attributes[] = {
	{ { "NAME", 4 }, skip },
	{ { "ADDR", 4 }, take_addr },
	{ { "PORT", 4 }, take_port },
	{ { "PROTO", 5 }, take_proto },
	{ { "HELO", 4 }, take_helo },
	{ { "LOGIN", 5 }, take_login },
	{ { "DESTADDR", 8 }, skip_address },
	{ { "DESTPORT", 8 }, skip_port },
};

/* Each at most once. */
static bool take_one(struct server_call *c, slice word, uint32_t *seen)
{
	struct err err;
	slice value = word, decoded;
	slice name = slice_cut(&value, '=');
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		if (!slice_eq_fold(name, attributes[i].name))
			continue;
		bool again = (*seen & 1u << i) != 0;
		*seen |= 1u << i;
		return !again && value.n <= VALUE_MAX &&
		       xtext_decode(value, false, &c->s->arena, &decoded,
				    &err) &&
		       attributes[i].take(&c->ev->xclient, decoded);
	}
	return false;
}

/* The values lie in the arena: between transactions it is empty. */
static bool take_all(struct server_call *c)
{
	uint32_t seen = 0;
	for (slice rest = c->arg; rest.n > 0; rest = slice_trim(rest))
		if (!take_one(c, slice_cut(&rest, ' '), &seen))
			return false;
	return seen != 0;
}

bool server_xclient(struct server_call *c)
{
	struct smtp_server *s = c->s;
	if (s->xclient == SMTP_XCLIENT_UNKNOWN)
		server_refuse(c, REPLY_NOT_IMPLEMENTED);
	else if (s->xclient == SMTP_XCLIENT_REFUSED)
		server_refuse(c, REPLY_XCLIENT_REFUSED);
	else if (server_in_transaction(s))
		server_refuse(c, REPLY_NOT_IN_TRANSACTION);
	else if (take_all(c)) {
		s->xclient_helo = c->ev->xclient.helo.n > 0;
		s->xclient_extended = c->ev->xclient.extended;
		return server_event(c, SMTP_XCLIENT, AWAITS_XCLIENT);
	} else
		server_refuse(c, REPLY_SYNTAX);
	if (!server_in_transaction(s))
		s->arena_stale = true;
	return false;
}

void server_answer_xclient(struct smtp_server *s, struct buf *out,
			   const struct reply *reply)
{
	s->arena_stale = true;
	if (!reply_positive(reply->id)) {
		server_reply(s, out, reply->id, reply->detail, reply->advice);
		return;
	}
	s->transaction = TRANSACTION_NONE;
	s->authenticated = false;
	s->known = false;
	s->auth_failures = 0;
	s->errors = s->junk = 0;
	s->helo_done = s->xclient_helo;
	s->extended = s->xclient_helo && s->xclient_extended;
	server_reply(s, out, REPLY_GREETING, s->config->hostname, SLICE(""));
}

void smtp_server_xclient(struct smtp_server *s, enum smtp_xclient_is is)
{
	s->xclient = (uint8_t)is;
}
