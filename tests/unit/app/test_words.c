/* Words that a shell user reads: errors found by their English, keys without
 * effect, and tables that are whole. */
#include "unit/unit.h"

#include <errno.h>

#include "app/relay_calls_private.h"

#include "app/check_private.h"
#include "app/config_inert.h"
#include "app/err_words.h"

static void says(const struct err *err, enum language language,
		 const char *wanted)
{
	struct buf out;
	buf_init(&out, 4096);
	err_words(&out, err, language);
	assert_slice_eq(buf_slice(&out), wanted);
	buf_fini(&out);
}

static void d8_errors_are_said_in_both_languages(void **state)
{
	(void)state;
	static const struct {
		const char *text, *detail, *en, *ja;
	} cases[] = {
		{ "data_dir is too long", "", "data_dir is too long",
		  "data_dir が長すぎます" },
		{ "no such user: bob", "", "no such user: bob",
		  "ユーザー bob は存在しません" },
		{ "no such user: bob (can't be looked up)", "",
		  "no such user: bob (can't be looked up)",
		  "ユーザー bob を調べられません" },
		{ "another postrider serve is running here (process 7)", "",
		  "another postrider serve is running here (process 7)",
		  "ここでは別の postrider serve が動いています(プロセス 7)" },
		{ "keys/pepper is damaged: it has 3 bytes, not 32", "",
		  "keys/pepper is damaged: it has 3 bytes, not 32",
		  "keys/pepper が壊れています。32 バイトのはずが 3 バイトです" },
		{ "the service's user can't enter /a, which is on the way to "
		  "data_dir", "",
		  "the service's user can't enter /a, which is on the way to "
		  "data_dir",
		  "サービスのユーザーは data_dir へ至る /a に入れません" },
		/* OpenSSL's reason stays as it is. */
		{ "certificate can't be used: ee key too small", "",
		  "certificate can't be used: ee key too small",
		  "証明書を使えません: ee key too small" },
		{ "not known to any table", "more", "not known to any table: "
						    "more",
		  "not known to any table: more" },
		{ "", "no such message", "no such message",
		  "そのメッセージはありません" },
		{ "a\nb", "", "a?b", "a?b" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		err_set(&err, ERR_PERMANENT, SCOPE_SELF, "test", "%s",
			cases[i].text);
		err_detail(&err, "%s", cases[i].detail);
		says(&err, LANGUAGE_EN, cases[i].en);
		says(&err, LANGUAGE_JA, cases[i].ja);
	}
}

static void d8_the_systems_reasons_are_said_in_japanese(void **state)
{
	(void)state;
	struct err err = { 0 };
	err_set_os(&err, ENOENT, "test", "open");
	says(&err, LANGUAGE_EN,
	     "open failed: open: No such file or directory");
	says(&err, LANGUAGE_JA,
	     "open: そのようなファイルやフォルダーはありません");
	err_detail(&err, "open /a: b: No such file or directory");
	says(&err, LANGUAGE_JA,
	     "open /a: b: そのようなファイルやフォルダーはありません");
	err_detail(&err, "/run/ctl.sock");
	says(&err, LANGUAGE_JA,
	     "/run/ctl.sock: そのようなファイルやフォルダーはありません");
	err_set_os(&err, EADDRINUSE, "test", "listen");
	err_detail(&err, "%s: another program has this port", "[::]:25");
	says(&err, LANGUAGE_JA,
	     "[::]:25: このポートは別のプログラムが使っています");
	/* One that no table knows. */
	err_set_os(&err, EXDEV, "test", "rename");
	says(&err, LANGUAGE_JA, "rename: Invalid cross-device link");
}

static void keys_without_effect_are_known_when_they_are_set(void **state)
{
	(void)state;
	static const struct {
		const char *text, *names[3];
	} cases[] = {
		{ "hostname: a.example\n", { NULL } },
		{ "dns: { forward: [ \"127.0.0.1@53\" ], "
		  "trust_anchor: none }\n", { NULL } },
		{ "dns: { trust_anchor: /root.key }\n",
		  { "dns.trust_anchor", NULL } },
		{ "operator: { mail: ops@a.example }\n", { NULL } },
		{ "delivery: { port: 2526, "
		  "allow_addresses: [ 127.0.0.0/8 ] }\n",
		  { "delivery.port", "delivery.allow_addresses", NULL } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *names[CONFIG_INERT_MAX];
		struct arena arena;
		struct config c;
		struct buf errors;
		arena_init(&arena, CONFIG_ARENA_MAX);
		buf_init(&errors, 65536);
		assert_true(config_parse(slice_of(cases[i].text), "a.yaml",
					 LANGUAGE_EN, &arena, &c, &errors));
		size_t n = config_inert(&c, names);
		for (size_t k = 0; k < n; k++) {
			assert_non_null(cases[i].names[k]);
			assert_string_equal(names[k], cases[i].names[k]);
			assert_true(config_is_inert(names[k]));
		}
		assert_null(cases[i].names[n]);
		buf_fini(&errors);
		arena_fini(&arena);
	}
	assert_false(config_is_inert("hostname"));
}

static void whole(const struct text *t)
{
	assert_true(t->en[0] != '\0' && utf8_valid(slice_of(t->ja)));
	assert_string_not_equal(t->en, t->ja);
}

static void every_text_is_there_twice(void **state)
{
	(void)state;
	for (enum check_text i = 0; i < CHECK_TEXT_COUNT; i++)
		whole(check_text(i));
	for (enum relay_text i = 0; i < RELAY_SAY_COUNT; i++)
		whole(relay_text(i));
	for (enum err_text i = 0; i < ERR_SAY_COUNT; i++)
		whole(err_text(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d8_errors_are_said_in_both_languages),
		cmocka_unit_test(d8_the_systems_reasons_are_said_in_japanese),
		cmocka_unit_test(
			keys_without_effect_are_known_when_they_are_set),
		cmocka_unit_test(every_text_is_there_twice),
	};
	return cmocka_run_group_tests_name("app/words", tests, NULL, NULL);
}
