/* Copies of the store for backups, and a copy that became a store again. */
#include "unit/admin/harness.h"

#include "admin/core.h"
#include "admin/migrations.h"
#include "admin/store_copy.h"

static struct store *open_store(const char *dir, const struct migrations *m)
{
	struct store *s = NULL;
	struct err err = { 0 };
	int fd;
	assert_true(os_dir_open(dir, &fd, &err));
	if (!store_open_with(dir, fd, m, &s, &err))
		fail_msg("%s %s", err.text, err.detail);
	os_file_close(&fd);
	return s;
}

static void add_revision(struct store *s, uint64_t revision)
{
	struct err err = { 0 };
	struct sql q = sql_of(s, "INSERT INTO revisions (revision, at, who, "
				 "call) VALUES (?, 1, 'x', 'test')");
	sql_u64(&q, revision);
	sql_run(&q);
	assert_true(store_good(s, &err));
}

/* The copy in a folder of its own, as directory.db. */
static void move_copy(const char *dir, char *to, size_t cap)
{
	char from[200], name[250];
	snprintf(to, cap, "%s/again", dir);
	mkdir(to, 0700);
	snprintf(from, sizeof(from), "%s/" STORE_COPY_FILE, dir);
	snprintf(name, sizeof(name), "%s/" STORE_FILE, to);
	assert_int_equal(rename(from, name), 0);
}

static bool has_copy(const char *dir)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/" STORE_COPY_FILE, dir);
	return access(path, F_OK) == 0;
}

static void a_copy_is_of_one_moment(void **state)
{
	struct store_looked seen;
	struct store *s = open_store(*state, migrations_all());
	struct err err = { 0 };
	char again[200];
	add_revision(s, 1);
	store_begin(s);			/* somebody is at work */
	add_revision(s, 2);
	store_copy(*state, &seen);
	assert_int_equal(seen.state, STORE_GOOD);
	assert_int_equal(seen.revision, 1);
	assert_int_equal(seen.schema, migrations_all()->count);
	store_commit(s);
	assert_true(store_good(s, &err));
	move_copy(*state, again, sizeof(again));
	store_look(again, &seen);
	assert_int_equal(seen.state, STORE_GOOD);
	assert_int_equal(seen.revision, 1);
	store_copy(*state, &seen);	/* over nothing, and then over itself */
	store_copy(*state, &seen);
	assert_int_equal(seen.revision, 2);
	assert_true(has_copy(*state));
	store_close(&s);
}

static void what_is_no_store_makes_no_copy(void **state)
{
	struct store_looked seen;
	char path[200];
	store_copy(*state, &seen);
	assert_int_equal(seen.state, STORE_ABSENT);
	store_copy("/nowhere/at/all", &seen);
	assert_int_equal(seen.state, STORE_ABSENT);
	snprintf(path, sizeof(path), "%s/" STORE_FILE, (char *)*state);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	store_copy(*state, &seen);	/* made, not filled */
	assert_int_equal(seen.state, STORE_ABSENT);
	for (int i = 0; i < 500; i++)
		fputs("no database ", f);
	fclose(f);
	store_copy(*state, &seen);
	assert_int_equal(seen.state, STORE_DAMAGED);
	assert_true(strlen(seen.text) > 0);
	assert_false(has_copy(*state));
}

static void schemas_are_told(void **state)
{
	struct migrations fewer = *migrations_all();
	struct store_looked seen;
	fewer.count--;
	struct store *s = open_store(*state, &fewer);
	store_copy(*state, &seen);
	assert_int_equal(seen.state, STORE_OLDER);
	assert_true(has_copy(*state));
	struct sql q = sql_of(s, "PRAGMA user_version = 999");
	sql_run(&q);
	store_close(&s);
	store_copy(*state, &seen);
	assert_int_equal(seen.state, STORE_NEWER);
	assert_int_equal(seen.schema, 999);
	assert_false(has_copy(*state));
}

static void an_adopted_store_counts_on_above_both(void **state)
{
	static const struct {
		uint64_t above, wanted;
	} rows[] = {
		{ 0, 7 + STORE_REVISIONS_LEFT },
		{ 5000, 5000 + STORE_REVISIONS_LEFT },
		{ 3, 5000 + 2 * STORE_REVISIONS_LEFT },
	};
	struct store *s = open_store(*state, migrations_all());
	struct err err = { 0 };
	uint64_t revision;
	add_revision(s, 7);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_adopt how = { .above = rows[i].above,
					   .at_ms = 1 };
		assert_true(store_adopt(*state, &how, &revision, &err));
		assert_int_equal(revision, rows[i].wanted);
	}
	struct sql q = sql_of(s, "SELECT count(*) FROM audit WHERE call = "
				 "'restore' AND json_valid(after) AND "
				 "revision IN (SELECT revision FROM "
				 "revisions WHERE call = 'restore')");
	assert_int_equal(sql_number(&q, 0), ARRAY_LEN(rows));
	struct store_adopt most = { .above = INT64_MAX };
	assert_false(store_adopt(*state, &most, &revision, &err));
	assert_false(store_adopt("/nowhere", &most, &revision, &err));
	store_close(&s);
}

/* A view of the same number, of another store, is not taken for its own; and
 * this happens once. */
static void the_view_is_made_anew(void **state)
{
	struct admin a = { 0 };
	struct err err = { 0 };
	struct store_adopt how = { .at_ms = 1 };
	uint64_t revision;
	assert_true(admin_open(&a, *state, &err));
	admin_close(&a);
	assert_true(store_adopt(*state, &how, &revision, &err));
	for (int start = 0; start < 3; start++) {
		a = (struct admin){ 0 };
		assert_true(admin_open(&a, *state, &err));
		assert_int_equal(view_revision(a.view), revision + 1);
		assert_int_equal(admin_next_revision(&a), revision + 2);
		admin_close(&a);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_copy_is_of_one_moment),
		T(what_is_no_store_makes_no_copy),
		T(schemas_are_told),
		T(an_adopted_store_counts_on_above_both),
		T(the_view_is_made_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
