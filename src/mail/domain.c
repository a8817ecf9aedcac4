/*
 * Domain names (RFC 5321 2.3.5, RFC 5890 to 5893): one spelling for each.
 * Every label is folded alone, so that a name that mixes "r3---sn" and a
 * U-label passes. Plain labels are checked here (libidn2's own check would
 * refuse or map some of them); U-labels and A-labels by libidn2.
 */
#include "mail/mail_private.h"

#include <idn2.h>
#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/text.h"

enum { NORMAL_TEXT_MAX = 1024 };

bool has_8bit(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] >= 0x80)
			return true;
	return false;
}

/* Characters that would turn a line of a log or a console around, or end it.
 * Lower ASCII controls are the caller's. */
static bool is_control(uint32_t c)
{
	return (c >= 0x80 && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
	       uc_is_property_bidi_control(c);
}

static bool has_control(slice s)
{
	while (s.n > 0) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)s.p, s.n);
		invariant(n > 0);
		if (is_control(c))
			return true;
		s = slice_skip(s, (size_t)n);
	}
	return false;
}

bool text_is_normal(slice s, bool compatible, bool *memory)
{
	uint8_t room[NORMAL_TEXT_MAX];
	size_t n = sizeof(room);
	*memory = false;
	if (s.n > sizeof(room) || !utf8_valid(s) || has_control(s))
		return false;
	uint8_t *normal = u8_normalize(compatible ? UNINORM_NFKC : UNINORM_NFC,
				       (const uint8_t *)s.p, s.n, room, &n);
	*memory = normal == NULL;
	bool same = normal != NULL && n == s.n && memcmp(normal, s.p, n) == 0;
	if (normal != NULL && normal != room)
		free(normal);
	return same;
}

static bool syntax(struct err *err, const char *why)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_MESSAGE, "domain", "%s", why);
}

/* Letters, digits, hyphens inside; and the underscore, which old systems
 * have in their names (SPEC 1.6). */
static bool is_ldh(slice label)
{
	if (label.n == 0 || label.n > ADDRESS_LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_alnum(label.p[i]) && label.p[i] != '-' &&
		    label.p[i] != '_')
			return false;
	return true;
}

static bool append_label(struct domain_text *out, slice label, struct err *err)
{
	size_t dot = out->n > 0;
	if (!is_ldh(label))
		return syntax(err, "domain has a label that is not allowed");
	if (label.n + dot > sizeof(out->p) - out->n)
		return syntax(err, "domain is too long");
	if (dot)
		out->p[out->n++] = '.';
	for (size_t i = 0; i < label.n; i++)
		out->p[out->n++] = ascii_lower(label.p[i]);
	return true;
}

/* A U-label to its A-label, or an A-label to itself once it is proved that
 * it stands for a U-label. IDNA 2008 with the non-transitional mapping;
 * characters that only look like others (full width, ligatures) are refused
 * before the mapping could turn them into plain ones. */
static bool append_idn(struct domain_text *out, slice label, struct err *err)
{
	char room[NORMAL_TEXT_MAX];
	bool memory;
	if (!text_is_normal(label, true, &memory))
		return memory ? err_set_memory(err, "domain") :
				syntax(err, "domain has a label that is not "
					    "allowed");
	if (!slice_to_cstr(label, room, sizeof(room)))
		return syntax(err, "domain is too long");
	uint8_t *ascii = NULL;
	int rc = idn2_lookup_u8((const uint8_t *)room, &ascii,
				IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc == IDN2_MALLOC)
		return err_set_memory(err, "domain");
	if (rc != IDN2_OK)
		return syntax(err, "domain has a label that IDNA does not "
				   "allow");
	slice folded = slice_of((const char *)ascii);
	bool ok = has_8bit(label) || slice_eq_fold(folded, label);
	ok = ok ? append_label(out, folded, err) :
		  syntax(err, "domain has a label that IDNA does not allow");
	idn2_free(ascii);
	return ok;
}

/* What a careless reader takes for an IPv4 address (127.1, 0x7f.1,
 * 2130706433) ends in a number; no name in DNS does. */
static bool is_number(slice label)
{
	bool hex = slice_starts(label, SLICE("0x"));
	for (size_t i = hex ? 2 : 0; i < label.n; i++) {
		char c = label.p[i];
		if (!ascii_digit(c) && !(hex && c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

static slice last_label(slice domain)
{
	size_t dot = slice_rfind(domain, '.');
	return dot == domain.n ? domain : slice_skip(domain, dot + 1);
}

bool domain_fold(slice s, bool final_dot, struct domain_text *out,
		 struct err *err)
{
	out->n = 0;
	if (final_dot && s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	/* Each octet of the result comes from at least a quarter of one. */
	if (s.n == 0 || s.n > 4 * ADDRESS_DOMAIN_MAX)
		return syntax(err, s.n ? "domain is too long" :
					 "domain is missing");
	for (bool more = true; more;) {
		more = slice_find(s, '.') < s.n;
		slice label = slice_cut(&s, '.');
		bool idn = has_8bit(label) ||
			   slice_starts_fold(label, SLICE("xn--"));
		if (idn ? !append_idn(out, label, err) :
			  !append_label(out, label, err))
			return false;
	}
	if (is_number(last_label((slice){ out->p, out->n })))
		return syntax(err, "domain is a number");
	return true;
}

bool domain_normalise(slice s, struct arena *arena, slice *out,
		      struct err *err)
{
	struct domain_text text;
	if (!domain_fold(s, true, &text, err))
		return false;
	if (!arena_copy(arena, (slice){ text.p, text.n }, out))
		return err_set(err, ERR_LIMIT, SCOPE_SELF, "domain",
			       "no memory for a domain");
	return true;
}

bool domain_within(slice inner, slice domain)
{
	if (domain.n == 0 || inner.n < domain.n)
		return false;
	size_t head = inner.n - domain.n;
	return slice_eq(slice_skip(inner, head), domain) &&
	       (head == 0 || (head > 1 && inner.p[head - 1] == '.'));
}

slice domain_parent(slice domain)
{
	return slice_skip(domain, slice_find(domain, '.') + 1);
}
