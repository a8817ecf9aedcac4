/*
 * What happens when memory runs out: the n-th allocation of a day in the
 * ledger fails, alone or with all after it, for n = 1, 2, … until none does.
 * Then somebody hears BUSY,
 * what was accepted is counted as ever, and nothing leaks. Booking and
 * releasing can't fail.
 */
#include "unit/limits/ledger_test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { CAN_FAIL = false };
static uint64_t fail_at, live;
static bool all_after, fired;
#else
enum { CAN_FAIL = true };
static uint64_t fail_at, live;
static bool all_after, fired;

static bool this_one_fails(void)
{
	if (fail_at == 0 || --fail_at > 0)
		return false;
	fired = true;
	if (all_after)
		fail_at = 1;
	return true;
}

#include "unit/nth_malloc.h"
#endif

struct tally {
	uint64_t recipients, messages;
};

static void end_message(struct asked *a, struct reservation **r,
			struct tally *t, bool release)
{
	if (*r == NULL)
		return;
	uint32_t n = ledger_count(*r);
	if (release || !renew(a, *r)) {
		assert_true(release || a->refusal.verdict == LEDGER_BUSY);
		ledger_release(a->l, r);
		return;
	}
	/* From here on nothing may fail, also without any memory. */
	ledger_book(a->l, r, &a->ask.allowed, a->now, a->now, a->alerts);
	t->recipients += n;
	t->messages++;
}

static void message(struct asked *a, struct tally *t, uint64_t from,
		    uint32_t n, int64_t pause, bool release)
{
	struct reservation *r = NULL;
	uint32_t ok = batch(a, &r, from, n);
	assert_int_equal(ok == n, a->refusal.verdict == LEDGER_OK);
	assert_true(ok == n || a->refusal.verdict == LEDGER_BUSY);
	if (pause > 0) {
		a->now += pause;
		/* Somebody comes by, so that it lapses. */
		struct reservation *other = NULL;
		(void)rcpt(a, &other, 1);
		ledger_release(a->l, &other);
	}
	end_message(a, &r, t, release);
}

static void a_day(struct ledger *l)
{
	struct asked a = an_asker(l, 1, 5, an_allowance(10000));
	struct tally t = { 0 };
	for (uint32_t i = 0; i < 12; i++) {
		a.now += 11 * MINUTE;
		message(&a, &t, i * 90, 100, i % 4 == 1 ? 6 * MINUTE : 0,
			i % 5 == 4);
	}
	/* Enough keys for tables that split. */
	for (uint32_t i = 0; i < 5; i++)
		message(&a, &t, 10000 + i * 1000, 1000, 0, false);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).used, t.recipients);
	assert_int_equal(row_of(&a, LEDGER_CUSTOMER_DAY).reserved, 0);
	assert_int_equal(row_of(&a, LEDGER_USER_MESSAGES).used, t.messages);
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).reserved, 0);
	a.now += DAY + HOUR;
	assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used, 0);
	ledger_tidy(l, a.now);
}

/* Returns how many allocations it took. */
static uint64_t fail_each(void)
{
	for (uint64_t n = 1;; n++) {
		uint64_t before = live;
		fired = false;
		fail_at = CAN_FAIL ? n : 0;
		struct ledger *l = ledger_new(no_locks, UINT64_C(1) << 30);
		assert_true(l != NULL || (CAN_FAIL && n == 1));
		if (l != NULL)
			a_day(l);
		fail_at = 0;
		ledger_free(&l);
		assert_int_equal(live, before);
		if (!fired)
			return n - 1;
	}
}

static void each_allocation_fails_once(void **state)
{
	(void)state;
	all_after = false;
	uint64_t n = fail_each();
	assert_true(!CAN_FAIL || n > 40);
}

static void each_allocation_fails_and_all_after_it(void **state)
{
	(void)state;
	all_after = true;
	uint64_t n = fail_each();
	assert_true(!CAN_FAIL || n > 40);
}

static void a_restore_says_when_it_could_not(void **state)
{
	(void)state;
	uint64_t hashes[200], n = 1;
	struct booking b;
	struct buf out;
	struct err err;
	all_after = true;
	for (uint32_t i = 0; i < 200; i++)
		hashes[i] = hash_of(i);
	buf_init(&out, 1 << 16);
	booking_write(&out, 1, 5, hashes, 200);
	assert_true(booking_read(buf_slice(&out), &b, &err));
	for (bool ok = false; !ok; n++) {
		struct ledger *l = a_ledger();
		err = (struct err){ 0 };
		fail_at = CAN_FAIL ? n : 0;
		ok = ledger_restore(l, &b, MIDNIGHT, MIDNIGHT, &err);
		fail_at = 0;
		assert_int_equal(err.kind, ok ? ERR_OK : ERR_INTERNAL);
		struct asked a = an_asker(l, 1, 5, an_allowance(1000));
		if (ok)
			assert_int_equal(row_of(&a, LEDGER_USER_UNIQUE).used,
					 200);
		ledger_free(&l);
	}
	if (CAN_FAIL)
		assert_true(n > 5);
	buf_fini(&out);
}

/* The same by the ledger's own bound, at every size up to what it needs. */
static void at_every_bound_it_counts_right(void **state)
{
	(void)state;
	for (uint64_t max = 0; max < 400000; max += max < 20000 ? 500 : 20000) {
		struct ledger *l = ledger_new(no_locks, max);
		assert_non_null(l);
		a_day(l);
		ledger_free(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails_once),
		cmocka_unit_test(each_allocation_fails_and_all_after_it),
		cmocka_unit_test(a_restore_says_when_it_could_not),
		cmocka_unit_test(at_every_bound_it_counts_right),
	};
	return cmocka_run_group_tests_name("limits/ledger_memory", tests, NULL,
					   NULL);
}
