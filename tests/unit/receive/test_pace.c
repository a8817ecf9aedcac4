/* RELIABILITY 4.8: a body comes at 500 bytes a second on the average of a
 * minute, at least. */
#include "receive/pace.h"
#include "unit/unit.h"

enum { RATE = 500, MINUTE = PACE_WINDOW_MS, ENOUGH = RATE * 60 };

/* So many bytes by the last of a minute's looks: is that enough? */
static bool minute(uint64_t bytes, uint64_t rate)
{
	struct pace p;
	pace_begin(&p, 1000);
	assert_true(pace_more(&p, 1000 + MINUTE - 1, 0, rate));
	return pace_more(&p, 1000 + MINUTE, bytes, rate);
}

static void r1_a_minute_below_the_rate_ends_it(void **state)
{
	(void)state;
	assert_false(minute(ENOUGH - 1, RATE));
	assert_true(minute(ENOUGH, RATE));
	assert_true(minute(ENOUGH + 1, RATE));
	assert_true(minute(0, 0));
}

static void r1_a_byte_now_and_then_is_seen_within_a_minute(void **state)
{
	(void)state;
	struct pace p;
	int64_t now = 0;
	pace_begin(&p, now);
	while (pace_more(&p, now, 1, RATE))
		now += 10000;
	assert_int_equal(now, MINUTE);
}

/* Fast at first doesn't pay for slow later. */
static void r1_each_minute_counts_for_itself(void **state)
{
	(void)state;
	struct pace p;
	pace_begin(&p, 0);
	assert_true(pace_more(&p, 10, 1 << 20, RATE));
	assert_true(pace_more(&p, MINUTE, 1, RATE));
	assert_true(pace_more(&p, MINUTE + 1, 1, RATE));
	assert_false(pace_more(&p, 2 * MINUTE, 1, RATE));
}

/* Nothing for two minutes, then a little: the average of both. */
static void r1_a_long_silence_is_averaged(void **state)
{
	(void)state;
	struct pace p;
	pace_begin(&p, 0);
	assert_false(pace_more(&p, 2 * MINUTE, ENOUGH, RATE));
	pace_begin(&p, 0);
	assert_true(pace_more(&p, 2 * MINUTE, 2 * ENOUGH, RATE));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(r1_a_minute_below_the_rate_ends_it),
		cmocka_unit_test(r1_a_byte_now_and_then_is_seen_within_a_minute),
		cmocka_unit_test(r1_each_minute_counts_for_itself),
		cmocka_unit_test(r1_a_long_silence_is_averaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
