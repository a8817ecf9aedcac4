/* The error value. */
#include "unit/unit.h"

#include <errno.h>

#include "base/err.h"

static void fills_and_returns_false(void **state)
{
	(void)state;
	struct err e = { .code = 9, .os_error = 9 };
	assert_false(err_set(&e, ERR_LIMIT, SCOPE_CUSTOMER, "here", "%d of %d",
			     3, 4));
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(e.scope, SCOPE_CUSTOMER);
	assert_string_equal(e.text, "3 of 4");
	assert_string_equal(e.where, "here");
	assert_int_equal(e.code, 0);
	assert_int_equal(e.os_error, 0);
	assert_false(err_detail(&e, "more: %s", "x"));
	assert_string_equal(e.detail, "more: x");
	assert_false(err_set(NULL, ERR_LIMIT, SCOPE_NONE, "here", "x"));
	assert_false(err_detail(NULL, "x"));
	assert_false(err_set_os(NULL, 1, "here", "x"));
}

static void long_texts_are_cut(void **state)
{
	(void)state;
	struct err e;
	char text[500];
	memset(text, 'x', sizeof(text));
	text[499] = '\0';
	err_set(&e, ERR_IO, SCOPE_SELF, "here", "%s", text);
	err_detail(&e, "%s", text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_int_equal(strlen(e.detail), sizeof(e.detail) - 1);
}

static void system_errors_keep_paths_out_of_text_for_strangers(void **state)
{
	(void)state;
	struct err e;
	err_set_os(&e, ENOSPC, "here", "write seg");
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(e.os_error, ENOSPC);
	assert_string_equal(e.text, "write seg failed");
	assert_string_equal(e.detail, "write seg: No space left on device");
	err_set_os(&e, 99999, "here", "write seg");
	assert_string_equal(e.detail, "write seg: unknown");
	err_set_memory(&e, "here");
	assert_int_equal(e.kind, ERR_INTERNAL);
}

static void every_kind_and_scope_has_a_name(void **state)
{
	(void)state;
	for (int k = ERR_OK; k <= ERR_INTERNAL; k++)
		assert_true(err_kind_name((enum err_kind)k)[0] != '\0');
	for (int s = SCOPE_NONE; s <= SCOPE_SELF; s++)
		assert_true(err_scope_name((enum err_scope)s)[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_and_returns_false),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(
			system_errors_keep_paths_out_of_text_for_strangers),
		cmocka_unit_test(every_kind_and_scope_has_a_name),
	};
	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
