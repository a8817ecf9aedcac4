/*
 * The one parser of addresses; see address.h. RFC 5321 4.1.2:
 *
 *	Path       = "<" [ A-d-l ":" ] Mailbox ">"
 *	A-d-l      = At-domain *( "," At-domain )
 *	Mailbox    = Local-part "@" ( Domain / address-literal )
 *	Local-part = Dot-string / Quoted-string
 *
 * and RFC 6531 3.3, which lets UTF-8 into the local part and U-labels into
 * the domain. On top of that, as senders write it: spaces inside the
 * brackets, no brackets at all.
 */
#include "mail/address.h"

#include <stdio.h>

#include "base/ip.h"
#include "mail/mail_private.h"

/* One address being read. */
struct parse {
	slice rest;
	char local[ADDRESS_LOCAL_MAX];
	size_t local_n;
	struct domain_text domain;
	bool allow_utf8;
	bool final_dot;			/* is taken off the domain */
	struct err *err;
};

static bool syntax(struct parse *p, const char *why)
{
	return err_set(p->err, ERR_PROTOCOL, SCOPE_MESSAGE, "address", "%s",
		       why);
}

static bool not_utf8(struct parse *p, const char *why)
{
	err_set(p->err, ERR_PROTOCOL, SCOPE_MESSAGE, "address", "%s", why);
	if (p->err != NULL)
		p->err->code = 553;
	return false;
}

static int next(const struct parse *p)
{
	return p->rest.n > 0 ? (uint8_t)p->rest.p[0] : -1;
}

static bool take(struct parse *p, char c)
{
	if (next(p) != (uint8_t)c)
		return false;
	p->rest = slice_skip(p->rest, 1);
	return true;
}

static void skip_spaces(struct parse *p)
{
	while (next(p) == ' ')
		p->rest = slice_skip(p->rest, 1);
}

bool is_atext(char c)
{
	return ascii_alnum(c) || (uint8_t)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool is_dot_string(slice s)
{
	bool dot = true;	/* none may stand first, last or twice */
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? dot : !is_atext(s.p[i]))
			return false;
		dot = s.p[i] == '.';
	}
	return !dot;
}

static bool add_local(struct parse *p, char c)
{
	if (p->local_n == sizeof(p->local))
		return syntax(p, "local part is longer than 64 octets");
	p->local[p->local_n++] = c;
	return true;
}

/*
 * Quoted-string = DQUOTE *QcontentSMTP DQUOTE, after the first quote.
 * An empty one names nobody and is refused.
 */
static bool parse_quoted(struct parse *p)
{
	while (!take(p, '"')) {
		take(p, '\\');
		int c = next(p);
		if (c < 0)
			return syntax(p, "quoted local part has no end");
		if (c < 0x20 || c == 0x7f)
			return syntax(p, "control character in an address");
		if (!add_local(p, (char)c))
			return false;
		p->rest = slice_skip(p->rest, 1);
	}
	return p->local_n > 0 || syntax(p, "local part is empty");
}

static bool parse_dot_string(struct parse *p)
{
	while (p->rest.n > 0 &&
	       (is_atext(p->rest.p[0]) || p->rest.p[0] == '.')) {
		if (!add_local(p, p->rest.p[0]))
			return false;
		p->rest = slice_skip(p->rest, 1);
	}
	slice local = { p->local, p->local_n };
	if (local.n == 0)
		return syntax(p, "local part is missing");
	return is_dot_string(local) ||
	       syntax(p, "local part has a dot too many; quote it");
}

static bool check_utf8(struct parse *p, slice s)
{
	bool memory;
	if (!has_8bit(s))
		return true;
	if (!p->allow_utf8)
		return not_utf8(p, "address needs SMTPUTF8");
	if (text_is_normal(s, false, &memory))
		return true;
	return memory ? err_set_memory(p->err, "address") :
			not_utf8(p, "address is not UTF-8 in form C");
}

static bool parse_local(struct parse *p)
{
	if (take(p, '"') ? !parse_quoted(p) : !parse_dot_string(p))
		return false;
	return check_utf8(p, (slice){ p->local, p->local_n });
}

/* "[192.0.2.1]" or "[IPv6:…]" (RFC 5321 4.1.3), after the bracket; written
 * in its short form. Other tags have never been registered. */
static bool parse_literal(struct parse *p)
{
	size_t end = slice_find(p->rest, ']');
	slice text = slice_sub(p->rest, 0, end);
	struct ip_addr addr;
	char shown[IP_TEXT_MAX];
	bool closed = end < p->rest.n;
	bool tagged = slice_starts_fold(text, SLICE("IPv6:"));
	p->rest = slice_skip(p->rest, end + 1);
	if (tagged)
		text = slice_skip(text, 5);
	bool colon = slice_find(text, ':') < text.n;
	if (!closed || colon != tagged || !ip_addr_parse(text, &addr))
		return syntax(p, "bad address literal");
	ip_addr_text(&addr, shown);
	int n = snprintf(p->domain.p, sizeof(p->domain.p),
			 ip_is_v4(&addr) ? "[%s]" : "[IPv6:%s]", shown);
	p->domain.n = (size_t)n;
	return true;
}

static bool parse_domain(struct parse *p)
{
	if (take(p, '['))
		return parse_literal(p);
	size_t n = 0;
	while (n < p->rest.n && p->rest.p[n] != ' ' && p->rest.p[n] != '>')
		n++;
	slice text = slice_sub(p->rest, 0, n);
	if (!check_utf8(p, text) ||
	    !domain_fold(text, p->final_dot, &p->domain, p->err))
		return false;
	p->rest = slice_skip(p->rest, n);
	return true;
}

/* At-domain *( "," At-domain ) ":" is passed over; nothing is ever done with
 * it (RFC 5321 3.6.1 and appendix C). */
static bool skip_source_route(struct parse *p)
{
	if (next(p) != '@')
		return true;
	do {
		if (!take(p, '@'))
			return syntax(p, "bad source route");
		size_t n = 0;
		if (next(p) == '[')
			n = slice_find(p->rest, ']');
		while (n < p->rest.n && strchr(",:<>@ ", p->rest.p[n]) == NULL)
			n++;
		if (n == 0)
			return syntax(p, "bad source route");
		p->rest = slice_skip(p->rest, n);
	} while (take(p, ','));
	return take(p, ':') || syntax(p, "bad source route");
}

static bool is_postmaster(const struct parse *p)
{
	return slice_eq_fold((slice){ p->local, p->local_n },
			     SLICE("postmaster"));
}

/* Postmaster without a domain is the relay's own (RFC 5321 4.5.1). */
static bool parse_mailbox(struct parse *p, bool allow_postmaster)
{
	if (!parse_local(p))
		return false;
	if (take(p, '@'))
		return parse_domain(p);
	return (allow_postmaster && is_postmaster(p)) ||
	       syntax(p, "address has no domain");
}

static bool parse_brackets(struct parse *p, enum address_use use)
{
	skip_spaces(p);
	if (use == ADDRESS_SENDER && take(p, '>'))
		return true;
	bool routed = next(p) == '@';
	if (!skip_source_route(p) ||
	    !parse_mailbox(p, use == ADDRESS_RECIPIENT && !routed))
		return false;
	skip_spaces(p);
	return take(p, '>') || syntax(p, "\">\" expected behind the address");
}

static bool store(struct parse *p, struct arena *arena, struct address *out)
{
	struct address a = { 0 };
	slice local = { p->local, p->local_n };
	slice domain = { p->domain.p, p->domain.n };
	invariant(local.n <= ADDRESS_LOCAL_MAX);
	invariant(domain.n <= ADDRESS_DOMAIN_MAX);
	if (local.n + domain.n + sizeof("<@>") - 1 > ADDRESS_PATH_MAX)
		return syntax(p, "address is longer than 256 octets");
	if ((local.n > 0 && !arena_copy(arena, local, &a.local)) ||
	    (domain.n > 0 && !arena_copy(arena, domain, &a.domain)))
		return err_set(p->err, ERR_LIMIT, SCOPE_SESSION, "address",
			       "no memory for an address");
	a.utf8 = has_8bit(local);
	*out = a;
	return true;
}

/* Code and enhanced code by what the address was for. */
static bool refuse(struct parse *p, enum address_use use)
{
	struct err *e = p->err;
	if (e == NULL || e->kind != ERR_PROTOCOL)
		return false;
	bool utf8 = e->code == 553;
	bool sender = use == ADDRESS_SENDER;
	e->scope = sender ? SCOPE_MESSAGE : SCOPE_RECIPIENT;
	e->code = utf8 ? 553 : 501;
	e->enhanced[0] = 5;
	e->enhanced[1] = utf8 ? 6 : 1;
	e->enhanced[2] = utf8 ? 7 : sender ? 7 : 3;
	return false;
}

/* Ends at a space or the end of the command. */
static bool parse_bare(struct parse *p, enum address_use use)
{
	if (!parse_mailbox(p, use == ADDRESS_RECIPIENT))
		return false;
	return p->rest.n == 0 || next(p) == ' ' ||
	       syntax(p, "unexpected text behind the address");
}

bool address_parse_path(slice *rest, enum address_use use, bool allow_utf8,
			struct arena *arena, struct address *out,
			struct err *err)
{
	struct parse p = { .rest = *rest, .allow_utf8 = allow_utf8,
			   .err = err };
	skip_spaces(&p);
	size_t before = p.rest.n;
	bool ok = take(&p, '<') ? parse_brackets(&p, use) :
				  parse_bare(&p, use);
	if (ok && before - p.rest.n > ADDRESS_PATH_MAX)
		ok = syntax(&p, "address is longer than 256 octets");
	if (!ok || !store(&p, arena, out))
		return refuse(&p, use);
	skip_spaces(&p);
	*rest = p.rest;
	return true;
}

bool address_parse(slice s, struct arena *arena, struct address *out,
		   struct err *err)
{
	struct parse p = { .rest = s, .allow_utf8 = true, .final_dot = true,
			   .err = err };
	bool ok = parse_mailbox(&p, false);
	if (ok && p.rest.n > 0)
		ok = syntax(&p, "unexpected text behind the address");
	if (!ok || !store(&p, arena, out))
		return refuse(&p, ADDRESS_RECIPIENT);
	return true;
}
