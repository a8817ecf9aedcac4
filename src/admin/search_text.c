/* What people type into a search: which kind of thing it names. See search.h. */
#include <stdio.h>
#include <string.h>

#include "admin/search_private.h"
#include "base/id.h"
#include "base/ip.h"

static slice put(char to[SEARCH_TEXT_MAX], slice s)
{
	s = slice_sub(s, 0, SEARCH_TEXT_MAX);
	for (size_t i = 0; i < s.n; i++)
		to[i] = ascii_lower(s.p[i]);
	return (slice){ to, s.n };
}

/* Case matters in a Message-ID. */
static slice put_raw(char to[SEARCH_TEXT_MAX], slice s)
{
	s = slice_sub(s, 0, SEARCH_TEXT_MAX);
	memcpy(to, s.p, s.n);
	return (slice){ to, s.n };
}

static bool is_client(slice s, char to[SEARCH_TEXT_MAX], slice *clean)
{
	struct ip_addr a;
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = slice_sub(s, 1, s.n - 2);
	if (!ip_addr_parse(s, &a))
		return false;
	*clean = slice_of(ip_addr_text(&a, to));
	return true;
}

/* In a domain of letters, digits, dots and hyphens. */
static bool is_domain(slice s)
{
	bool dot = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		dot = dot || c == '.';
		if (c != '.' && c != '-' && !(c >= '0' && c <= '9') &&
		    !(c >= 'a' && c <= 'z') && (unsigned char)c < 0x80)
			return false;
	}
	return dot && s.n <= 255;
}

enum search_term search_text(slice typed, char to[SEARCH_TEXT_MAX],
			     slice *clean)
{
	struct id id;
	struct reference reference;
	slice s = slice_trim(typed);
	*clean = (slice){ 0 };
	if (s.n == 0)
		return TERM_NONE;
	if (s.n > 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') {
		*clean = put_raw(to, slice_sub(s, 1, s.n - 2));
		return TERM_MESSAGE_ID;
	}
	if (is_client(s, to, clean))
		return TERM_CLIENT;
	*clean = put(to, s);
	if (reference_parse(*clean, &reference))
		return TERM_REFERENCE;
	if (id_parse(*clean, &id))
		return TERM_ID;
	if (slice_find(s, '@') < s.n) {
		slice domain = slice_skip(s, slice_rfind(s, '@') + 1);
		if (domain.n == s.n - 1)	/* "@example.com" */
			*clean = put(to, domain);
		return domain.n == s.n - 1 ? TERM_DOMAIN : TERM_ADDRESS;
	}
	return is_domain(s) ? TERM_DOMAIN : TERM_NONE;
}

void search_cursor_text(struct search_cursor at, char to[SEARCH_CURSOR_MAX])
{
	snprintf(to, SEARCH_CURSOR_MAX, "%llu.%llu",
		 (unsigned long long)at.day, (unsigned long long)at.n);
}

bool search_cursor_parse(slice s, struct search_cursor *out)
{
	size_t dot = slice_find(s, '.');
	return dot < s.n &&
	       slice_u64(slice_sub(s, 0, dot), 1000000, &out->day) &&
	       slice_u64(slice_skip(s, dot + 1), INT64_MAX, &out->n) &&
	       out->day > 0;
}
