/* Which time to believe (RELIABILITY R7). */
#include "base/clock_watch.h"
#include "unit/unit.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* 2026-01-01 00:00 UTC */
#define NOW INT64_C(1767225600000)
/* 2038-01-19 03:14:07 UTC: the last second of 32 bits. */
#define Y2038 INT64_C(2147483647000)

static void r7_begins_with_the_last_known_time_when_the_clock_is_not_believed(
	void **state)
{
	(void)state;
	static const struct row {
		int64_t last, system;		/* after NOW */
		enum clock_mark mark;
		int64_t own;			/* after NOW */
		enum clock_state state;
	} rows[] = {
		/* the usual ones */
		{ 0, 0, CLOCK_MARK_NONE, 0, CLOCK_FINE },
		{ 0, 5 * SECOND, CLOCK_MARK_NONE, 5 * SECOND, CLOCK_FINE },
		{ 0, 7 * DAY, CLOCK_MARK_NONE, 7 * DAY, CLOCK_FINE },
		/* never backwards, not even by what is no alarm */
		{ 0, -1, CLOCK_MARK_NONE, 0, CLOCK_FINE },
		{ 0, -SECOND, CLOCK_MARK_NONE, 0, CLOCK_FINE },
		{ 0, -MINUTE, CLOCK_MARK_NONE, 0, CLOCK_FINE },
		{ 0, -MINUTE - 1, CLOCK_MARK_NONE, 0, CLOCK_BEHIND },
		{ 0, -HOUR, CLOCK_MARK_NONE, 0, CLOCK_BEHIND },
		{ 0, -400 * DAY, CLOCK_MARK_NONE, 0, CLOCK_BEHIND },
		/* no battery: 1970 */
		{ 0, -NOW, CLOCK_MARK_NONE, 0, CLOCK_BEHIND },
		{ 0, -HOUR, CLOCK_MARK_SLOW, 0, CLOCK_SLOW },
		{ 0, 7 * DAY + 1, CLOCK_MARK_NONE, 0, CLOCK_DOUBTFUL },
		{ 0, 400 * DAY, CLOCK_MARK_NONE, 0, CLOCK_DOUBTFUL },
		{ 0, 400 * DAY, CLOCK_MARK_SLOW, 0, CLOCK_DOUBTFUL },
		/* a restart does not make it believable */
		{ 0, HOUR, CLOCK_MARK_DOUBTFUL, HOUR, CLOCK_FINE },
		{ 0, HOUR + 1, CLOCK_MARK_DOUBTFUL, 0, CLOCK_DOUBTFUL },
		{ 0, 2 * DAY, CLOCK_MARK_DOUBTFUL, 0, CLOCK_DOUBTFUL },
		/* over the end of 32 bits */
		{ Y2038 - NOW - 1, Y2038 - NOW + DAY, CLOCK_MARK_NONE,
		  Y2038 - NOW + DAY, CLOCK_FINE },
		{ Y2038 - NOW - 1, Y2038 - NOW + 8 * DAY, CLOCK_MARK_NONE,
		  Y2038 - NOW - 1, CLOCK_DOUBTFUL },
		/* a clock may say anything */
		{ 0, INT64_MAX - NOW, CLOCK_MARK_NONE, 0, CLOCK_DOUBTFUL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_watch w;
		int64_t own = clock_watch_begin(&w, NOW + rows[i].last,
						rows[i].mark,
						NOW + rows[i].system);
		assert_int_equal(own - NOW, rows[i].own);
		assert_int_equal(w.state, rows[i].state);
		assert_int_equal(clock_watch_tells(&w),
				 rows[i].state != CLOCK_FINE);
		assert_false(clock_watch_tells(&w));
	}
}

static void r7_first_start_takes_the_system_clock(void **state)
{
	(void)state;
	static const int64_t systems[] = { 1, NOW, Y2038 + DAY, 100 * 365 * DAY };
	for (size_t i = 0; i < ARRAY_LEN(systems); i++) {
		struct clock_watch w;
		assert_int_equal(clock_watch_begin(&w, 0, CLOCK_MARK_NONE,
						   systems[i]), systems[i]);
		assert_int_equal(w.state, CLOCK_FINE);
		assert_int_equal(clock_watch_mark(&w), CLOCK_MARK_NONE);
	}
}

static struct clock_watch begun(int64_t system_after_last)
{
	struct clock_watch w;
	(void)!clock_watch_begin(&w, NOW, CLOCK_MARK_NONE,
				 NOW + system_after_last);
	return w;
}

/* One look after the other: how far the system is ahead of the own time, and
 * what comes of it. */
struct look {
	int64_t offset;
	enum clock_act act;
	enum clock_state state;
	bool tells;
};

static void looks(struct clock_watch w, const struct look *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum clock_act act = clock_watch_look(&w, NOW,
						      NOW + rows[i].offset);
		assert_int_equal(act, rows[i].act);
		assert_int_equal(w.state, rows[i].state);
		assert_int_equal(clock_watch_tells(&w), rows[i].tells);
	}
}
#define LOOKS(w, rows) looks(w, rows, ARRAY_LEN(rows))

static void r7_a_jump_is_told_once_and_the_old_time_runs_on(void **state)
{
	(void)state;
	static const struct look forward[] = {
		{ 0, CLOCK_GO_ON, CLOCK_FINE, false },
		{ MINUTE, CLOCK_GO_ON, CLOCK_FINE, false },
		{ MINUTE + 1, CLOCK_GO_ON, CLOCK_AHEAD, true },
		{ MINUTE + 1, CLOCK_GO_ON, CLOCK_AHEAD, false },
		{ 2 * MINUTE + 1, CLOCK_GO_ON, CLOCK_AHEAD, false },
		{ HOUR, CLOCK_GO_ON, CLOCK_AHEAD, true },
		{ HOUR + 1, CLOCK_GO_ON, CLOCK_DOUBTFUL, true },
		{ HOUR + 1, CLOCK_GO_ON, CLOCK_DOUBTFUL, false },
		{ 400 * DAY, CLOCK_GO_ON, CLOCK_DOUBTFUL, true },
		{ 400 * DAY, CLOCK_GO_ON, CLOCK_DOUBTFUL, false },
		{ 0, CLOCK_GO_ON, CLOCK_FINE, true },
		{ 0, CLOCK_GO_ON, CLOCK_FINE, false },
	};
	static const struct look back[] = {
		{ -MINUTE, CLOCK_GO_ON, CLOCK_FINE, false },
		{ -MINUTE - 1, CLOCK_GO_ON, CLOCK_BEHIND, true },
		{ -HOUR, CLOCK_GO_ON, CLOCK_BEHIND, true },
		{ -HOUR, CLOCK_GO_ON, CLOCK_BEHIND, false },
		{ 0, CLOCK_GO_ON, CLOCK_FINE, true },
		{ HOUR + 1, CLOCK_GO_ON, CLOCK_DOUBTFUL, true },
	};
	LOOKS(begun(0), forward);
	LOOKS(begun(0), back);
}

/* Steps of a second, also leap seconds and a machine that is put back again
 * and again, are told when they come to a minute. */
static void r7_steps_of_a_second_are_told_by_the_minute(void **state)
{
	(void)state;
	struct clock_watch w = begun(0);
	for (int64_t i = 1; i <= 600; i++) {
		enum clock_act act = clock_watch_look(&w, NOW,
						      NOW - i * SECOND);
		assert_int_equal(act, CLOCK_GO_ON);
		assert_int_equal(clock_watch_tells(&w),
				 i >= 61 && (i - 61) % 61 == 0);
	}
}

/* Behind "until the system's clock passes it"; what it may pass it by
 * depends on whether there was a time when both agreed. */
static void r7_a_clock_that_is_put_right_is_taken(void **state)
{
	(void)state;
	static const struct look no_battery[] = {
		{ -NOW, CLOCK_GO_ON, CLOCK_BEHIND, true },
		{ 3 * DAY, CLOCK_TAKE, CLOCK_FINE, true },
		{ 0, CLOCK_GO_ON, CLOCK_FINE, false },
		{ 2 * HOUR, CLOCK_GO_ON, CLOCK_DOUBTFUL, true },
	};
	static const struct look from_1970_to_2030[] = {
		{ -NOW, CLOCK_GO_ON, CLOCK_BEHIND, true },
		{ 1400 * DAY, CLOCK_GO_ON, CLOCK_DOUBTFUL, true },
		{ 8 * DAY, CLOCK_GO_ON, CLOCK_DOUBTFUL, true },
		{ 7 * DAY, CLOCK_TAKE, CLOCK_FINE, true },
	};
	static const struct look running[] = {
		{ -HOUR, CLOCK_GO_ON, CLOCK_BEHIND, true },
		{ 2 * HOUR, CLOCK_GO_ON, CLOCK_DOUBTFUL, true },
		{ HOUR, CLOCK_TAKE, CLOCK_FINE, true },
	};
	LOOKS(begun(-NOW), no_battery);
	LOOKS(begun(-NOW), from_1970_to_2030);
	LOOKS(begun(0), running);
}

static void r7_accept_takes_what_is_ahead(void **state)
{
	(void)state;
	static const int64_t ahead[] = { MINUTE + 1, HOUR, HOUR + 1, 400 * DAY };
	for (size_t i = 0; i < ARRAY_LEN(ahead); i++) {
		struct clock_watch w = begun(0);
		(void)!clock_watch_look(&w, NOW, NOW + ahead[i]);
		assert_int_equal(clock_watch_accept(&w, NOW, NOW + ahead[i]),
				 CLOCK_TAKE);
		assert_int_equal(w.state, CLOCK_FINE);
		assert_int_equal(clock_watch_mark(&w), CLOCK_MARK_NONE);
	}
	struct clock_watch w = begun(400 * DAY);
	assert_int_equal(clock_watch_mark(&w), CLOCK_MARK_DOUBTFUL);
	assert_int_equal(clock_watch_accept(&w, NOW, NOW + 400 * DAY),
			 CLOCK_TAKE);
	/* And no second time. */
	assert_int_equal(clock_watch_accept(&w, NOW, NOW), CLOCK_GO_ON);
	assert_int_equal(w.state, CLOCK_FINE);
}

static void r7_accept_never_goes_back_but_slowly(void **state)
{
	(void)state;
	struct clock_watch w = begun(-HOUR);
	assert_int_equal(clock_watch_accept(&w, NOW, NOW - HOUR),
			 CLOCK_GO_SLOWLY);
	assert_int_equal(w.state, CLOCK_SLOW);
	assert_int_equal(clock_watch_mark(&w), CLOCK_MARK_SLOW);
	assert_int_equal(clock_watch_accept(&w, NOW, NOW - HOUR), CLOCK_GO_ON);
	static const struct look rows[] = {
		{ -HOUR, CLOCK_GO_SLOWLY, CLOCK_SLOW, true },
		{ -HOUR / 2, CLOCK_GO_SLOWLY, CLOCK_SLOW, false },
		{ -1, CLOCK_GO_SLOWLY, CLOCK_SLOW, false },
		{ 0, CLOCK_RUN_ON, CLOCK_FINE, true },
		{ 0, CLOCK_GO_ON, CLOCK_FINE, false },
	};
	LOOKS(w, rows);
	static const struct look jumps[] = {
		{ -HOUR, CLOCK_GO_SLOWLY, CLOCK_SLOW, true },
		{ 400 * DAY, CLOCK_RUN_ON, CLOCK_DOUBTFUL, true },
	};
	LOOKS(w, jumps);
}

/* Ten years by the monotonic clock, with a system's clock that is kept in
 * step by NTP: nothing is ever told. */
static void r7_ten_years_without_a_jump(void **state)
{
	(void)state;
	struct clock_watch w = begun(0);
	for (int64_t t = 0; t < 3653 * DAY; t += HOUR) {
		int64_t drift = t / HOUR % 41 - 20;
		assert_int_equal(clock_watch_look(&w, NOW + t,
						  NOW + t + drift * SECOND),
				 CLOCK_GO_ON);
		assert_false(clock_watch_tells(&w));
	}
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(clock_state_name(CLOCK_FINE), "fine");
	assert_string_equal(clock_state_name(CLOCK_SLOW), "slow");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r7_begins_with_the_last_known_time_when_the_clock_is_not_believed),
		cmocka_unit_test(r7_first_start_takes_the_system_clock),
		cmocka_unit_test(r7_a_jump_is_told_once_and_the_old_time_runs_on),
		cmocka_unit_test(r7_steps_of_a_second_are_told_by_the_minute),
		cmocka_unit_test(r7_a_clock_that_is_put_right_is_taken),
		cmocka_unit_test(r7_accept_takes_what_is_ahead),
		cmocka_unit_test(r7_accept_never_goes_back_but_slowly),
		cmocka_unit_test(r7_ten_years_without_a_jump),
		cmocka_unit_test(states_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
