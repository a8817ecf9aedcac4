/*
 * What is read out of the head of an HTTP request: language, session, where
 * it comes from. Pure; the server (serve.c) gives the fields.
 */
#pragma once

#include "base/text.h"
#include "console/routes.h"

/* Fields that matter, as they came; empty: absent. `twice`: one of those that
 * may stand once stood twice, or the framing (RFC 9112 6.3) is ambiguous. */
struct http_head {
	slice host, origin, fetch_site, content_type, accept_language;
	slice authorization, cookie, csrf, if_match, if_none_match;
	slice forwarded_for, content_length, transfer_encoding;
	slice accept_encoding;
	bool twice, folded;
};
/* Takes one field. Both stand in the head as it came: a value that isn't
 * right behind its name was put together of folded lines (obs-fold, RFC 9112
 * 5.2), which is no sound head. */
void http_head_field(struct http_head *h, slice name, slice value);
/* Can the length of the body be told, and is there one Host? */
bool http_head_sound(const struct http_head *h, bool is_http_1_0);

enum language http_language(const struct http_head *h, slice query_lang);
/* The bearer token, or the session's cookie; by_cookie: the latter. Empty:
 * none. */
slice http_session(const struct http_head *h, bool *by_cookie);
/* False: a browser says that another site made the request (Origin,
 * Sec-Fetch-Site). What is no browser says neither. */
bool http_own_origin(const struct http_head *h);
/* Letters, digits, '-' and '_': what tokens and tags of ours are made of. */
bool http_is_token(slice s);
bool http_is_json(const struct http_head *h);
bool http_takes_gzip(const struct http_head *h);
/* Who speaks: the last of X-Forwarded-For. The console listens on loopback or
 * on a Unix socket only, so whoever connects is the proxy, or stands beside
 * it. Empty: the peer itself. */
slice http_client(const struct http_head *h);
