/* Ids and references: order, text, what is refused. */
#include "unit/unit.h"

#include "base/id.h"

static void ids_sort_by_time_as_values_and_as_text(void **state)
{
	(void)state;
	static const struct { int64_t ms; uint64_t random; } rows[] = {
		{ 0, 1 }, { 1, 0 }, { 1790000000000, 5 },
		{ 1790000000000, 6 }, { 1790000000001, 0 },
	};
	char before[ID_TEXT_MAX] = "", text[ID_TEXT_MAX];
	struct id last = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct id id = id_make(rows[i].ms, rows[i].random), again;
		assert_true(id_cmp(last, id) < 0);
		assert_true(id_cmp(id, last) > 0);
		id_text(id, text);
		assert_int_equal(strlen(text), ID_TEXT_LEN);
		assert_true(strcmp(before, text) < 0);
		assert_true(id_parse(slice_of(text), &again));
		assert_true(id_eq(id, again));
		strcpy(before, text);
		last = id;
	}
}

static void any_time_and_random_make_an_id(void **state)
{
	(void)state;
	static const int64_t times[] = { INT64_MIN, -1, 0, INT64_MAX };
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		char text[ID_TEXT_MAX];
		struct id id = id_make(times[i], UINT64_MAX), again;
		assert_true(id_parse(slice_of(id_text(id, text)), &again));
		assert_true(id_eq(id, again));
	}
	assert_true(id_is_zero(id_make(0, 0)));
	assert_false(id_is_zero(id_make(1, 0)));
}

static void what_is_no_id_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "0", "0000000000000000000", "000000000000000000000",
		"0000000000000000000A", "0000000000000000000-",
		"00000000000000000 00",
	};
	struct id id;
	struct reference r;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(id_parse(slice_of(bad[i]), &id));
	assert_true(id_parse(SLICE("zzzzzzzzzzzzzzzzzzzz"), &id));
	assert_true(id_is_possible(id));
	id.random++;
	assert_false(id_is_possible(id));
	assert_false(reference_parse(SLICE("zzzzzzzzzzzzzzzzzzzz"), &r));
	/* 36^25 - 1 is more than 128 bits. */
	assert_false(reference_parse(SLICE("zzzzzzzzzzzzzzzzzzzzzzzzz"), &r));
}

static void references_hold_128_bits(void **state)
{
	(void)state;
	static const struct reference rows[] = {
		{ 0, 0 }, { 0, 1 }, { 1, 0 }, { UINT64_MAX, UINT64_MAX },
		{ 0x0123456789abcdef, 0xfedcba9876543210 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[REFERENCE_TEXT_MAX];
		struct reference r;
		reference_text(rows[i], text);
		assert_int_equal(strlen(text), REFERENCE_TEXT_LEN);
		assert_true(reference_parse(slice_of(text), &r));
		assert_true(r.high == rows[i].high && r.low == rows[i].low);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_sort_by_time_as_values_and_as_text),
		cmocka_unit_test(any_time_and_random_make_an_id),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(references_hold_128_bits),
	};
	return cmocka_run_group_tests_name("base/id", tests, NULL, NULL);
}
