/*
 * Addresses of names, by libunbound on threads of its own; never on a shard.
 * Simulated in tests/sim by a scripted zone. MX, TLSA and DNSSEC come with
 * delivery by MX.
 */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "os/thread.h"

enum { RESOLVER_ADDRESSES_MAX = 16 };

struct resolver;
struct resolver_config {
	const char *const *forward;	/* "127.0.0.1@53", NULL-terminated; or
					 * NULL: the servers of resolv.conf */
	unsigned threads;
	int64_t deadline_ms;		/* of a question; 0: 15 s */
};
/* Reads all files it will ever need (resolv.conf, hosts); ERR_PERMANENT: a
 * forwarder that is no address and the like. threads: workers, each with a
 * cache of its own; any number of questions is under way in each. */
bool resolver_open(const struct resolver_config *config,
		   struct resolver **out, struct err *err) MUST_USE;
/* Its threads (libunbound's too) run from here on: between open and start a
 * sandbox may close. */
bool resolver_start(struct resolver *r, struct err *err) MUST_USE;
/* Queries under way are dropped: their done is not called. Threads that asked
 * must still be there and ask no more. */
void resolver_close(struct resolver **r);

/* One question; the object is the caller's and must live until done is
 * called on the thread that asked (never from inside resolver_addresses), at
 * the deadline at the latest. */
struct resolver_query {
	struct os_job job;		/* private */
	struct resolver *resolver;	/* private */
	char name[256];
	/* answer */
	bool ok;
	struct ip_addr addresses[RESOLVER_ADDRESSES_MAX];	/* IPv6 first */
	unsigned count;
	struct err err;			/* ERR_TEMPORARY: ask again later;
					 * ERR_PERMANENT: no such name */
	void (*done)(struct resolver_query *q);
};
/* On one of our threads. An address, also in brackets, answers itself; names
 * are complete, no search list is tried. */
void resolver_addresses(struct resolver *r, struct resolver_query *q,
			slice name, void (*done)(struct resolver_query *));
