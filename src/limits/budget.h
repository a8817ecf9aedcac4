/*
 * Budgets of SPEC 7: how often something may happen (connections, TLS
 * handshakes, failed AUTH) and how much of it may be open at once, by a key
 * (a client address, a HELO name within its class, an account).
 *
 * One table for all shards, of a fixed size: 8-way sets, each under a lock
 * held for one look-up. Nothing grows and nothing is swept, so a flood costs
 * what a single connection costs. When a set is full the key that is nearest
 * to a full budget and has nothing open is forgotten: a flood of addresses
 * can give single ones a fresh budget, and never takes one away.
 *
 * Time is the caller's monotonic clock in milliseconds.
 */
#pragma once

#include "base/ip.h"

/* `count` in `every_ms`, evenly, of which `burst` (at least 1) may come at
 * once (GCRA). count 0: no bound. */
struct budget_rate {
	uint32_t count, every_ms, burst;
};

enum budget_kind {
	BUDGET_CONNECT,			/* new connections of an address */
	BUDGET_OPEN_STRANGER,		/* connections at once */
	BUDGET_OPEN_KNOWN,
	BUDGET_HANDSHAKE,		/* TLS, of an address */
	BUDGET_HELO,			/* new sessions under a name */
	BUDGET_AUTH_ADDRESS,		/* failed AUTH from an address */
	BUDGET_AUTH_ACCOUNT,		/* … at an account from a network */
	BUDGET_AUTH_ALL,		/* … from anywhere */
	BUDGET_AUTH_GOOD,		/* an account was right from there */
	BUDGET_TOLD,			/* refusals by these that are told */
};

struct budgets;
/* places: how many keys are kept, rounded up to a power of two (24 bytes
 * each). NULL: out of memory. */
struct budgets *budgets_new(uint32_t places);
void budgets_free(struct budgets **b);

/* An IPv6 address counts with its /64. */
uint64_t budget_key_address(enum budget_kind kind, const struct ip_addr *a);
/* The network around a client of AUTH: IPv4 /24, IPv6 /64. */
uint64_t budget_key_network(enum budget_kind kind, const struct ip_addr *a,
			    slice account);
/* A HELO name (case doesn't matter) within its class: 0 for all strangers
 * together, else the customer whose listed address it is. */
uint64_t budget_key_helo(uint32_t class_customer, slice helo);

/*
 * Takes one, now or up to `wait_max_ms` ahead of its time. True: taken;
 * *wait_ms says how long the caller should wait before it goes on (0: not at
 * all). False: nothing taken; *wait_ms says when one would be free.
 */
bool budget_take(struct budgets *b, uint64_t key,
		 const struct budget_rate *rate, int64_t wait_max_ms,
		 int64_t now_ms, int64_t *wait_ms) MUST_USE;
/* The same without taking. */
bool budget_has_room(struct budgets *b, uint64_t key,
		     const struct budget_rate *rate, int64_t now_ms,
		     int64_t *wait_ms) MUST_USE;

/* Holds one of at most `max` places that are open at once; each that was
 * taken is given back by budget_leave with the same key. False: all taken
 * (or, under a flood, no place to count it). */
bool budget_enter(struct budgets *b, uint64_t key, uint32_t max,
		  int64_t now_ms) MUST_USE;
void budget_leave(struct budgets *b, uint64_t key);

/* Keeps a key for `ms`, as long as its set has room; is it kept? */
void budget_remember(struct budgets *b, uint64_t key, int64_t ms,
		     int64_t now_ms);
bool budget_remembers(struct budgets *b, uint64_t key, int64_t now_ms);
