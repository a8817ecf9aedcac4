/* The ledger beside what is held (SPEC 6.10), what a restart knows of it and
 * of the null sender's reserve (5.4), and windows over odd moments. */
#include "ledger_test.h"

static struct ledger *restored(struct ledger *l, const struct reservation *r,
			       int64_t at, int64_t now)
{
	struct booking b;
	struct buf out;
	struct err err;
	buf_init(&out, 1 << 20);
	ledger_put_booking(&out, r);
	assert_true(booking_read(buf_slice(&out), &b, &err));
	assert_true(ledger_restore(l, &b, at, now, &err));
	buf_fini(&out);
	return l;
}

static void s5_4_the_reserve_survives_a_start(void **state)
{
	(void)state;
	struct ledger *l = a_ledger(), *after = a_ledger();
	struct plan p = plan_standard();
	struct asked a = an_asker(l, 1, 0, plan_allowance(&p, 100, false));
	struct asked null = a;
	null.ask.mode = LEDGER_NULL_SENDER;
	struct reservation *r = NULL;
	assert_int_equal(batch(&a, &r, 0, 60), 50);
	assert_true(renew(&a, r));
	assert_int_equal(ledger_drew_over(r), LEDGER_OK);
	restored(after, r, a.now, a.now);
	book(&a, &r);
	/* 30 of the 50 before, 20 behind it. */
	assert_int_equal(batch(&null, &r, 0, 30), 30);
	assert_true(renew(&null, r));
	assert_int_equal(ledger_drew_over(r), LEDGER_CUSTOMER_PEAK);
	restored(after, r, a.now, a.now);
	book(&null, &r);
	null.l = after;
	assert_int_equal(batch(&null, &r, 100, 60), 20);
	assert_int_equal(null.refusal.verdict, LEDGER_CUSTOMER_PEAK);
	ledger_release(after, &r);
	/* The day's reserve is whole: it was not drawn on. */
	null.now += 11 * MINUTE;
	assert_int_equal(batch(&null, &r, 100, 100), 70);
	ledger_release(after, &r);
	ledger_free(&l);
	ledger_free(&after);
}

static void s6_10_a_release_counts_the_message_once(void **state)
{
	(void)state;
	struct ledger *l = a_ledger(), *after = a_ledger();
	struct asked a = an_asker(l, 1, 5, an_allowance(1));
	struct reservation *r = NULL;
	assert_int_equal(batch(&a, &r, 0, 12), 9);
	assert_true(renew(&a, r));
	restored(after, r, a.now, a.now);
	book(&a, &r);
	a.now += 11 * MINUTE;
	a.ask.message_booked = true;
	assert_int_equal(batch(&a, &r, 9, 3), 3);
	assert_true(renew(&a, r));
	restored(after, r, a.now, a.now);
	book(&a, &r);
	for (int i = 0; i < 2; i++) {
		struct asked b = a;
		b.l = i == 0 ? l : after;
		assert_int_equal(row_of(&b, LEDGER_USER_MESSAGES).used, 1);
		assert_int_equal(row_of(&b, LEDGER_USER_UNIQUE).used, 12);
		assert_int_equal(row_of(&b, LEDGER_CUSTOMER_DAY).used, 12);
		assert_int_equal(row_of(&b, LEDGER_CUSTOMER_PEAK).used, 3);
	}
	ledger_free(&l);
	ledger_free(&after);
}

/* A user with no message left may still send on what was held of one. */
static void s6_10_a_booked_message_needs_no_other(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 5, (struct allowance){ 100, 100, 1,
							       100, 0, 0 });
	assert_int_equal(send_to(&a, 0, 2), 2);
	assert_int_equal(send_to(&a, 2, 2), 0);
	assert_int_equal(a.refusal.verdict, LEDGER_USER_MESSAGES);
	a.ask.message_booked = true;
	assert_int_equal(send_to(&a, 2, 2), 2);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).used, 1);
	ledger_free(&l);
}

static void s6_10_headroom_is_the_less_of_two(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 0, (struct allowance){ 10, 7, 0, 0, 0,
							       0 });
	assert_int_equal(ledger_headroom(l, 1, &a.ask.allowed, a.now), 7);
	assert_int_equal(send_to(&a, 0, 5), 5);
	assert_int_equal(ledger_headroom(l, 1, &a.ask.allowed, a.now), 2);
	a.now += 11 * MINUTE;
	assert_int_equal(ledger_headroom(l, 1, &a.ask.allowed, a.now), 5);
	assert_int_equal(send_to(&a, 0, 5), 5);
	assert_int_equal(ledger_headroom(l, 1, &a.ask.allowed, a.now), 0);
	ledger_free(&l);
}

static void s6_11_what_was_not_sent_is_told_again(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 5, (struct allowance){ 10, 1000, 1000,
							       10, 0, 0 });
	assert_int_equal(send_to(&a, 0, 8), 8);
	assert_int_equal(a.alert_count, 2);
	for (unsigned i = 0; i < 2; i++)
		ledger_forget_alert(l, &a.alerts[i]);
	assert_int_equal(send_to(&a, 0, 1), 1);
	assert_int_equal(a.alert_count, 2);
	assert_int_equal(a.alerts[0].percent, 80);
	assert_int_equal(send_to(&a, 8, 1), 1);
	assert_int_equal(a.alert_count, 1);	/* 100 of the day */
	ledger_forget_alert(l, &a.alerts[0]);
	/* Of somebody unknown it is nothing. */
	a.alerts[0].customer = 9;
	ledger_forget_alert(l, &a.alerts[0]);
	ledger_free(&l);
}

/* Books on both sides of each edge: a window that starts anew there would
 * let twice the limit through. */
static void s6_windows_roll_over_every_edge(void **state)
{
	(void)state;
	static const int64_t edges[] = {
		MIDNIGHT,
		INT64_C(1774746000000),	/* 2026-03-29 01:00 UTC, summer time */
		INT64_C(1792890000000),	/* 2026-10-25 01:00 UTC, its end */
		INT64_C(1767193200000),	/* midnight in Tokyo */
		MIDNIGHT + 10 * MINUTE,
		MIDNIGHT + 10 * SECOND,
		INT64_C(1798761600000),	/* a new year */
		INT64_C(2147483648000),	/* 2038 */
	};
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		for (int peak = 0; peak < 2; peak++) {
			struct ledger *l = a_ledger();
			struct allowance allowed = {
				peak ? 1000 : 10, peak ? 10 : 1000, 0, 0, 0, 0,
			};
			struct asked a = an_asker(l, 1, 0, allowed);
			int64_t span = peak ? 10 * MINUTE : DAY;
			a.now = edges[i] - 1;
			assert_int_equal(send_to(&a, 0, 10), 10);
			a.now = edges[i];
			assert_int_equal(send_to(&a, 10, 1), 0);
			a.now = edges[i] + span - SECOND;
			assert_int_equal(send_to(&a, 10, 1), 0);
			a.now = edges[i] + span + 10 * MINUTE;
			assert_int_equal(send_to(&a, 10, 10), 10);
			ledger_free(&l);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s5_4_the_reserve_survives_a_start),
		cmocka_unit_test(s6_10_a_release_counts_the_message_once),
		cmocka_unit_test(s6_10_a_booked_message_needs_no_other),
		cmocka_unit_test(s6_10_headroom_is_the_less_of_two),
		cmocka_unit_test(s6_11_what_was_not_sent_is_told_again),
		cmocka_unit_test(s6_windows_roll_over_every_edge),
	};
	return cmocka_run_group_tests_name("limits/ledger_held", tests, NULL,
					   NULL);
}
