/* Languages, nearest words, UTF-8. */
#include "unit/unit.h"

#include "base/text.h"

static void languages(void **state)
{
	(void)state;
	static const struct { const char *name; enum language l; } cases[] = {
		{ "ja", LANGUAGE_JA }, { "ja_JP.UTF-8", LANGUAGE_JA },
		{ "JA-jp", LANGUAGE_JA }, { "", LANGUAGE_EN },
		{ "jav", LANGUAGE_EN }, { "j", LANGUAGE_EN },
		{ "C", LANGUAGE_EN }, { "en_GB", LANGUAGE_EN },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(language_of(slice_of(cases[i].name)),
				 cases[i].l);
	struct text t = { "yes", "\xe3\x81\xaf\xe3\x81\x84" };
	assert_string_equal(text_in(&t, LANGUAGE_EN), t.en);
	assert_string_equal(text_in(&t, LANGUAGE_JA), t.ja);
}

static void nearest_words(void **state)
{
	(void)state;
	static const char *const words[] = { "hostname", "listeners",
					     "data_dir", "port", "tls", NULL };
	static const struct { const char *in, *want; } cases[] = {
		{ "hostnmae", "hostname" }, { "HOSTNAME", "hostname" },
		{ "prot", "port" }, { "listener", "listeners" },
		{ "datadir", "data_dir" }, { "tsl", "tls" },
		{ "xyz", NULL }, { "", NULL }, { "pppp", NULL },
		{ "tlsssss", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = text_nearest(slice_of(cases[i].in), words);
		if (cases[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].want);
	}
	char huge[500];
	memset(huge, 'x', sizeof(huge));
	assert_null(text_nearest((slice){ huge, sizeof(huge) }, words));
}

/* Counts what RFC 3629 allows: all code points but surrogates. */
static void utf8_takes_exactly_the_code_points(void **state)
{
	(void)state;
	size_t good = 0;
	for (uint32_t i = 0; i < 1u << 24; i++) {
		char b[4] = { (char)(i >> 16), (char)(i >> 8), (char)i, 0 };
		size_t n = utf8_length((slice){ b, 3 });
		good += n == 3;
	}
	assert_int_equal(good, 0x10000 - 0x800 - 0x800);
	good = 0;
	for (uint32_t i = 0; i < 1u << 16; i++) {
		char four[4] = { (char)(0xf0 + (i >> 12) % 8),
				 (char)(0x80 + (i >> 6) % 64),
				 (char)(0x80 + i % 64), (char)0x80 };
		good += utf8_length((slice){ four, 4 }) == 4;
		assert_int_equal(utf8_length((slice){ four, 3 }), 0);
	}
	/* 0x10000 to 0x10ffff in steps of 64, each seen twice. */
	assert_int_equal(good, 2 * 0x100000 / 64);
}

static void utf8_is_cut_between_characters(void **state)
{
	(void)state;
	slice s = SLICE("a\xe3\x81\x82\xf0\x9f\x98\x80");
	static const size_t want[] = { 0, 1, 1, 1, 4, 4, 4, 4, 8, 8 };
	for (size_t max = 0; max < ARRAY_LEN(want); max++)
		assert_int_equal(utf8_cut(s, max).n, want[max]);
	assert_true(utf8_valid(s));
	assert_false(utf8_valid(slice_sub(s, 0, 7)));
	/* Nonsense is cut anywhere. */
	slice bytes = SLICE("\x80\x80\x80\x80\x80\x80\x80\x80\x80");
	assert_int_equal(utf8_cut(bytes, 7).n, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(languages),
		cmocka_unit_test(nearest_words),
		cmocka_unit_test(utf8_takes_exactly_the_code_points),
		cmocka_unit_test(utf8_is_cut_between_characters),
	};
	return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
