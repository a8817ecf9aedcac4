/* Days that something lasts to the end of. */
#include "unit/unit.h"

#include "base/day.h"

static void days_of_the_calendar(void **state)
{
	(void)state;
	static const struct { const char *text; uint32_t ends; } cases[] = {
		{ "1970-01-01", 1 },	   { "1970-12-31", 365 },
		{ "1971-01-01", 366 },	   { "1972-02-29", 790 },
		{ "2000-02-29", 11017 },   { "2000-03-01", 11018 },
		{ "2038-01-19", 24856 },   { "2100-02-28", 47541 },
		{ "2100-03-01", 47542 },   { "9999-12-31", 2932897 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[DAY_TEXT_MAX];
		uint32_t ends;
		assert_true(day_parse(slice_of(cases[i].text), &ends));
		assert_int_equal(ends, cases[i].ends);
		assert_string_equal(day_text(ends, text), cases[i].text);
	}
	assert_int_equal(day_end_ms(1), 86400000);
}

static void each_day_comes_back(void **state)
{
	(void)state;
	for (uint32_t ends = 1; ends < 60000; ends++) {
		char text[DAY_TEXT_MAX];
		uint32_t again;
		assert_true(day_parse(slice_of(day_text(ends, text)), &again));
		assert_int_equal(again, ends);
	}
}

static void what_is_no_day(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"", "2027", "2027-6-30", "2027-06-31", "2027-02-29",
		"2100-02-29", "1969-12-31", "2027-00-01", "2027-01-00",
		"2027-13-01", "2027/06/30", "2027-06-30Z", "20270630",
		"-027-06-30", "+027-06-30", "0x27-06-30", "10000-01-01",
	};
	uint32_t ends = 7;
	char text[DAY_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (day_parse(slice_of(cases[i]), &ends))
			fail_msg("\"%s\" was taken", cases[i]);
	assert_int_equal(ends, 7);
	assert_string_equal(day_text(0, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_of_the_calendar),
		cmocka_unit_test(each_day_comes_back),
		cmocka_unit_test(what_is_no_day),
	};
	return cmocka_run_group_tests_name("base/day", tests, NULL, NULL);
}
