/* See store_look.h. */
#include "admin/store_look.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "admin/migrations.h"
#include "admin/store.h"
#include "os/file.h"

/* A path of 4000 bytes, escaped, with its ends. */
enum { URI_MAX = 3 * 4000 + 100 };

static const char *const NAMES[STORE_STATE_COUNT] = {
	[STORE_GOOD] = "good",	     [STORE_ABSENT] = "absent",
	[STORE_OLDER] = "older",     [STORE_NEWER] = "newer",
	[STORE_DAMAGED] = "damaged", [STORE_CLOSED] = "closed",
};

const char *store_state_name(enum store_state state)
{
	invariant(state < STORE_STATE_COUNT);
	return NAMES[state];
}

/* Without a log there is nobody who writes, and nothing needs to be made
 * beside the file to read it. */
static bool uri_of(const char *path, bool has_log, char *to)
{
	size_t n = (size_t)snprintf(to, URI_MAX, "file:");
	for (const char *c = path; *c != '\0'; c++) {
		if (n > URI_MAX - 100)
			return false;
		if (ascii_alnum(*c) || *c == '/' || *c == '.')
			to[n++] = *c;
		else
			n += (size_t)snprintf(to + n, URI_MAX - n, "%%%02X",
					      (unsigned)(uint8_t)*c);
	}
	snprintf(to + n, URI_MAX - n, "/%s?%s", STORE_FILE,
		 has_log ? "mode=ro" : "mode=ro&immutable=1");
	return true;
}

void store_look_refused(struct store_looked *out, sqlite3 *db)
{
	int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
	out->state = code == SQLITE_CORRUPT || code == SQLITE_NOTADB
		? STORE_DAMAGED : STORE_CLOSED;
	snprintf(out->text, sizeof(out->text), "%s",
		 db ? sqlite3_errmsg(db) : "out of memory");
}

/* The first column of the first row: a number, or "ok". */
static bool ask(struct store_looked *out, sqlite3 *db, const char *sql,
		int64_t *number, bool *ok)
{
	sqlite3_stmt *q = NULL;
	bool got = sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK &&
		   sqlite3_step(q) == SQLITE_ROW;
	if (got) {
		const char *text = (const char *)sqlite3_column_text(q, 0);
		*number = sqlite3_column_int64(q, 0);
		*ok = text != NULL && strcmp(text, "ok") == 0;
		if (!*ok)
			snprintf(out->text, sizeof(out->text), "%s",
				 text ? text : "");
	} else {
		store_look_refused(out, db);
	}
	sqlite3_finalize(q);
	return got;
}

static void look_inside(struct store_looked *out, sqlite3 *db, uint64_t bytes)
{
	int64_t number;
	bool ok;
	if (!ask(out, db, "PRAGMA user_version", &number, &ok) ||
	    !ask(out, db, "SELECT count(*) FROM sqlite_schema", &(int64_t){ 0 },
		 &ok))
		return;
	out->text[0] = '\0';
	out->schema = number >= 0 && number <= UINT32_MAX ? (uint32_t)number
							  : UINT32_MAX;
	out->state = out->schema > out->known	? STORE_NEWER
		     : out->schema < out->known ? STORE_OLDER : STORE_GOOD;
	if (out->schema > 0 && out->state != STORE_NEWER &&
	    ask(out, db, "SELECT max(revision) FROM revisions", &number, &ok)) {
		out->revision = number > 0 ? (uint64_t)number : 0;
		out->text[0] = '\0';
	}
	if ((out->state != STORE_GOOD && out->state != STORE_OLDER) ||
	    bytes > STORE_LOOK_WHOLE_BYTES)
		return;
	if (ask(out, db, "PRAGMA quick_check(1)", &number, &ok) && !ok)
		out->state = STORE_DAMAGED;
}

static void open_and_look(struct store_looked *out, const char *path,
			  bool has_log, uint64_t bytes)
{
	char uri[URI_MAX];
	sqlite3 *db = NULL;
	if (!uri_of(path, has_log, uri)) {
		snprintf(out->text, sizeof(out->text), "path too long");
		return;
	}
	if (sqlite3_open_v2(uri, &db,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
				    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, 2000);
		look_inside(out, db, bytes);
	} else {
		store_look_refused(out, db);
	}
	sqlite3_close(db);
}

static bool has_file(int dir, const char *name, uint64_t *bytes,
		     struct err *err)
{
	int fd;
	if (!os_file_open(dir, name, OS_READ, &fd, err))
		return false;
	bool ok = os_file_size(fd, bytes, err);
	os_file_close(&fd);
	return ok;
}

void store_look(const char *path, struct store_looked *out)
{
	struct err err = { 0 };
	uint64_t bytes = 0, log_bytes;
	int dir = -1;
	*out = (struct store_looked){ .state = STORE_CLOSED,
				      .known = migrations_all()->count };
	bool there = os_dir_open(path, &dir, &err) &&
		     has_file(dir, STORE_FILE, &bytes, &err);
	/* The file is made before it is filled. */
	if ((!there && err.os_error == ENOENT) || (there && bytes == 0))
		out->state = STORE_ABSENT;
	else if (!there)
		snprintf(out->text, sizeof(out->text), "%s",
			 err.detail[0] ? err.detail : err.text);
	else
		open_and_look(out, path,
			      has_file(dir, STORE_FILE "-wal", &log_bytes,
				       NULL), bytes);
	if (dir >= 0)
		os_file_close(&dir);
}
