/* The store: migrations, newer versions, and what it and the view's files
 * lack of each other. */
#include "unit/admin/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <sys/wait.h>

#include "admin/core.h"
#include "admin/migrations.h"
#include "admin/store.h"

static const char A[] =
	"customers:\n- name: example\n  licences: 100\n"
	"  domains: [ { name: example.test, verified: operator } ]\n"
	"  users: [ { address: a@example.test }, { address: b@example.test } ]"
	"\n";
static const char B[] =
	"customers:\n- name: example\n  licences: 200\n"
	"  domains: [ { name: example.test, verified: operator } ]\n"
	"  users: [ { address: c@example.test } ]\n";

static void prune(const char *dir, const char *text)
{
	struct answer a = apply(dir, text, "{\"prune\":true}");
	if (a.code != 0)
		show("prune", &a);
	answer_free(&a);
}

/* --- migrations ------------------------------------------------------------------- */

static uint64_t number(struct store *s, const char *sql)
{
	struct sql q = sql_of(s, sql);
	uint64_t n = sql_number(&q, 999);
	struct err err;
	if (!store_good(s, &err))
		fail_msg("%s %s", err.text, err.detail);
	return n;
}

static void a_step_runs_after_a_copy(void **state)
{
	static const char *const steps[] = {
		"CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1);",
		"ALTER TABLE t ADD b INTEGER; UPDATE t SET b = a + 1;",
		"CREATE TABLE u (x); SELECT nonsense;",
	};
	struct migrations m = { steps, 1 };
	struct store *s;
	struct err err;
	int dir;
	assert_true(os_dir_open(*state, &dir, NULL));
	assert_true(store_open_with(*state, dir, &m, &s, NULL));
	store_close(&s);
	m.count = 2;
	if (!store_open_with(*state, dir, &m, &s, &err))
		fail_msg("%s %s", err.text, err.detail);
	assert_int_equal(number(s, "SELECT b FROM t"), 2);
	assert_int_equal(number(s, "PRAGMA user_version"), 2);
	store_close(&s);
	assert_int_equal(faccessat(dir, "directory.db.before-2", R_OK, 0), 0);
	/* A step that fails leaves all as it was. */
	m.count = 3;
	assert_false(store_open_with(*state, dir, &m, &s, &err));
	m.count = 2;
	assert_true(store_open_with(*state, dir, &m, &s, NULL));
	assert_int_equal(number(s, "PRAGMA user_version"), 2);
	assert_int_equal(number(s, "SELECT count(*) FROM sqlite_master "
				   "WHERE name = 'u'"), 0);
	store_close(&s);
	os_file_close(&dir);
}

/* The step that lets rows be without a revision makes the table anew. */
static void the_audit_log_comes_along(void **state)
{
	struct migrations before = { .steps = migrations_all()->steps,
				     .count = 6 };
	struct store *s;
	int dir;
	assert_true(os_dir_open(*state, &dir, NULL));
	assert_true(store_open_with(*state, dir, &before, &s, NULL));
	static const char rows[] =
		"INSERT INTO revisions (revision, at, who, call) VALUES "
		"(1, 5, 'uid 0', 'x');"
		"INSERT INTO audit (id, at, who, call, revision, object, after)"
		" VALUES (41, 5, 'uid 0', 'x', 1, 'o', '{}');";
	assert_int_equal(sqlite3_exec(s->db, rows, NULL, NULL, NULL),
			 SQLITE_OK);
	store_close(&s);
	assert_true(store_open(*state, dir, &s, NULL));
	assert_int_equal(number(s, "SELECT id FROM audit WHERE who = 'uid 0' "
				   "AND call = 'x' AND revision = 1 AND "
				   "object = 'o' AND after = '{}' AND before "
				   "IS NULL AND role = ''"), 41);
	/* Ids go on. */
	assert_int_equal(number(s, "INSERT INTO audit (at, who, call, object) "
				   "VALUES (6, 'w', 'c', 'o') RETURNING id"),
			 42);
	store_close(&s);
	os_file_close(&dir);
}

static void a_newer_schema_is_refused(void **state)
{
	const char *steps[32];
	uint32_t ours = migrations_all()->count;
	struct migrations m = { steps, ours + 1 };
	struct store *s;
	struct err err;
	int dir;
	assert_true(m.count <= ARRAY_LEN(steps));
	for (uint32_t i = 0; i < m.count; i++)
		steps[i] = "SELECT 1;";
	assert_true(os_dir_open(*state, &dir, NULL));
	assert_true(store_open_with(*state, dir, &m, &s, NULL));
	store_close(&s);
	m.count = ours;
	assert_false(store_open_with(*state, dir, &m, &s, &err));
	assert_int_equal(err.kind, ERR_PERMANENT);
	assert_non_null(strstr(err.text, "newer version"));
	os_file_close(&dir);
	struct admin_config config = { .data_dir = *state,
				       .ctl_path = "ctl.sock",
				       .relay_fd = -1, .front_fd = -1, .master_fd = -1 };
	assert_int_equal(admin_serve(&config), 78);
}

static void the_real_schema_keeps_its_promises(void **state)
{
	static const char *const refused[] = {
		"INSERT INTO domains (customer, name, kind, verified) VALUES "
		"(77, 'x', 0, 1)",
		"INSERT INTO settings (customer, key, position, description, "
		"allowed_senders, ip_only, require_auth, require_tls, enabled,"
		" line_ends) VALUES (1, 'k', 1, 'd', 0, 0, 0, 0, 1, 0)",
		"INSERT INTO settings (customer, key, position, description, "
		"allowed_senders, ip_only, require_auth, require_tls, enabled,"
		" line_ends) VALUES (1, 'k', 1, '', 0, 1, 0, 0, 1, 0)",
		"DELETE FROM customers WHERE id = 1",
		"INSERT INTO users (customer, address, role, suspended, "
		"org_unit) VALUES (1, 'a@example.test', 0, 0, '')",
	};
	apply_good(*state, A);
	struct store *s;
	int dir;
	assert_true(os_dir_open(*state, &dir, NULL));
	assert_true(store_open(*state, dir, &s, NULL));
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct sql q = sql_of(s, refused[i]);
		sql_run(&q);
		if (store_good(s, NULL))
			fail_msg("taken: %s", refused[i]);
	}
	struct stat st;
	assert_int_equal(fstatat(dir, STORE_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(number(s, "PRAGMA synchronous"), 2);
	assert_int_equal(number(s, "PRAGMA foreign_keys"), 1);
	store_close(&s);
	os_file_close(&dir);
}

/* What an apply costs must not grow with the directory: every statement
 * finds its rows by an index. */
static void no_statement_of_an_apply_walks_a_table(void **state)
{
	static const char *const others[] = {
		"SELECT id FROM customers WHERE name = ? AND closing = 0",
		"SELECT customer FROM domains WHERE name = ? AND verified >= ?",
		"SELECT id FROM app_passwords WHERE user = ?",
		"DELETE FROM aliases WHERE user=?",
		"SELECT 1 FROM ip_entries WHERE first >= ? AND first <= ? AND "
		"bits >= ? AND id < ? AND customer <> ? LIMIT 1",
		"SELECT a.user, a.address FROM users u JOIN aliases a ON "
		"a.user = u.id WHERE u.customer = ? ORDER BY a.user, a.address",
		"SELECT max(revision) FROM revisions WHERE revision > 0",
		/* foreign keys look for children so */
		"SELECT 1 FROM domains WHERE alias_of = ?",
		"SELECT 1 FROM ip_entries WHERE setting = ?",
		"SELECT 1 FROM users WHERE customer = ?",
	};
	struct admin a = { 0 };
	struct err err;
	assert_true(admin_open(&a, *state, &err));
	for (size_t i = 0; i < ROW_KIND_COUNT + ARRAY_LEN(others); i++) {
		const char *sql = i < ROW_KIND_COUNT ?
					  a.tables.select[i] :
					  others[i - ROW_KIND_COUNT];
		char plan[1024];
		snprintf(plan, sizeof(plan), "EXPLAIN QUERY PLAN %s", sql);
		sqlite3_stmt *q = NULL;
		assert_int_equal(sqlite3_prepare_v2(a.store->db, plan, -1, &q,
						    NULL), SQLITE_OK);
		while (sqlite3_step(q) == SQLITE_ROW) {
			const char *line =
				(const char *)sqlite3_column_text(q, 3);
			if (strncmp(line, "SCAN", 4) == 0)
				fail_msg("%s: %s", sql, line);
		}
		sqlite3_finalize(q);
	}
	admin_close(&a);
}

/* --- store and view's files --------------------------------------------------------- */

static void run_command(const char *format, const char *dir)
{
	char command[512];
	snprintf(command, sizeof(command), format, dir, dir);
	assert_int_equal(system(command), 0);
}

static uint64_t revision(const char *dir)
{
	const struct view *v = load_view(dir);
	uint64_t r = view_revision(v);
	view_unref(&v);
	return r;
}

static uint32_t licences(const char *dir)
{
	const struct view *v = load_view(dir);
	const struct customer *c = view_customer_named(v, SLICE("example"));
	uint32_t n = c ? c->licences : 0;
	view_unref(&v);
	return n;
}

static void a_log_behind_the_store_catches_up(void **state)
{
	prune(*state, A);
	run_command("cp %s/view/view.log %s/short.log", *state);
	prune(*state, B);
	prune(*state, A);
	prune(*state, B);
	assert_int_equal(revision(*state), 4);
	run_command("cp %s/short.log %s/view/view.log", *state);
	assert_int_equal(revision(*state), 1);
	struct answer a = call(*state, "status", "{}");
	assert_has(&a.rows, "\"revision\":4,");
	answer_free(&a);
	assert_int_equal(revision(*state), 4);
	assert_int_equal(licences(*state), 200);
	/* All of the view's files are gone. */
	run_command("rm -rf %s/view %s/nothing", *state);
	a = call(*state, "status", "{}");
	answer_free(&a);
	assert_true(revision(*state) >= 4);
	assert_int_equal(licences(*state), 200);
}

static void a_log_without_kept_changes_is_made_anew(void **state)
{
	prune(*state, A);
	prune(*state, B);
	struct store *s;
	int dir;
	assert_true(os_dir_open(*state, &dir, NULL));
	assert_true(store_open(*state, dir, &s, NULL));
	struct sql q = sql_of(s, "UPDATE revisions SET change = NULL");
	sql_run(&q);
	assert_true(store_good(s, NULL));
	store_close(&s);
	os_file_close(&dir);
	run_command("rm -rf %s/view %s/nothing", *state);
	struct answer a = call(*state, "status", "{}");
	assert_has(&a.rows, "\"revision\":3,");
	assert_has(&a.rows, "\"users\":1,");
	answer_free(&a);
	assert_int_equal(revision(*state), 3);
	assert_int_equal(licences(*state), 200);
	prune(*state, A);
	assert_int_equal(revision(*state), 4);
}

static void a_store_put_back_never_turns_revisions_back(void **state)
{
	prune(*state, A);
	run_command("cp %s/directory.db %s/old.db", *state);
	prune(*state, B);
	prune(*state, A);
	prune(*state, B);
	assert_int_equal(revision(*state), 4);
	run_command("cp %s/old.db %s/directory.db", *state);
	struct answer a = call(*state, "status", "{}");
	assert_has(&a.rows, "\"revision\":5,");
	answer_free(&a);
	assert_int_equal(revision(*state), 5);
	assert_int_equal(licences(*state), 100);
	prune(*state, B);
	assert_int_equal(revision(*state), 6);
	assert_int_equal(licences(*state), 200);
}

/* --- kill -9 -------------------------------------------------------------------------- */

/* Is the store exactly the view? */
static void compare(const char *dir)
{
	struct admin a = { 0 };
	struct err err;
	if (!admin_open(&a, dir, &err))
		fail_msg("%s %s", err.text, err.detail);
	const struct view *v = admin_compile(&a, 1, &err);
	assert_non_null(v);
	struct view_counts x, y;
	view_count(v, &x);
	view_count(a.view, &y);
	assert_int_equal(x.users, y.users);
	assert_int_equal(x.domains, y.domains);
	const struct customer *c = view_customer_named(v, SLICE("example"));
	const struct customer *d =
		view_customer_named(a.view, SLICE("example"));
	assert_int_equal(c == NULL, d == NULL);
	if (c != NULL) {
		assert_int_equal(c->licences, d->licences);
		/* A is 100 with two users, B 200 with one. */
		assert_true((c->licences == 100 && x.users == 2) ||
			    (c->licences == 200 && x.users == 1));
	}
	assert_int_equal(number(a.store, "SELECT max(revision) FROM "
					 "revisions") % 1000000,
			 view_revision(a.view) % 1000000);
	assert_int_equal(number(a.store, "SELECT count(*) FROM revisions r "
					 "WHERE NOT EXISTS (SELECT 1 FROM "
					 "audit a WHERE a.revision = "
					 "r.revision)"), 0);
	view_unref(&v);
	admin_close(&a);
}

static void killed_anywhere_it_is_whole_or_nothing(void **state)
{
	unsigned seed = 12345;
	uint64_t last = 0;
	struct timespec begin, end;
	prune(*state, A);
	/* Kills fall anywhere within about three applies, on any disk. */
	clock_gettime(CLOCK_MONOTONIC, &begin);
	prune(*state, B);
	clock_gettime(CLOCK_MONOTONIC, &end);
	unsigned apply_us = (unsigned)((end.tv_sec - begin.tv_sec) * 1000000 +
				       (end.tv_nsec - begin.tv_nsec) / 1000);
	if (apply_us > 500000)
		apply_us = 500000;
	for (int i = 0; i < 40; i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			for (int k = 0;; k++)
				prune(*state, k % 2 ? A : B);
		}
		usleep(1000 + (unsigned)rand_r(&seed) % (3 * apply_us + 1));
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		uint64_t now = revision(*state);
		assert_true(now >= last);
		last = now;
		compare(*state);
	}
	/* And it goes on from there. How many came through before a kill is a
	 * matter of the disk and is only printed. */
	prune(*state, A);
	prune(*state, B);
	assert_true(revision(*state) > last);
	print_message("          %lu revisions, 40 kills\n",
		      (unsigned long)last);
}

static void one_admin_at_a_time(void **state)
{
	struct admin a = { 0 };
	struct err err;
	assert_true(admin_open(&a, *state, NULL));
	struct admin_once once = { .data_dir = *state, .call = "status" };
	int code;
	assert_false(admin_call_offline(&once, &code, NULL, &err));
	assert_int_equal(err.kind, ERR_TEMPORARY);
	admin_close(&a);
	assert_true(admin_call_offline(&once, &code, NULL, &err));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_step_runs_after_a_copy),
		TEST(the_audit_log_comes_along),
		TEST(a_newer_schema_is_refused),
		TEST(the_real_schema_keeps_its_promises),
		TEST(no_statement_of_an_apply_walks_a_table),
		TEST(a_log_behind_the_store_catches_up),
		TEST(a_log_without_kept_changes_is_made_anew),
		TEST(a_store_put_back_never_turns_revisions_back),
		TEST(killed_anywhere_it_is_whole_or_nothing),
		TEST(one_admin_at_a_time),
	};
	return cmocka_run_group_tests_name("admin/store", tests, NULL, NULL);
}
