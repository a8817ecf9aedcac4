/* Lanes: customers take turns, nobody starves (SPEC 11.4). */
#include "queue_test.h"

static struct test_router router;
static struct lane lane;

static int begin(void **state)
{
	(void)state;
	test_router_init(&router);
	lane_init(&lane, destinations_named(&router.all, SLICE("d"), 10));
	return 0;
}

static int end(void **state)
{
	(void)state;
	lane_fini(&lane);
	destinations_fini(&router.all);
	return 0;
}

static struct queue_entry *put(uint32_t customer, uint64_t n)
{
	static const char *const to[] = { "x@d", NULL };
	struct queue_entry *e = test_entry(&router, customer, n, to);
	assert_non_null(e);
	assert_true(lane_add(&lane, &e->parts[0]));
	return e;
}

static void take_and_free(uint32_t *customer)
{
	struct queue_part *p = lane_take(&lane);
	assert_non_null(p);
	struct queue_entry *e = p->entry;
	*customer = e->customer;
	entry_free(&e);
}

static void one_customer_is_served_in_order(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		put(7, i);
	for (uint64_t i = 0; i < 5; i++) {
		struct queue_part *p = lane_take(&lane);
		struct queue_entry *e = p->entry;
		assert_int_equal(e->id.time_ms, 1000 + i);
		entry_free(&e);
	}
	assert_null(lane_take(&lane));
}

static void s11_4_a_big_sender_never_starves_a_small_one(void **state)
{
	(void)state;
	uint32_t customer;
	for (uint64_t i = 0; i < 1000; i++)
		put(1, i);
	put(2, 5000);
	/* The small one's turn comes after one quantum of the big one. */
	for (int i = 0; i <= LANE_QUANTUM; i++) {
		take_and_free(&customer);
		if (customer == 2)
			break;
	}
	assert_int_equal(customer, 2);
	for (int i = LANE_QUANTUM; i < 1000; i++)
		take_and_free(&customer);
	assert_int_equal(lane.count, 0);
}

static void what_is_asked_for_by_hand_goes_first(void **state)
{
	(void)state;
	uint32_t customer;
	put(1, 0);
	put(2, 1);
	struct queue_entry *e = put(2, 2);
	lane_hurry(&lane, &e->parts[0]);
	struct queue_part *p = lane_take(&lane);
	assert_ptr_equal(p->entry, e);
	entry_free(&e);
	take_and_free(&customer);
	take_and_free(&customer);
	assert_null(lane_take(&lane));
}

static void removing_from_the_middle_keeps_the_rest(void **state)
{
	(void)state;
	uint32_t customer;
	put(1, 0);
	struct queue_entry *e = put(2, 1);
	put(3, 2);
	lane_remove(&lane, &e->parts[0]);
	entry_free(&e);
	take_and_free(&customer);
	assert_int_equal(customer, 1);
	take_and_free(&customer);
	assert_int_equal(customer, 3);
	assert_null(lane_take(&lane));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			one_customer_is_served_in_order, begin, end),
		cmocka_unit_test_setup_teardown(
			s11_4_a_big_sender_never_starves_a_small_one, begin,
			end),
		cmocka_unit_test_setup_teardown(
			what_is_asked_for_by_hand_goes_first, begin, end),
		cmocka_unit_test_setup_teardown(
			removing_from_the_middle_keeps_the_rest, begin, end),
	};
	return cmocka_run_group_tests_name("queue/ready", tests, NULL, NULL);
}
