/*
 * The ledger of limits (SPEC 6): what every customer and user has used in
 * the windows that count, and what transactions under way have reserved.
 * Pure: no I/O, no clock; what makes it durable is the booking in the accept
 * frame (booking.h), from which ledger_restore fills it again at a start.
 *
 * The life of a message's reservation:
 *
 *      MAIL    policy says who it is; plan_allowance what they may have
 *      RCPT    ledger_reserve   per recipient: OK, or which limit refuses
 *      DATA    ledger_progress  while bytes arrive
 *      dot     ledger_renew     true: it can't lapse any more
 *              (accept frame written with ledger_put_booking, committed)
 *      250     ledger_book      reservations are bookings now
 *      or      ledger_release   whatever ended the transaction before
 *
 *   (none) --reserve--> RESERVED --renew--> DUE --book--> (booked, freed)
 *              ^            | 5 min without progress
 *              +--reserve,--LAPSED          release: from any state
 *                 renew
 *
 * What holds at any moment, with any number of threads: booked + reserved of
 * each limit is at most the limit passed at the last call that was not
 * refused, but for what is never refused (LEDGER_FORCED) and the reserve of
 * the null sender. So no two sessions together book over a limit.
 *
 * Limits may change at any time: each call carries the figures of now. What
 * is reserved stays good when they fall.
 *
 * 64 stripes by customer; a customer's ledger, users included, lies in one.
 * A stripe is locked for one look-up, for LEDGER_CHUNK recipients at a time
 * and never across a wait. The locks are the caller's (this folder may not
 * call the kernel, and a lock that spins would spin on while its holder is
 * off the processor): relay passes 64 os_mutex, the simulator and tools
 * nothing.
 *
 * Memory has one bound (max_bytes). At the bound the stripe's idle customers
 * and users are dropped; if that isn't enough, who needs new memory gets
 * LEDGER_BUSY (451, trying again helps), and everybody known goes on. What is
 * booked is never dropped before its window ends. Besides, idle ones are
 * dropped as new ones come and by ledger_tidy.
 */
#pragma once

#include "base/buf.h"
#include "limits/booking.h"
#include "limits/plan.h"

struct ledger;
struct reservation;

enum {
	LEDGER_STRIPES = 64,
	LEDGER_CHUNK = 64,		/* recipients a lock is held for */
	LEDGER_SESSION_MAX = 1000,	/* SPEC 6.8; recipients */
	LEDGER_LAPSE_MS = 300000,
};

/* Who may enter stripe i < LEDGER_STRIPES. Both NULL: one thread only. */
struct ledger_locks {
	void (*lock)(void *ctx, unsigned stripe);
	void (*unlock)(void *ctx, unsigned stripe);
	void *ctx;
};

/* NULL out of memory. */
struct ledger *ledger_new(struct ledger_locks locks, uint64_t max_bytes)
	MUST_USE;
/* No reservation may be left. *l is cleared. */
void ledger_free(struct ledger **l);

/* The answer for a recipient. When several limits are over, the first in
 * this order is named. The values 1 to 4 also name the limits. */
enum ledger_verdict {
	LEDGER_OK,
	LEDGER_CUSTOMER_DAY,	/* 550 5.7.1 Daily … for customer */
	LEDGER_CUSTOMER_PEAK,	/* 450 4.2.1 Peak … for customer */
	LEDGER_USER_MESSAGES,	/* 550 5.4.5 Daily … for user */
	LEDGER_USER_UNIQUE,	/* 550 5.4.5, the same */
	LEDGER_SESSION,		/* this session holds as much as one may: 452
				 * 4.5.3, the rest in another transaction */
	LEDGER_BUSY,		/* no memory, or a bound of ours: 451 4.3.0 */
	LEDGER_VERDICTS,
};
enum { LEDGER_LIMITS = LEDGER_USER_UNIQUE };

/* "ok", "customer_day", "customer_peak", "user_messages", "user_unique",
 * "session", "busy": as `limits show` prints them. */
const char *ledger_verdict_name(enum ledger_verdict v);
/* The figure of one of the four limits. */
uint64_t ledger_limit(const struct allowance *a, enum ledger_verdict limit);

enum ledger_mode {
	LEDGER_ORDINARY,
	/* A null sender with the right to the reserve (SPEC 5.4): over a
	 * customer limit null_day and null_peak more fit, a window each. */
	LEDGER_NULL_SENDER,
	/* Never refused for a limit, booked all the same: recipients that a
	 * rule adds (SPEC 6.9), what the operator releases over the limit
	 * (6.10). DUE at once. */
	LEDGER_FORCED,
};

struct ledger_ask {
	uint32_t customer;		/* not 0 */
	/* The envelope sender as presented, if it is a registered user of the
	 * customer (SPEC 2.5, 6.1); 0: no per-user limit. */
	uint32_t user;
	enum ledger_mode mode;
	/* The client's address stands in the lists of several customers: this
	 * session gets at most half of what is left (rounded up). */
	bool shared_address;
	/* Recipients that had been held of a message whose user's message is
	 * booked: it isn't counted again. The same in all calls. */
	bool message_booked;
	struct allowance allowed;	/* of now */
	const uint64_t *hashes;		/* booking_recipient_hash each */
	uint32_t count;			/* one RCPT, or a pipelined batch */
};

/* Why something was refused, for the reply, the reference and the log. */
struct ledger_refusal {
	enum ledger_verdict verdict;
	uint64_t used, reserved, limit;	/* of that limit; else 0 */
	int64_t opens_at_ms;		/* for one more, if nobody else sends;
					 * WINDOW_NEVER: not with this limit */
};

/* At MAIL: may the user send one message more? Nothing is reserved. False:
 * LEDGER_USER_MESSAGES, and *why says how many were. */
bool ledger_message_fits(struct ledger *l, uint32_t customer, uint32_t user,
			 const struct allowance *allowed, int64_t now_ms,
			 struct ledger_refusal *why) MUST_USE;

/*
 * Reserves each recipient for itself: those that fit stand, whatever becomes
 * of the others. The user's message is reserved with the first.
 *
 * *r is NULL at first and is made when something fits; it belongs to the
 * caller, who ends it by ledger_book or ledger_release. Later calls of the
 * transaction pass it again, with the same customer, user and mode, or with
 * mode LEDGER_FORCED. After ledger_renew only LEDGER_FORCED is left (and that
 * is where recipients of rules belong: before it they can lapse with the
 * others and are then judged like them). A session has one transaction at a
 * time and so one reservation: it is where the bound of 1,000 a session is
 * kept. One that lapsed is reserved again
 * first; if that is refused, so is every recipient of this call.
 *
 * verdicts: ask->count of them, filled. first: the first refused one, if
 * any; else its verdict is LEDGER_OK; may be NULL. Returns how many are OK.
 */
uint32_t ledger_reserve(struct ledger *l, struct reservation **r,
			const struct ledger_ask *ask, int64_t now_ms,
			enum ledger_verdict *verdicts,
			struct ledger_refusal *first);

/* Something arrived: it doesn't lapse for 5 min from now. Cheap; to be
 * called for each block of data. */
void ledger_progress(struct ledger *l, struct reservation *r, int64_t now_ms);

/*
 * At the final dot, before the accept frame is handed to the spool. What
 * lapsed is reserved again, all or nothing, with the figures of `allowed`;
 * false: refused, answer 450 4.2.1 (451 4.3.0 when why->verdict is
 * LEDGER_BUSY) and release it. True: it is DUE; it doesn't lapse any more
 * and must end by ledger_book or ledger_release. why may be NULL.
 */
bool ledger_renew(struct ledger *l, struct reservation *r,
		  const struct allowance *allowed, int64_t now_ms,
		  struct ledger_refusal *why) MUST_USE;

/* Of a null sender that is DUE: LEDGER_OK, or the limit over which it draws
 * on the reserve (SPEC 5.4), which content may forbid. */
enum ledger_verdict ledger_drew_over(const struct reservation *r);
/* Recipients reserved (or lapsed), those of LEDGER_FORCED too. */
uint32_t ledger_count(const struct reservation *r);
/* Writes its booking for the accept frame, hashes in the order in which they
 * were reserved. */
void ledger_put_booking(struct buf *out, const struct reservation *r);

/* A limit was reached by 80 or 100 %: for one alert to the super admins. */
struct ledger_alert {
	enum ledger_verdict limit;	/* one of the four */
	uint32_t customer, user;	/* user 0: a customer limit */
	uint32_t percent;		/* 80 or 100 */
	uint64_t used, allowed;
};

/*
 * The accept frame is committed: reservations become bookings of booked_ms,
 * the time that stands in the frame (at most now). r is DUE; it is freed and
 * *r cleared. Never fails. `allowed` is for the alerts only.
 *
 * alerts: room for LEDGER_LIMITS; filled with what was crossed for the first
 * time within a window; returns how many. Crossing both levels at once is
 * one of 100. NULL: none are wanted, none are marked.
 */
unsigned ledger_book(struct ledger *l, struct reservation **r,
		     const struct allowance *allowed, int64_t booked_ms,
		     int64_t now_ms, struct ledger_alert *alerts);

/* Gives everything back, in any state. NULL in *r is fine. */
void ledger_release(struct ledger *l, struct reservation **r);

/*
 * At a start, for each booking of a summary or accept frame, in any order,
 * with the time of its frame. Later than now counts as now; older than 24 h
 * is nothing. Nothing is refused. False: no memory, what is missing is not
 * counted; `err` says so.
 */
bool ledger_restore(struct ledger *l, const struct booking *b,
		    int64_t booked_ms, int64_t now_ms, struct err *err)
	MUST_USE;
/* And then, for each alert that was sent (its accept frame's mark): it is not
 * sent again within its window. False: no memory. */
bool ledger_restore_alert(struct ledger *l, const struct ledger_alert *alert,
			  int64_t sent_ms, int64_t now_ms) MUST_USE;
/* It could not be sent: the next booking over that level tells it again. */
void ledger_forget_alert(struct ledger *l, const struct ledger_alert *alert);

/* One limit as people see it (SPEC 6.11). */
struct ledger_row {
	enum ledger_verdict limit;
	uint64_t used, reserved;	/* a unique recipient that is reserved
					 * again counts as reserved only */
	uint64_t allowed, headroom;
	int64_t opens_at_ms;		/* for one more; 0: open now;
					 * WINDOW_NEVER */
	uint64_t pace;			/* units in the last 10 min */
	int64_t full_at_ms;		/* at that pace, counting what leaves
					 * meanwhile; WINDOW_NEVER: not within
					 * its window */
	bool binds_first;		/* full first; if none gets full, the
					 * one with the least headroom */
};
struct ledger_view {
	uint32_t count;			/* 2: customer, 4: with a user */
	struct ledger_row rows[LEDGER_LIMITS];
};
/* user 0: the customer's two. Somebody unknown has used nothing. */
void ledger_show(struct ledger *l, uint32_t customer, uint32_t user,
		 const struct allowance *allowed, int64_t now_ms,
		 struct ledger_view *out);
/* Recipients that fit beside what is booked and reserved, by the customer's
 * two limits. */
uint64_t ledger_headroom(struct ledger *l, uint32_t customer,
			 const struct allowance *allowed, int64_t now_ms);
/* When n more recipients of the customer (mode ORDINARY, no user) fit, if
 * nobody else sends: 0 now, or WINDOW_NEVER. For held mail (SPEC 6.10). */
int64_t ledger_opens_at(struct ledger *l, uint32_t customer,
			const struct allowance *allowed, uint64_t n,
			int64_t now_ms);
/* Users of the customer with something in their windows, who booked last
 * first, at most cap (LEDGER_USERS_MAX). Returns how many. */
enum { LEDGER_USERS_MAX = 1000 };
uint32_t ledger_users(struct ledger *l, uint32_t customer, uint32_t *users,
		      uint32_t cap);

/* Drops what is idle and clears stale recipients: a bounded look (mostly some
 * microseconds, a millisecond at most) at the next stripe. To be called about once a second by one
 * thread; also lets lapse what nobody asks about. */
void ledger_tidy(struct ledger *l, int64_t now_ms);

/* For /metrics. */
struct ledger_size {
	uint64_t customers, users, bytes;
};
void ledger_measure(struct ledger *l, struct ledger_size *out);
