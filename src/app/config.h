/*
 * postrider.yaml: every key, its type and its default, in one struct. The
 * parser knows no files: the caller reads the text, and puts in secrets that
 * the file refers to ("@file:…"). Without any text the defaults serve.
 *
 * A config is a value whose slices and lists lie in the arena it was parsed
 * into. C strings are NUL-terminated.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/limits_table.h"
#include "base/text.h"

enum {
	CONFIG_TEXT_MAX = 262144,
	CONFIG_ARENA_MAX = 8388608,
	CONFIG_LISTENERS_MAX = 64,
	CONFIG_ROUTES_MAX = 1000,
	CONFIG_RANGES_MAX = 256,
	CONFIG_RETRIES_MAX = 64,
	CONFIG_FORWARDERS_MAX = 8,
	CONFIG_SHARDS_MAX = 256,
};

/* Where in the file something stands, from 1; line 0: nowhere. */
struct config_place {
	unsigned line, column;
};

enum listener_tls {
	LISTENER_STARTTLS,
	LISTENER_IMPLICIT_TLS,
	LISTENER_PLAIN,			/* STARTTLS isn't offered */
};
struct config_listener {
	slice name;
	slice address;			/* as written: "*:25" */
	struct ip_port at[2];		/* "*" is both families */
	unsigned at_count;
	bool any_address;		/* written as "*" */
	enum listener_tls tls;
	/* If there are any: only from them, with a PROXY v2 header. */
	struct ip_range *proxies;
	size_t proxy_count;
	struct ip_range *xclients;	/* may say XCLIENT */
	size_t xclient_count;
	/* Old TLS is taken until the end of a day (UTC); 0: never. */
	int64_t legacy_until_ms;	/* Unix time */
	slice legacy_until;		/* as written */
	bool legacy_auth;		/* AUTH over it, too */
	struct config_place legacy_at;
};

enum route_kind { ROUTE_SMART_HOST, ROUTE_LMTP, ROUTE_MAILDIR };
enum route_tls { ROUTE_TLS_OPPORTUNISTIC, ROUTE_TLS_REQUIRED,
		 ROUTE_TLS_NEVER };
struct config_route {
	slice domain;			/* A-label form, lower case; "*": all */
	enum route_kind kind;
	/* SMART_HOST, LMTP: a name (looked up as A/AAAA) or an address
	 * without brackets */
	slice host;
	uint16_t port;
	enum route_tls tls;
	slice user, password;		/* AUTH; user empty: none */
	const char *password_file;	/* NULL, or where master finds it */
	const char *maildir;		/* MAILDIR: below data_dir, no "..",
					 * no "/" at the end */
};

struct config {
	slice hostname;			/* empty: the machine's */
	const char *data_dir;
	const char *user;		/* NULL: not set */
	uint32_t shards;		/* 0: one a core */
	struct config_listener *listeners;
	size_t listener_count;
	const char *tls_certificate;	/* NULL: self-signed, made at start */
	const char *tls_key;
	struct config_place tls_certificate_at, tls_key_at;
	/* NULL address: unix socket at console_path */
	bool console_on;
	struct ip_port console_at;
	const char *console_path;	/* NULL: console_at */
	const char *console_url;	/* what people call it by; NULL: the
					 * address */
	const char **dns_forward;	/* "127.0.0.1@53", NULL-terminated;
					 * NULL: resolv.conf's */
	const char *dns_trust_anchor;	/* NULL: not set; "none" */
	struct ip_range *allow_addresses;
	size_t allow_address_count;
	uint16_t delivery_port;
	uint64_t *retry_ms;		/* the last one repeats */
	size_t retry_count;		/* at least 1 */
	uint64_t expire_ms;
	struct config_route *routes;	/* the first that matches */
	size_t route_count;
	slice operator_mail;		/* may be empty */
	slice operator_domain;		/* of it, as routes have it */
	struct config_place operator_mail_at;
	uint64_t spool_segment_bytes;
	uint64_t spool_keep_free_bytes;	/* UINT64_MAX: min(5 %, 1 GiB) */
	uint64_t journal_keep_ms;
	uint64_t journal_bytes;
	const char *control_path;	/* socket, in data_dir or absolute */
	struct limits limits;
	bool from_file;
};

/* What serves without a file. False: no memory. */
bool config_defaults(struct config *c, struct arena *arena) MUST_USE;
/* Defaults and then the text on top. Errors, a line each, go to `errors` as
 * "file:line:col: error: …"; false if there was any. */
bool config_parse(slice text, const char *file, enum language language,
		  struct arena *arena, struct config *c,
		  struct buf *errors) MUST_USE;
/* The words of configuration errors. */
enum config_text {
#define TEXT(id, en, ja) CONFIG_SAY_##id,
#include "app/config_text.def"
#undef TEXT
	CONFIG_SAY_COUNT,
};
const struct text *config_text(enum config_text id);

/* The first route that covers the domain (A-label form, lower case), NULL:
 * by MX. A route's domain covers its subdomains. */
const struct config_route *config_route_of(const struct config *c,
					   slice domain);
/* Mail to the operator has a route, or there is no address for it. */
bool config_operator_routed(const struct config *c);
