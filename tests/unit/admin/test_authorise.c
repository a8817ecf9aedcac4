/* Roles as a table, and what is there for whom. */
#include "unit/unit.h"

#include "admin/authorise.h"

static void s12_3_the_table_of_roles(void **state)
{
	enum { N = AUTHORISE_NOT, Y = AUTHORISE_MAY, A = AUTHORISE_ASK };
	static const int want[CALLER_ROLE_COUNT][RIGHT_COUNT] = {
		/* operate, look, settings, users, queue, own, let in,
		 * look at the service */
		[CALLER_USER] = { N, N, N, N, N, N, N, N },
		[CALLER_AUDITOR] = { N, Y, N, N, N, Y, N, N },
		[CALLER_UNIT_ADMIN] = { N, Y, A, Y, A, Y, A, N },
		[CALLER_SUPER_ADMIN] = { N, Y, Y, Y, Y, Y, Y, N },
		[CALLER_OPERATOR] = { Y, Y, Y, Y, Y, Y, Y, Y },
	};
	(void)state;
	for (enum caller_role c = 0; c < CALLER_ROLE_COUNT; c++)
		for (enum right r = 0; r < RIGHT_COUNT; r++)
			assert_int_equal(authorise_call(c, r), want[c][r]);
}

static void s12_3_a_unit_holds_what_lies_below_it(void **state)
{
	static const struct {
		const char *unit, *other;
		bool holds;
	} cases[] = {
		{ "sales", "sales", true },
		{ "sales", "sales/tokyo", true },
		{ "sales", "sales/tokyo/east", true },
		{ "sales/tokyo", "sales", false },
		{ "sales/tokyo", "sales/tokyo2", false },
		{ "sales", "salesmen", false },
		{ "sales", "", false },
		{ "", "", false },
		{ "", "sales", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(authorise_unit_holds(
					 slice_of(cases[i].unit),
					 slice_of(cases[i].other)),
				 cases[i].holds);
}

static void s12_3_nobody_sees_another_customer(void **state)
{
	(void)state;
	for (enum caller_role r = 0; r < CALLER_ROLE_COUNT; r++) {
		struct caller c = { .role = r, .customer = 7,
				    .org_unit = SLICE("sales") };
		bool all = r == CALLER_OPERATOR, own = r != CALLER_USER;
		bool unit = r == CALLER_UNIT_ADMIN;
		assert_int_equal(authorise_sees(&c, 7), own);
		assert_int_equal(authorise_sees(&c, 8), all);
		assert_int_equal(authorise_sees(&c, 0), all);
		assert_int_equal(authorise_sees_user(&c, 7, SLICE("sales/a")),
				 own);
		assert_int_equal(authorise_sees_user(&c, 7, SLICE("hr")),
				 own && !unit);
		assert_int_equal(authorise_sees_user(&c, 7, SLICE("")),
				 own && !unit);
		assert_int_equal(authorise_sees_user(&c, 8, SLICE("sales")),
				 all);
	}
	/* What was never filled sees nothing. */
	struct caller nobody = { 0 };
	assert_false(authorise_sees(&nobody, 0));
	assert_int_equal(authorise_call(nobody.role, RIGHT_LOOK),
			 AUTHORISE_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s12_3_the_table_of_roles),
		cmocka_unit_test(s12_3_a_unit_holds_what_lies_below_it),
		cmocka_unit_test(s12_3_nobody_sees_another_customer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
