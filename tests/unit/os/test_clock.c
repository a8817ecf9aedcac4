/* A process's own time (RELIABILITY R7); the system's clock is not moved. */
#include "os/clock.h"
#include "unit/unit.h"

#include <time.h>

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
/* Between two calls. */
#define SOON 5000

static void assert_about(int64_t is, int64_t wanted)
{
	assert_true(is >= wanted && is - wanted < SOON);
}

static void r7_begins_where_it_is_told(void **state)
{
	(void)state;
	int64_t system = os_system_wall_ms();
	static const int64_t days[] = { -400, -8, 0, 400, 20000 };
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		int64_t wanted = system + days[i] * DAY;
		os_wall_begin(wanted);
		assert_about(os_wall_ms(), wanted);
		assert_about(os_system_wall_ms(), system);
	}
	/* Seconds that 32 bits don't hold. */
	os_wall_begin(INT64_C(2147483648000) + DAY);
	assert_about(os_wall_ms(), INT64_C(2147483648000) + DAY);
	os_wall_begin(system);
}

static void r7_follows_the_system_forward_at_once(void **state)
{
	(void)state;
	int64_t system = os_system_wall_ms();
	os_wall_begin(system - 400 * DAY);
	os_wall_follow(0);
	assert_about(os_wall_ms(), system);
}

/* Last: time never goes back again. */
static void r7_follows_the_system_back_by_standing_and_by_steps(void **state)
{
	(void)state;
	int64_t own = os_system_wall_ms() + HOUR;
	os_wall_begin(own);
	os_wall_follow(0);
	int64_t stood = os_wall_ms();
	assert_about(stood, own);
	struct timespec moment = { .tv_nsec = 20 * MS };
	nanosleep(&moment, NULL);
	assert_int_equal(os_wall_ms(), stood);
	os_wall_follow(500);
	assert_int_equal(os_wall_ms(), stood + 500);
	nanosleep(&moment, NULL);
	os_wall_follow(0);
	assert_int_equal(os_wall_ms(), stood + 500);
	/* At its own pace again, from where it is. */
	os_wall_begin(os_wall_ms());
	assert_about(os_wall_ms(), stood + 500);
	nanosleep(&moment, NULL);
	assert_true(os_wall_ms() > stood + 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r7_begins_where_it_is_told),
		cmocka_unit_test(r7_follows_the_system_forward_at_once),
		cmocka_unit_test(r7_follows_the_system_back_by_standing_and_by_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
