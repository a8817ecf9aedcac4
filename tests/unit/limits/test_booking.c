/* Bookings (SPEC 6.1, 6.8): bytes that stand in the accept frame. */
#include "limits/booking.h"
#include "unit/unit.h"

static const uint8_t key[BOOKING_KEY] = "0123456789abcde";

static void s6_8_booking_survives_the_round_trip(void **state)
{
	(void)state;
	const uint64_t hashes[] = { 1, UINT64_MAX, 7 };
	struct booking b;
	struct buf out;
	struct err err;
	buf_init(&out, 1024);
	booking_write(&out, 5, 9, hashes, 3);
	assert_true(booking_read(buf_slice(&out), &b, &err));
	assert_int_equal(b.customer, 5);
	assert_int_equal(b.user, 9);
	assert_int_equal(b.recipients, 3);
	assert_true(booking_hash(&b, 1) == UINT64_MAX);
	for (size_t n = 0; n < out.n; n++)
		assert_false(booking_read((slice){ out.p, n }, &b, &err));
	buf_fini(&out);
}

static void s6_1_recipients_are_told_apart(void **state)
{
	(void)state;
	static const uint8_t other[BOOKING_KEY] = "fedcba987654321";
	uint64_t a = booking_recipient_hash(key, SLICE("a"), SLICE("bc"));
	assert_true(a == booking_recipient_hash(key, SLICE("a"),
						SLICE("bc")));
	assert_true(a != booking_recipient_hash(key, SLICE("ab"),
						SLICE("c")));
	assert_true(a != booking_recipient_hash(key, SLICE("A"),
						SLICE("bc")));
	assert_true(a != booking_recipient_hash(other, SLICE("a"),
						SLICE("bc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_8_booking_survives_the_round_trip),
		cmocka_unit_test(s6_1_recipients_are_told_apart),
	};
	return cmocka_run_group_tests_name("limits/booking", tests, NULL,
					   NULL);
}
