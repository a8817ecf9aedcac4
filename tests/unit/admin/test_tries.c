/* Slowing down who tries again and again (SPEC 12.3, RELIABILITY A6). */
#include "unit/unit.h"

#include <stdio.h>

#include "admin/tries.h"

static const slice ALICE = { "alice@example.com", 17 };

static struct tries *new_tries(void)
{
	struct tries *t = tries_new();
	assert_non_null(t);
	return t;
}

static void each_wait_is_twice_the_one_before(void **state)
{
	static const int64_t waits[] = { 0, 0, 1000, 2000, 4000, 8000, 16000,
					 32000, 60000, 60000, 60000 };
	struct tries *t = new_tries();
	int64_t now = 1000000;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		assert_int_equal(tries_failed(t, TRIES_PERSON, ALICE, now),
				 i + 1);
		assert_int_equal(tries_wait_ms(t, TRIES_PERSON, ALICE, now),
				 waits[i]);
		if (waits[i] > 0)
			assert_int_equal(tries_wait_ms(t, TRIES_PERSON, ALICE,
						       now + waits[i] - 1), 1);
		now += waits[i];
		assert_int_equal(tries_wait_ms(t, TRIES_PERSON, ALICE, now),
				 0);
	}
	/* A client of that name is somebody else. */
	assert_int_equal(tries_failed(t, TRIES_CLIENT, ALICE, now), 1);
	tries_free(&t);
}

static void a_client_waits_longer(void **state)
{
	struct tries *t = new_tries();
	(void)state;
	for (int i = 0; i < 40; i++)
		tries_failed(t, TRIES_CLIENT, ALICE, 5000);
	assert_int_equal(tries_wait_ms(t, TRIES_CLIENT, ALICE, 5000),
			 TRIES_CLIENT_MS);
	tries_free(&t);
}

static void quiet_and_success_forget(void **state)
{
	struct tries *t = new_tries();
	(void)state;
	for (int i = 0; i < 20; i++)
		tries_failed(t, TRIES_PERSON, ALICE, 1000);
	assert_int_equal(tries_failed(t, TRIES_PERSON, ALICE,
				      1000 + TRIES_QUIET_MS - 1), 21);
	assert_int_equal(tries_failed(t, TRIES_PERSON, ALICE,
				      1000 + 2ll * TRIES_QUIET_MS), 1);
	for (int i = 0; i < 20; i++)
		tries_failed(t, TRIES_PERSON, ALICE, 9000000);
	tries_succeeded(t, TRIES_PERSON, ALICE);
	assert_int_equal(tries_wait_ms(t, TRIES_PERSON, ALICE, 9000000), 0);
	tries_free(&t);
}

static void many_names_dont_grow_it(void **state)
{
	struct tries *t = new_tries();
	char name[32];
	(void)state;
	for (int i = 0; i < 50000; i++) {
		int n = snprintf(name, sizeof(name), "user%d@x.test", i);
		tries_failed(t, TRIES_PERSON, (slice){ name, (size_t)n }, i);
	}
	/* The newest is known. */
	assert_int_equal(tries_failed(t, TRIES_PERSON, slice_of(name), 50000),
			 2);
	tries_free(&t);
}

static void all_together_have_a_pace(void **state)
{
	struct tries *t = new_tries();
	int64_t now = 77;
	unsigned taken = 0;
	(void)state;
	while (tries_take_turn(t, now) == 0)
		taken++;
	assert_int_equal(taken, TRIES_BURST);
	int64_t wait = tries_take_turn(t, now);
	assert_int_equal(wait, 1000 / TRIES_A_SECOND);
	assert_int_not_equal(tries_take_turn(t, now + wait - 1), 0);
	assert_int_equal(tries_take_turn(t, now + wait), 0);
	tries_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wait_is_twice_the_one_before),
		cmocka_unit_test(a_client_waits_longer),
		cmocka_unit_test(quiet_and_success_forget),
		cmocka_unit_test(many_names_dont_grow_it),
		cmocka_unit_test(all_together_have_a_pace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
