/*
 * A rolling window as sparse wall-clock buckets (SPEC 6.8): how many units
 * were booked in the last 24 h or 10 min. A bucket leaves only when it lies
 * wholly outside, so a unit counts for its window and at most one bucket
 * more, and nothing is over-admitted. Only buckets with units take memory
 * (8 bytes; two of them inside the struct).
 *
 *      24 h:   144 buckets of 10 min, and the one that is being filled
 *      10 min:  60 buckets of 10 s, and the one that is being filled
 *
 * Time is passed in, in milliseconds, through a struct steady. A window is
 * owned by whoever holds the lock of its stripe.
 */
#pragma once

#include "limits/room.h"

/*
 * Time that never runs backwards, for windows below it.
 *
 * Callers give wall time in ms (Postrider's time, os_wall_ms: it does not
 * jump while a process runs). If it jumps all the same:
 * - back by up to STEADY_BACK_MS (also threads that read the clock and then
 *   waited for the lock): time stands still until the clock passes it;
 * - back by more: what is booked keeps its age; from then on the clock's own
 *   pace counts. Nothing is over-admitted, and what is full opens after at
 *   most one window (and a bucket), whatever the clock says;
 * - forward: can't be told from a pause; what was booked leaves with it. At a
 *   start where the clock is not believed (it lies far past the last frame),
 *   the caller passes the last time that it believes, for restoring and all
 *   else, until an operator accepts the new one: meanwhile nothing leaves.
 */
struct steady {
	int64_t newest_ms;	/* inside */
	int64_t shift_ms;	/* inside - outside, >= 0 */
};
enum { STEADY_BACK_MS = 60000 };

/* The inside time of now; zeroed struct steady at first. */
int64_t steady_now(struct steady *s, int64_t now_ms);
/* Other times, from outside and to outside. */
int64_t steady_in(const struct steady *s, int64_t ms);
int64_t steady_out(const struct steady *s, int64_t ms);

enum window_kind { WINDOW_DAY, WINDOW_PEAK };

/* Number of the bucket in which a time lies: rises by one every 10 min or
 * 10 s, and is at least WINDOW_FIRST, so small numbers are free for marks
 * (they are never live). */
enum { WINDOW_FIRST = 256, WINDOW_BUCKETS_MAX = 145 };

struct window_bucket {
	uint32_t number, units;
};
struct window {
	uint64_t used;			/* units of all buckets */
	struct window_bucket *more;	/* NULL while `own` is enough */
	struct window_bucket own[2];
	uint32_t now;			/* bucket of the newest time seen */
	uint8_t count, cap;		/* buckets with units, oldest first */
	uint8_t kind;
};

#define WINDOW_NEVER INT64_MAX

void window_init(struct window *w, enum window_kind kind);
void window_fini(struct window *w, struct room *room);
/* 86,400,000 or 600,000. */
int64_t window_span_ms(enum window_kind kind);

/* Lets go what is wholly outside at now. Called before anything is read. */
void window_advance(struct window *w, int64_t now_ms);
/* Books units at at_ms: now, or earlier when a booking is restored. Later
 * than the newest time seen counts as that; outside the window is nothing.
 * Never fails: without memory for a bucket the two oldest become one, which
 * leaves when the younger would have left (it counts too long, never too
 * short). */
void window_add(struct window *w, struct room *room, int64_t at_ms,
		uint64_t units);

/* When n more fit beside what is used and `reserved` (>= the window's now):
 * the begin of its bucket of now when they fit already; WINDOW_NEVER when
 * they don't even into an empty window. Inside time, ms. */
int64_t window_opens_at(const struct window *w, uint64_t reserved,
			uint64_t limit, uint64_t n);
/* When it is full if `pace` units come every 10 min from now on, evenly, and
 * old buckets leave meanwhile; now_ms when it is full; WINDOW_NEVER when that
 * isn't within one window. */
int64_t window_full_at(const struct window *w, int64_t now_ms,
		       uint64_t reserved, uint64_t limit, uint64_t pace);
/* Units of about the last 10 min of a 24 h window: the bucket of now and the
 * share of the one before that is not 10 min old yet. */
uint64_t window_recent(const struct window *w, int64_t now_ms);

/* --- by bucket, for sets whose members know their bucket (unique.h) --- */

uint32_t window_number(const struct window *w, int64_t ms);
static inline bool window_live(const struct window *w, uint32_t number)
{
	uint32_t buckets = w->kind == WINDOW_DAY ? 144 : 60;
	return number >= WINDOW_FIRST && w->now - number <= buckets;
}
/* As window_add; number <= w->now. */
void window_put(struct window *w, struct room *room, uint32_t number,
		uint64_t units);
/* Takes one unit out of a live bucket again. (After a merge for want of
 * memory: out of the bucket it was merged into.) */
void window_take(struct window *w, uint32_t number);
