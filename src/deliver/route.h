/*
 * Where a domain's mail goes: the routes of the configuration, first match;
 * a domain covers its subdomains, "*" covers all. (MX comes later: a domain
 * without a route has none.)
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "queue/destination.h"
#include "smtp/client.h"

enum deliver_kind { DELIVER_SMTP, DELIVER_LMTP, DELIVER_MAILDIR };

/* How to reach a destination. Immutable. */
struct route {
	slice domain;			/* folded; "*" */
	enum deliver_kind kind;
	slice host;			/* SMTP, LMTP: name or address */
	uint16_t port;
	enum smtp_client_tls tls;
	slice user, password;		/* empty: no AUTH */
	int maildir;			/* MAILDIR: open directory, stays the
					 * caller's */
	slice maildir_name;
	struct destination *destination;
};

/* Makes tmp, new and cur in an open directory, durably: without them no
 * delivery would outlive a power cut. Blocks: before the relay runs. */
bool maildir_prepare(int dir, struct err *err) MUST_USE;

struct routes {
	struct router router;		/* first: a routes is a router */
	struct arena arena;
	struct route *all;
	size_t count;
	/* by destination index; NULL: not in this configuration */
	const struct route *by_destination[DESTINATIONS_MAX];
};

/* Copies the specs (their destination is found or made here). */
bool routes_new(struct destinations *all, const struct route *specs,
		size_t count, uint32_t concurrency_max, struct routes **out,
		struct err *err) MUST_USE;
void routes_free(struct routes **r);
/* How to reach d today; NULL: no route leads there any more. */
const struct route *routes_of(const struct routes *r,
			      const struct destination *d);
