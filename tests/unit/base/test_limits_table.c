/* The table of bounds: defaults, ranges, names. */
#include "unit/unit.h"

#include "base/limits_table.h"

static void defaults_and_ranges(void **state)
{
	(void)state;
	struct limits l;
	size_t rows = 0;
	memset(&l, 0xff, sizeof(l));
	limits_defaults(&l);
	for (const struct limit_row *r = limits_rows(); r->name; r++, rows++) {
		uint64_t now;
		memcpy(&now, (char *)&l + r->offset, sizeof(now));
		assert_true(now == r->value);
		assert_true(r->why[0] != '\0');
		assert_ptr_equal(limits_find(slice_of(r->name)), r);
		assert_true(limits_set(&l, r, r->min));
		assert_true(limits_set(&l, r, r->max));
		assert_false(limits_set(&l, r, r->max + 1));
		if (r->min > 0)
			assert_false(limits_set(&l, r, r->min - 1));
	}
	assert_int_equal(rows * sizeof(uint64_t), sizeof(l));
	assert_null(limits_find(SLICE("nonsense")));
	assert_null(limits_find(SLICE("")));
}

static void s14_default_message_size(void **state)
{
	(void)state;
	struct limits l;
	limits_defaults(&l);
	assert_int_equal(l.message_size, 35882577);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_ranges),
		cmocka_unit_test(s14_default_message_size),
	};
	return cmocka_run_group_tests_name("base/limits_table", tests, NULL,
					   NULL);
}
