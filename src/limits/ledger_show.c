/* What people see of the ledger, and what they are alerted about; see
 * ledger.h. */
#include "limits/ledger_private.h"

/* One limit's state, wherever it is kept. */
struct state {
	const struct window *window;
	uint64_t used, reserved;
	uint64_t pace;
};

static const enum ledger_verdict customer_limits[] = {
	[DAY] = LEDGER_CUSTOMER_DAY, [PEAK] = LEDGER_CUSTOMER_PEAK,
};

/* c and u are there if the limit is theirs. */
static struct state state_of(const struct stripe *s,
			     const struct customer_counts *c,
			     const struct user_counts *u,
			     enum ledger_verdict limit)
{
	if (limit == LEDGER_CUSTOMER_DAY || limit == LEDGER_CUSTOMER_PEAK) {
		const struct window *w =
			&c->used[limit == LEDGER_CUSTOMER_DAY ? DAY : PEAK];
		return (struct state){ w, w->used, c->reserved,
				       c->used[PEAK].used };
	}
	if (limit == LEDGER_USER_MESSAGES)
		return (struct state){ &u->messages, u->messages.used,
				       u->reserved,
				       window_recent(&u->messages,
						     s->now_ms) };
	invariant(limit == LEDGER_USER_UNIQUE);
	return (struct state){ &u->unique.window, u->unique.window.used,
			       u->unique.pinned,
			       unique_recent(&u->unique, s->now_ms) };
}

/* Outside time; 0: now. */
static int64_t opens_at(const struct stripe *s, const struct state *t,
			uint64_t limit, uint64_t n)
{
	int64_t at = window_opens_at(t->window, t->reserved, limit, n);
	return at <= s->now_ms ? 0 : steady_out(&s->clock, at);
}

void refusal_fill(const struct stripe *s, const struct customer_counts *c,
		  const struct user_counts *u, const struct allowance *a,
		  struct ledger_refusal *why)
{
	struct state t = state_of(s, c, u, why->verdict);
	why->used = t.used;
	why->reserved = t.reserved;
	why->limit = ledger_limit(a, why->verdict);
	why->opens_at_ms = opens_at(s, &t, why->limit, 1);
}

static void fill_row(const struct stripe *s, struct ledger_row *row,
		     const struct state *t, enum ledger_verdict limit,
		     uint64_t allowed)
{
	uint64_t taken = t->used + t->reserved;
	*row = (struct ledger_row){
		.limit = limit, .used = t->used, .reserved = t->reserved,
		.allowed = allowed, .pace = t->pace,
		.headroom = allowed > taken ? allowed - taken : 0,
		.opens_at_ms = opens_at(s, t, allowed, 1),
		.full_at_ms = steady_out(&s->clock,
					 window_full_at(t->window, s->now_ms,
							t->reserved, allowed,
							t->pace)),
	};
}

static void mark_first(struct ledger_view *v)
{
	struct ledger_row *first = &v->rows[0];
	for (uint32_t i = 1; i < v->count; i++) {
		struct ledger_row *row = &v->rows[i];
		if (row->full_at_ms < first->full_at_ms ||
		    (row->full_at_ms == first->full_at_ms &&
		     row->headroom < first->headroom))
			first = row;
	}
	first->binds_first = true;
}

void ledger_show(struct ledger *l, uint32_t customer, uint32_t user,
		 const struct allowance *allowed, int64_t now_ms,
		 struct ledger_view *out)
{
	struct stripe *s = stripe_enter(l, customer, now_ms);
	struct customer_counts nobody = { 0 };
	struct user_counts no_user = { 0 };
	for (unsigned w = 0; w < CUSTOMER_WINDOWS; w++)
		window_init(&nobody.used[w],
			    w == DAY ? WINDOW_DAY : WINDOW_PEAK);
	window_init(&no_user.messages, WINDOW_DAY);
	unique_init(&no_user.unique);
	const struct customer_counts *c = customer_find(s, customer);
	const struct user_counts *u = user_find(s, customer, user);
	*out = (struct ledger_view){ .count = user == 0 ? CUSTOMER_WINDOWS :
							  LEDGER_LIMITS };
	for (uint32_t i = 0; i < out->count; i++) {
		enum ledger_verdict limit = LEDGER_CUSTOMER_DAY + i;
		struct state t = state_of(s, c ? c : &nobody,
					  u ? u : &no_user, limit);
		fill_row(s, &out->rows[i], &t, limit,
			 ledger_limit(allowed, limit));
	}
	mark_first(out);
	stripe_leave(l, s);
}

uint64_t ledger_headroom(struct ledger *l, uint32_t customer,
			 const struct allowance *allowed, int64_t now_ms)
{
	struct ledger_view v;
	ledger_show(l, customer, 0, allowed, now_ms, &v);
	uint64_t day = v.rows[DAY].headroom, peak = v.rows[PEAK].headroom;
	return day < peak ? day : peak;
}

int64_t ledger_opens_at(struct ledger *l, uint32_t customer,
			const struct allowance *allowed, uint64_t n,
			int64_t now_ms)
{
	struct stripe *s = stripe_enter(l, customer, now_ms);
	const struct customer_counts *c = customer_find(s, customer);
	int64_t latest = 0;
	for (unsigned w = 0; w < CUSTOMER_WINDOWS; w++) {
		uint64_t limit = ledger_limit(allowed, customer_limits[w]);
		int64_t at = n <= limit ? 0 : WINDOW_NEVER;
		if (c != NULL) {
			struct state t = state_of(s, c, NULL,
						  customer_limits[w]);
			at = opens_at(s, &t, limit, n);
		}
		if (at > latest)
			latest = at;
	}
	stripe_leave(l, s);
	return latest;
}

/* --- alerts --- */

static uint32_t tick_of(int64_t ms)
{
	return (uint32_t)(ms / TICK_MS) + 1;
}

static struct alert_marks *marks_of(struct customer_counts *c,
				    struct user_counts *u,
				    enum ledger_verdict limit)
{
	if (limit <= LEDGER_CUSTOMER_PEAK)
		return &c->alerts[limit - LEDGER_CUSTOMER_DAY];
	return &u->alerts[limit - LEDGER_USER_MESSAGES];
}

/* Once a window: not again until one has passed since the mark. */
static bool mark(uint32_t *at, uint32_t now, const struct window *w)
{
	int64_t span = window_span_ms((enum window_kind)w->kind);
	if (*at != 0 && now - *at < (uint32_t)(span / TICK_MS))
		return false;
	*at = now;
	return true;
}

/* 0, 80 or 100. */
static uint32_t level_of(uint64_t used, uint64_t limit)
{
	uint64_t most = limit / 5 * 4 + (limit % 5 * 4 + 4) / 5;
	if (limit == 0 || used < most)
		return 0;
	return used >= limit ? 100 : 80;
}

static bool crossed(const struct stripe *s, struct alert_marks *m,
		    const struct window *w, uint32_t level)
{
	uint32_t now = tick_of(s->now_ms);
	bool is_new = false;
	if (level == 100)
		is_new = mark(&m->at_100, now, w);
	if (level >= 80) {
		/* The one of 100 says it too. */
		bool first = mark(&m->at_80, now, w);
		is_new = level == 80 ? first : is_new;
	}
	return is_new;
}

unsigned alerts_of(const struct stripe *s, struct customer_counts *c,
		   struct user_counts *u, const struct allowance *a,
		   struct ledger_alert *alerts)
{
	unsigned n = 0;
	enum ledger_verdict last = u ? LEDGER_USER_UNIQUE :
				       LEDGER_CUSTOMER_PEAK;
	for (enum ledger_verdict i = LEDGER_CUSTOMER_DAY; i <= last; i++) {
		struct state t = state_of(s, c, u, i);
		uint64_t limit = ledger_limit(a, i);
		uint32_t level = level_of(t.used, limit);
		if (!crossed(s, marks_of(c, u, i), t.window, level))
			continue;
		invariant(n < LEDGER_LIMITS);
		alerts[n++] = (struct ledger_alert){
			.limit = i, .customer = c->id, .percent = level,
			.user = i <= LEDGER_CUSTOMER_PEAK ? 0 : u->id,
			.used = t.used, .allowed = limit,
		};
	}
	return n;
}

bool ledger_restore_alert(struct ledger *l, const struct ledger_alert *alert,
			  int64_t sent_ms, int64_t now_ms)
{
	struct stripe *s = stripe_enter(l, alert->customer, now_ms);
	struct customer_counts *c = customer_get(s, alert->customer);
	struct user_counts *u = NULL;
	bool is_user = alert->limit > LEDGER_CUSTOMER_PEAK;
	if (c != NULL && is_user)
		u = user_get(s, c, alert->user);
	bool ok = c != NULL && (!is_user || u != NULL);
	if (ok) {
		struct alert_marks *m = marks_of(c, u, alert->limit);
		int64_t at_ms = steady_in(&s->clock, sent_ms);
		uint32_t at = tick_of(at_ms < s->now_ms ? at_ms : s->now_ms);
		if (at > m->at_80)
			m->at_80 = at;
		if (alert->percent == 100 && at > m->at_100)
			m->at_100 = at;
	}
	stripe_leave(l, s);
	return ok;
}

void ledger_forget_alert(struct ledger *l, const struct ledger_alert *alert)
{
	struct stripe *s = stripe_enter(l, alert->customer, -1);
	struct customer_counts *c = customer_find(s, alert->customer);
	struct user_counts *u = NULL;
	bool is_user = alert->limit > LEDGER_CUSTOMER_PEAK;
	if (c != NULL && is_user)
		u = user_find(s, alert->customer, alert->user);
	if (c != NULL && (!is_user || u != NULL)) {
		struct alert_marks *m = marks_of(c, u, alert->limit);
		m->at_80 = 0;
		if (alert->percent == 100)
			m->at_100 = 0;
	}
	stripe_leave(l, s);
}
