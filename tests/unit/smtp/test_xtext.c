/* xtext: what decodes, what never may, and back. */
#include "unit/unit.h"

#include "smtp/xtext.h"

static void c8_decodes_or_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *out;	/* NULL: refused */
		bool eight_bit;
	} cases[] = {
		{ "", "", false },
		{ "abc", "abc", false },
		{ "a+2Bb+3Dc", "a+b=c", false },
		{ "a+2bb", "a+b", false },
		{ "a=b", "a=b", false },
		{ "a+20b", "a b", false },
		{ "+", NULL, false },
		{ "a+4", NULL, false },
		{ "a+4G", NULL, false },
		{ "a+", NULL, false },
		{ "a b", NULL, false },
		{ "a\tb", NULL, false },
		{ "a+0D+0A", NULL, false },
		{ "a+0A", NULL, true },
		{ "a+00", NULL, false },
		{ "a+7F", NULL, false },
		{ "a\x7f", NULL, false },
		{ "+C3+A9", NULL, false },
		{ "+C3+A9", "\xc3\xa9", true },
		{ "\xc3\xa9", NULL, false },
		{ "\xc3\xa9", "\xc3\xa9", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena arena;
		slice out = SLICE("");
		arena_init(&arena, 4096);
		struct err err;
		bool fine = xtext_decode(slice_of(cases[i].in),
					 cases[i].eight_bit, &arena, &out,
					 &err);
		assert_int_equal(fine, cases[i].out != NULL);
		if (fine)
			assert_slice_eq(out, cases[i].out);
		else
			assert_int_equal(err.kind, ERR_PROTOCOL);
		arena_fini(&arena);
	}
}

static void what_is_written_decodes_again(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		struct buf b;
		struct arena arena;
		char text[3] = { 'a', (char)c, 'b' };
		slice out;
		buf_init(&b, 64);
		arena_init(&arena, 4096);
		xtext_write(&b, (slice){ text, 3 });
		for (size_t i = 0; i < b.n; i++)
			assert_true(b.p[i] > ' ' && b.p[i] < 0x7f &&
				    b.p[i] != '=');
		bool control = c < ' ' || c == 0x7f;
		assert_int_equal(xtext_decode(buf_slice(&b), true, &arena,
					      &out, NULL), !control);
		if (!control)
			assert_true(slice_eq(out, (slice){ text, 3 }));
		buf_fini(&b);
		arena_fini(&arena);
	}
}

static void a_full_arena_refuses(void **state)
{
	(void)state;
	struct arena arena;
	struct err err;
	slice out;
	arena_init(&arena, 16);
	assert_false(xtext_decode(SLICE("more than sixteen bytes"), false,
				  &arena, &out, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c8_decodes_or_refuses),
		cmocka_unit_test(what_is_written_decodes_again),
		cmocka_unit_test(a_full_arena_refuses),
	};
	return cmocka_run_group_tests_name("smtp/xtext", tests, NULL, NULL);
}
