/* Views of bytes: cutting, comparing, numbers. */
#include "unit/unit.h"

#include "base/slice.h"

static void slice_u64_takes_digits_only(void **state)
{
	(void)state;
	uint64_t v = 7;
	assert_true(slice_u64(SLICE("0"), 10, &v));
	assert_int_equal(v, 0);
	assert_true(slice_u64(SLICE("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1",
					   "18446744073709551616", "11" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(slice_u64(slice_of(bad[i]), 10, &v));
}

static void slice_cut_leaves_the_rest(void **state)
{
	(void)state;
	slice s = SLICE("a:b:c");
	assert_slice_eq(slice_cut(&s, ':'), "a");
	assert_slice_eq(s, "b:c");
	assert_slice_eq(slice_cut(&s, ':'), "b");
	assert_slice_eq(slice_cut(&s, ':'), "c");
	assert_int_equal(s.n, 0);
}

static void ascii_hex_knows_both_cases(void **state)
{
	(void)state;
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	for (int i = 0; i < 32; i++)
		assert_int_equal(ascii_hex(digits[i]), i % 16);
	static const char other[] = { '/', ':', '@', 'G', '`', 'g', '\0',
				      '\xff' };
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_int_equal(ascii_hex(other[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slice_u64_takes_digits_only),
		cmocka_unit_test(slice_cut_leaves_the_rest),
		cmocka_unit_test(ascii_hex_knows_both_cases),
	};
	return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
