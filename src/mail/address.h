/*
 * Addresses of envelopes (RFC 5321 4.1.2, RFC 6531 3.3): one parser for all
 * uses, one writer. What comes out are two slices, and the domain that is
 * used for policy, limits, DKIM and routing is that same slice.
 *
 * Taken as senders write them: spaces within the path, missing brackets, an
 * underscore in a domain; a source route is stripped. The local part is
 * never interpreted: '%' and '!' are plain characters.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum {
	ADDRESS_LOCAL_MAX = 64,
	ADDRESS_DOMAIN_MAX = 255,
	ADDRESS_PATH_MAX = 256,		/* with <> */
	ADDRESS_LABEL_MAX = 63,
};

/* local is unquoted (the meaning, not the spelling); domain is lower case,
 * A-labels, no final dot, or a literal "[192.0.2.1]" / "[IPv6:…]" in its
 * short form. Null sender: both empty. "postmaster" without a domain: domain
 * empty. */
struct address {
	slice local;
	slice domain;
	bool utf8;		/* needs SMTPUTF8: local part has 8-bit */
};

static inline bool address_is_null(const struct address *a)
{
	return a->local.n == 0 && a->domain.n == 0;
}
bool address_is_literal(const struct address *a);
/* Local parts by bytes, domains as they are (already folded). */
bool address_eq(const struct address *a, const struct address *b);

enum address_use { ADDRESS_SENDER, ADDRESS_RECIPIENT };

/*
 * Reads one path at the front of *rest (what follows "FROM:" or "TO:") and
 * leaves *rest behind it, at the parameters. allow_utf8: SMTPUTF8 was given
 * (else 8-bit is 553 5.6.7). Slices live in arena. Fails with ERR_PROTOCOL
 * and code/enhanced of the reply: 501 5.1.7 (sender), 501 5.1.3 (recipient),
 * 553 5.6.7.
 */
bool address_parse_path(slice *rest, enum address_use use, bool allow_utf8,
			struct arena *arena, struct address *out,
			struct err *err) MUST_USE;

/* "local@domain" as people write it (directory files, command line). */
bool address_parse(slice s, struct arena *arena, struct address *out,
		   struct err *err) MUST_USE;

/* Folds a domain: lower case, A-labels (IDNA 2008, non-transitional), no
 * final dot, LDH and underscore only, bounds checked. Not for literals. */
bool domain_normalise(slice s, struct arena *arena, slice *out,
		      struct err *err) MUST_USE;
/* inner is domain or below it: "a.example.com" in "example.com". */
bool domain_within(slice inner, slice domain);
/* The name one label up ("b.c" of "a.b.c"); empty at the top. */
slice domain_parent(slice domain);

/* "local@domain", quoted where needed; "" for the null sender. To `out`. */
struct buf;
void address_write(struct buf *out, const struct address *a);
enum { ADDRESS_TEXT_MAX = 400 };
/* The same as a slice in the arena; empty when out of memory. */
slice address_text(const struct address *a, struct arena *arena);
