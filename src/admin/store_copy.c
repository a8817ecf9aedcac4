/* See store_copy.h. The copy is made beside the store, by the user that owns
 * it: where the backup lies, that user need not come. */
#include "admin/store_copy.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "admin/migrations.h"
#include "admin/store.h"
#include "os/file.h"

enum { PATH_TEXT_MAX = 4096, BUSY_MS = 10000 };

/* --- copying -------------------------------------------------------------- */

static void refused_by_system(struct store_looked *out, const struct err *err)
{
	out->state = STORE_CLOSED;
	snprintf(out->text, sizeof(out->text), "%s",
		 err->detail[0] != '\0' ? err->detail : err->text);
}

static bool number(sqlite3 *db, const char *sql, uint64_t *to)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK &&
		  sqlite3_step(q) == SQLITE_ROW;
	int64_t n = ok ? sqlite3_column_int64(q, 0) : 0;
	sqlite3_finalize(q);
	*to = n > 0 ? (uint64_t)n : 0;
	return ok;
}

/* With a log and readers' marks beside it, as a service opens it: so that
 * both see each other. */
static bool open_store(const char *path, sqlite3 **db)
{
	char file[PATH_TEXT_MAX];
	int n = snprintf(file, sizeof(file), "%s/%s", path, STORE_FILE);
	*db = NULL;
	if (n < 0 || (size_t)n >= sizeof(file) ||
	    sqlite3_open_v2(file, db, SQLITE_OPEN_READWRITE |
				    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK)
		return false;
	sqlite3_busy_timeout(*db, BUSY_MS);
	return sqlite3_exec(*db, "PRAGMA trusted_schema = OFF", NULL, NULL,
			    NULL) == SQLITE_OK;
}

/* Schema and revision of what was copied: the copy says it, since the store
 * may have gone on. */
static bool look_at_copy(const char *path, struct store_looked *out)
{
	char file[PATH_TEXT_MAX];
	uint64_t schema = 0;
	sqlite3 *db = NULL;
	snprintf(file, sizeof(file), "%s/%s", path, STORE_COPY_FILE);
	bool ok = sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY |
					  SQLITE_OPEN_NOMUTEX |
					  SQLITE_OPEN_NOFOLLOW,
				  NULL) == SQLITE_OK &&
		  number(db, "PRAGMA user_version", &schema) &&
		  (schema == 0 ||
		   number(db, "SELECT max(revision) FROM revisions",
			  &out->revision));
	if (!ok)
		store_look_refused(out, db);
	sqlite3_close(db);
	out->schema = schema <= UINT32_MAX ? (uint32_t)schema : UINT32_MAX;
	return ok;
}

static bool sync_copy(int dir, struct err *err)
{
	int fd;
	if (!os_file_open(dir, STORE_COPY_FILE, OS_READ, &fd, err))
		return false;
	bool ok = os_file_sync(fd, err);
	os_file_close(&fd);
	return ok && os_dir_sync(dir, err);
}

static bool copy(const char *path, int dir, struct store_looked *out)
{
	char sql[PATH_TEXT_MAX + 128];
	struct err err = { 0 };
	sqlite3 *db;
	sqlite3_snprintf((int)sizeof(sql), sql, "VACUUM INTO '%q/%q'", path,
			 STORE_COPY_FILE);
	bool ok = open_store(path, &db) &&
		  sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	if (!ok)
		store_look_refused(out, db);
	sqlite3_close(db);
	if (!ok || !look_at_copy(path, out))
		return false;
	ok = sync_copy(dir, &err);
	if (!ok)
		refused_by_system(out, &err);
	return ok;
}

static void copy_below(const char *path, int dir, struct store_looked *out)
{
	struct err err = { 0 };
	if (!os_file_unlink(dir, STORE_COPY_FILE, &err)) {
		refused_by_system(out, &err);
		return;
	}
	bool ok = copy(path, dir, out);
	if (ok)
		out->state = out->schema > out->known	? STORE_NEWER
			     : out->schema < out->known ? STORE_OLDER
							: STORE_GOOD;
	if (!ok || out->state == STORE_NEWER)
		(void)!os_file_unlink(dir, STORE_COPY_FILE, NULL);
}

/* The file is made before it is filled: an empty one is none. */
static bool is_there(int dir, struct err *err)
{
	uint64_t bytes = 0;
	int fd;
	if (!os_file_open(dir, STORE_FILE, OS_READ, &fd, err))
		return false;
	bool ok = os_file_size(fd, &bytes, err);
	os_file_close(&fd);
	if (ok && bytes == 0)
		ok = err_set_os(err, ENOENT, "store_copy", "look");
	return ok;
}

void store_copy(const char *path, struct store_looked *out)
{
	struct err err = { 0 };
	int dir = -1;
	*out = (struct store_looked){ .state = STORE_CLOSED,
				      .known = migrations_all()->count };
	if (os_dir_open(path, &dir, &err) && is_there(dir, &err)) {
		copy_below(path, dir, out);
	} else {
		refused_by_system(out, &err);
		if (err.os_error == ENOENT)
			out->state = STORE_ABSENT;
	}
	if (dir >= 0)
		os_file_close(&dir);
}

/* --- putting it back ------------------------------------------------------ */

static bool failed(sqlite3 *db, struct err *err)
{
	int code = db != NULL ? sqlite3_errcode(db) : SQLITE_NOMEM;
	err_set(err, code == SQLITE_NOTADB || code == SQLITE_CORRUPT ||
			     code == SQLITE_ERROR ? ERR_PERMANENT : ERR_IO,
		SCOPE_SELF, "store_adopt", "the directory store failed");
	return err_detail(err, "%s", db != NULL ? sqlite3_errmsg(db)
						: "out of memory");
}

/* Numbers only, so the text can be put together. */
static bool add_rows(sqlite3 *db, const struct store_adopt *how,
		     uint64_t last, uint64_t revision)
{
	char sql[700], before[64] = "NULL";
	if (how->above > 0)
		snprintf(before, sizeof(before),
			 "'{\"revision\":%" PRIu64 "}'", how->above);
	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE;"
		 "INSERT INTO revisions (revision, at, who, call) VALUES "
		 "(%" PRIu64 ",%" PRId64 ",'uid %" PRIu32 "','restore');"
		 "INSERT INTO audit (at, who, call, revision, object, before, "
		 "after) VALUES (%" PRId64 ",'uid %" PRIu32 "','restore',"
		 "%" PRIu64 ",'store',%s,'{\"revision\":%" PRIu64 "}');"
		 "COMMIT", revision, how->at_ms, how->uid, how->at_ms, how->uid,
		 revision, before, last);
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool store_adopt(const char *path, const struct store_adopt *how,
		 uint64_t *revision, struct err *err)
{
	uint64_t last = 0;
	sqlite3 *db;
	bool ok = open_store(path, &db) &&
		  number(db, "SELECT max(revision) FROM revisions", &last);
	if (ok) {
		uint64_t most = last > how->above ? last : how->above;
		*revision = most + STORE_REVISIONS_LEFT;
		ok = *revision <= INT64_MAX && add_rows(db, how, last, *revision);
	}
	if (!ok)
		failed(db, err);
	sqlite3_close(db);
	return ok;
}
