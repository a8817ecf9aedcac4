/* Entries of folders, told without following links. */
#include "unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/tree.h"

static int drop(const char *path, const struct stat *s, int type,
		struct FTW *w)
{
	(void)s; (void)type; (void)w;
	return remove(path);
}

static char *room(void)
{
	char *path = strdup("/tmp/tree.XXXXXX");
	assert_non_null(mkdtemp(path));
	return path;
}

static void leave(char *path, int dir)
{
	os_file_close(&dir);
	nftw(path, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(path);
}

static void kinds_are_told_without_following(void **state)
{
	(void)state;
	char *path = room();
	struct err err = { 0 };
	struct os_entry e;
	int dir, fd;
	assert_true(os_dir_open(path, &dir, &err));
	assert_true(os_file_open(dir, "file", OS_CREATE, &fd, &err));
	assert_true(os_file_append(fd, SLICE("12345"), &err));
	assert_true(os_file_set_mode(fd, 0640, &err));
	assert_true(os_entry_of_file(fd, &e, &err));
	assert_int_equal(e.kind, OS_ENTRY_FILE);
	os_file_close(&fd);
	assert_int_equal(mkdirat(dir, "folder", 0711), 0);
	assert_int_equal(symlinkat("file", dir, "link"), 0);
	assert_int_equal(symlinkat("nowhere", dir, "dangling"), 0);
	assert_int_equal(mkfifoat(dir, "pipe", 0600), 0);
	const struct {
		const char *name;
		enum os_entry_kind kind;
	} rows[] = { { "file", OS_ENTRY_FILE },	 { "folder", OS_ENTRY_DIR },
		     { "link", OS_ENTRY_LINK },	 { "dangling", OS_ENTRY_LINK },
		     { "pipe", OS_ENTRY_OTHER }, { "none", OS_ENTRY_NONE } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(os_entry_look(dir, rows[i].name, &e, &err));
		assert_int_equal(e.kind, rows[i].kind);
	}
	assert_true(os_entry_look(dir, "file", &e, &err));
	assert_int_equal(e.mode, 0640);
	assert_int_equal(e.size, 5);
	assert_int_equal(e.uid, getuid());
	static const char *const not_plain[] = { "", ".", "..", "folder/x",
						 "/etc" };
	for (size_t i = 0; i < ARRAY_LEN(not_plain); i++) {
		assert_false(os_entry_look(dir, not_plain[i], &e, &err));
		assert_false(os_dir_remove(dir, not_plain[i], &err));
	}
	leave(path, dir);
}

static void a_path_is_followed(void **state)
{
	(void)state;
	char *path = room(), name[100];
	struct err err = { 0 };
	struct os_entry e;
	int dir, fd;
	assert_true(os_dir_open(path, &dir, &err));
	assert_true(os_file_open(dir, "file", OS_CREATE, &fd, &err));
	os_file_close(&fd);
	assert_int_equal(symlinkat("file", dir, "link"), 0);
	snprintf(name, sizeof(name), "%s/link", path);
	assert_true(os_path_look(name, &e, &err));
	assert_int_equal(e.kind, OS_ENTRY_FILE);
	snprintf(name, sizeof(name), "%s/none", path);
	assert_true(os_path_look(name, &e, &err));
	assert_int_equal(e.kind, OS_ENTRY_NONE);
	leave(path, dir);
}

static void only_empty_folders_go(void **state)
{
	(void)state;
	static const char *const but[] = { "folder", "b", NULL };
	char *path = room();
	struct err err = { 0 };
	bool has = true;
	int dir, fd;
	assert_true(os_dir_open(path, &dir, &err));
	assert_true(os_dir_has(dir, NULL, &has, &err));
	assert_false(has);
	assert_int_equal(mkdirat(dir, "folder", 0700), 0);
	assert_true(os_dir_has(dir, NULL, &has, &err));
	assert_true(has);
	assert_true(os_dir_has(dir, but, &has, &err));
	assert_false(has);
	assert_true(os_file_open(dir, "other", OS_CREATE, &fd, &err));
	os_file_close(&fd);
	assert_true(os_dir_has(dir, but, &has, &err));
	assert_true(has);
	assert_false(os_dir_remove(dir, "other", &err));
	assert_int_equal(symlinkat("..", dir, "folder/x"), 0);
	assert_false(os_dir_remove(dir, "folder", &err));
	assert_int_equal(unlinkat(dir, "folder/x", 0), 0);
	assert_true(os_dir_remove(dir, "folder", &err));
	assert_true(os_dir_remove(dir, "folder", &err));
	leave(path, dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_told_without_following),
		cmocka_unit_test(a_path_is_followed),
		cmocka_unit_test(only_empty_folders_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
