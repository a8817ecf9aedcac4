/* Figures of a plan (SPEC 6.1 to 6.4, 5.4). */
#include "limits/plan.h"
#include "unit/unit.h"

struct row {
	uint32_t licences;
	bool paid;
	uint64_t day, peak, messages, unique, null_day, null_peak;
};

static void check(const struct plan *p, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		struct allowance a = plan_allowance(p, r->licences, r->paid);
		assert_int_equal(a.customer_day, r->day);
		assert_int_equal(a.customer_peak, r->peak);
		assert_int_equal(a.user_messages, r->messages);
		assert_int_equal(a.user_unique, r->unique);
		assert_int_equal(a.null_day, r->null_day);
		assert_int_equal(a.null_peak, r->null_peak);
	}
}

static void s6_1_to_6_4_standard_plan_by_licences_and_billing(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ 1, true, 130, 9, 10000, 130, 50, 50 },
		{ 100, true, 13000, 900, 10000, 13000, 260, 50 },
		{ 250, true, 32500, 2250, 10000, 32500, 650, 50 },
		/* Caps: 35,384 x 130 and 35,493 x 9 are the last below. */
		{ 35384, true, 4599920, 318456, 10000, 4599920, 91998, 6369 },
		{ 35385, true, 4600000, 318465, 10000, 4600050, 92000, 6369 },
		{ 35493, true, 4600000, 319437, 10000, 4614090, 92000, 6388 },
		{ 35494, true, 4600000, 319444, 10000, 4614220, 92000, 6388 },
		{ 10000000, true, 4600000, 319444, 10000, 1300000000, 92000,
		  6388 },
		{ 1, false, 100, 9, 10000, 130, 50, 50 },
		{ 6, false, 100, 50, 10000, 780, 50, 50 },
		{ 10000000, false, 100, 50, 10000, 1300000000, 50, 50 },
		{ 0, true, 0, 0, 10000, 0, 50, 50 },
	};
	struct plan p = plan_standard();
	check(&p, rows, ARRAY_LEN(rows));
}

static void s6_1_plan_may_lower_messages_by_licences(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ 3, true, 390, 27, 1500, 390, 50, 50 },
		{ 20, true, 2600, 180, 10000, 2600, 52, 50 },
	};
	struct plan p = plan_standard();
	p.user_messages_per_licence = 500;
	check(&p, rows, ARRAY_LEN(rows));
}

static void s6_4_operator_figures_that_overflow_are_the_cap(void **state)
{
	(void)state;
	struct plan p = plan_standard();
	p.day_per_licence = p.user_unique_per_licence = UINT64_MAX;
	p.day_cap = UINT64_MAX;
	struct allowance a = plan_allowance(&p, 2, true);
	assert_true(a.customer_day == UINT64_MAX);
	assert_true(a.user_unique == UINT64_MAX);
	assert_true(a.null_day > UINT64_MAX / 100);
	assert_int_equal(plan_allowance(&p, 2, false).customer_day, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_1_to_6_4_standard_plan_by_licences_and_billing),
		cmocka_unit_test(s6_1_plan_may_lower_messages_by_licences),
		cmocka_unit_test(s6_4_operator_figures_that_overflow_are_the_cap),
	};
	return cmocka_run_group_tests_name("limits/plan", tests, NULL, NULL);
}
