/* Budgets of SPEC 7. */
#include "unit/unit.h"

#include "limits/budget.h"

enum { PLACES = 1024 };

static const struct budget_rate stranger = { 30, 60000, 30 };
static const struct budget_rate listed = { 100, 1000, 10000 };

static struct ip_addr address(const char *text)
{
	struct ip_addr a;
	assert_true(ip_addr_parse(slice_of(text), &a));
	return a;
}

static uint64_t key(const char *text)
{
	struct ip_addr a = address(text);
	return budget_key_address(BUDGET_CONNECT, &a);
}

static bool take(struct budgets *b, uint64_t k, const struct budget_rate *r,
		 int64_t now_ms)
{
	int64_t wait;
	return budget_take(b, k, r, 0, now_ms, &wait);
}

static void s7_1_a_stranger_has_thirty_a_minute(void **state)
{
	(void)state;
	struct budgets *b = budgets_new(PLACES);
	uint64_t k = key("192.0.2.1");
	int64_t wait;
	for (int i = 0; i < 30; i++)
		assert_true(take(b, k, &stranger, 1000));
	assert_false(budget_take(b, k, &stranger, 0, 1000, &wait));
	assert_int_equal(wait, 2000);
	assert_false(take(b, k, &stranger, 2999));
	assert_true(take(b, k, &stranger, 3000));
	assert_false(take(b, k, &stranger, 3001));
	assert_true(take(b, key("192.0.2.2"), &stranger, 3001));
	budgets_free(&b);
}

static void s7_1_qmail_has_ten_thousand_and_then_waits(void **state)
{
	(void)state;
	struct budgets *b = budgets_new(PLACES);
	uint64_t k = key("192.0.2.1");
	int64_t wait;
	for (int i = 0; i < 10000; i++)
		assert_true(take(b, k, &listed, 0));
	/* 100 a second more: up to 5 s ahead, then none. */
	for (int i = 1; i <= 500; i++) {
		assert_true(budget_take(b, k, &listed, 5000, 0, &wait));
		assert_int_equal(wait, 10 * i);
	}
	assert_false(budget_take(b, k, &listed, 5000, 0, &wait));
	assert_int_equal(wait, 5010);
	assert_true(budget_take(b, k, &listed, 5000, 10, &wait));
	budgets_free(&b);
}

static void s7_1_looking_takes_nothing(void **state)
{
	(void)state;
	struct budgets *b = budgets_new(PLACES);
	static const struct budget_rate one = { 1, 1000, 1 };
	int64_t wait;
	for (int i = 0; i < 5; i++)
		assert_true(budget_has_room(b, 77, &one, 0, &wait));
	assert_true(take(b, 77, &one, 0));
	assert_false(budget_has_room(b, 77, &one, 999, &wait));
	assert_int_equal(wait, 1);
	budgets_free(&b);
}

static void s7_1_ipv6_counts_by_64(void **state)
{
	(void)state;
	assert_true(key("2001:db8::1") == key("2001:db8::2"));
	assert_true(key("2001:db8::1") != key("2001:db8:0:1::1"));
	assert_true(key("192.0.2.1") != key("192.0.2.2"));
	struct ip_addr a = address("192.0.2.1"), b = address("192.0.2.9"),
		       c = address("192.0.3.1");
	slice name = SLICE("u@example.com");
	uint64_t k = budget_key_network(BUDGET_AUTH_ACCOUNT, &a, name);
	assert_true(k == budget_key_network(BUDGET_AUTH_ACCOUNT, &b, name));
	assert_true(k != budget_key_network(BUDGET_AUTH_ACCOUNT, &c, name));
	assert_true(k != budget_key_network(BUDGET_AUTH_ACCOUNT, &a,
					    SLICE("v@example.com")));
}

static void s7_1_names_count_within_their_class(void **state)
{
	(void)state;
	assert_true(budget_key_helo(0, SLICE("Mail.Example.com")) ==
		    budget_key_helo(0, SLICE("mail.example.com")));
	assert_true(budget_key_helo(0, SLICE("mail.example.com")) !=
		    budget_key_helo(7, SLICE("mail.example.com")));
}

static void r1_at_once_n_minus_one_n_n_plus_one(void **state)
{
	(void)state;
	struct budgets *b = budgets_new(PLACES);
	uint64_t k = key("192.0.2.1");
	for (int i = 0; i < 10; i++)
		assert_true(budget_enter(b, k, 10, 0));
	assert_false(budget_enter(b, k, 10, 0));
	budget_leave(b, k);
	assert_true(budget_enter(b, k, 10, 0));
	assert_false(budget_enter(b, k, 10, 0));
	budgets_free(&b);
}

/* What is open is never forgotten, whatever comes; rates of a flooded set
 * may be. */
static void r2_a_flood_of_addresses_forgets_nothing_open(void **state)
{
	(void)state;
	struct budgets *b = budgets_new(64);
	uint64_t k = key("192.0.2.1");
	assert_true(budget_enter(b, k, 10, 0));
	for (uint64_t other = 2; other < 100000; other++)
		(void)take(b, other * 0x9e3779b97f4a7c15u, &stranger, 5);
	for (int i = 1; i < 10; i++)
		assert_true(budget_enter(b, k, 10, 10));
	assert_false(budget_enter(b, k, 10, 10));
	for (int i = 0; i < 10; i++)
		budget_leave(b, k);
	budgets_free(&b);
}

static void a_full_set_of_open_ones_refuses(void **state)
{
	(void)state;
	struct budgets *b = budgets_new(1);
	for (uint64_t k = 2; k < 10; k++)
		assert_true(budget_enter(b, k, 1, 0));
	assert_false(budget_enter(b, 99, 1, 0));
	budget_leave(b, 5);
	assert_true(budget_enter(b, 99, 1, 0));
	budgets_free(&b);
}

static void a5_good_places_are_remembered(void **state)
{
	(void)state;
	struct budgets *b = budgets_new(PLACES);
	assert_false(budget_remembers(b, 42, 0));
	budget_remember(b, 42, 1000, 0);
	assert_true(budget_remembers(b, 42, 999));
	assert_false(budget_remembers(b, 42, 1000));
	budgets_free(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(s7_1_a_stranger_has_thirty_a_minute),
		cmocka_unit_test(s7_1_qmail_has_ten_thousand_and_then_waits),
		cmocka_unit_test(s7_1_looking_takes_nothing),
		cmocka_unit_test(s7_1_ipv6_counts_by_64),
		cmocka_unit_test(s7_1_names_count_within_their_class),
		cmocka_unit_test(r1_at_once_n_minus_one_n_n_plus_one),
		cmocka_unit_test(r2_a_flood_of_addresses_forgets_nothing_open),
		cmocka_unit_test(a_full_set_of_open_ones_refuses),
		cmocka_unit_test(a5_good_places_are_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
