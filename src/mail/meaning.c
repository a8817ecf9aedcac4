/* The rules that give a reply its class, the first that fits; see
 * meaning.h. */
#include "mail/meaning.h"

/* codes: how the reply's own codes must begin; words: what must stand in it,
 * without regard to case. NULL: doesn't matter. */
struct rule {
	const char *code, *enhanced, *words, *meaning;
};

static const struct rule rules[] = {
	/* ours: no host was asked, or none that may be trusted */
	{ "", NULL, "certificate not trusted", "tls_unproven" },
	{ "", NULL, "tls is required", "tls_unproven" },
	{ "", NULL, "did not answer", "no_connection" },
	{ "", NULL, "took too long", "no_connection" },
	{ "", NULL, "closed the connection", "no_connection" },
	{ "", NULL, "connection was lost", "no_connection" },
	{ "", NULL, "connection refused", "no_connection" },
	{ "", NULL, "can't be reached", "no_connection" },
	{ "", NULL, "no route to host", "no_connection" },
	{ "", NULL, "unreachable", "no_connection" },
	{ "", NULL, "timed out", "no_connection" },
	{ "", NULL, "name servers", "no_connection" },
	{ "", NULL, "no such host name", "no_domain" },
	{ "", NULL, "host name has no address", "no_domain" },
	{ "", NULL, "takes no mail", "no_domain" },
	{ "", NULL, "bigger than the next host takes", "too_big" },
	/* greylisting says so in words only */
	{ "4", NULL, "greylist", "greylisting" },
	{ "4", NULL, "graylist", "greylisting" },
	{ "4", NULL, "grey-list", "greylisting" },
	{ "4", NULL, "grey list", "greylisting" },
	/* RFC 3463, 7372, 7504, 7505 */
	{ "5", "5.1.1", NULL, "no_mailbox" },
	{ "5", "5.1.6", NULL, "no_mailbox" },
	{ "5", "5.2.1", NULL, "no_mailbox" },
	{ "5", "5.1.2", NULL, "no_domain" },
	{ "5", "5.1.10", NULL, "no_domain" },
	{ "5", "5.4.4", NULL, "no_domain" },
	{ NULL, "5.2.2", NULL, "mailbox_full" },
	{ NULL, "4.2.2", NULL, "mailbox_full" },
	{ NULL, "5.7.20", NULL, "unauthenticated" },
	{ NULL, "5.7.21", NULL, "unauthenticated" },
	{ NULL, "5.7.22", NULL, "unauthenticated" },
	{ NULL, "5.7.23", NULL, "unauthenticated" },
	{ NULL, "5.7.24", NULL, "unauthenticated" },
	{ NULL, "5.7.25", NULL, "unauthenticated" },
	{ NULL, "5.7.26", NULL, "unauthenticated" },
	{ NULL, "5.7.27", NULL, "unauthenticated" },
	{ NULL, "5.7.28", NULL, "spam" },
	{ NULL, "5.3.4", NULL, "too_big" },
	{ "5", "5.2.3", NULL, "too_big" },
	{ "4", "4.7.2", "spf", "unauthenticated" },
	{ "5", "5.7.1", "spf", "unauthenticated" },
	{ "5", "5.7.1", "dkim", "unauthenticated" },
	{ "5", "5.7.1", "dmarc", "unauthenticated" },
	{ "5", "5.7.1", "relay", NULL },
	{ "5", "5.7.1", NULL, "spam" },
	{ "4", "4.7.", NULL, "busy" },
	{ "4", "4.4.5", NULL, "busy" },
	{ "421", NULL, NULL, "busy" },
	/* without an enhanced code, or with one that says little */
	{ "552", NULL, "quota", "mailbox_full" },
	{ "552", NULL, "full", "mailbox_full" },
	{ "452", NULL, "full", "mailbox_full" },
	{ "452", NULL, "quota", "mailbox_full" },
	{ "552", NULL, "size", "too_big" },
	{ "521", NULL, NULL, "no_domain" },
	{ "556", NULL, NULL, "no_domain" },
	{ "5", NULL, "spam", "spam" },
	{ "5", NULL, "blocked", "spam" },
	{ "5", NULL, "blacklist", "spam" },
	{ "550", NULL, "spf", "unauthenticated" },
	{ "550", NULL, "dkim", "unauthenticated" },
	{ "550", NULL, "dmarc", "unauthenticated" },
	{ "55", NULL, "no such user", "no_mailbox" },
	{ "55", NULL, "user unknown", "no_mailbox" },
	{ "55", NULL, "unknown user", "no_mailbox" },
	{ "55", NULL, "mailbox unavailable", "no_mailbox" },
	{ "55", NULL, "does not exist", "no_mailbox" },
	{ "55", NULL, "mailbox not found", "no_mailbox" },
	{ "4", NULL, "too many", "busy" },
	{ "4", NULL, "too fast", "busy" },
	{ "4", NULL, "rate", "busy" },
	{ "4", NULL, "busy", "busy" },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "550", or "" when the text begins with no code. */
static slice code_of(slice reply)
{
	if (reply.n < 3 || !is_digit(reply.p[0]) || !is_digit(reply.p[1]) ||
	    !is_digit(reply.p[2]) || (reply.n > 3 && is_digit(reply.p[3])))
		return SLICE("");
	return slice_sub(reply, 0, 3);
}

/* "5.1.1" behind the code, or "". */
static slice enhanced_of(slice reply, slice code)
{
	slice s = slice_trim(slice_skip(reply, code.n));
	size_t n = 0, dots = 0;
	while (n < s.n && n < 11 && (is_digit(s.p[n]) || s.p[n] == '.'))
		dots += s.p[n++] == '.';
	return code.n > 0 && dots == 2 ? slice_sub(s, 0, n) : SLICE("");
}

static bool holds(slice text, const char *words)
{
	slice w = slice_of(words);
	for (size_t i = 0; i + w.n <= text.n; i++)
		if (slice_starts_fold(slice_skip(text, i), w))
			return true;
	return false;
}

/* A rule's "4.7." stands for all below it. */
static bool enhanced_fits(slice enhanced, const char *rule)
{
	slice r = slice_of(rule);
	return r.p[r.n - 1] == '.' ? slice_starts(enhanced, r) :
				     slice_eq(enhanced, r);
}

static bool fits(const struct rule *r, slice reply, slice code,
		 slice enhanced)
{
	if (r->code != NULL && r->code[0] == '\0' && code.n > 0)
		return false;
	if (r->code != NULL && !slice_starts(code, slice_of(r->code)))
		return false;
	if (r->enhanced != NULL && !enhanced_fits(enhanced, r->enhanced))
		return false;
	return r->words == NULL || holds(reply, r->words);
}

const char *reply_meaning(slice reply)
{
	slice code = code_of(reply), enhanced = enhanced_of(reply, code);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (fits(&rules[i], reply, code, enhanced))
			return rules[i].meaning;
	return NULL;
}
