/* Heads of requests; see http.h. */
#include "console/http.h"

#include "base/ip.h"

enum { HEAD_MAX = 65536 };

static const char COOKIE[] = "__Host-postrider";

/* --- fields --------------------------------------------------------------- */

static const struct field_place {
	const char *name;
	size_t offset;
	bool once;			/* else the last one counts */
} PLACES[] = {
	{ "host", offsetof(struct http_head, host), true },
	{ "origin", offsetof(struct http_head, origin), true },
	{ "sec-fetch-site", offsetof(struct http_head, fetch_site), true },
	{ "content-type", offsetof(struct http_head, content_type), true },
	{ "accept-language", offsetof(struct http_head, accept_language),
	  false },
	{ "authorization", offsetof(struct http_head, authorization), true },
	{ "cookie", offsetof(struct http_head, cookie), true },
	{ "x-csrf-token", offsetof(struct http_head, csrf), true },
	{ "if-match", offsetof(struct http_head, if_match), true },
	{ "if-none-match", offsetof(struct http_head, if_none_match), false },
	{ "x-forwarded-for", offsetof(struct http_head, forwarded_for),
	  false },
	{ "content-length", offsetof(struct http_head, content_length), true },
	{ "transfer-encoding", offsetof(struct http_head, transfer_encoding),
	  true },
	{ "accept-encoding", offsetof(struct http_head, accept_encoding),
	  false },
};

/* libmicrohttpd joins folded lines somewhere else. */
static bool is_folded(slice name, slice value)
{
	uintptr_t end = (uintptr_t)name.p + name.n + 1;
	uintptr_t at = (uintptr_t)value.p;
	if (at < end || at - end > HEAD_MAX)
		return true;
	for (const char *p = name.p + name.n + 1; p < value.p; p++)
		if (*p != ' ' && *p != '\t')
			return true;
	return false;
}

void http_head_field(struct http_head *h, slice name, slice value)
{
	h->folded |= value.n > 0 && is_folded(name, value);
	for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
		if (!slice_eq_fold(name, slice_of(PLACES[i].name)))
			continue;
		slice *to = (slice *)(void *)((char *)h + PLACES[i].offset);
		/* An empty one is said as well. */
		if (to->p != NULL && PLACES[i].once)
			h->twice = true;
		*to = value.p != NULL ? value : SLICE("");
	}
}

bool http_head_sound(const struct http_head *h, bool is_http_1_0)
{
	uint64_t length;
	bool chunked = h->transfer_encoding.p != NULL;
	if (h->twice || h->folded || (!is_http_1_0 && h->host.n == 0))
		return false;
	if (chunked && (h->content_length.p != NULL ||
			!slice_eq_fold(h->transfer_encoding,
				       SLICE("chunked"))))
		return false;
	return h->content_length.p == NULL ||
	       slice_u64(h->content_length, INT64_MAX, &length);
}

/* --- language ------------------------------------------------------------- */

/* "ja;q=0.8": thousandths. */
static unsigned weight(slice parameters)
{
	uint64_t n = 0;
	slice q = slice_trim(parameters);
	if (!slice_starts_fold(q, SLICE("q=")))
		return 1000;
	q = slice_skip(q, 2);
	if (slice_starts(q, SLICE("1")))
		return 1000;
	q = slice_sub(slice_skip(q, 2), 0, 3);
	if (!slice_u64(q, 999, &n))
		return 0;
	for (size_t i = q.n; i < 3; i++)
		n *= 10;
	return (unsigned)n;
}

static bool is_language(slice tag, const char *language)
{
	slice primary = slice_sub(tag, 0, slice_find(tag, '-'));
	return slice_eq_fold(primary, slice_of(language));
}

enum language http_language(const struct http_head *h, slice query_lang)
{
	slice rest = h->accept_language;
	unsigned en = 0, ja = 0;
	if (slice_eq(query_lang, SLICE("ja")))
		return LANGUAGE_JA;
	if (slice_eq(query_lang, SLICE("en")))
		return LANGUAGE_EN;
	while (rest.n > 0) {
		slice item = slice_cut(&rest, ',');
		slice tag = slice_trim(slice_cut(&item, ';'));
		unsigned w = weight(item);
		if (is_language(tag, "en") && w > en)
			en = w;
		if (is_language(tag, "ja") && w > ja)
			ja = w;
		/* Said first, of two that weigh the same. */
		if (ja > 0 && ja == en && is_language(tag, "en"))
			en--;
	}
	return ja > en ? LANGUAGE_JA : LANGUAGE_EN;
}

/* --- session -------------------------------------------------------------- */

slice http_session(const struct http_head *h, bool *by_cookie)
{
	slice rest = h->cookie, found = { 0 };
	*by_cookie = false;
	if (slice_starts_fold(h->authorization, SLICE("bearer "))) {
		slice token = slice_trim(slice_skip(h->authorization, 7));
		/* A cookie's value is none: it would need no CSRF token. */
		return slice_starts(token, SLICE("pr_api_")) ? token
							     : SLICE("-");
	}
	while (rest.n > 0) {
		slice pair = slice_cut(&rest, ';');
		slice name = slice_trim(slice_cut(&pair, '='));
		if (!slice_eq(name, slice_of(COOKIE)))
			continue;
		/* Two: nobody knows whose. */
		if (found.p != NULL)
			return (slice){ 0 };
		found = slice_trim(pair);
	}
	*by_cookie = found.n > 0;
	return found;
}

/* --- where from ----------------------------------------------------------- */

static slice host_name(slice host)
{
	if (slice_starts(host, SLICE("[")))
		return slice_sub(host, 0, slice_find(host, ']') + 1);
	return slice_sub(host, 0, slice_find(host, ':'));
}

/* Plain HTTP is no other site only where the browser trusts it. */
static bool is_loopback_name(slice host)
{
	slice name = host_name(host);
	return slice_eq_fold(name, SLICE("localhost")) ||
	       slice_eq(name, SLICE("127.0.0.1")) ||
	       slice_eq(name, SLICE("[::1]"));
}

bool http_own_origin(const struct http_head *h)
{
	slice origin = h->origin;
	if (h->fetch_site.p != NULL &&
	    !slice_eq(h->fetch_site, SLICE("same-origin")))
		return false;
	if (origin.p == NULL)
		return true;
	if (slice_starts(origin, SLICE("https://")))
		return slice_eq_fold(slice_skip(origin, 8), h->host);
	return slice_starts(origin, SLICE("http://")) &&
	       slice_eq_fold(slice_skip(origin, 7), h->host) &&
	       is_loopback_name(h->host);
}

bool http_is_token(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
			return false;
	return true;
}

bool http_is_json(const struct http_head *h)
{
	slice type = slice_sub(h->content_type, 0,
			       slice_find(h->content_type, ';'));
	return slice_eq_fold(slice_trim(type), SLICE("application/json"));
}

bool http_takes_gzip(const struct http_head *h)
{
	slice rest = h->accept_encoding;
	while (rest.n > 0) {
		slice item = slice_cut(&rest, ',');
		slice coding = slice_trim(slice_cut(&item, ';'));
		if (slice_eq_fold(coding, SLICE("gzip")))
			return weight(item) > 0;
	}
	return false;
}

slice http_client(const struct http_head *h)
{
	struct ip_addr address;
	slice list = h->forwarded_for;
	size_t comma = slice_rfind(list, ',');
	slice last = slice_trim(comma < list.n ? slice_skip(list, comma + 1)
					       : list);
	return last.n > 0 && ip_addr_parse(last, &address) ? last
							   : (slice){ 0 };
}
