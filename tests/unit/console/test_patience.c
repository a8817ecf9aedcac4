/* Clients that drip (patience.h): RELIABILITY L5, on a clock of its own. */
#include "unit/unit.h"

#include "console/patience.h"
#include "os/clock.h"

static unsigned stopped;		/* a bit for each descriptor */

static void stop(int fd)
{
	stopped |= 1u << fd;
}

static int64_t at(int64_t ms)
{
	return ms * MS;
}

static void l5_a_request_is_waited_for_half_a_minute(void **state)
{
	(void)state;
	struct patience *p;
	assert_true(patience_new(&p, NULL));
	struct patient *drips = patience_begin(p, 1, at(0));
	struct patient *asks = patience_begin(p, 2, at(0));
	struct patient *late = patience_begin(p, 3, at(5000));
	patience_whole(p, asks);	/* admin may take long */
	patience_turn(p, at(PATIENCE_MS - 1), stop);
	assert_int_equal(stopped, 0);
	patience_turn(p, at(PATIENCE_MS + 1000), stop);
	assert_int_equal(stopped, 1u << 1);
	/* Once is enough; and between looks nothing happens. */
	stopped = 0;
	assert_int_equal(patience_turn(p, at(PATIENCE_MS + 1500), stop),
			 at(PATIENCE_MS + 2000));
	patience_again(p, asks, at(PATIENCE_MS + 2000));
	patience_turn(p, at(PATIENCE_MS + 5000), stop);
	assert_int_equal(stopped, 1u << 3);
	patience_turn(p, at(2 * PATIENCE_MS + 3000), stop);
	assert_int_equal(stopped, 1u << 3 | 1u << 2);
	patience_end(p, &asks);
	patience_end(p, &drips);
	patience_end(p, &late);
	patience_turn(p, at(9 * PATIENCE_MS), stop);
	assert_int_equal(stopped, 1u << 3 | 1u << 2);
	patience_free(&p);
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l5_a_request_is_waited_for_half_a_minute),
	};
	return cmocka_run_group_tests_name("console/patience", tests, NULL,
					   NULL);
}
