/* The byte form of an entry's state: round trip, every cut refused, unknown
 * destinations become the unrouted one. */
#include "queue_test.h"

#include "base/buf.h"

static struct test_router router;

static int begin(void **state)
{
	(void)state;
	test_router_init(&router);
	return 0;
}

static int end(void **state)
{
	(void)state;
	destinations_fini(&router.all);
	return 0;
}

static struct queue_entry *sample(void)
{
	static const char *const to[] = { "a@one.example", "b@two.example",
					  "c@one.example", NULL };
	static const uint8_t status[3] = { 4, 2, 1 };
	struct queue_entry *e = test_entry(&router, 9, 1, to);
	assert_non_null(e);
	assert_int_equal(e->part_count, 2);
	e->parts[0].state = PART_SCHEDULED;
	e->parts[0].next_ms = 123456;
	e->parts[0].tries = 3;
	recipient_set_reply(&e->recipients[0], 450, status,
			    SLICE("later\r\nplease"));
	e->recipients[2].state = RECIPIENT_DELIVERED;
	e->recipients[2].reported = true;
	e->waiting--;
	return e;
}

static void state_survives_the_round_trip(void **state)
{
	(void)state;
	struct queue_entry *e = sample();
	struct buf bytes;
	struct err err;
	buf_init(&bytes, 65536);
	entry_state_write(&bytes, e);
	struct queue_entry *back = entry_from_state(NULL, e->id, &router.all,
						    buf_slice(&bytes), &err);
	assert_non_null(back);
	assert_int_equal(back->customer, 9);
	assert_int_equal(back->waiting, 2);
	assert_int_equal(back->parts[0].tries, 3);
	assert_int_equal(back->parts[0].next_ms, 123456);
	assert_ptr_equal(back->parts[1].destination, e->parts[1].destination);
	assert_string_equal(back->recipients[0].reply, "later  please");
	assert_int_equal(back->recipients[2].state, RECIPIENT_DELIVERED);
	entry_free(&back);
	entry_free(&e);
	buf_fini(&bytes);
}

static void every_cut_is_refused(void **state)
{
	(void)state;
	struct queue_entry *e = sample();
	struct buf bytes;
	struct err err;
	buf_init(&bytes, 65536);
	entry_state_write(&bytes, e);
	for (size_t n = 0; n < bytes.n; n++) {
		assert_null(entry_from_state(NULL, e->id, &router.all,
					     (slice){ bytes.p, n }, &err));
		assert_int_equal(err.kind, ERR_PROTOCOL);
	}
	buf_append_char(&bytes, 'x');
	assert_null(entry_from_state(NULL, e->id, &router.all,
				     buf_slice(&bytes), &err));
	entry_free(&e);
	buf_fini(&bytes);
}

static void a_lease_is_written_as_due(void **state)
{
	(void)state;
	static const char *const to[] = { "a@one.example", NULL };
	struct queue_entry *e = test_entry(&router, 1, 1, to);
	struct buf bytes;
	struct err err;
	buf_init(&bytes, 65536);
	e->parts[0].state = PART_LEASED;
	entry_state_write(&bytes, e);
	struct queue_entry *back = entry_from_state(NULL, e->id, &router.all,
						    buf_slice(&bytes), &err);
	assert_non_null(back);
	assert_int_equal(back->parts[0].state, PART_READY);
	entry_free(&back);
	entry_free(&e);
	buf_fini(&bytes);
}

static void a_destination_that_is_no_more_is_unrouted(void **state)
{
	(void)state;
	struct queue_entry *e = sample();
	struct test_router other;
	struct buf bytes;
	struct err err;
	test_router_init(&other);
	buf_init(&bytes, 65536);
	entry_state_write(&bytes, e);
	struct queue_entry *back = entry_from_state(NULL, e->id, &other.all,
						    buf_slice(&bytes), &err);
	assert_non_null(back);
	assert_int_equal(back->parts[0].destination->index,
			 DESTINATION_UNROUTED);
	entry_free(&back);
	entry_free(&e);
	buf_fini(&bytes);
	destinations_fini(&other.all);
}

static void a_domain_without_a_route_makes_no_entry(void **state)
{
	(void)state;
	static const char *const to[] = { "a@one.example",
					  "b@no-route.example", NULL };
	assert_null(test_entry(&router, 1, 1, to));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(state_survives_the_round_trip,
						begin, end),
		cmocka_unit_test_setup_teardown(every_cut_is_refused, begin,
						end),
		cmocka_unit_test_setup_teardown(a_lease_is_written_as_due,
						begin, end),
		cmocka_unit_test_setup_teardown(
			a_destination_that_is_no_more_is_unrouted, begin, end),
		cmocka_unit_test_setup_teardown(
			a_domain_without_a_route_makes_no_entry, begin, end),
	};
	return cmocka_run_group_tests_name("queue/state", tests, NULL, NULL);
}
