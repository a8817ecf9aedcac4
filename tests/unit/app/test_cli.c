/* The command line: what is understood, what is refused and with which
 * words; help in both languages. */
#include "unit/unit.h"

#include <stdio.h>

#include "admin/rows.h"
#include "app/cli.h"

struct parsed {
	struct cli cli;
	struct buf errors;
	bool ok, of_all;
};

static struct parsed parse(const char *line, enum language language)
{
	static char words[16][64];
	const char *argv[17] = { "postrider" };
	int argc = 1;
	struct parsed p = { .cli = { .language = language } };
	for (slice rest = slice_of(line); rest.n > 0 && argc < 16; argc++) {
		assert_true(slice_to_cstr(slice_cut(&rest, ' '), words[argc],
					  sizeof(words[0])));
		argv[argc] = words[argc];
	}
	buf_init(&p.errors, 65536);
	p.ok = cli_parse(argc, argv, &p.cli, &p.of_all, &p.errors);
	return p;
}

static void good_lines_are_understood(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum command_id command;
		const char *argument, *option, *value;
	} cases[] = {
		{ "serve", COMMAND_SERVE, NULL, NULL, NULL },
		{ "serve --config a.yaml", COMMAND_SERVE, NULL, NULL, NULL },
		{ "--config a.yaml serve", COMMAND_SERVE, NULL, NULL, NULL },
		{ "apply x.yaml --prune", COMMAND_APPLY, "x.yaml", "--prune",
		  "" },
		{ "apply --dry-run -", COMMAND_APPLY, "-", "--dry-run", "" },
		{ "queue list --limit 5", COMMAND_QUEUE_LIST, NULL, "--limit",
		  "5" },
		{ "queue list --limit=5 --json", COMMAND_QUEUE_LIST, NULL,
		  "--limit", "5" },
		{ "--json queue show abc", COMMAND_QUEUE_SHOW, "abc", NULL,
		  NULL },
		{ "queue retry", COMMAND_QUEUE_RETRY, NULL, NULL, NULL },
		{ "trace --from <>", COMMAND_TRACE, NULL, "--from", "<>" },
		{ "explain --client-ip 192.0.2.1 --tls", COMMAND_EXPLAIN, NULL,
		  "--client-ip", "192.0.2.1" },
		{ "app-password create a@b.example --range ::/0",
		  COMMAND_APP_PASSWORD_CREATE, "a@b.example", "--range",
		  "::/0" },
		{ "spool cat -- --odd", COMMAND_SPOOL_CAT, "--odd", NULL,
		  NULL },
		{ "--version", COMMAND_VERSION, NULL, NULL, NULL },
		{ "queue list --help", COMMAND_QUEUE_LIST, NULL, NULL, NULL },
		{ "apply --help", COMMAND_APPLY, NULL, NULL, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].line, LANGUAGE_EN);
		if (!p.ok || p.of_all || p.cli.command != cases[i].command)
			fail_msg("%s: %.*s", cases[i].line,
				 SLICE_ARG(buf_slice(&p.errors)));
		assert_int_equal(cases[i].argument == NULL,
				 p.cli.argument == NULL);
		if (cases[i].argument != NULL)
			assert_string_equal(p.cli.argument, cases[i].argument);
		if (cases[i].option != NULL)
			assert_string_equal(cli_option(&p.cli, cases[i].option),
					    cases[i].value);
		buf_fini(&p.errors);
	}
	assert_true(parse("", LANGUAGE_EN).of_all);
	assert_true(parse("--help", LANGUAGE_EN).cli.help);
}

static void wrong_lines_say_what_was_meant(void **state)
{
	(void)state;
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "serv", "unknown command 'serv', did you mean 'serve'?" },
		{ "xyzzy", "unknown command 'xyzzy'" },
		{ "queu list", "unknown command 'queu', did you mean 'queue'?" },
		{ "queue lst", "unknown command 'queue lst', did you mean "
			       "'queue list'?" },
		{ "queue", "'queue' needs one of: list, show, retry, hold, "
			   "release, remove, destinations" },
		{ "queue xyzzy", "'queue' needs one of: list, show, retry, "
				 "hold, release, remove, destinations" },
		{ "queue list --limt 5", "unknown option '--limt', did you "
					 "mean '--limit'?" },
		{ "queue list --dry-run", "unknown option '--dry-run'" },
		{ "queue list --limit", "--limit needs a value" },
		{ "queue list --limit x", "--limit needs a number, not 'x'" },
		{ "queue list --limit 1 --limit 2", "--limit is given twice" },
		{ "apply f --prune=1", "--prune takes no value" },
		{ "apply", "FILE is missing" },
		{ "apply a b", "'b' is one argument too many" },
		{ "serve now", "'now' is one argument too many" },
		{ "serve --config", "--config needs a value" },
		{ "--verson", "unknown option '--verson', did you mean "
			      "'--version'?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].line, LANGUAGE_EN);
		char want[300];
		assert_false(p.ok);
		snprintf(want, sizeof(want), "postrider: %s\n", cases[i].error);
		assert_slice_eq(buf_slice(&p.errors), want);
		buf_fini(&p.errors);
	}
}

static void errors_speak_japanese(void **state)
{
	(void)state;
	struct parsed p = parse("serv", LANGUAGE_JA);
	assert_false(p.ok);
	assert_slice_eq(buf_slice(&p.errors),
			"postrider: コマンド 'serv' はありません。'serve' の"
			"ことですか?\n");
	buf_fini(&p.errors);
}

static void every_text_is_there_twice(void **state)
{
	(void)state;
	size_t count;
	const struct option_row *rows = option_rows(&count);
	assert_true(count <= OPTIONS_MAX);
	for (size_t i = 0; i < count; i++) {
		assert_true(utf8_valid(slice_of(rows[i].help.ja)));
		assert_string_not_equal(rows[i].help.en, rows[i].help.ja);
		assert_int_equal(rows[i].kind == OPTION_FLAG,
				 rows[i].value == NULL);
	}
	for (unsigned i = 0; i < COMMAND_COUNT; i++) {
		const struct command *c = command_row(i);
		assert_string_not_equal(c->help.en, c->help.ja);
		assert_non_null(c->run);
	}
	/* The same places in both languages. */
	for (unsigned i = 0; i < CLI_TEXT_COUNT; i++)
		for (char n = '0'; n < '3'; n++) {
			char place[] = { '{', n, '}', '\0' };
			assert_int_equal(
				strstr(cli_text(i)->en, place) == NULL,
				strstr(cli_text(i)->ja, place) == NULL);
		}
}

static void help_names_every_command_and_option(void **state)
{
	(void)state;
	struct buf out;
	size_t count;
	const struct option_row *rows = option_rows(&count);
	buf_init(&out, 1 << 20);
	for (enum language l = LANGUAGE_EN; l <= LANGUAGE_JA; l++) {
		buf_clear(&out);
		cli_help_all(l, &out);
		for (unsigned i = 0; i < COMMAND_COUNT; i++) {
			slice words = slice_of(command_row(i)->words);
			assert_true(slice_find_slice(buf_slice(&out), words) <
				    out.n);
		}
		for (size_t i = 0; i < count; i++) {
			buf_clear(&out);
			cli_help(rows[i].command, l, &out);
			assert_true(slice_find_slice(buf_slice(&out),
						     slice_of(rows[i].name)) <
				    out.n);
		}
	}
	buf_fini(&out);
}

/* --- verbs ------------------------------------------------------------------ */

static const struct option_row *option_with_key(enum command_id command,
						const char *key)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);
	for (size_t i = 0; i < count; i++)
		if (rows[i].command == command &&
		    strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static enum option_kind kind_for(const struct field *f)
{
	switch (f->type) {
	case FIELD_BOOL:
		return OPTION_BOOL;
	case FIELD_LIST:
		return OPTION_LIST;
	case FIELD_U32:
	case FIELD_COUNT:
		return OPTION_NUMBER;
	case FIELD_TEXT:
	case FIELD_NAME:
	case FIELD_CHOICE:
	case FIELD_DAY:
		return OPTION_TEXT;
	}
	return OPTION_FLAG;
}

/* "refuse|defer|hold" */
static void assert_choices(const struct field *f, const char *value)
{
	slice rest = slice_of(value);
	for (size_t i = 0; f->choices[i] != NULL; i++)
		assert_slice_eq(slice_cut(&rest, '|'), f->choices[i]);
	assert_int_equal(rest.n, 0);
}

static void s12_2_every_field_has_an_option(void **state)
{
	(void)state;
	static const struct {
		enum row_kind kind;
		enum command_id commands[2];
	} nouns[] = {
		{ ROW_CUSTOMER, { COMMAND_CUSTOMER_ADD,
				  COMMAND_CUSTOMER_CHANGE } },
		{ ROW_DOMAIN, { COMMAND_DOMAIN_ADD, COMMAND_DOMAIN_CHANGE } },
		{ ROW_USER, { COMMAND_USER_ADD, COMMAND_USER_CHANGE } },
		{ ROW_SETTING, { COMMAND_SETTING_ADD,
				 COMMAND_SETTING_CHANGE } },
		{ ROW_ENTRY, { COMMAND_IP_ADD, COMMAND_IP_CHANGE } },
	};
	for (size_t n = 0; n < 2 * ARRAY_LEN(nouns); n++) {
		size_t count;
		enum command_id c = nouns[n / 2].commands[n % 2];
		const struct field *f = row_fields(nouns[n / 2].kind, &count);
		for (size_t i = 0; i < count; i++) {
			const char *key = field_argument(&f[i]);
			const struct option_row *o = option_with_key(c, key);
			if (f[i].group == NULL)
				continue;
			if (o == NULL)
				fail_msg("%s has no option for %s",
					 command_row(c)->words, key);
			assert_int_equal(o->kind, kind_for(&f[i]));
			if (f[i].type == FIELD_CHOICE)
				assert_choices(&f[i], o->value);
		}
		assert_non_null(option_with_key(c, "dry_run"));
	}
}

static void options_of_fields_have_values(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum command_id command;
		const char *key, *value;
		size_t more;
	} cases[] = {
		{ "setting add --ip-only --require-tls no x",
		  COMMAND_SETTING_ADD, "ip_only", "yes", 0 },
		{ "setting add --ip-only --require-tls no x",
		  COMMAND_SETTING_ADD, "require_tls", "no", 0 },
		{ "ip change 11.0.0.1 --enabled=no", COMMAND_IP_CHANGE,
		  "enabled", "no", 0 },
		{ "user add a@b.c --alias b@b.c --alias=c@b.c",
		  COMMAND_USER_ADD, "aliases", "b@b.c", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].line, LANGUAGE_EN);
		assert_true(p.ok);
		assert_int_equal(p.cli.command, cases[i].command);
		assert_string_equal(
			cli_option(&p.cli, option_with_key(
				cases[i].command, cases[i].key)->name),
			cases[i].value);
		assert_int_equal(p.cli.more_count, cases[i].more);
		buf_fini(&p.errors);
	}
}

static void l1_strings_of_strangers_are_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain, ja: \xe6\x97\xa5", "plain, ja: \xe6\x97\xa5" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "a\r\nb\tc\x7f", "a\\x0d\\x0ab\\x09c\\x7f" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\xc2\x9b" "31m", "\\xc2\\x9b31m" },
		{ "\xe2\x80\xae" "abc", "\\xe2\\x80\\xaeabc" },
		{ "%s%n", "%s%n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;
		buf_init(&out, 1000);
		cli_escape(&out, slice_of(cases[i].in));
		assert_slice_eq(buf_slice(&out), cases[i].out);
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines_are_understood),
		cmocka_unit_test(wrong_lines_say_what_was_meant),
		cmocka_unit_test(errors_speak_japanese),
		cmocka_unit_test(every_text_is_there_twice),
		cmocka_unit_test(help_names_every_command_and_option),
		cmocka_unit_test(s12_2_every_field_has_an_option),
		cmocka_unit_test(options_of_fields_have_values),
		cmocka_unit_test(l1_strings_of_strangers_are_escaped),
	};
	return cmocka_run_group_tests_name("app/cli", tests, NULL, NULL);
}
