/* YAML documents: what is taken, and what is said about the rest. */
#include "unit/unit.h"

#include <stdio.h>

#include "wire/say.h"
#include "wire/yaml.h"

static struct yaml *open_good(const char *text)
{
	struct buf errors;
	buf_init(&errors, 100000);
	struct yaml *y;
	if (!yaml_open(slice_of(text), "f", LANGUAGE_EN, &y, &errors))
		fail_msg("%.*s", (int)errors.n, errors.p);
	buf_fini(&errors);
	return y;
}

static void values_come_as_written(void **state)
{
	(void)state;
	struct yaml *y = open_good("a: no\nb: [1, \"2\", ~]\nc: { d: x y }\n"
				   "e:\n  - f: 'it''s'\n");
	const struct yaml_node *root = yaml_root(y);
	assert_int_equal(yaml_kind(root), YAML_MAPPING);
	assert_int_equal(yaml_count(root), 4);
	assert_slice_eq(yaml_scalar(yaml_get(root, "a")), "no");
	const struct yaml_node *b = yaml_get(root, "b");
	assert_int_equal(yaml_count(b), 3);
	assert_slice_eq(yaml_scalar(yaml_item(b, 1)), "2");
	assert_int_equal(yaml_kind(yaml_item(b, 2)), YAML_NULL);
	assert_slice_eq(yaml_scalar(yaml_get(yaml_get(root, "c"), "d")),
			"x y");
	const struct yaml_node *e = yaml_item(yaml_get(root, "e"), 0);
	assert_slice_eq(yaml_scalar(yaml_get(e, "f")), "it's");
	unsigned line, column;
	yaml_place(yaml_get(e, "f"), &line, &column);
	assert_int_equal(line, 5);
	assert_int_equal(column, 8);
	assert_null(yaml_get(root, "z"));
	yaml_close(&y);
	y = open_good("");
	assert_int_equal(yaml_kind(yaml_root(y)), YAML_NULL);
	yaml_close(&y);
	y = open_good("# only a comment\n");
	assert_int_equal(yaml_kind(yaml_root(y)), YAML_NULL);
	yaml_close(&y);
}

static void what_is_refused_says_where(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t n;		/* 0: a C string */
		const char *want;	/* front of the message */
	} cases[] = {
		{ "a: 1\nb: 2\na: 3\n", 0,
		  "f:3:1: error: key 'a' stands twice" },
		{ "a: 1\0b", 6, "f:1:5: error: NUL" },
		{ "\xef\xbb\xbf" "a: 1\n", 0, "f:1:1: error: byte order" },
		{ "a: 1\r\nb: 2\r\n", 0, "f:1:5: error: line ends with CR" },
		{ "a: \x01\n", 0, "f:1:4: error: control" },
		{ "a: \xff\n", 0, "f:1:4: error: not UTF-8" },
		{ "a: &x 1\nb: *x\n", 0, "f:1:7: error: anchors" },
		{ "a: &x [ *x ]\n", 0, "f:1:7: error: anchors" },
		{ "b: *x\n", 0, "f:1:" },
		{ "a: !!str 1\n", 0, "f:1:10: error: tags" },
		{ "a: 1\n---\nb: 2\n", 0, "f:2:1: error: a second document" },
		{ "a: [1, 2\nb: 3\n", 0, "f:" },
		{ "a: 'x\n", 0, "f:" },
		{ "a:\n\t- b\n", 0, "f:" },
		{ "? [a, b]\n: c\n", 0, "f:1:3: error: a key must" },
		{ "a: \"x\\0y\"\n", 0, "f:1:4: error: text holds" },
		{ "%YAML 1.2\n%YAML 1.2\n---\na: 1\n", 0, "f:" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf errors;
		buf_init(&errors, 100000);
		slice text = slice_of(cases[i].text);
		if (cases[i].n > 0)
			text.n = cases[i].n;
		struct yaml *y = NULL;
		if (yaml_open(text, "f", LANGUAGE_EN, &y, &errors))
			fail_msg("case %zu was taken", i);
		assert_null(y);
		slice want = slice_of(cases[i].want);
		if (!slice_starts(buf_slice(&errors), want))
			fail_msg("case %zu: %.*s", i, (int)errors.n, errors.p);
		/* The same place in Japanese, other words. */
		size_t front = slice_find_slice(buf_slice(&errors),
						SLICE("error: ")) + 7;
		struct buf ja;
		buf_init(&ja, 100000);
		assert_false(yaml_open(text, "f", LANGUAGE_JA, &y, &ja));
		assert_true(front < ja.n);
		assert_memory_equal(ja.p, errors.p, front);
		assert_false(slice_eq(buf_slice(&ja), buf_slice(&errors)));
		buf_fini(&ja);
		buf_fini(&errors);
	}
}

static void depth_and_size_are_bounded(void **state)
{
	(void)state;
	enum { N = 100000 };
	struct buf text, errors;
	buf_init(&text, YAML_TEXT_MAX + 10);
	buf_init(&errors, 100000);
	struct yaml *y;
	for (int i = 0; i < N; i++)
		buf_append_char(&text, '[');
	assert_false(yaml_open(buf_slice(&text), "f", LANGUAGE_EN, &y,
			       &errors));
	assert_true(errors.n > 0);
	buf_clear(&text);
	for (int i = 0; i < 40; i++) {
		for (int k = 0; k < i; k++)
			buf_append_char(&text, ' ');
		buf_append(&text, SLICE("a:\n"));
	}
	buf_clear(&errors);
	assert_false(yaml_open(buf_slice(&text), "f", LANGUAGE_EN, &y,
			       &errors));
	assert_true(slice_find_slice(buf_slice(&errors),
				     SLICE("nested too deeply")) < errors.n);
	buf_clear(&text);
	buf_clear(&errors);
	for (int i = 0; i < 300; i++)
		buf_printf(&text, "a%d: 1\n", i);
	assert_false(yaml_open(buf_slice(&text), "f", LANGUAGE_EN, &y,
			       &errors));
	assert_slice_eq(slice_sub(buf_slice(&errors), 0, 40),
			"f:257:1: error: too many keys in one map");
	buf_clear(&errors);
	char *room = buf_room(&text, YAML_TEXT_MAX + 1 - text.n);
	memset(room, ' ', YAML_TEXT_MAX + 1 - text.n);
	buf_added(&text, YAML_TEXT_MAX + 1 - text.n);
	assert_false(yaml_open(buf_slice(&text), "f", LANGUAGE_EN, &y,
			       &errors));
	assert_true(slice_starts(buf_slice(&errors),
				 SLICE("f: error: file is too large")));
	buf_fini(&text);
	buf_fini(&errors);
}

static const char *const CHOICES[] = { "trial", "unpaid", "paid", NULL };

static void typed_values(void **state)
{
	(void)state;
	struct yaml *y = open_good(
		"t: true\nf: False\nq: \"true\"\nyes: yes\nn: 17\nbig: 99999\n"
		"neg: -1\nd: 15m\nd2: 5d\nd3: 5\ns: 64MiB\ns2: 123\ns3: 5MB\n"
		"c: paid\nc2: pais\nl: [1]\no: 99999999999999999999d\nz: ~\n");
	struct buf e;
	buf_init(&e, 100000);
	const struct yaml_node *r = yaml_root(y);
	bool b = false;
	assert_true(yaml_bool(y, yaml_get(r, "t"), &b, &e) && b);
	assert_true(yaml_bool(y, yaml_get(r, "f"), &b, &e) && !b);
	assert_true(yaml_bool(y, NULL, &b, &e) && !b);
	uint64_t v = 1;
	assert_true(yaml_u64(y, yaml_get(r, "n"), 1, 17, &v, &e) && v == 17);
	assert_true(yaml_duration_ms(y, yaml_get(r, "d"), &v, &e));
	assert_int_equal(v, 900000);
	assert_true(yaml_duration_ms(y, yaml_get(r, "d2"), &v, &e));
	assert_int_equal(v, 432000000);
	assert_true(yaml_size(y, yaml_get(r, "s"), &v, &e));
	assert_int_equal(v, 67108864);
	assert_true(yaml_size(y, yaml_get(r, "s2"), &v, &e) && v == 123);
	unsigned c = 0;
	assert_true(yaml_choice(y, yaml_get(r, "c"), CHOICES, &c, &e));
	assert_int_equal(c, 2);
	assert_int_equal(e.n, 0);

	struct arena arena;
	arena_init(&arena, 1000);
	slice s = SLICE("before");
	assert_false(yaml_bool(y, yaml_get(r, "q"), &b, &e));
	assert_false(yaml_bool(y, yaml_get(r, "yes"), &b, &e));
	assert_false(yaml_u64(y, yaml_get(r, "big"), 0, 5, &v, &e));
	assert_false(yaml_u64(y, yaml_get(r, "neg"), 0, 5, &v, &e));
	assert_false(yaml_duration_ms(y, yaml_get(r, "d3"), &v, &e));
	assert_false(yaml_duration_ms(y, yaml_get(r, "o"), &v, &e));
	assert_false(yaml_size(y, yaml_get(r, "s3"), &v, &e));
	assert_false(yaml_choice(y, yaml_get(r, "c2"), CHOICES, &c, &e));
	assert_false(yaml_string(y, yaml_get(r, "l"), &arena, &s, &e));
	assert_false(yaml_string(y, yaml_get(r, "z"), &arena, &s, &e));
	assert_slice_eq(s, "before");
	assert_slice_eq(
		buf_slice(&e),
		"f:3:4: error: expected true or false, found 'true'\n"
		"f:4:6: error: expected true or false, found 'yes'\n"
		"f:6:6: error: expected a number from 0 to 5, found '99999'\n"
		"f:7:6: error: expected a number from 0 to 5, found '-1'\n"
		"f:10:5: error: expected a time such as 90s, 15m, 1h or 5d, "
		"found '5'\n"
		"f:17:4: error: expected a time such as 90s, 15m, 1h or 5d, "
		"found '99999999999999999999d'\n"
		"f:13:5: error: expected a size such as 64MiB or 1GiB, found "
		"'5MB'\n"
		"f:15:5: error: expected one of trial, unpaid, paid, found "
		"'pais', did you mean 'paid'?\n"
		"f:16:4: error: expected text\n"
		"f:18:4: error: expected text\n");
	arena_fini(&arena);
	buf_fini(&e);
	yaml_close(&y);
}

static void unknown_keys_are_all_told(void **state)
{
	(void)state;
	static const char *const keys[] = { "licences", "billing", NULL };
	struct yaml *y = open_good("licenses: 1\nbilling: x\nzzz: 1\n");
	struct buf e;
	buf_init(&e, 100000);
	yaml_check_keys(y, yaml_root(y), keys, &e);
	assert_slice_eq(buf_slice(&e),
			"f:1:1: error: unknown key 'licenses', did you mean "
			"'licences'?\nf:3:1: error: unknown key 'zzz'\n");
	buf_clear(&e);
	yaml_close(&y);
	assert_true(yaml_open(SLICE("licenses: 1\nbilling: x\nzzz: 1\n"), "f",
			      LANGUAGE_JA, &y, &e));
	yaml_check_keys(y, yaml_root(y), keys, &e);
	assert_true(slice_starts(buf_slice(&e),
				 SLICE("f:1:1: error: キー 'licenses' は"
				       "ありません。'licences'")));
	buf_clear(&e);
	yaml_check_keys(y, yaml_get(yaml_root(y), "billing"), keys, &e);
	assert_true(e.n > 0);
	buf_fini(&e);
	yaml_close(&y);
}

static void messages_stay_one_line(void **state)
{
	(void)state;
	static const struct text t = { "<{0}|{1}>", "{1}" };
	struct buf out;
	buf_init(&out, 10000);
	slice args[] = { SLICE("a\n\x1b[2J\x7f\xff"), SLICE("あ") };
	say(&out, &t, LANGUAGE_EN, args, 2);
	assert_slice_eq(buf_slice(&out), "<a??[2J??|あ>");
	buf_fini(&out);
}

static void texts_take_the_same_arguments(void **state)
{
	(void)state;
#define TEXT(id, en, ja)                             \
	assert_int_equal(text_places(en), text_places(ja)); \
	assert_true(sizeof(ja) > 1);
#include "wire/yaml_text.def"
#undef TEXT
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_as_written),
		cmocka_unit_test(what_is_refused_says_where),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(typed_values),
		cmocka_unit_test(unknown_keys_are_all_told),
		cmocka_unit_test(messages_stay_one_line),
		cmocka_unit_test(texts_take_the_same_arguments),
	};
	return cmocka_run_group_tests_name("wire/yaml", tests, NULL, NULL);
}
