/* What check is told about a store; nothing is changed by looking. */
#include "unit/admin/harness.h"

#include <sys/stat.h>

#include "admin/migrations.h"
#include "admin/store.h"
#include "admin/store_look.h"

static void make(const char *dir, const struct migrations *m)
{
	struct store *s;
	struct err err = { 0 };
	int fd;
	assert_true(os_dir_open(dir, &fd, &err));
	if (!store_open_with(dir, fd, m, &s, &err))
		fail_msg("%s %s", err.text, err.detail);
	store_close(&s);
	os_file_close(&fd);
}

static void looks(const char *dir, enum store_state wanted, const char *words)
{
	struct store_looked seen;
	store_look(dir, &seen);
	if (seen.state != wanted || strstr(seen.text, words) == NULL)
		fail_msg("%s, schema %u of %u: %s", store_state_name(seen.state),
			 seen.schema, seen.known, seen.text);
}

/* Bytes of the file from `at` on. */
static void overwrite(const char *dir, long at, const char *with, size_t n)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/directory.db", dir);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fwrite(with, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void what_is_not_there_is_absent(void **state)
{
	looks(*state, STORE_ABSENT, "");
	looks("/nowhere/at/all", STORE_ABSENT, "");
}

static void schemas_are_compared(void **state)
{
	struct migrations all = *migrations_all(), fewer = all;
	fewer.count--;
	make(*state, &fewer);
	looks(*state, STORE_OLDER, "");
	make(*state, &all);
	looks(*state, STORE_GOOD, "");
	/* The number as SQLite keeps it, at offset 60 of the file. */
	overwrite(*state, 60, "\0\0\xff\xff", 4);
	struct store_looked seen;
	store_look(*state, &seen);
	assert_int_equal(seen.state, STORE_NEWER);
	assert_int_equal(seen.schema, 65535);
	assert_int_equal(seen.known, all.count);
}

static void damage_is_told(void **state)
{
	make(*state, migrations_all());
	char noise[3000];
	memset(noise, 0x5a, sizeof(noise));
	overwrite(*state, 4096, noise, sizeof(noise));
	looks(*state, STORE_DAMAGED, "");
	overwrite(*state, 0, noise, 100);
	looks(*state, STORE_DAMAGED, "not a database");
}

static void it_is_read_while_somebody_writes(void **state)
{
	struct store *s;
	struct err err;
	int fd;
	assert_true(os_dir_open(*state, &fd, &err));
	assert_true(store_open(*state, fd, &s, &err));
	store_begin(s);
	looks(*state, STORE_GOOD, "");
	store_rollback(s);
	store_close(&s);
	os_file_close(&fd);
}

static void odd_paths_are_paths(void **state)
{
	char odd[200];
	snprintf(odd, sizeof(odd), "%s/a b?mode=rw#%%41日", (char *)*state);
	assert_int_equal(mkdir(odd, 0700), 0);
	make(odd, migrations_all());
	looks(odd, STORE_GOOD, "");
}

static int count(const char *path, const struct stat *s, int type,
		 struct FTW *w)
{
	(void)path, (void)s, (void)w;
	return type == FTW_F ? 1 : 0;
}

static void looking_makes_nothing(void **state)
{
	looks(*state, STORE_ABSENT, "");
	assert_int_equal(nftw(*state, count, 8, FTW_PHYS), 0);
	make(*state, migrations_all());
	looks(*state, STORE_GOOD, "");
	char path[200];
	snprintf(path, sizeof(path), "%s/directory.db-shm", (char *)*state);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_there_is_absent),
		TEST(schemas_are_compared),
		TEST(damage_is_told),
		TEST(it_is_read_while_somebody_writes),
		TEST(odd_paths_are_paths),
		TEST(looking_makes_nothing),
	};
	return cmocka_run_group_tests_name("admin/store_look", tests, NULL,
					   NULL);
}
