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

/* What stood in spools before there was more to say. */
static void version_1_is_written_and_read_as_ever(void **state)
{
	(void)state;
	static const char bytes[] = "\1" "\5\0\0\0" "\11\0\0\0" "\1\0\0\0"
				    "\7\0\0\0\0\0\0\0";
	const uint64_t hash = 7;
	struct booking b;
	struct buf out;
	struct err err;
	buf_init(&out, 1024);
	booking_write(&out, 5, 9, &hash, 1);
	assert_int_equal(out.n, sizeof(bytes) - 1);
	assert_memory_equal(out.p, bytes, out.n);
	assert_true(booking_read(buf_slice(&out), &b, &err));
	assert_false(b.message_booked || b.null_day || b.null_peak);
	assert_false(booking_is_mark(buf_slice(&out)));
	buf_fini(&out);
}

static void s6_10_a_booking_with_more_survives_the_round_trip(void **state)
{
	(void)state;
	const uint64_t hashes[] = { 1, UINT64_MAX, 7 };
	const struct booking all = { .customer = 5, .user = 9,
				     .recipients = 3, .null_day = 1,
				     .null_peak = 3, .message_booked = true };
	struct booking b;
	struct buf out;
	struct err err;
	buf_init(&out, 1024);
	booking_write_all(&out, &all, hashes);
	assert_true(booking_read(buf_slice(&out), &b, &err));
	assert_int_equal(b.null_day, 1);
	assert_int_equal(b.null_peak, 3);
	assert_true(b.message_booked);
	assert_true(booking_hash(&b, 1) == UINT64_MAX);
	for (size_t n = 0; n < out.n; n++)
		assert_false(booking_read((slice){ out.p, n }, &b, &err));
	out.p[14] = 4;			/* of the reserve more than there are */
	assert_false(booking_read(buf_slice(&out), &b, &err));
	out.p[14] = 1;
	out.p[13] = 2;			/* a flag of later */
	assert_false(booking_read(buf_slice(&out), &b, &err));
	buf_fini(&out);
}

static void s6_11_a_mark_survives_the_round_trip(void **state)
{
	(void)state;
	const struct booking_mark mark = { .customer = 7, .user = 8,
					   .limit = 3, .percent = 80 };
	struct booking_mark m;
	struct booking b;
	struct buf out;
	struct err err;
	buf_init(&out, 1024);
	booking_mark_write(&out, &mark);
	assert_true(booking_is_mark(buf_slice(&out)));
	assert_true(booking_mark_read(buf_slice(&out), &m, &err));
	assert_int_equal(m.customer, 7);
	assert_int_equal(m.user, 8);
	assert_int_equal(m.limit, 3);
	assert_int_equal(m.percent, 80);
	assert_false(booking_read(buf_slice(&out), &b, &err));
	for (size_t n = 0; n < out.n; n++)
		assert_false(booking_mark_read((slice){ out.p, n }, &m, &err));
	out.p[out.n - 1] = 81;
	assert_false(booking_mark_read(buf_slice(&out), &m, &err));
	out.p[out.n - 1] = 100;
	out.p[out.n - 2] = 5;
	assert_false(booking_mark_read(buf_slice(&out), &m, &err));
	buf_fini(&out);
}

static void s8_2_so_does_one_of_mail_to_the_operator(void **state)
{
	(void)state;
	struct booking b;
	struct buf out;
	struct err err;
	uint8_t number;
	buf_init(&out, 1024);
	booking_operator_mark_write(&out, 9);
	assert_true(booking_operator_mark_read(buf_slice(&out), &number));
	assert_int_equal(number, 9);
	assert_false(booking_is_mark(buf_slice(&out)));
	assert_false(booking_read(buf_slice(&out), &b, &err));
	assert_false(booking_operator_mark_read((slice){ out.p, 1 }, &number));
	assert_false(booking_operator_mark_read((slice){ 0 }, &number));
	buf_u8(&out, 0);
	assert_false(booking_operator_mark_read(buf_slice(&out), &number));
	out.p[0] = 3;
	assert_false(booking_operator_mark_read((slice){ out.p, 2 }, &number));
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
		cmocka_unit_test(version_1_is_written_and_read_as_ever),
		cmocka_unit_test(
			s6_10_a_booking_with_more_survives_the_round_trip),
		cmocka_unit_test(s6_11_a_mark_survives_the_round_trip),
		cmocka_unit_test(s8_2_so_does_one_of_mail_to_the_operator),
		cmocka_unit_test(s6_1_recipients_are_told_apart),
	};
	return cmocka_run_group_tests_name("limits/booking", tests, NULL,
					   NULL);
}
