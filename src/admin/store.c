/* SQLite behind a few calls; see store.h. */
#include "admin/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/migrations.h"
#include "os/file.h"

enum { PATH_TEXT_MAX = 4096, BUSY_MS = 5000 };

static bool sqlite_err(struct store *s, struct err *err, const char *what)
{
	enum err_kind kind = sqlite3_errcode(s->db) == SQLITE_NOMEM ?
				     ERR_INTERNAL :
				     ERR_IO;
	err_set(err, kind, SCOPE_SELF, "store", "the directory store failed");
	return err_detail(err, "%s: %s", what, sqlite3_errmsg(s->db));
}

static bool run(struct store *s, const char *sql, struct err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       sqlite_err(s, err, sql);
}

/* --- opening -------------------------------------------------------------- */

static bool user_version(struct store *s, uint32_t *out, struct err *err)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q,
				     NULL) == SQLITE_OK &&
		  sqlite3_step(q) == SQLITE_ROW;
	if (ok)
		*out = (uint32_t)sqlite3_column_int64(q, 0);
	else
		sqlite_err(s, err, "user_version");
	sqlite3_finalize(q);
	return ok;
}

/* The file as it was, beside it: what a migration can't be taken back for. */
static bool copy_before(struct store *s, const char *path, int dir,
			uint32_t version, struct err *err)
{
	char name[64], sql[PATH_TEXT_MAX + 128];
	snprintf(name, sizeof(name), "%s.before-%u", STORE_FILE, version + 1);
	if (!os_file_unlink(dir, name, err))
		return false;
	sqlite3_snprintf((int)sizeof(sql), sql, "VACUUM INTO '%q/%q'", path,
			 name);
	int fd;
	bool ok = run(s, sql, err) &&
		  os_file_open(dir, name, OS_READ, &fd, err);
	if (!ok)
		return false;
	ok = os_file_sync(fd, err);
	os_file_close(&fd);
	return ok && os_dir_sync(dir, err);
}

static bool migrate_all(struct store *s, const struct migrations *m,
			uint32_t from, struct err *err)
{
	char sql[64];
	if (!run(s, "BEGIN IMMEDIATE", err))
		return false;
	for (uint32_t v = from; v < m->count; v++)
		if (!run(s, m->steps[v], err))
			return false;
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %u", m->count);
	return run(s, sql, err) && run(s, "COMMIT", err);
}

static bool migrate(struct store *s, const struct migrations *m,
		    const char *path, int dir, struct err *err)
{
	uint32_t version;
	if (!user_version(s, &version, err))
		return false;
	if (version > m->count)
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "store",
			       "%s was written by a newer version of "
			       "Postrider (schema %u, this one knows %u)",
			       STORE_FILE, version, m->count);
	if (version == m->count)
		return true;
	if (version > 0 && !copy_before(s, path, dir, version, err))
		return false;
	if (migrate_all(s, m, version, err))
		return true;
	store_rollback(s);
	return false;
}

/* SQLite gives its other files the mode of this one. */
static bool make_file(int dir, struct err *err)
{
	int fd;
	if (!os_file_open(dir, STORE_FILE, OS_APPEND, &fd, err))
		return false;
	os_file_close(&fd);
	return true;
}

static bool open_file(struct store *s, const char *path, struct err *err)
{
	char file[PATH_TEXT_MAX];
	int n = snprintf(file, sizeof(file), "%s/%s", path, STORE_FILE);
	if (n < 0 || (size_t)n >= sizeof(file))
		return err_set(err, ERR_LIMIT, SCOPE_SELF, "store",
			       "path of data_dir is too long");
	if (sqlite3_open_v2(file, &s->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
				    SQLITE_OPEN_NOFOLLOW,
			    NULL) == SQLITE_OK)
		return true;
	if (s->db == NULL)
		return err_set_memory(err, "store_open");
	return sqlite_err(s, err, "open");
}

bool store_open(const char *path, int dir, struct store **out,
		struct err *err)
{
	return store_open_with(path, dir, migrations_all(), out, err);
}

bool store_open_with(const char *path, int dir, const struct migrations *m,
		     struct store **out, struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	*out = NULL;
	if (s == NULL)
		return err_set_memory(err, "store_open");
	bool ok = make_file(dir, err) && open_file(s, path, err);
	if (ok)
		sqlite3_busy_timeout(s->db, BUSY_MS);
	ok = ok && run(s, "PRAGMA journal_mode = WAL", err) &&
	     run(s, "PRAGMA synchronous = FULL", err) &&
	     run(s, "PRAGMA foreign_keys = ON", err) &&
	     run(s, "PRAGMA trusted_schema = OFF", err) &&
	     migrate(s, m, path, dir, err) && os_dir_sync(dir, err);
	if (!ok) {
		store_close(&s);
		return false;
	}
	*out = s;
	return true;
}

void store_close(struct store **store)
{
	struct store *s = *store;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->statement_count; i++)
		sqlite3_finalize(s->statements[i].statement);
	sqlite3_close(s->db);
	free(s);
	*store = NULL;
}

/* --- failures ------------------------------------------------------------- */

static void failed(struct store *s, const char *what)
{
	if (s->failed)
		return;		/* the first one counts */
	s->failed = true;
	sqlite_err(s, &s->err, what);
}

void store_fail(struct store *s, const char *why)
{
	if (s->failed)
		return;
	s->failed = true;
	err_set(&s->err, ERR_INTERNAL, SCOPE_SELF, "store", "%s", why);
}

bool store_good(struct store *s, struct err *err)
{
	if (!s->failed)
		return true;
	if (err != NULL)
		*err = s->err;
	s->failed = false;
	return false;
}

/* --- transactions --------------------------------------------------------- */

void store_begin(struct store *s)
{
	struct sql q = sql_of(s, "BEGIN IMMEDIATE");
	sql_run(&q);
}

void store_commit(struct store *s)
{
	struct sql q = sql_of(s, "COMMIT");
	sql_run(&q);
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* --- statements ----------------------------------------------------------- */

static sqlite3_stmt *prepared(struct store *s, const char *sql)
{
	for (size_t i = 0; i < s->statement_count; i++)
		if (s->statements[i].sql == sql)
			return s->statements[i].statement;
	invariant(s->statement_count < STORE_STATEMENTS_MAX);
	sqlite3_stmt *made = NULL;
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &made, NULL) != SQLITE_OK) {
		failed(s, sql);
		return NULL;
	}
	s->statements[s->statement_count++] =
		(struct store_statement){ sql, made };
	return made;
}

struct sql sql_of(struct store *s, const char *sql)
{
	struct sql q = { .store = s };
	if (!s->failed)
		q.statement = prepared(s, sql);
	invariant(q.statement == NULL || !sqlite3_stmt_busy(q.statement));
	return q;
}

static void bound(struct sql *q, int result)
{
	if (result != SQLITE_OK) {
		failed(q->store, "bind");
		sql_end(q);
	}
}

void sql_i64(struct sql *q, int64_t v)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_int64(q->statement, ++q->bound, v));
}

void sql_u64(struct sql *q, uint64_t v)
{
	invariant(v <= INT64_MAX);
	sql_i64(q, (int64_t)v);
}

void sql_text(struct sql *q, slice s)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_text64(q->statement, ++q->bound,
					     s.n > 0 ? s.p : "", s.n,
					     SQLITE_TRANSIENT, SQLITE_UTF8));
}

void sql_blob(struct sql *q, slice s)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_blob64(q->statement, ++q->bound,
					     s.n > 0 ? s.p : "", s.n,
					     SQLITE_TRANSIENT));
}

void sql_null(struct sql *q)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_null(q->statement, ++q->bound));
}

bool sql_row(struct sql *q)
{
	if (q->statement == NULL)
		return false;
	switch (sqlite3_step(q->statement)) {
	case SQLITE_ROW:
		return true;
	case SQLITE_DONE:
		sql_end(q);
		return false;
	default:
		failed(q->store, sqlite3_sql(q->statement));
		sql_end(q);
		return false;
	}
}

void sql_run(struct sql *q)
{
	while (sql_row(q))
		;
}

void sql_end(struct sql *q)
{
	if (q->statement == NULL)
		return;
	sqlite3_reset(q->statement);
	sqlite3_clear_bindings(q->statement);
	q->statement = NULL;
}

uint64_t sql_get_u64(const struct sql *q, int column)
{
	int64_t v = sqlite3_column_int64(q->statement, column);
	return v < 0 ? 0 : (uint64_t)v;
}

int64_t sql_get_i64(const struct sql *q, int column)
{
	return sqlite3_column_int64(q->statement, column);
}

slice sql_peek(const struct sql *q, int column)
{
	/* The pointer first: it may convert, and then the length holds. */
	const char *p = sqlite3_column_blob(q->statement, column);
	int n = sqlite3_column_bytes(q->statement, column);
	return p != NULL && n > 0 ? (slice){ p, (size_t)n } : (slice){ 0 };
}

slice sql_copy(const struct sql *q, int column, struct arena *arena)
{
	slice out = { 0 };
	if (!arena_copy(arena, sql_peek(q, column), &out))
		store_fail(q->store, "out of memory");
	return out;
}

uint64_t sql_number(struct sql *q, uint64_t none)
{
	uint64_t v = none;
	if (sql_row(q)) {
		v = sql_get_u64(q, 0);
		sql_end(q);
	}
	return v;
}

uint64_t store_last_id(struct store *s)
{
	int64_t id = sqlite3_last_insert_rowid(s->db);
	invariant(id > 0 || s->failed);
	return (uint64_t)id;
}
