/*
 * Broken directory files (tests/unit/admin/bad): the first line of each
 * says how the first error begins; nothing of any of them is stored.
 */
#include "unit/admin/harness.h"

#include <dirent.h>

static const char BEFORE[] =
	"customers:\n"
	"- name: taken\n"
	"  domains: [ { name: taken.test, verified: operator } ]\n"
	"  users: [ { address: u@taken.test, aliases: [ u@sub.taken.test ] } ]"
	"\n";

static const char *bad_dir(void)
{
	const char *dir = getenv("BAD_DIR");
	return dir ? dir : "tests/unit/admin/bad";
}

static size_t read_all(const char *path, char *to, size_t cap)
{
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(to, 1, cap, f);
	fclose(f);
	return n;
}

static bool one_file(const char *dir, const char *name)
{
	static const char mark[] = "# expect: ";
	char path[512], text[65536];
	snprintf(path, sizeof(path), "%s/%s", bad_dir(), name);
	slice file = { text, read_all(path, text, sizeof(text)) };
	slice rest = file;
	slice want = slice_cut(&rest, '\n');
	if (!slice_starts(want, slice_of(mark)))
		fail_msg("%s: no expectation", name);
	want = slice_skip(want, sizeof(mark) - 1);
	struct answer a = call_with_text(dir, "directory.apply",
					 "{\"file\":\"f\"}", file);
	slice got = buf_slice(&a.text);
	slice first = slice_cut(&got, '\n');
	bool ok = a.code == 78 && slice_eq(first, want) &&
		  slice_starts(first, SLICE("f:"));
	if (!ok)
		print_error("%s: code %d\n# expect: %.*s\n", name, a.code,
			    SLICE_ARG(first));
	answer_free(&a);
	return ok;
}

static void bad_files_say_where_and_change_nothing(void **state)
{
	apply_good(*state, BEFORE);
	DIR *d = opendir(bad_dir());
	assert_non_null(d);
	int files = 0, wrong = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strstr(e->d_name, ".yaml") == NULL)
			continue;
		files++;
		wrong += !one_file(*state, e->d_name);
	}
	closedir(d);
	assert_int_equal(wrong, 0);
	assert_true(files >= 40);
	struct answer a = call(*state, "status", "{}");
	assert_has(&a.rows, "\"revision\":1,");
	answer_free(&a);
	a = call(*state, "customer.list", "{}");
	assert_int_equal(a.row_count, 1);
	answer_free(&a);
}

static void empty_and_huge_files_are_refused(void **state)
{
	struct answer a = apply(*state, "", "{}");
	assert_int_equal(a.code, 78);
	answer_free(&a);
	size_t n = YAML_TEXT_MAX + 1;
	char *big = malloc(n);
	memset(big, ' ', n);
	a = call_with_text(*state, "directory.apply", "{}", (slice){ big, n });
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "too large");
	answer_free(&a);
	free(big);
}

static void all_errors_are_told_at_once(void **state)
{
	struct answer a = apply(*state,
				"customers:\n- name: c\n  licences: x\n"
				"  billing: y\n  suspended: z\n", "{}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "directory:3:13: error:");
	assert_has(&a.text, "directory:4:12: error:");
	assert_has(&a.text, "directory:5:14: error:");
	answer_free(&a);
	a = apply(*state, "customers:\n- nam: c\n",
		  "{\"language\":\"ja\"}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "directory:2:3: error: キー 'nam' はありません");
	answer_free(&a);
}

static void a_flood_of_errors_is_bounded(void **state)
{
	struct buf text;
	buf_init(&text, 1 << 24);
	buf_append(&text, SLICE("customers:\n"));
	for (int i = 0; i < 50000; i++)
		buf_printf(&text, "- { name: c%d, x: 1 }\n", i);
	struct answer a = call_with_text(*state, "directory.apply", "{}",
					 buf_slice(&text));
	assert_int_equal(a.code, 78);
	assert_true(a.text.n > 10000 && a.text.n < 200000);
	answer_free(&a);
	buf_fini(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_files_say_where_and_change_nothing),
		TEST(empty_and_huge_files_are_refused),
		TEST(all_errors_are_told_at_once),
		TEST(a_flood_of_errors_is_bounded),
	};
	return cmocka_run_group_tests_name("admin/bad", tests, NULL, NULL);
}
