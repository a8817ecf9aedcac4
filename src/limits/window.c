/* Rolling windows; see window.h. */
#include "limits/window.h"

enum { KINDS = 2, PACE_MS = 600000 };

/* Far enough (year 3200) and fit for bucket numbers in 32 bits. */
#define TIME_MAX_MS INT64_C(40000000000000)

static const struct kind {
	uint32_t buckets;
	int64_t bucket_ms;
} kinds[KINDS] = {
	[WINDOW_DAY] = { 144, 600000 },
	[WINDOW_PEAK] = { 60, 10000 },
};

static int64_t clamp(int64_t ms)
{
	if (ms < 0)
		return 0;
	return ms < TIME_MAX_MS ? ms : TIME_MAX_MS;
}

int64_t steady_in(const struct steady *s, int64_t ms)
{
	return clamp(clamp(ms) + s->shift_ms);
}

int64_t steady_out(const struct steady *s, int64_t ms)
{
	return ms == WINDOW_NEVER ? ms : ms - s->shift_ms;
}

int64_t steady_now(struct steady *s, int64_t now_ms)
{
	int64_t inside = steady_in(s, now_ms);
	if (inside < s->newest_ms - STEADY_BACK_MS) {
		s->shift_ms += s->newest_ms - inside;
		invariant(s->shift_ms >= 0 && s->shift_ms <= TIME_MAX_MS);
	}
	if (inside > s->newest_ms)
		s->newest_ms = inside;
	return s->newest_ms;
}

static struct window_bucket *buckets_of(struct window *w)
{
	return w->more ? w->more : w->own;
}

static const struct window_bucket *peek_buckets(const struct window *w)
{
	return w->more ? w->more : w->own;
}

static void window_check(const struct window *w)
{
	invariant(w->kind < KINDS && w->count <= w->cap);
	invariant(w->cap >= ARRAY_LEN(w->own) && w->cap <= WINDOW_BUCKETS_MAX);
	invariant((w->more == NULL) == (w->cap == ARRAY_LEN(w->own)));
	invariant(w->now >= WINDOW_FIRST);
}

void window_init(struct window *w, enum window_kind kind)
{
	*w = (struct window){ .now = WINDOW_FIRST, .kind = (uint8_t)kind,
			      .cap = ARRAY_LEN(w->own) };
}

void window_fini(struct window *w, struct room *room)
{
	room_give(room, w->more, w->cap * sizeof(*w->more));
	window_init(w, (enum window_kind)w->kind);
}

int64_t window_span_ms(enum window_kind kind)
{
	return kinds[kind].buckets * kinds[kind].bucket_ms;
}

uint32_t window_number(const struct window *w, int64_t ms)
{
	return (uint32_t)(clamp(ms) / kinds[w->kind].bucket_ms) + WINDOW_FIRST;
}

/* When a bucket begins; with what it takes, when it leaves. */
static int64_t begins_at(const struct window *w, uint32_t number)
{
	return (int64_t)(number - WINDOW_FIRST) * kinds[w->kind].bucket_ms;
}

static int64_t leaves_at(const struct window *w, uint32_t number)
{
	return begins_at(w, number + kinds[w->kind].buckets + 1);
}

static void remove_oldest(struct window *w, uint32_t n)
{
	struct window_bucket *at = buckets_of(w);
	invariant(n <= w->count);
	memmove(at, at + n, (w->count - n) * sizeof(*at));
	w->count = (uint8_t)(w->count - n);
}

void window_advance(struct window *w, int64_t now_ms)
{
	uint32_t number = window_number(w, now_ms);
	window_check(w);
	if (number <= w->now)
		return;
	w->now = number;
	const struct window_bucket *at = peek_buckets(w);
	uint32_t gone = 0;
	while (gone < w->count && !window_live(w, at[gone].number)) {
		invariant(w->used >= at[gone].units);
		w->used -= at[gone++].units;
	}
	if (gone > 0)
		remove_oldest(w, gone);
	invariant(w->count > 0 || w->used == 0);
}

static bool grow(struct window *w, struct room *room)
{
	uint32_t cap = w->cap * 4u;
	if (cap > WINDOW_BUCKETS_MAX)
		cap = WINDOW_BUCKETS_MAX;
	invariant(cap > w->cap);
	struct window_bucket *more = room_take(room, cap * sizeof(*more));
	if (more == NULL)
		return false;
	memcpy(more, peek_buckets(w), w->count * sizeof(*more));
	room_give(room, w->more, w->cap * sizeof(*more));
	w->more = more;
	w->cap = (uint8_t)cap;
	return true;
}

/* Units fit 32 bits in any sane plan; beyond it a bucket stays full. */
static void bucket_add(struct window *w, struct window_bucket *b,
		       uint64_t units)
{
	uint64_t left = UINT32_MAX - b->units;
	uint32_t more = (uint32_t)(units < left ? units : left);
	b->units += more;
	w->used += more;
}

void window_put(struct window *w, struct room *room, uint32_t number,
		uint64_t units)
{
	window_check(w);
	invariant(number <= w->now);
	if (units == 0 || !window_live(w, number))
		return;
	struct window_bucket *at = buckets_of(w);
	uint32_t i = w->count;
	while (i > 0 && at[i - 1].number > number)
		i--;
	if (i > 0 && at[i - 1].number == number) {
		bucket_add(w, &at[i - 1], units);
		return;
	}
	if (w->count == w->cap && !grow(w, room)) {
		if (i <= 1) {
			/* The oldest of all, or next to it: one with it. */
			if (i == 1)
				at[0].number = number;
			bucket_add(w, &at[0], units);
			return;
		}
		uint64_t merged = at[0].units;
		w->used -= merged;
		bucket_add(w, &at[1], merged);
		remove_oldest(w, 1);
		i--;
	}
	at = buckets_of(w);
	memmove(at + i + 1, at + i, (w->count - i) * sizeof(*at));
	at[i] = (struct window_bucket){ .number = number };
	w->count++;
	bucket_add(w, &at[i], units);
}

void window_add(struct window *w, struct room *room, int64_t at_ms,
		uint64_t units)
{
	uint32_t number = window_number(w, at_ms);
	window_put(w, room, number < w->now ? number : w->now, units);
}

void window_take(struct window *w, uint32_t number)
{
	struct window_bucket *at = buckets_of(w);
	window_check(w);
	invariant(window_live(w, number));
	uint32_t i = w->count;
	while (i > 0 && at[i - 1].number >= number)
		i--;
	if (i == w->count)
		return;		/* only after merges */
	invariant(w->used > 0 && at[i].units > 0);
	w->used--;
	if (--at[i].units > 0)
		return;
	memmove(at + i, at + i + 1, (w->count - i - 1u) * sizeof(*at));
	w->count--;
}

int64_t window_opens_at(const struct window *w, uint64_t reserved,
			uint64_t limit, uint64_t n)
{
	const struct window_bucket *at = peek_buckets(w);
	if (n > limit || reserved > limit - n)
		return WINDOW_NEVER;
	uint64_t fits = limit - n - reserved, used = w->used;
	int64_t when = begins_at(w, w->now);
	for (uint32_t i = 0; used > fits; i++) {
		invariant(i < w->count);
		used -= at[i].units;
		when = leaves_at(w, at[i].number);
	}
	return when;
}

/* Time in which `pace` a PACE_MS brings `units`. */
static int64_t time_for(uint64_t units, uint64_t pace)
{
	uint64_t most = INT64_MAX / 2 / PACE_MS;
	return (int64_t)((units < most ? units : most) * PACE_MS / pace);
}

int64_t window_full_at(const struct window *w, int64_t now_ms,
		       uint64_t reserved, uint64_t limit, uint64_t pace)
{
	const struct window_bucket *at = peek_buckets(w);
	int64_t end = now_ms + window_span_ms((enum window_kind)w->kind);
	uint64_t level = w->used + reserved;
	if (level >= limit)
		return now_ms;
	if (pace == 0)
		return WINDOW_NEVER;
	/* What comes alone, then less and less beside it. */
	for (uint32_t i = 0; i <= w->count; i++) {
		int64_t until = i < w->count ? leaves_at(w, at[i].number) : end;
		int64_t full = now_ms + time_for(limit - level, pace);
		if (full < until || i == w->count)
			return full <= end ? full : WINDOW_NEVER;
		level -= at[i].units;
	}
	unreachable_state("the last round returns");
}

uint64_t window_recent(const struct window *w, int64_t now_ms)
{
	const struct window_bucket *at = peek_buckets(w);
	uint64_t sum = 0, bucket_ms = (uint64_t)kinds[w->kind].bucket_ms;
	uint64_t into = (uint64_t)clamp(now_ms) % bucket_ms;
	for (uint32_t i = w->count; i > 0 && w->now - at[i - 1].number < 2; i--)
		sum += at[i - 1].number == w->now ? at[i - 1].units :
			       at[i - 1].units * (bucket_ms - into) / bucket_ms;
	return sum;
}
