/*
 * The directory in SQLite (data_dir/directory.db): opened and brought up to
 * date here, asked by statements that are prepared once. One process (the
 * holder of the lock) and one thread.
 *
 * Errors of statements are sticky, as in base/cursor.h: bind, step and read
 * freely, then look once (store_good). A failed transaction is rolled back by
 * whoever began it.
 */
#pragma once

#include <sqlite3.h>

#include "base/arena.h"
#include "base/err.h"

enum { STORE_STATEMENTS_MAX = 256 };

struct store_statement {
	const char *sql;		/* by address: literals, or text that
					 * lives as long as the store */
	sqlite3_stmt *statement;
};

struct store {
	sqlite3 *db;
	struct store_statement statements[STORE_STATEMENTS_MAX];
	size_t statement_count;
	bool failed;
	struct err err;
};

#define STORE_FILE "directory.db"

/* Makes the file when it is missing, copies it to directory.db.before-N and
 * migrates it in one transaction when its schema is an older one. ERR_PERMANENT
 * when it was written by a newer version (exit code 78). path: of data_dir,
 * dir the same, open. */
bool store_open(const char *path, int dir, struct store **out,
		struct err *err) MUST_USE;
/* With another schema: for tests of migrations. */
struct migrations;
bool store_open_with(const char *path, int dir, const struct migrations *m,
		     struct store **out, struct err *err) MUST_USE;
void store_close(struct store **s);

/* Nothing failed since the last store_good; else fills err and forgets. */
bool store_good(struct store *s, struct err *err) MUST_USE;

void store_begin(struct store *s);	/* BEGIN IMMEDIATE */
void store_commit(struct store *s);
void store_rollback(struct store *s);	/* always possible */

/* --- statements ----------------------------------------------------------- */

struct sql {
	struct store *store;
	sqlite3_stmt *statement;	/* NULL after a failure */
	int bound;
};
struct sql sql_of(struct store *s, const char *sql);
/* Parameters in order. */
void sql_u64(struct sql *q, uint64_t v);
void sql_i64(struct sql *q, int64_t v);
void sql_text(struct sql *q, slice s);
void sql_blob(struct sql *q, slice s);
void sql_null(struct sql *q);
/* The next row; false at the end or after a failure (the statement is reset
 * then). */
bool sql_row(struct sql *q) MUST_USE;
/* To the end; and before leaving a sql_row loop early. */
void sql_run(struct sql *q);
void sql_end(struct sql *q);
/* Columns of the row, from 0. NULL is 0 and empty. */
uint64_t sql_get_u64(const struct sql *q, int column);
int64_t sql_get_i64(const struct sql *q, int column);
/* Lends until the next step. */
slice sql_peek(const struct sql *q, int column);
/* A copy; out of memory counts as a failure. */
slice sql_copy(const struct sql *q, int column, struct arena *arena);
/* Runs q, gives the first column of its first row, or `none`. */
uint64_t sql_number(struct sql *q, uint64_t none);
uint64_t store_last_id(struct store *s);
/* Marks a failure of another kind (memory, a broken row). */
void store_fail(struct store *s, const char *why);
