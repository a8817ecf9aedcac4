/*
 * What the files of the ledger share. Everything here is read and changed
 * under the lock of its stripe; times are inside times (window.h). Private to
 * src/limits.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "limits/ledger.h"
#include "limits/unique.h"

enum {
	DAY, PEAK,		/* the two windows of a customer */
	CUSTOMER_WINDOWS,
	SHELVES = 64,		/* maps of users in a stripe: each stays small
				 * enough to grow in a millisecond */
	TICK_MS = 10000,
	PROGRESS_STEP_MS = 1000,
	LAPSE_WORK = 1000,	/* recipients that one call lets lapse */
	MAP_BYTES = 32,		/* of an object in its map, about */
};

/* When the alerts of a limit were last given, in ticks of TICK_MS since
 * 1970 (enough for 1,300 years); 0: never. */
struct alert_marks {
	uint32_t at_80, at_100;
};

struct customer_counts {
	struct list turn;		/* in stripe->customers */
	struct list waiting;		/* RESERVED ones, least progress first */
	struct list users;		/* booked last first */
	uint32_t id;
	uint32_t holders;		/* reservations that point here */
	uint64_t reserved;		/* recipients, both windows */
	uint64_t drawn[CUSTOMER_WINDOWS];	/* of them out of the null
						 * sender's reserve */
	struct window used[CUSTOMER_WINDOWS];
	struct window null_used[CUSTOMER_WINDOWS];
	struct alert_marks alerts[CUSTOMER_WINDOWS];
};

struct user_counts {
	struct list turn;		/* in stripe->users */
	struct list of_customer;	/* in customer->users */
	struct customer_counts *customer;
	uint32_t id;
	uint32_t holders;
	uint32_t reserved;		/* messages */
	struct window messages;
	struct unique unique;
	struct alert_marks alerts[2];	/* messages, unique */
};

enum reservation_state { RESERVED, LAPSED, DUE };

struct reservation {
	enum reservation_state state;
	enum ledger_mode mode;
	bool shared_address;
	bool message;			/* the user's message is reserved */
	bool message_booked;		/* and shall not be */
	uint32_t customer_id, user_id;
	struct list waiting;		/* RESERVED: in customer->waiting */
	/* NULL while LAPSED; user also when user_id is 0. */
	struct customer_counts *customer;
	struct user_counts *user;
	int64_t progress_ms;
	int64_t noted_ms;		/* the same as the owner passed it;
					 * only the owner looks */
	uint32_t drawn[CUSTOMER_WINDOWS];
	uint32_t count, cap;
	uint64_t *hashes;
};

struct stripe {
	_Alignas(64) struct steady clock;
	int64_t now_ms;			/* of the call under way */
	struct room *room;
	struct map by_id;		/* customers */
	struct list customers;		/* whose turn it is to be looked at */
	struct list users;
	uint64_t customer_count, user_count;
	struct map shelves[SHELVES];	/* users */
};

struct ledger {
	struct stripe stripes[LEDGER_STRIPES];
	struct ledger_locks locks;
	struct room room;
	_Atomic uint32_t tidy_next;
};

/* --- ledger.c --- */

/* Locks the customer's stripe and sets its time. now_ms < 0: as it was. */
struct stripe *stripe_enter(struct ledger *l, uint32_t customer,
			    int64_t now_ms);
void stripe_leave(struct ledger *l, struct stripe *s);

/* Found with their windows at now, or NULL. */
struct customer_counts *customer_find(struct stripe *s, uint32_t id);
struct user_counts *user_find(struct stripe *s, uint32_t customer,
			      uint32_t id);
/* Asks for all of it that a reservation touches, so that what lies in cold
 * memory comes side by side: three waits, one for the places in the maps, one
 * for customer and user, one for the user's table. user 0: none. */
void stripe_prefetch(const struct stripe *s, uint32_t customer, uint32_t user,
		     uint64_t recipient);
/* The same, made when they aren't there; NULL: no memory. */
struct customer_counts *customer_get(struct stripe *s, uint32_t id);
struct user_counts *user_get(struct stripe *s, struct customer_counts *c,
			     uint32_t id);
void customer_advance(struct stripe *s, struct customer_counts *c);
void user_advance(struct stripe *s, struct user_counts *u);
/* Looks at n customers and n users whose turn it is: idle ones are dropped. */
void stripe_tidy(struct stripe *s, unsigned n);

/* --- ledger_reserve.c --- */

/* Takes back what it holds; it stays with its recipients, LAPSED. */
void reservation_lapse(struct stripe *s, struct reservation *r);
/* Lets lapse what is due of a customer, LAPSE_WORK recipients at most; false
 * when more is due. */
bool lapse_due(struct stripe *s, struct customer_counts *c);

/* --- ledger_show.c --- */

/* Fills used, reserved, limit and opens_at of why->verdict. u may be NULL. */
void refusal_fill(const struct stripe *s, const struct customer_counts *c,
		  const struct user_counts *u, const struct allowance *a,
		  struct ledger_refusal *why);
/* Marks and tells what is crossed now. */
unsigned alerts_of(const struct stripe *s, struct customer_counts *c,
		   struct user_counts *u, const struct allowance *a,
		   struct ledger_alert *alerts);
