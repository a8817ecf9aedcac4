/*
 * Mail that was accepted over a limit and waits for room (SPEC 6.10): what
 * all shards know of it together, so that a customer's oldest goes first
 * whatever shard it lies on, and no more is kept than may be.
 *
 *   session   held_take ... held_give      while its transaction lasts
 *   home      held_add  ... held_less      while the message is held
 *   keeper    held_look                    one shard per customer, every 10 s:
 *                                          says who may go, oldest first
 *   home      held_granted                 tries to, by the ledger
 *
 * A grant is no booking: the home shard reserves, and what doesn't fit then
 * stays where it is. One mutex, held for one customer's look at most.
 */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "limits/ledger.h"

enum {
	HELD_LOOK_MS = 10000,
	HELD_GRANT_MAX = 1000,		/* recipients of a message at a time;
					 * also messages of a look */
	HELD_PASS_MAX = 4096,		/* messages of a look that are passed
					 * over: their user has no room */
};
#define HELD_BYTES_MAX (UINT64_C(1) << 30)	/* of a customer */

struct held;
struct held_customer;

/* One message that is held, at least one recipient of it. In the entry;
 * read and changed by held.c alone, under its lock. */
struct held_message {
	struct list node;		/* of its customer's and shard's, oldest
					 * first */
	struct list granted_node;	/* of its shard's, while it may go */
	struct held_customer *customer;
	struct id id;
	uint32_t shard;
	uint32_t user;			/* counted sender, 0: none */
	bool user_known;		/* not yet after a start */
	bool message_booked;		/* that user's message is */
	bool user_refused;		/* when it was tried last, its user had
					 * no room for all of it */
	bool expired;			/* granted, but to be reported */
	uint32_t recipients;
	uint32_t by_hand;		/* of them, held by a hand too: no room
					 * releases them */
	/* of them, by the limit over which they came in (ledger_verdict; 0:
	 * not known) */
	uint16_t over[LEDGER_LIMITS + 1];
	uint32_t granted;		/* of them; 0: none */
	uint64_t bytes;
};

/* NULL and err: no memory. */
struct held *held_new(uint32_t shards, struct err *err) MUST_USE;
/* Nothing may be held and nothing taken any more. */
void held_free(struct held **h);

/* May the customer have one recipient more held, and a message of so many
 * bytes (0: not known, or taken already)? `most`: recipients, a day's limit.
 * Counted until held_give. False: no, or no memory. Any thread. */
bool held_take(struct held *h, uint32_t customer, uint64_t most,
	       uint32_t recipients, uint64_t bytes) MUST_USE;
void held_give(struct held *h, uint32_t customer, uint32_t recipients,
	       uint64_t bytes);

/* m is filled (id, shard, user, user_known, message_booked, recipients,
 * by_hand, over, bytes) and zero otherwise. False: no memory. */
bool held_add(struct held *h, struct held_message *m, uint32_t customer)
	MUST_USE;
/* So many recipients of it are held no more; the last one ends it: it is in
 * no list then. */
void held_less(struct held *h, struct held_message *m, uint32_t recipients);

/* So many of it are held by a hand too, and over each limit, by now. */
void held_recount(struct held *h, struct held_message *m, uint32_t by_hand,
		  const uint16_t over[LEDGER_LIMITS + 1]);

/* What is held of a customer, without what sessions took. */
struct held_figures {
	uint64_t messages, recipients, bytes;
	/* By limit, as in held_message: messages with such recipients. */
	struct held_over {
		uint64_t messages, recipients;
	} over[LEDGER_LIMITS + 1];
};
void held_figures(struct held *h, uint32_t customer, struct held_figures *out);
/* Of one user, over each limit. False: there are more than HELD_COUNT_MAX
 * messages, or (after a start) it isn't known yet whose some are. */
enum { HELD_COUNT_MAX = 20000 };
bool held_over_of_user(struct held *h, uint32_t customer, uint32_t user,
		       struct held_over out[LEDGER_LIMITS + 1]) MUST_USE;

/* A message more; a recipient more that it has not written to lately. */
struct held_user_room {
	bool message, recipient;
};

/* The look of a shard at the customers that it keeps. */
struct held_keeper {
	void *ctx;
	/* Recipients that fit now by the customer's limits. */
	uint64_t (*room)(void *ctx, uint32_t customer);
	/* What this user has room for. */
	struct held_user_room (*user_room)(void *ctx, uint32_t customer,
					   uint32_t user);
	int64_t expired_ms;		/* accepted before it: to be reported */
};
/* False: there was too much for one turn, or it had to be asked first whose
 * some are; to be called again soon. */
bool held_look(struct held *h, uint32_t shard, const struct held_keeper *k)
	MUST_USE;

/* The next grant of a shard's message, taken off its list. No recipients:
 * only whose it is shall be told (held_know_user). */
struct held_grant {
	struct id id;
	uint32_t recipients;
	bool expired;
};
bool held_granted(struct held *h, uint32_t shard,
		  struct held_grant *out) MUST_USE;
/* The home shard has read its envelope: whose it is (0 when it can't be
 * read). */
void held_know_user(struct held *h, struct held_message *m, uint32_t user,
		    bool message_booked);
/* And tried it: was it a limit of the user that kept some of it? Then it takes
 * no room from others until the user has some. */
void held_tried(struct held *h, struct held_message *m, bool user_refused);
