/*
 * A message's way through the ledger: reserve, renew, book or release; see
 * ledger.h. A reservation is changed by its owner's calls and, while it
 * stands in its customer's waiting list, by whoever lets it lapse: both under
 * the stripe's lock. Once it is out of the list only the owner knows it, so
 * many recipients are worked off chunk by chunk, letting others in between.
 */
#include "limits/ledger_private.h"

/* --- which limit refuses --- */

static bool fits(uint64_t taken, uint64_t n, uint64_t limit)
{
	return taken <= limit && n <= limit - taken;
}

static uint64_t limit_of(const struct allowance *a, unsigned window)
{
	return window == DAY ? a->customer_day : a->customer_peak;
}

/* n more in a window of the customer; *draw: how many of them out of the
 * null sender's reserve. */
static bool customer_fits(const struct customer_counts *c,
			  const struct allowance *a, enum ledger_mode mode,
			  unsigned window, uint32_t n, uint32_t *draw)
{
	uint64_t taken = c->used[window].used + c->reserved;
	uint64_t limit = limit_of(a, window);
	*draw = 0;
	if (mode == LEDGER_FORCED || fits(taken, n, limit))
		return true;
	uint64_t over = n - (limit > taken ? limit - taken : 0);
	uint64_t drawn = c->null_used[window].used + c->drawn[window];
	uint64_t part = window == DAY ? a->null_day : a->null_peak;
	if (mode != LEDGER_NULL_SENDER || !fits(drawn, over, part))
		return false;
	*draw = (uint32_t)over;
	return true;
}

/* Of what the others left, one session on a shared address gets half. */
static bool half_fits(const struct customer_counts *c,
		      const struct reservation *r, const struct allowance *a,
		      unsigned window, uint32_t n)
{
	uint64_t own = r->state == LAPSED ? 0 : r->count;
	uint64_t others = c->used[window].used + c->reserved - own;
	uint64_t limit = limit_of(a, window);
	uint64_t left = limit > others ? limit - others : 0;
	return own + n <= left / 2 + left % 2;
}

/* n recipients and, if asked for, the message. What the unique recipients
 * say comes when they are pinned. */
static enum ledger_verdict judge(const struct reservation *r,
				 const struct allowance *a,
				 enum ledger_mode mode, uint32_t n,
				 bool message, uint32_t draw[CUSTOMER_WINDOWS])
{
	const struct customer_counts *c = r->customer;
	const struct user_counts *u = r->user;
	if (!customer_fits(c, a, mode, DAY, n, &draw[DAY]))
		return LEDGER_CUSTOMER_DAY;
	if (!customer_fits(c, a, mode, PEAK, n, &draw[PEAK]))
		return LEDGER_CUSTOMER_PEAK;
	if (mode == LEDGER_FORCED)
		return LEDGER_OK;
	if (message && u != NULL &&
	    !fits(u->messages.used + u->reserved, 1, a->user_messages))
		return LEDGER_USER_MESSAGES;
	for (unsigned w = 0; w < CUSTOMER_WINDOWS && r->shared_address; w++)
		if (draw[w] == 0 && !half_fits(c, r, a, w, n))
			return LEDGER_SESSION;
	return LEDGER_OK;
}

static enum ledger_verdict pin(struct stripe *s, struct user_counts *u,
			       uint64_t hash, uint64_t limit)
{
	if (u == NULL)
		return LEDGER_OK;
	switch (unique_pin(&u->unique, s->room, hash, limit)) {
	case UNIQUE_PINNED:
		return LEDGER_OK;
	case UNIQUE_OVER:
		return LEDGER_USER_UNIQUE;
	case UNIQUE_NO_ROOM:
		return LEDGER_BUSY;
	}
	unreachable_state("every answer is named");
}

static void unpin(struct stripe *s, struct user_counts *u,
		  const uint64_t *hashes, uint32_t n)
{
	for (uint32_t i = 0; u != NULL && i < n; i++)
		unique_unpin(&u->unique, s->room, hashes[i]);
}

/* --- reservations --- */

static void reservation_check(const struct reservation *r)
{
	invariant(r->count <= r->cap && r->cap <= BOOKING_RECIPIENTS_MAX);
	invariant(r->drawn[DAY] <= r->count && r->drawn[PEAK] <= r->count);
	switch (r->state) {
	case RESERVED:
		invariant(r->customer != NULL || r->count == 0);
		invariant(r->mode != LEDGER_FORCED);
		break;
	case LAPSED:
		invariant(r->customer == NULL && r->user == NULL);
		invariant(list_empty(&r->waiting) && r->drawn[DAY] == 0);
		break;
	case DUE:
		invariant(list_empty(&r->waiting));
		break;
	}
}

static struct reservation *reservation_new(struct stripe *s,
					   const struct ledger_ask *ask)
{
	struct reservation *r = room_take(s->room, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->state = ask->mode == LEDGER_FORCED ? DUE : RESERVED;
	r->mode = ask->mode;
	r->shared_address = ask->shared_address;
	r->message_booked = ask->message_booked;
	r->customer_id = ask->customer;
	r->user_id = ask->user;
	list_init(&r->waiting);
	return r;
}

static void reservation_free(struct stripe *s, struct reservation **r)
{
	invariant((*r)->customer == NULL && list_empty(&(*r)->waiting));
	room_give(s->room, (*r)->hashes, (*r)->cap * sizeof(uint64_t));
	room_give(s->room, *r, sizeof(**r));
	*r = NULL;
}

static bool room_for_hash(struct stripe *s, struct reservation *r)
{
	if (r->count < r->cap)
		return true;
	uint32_t cap = r->cap == 0 ? 4 : 2 * r->cap;
	if (cap > BOOKING_RECIPIENTS_MAX)
		cap = BOOKING_RECIPIENTS_MAX;
	if (cap == r->cap)
		return false;
	uint64_t *hashes = room_take(s->room, cap * sizeof(*hashes));
	if (hashes == NULL)
		return false;
	if (r->count > 0)
		memcpy(hashes, r->hashes, r->count * sizeof(*hashes));
	room_give(s->room, r->hashes, r->cap * sizeof(*hashes));
	r->hashes = hashes;
	r->cap = cap;
	return true;
}

static void detach(struct reservation *r)
{
	invariant(r->customer->holders > 0);
	r->customer->holders--;
	if (r->user != NULL)
		r->user->holders--;
	r->customer = NULL;
	r->user = NULL;
}

/* Finds whom it is about, with their windows at now. */
static bool attach(struct stripe *s, struct reservation *r)
{
	if (r->customer != NULL) {
		customer_advance(s, r->customer);
		if (r->user != NULL)
			user_advance(s, r->user);
		return true;
	}
	struct customer_counts *c = customer_get(s, r->customer_id);
	if (c == NULL)
		return false;
	c->holders++;
	r->customer = c;
	if (r->user_id == 0)
		return true;
	r->user = user_get(s, c, r->user_id);
	if (r->user != NULL)
		r->user->holders++;
	else
		detach(r);
	return r->customer != NULL;
}

static void note_progress(struct stripe *s, struct reservation *r)
{
	if (r->state != RESERVED)
		return;
	r->progress_ms = s->now_ms;
	list_remove(&r->waiting);
	list_append(&r->customer->waiting, &r->waiting);
}

/* What it counts, but for its recipients' pins. */
static void give_back_counts(struct reservation *r)
{
	struct customer_counts *c = r->customer;
	invariant(c->reserved >= r->count);
	c->reserved -= r->count;
	for (unsigned w = 0; w < CUSTOMER_WINDOWS; w++) {
		invariant(c->drawn[w] >= r->drawn[w]);
		c->drawn[w] -= r->drawn[w];
	}
	if (r->message) {
		invariant(r->user->reserved > 0);
		r->user->reserved--;
	}
	list_remove(&r->waiting);
}

void reservation_lapse(struct stripe *s, struct reservation *r)
{
	reservation_check(r);
	invariant(r->state == RESERVED);
	give_back_counts(r);
	unpin(s, r->user, r->hashes, r->count);
	detach(r);
	r->drawn[DAY] = r->drawn[PEAK] = 0;
	r->state = LAPSED;
}

bool lapse_due(struct stripe *s, struct customer_counts *c)
{
	uint32_t work = 0;
	/* It may be the last that points there. */
	c->holders++;
	while (work < LAPSE_WORK) {
		struct reservation *r = list_first(&c->waiting,
						   struct reservation, waiting);
		if (r == NULL || r->progress_ms + LEDGER_LAPSE_MS +
				 PROGRESS_STEP_MS > s->now_ms)
			break;
		work += 1 + r->count;
		reservation_lapse(s, r);
	}
	c->holders--;
	return work < LAPSE_WORK;
}

/* A lapsed one, all or nothing. */
static enum ledger_verdict reserve_again(struct stripe *s,
					 struct reservation *r,
					 const struct allowance *a)
{
	uint32_t draw[CUSTOMER_WINDOWS];
	enum ledger_verdict v = judge(r, a, r->mode, r->count, r->message,
				      draw);
	for (uint32_t i = 0; v == LEDGER_OK && i < r->count; i++) {
		v = pin(s, r->user, r->hashes[i], a->user_unique);
		if (v != LEDGER_OK)
			unpin(s, r->user, r->hashes, i);
	}
	if (v != LEDGER_OK)
		return v;
	r->customer->reserved += r->count;
	for (unsigned w = 0; w < CUSTOMER_WINDOWS; w++) {
		r->customer->drawn[w] += draw[w];
		r->drawn[w] = draw[w];
	}
	if (r->message)
		r->user->reserved++;
	r->state = RESERVED;
	note_progress(s, r);
	return LEDGER_OK;
}

static bool is_limit(enum ledger_verdict v)
{
	return v >= LEDGER_CUSTOMER_DAY && v <= LEDGER_USER_UNIQUE;
}

static void tell(struct stripe *s, const struct reservation *r,
		 const struct allowance *a, enum ledger_verdict v,
		 struct ledger_refusal *why)
{
	if (why == NULL || why->verdict != LEDGER_OK || v == LEDGER_OK)
		return;
	why->verdict = v;
	if (is_limit(v))
		refusal_fill(s, r->customer, r->user, a, why);
}

/* Attached and reserved, or why not; then it is as it was. *more: somebody's
 * reservations are due to lapse, so a limit may be about to open. */
static enum ledger_verdict make_ready(struct stripe *s, struct reservation *r,
				      const struct allowance *a, bool *more,
				      struct ledger_refusal *why)
{
	reservation_check(r);
	if (!attach(s, r)) {
		tell(s, r, a, LEDGER_BUSY, why);
		return LEDGER_BUSY;
	}
	/* This call is progress: its own must not lapse now. */
	if (r->state == RESERVED)
		note_progress(s, r);
	*more = !lapse_due(s, r->customer);
	if (r->state != LAPSED)
		return LEDGER_OK;
	enum ledger_verdict v = reserve_again(s, r, a);
	if (is_limit(v) && *more)
		v = LEDGER_BUSY;
	tell(s, r, a, v, why);
	if (v != LEDGER_OK)
		detach(r);
	return v;
}

/* --- reserve --- */

static enum ledger_verdict reserve_one(struct stripe *s,
				       struct reservation *r,
				       const struct ledger_ask *ask,
				       uint64_t hash)
{
	uint32_t draw[CUSTOMER_WINDOWS];
	const struct allowance *a = &ask->allowed;
	bool forced = ask->mode == LEDGER_FORCED;
	bool message = r->user != NULL && !r->message && !r->message_booked;
	enum ledger_verdict v = judge(r, a, ask->mode, 1, message, draw);
	if (v != LEDGER_OK)
		return v;
	if (!forced && r->count >= LEDGER_SESSION_MAX)
		return LEDGER_SESSION;
	if (!room_for_hash(s, r))
		return LEDGER_BUSY;
	v = pin(s, r->user, hash, forced ? UINT64_MAX : a->user_unique);
	if (v != LEDGER_OK)
		return v;
	r->customer->reserved++;
	for (unsigned w = 0; w < CUSTOMER_WINDOWS; w++) {
		r->customer->drawn[w] += draw[w];
		r->drawn[w] += draw[w];
	}
	if (message) {
		r->user->reserved++;
		r->message = true;
	}
	r->hashes[r->count++] = hash;
	return LEDGER_OK;
}

/* One hold of the lock: [from, to). */
static uint32_t reserve_chunk(struct ledger *l, struct reservation **r,
			      const struct ledger_ask *ask, uint32_t from,
			      uint32_t to, int64_t now_ms,
			      enum ledger_verdict *verdicts,
			      struct ledger_refusal *first)
{
	struct stripe *s = stripe_enter(l, ask->customer, now_ms);
	enum ledger_verdict all = LEDGER_BUSY;
	uint32_t ok = 0;
	bool more = false;
	if (*r == NULL || (*r)->customer == NULL)
		stripe_prefetch(s, ask->customer, ask->user,
				ask->hashes[from]);
	if (*r == NULL)
		*r = reservation_new(s, ask);
	if (*r != NULL) {
		invariant((*r)->state != DUE || ask->mode == LEDGER_FORCED);
		(*r)->noted_ms = now_ms;
		all = make_ready(s, *r, &ask->allowed, &more, first);
	} else if (first != NULL && first->verdict == LEDGER_OK) {
		first->verdict = LEDGER_BUSY;
	}
	if (all == LEDGER_OK && (*r)->user != NULL)
		for (uint32_t i = from; i < to; i++)
			unique_prefetch(&(*r)->user->unique, ask->hashes[i]);
	for (uint32_t i = from; i < to; i++) {
		enum ledger_verdict v = all;
		if (v == LEDGER_OK) {
			v = reserve_one(s, *r, ask, ask->hashes[i]);
			if (is_limit(v) && more)
				v = LEDGER_BUSY;
			tell(s, *r, &ask->allowed, v, first);
		}
		verdicts[i] = v;
		ok += v == LEDGER_OK;
	}
	if (*r != NULL && (*r)->count == 0) {
		list_remove(&(*r)->waiting);
		if ((*r)->customer != NULL)
			detach(*r);
		reservation_free(s, r);
	}
	stripe_leave(l, s);
	return ok;
}

uint32_t ledger_reserve(struct ledger *l, struct reservation **r,
			const struct ledger_ask *ask, int64_t now_ms,
			enum ledger_verdict *verdicts,
			struct ledger_refusal *first)
{
	uint32_t ok = 0;
	invariant(ask->customer != 0);
	if (*r != NULL) {
		invariant((*r)->customer_id == ask->customer);
		invariant((*r)->user_id == ask->user);
		invariant((*r)->message_booked == ask->message_booked);
		invariant(ask->mode == LEDGER_FORCED ||
			  ask->mode == (*r)->mode);
	}
	if (first != NULL)
		*first = (struct ledger_refusal){ .verdict = LEDGER_OK };
	for (uint32_t from = 0; from < ask->count; from += LEDGER_CHUNK) {
		uint32_t left = ask->count - from;
		uint32_t n = left < LEDGER_CHUNK ? left : LEDGER_CHUNK;
		ok += reserve_chunk(l, r, ask, from, from + n, now_ms,
				    verdicts, first);
	}
	return ok;
}

void ledger_progress(struct ledger *l, struct reservation *r, int64_t now_ms)
{
	if (now_ms >= r->noted_ms && now_ms - r->noted_ms < PROGRESS_STEP_MS)
		return;
	struct stripe *s = stripe_enter(l, r->customer_id, now_ms);
	r->noted_ms = now_ms;
	note_progress(s, r);
	stripe_leave(l, s);
}

/* --- the end --- */

bool ledger_renew(struct ledger *l, struct reservation *r,
		  const struct allowance *allowed, int64_t now_ms,
		  struct ledger_refusal *why)
{
	struct stripe *s = stripe_enter(l, r->customer_id, now_ms);
	bool more = false;
	if (why != NULL)
		*why = (struct ledger_refusal){ .verdict = LEDGER_OK };
	bool ok = make_ready(s, r, allowed, &more, why) == LEDGER_OK;
	if (ok) {
		list_remove(&r->waiting);
		r->state = DUE;
	}
	reservation_check(r);
	stripe_leave(l, s);
	return ok;
}

uint32_t ledger_count(const struct reservation *r)
{
	return r->count;
}

enum ledger_verdict ledger_drew_over(const struct reservation *r)
{
	invariant(r->state == DUE);
	if (r->drawn[DAY] > 0)
		return LEDGER_CUSTOMER_DAY;
	return r->drawn[PEAK] > 0 ? LEDGER_CUSTOMER_PEAK : LEDGER_OK;
}

void ledger_put_booking(struct buf *out, const struct reservation *r)
{
	struct booking b = {
		.customer = r->customer_id,
		.user = r->user_id,
		.recipients = r->count,
		.null_day = r->drawn[DAY],
		.null_peak = r->drawn[PEAK],
		.message_booked = r->message_booked,
	};
	booking_write_all(out, &b, r->hashes);
}

static void book_counts(struct stripe *s, struct reservation *r,
			int64_t at_ms)
{
	struct customer_counts *c = r->customer;
	struct user_counts *u = r->user;
	give_back_counts(r);
	for (unsigned w = 0; w < CUSTOMER_WINDOWS; w++) {
		window_add(&c->used[w], s->room, at_ms, r->count);
		window_add(&c->null_used[w], s->room, at_ms, r->drawn[w]);
	}
	if (u == NULL)
		return;
	if (r->message)
		window_add(&u->messages, s->room, at_ms, 1);
	list_remove(&u->of_customer);
	list_prepend(&c->users, &u->of_customer);
}

unsigned ledger_book(struct ledger *l, struct reservation **r_at,
		     const struct allowance *allowed, int64_t booked_ms,
		     int64_t now_ms, struct ledger_alert *alerts)
{
	struct reservation *r = *r_at;
	unsigned told = 0;
	reservation_check(r);
	invariant(r->state == DUE && r->customer != NULL);
	for (uint32_t i = 0, done = false; !done;) {
		struct stripe *s = stripe_enter(l, r->customer_id, now_ms);
		int64_t at_ms = steady_in(&s->clock, booked_ms);
		if (at_ms > s->now_ms)
			at_ms = s->now_ms;
		bool ready = attach(s, r);
		invariant(ready);
		if (i == 0)
			book_counts(s, r, at_ms);
		for (uint32_t n = 0; n < LEDGER_CHUNK && i < r->count; n++) {
			uint64_t hash = r->hashes[i++];
			if (r->user != NULL)
				unique_book(&r->user->unique, s->room, hash,
					    at_ms);
		}
		done = i == r->count;
		if (done) {
			if (alerts != NULL)
				told = alerts_of(s, r->customer, r->user,
						 allowed, alerts);
			detach(r);
			reservation_free(s, r_at);
		}
		stripe_leave(l, s);
	}
	return told;
}

void ledger_release(struct ledger *l, struct reservation **r_at)
{
	struct reservation *r = *r_at;
	if (r == NULL)
		return;
	for (uint32_t i = 0, done = false; !done;) {
		struct stripe *s = stripe_enter(l, r->customer_id, -1);
		reservation_check(r);
		if (i == 0 && r->state != LAPSED)
			give_back_counts(r);
		uint32_t left = r->count - i;
		uint32_t n = left < LEDGER_CHUNK ? left : LEDGER_CHUNK;
		if (r->state != LAPSED)
			unpin(s, r->user, r->hashes + i, n);
		i += n;
		done = i == r->count;
		if (done) {
			if (r->state != LAPSED)
				detach(r);
			reservation_free(s, r_at);
		}
		stripe_leave(l, s);
	}
}

/* --- at a start --- */

static bool restore(struct stripe *s, const struct booking *b, int64_t at_ms)
{
	struct customer_counts *c = customer_get(s, b->customer);
	if (c == NULL)
		return false;
	for (unsigned w = 0; w < CUSTOMER_WINDOWS; w++) {
		window_add(&c->used[w], s->room, at_ms, b->recipients);
		window_add(&c->null_used[w], s->room, at_ms,
			   w == DAY ? b->null_day : b->null_peak);
	}
	if (b->user == 0)
		return true;
	struct user_counts *u = user_get(s, c, b->user);
	if (u == NULL)
		return false;
	if (!b->message_booked)
		window_add(&u->messages, s->room, at_ms, 1);
	for (uint32_t i = 0; i < b->recipients; i++)
		if (!unique_restore(&u->unique, s->room, booking_hash(b, i),
				    at_ms))
			return false;
	return true;
}

bool ledger_restore(struct ledger *l, const struct booking *b,
		    int64_t booked_ms, int64_t now_ms, struct err *err)
{
	struct stripe *s = stripe_enter(l, b->customer, now_ms);
	int64_t at_ms = steady_in(&s->clock, booked_ms);
	bool ok = true;
	if (at_ms > s->now_ms)
		at_ms = s->now_ms;
	/* A bucket more than the window: window_add knows exactly. */
	if (s->now_ms - at_ms <= window_span_ms(WINDOW_DAY) + 600000)
		ok = restore(s, b, at_ms);
	stripe_leave(l, s);
	return ok || err_set_memory(err, "ledger_restore");
}
