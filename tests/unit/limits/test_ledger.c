/* The ledger's clauses (SPEC 5.4, 6), one by one. */
#include "unit/limits/ledger_test.h"

static void s6_5_total_counts_each_unique_counts_once(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 7, 70, an_allowance(1000));
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(send_to(&a, 1, 1), 1);
		assert_int_equal(send_to(&a, 2, 1), 1);
	}
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used, 2);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).used, 2000);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 2000);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_PEAK).used, 2000);
	/* Also within one message. */
	struct reservation *r = NULL;
	assert_int_equal(rcpt(&a, &r, 1), LEDGER_OK);
	assert_int_equal(rcpt(&a, &r, 1), LEDGER_OK);
	assert_int_equal(rcpt(&a, &r, 3), LEDGER_OK);
	book(&a, &r);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used, 3);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).used, 2001);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 2003);
	ledger_free(&l);
}

static void s6_each_limit_at_n_minus_1_n_and_n_plus_1(void **state)
{
	(void)state;
	static const struct row {
		enum ledger_verdict limit;
		struct allowance allowed;
		bool new_message;	/* for each recipient */
		bool same;		/* the same recipient each time */
	} rows[] = {
		{ LEDGER_CUSTOMER_DAY, { 5, 99, 99, 99, 0, 0 }, false, false },
		{ LEDGER_CUSTOMER_DAY, { 5, 99, 99, 99, 0, 0 }, true, true },
		{ LEDGER_CUSTOMER_PEAK, { 99, 5, 99, 99, 0, 0 }, false, false },
		{ LEDGER_USER_MESSAGES, { 99, 99, 5, 99, 0, 0 }, true, true },
		{ LEDGER_USER_UNIQUE, { 99, 99, 99, 5, 0, 0 }, false, false },
		{ LEDGER_USER_UNIQUE, { 99, 99, 99, 5, 0, 0 }, true, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ledger *l = a_ledger();
		struct asked a = an_asker(l, 1, 1, rows[i].allowed);
		struct reservation *r[6] = { 0 };
		for (unsigned n = 0; n < 5; n++)
			assert_int_equal(rcpt(&a, &r[rows[i].new_message ? n : 0],
					      rows[i].same ? 1 : n),
					 LEDGER_OK);
		unsigned next = rows[i].new_message ? 5 : 0;
		assert_int_equal(rcpt(&a, &r[next], rows[i].same ? 1 : 5),
				 rows[i].limit);
		assert_int_equal(a.refusal.used + a.refusal.reserved, 5);
		assert_int_equal(a.refusal.limit, 5);
		/* Those before it stand; booked they count the same. */
		for (unsigned n = 0; n < 5; n++)
			if (r[n] != NULL)
				book(&a, &r[n]);
		assert_null(r[5]);
		struct reservation *again = NULL;
		assert_int_equal(rcpt(&a, &again, rows[i].same ? 1 : 5),
				 rows[i].limit);
		assert_null(again);
		assert_int_equal(a.refusal.used, 5);
		assert_int_equal(a.refusal.reserved, 0);
		ledger_free(&l);
	}
}

static void s6_8_order_customer_day_customer_peak_user(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 1, (struct allowance){ 0 });
	static const struct row {
		struct allowance allowed;
		enum ledger_verdict v;
	} rows[] = {
		{ { 0, 0, 0, 0, 0, 0 }, LEDGER_CUSTOMER_DAY },
		{ { 1, 0, 0, 0, 0, 0 }, LEDGER_CUSTOMER_PEAK },
		{ { 1, 1, 0, 0, 0, 0 }, LEDGER_USER_MESSAGES },
		{ { 1, 1, 1, 0, 0, 0 }, LEDGER_USER_UNIQUE },
		{ { 1, 1, 1, 1, 0, 0 }, LEDGER_OK },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reservation *r = NULL;
		a.ask.allowed = rows[i].allowed;
		assert_int_equal(rcpt(&a, &r, 1), rows[i].v);
		ledger_release(l, &r);
	}
	ledger_free(&l);
}

static void s6_1_unregistered_sender_has_no_user_limit(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 0, (struct allowance){ 100, 100, 0, 0,
							       0, 0 });
	assert_int_equal(send_to(&a, 1, 100), 100);
	assert_int_equal(send_to(&a, 1, 1), 0);
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_DAY);
	ledger_free(&l);
}

static void s6_6_all_users_share_the_customers_limits(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	for (uint32_t user = 0; user < 10; user++) {
		struct asked a = an_asker(l, 1, user, an_allowance(1));
		assert_int_equal(send_to(&a, user * 100, 1), user < 9);
	}
	/* Another customer's are its own, the user's number too. */
	struct asked other = an_asker(l, 2, 3, an_allowance(1));
	assert_int_equal(row_of(&other, LEDGER_USER_UNIQUE).used, 0);
	assert_int_equal(send_to(&other, 0, 20), 9);
	ledger_free(&l);
}

/* Books at both sides of midnight, and of a full 10 min: fails for windows
 * that reset there. */
static void s6_windows_roll_over_midnight(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct allowance allowed = { 100, 60, 1000, 1000, 0, 0 };
	struct asked a = an_asker(l, 1, 1, allowed);
	a.now = MIDNIGHT - 1;
	assert_int_equal(send_to(&a, 0, 50), 50);
	a.now = MIDNIGHT;
	assert_int_equal(send_to(&a, 100, 60), 10);
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_PEAK);
	a.now = MIDNIGHT + 10 * MINUTE - 1;
	assert_int_equal(send_to(&a, 200, 1), 0);
	/* The bucket before midnight is out, not the one after it. */
	a.now = MIDNIGHT + 10 * MINUTE;
	assert_int_equal(send_to(&a, 200, 51), 40);
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_DAY);
	a.now = MIDNIGHT + DAY - 1;
	assert_int_equal(send_to(&a, 300, 1), 0);
	assert_int_equal(a.refusal.opens_at_ms, MIDNIGHT + DAY);
	a.now = MIDNIGHT + DAY;
	assert_int_equal(send_to(&a, 300, 60), 50);
	assert_int_equal(a.refusal.opens_at_ms, MIDNIGHT + DAY + 10 * MINUTE);
	ledger_free(&l);
}

static void s6_8_released_opens_room_booked_does_not(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 1, (struct allowance){ 9, 9, 9, 9, 0,
							       0 });
	struct reservation *r = NULL, *second = NULL;
	assert_int_equal(batch(&a, &r, 0, 9), 9);
	assert_int_equal(ledger_count(r), 9);
	assert_int_equal(rcpt(&a, &second, 1), LEDGER_CUSTOMER_DAY);
	/* Only reserved: nothing leaves by time, so no time is known. */
	assert_true(a.refusal.opens_at_ms == WINDOW_NEVER);
	ledger_release(l, &r);
	assert_null(r);
	assert_int_equal(rcpt(&a, &second, 1), LEDGER_OK);
	book(&a, &second);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 1);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 0);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).used, 1);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).reserved, 0);
	ledger_release(l, &r);	/* NULL is fine */
	ledger_free(&l);
}

static void s6_8_lapses_after_5_min_without_progress(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct allowance allowed = { 10, 10, 10, 10, 0, 0 };
	struct asked a = an_asker(l, 1, 1, allowed);
	struct reservation *r = NULL, *b = NULL;
	assert_int_equal(batch(&a, &r, 0, 8), 8);
	a.now += 5 * MINUTE - 1;
	assert_int_equal(batch(&a, &b, 100, 8), 2);
	/* Data came: it lasts. */
	ledger_progress(l, r, a.now);
	a.now += 5 * MINUTE - 1;
	assert_int_equal(rcpt(&a, &b, 200), LEDGER_CUSTOMER_DAY);
	/* Nothing came. */
	a.now += 2 * SECOND;
	assert_int_equal(batch(&a, &b, 200, 9), 8);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 10);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).reserved, 10);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).reserved, 1);
	/* At the dot: refused while there is no room … */
	assert_false(renew(&a, r));
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_DAY);
	assert_int_equal(ledger_count(r), 8);
	/* … nothing was taken by that … */
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 10);
	/* … reserved again when there is. */
	ledger_release(l, &b);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 0);
	assert_true(renew(&a, r));
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 8);
	/* From then on it stays, however long the disk takes. */
	a.now += 2 * HOUR;
	assert_int_equal(batch(&a, &b, 300, 9), 2);
	ledger_release(l, &b);
	assert_int_equal(ledger_book(l, &r, &allowed, a.now, a.now, NULL), 0);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 8);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used, 8);
	ledger_free(&l);
}

static void s6_8_reserved_again_all_or_nothing_by_every_limit(void **state)
{
	(void)state;
	for (enum ledger_verdict limit = LEDGER_CUSTOMER_DAY;
	     limit <= LEDGER_USER_UNIQUE; limit++) {
		struct ledger *l = a_ledger();
		struct allowance big = { 99, 99, 99, 99, 0, 0 };
		struct asked a = an_asker(l, 1, 1, big);
		struct reservation *r = NULL, *other = NULL;
		assert_int_equal(batch(&a, &r, 0, 4), 4);
		a.now += 6 * MINUTE;
		assert_int_equal(batch(&a, &other, 50, 3), 3);
		struct allowance tight = big;
		uint64_t *figure[] = { &tight.customer_day,
				       &tight.customer_peak,
				       &tight.user_messages,
				       &tight.user_unique };
		*figure[limit - 1] = limit == LEDGER_USER_MESSAGES ? 1 : 6;
		struct ledger_refusal why;
		assert_false(ledger_renew(l, r, &tight, a.now, &why));
		assert_int_equal(why.verdict, limit);
		assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 3);
		assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).reserved, 3);
		/* More recipients don't help either. */
		a.ask.allowed = tight;
		assert_int_equal(rcpt(&a, &r, 60), limit);
		assert_int_equal(ledger_count(r), 4);
		ledger_release(l, &other);
		assert_int_equal(rcpt(&a, &r, 60), LEDGER_OK);
		assert_int_equal(ledger_count(r), 5);
		book(&a, &r);
		assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 5);
		ledger_free(&l);
	}
}

/* One call lets a bounded number lapse: while more are due, a limit that is
 * in the way is no reason for a 550. */
static void s6_8_many_that_lapse_at_once_are_busy_not_over(void **state)
{
	(void)state;
	enum { OTHERS = 2000 };
	static struct reservation *others[OTHERS];
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 1, (struct allowance){
		OTHERS, OTHERS, 10000, OTHERS, 0, 0 });
	struct reservation *big = NULL;
	assert_int_equal(batch(&a, &big, 0, 1000), 1000);
	a.now += 6 * MINUTE;
	for (unsigned i = 0; i < OTHERS; i++)
		assert_int_equal(rcpt(&a, &others[i], 5000 + i), LEDGER_OK);
	a.now += 1 * MINUTE;
	assert_false(renew(&a, big));
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_DAY);
	a.now += 6 * MINUTE;
	assert_false(renew(&a, big));
	assert_int_equal(a.refusal.verdict, LEDGER_BUSY);
	assert_true(renew(&a, big));
	ledger_release(l, &big);
	for (unsigned i = 0; i < OTHERS; i++)
		ledger_release(l, &others[i]);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 0);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).reserved, 0);
	ledger_free(&l);
}

static void s6_8_one_session_holds_a_thousand(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 1, an_allowance(1000));
	struct reservation *r = NULL;
	assert_int_equal(batch(&a, &r, 0, 999), 999);
	assert_int_equal(rcpt(&a, &r, 5000), LEDGER_OK);
	assert_int_equal(rcpt(&a, &r, 5001), LEDGER_SESSION);
	assert_int_equal(ledger_count(r), 1000);
	book(&a, &r);
	assert_int_equal(send_to(&a, 2000, 1001), 1000);
	assert_int_equal(a.refusal.verdict, LEDGER_SESSION);
	ledger_free(&l);
}

static void s6_8_shared_address_leaves_half_to_others(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 0, (struct allowance){ 100, 1000, 0, 0,
							       0, 0 });
	struct reservation *r[8] = { 0 };
	static const uint32_t halves[8] = { 50, 25, 13, 6, 3, 2, 1, 0 };
	a.ask.shared_address = true;
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(batch(&a, &r[i], 1000 * i, 100), halves[i]);
		assert_int_equal(a.refusal.verdict,
				 i < 6 ? LEDGER_SESSION : LEDGER_CUSTOMER_DAY);
	}
	for (unsigned i = 0; i < 8; i++)
		ledger_release(l, &r[i]);
	/* The same by the peak; also recipient by recipient; and a session
	 * that books is not held to what it had. */
	a.ask.allowed = (struct allowance){ 1000, 10, 0, 0, 0, 0 };
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(rcpt(&a, &r[0], i), LEDGER_OK);
	assert_int_equal(rcpt(&a, &r[0], 9), LEDGER_SESSION);
	book(&a, &r[0]);
	assert_int_equal(send_to(&a, 0, 10), 3);
	/* Alone at an address one may have it all. */
	a.ask.shared_address = false;
	assert_int_equal(send_to(&a, 0, 10), 2);
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_PEAK);
	ledger_free(&l);
}

static void s5_4_null_sender_has_a_reserve_over_the_limit(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct plan p = plan_standard();
	struct asked a = an_asker(l, 1, 0, plan_allowance(&p, 100, false));
	struct asked null = a;
	null.ask.mode = LEDGER_NULL_SENDER;
	/* Before the limit they count like all others. */
	assert_int_equal(send_to(&null, 0, 10), 10);
	assert_int_equal(send_to(&a, 0, 60), 40);
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_PEAK);
	for (int i = 0; i < 50; i++)
		assert_int_equal(send_to(&null, (unsigned)i, 1), 1);
	assert_int_equal(send_to(&null, 0, 1), 0);
	assert_int_equal(null.refusal.verdict, LEDGER_CUSTOMER_PEAK);
	assert_int_equal(row_of(&null, LEDGER_CUSTOMER_PEAK).used, 100);
	/* A window each: when the peak is over the day is full (100), and its
	 * reserve whole. */
	null.now = a.now += 11 * MINUTE;
	assert_int_equal(send_to(&a, 0, 1), 0);
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_DAY);
	struct reservation *r = NULL;
	assert_int_equal(batch(&null, &r, 0, 60), 50);
	assert_int_equal(null.refusal.verdict, LEDGER_CUSTOMER_DAY);
	/* Given back, also after it lapsed. */
	null.now = a.now += 6 * MINUTE;
	struct reservation *b = NULL;
	assert_int_equal(batch(&null, &b, 0, 60), 50);
	assert_false(renew(&null, r));
	ledger_release(l, &b);
	assert_true(renew(&null, r));
	ledger_release(l, &r);
	assert_int_equal(send_to(&null, 0, 30), 30);
	assert_int_equal(send_to(&null, 0, 30), 20);
	null.now = a.now += DAY + 10 * MINUTE;
	assert_int_equal(send_to(&a, 0, 60), 50);
	ledger_free(&l);
}

static void s6_9_recipients_of_rules_are_booked_and_never_refused(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 1, (struct allowance){ 1, 1, 1, 1, 0,
							       0 });
	struct reservation *r = NULL;
	assert_int_equal(batch(&a, &r, 0, 2), 1);
	assert_true(renew(&a, r));
	a.ask.mode = LEDGER_FORCED;
	assert_int_equal(batch(&a, &r, 100, 1500), 1500);
	assert_int_equal(ledger_count(r), 1501);
	struct buf out;
	struct booking b;
	struct err err;
	buf_init(&out, 1 << 20);
	ledger_put_booking(&out, r);
	assert_true(booking_read(buf_slice(&out), &b, &err));
	assert_int_equal(b.recipients, 1501);
	assert_int_equal(b.customer, 1);
	assert_int_equal(b.user, 1);
	assert_true(booking_hash(&b, 0) == hash_of(0));
	assert_true(booking_hash(&b, 1500) == hash_of(1599));
	buf_fini(&out);
	ledger_book(l, &r, &a.ask.allowed, a.now, a.now, NULL);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 1501);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).used, 1);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used, 1501);
	/* 6.10: the operator goes over it, booked all the same. */
	assert_int_equal(batch(&a, &r, 0, 10), 10);
	ledger_book(l, &r, &a.ask.allowed, a.now, a.now, NULL);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 1511);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).used, 2);
	assert_int_equal(batch(&a, &r, 0, 50001), 50000);
	assert_int_equal(a.refusal.verdict, LEDGER_BUSY);
	ledger_release(l, &r);
	ledger_free(&l);
}

static void s6_4_limits_may_change_at_any_time(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct plan p = plan_standard();
	struct asked a = an_asker(l, 1, 1, plan_allowance(&p, 50, false));
	struct reservation *r = NULL;
	assert_int_equal(send_to(&a, 0, 60), 50);
	/* Paid: at once the full limits. */
	a.ask.allowed = plan_allowance(&p, 50, true);
	assert_int_equal(batch(&a, &r, 100, 500), 400);
	/* Fewer licences: what is reserved stays good, nothing new comes. */
	a.ask.allowed = plan_allowance(&p, 10, true);
	assert_int_equal(rcpt(&a, &r, 1), LEDGER_CUSTOMER_PEAK);
	book(&a, &r);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_PEAK).used, 450);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_PEAK).headroom, 0);
	ledger_free(&l);
}

static void s6_11_alerts_at_80_and_100_once_a_window(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct allowance allowed = { 100, 1000000, 1000, 1000, 0, 0 };
	struct asked a = an_asker(l, 1, 0, allowed);
	static const struct row {
		int64_t at;
		uint32_t send, percent;
	} rows[] = {
		{ 0, 79, 0 },
		{ MINUTE, 1, 80 },
		{ 2 * MINUTE, 5, 0 },
		{ HOUR, 14, 0 },
		{ 2 * HOUR, 1, 100 },
		/* 85 left; it fills again within the windows of the alerts. */
		{ DAY + 10 * MINUTE, 80, 80 },
		{ DAY + 20 * MINUTE, 1, 0 },
		{ DAY + 2 * HOUR + 10 * MINUTE, 19, 100 },
		{ 4 * DAY, 100, 100 },		/* both at once */
		{ 4 * DAY + DAY + 20 * MINUTE, 80, 80 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		a.now = MIDNIGHT + rows[i].at;
		assert_int_equal(send_to(&a, 0, rows[i].send), rows[i].send);
		assert_int_equal(a.alert_count, rows[i].percent != 0);
		if (rows[i].percent == 0)
			continue;
		assert_int_equal(a.alerts[0].percent, rows[i].percent);
		assert_int_equal(a.alerts[0].limit, LEDGER_CUSTOMER_DAY);
		assert_int_equal(a.alerts[0].customer, 1);
		assert_int_equal(a.alerts[0].user, 0);
		assert_int_equal(a.alerts[0].allowed, 100);
	}
	ledger_free(&l);
}

static void s6_11_alerts_of_all_four_and_after_a_restart(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 5, (struct allowance){ 4, 4, 1, 4, 0,
							       0 });
	assert_int_equal(send_to(&a, 0, 4), 4);
	assert_int_equal(a.alert_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(a.alerts[i].limit, LEDGER_CUSTOMER_DAY + i);
		assert_int_equal(a.alerts[i].percent, 100);
		assert_int_equal(a.alerts[i].user, i < 2 ? 0 : 5);
	}
	struct ledger *after = a_ledger();
	struct asked b = a;
	b.l = after;
	b.now += HOUR;
	for (unsigned i = 0; i < 4; i++)
		if (a.alerts[i].limit != LEDGER_USER_UNIQUE)
			assert_true(ledger_restore_alert(after, &a.alerts[i],
							 MIDNIGHT, b.now));
	assert_int_equal(send_to(&b, 0, 4), 4);
	/* The peak's window is over; the mark of the last was not there. */
	assert_int_equal(b.alert_count, 2);
	assert_int_equal(b.alerts[0].limit, LEDGER_CUSTOMER_PEAK);
	assert_int_equal(b.alerts[1].limit, LEDGER_USER_UNIQUE);
	ledger_free(&l);
	ledger_free(&after);
}

static bool restore(struct ledger *l, uint32_t customer, uint32_t user,
		    uint64_t from, uint32_t n, int64_t at, int64_t now)
{
	static uint64_t hashes[1000];
	struct booking b;
	struct buf out;
	struct err err;
	for (uint32_t i = 0; i < n; i++)
		hashes[i] = hash_of(from + i);
	buf_init(&out, 1 << 20);
	booking_write(&out, customer, user, hashes, n);
	assert_true(booking_read(buf_slice(&out), &b, &err));
	bool ok = ledger_restore(l, &b, at, now, &err);
	buf_fini(&out);
	return ok;
}

static void s6_8_restored_from_bookings_it_counts_the_same(void **state)
{
	(void)state;
	struct ledger *l = a_ledger(), *after = a_ledger();
	struct asked a = an_asker(l, 1, 5, an_allowance(10000));
	enum { N = 300 };
	int64_t at[N];
	for (unsigned i = 0; i < N; i++) {
		at[i] = a.now = MIDNIGHT + (int64_t)i * 7 * MINUTE;
		assert_int_equal(send_to(&a, i * 3 % 100, 5), 5);
	}
	for (unsigned i = 0; i < N; i++) {
		unsigned k = (i * 7) % N;
		assert_true(restore(after, 1, 5, k * 3 % 100, 5, at[k],
				    a.now));
	}
	struct asked b = a;
	b.l = after;
	for (int64_t t = 0; t < DAY + HOUR; t += 5 * MINUTE) {
		a.now = b.now = at[N - 1] + t;
		for (enum ledger_verdict v = 1; v <= 4; v++)
			assert_int_equal(row_of(&a, v).used,
					 row_of(&b, v).used);
	}
	assert_int_equal(row_of(&b, LEDGER_USER_UNIQUE).used, 0);
	ledger_free(&l);
	ledger_free(&after);
}

static void r7_restored_bookings_of_a_wrong_clock(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 5, an_allowance(1));
	/* Written with a clock 400 days ahead: counts, for one window. */
	assert_true(restore(l, 1, 5, 0, 5, MIDNIGHT + 400 * DAY, MIDNIGHT));
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 5);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used, 5);
	a.now += DAY + 10 * MINUTE;
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 0);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used, 0);
	/* A clock that is not believed: the caller's time stands still. */
	struct ledger *m = a_ledger();
	struct asked b = an_asker(m, 1, 5, an_allowance(1));
	assert_true(restore(m, 1, 5, 0, 9, MIDNIGHT - MINUTE, MIDNIGHT));
	assert_int_equal(send_to(&b, 0, 1), 0);
	b.now += 400 * DAY;	/* accepted by the operator */
	assert_int_equal(send_to(&b, 0, 1), 1);
	ledger_free(&l);
	ledger_free(&m);
}

static void r7_clock_back_neither_admits_nor_locks(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 5, an_allowance(1));
	assert_int_equal(send_to(&a, 0, 9), 9);
	a.now -= 400 * DAY;
	assert_int_equal(send_to(&a, 0, 9), 0);
	assert_int_equal(a.refusal.verdict, LEDGER_CUSTOMER_PEAK);
	/* Told in the clock's own time. */
	assert_int_equal(a.refusal.opens_at_ms, MIDNIGHT - 400 * DAY +
						10 * MINUTE + 10 * SECOND);
	a.now = a.refusal.opens_at_ms;
	assert_int_equal(send_to(&a, 0, 9), 9);
	/* A long commit: the frame's time is old, the clock didn't jump. */
	struct reservation *r = NULL;
	a.now += 11 * MINUTE;
	assert_int_equal(rcpt(&a, &r, 1), LEDGER_OK);
	assert_true(renew(&a, r));
	int64_t framed = a.now;
	a.now += 9 * MINUTE;
	ledger_book(l, &r, &a.ask.allowed, framed, a.now, NULL);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_PEAK).used, 1);
	a.now = framed + 10 * MINUTE + 10 * SECOND;
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_PEAK).used, 0);
	ledger_free(&l);
}

static void s6_1_which_binds_first_by_the_pace_of_10_min(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 5, an_allowance(100));
	/* Nothing sent: the least headroom. */
	assert_true(row_of(&a, LEDGER_CUSTOMER_PEAK).binds_first);
	assert_true(row_of(&a, LEDGER_CUSTOMER_PEAK).full_at_ms ==
		    WINDOW_NEVER);
	/* A burst of 500 of 900: the peak, in 8 min. */
	assert_int_equal(send_to(&a, 0, 500), 500);
	struct ledger_row row = row_of(&a, LEDGER_CUSTOMER_PEAK);
	assert_true(row.binds_first);
	assert_int_equal(row.pace, 500);
	assert_int_equal(row.headroom, 400);
	assert_int_equal(row.full_at_ms - MIDNIGHT, 8 * MINUTE);
	/* The day: never at 500 in 10 min? 12,500 more take 250 min. */
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).full_at_ms - MIDNIGHT,
			 250 * MINUTE);
	assert_false(row_of(&a, LEDGER_CUSTOMER_DAY).binds_first);
	/* Small messages to one recipient: the user's messages. */
	struct asked b = an_asker(l, 2, 6, (struct allowance){ 5000, 1000, 100,
							       100, 0, 0 });
	for (int i = 0; i < 60; i++)
		assert_int_equal(send_to(&b, 1, 1), 1);
	assert_true(row_of(&b, LEDGER_USER_MESSAGES).binds_first);
	assert_int_equal(row_of(&b, LEDGER_USER_MESSAGES).pace, 60);
	assert_int_equal(row_of(&b, LEDGER_USER_UNIQUE).pace, 1);
	assert_int_equal(row_of(&b, LEDGER_USER_MESSAGES).full_at_ms -
			 MIDNIGHT, 400 * SECOND);
	/* Full: binds, now. */
	for (int i = 0; i < 40; i++)
		assert_int_equal(send_to(&b, 1, 1), 1);
	row = row_of(&b, LEDGER_USER_MESSAGES);
	assert_true(row.binds_first);
	assert_int_equal(row.full_at_ms, MIDNIGHT);
	assert_int_equal(row.opens_at_ms, MIDNIGHT + DAY + 10 * MINUTE);
	assert_int_equal(row_of(&b, LEDGER_CUSTOMER_DAY).opens_at_ms, 0);
	ledger_free(&l);
}

static void s6_11_show_of_somebody_unknown_and_who_booked_last(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 9, 0, an_allowance(2));
	struct ledger_row row = row_of(&a, LEDGER_CUSTOMER_DAY);
	assert_int_equal(row.used, 0);
	assert_int_equal(row.allowed, 260);
	assert_int_equal(row.headroom, 260);
	assert_int_equal(row.opens_at_ms, 0);
	struct ledger_size size;
	ledger_measure(l, &size);
	assert_int_equal(size.customers, 0);
	assert_int_equal(size.bytes, 0);
	for (uint32_t u = 1; u <= 5; u++) {
		a.ask.user = u;
		assert_int_equal(send_to(&a, 1, 1), 1);
	}
	a.ask.user = 2;
	assert_int_equal(send_to(&a, 1, 1), 1);
	uint32_t users[5];
	static const uint32_t want[] = { 2, 5, 4, 3, 1 };
	assert_int_equal(ledger_users(l, 9, users, 5), 5);
	assert_memory_equal(users, want, sizeof(want));
	assert_int_equal(ledger_users(l, 9, users, 2), 2);
	assert_int_equal(ledger_users(l, 10, users, 2), 0);
	ledger_free(&l);
}

static void s6_10_opens_for_n(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 9, 0, (struct allowance){ 20, 10, 0, 0, 0,
							       0 });
	const struct allowance *w = &a.ask.allowed;
	assert_int_equal(ledger_opens_at(l, 9, w, 10, a.now), 0);
	assert_true(ledger_opens_at(l, 9, w, 11, a.now) == WINDOW_NEVER);
	assert_int_equal(send_to(&a, 0, 10), 10);
	assert_int_equal(ledger_opens_at(l, 9, w, 1, a.now) - MIDNIGHT,
			 610 * SECOND);
	a.now += 20 * MINUTE;
	assert_int_equal(send_to(&a, 0, 5), 5);
	assert_int_equal(ledger_opens_at(l, 9, w, 5, a.now), 0);
	assert_int_equal(ledger_opens_at(l, 9, w, 6, a.now) - MIDNIGHT,
			 DAY + 10 * MINUTE);
	ledger_free(&l);
}

static void idle_ones_are_dropped(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct ledger_size size;
	struct reservation *held = NULL;
	struct asked h = an_asker(l, 999999, 7, an_allowance(10));
	assert_int_equal(rcpt(&h, &held, 1), LEDGER_OK);
	for (uint32_t c = 1; c <= 5000; c++) {
		struct asked a = an_asker(l, c, c, an_allowance(10));
		assert_int_equal(send_to(&a, c, 3), 3);
	}
	ledger_measure(l, &size);
	assert_int_equal(size.customers, 5001);
	assert_int_equal(size.users, 5001);
	uint64_t full = size.bytes;
	/* New ones push out old ones. */
	for (uint32_t c = 10001; c <= 15000; c++) {
		struct asked a = an_asker(l, c, c, an_allowance(10));
		a.now += 2 * DAY;
		assert_int_equal(send_to(&a, c, 3), 3);
	}
	ledger_measure(l, &size);
	assert_true(size.customers < 5100 && size.users < 5100);
	assert_true(size.bytes < full + full / 10);
	for (int i = 0; i < 64 * 20; i++)
		ledger_tidy(l, MIDNIGHT + 4 * DAY);
	ledger_measure(l, &size);
	/* It lapsed by that; its owner has it still. */
	assert_int_equal(size.customers, 0);
	assert_int_equal(size.users, 0);
	h.now = MIDNIGHT + 4 * DAY;
	assert_int_equal(ledger_count(held), 1);
	book(&h, &held);
	assert_int_equal(row_of(&h, LEDGER_CUSTOMER_DAY).used, 1);
	ledger_free(&l);
}

static void at_the_bound_new_ones_are_busy_known_ones_go_on(void **state)
{
	(void)state;
	struct ledger *l = ledger_new(no_locks, 200000);
	struct asked known = an_asker(l, 1, 1, an_allowance(100));
	assert_int_equal(send_to(&known, 1, 4), 4);
	uint32_t c = 2;
	for (;; c++) {
		struct asked a = an_asker(l, c, c, an_allowance(10));
		if (send_to(&a, c, 2) < 2) {
			assert_int_equal(a.refusal.verdict, LEDGER_BUSY);
			break;
		}
		assert_true(c < 5000);
	}
	assert_true(c > 50);
	struct ledger_size size;
	ledger_measure(l, &size);
	assert_true(size.bytes <= 200000);
	/* Nothing that was booked went. */
	for (uint32_t i = 2; i < c; i++) {
		struct asked a = an_asker(l, i, i, an_allowance(10));
		assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, 2);
	}
	/* A day later there is room again. */
	struct asked late = an_asker(l, 70000, 1, an_allowance(10));
	for (int i = 0; i < 64; i++)
		ledger_tidy(l, MIDNIGHT + 2 * DAY);
	late.now += 2 * DAY;
	assert_int_equal(send_to(&late, 0, 5), 5);
	ledger_free(&l);
}

static void s6_8_message_is_looked_at_at_mail(void **state)
{
	(void)state;
	struct ledger *l = a_ledger();
	struct asked a = an_asker(l, 1, 5, (struct allowance){ 99, 99, 2, 99, 0,
							       0 });
	struct ledger_refusal why;
	struct reservation *r = NULL;
	assert_true(ledger_message_fits(l, 1, 5, &a.ask.allowed, a.now, &why));
	assert_int_equal(send_to(&a, 1, 1), 1);
	assert_true(ledger_message_fits(l, 1, 5, &a.ask.allowed, a.now, &why));
	assert_int_equal(rcpt(&a, &r, 1), LEDGER_OK);
	assert_false(ledger_message_fits(l, 1, 5, &a.ask.allowed, a.now, &why));
	assert_int_equal(why.verdict, LEDGER_USER_MESSAGES);
	assert_int_equal(why.used, 1);
	assert_int_equal(why.reserved, 1);
	assert_int_equal(why.limit, 2);
	assert_true(ledger_message_fits(l, 1, 6, &a.ask.allowed, a.now, &why));
	ledger_release(l, &r);
	assert_true(ledger_message_fits(l, 1, 5, &a.ask.allowed, a.now, &why));
	ledger_free(&l);
}

static void names_are_those_of_limits_show(void **state)
{
	(void)state;
	assert_string_equal(ledger_verdict_name(LEDGER_CUSTOMER_DAY),
			    "customer_day");
	assert_string_equal(ledger_verdict_name(LEDGER_CUSTOMER_PEAK),
			    "customer_peak");
	assert_string_equal(ledger_verdict_name(LEDGER_USER_MESSAGES),
			    "user_messages");
	assert_string_equal(ledger_verdict_name(LEDGER_USER_UNIQUE),
			    "user_unique");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_5_total_counts_each_unique_counts_once),
		cmocka_unit_test(s6_each_limit_at_n_minus_1_n_and_n_plus_1),
		cmocka_unit_test(s6_8_order_customer_day_customer_peak_user),
		cmocka_unit_test(s6_1_unregistered_sender_has_no_user_limit),
		cmocka_unit_test(s6_6_all_users_share_the_customers_limits),
		cmocka_unit_test(s6_windows_roll_over_midnight),
		cmocka_unit_test(s6_8_released_opens_room_booked_does_not),
		cmocka_unit_test(s6_8_lapses_after_5_min_without_progress),
		cmocka_unit_test(s6_8_reserved_again_all_or_nothing_by_every_limit),
		cmocka_unit_test(s6_8_many_that_lapse_at_once_are_busy_not_over),
		cmocka_unit_test(s6_8_one_session_holds_a_thousand),
		cmocka_unit_test(s6_8_shared_address_leaves_half_to_others),
		cmocka_unit_test(s5_4_null_sender_has_a_reserve_over_the_limit),
		cmocka_unit_test(s6_9_recipients_of_rules_are_booked_and_never_refused),
		cmocka_unit_test(s6_4_limits_may_change_at_any_time),
		cmocka_unit_test(s6_11_alerts_at_80_and_100_once_a_window),
		cmocka_unit_test(s6_11_alerts_of_all_four_and_after_a_restart),
		cmocka_unit_test(s6_8_restored_from_bookings_it_counts_the_same),
		cmocka_unit_test(r7_restored_bookings_of_a_wrong_clock),
		cmocka_unit_test(r7_clock_back_neither_admits_nor_locks),
		cmocka_unit_test(s6_1_which_binds_first_by_the_pace_of_10_min),
		cmocka_unit_test(s6_11_show_of_somebody_unknown_and_who_booked_last),
		cmocka_unit_test(s6_10_opens_for_n),
		cmocka_unit_test(idle_ones_are_dropped),
		cmocka_unit_test(at_the_bound_new_ones_are_busy_known_ones_go_on),
		cmocka_unit_test(s6_8_message_is_looked_at_at_mail),
		cmocka_unit_test(names_are_those_of_limits_show),
	};
	return cmocka_run_group_tests_name("limits/ledger", tests, NULL, NULL);
}
