/* Writing JSON, and times as text. */
#include "unit/unit.h"

#include <jansson.h>
#include <time.h>

#include "base/json.h"

static void strings_are_escaped_and_valid_utf8(void **state)
{
	(void)state;
	static const struct { const char *in; size_t n; const char *out; } cases[] = {
		{ "abc", 3, "\"abc\"" },
		{ "", 0, "\"\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "\r\n\t\0\x1f\x7f", 6,
		  "\"\\u000d\\u000a\\u0009\\u0000\\u001f\\u007f\"" },
		{ "\xe3\x81\x82", 3, "\"\xe3\x81\x82\"" },
		{ "\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"" },
		{ "\xff", 1, "\"\xef\xbf\xbd\"" },
		{ "\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3,	/* surrogate */
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe0\x80\xaf", 3,	/* over-long */
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf4\x90\x80\x80x", 5,
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"" },
		{ "a\xe3\x81", 3, "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b;
		struct json j;
		buf_init(&b, 1000);
		json_init(&j, &b);
		json_put_string(&j, (slice){ cases[i].in, cases[i].n });
		assert_slice_eq(buf_slice(&b), cases[i].out);
		buf_fini(&b);
	}
}

static void long_strings_are_cut_between_characters(void **state)
{
	(void)state;
	struct buf b;
	struct json j;
	buf_init(&b, 1000);
	json_init(&j, &b);
	j.string_max = 4;
	json_array_begin(&j);
	json_put_string(&j, SLICE("1234"));
	json_put_string(&j, SLICE("12345"));
	json_put_string(&j, SLICE("12\xe3\x81\x82"));
	json_array_end(&j);
	assert_slice_eq(buf_slice(&b), "[\"1234\",\"1234\xe2\x80\xa6\","
				       "\"12\xe2\x80\xa6\"]");
	buf_fini(&b);
}

static void commas_stand_where_they_belong(void **state)
{
	(void)state;
	struct buf b;
	struct json j;
	buf_init(&b, 1000);
	json_init(&j, &b);
	json_object_begin(&j);
	json_member_u64(&j, "n", UINT64_MAX);
	json_key(&j, "list");
	json_array_begin(&j);
	json_object_begin(&j);
	json_object_end(&j);
	json_array_begin(&j);
	json_array_end(&j);
	json_i64(&j, INT64_MIN);
	json_put_null(&j);
	json_array_end(&j);
	json_member_bool(&j, "yes", true);
	json_member_cstr(&j, "none", NULL);
	json_key(&j, "raw");
	json_raw(&j, SLICE("[1]"));
	json_key(&j, "id");
	json_id(&j, (struct id){ 0, 35 });
	json_key(&j, "at");
	json_time_ms(&j, 0);
	json_object_end(&j);
	assert_slice_eq(buf_slice(&b),
			"{\"n\":18446744073709551615,\"list\":[{},[],"
			"-9223372036854775808,null],\"yes\":true,"
			"\"none\":\"\",\"raw\":[1],"
			"\"id\":\"0000000000000000000z\","
			"\"at\":\"1970-01-01T00:00:00.000Z\"}");
	json_t *read = json_loadb(b.p, b.n, JSON_DECODE_INT_AS_REAL, NULL);
	assert_non_null(read);
	json_decref(read);
	buf_fini(&b);
}

static void every_byte_string_reads_back(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (int round = 0; round < 2000; round++) {
		char bytes[24];
		size_t n = (size_t)round % sizeof(bytes);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
		}
		struct buf b;
		struct json j;
		buf_init(&b, 1000);
		json_init(&j, &b);
		json_array_begin(&j);
		json_put_string(&j, (slice){ bytes, n });
		json_array_end(&j);
		/* jansson checks UTF-8 and control characters itself. */
		json_t *read = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
		assert_non_null(read);
		json_decref(read);
		buf_fini(&b);
	}
}

static void times(void **state)
{
	(void)state;
	static const struct { int64_t ms; const char *iso, *mail; } cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z",
		  "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ 1795494600000, "2026-11-24T04:30:00.000Z",
		  "Tue, 24 Nov 2026 04:30:00 +0000" },
		{ 951782399999, "2000-02-28T23:59:59.999Z",
		  "Mon, 28 Feb 2000 23:59:59 +0000" },
		{ 951825600000, "2000-02-29T12:00:00.000Z",
		  "Tue, 29 Feb 2000 12:00:00 +0000" },
		{ 4107542399001, "2100-02-28T23:59:59.001Z",
		  "Sun, 28 Feb 2100 23:59:59 +0000" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z",
		  "Mon, 1 Mar 2100 00:00:00 +0000" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z",
		  "Fri, 31 Dec 9999 23:59:59 +0000" },
		{ -1, "1970-01-01T00:00:00.000Z",
		  "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z",
		  "Fri, 31 Dec 9999 23:59:59 +0000" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char iso[TIME_TEXT_MAX], mail[TIME_TEXT_MAX + 8];
		assert_string_equal(time_text_ms(cases[i].ms, iso),
				    cases[i].iso);
		assert_string_equal(time_text_rfc5322(cases[i].ms, mail),
				    cases[i].mail);
	}
}

static void times_agree_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t s = 0; s < 5000000000; s += 7777777) {
		char iso[TIME_TEXT_MAX], want[64];
		time_t t = (time_t)s;
		struct tm tm;
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		assert_string_equal(time_text_ms(s * 1000, iso), want);
		char mail[TIME_TEXT_MAX + 8];
		strftime(want, sizeof(want), "%a, %-d %b %Y %H:%M:%S +0000",
			 &tm);
		assert_string_equal(time_text_rfc5322(s * 1000, mail), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_escaped_and_valid_utf8),
		cmocka_unit_test(long_strings_are_cut_between_characters),
		cmocka_unit_test(commas_stand_where_they_belong),
		cmocka_unit_test(every_byte_string_reads_back),
		cmocka_unit_test(times),
		cmocka_unit_test(times_agree_with_the_c_library),
	};
	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
