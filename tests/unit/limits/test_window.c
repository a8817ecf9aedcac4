/* Rolling windows (SPEC 6, 6.8) and clocks that jump. */
#include "limits/window.h"
#include "unit/unit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* 2026-01-01 00:00 UTC: a midnight. */
#define MIDNIGHT INT64_C(1767225600000)

static struct room room = { .max_bytes = 1 << 20 };

static uint64_t used_at(struct window *w, int64_t ms)
{
	window_advance(w, ms);
	return w->used;
}

static void book(struct window *w, int64_t ms, uint64_t units)
{
	window_advance(w, ms);
	window_add(w, &room, ms, units);
}

static void s6_8_bucket_leaves_only_when_wholly_outside(void **state)
{
	(void)state;
	static const struct row {
		enum window_kind kind;
		int64_t booked, still, gone;	/* after MIDNIGHT */
	} rows[] = {
		{ WINDOW_DAY, 0, DAY + 10 * MINUTE - 1, DAY + 10 * MINUTE },
		{ WINDOW_DAY, 1, DAY + 10 * MINUTE - 1, DAY + 10 * MINUTE },
		{ WINDOW_DAY, 10 * MINUTE - 1, DAY + 10 * MINUTE - 1,
		  DAY + 10 * MINUTE },
		{ WINDOW_DAY, 10 * MINUTE, DAY + 20 * MINUTE - 1,
		  DAY + 20 * MINUTE },
		{ WINDOW_PEAK, 0, 10 * MINUTE + 9999, 10 * MINUTE + 10000 },
		{ WINDOW_PEAK, 9999, 10 * MINUTE + 9999, 10 * MINUTE + 10000 },
		{ WINDOW_PEAK, 10000, 10 * MINUTE + 19999,
		  10 * MINUTE + 20000 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct window w;
		window_init(&w, rows[i].kind);
		book(&w, MIDNIGHT + rows[i].booked, 7);
		assert_int_equal(used_at(&w, MIDNIGHT + rows[i].still), 7);
		assert_int_equal(used_at(&w, MIDNIGHT + rows[i].gone), 0);
		window_fini(&w, &room);
	}
	assert_int_equal(room.used_bytes, 0);
}

/* A window that resets (at midnight, or every 10 min) would let twice its
 * limit through around its edge. */
static void s6_windows_roll_and_do_not_reset(void **state)
{
	(void)state;
	for (enum window_kind k = WINDOW_DAY; k <= WINDOW_PEAK; k++) {
		int64_t span = window_span_ms(k);
		struct window w;
		window_init(&w, k);
		book(&w, MIDNIGHT - 1, 100);
		book(&w, MIDNIGHT, 100);
		book(&w, MIDNIGHT + 1, 100);
		assert_int_equal(w.used, 300);
		/* Every edge of the clock that lies within the window. */
		assert_int_equal(used_at(&w, MIDNIGHT + span - 1), 300);
		/* One bucket later the first is out, two later all. */
		int64_t bucket = span / (k == WINDOW_DAY ? 144 : 60);
		assert_int_equal(used_at(&w, MIDNIGHT + span), 200);
		assert_int_equal(used_at(&w, MIDNIGHT + span + bucket), 0);
		window_fini(&w, &room);
	}
}

static void s6_8_counts_what_a_list_of_bookings_counts(void **state)
{
	(void)state;
	enum { N = 4000 };
	static int64_t at[N];
	static uint32_t units[N];
	for (enum window_kind k = WINDOW_DAY; k <= WINDOW_PEAK; k++) {
		int64_t span = window_span_ms(k), now = MIDNIGHT;
		int64_t bucket = span / (k == WINDOW_DAY ? 144 : 60);
		struct window w;
		uint64_t seed = 7;
		uint32_t first = 0;
		window_init(&w, k);
		for (uint32_t i = 0; i < N; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			now += (int64_t)(seed >> 40) % (span / 100);
			if (seed >> 33 & 1 && i % 97 == 0)
				now += span / 2;
			at[i] = now;
			units[i] = (uint32_t)(seed >> 50) % 9;
			book(&w, now, units[i]);
			uint64_t exact = 0, coarse = 0;
			while (at[first] < now - 2 * span)
				first++;
			for (uint32_t j = first; j <= i; j++) {
				if (at[j] > now - span)
					exact += units[j];
				if (at[j] / bucket + span / bucket >=
				    now / bucket)
					coarse += units[j];
			}
			assert_int_equal(w.used, coarse);
			assert_true(w.used >= exact);
			assert_true(w.count <= WINDOW_BUCKETS_MAX);
		}
		window_fini(&w, &room);
	}
	assert_int_equal(room.used_bytes, 0);
}

static void s6_11_opens_when_enough_has_left(void **state)
{
	(void)state;
	struct window w;
	window_init(&w, WINDOW_PEAK);
	book(&w, MIDNIGHT, 10);
	book(&w, MIDNIGHT + 25000, 20);
	book(&w, MIDNIGHT + 60000, 70);
	static const struct row {
		uint64_t reserved, limit, n;
		int64_t opens;
	} rows[] = {
		{ 0, 101, 1, 60000 },	/* bucket of now: open */
		{ 0, 100, 1, 610000 },
		{ 0, 100, 10, 610000 },
		{ 0, 100, 11, 630000 },
		{ 0, 100, 31, 670000 },
		{ 0, 100, 100, 670000 },
		{ 0, 100, 101, WINDOW_NEVER },
		{ 5, 100, 6, 630000 },
		{ 5, 100, 95, 670000 },
		{ 5, 100, 96, WINDOW_NEVER },
		{ 0, 0, 1, WINDOW_NEVER },
		{ 0, 100, 0, 60000 },
		{ UINT64_MAX, UINT64_MAX, 1, WINDOW_NEVER },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		int64_t at = window_opens_at(&w, r->reserved, r->limit, r->n);
		if (r->opens == WINDOW_NEVER) {
			assert_true(at == WINDOW_NEVER);
			continue;
		}
		assert_int_equal(at - MIDNIGHT, r->opens);
		/* And then it is so. */
		struct window later = w;
		later.more = NULL;
		window_init(&later, WINDOW_PEAK);
		book(&later, MIDNIGHT, 10);
		book(&later, MIDNIGHT + 25000, 20);
		book(&later, MIDNIGHT + 60000, 70);
		assert_true(used_at(&later, at) + r->reserved + r->n <=
			    r->limit);
		window_fini(&later, &room);
	}
	window_fini(&w, &room);
}

static void s6_1_full_at_the_pace_counting_what_leaves(void **state)
{
	(void)state;
	struct window w;
	window_init(&w, WINDOW_PEAK);
	book(&w, MIDNIGHT, 300);
	/* 300 in a burst: 900 is reached in 20 min at 300 a window, but the
	 * burst has left by then, so never; 600 just before it leaves. */
	assert_true(window_full_at(&w, MIDNIGHT, 0, 900, 300) == WINDOW_NEVER);
	assert_int_equal(window_full_at(&w, MIDNIGHT, 0, 600, 300) - MIDNIGHT,
			 10 * MINUTE);
	assert_int_equal(window_full_at(&w, MIDNIGHT, 150, 600, 300) - MIDNIGHT,
			 5 * MINUTE);
	assert_int_equal(window_full_at(&w, MIDNIGHT, 0, 300, 0) - MIDNIGHT, 0);
	assert_true(window_full_at(&w, MIDNIGHT, 0, 301, 0) == WINDOW_NEVER);
	window_fini(&w, &room);
}

static void s6_8_restored_bookings_in_any_order(void **state)
{
	(void)state;
	struct window a, b;
	window_init(&a, WINDOW_DAY);
	window_init(&b, WINDOW_DAY);
	window_advance(&a, MIDNIGHT);
	for (int i = 200; i >= 0; i--)	/* newest last */
		window_add(&a, &room, MIDNIGHT - i * 13 * MINUTE, 2);
	window_advance(&b, MIDNIGHT);
	for (int i = 0; i <= 200; i++)
		window_add(&b, &room, MIDNIGHT - i * 13 * MINUTE, 2);
	for (int64_t t = MIDNIGHT; t < MIDNIGHT + DAY + HOUR; t += MINUTE)
		assert_int_equal(used_at(&a, t), used_at(&b, t));
	assert_int_equal(a.used, 0);
	/* Later than now is now; too old is nothing. */
	window_add(&a, &room, MIDNIGHT + 400 * DAY, 5);
	assert_int_equal(a.used, 5);
	window_add(&a, &room, MIDNIGHT - 10 * DAY, 5);
	assert_int_equal(a.used, 5);
	assert_int_equal(used_at(&a, MIDNIGHT + 2 * DAY + 2 * HOUR), 0);
	window_fini(&a, &room);
	window_fini(&b, &room);
}

static void r6_without_memory_it_counts_longer_never_shorter(void **state)
{
	(void)state;
	struct room none = { 0 };
	struct window w, good;
	window_init(&w, WINDOW_DAY);
	window_init(&good, WINDOW_DAY);
	uint64_t seed = 3;
	for (int64_t t = MIDNIGHT; t < MIDNIGHT + 4 * DAY; t += 7 * MINUTE) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint64_t units = (seed >> 40) % 5;
		int64_t at = t - (int64_t)(seed >> 33) % (30 * HOUR);
		window_advance(&w, t);
		window_advance(&good, t);
		window_add(&w, &none, seed & 1 ? t : at, units);
		window_add(&good, &room, seed & 1 ? t : at, units);
		assert_true(w.used >= good.used);
	}
	assert_int_equal(used_at(&w, MIDNIGHT + 6 * DAY), 0);
	window_fini(&w, &none);
	window_fini(&good, &room);
}

static void r7_clock_back_keeps_ages_and_locks_for_one_window(void **state)
{
	(void)state;
	static const int64_t jumps[] = { 61000, HOUR, 5 * DAY, 400 * DAY,
					 MIDNIGHT };
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct steady s = { 0 };
		struct window w;
		int64_t t = MIDNIGHT + DAY, back = t - jumps[i];
		window_init(&w, WINDOW_DAY);
		book(&w, steady_now(&s, t), 9);
		/* Nothing leaves by it … */
		assert_int_equal(used_at(&w, steady_now(&s, back)), 9);
		assert_int_equal(used_at(&w, steady_now(&s, back + DAY - 1)),
				 9);
		assert_int_equal(steady_out(&s, steady_in(&s, back)), back);
		/* … and a window and a bucket later all is gone. */
		assert_int_equal(used_at(&w, steady_now(&s, back + DAY +
							10 * MINUTE)), 0);
		window_fini(&w, &room);
	}
}

static void r7_small_steps_back_stand_still_and_do_not_add_up(void **state)
{
	(void)state;
	struct steady s = { 0 };
	/* Threads that come with times some milliseconds old. */
	for (int64_t t = MIDNIGHT; t < MIDNIGHT + HOUR; t += 10) {
		assert_int_equal(steady_now(&s, t), t);
		assert_int_equal(steady_now(&s, t - 9), t);
	}
	assert_int_equal(s.shift_ms, 0);
	/* -1 s again and again: at most a minute is lost, then it runs. */
	int64_t wall = MIDNIGHT + HOUR, inside = 0;
	for (int i = 0; i < 1000; i++)
		inside = steady_now(&s, wall -= 1000);
	assert_true(inside >= MIDNIGHT + HOUR - 10);
	int64_t after = steady_now(&s, wall + 2 * STEADY_BACK_MS);
	assert_true(after - inside >= STEADY_BACK_MS);
	assert_true(after - inside <= 2 * STEADY_BACK_MS);
}

static void r7_time_at_its_ends(void **state)
{
	(void)state;
	static const int64_t times[] = { INT64_MIN, -1, 0, 1, INT32_MAX,
					 INT64_C(2147483648000),
					 INT64_C(4294967296000), INT64_MAX };
	struct steady s = { 0 };
	struct window w;
	window_init(&w, WINDOW_PEAK);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		for (size_t j = 0; j < ARRAY_LEN(times); j++) {
			book(&w, steady_now(&s, times[i]), 1);
			book(&w, steady_now(&s, times[j]), 1);
			assert_true(w.used >= 1);
		}
	window_fini(&w, &room);
	assert_int_equal(room.used_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_8_bucket_leaves_only_when_wholly_outside),
		cmocka_unit_test(s6_windows_roll_and_do_not_reset),
		cmocka_unit_test(s6_8_counts_what_a_list_of_bookings_counts),
		cmocka_unit_test(s6_11_opens_when_enough_has_left),
		cmocka_unit_test(s6_1_full_at_the_pace_counting_what_leaves),
		cmocka_unit_test(s6_8_restored_bookings_in_any_order),
		cmocka_unit_test(r6_without_memory_it_counts_longer_never_shorter),
		cmocka_unit_test(r7_clock_back_keeps_ages_and_locks_for_one_window),
		cmocka_unit_test(r7_small_steps_back_stand_still_and_do_not_add_up),
		cmocka_unit_test(r7_time_at_its_ends),
	};
	return cmocka_run_group_tests_name("limits/window", tests, NULL, NULL);
}
