/*
 * A day's file of the index: its name, its tables.
 *
 *   events    the lines themselves, by what trace looks for
 *   parties   who takes part in a message or a refusal, by customer
 *   messages  one row each, in the file of the day that accepted it; n is
 *             that of its "accepted" line
 *   refusals  one row each
 *   repeats   how often a customer's client was refused for a cause, by hour
 *   counts    what overviews add up, by 5 minutes and by hour
 *
 * A file of another form is not read: search_open makes all anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "admin/search_private.h"
#include "os/file.h"

enum { DAY_NAME_MAX = 32, DAY_SECONDS = 86400 };

/* Raised with each change below. */
enum { DAY_FORM = 2 };

static const char tables[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = NORMAL;"
	"PRAGMA trusted_schema = OFF;"
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS events(n INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL, event TEXT NOT NULL, id TEXT, session TEXT,"
	" reference TEXT, customer INTEGER, message_id TEXT, client TEXT,"
	" position INTEGER, line TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS by_id ON events(id)"
	" WHERE id IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS by_session ON events(session)"
	" WHERE session IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS by_reference ON events(reference)"
	" WHERE reference IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS by_message_id ON events(message_id)"
	" WHERE message_id IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS by_client ON events(client)"
	" WHERE client IS NOT NULL;"
	/* The few that alerts are made of. */
	"CREATE INDEX IF NOT EXISTS by_alert ON events(event)"
	" WHERE event = 'limit';"
	/* After a crash recovery tells some frames again. */
	"CREATE UNIQUE INDEX IF NOT EXISTS once ON events(position, id, event)"
	" WHERE position IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS parties(kind INTEGER NOT NULL,"
	" address TEXT NOT NULL, customer INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" PRIMARY KEY(kind, address, customer, n)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS messages(n INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL, customer INTEGER NOT NULL,"
	" setting INTEGER NOT NULL, sender TEXT NOT NULL,"
	" total INTEGER NOT NULL, delivered INTEGER NOT NULL,"
	" failed INTEGER NOT NULL, removed INTEGER NOT NULL,"
	" held INTEGER NOT NULL, tried INTEGER NOT NULL, reply TEXT,"
	/* The journal's place of the last line that changed it. */
	" seen INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS messages_of ON messages(customer);"
	"CREATE INDEX IF NOT EXISTS messages_failed ON messages(customer)"
	" WHERE failed > 0;"
	"CREATE INDEX IF NOT EXISTS messages_held ON messages(customer)"
	" WHERE held > 0;"
	"CREATE INDEX IF NOT EXISTS messages_open ON messages(customer)"
	" WHERE delivered + failed + removed < total;"
	"CREATE TABLE IF NOT EXISTS refusals(n INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL, customer INTEGER NOT NULL,"
	" setting INTEGER NOT NULL, sender TEXT NOT NULL,"
	" cause TEXT NOT NULL, client TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS refusals_of ON refusals(customer);"
	"CREATE TABLE IF NOT EXISTS repeats(customer INTEGER NOT NULL,"
	" cause TEXT NOT NULL, client TEXT NOT NULL, hour INTEGER NOT NULL,"
	" times INTEGER NOT NULL, last INTEGER NOT NULL,"
	" PRIMARY KEY(customer, cause, client, hour)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS counts(customer INTEGER NOT NULL,"
	" step INTEGER NOT NULL, slot INTEGER NOT NULL, what TEXT NOT NULL,"
	" number INTEGER NOT NULL,"
	" PRIMARY KEY(customer, step, slot, what)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS place(one INTEGER PRIMARY KEY"
	" CHECK (one = 1), hour INTEGER NOT NULL, offset INTEGER NOT NULL);"
	"PRAGMA user_version = 2;"
	"COMMIT;";

static void day_name(uint64_t day, char to[DAY_NAME_MAX])
{
	time_t seconds = (time_t)day * DAY_SECONDS;
	struct tm tm;
	gmtime_r(&seconds, &tm);
	snprintf(to, DAY_NAME_MAX, "%04d%02d%02d.db", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday);
}

static bool day_parse(const char *name, uint64_t *day)
{
	slice s = slice_of(name);
	uint64_t y, m, d;
	char again[DAY_NAME_MAX];
	if (s.n != 11 || !slice_u64(slice_sub(s, 0, 4), 9999, &y) ||
	    !slice_u64(slice_sub(s, 4, 2), 12, &m) ||
	    !slice_u64(slice_sub(s, 6, 2), 31, &d) || y < 1970 || m == 0)
		return false;
	struct tm tm = { .tm_year = (int)y - 1900, .tm_mon = (int)m - 1,
			 .tm_mday = (int)d };
	*day = (uint64_t)timegm(&tm) / DAY_SECONDS;
	day_name(*day, again);
	return slice_eq(slice_of(again), s);
}

static bool add_day(void *ctx, const char *name)
{
	struct search_days *d = ctx;
	uint64_t day;
	if (day_parse(name, &day) && d->count < SEARCH_DAYS_MAX)
		d->days[d->count++] = day;
	return true;
}

static int by_day(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

bool search_days(struct search *s, struct search_days *out, struct err *err)
{
	out->count = 0;
	if (!os_dir_list(s->index_dir, add_day, out, err))
		return false;
	qsort(out->days, out->count, sizeof(out->days[0]), by_day);
	return true;
}

static struct store *connect(struct search *s, uint64_t day, int flags,
			     struct err *err)
{
	char name[DAY_NAME_MAX], path[SEARCH_PATH_MAX + DAY_NAME_MAX];
	struct store *d = calloc(1, sizeof(*d));
	if (d == NULL) {
		err_set_memory(err, "search");
		return NULL;
	}
	day_name(day, name);
	snprintf(path, sizeof(path), "%s/%s", s->index_path, name);
	if (sqlite3_open_v2(path, &d->db,
			    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(d->db, 1000);
		return d;
	}
	err_set(err, ERR_IO, SCOPE_SELF, "search", "the index can't be opened");
	err_detail(err, "%s: %s", name,
		   d->db != NULL ? sqlite3_errmsg(d->db) : "no memory");
	store_close(&d);
	return NULL;
}

static bool form_of(struct store *d, uint64_t *form, struct err *err)
{
	struct sql q = sql_of(d, "PRAGMA user_version");
	*form = sql_number(&q, 0);
	return store_good(d, err);
}

bool search_day_open(struct search *s, uint64_t day, struct store **out,
		     struct err *err)
{
	struct store *d = connect(s, day, SQLITE_OPEN_READWRITE |
						  SQLITE_OPEN_CREATE, err);
	if (d == NULL)
		return false;
	*out = d;
	if (sqlite3_exec(d->db, tables, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	err_set(err, ERR_IO, SCOPE_SELF, "search", "the index can't be opened");
	err_detail(err, "%s", sqlite3_errmsg(d->db));
	store_close(out);
	return false;
}

bool search_day_look(struct search *s, uint64_t day, struct store **out,
		     struct err *err)
{
	/* Not read-only: that can't read a WAL which a crash left behind. */
	*out = connect(s, day, SQLITE_OPEN_READWRITE, err);
	return *out != NULL;
}

bool search_day_known(struct search *s, uint64_t day, bool *known,
		      struct err *err)
{
	struct store *d;
	uint64_t form;
	if (!search_day_look(s, day, &d, err))
		return false;
	bool ok = form_of(d, &form, err);
	*known = ok && form == DAY_FORM;
	store_close(&d);
	return ok;
}

bool search_day_remove(struct search *s, uint64_t day, struct err *err)
{
	static const char *const parts[] = { "-wal", "-shm", "" };
	char name[DAY_NAME_MAX], part[DAY_NAME_MAX + 8];
	day_name(day, name);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		snprintf(part, sizeof(part), "%s%s", name, parts[i]);
		if (!os_file_unlink(s->index_dir, part, err))
			return false;
	}
	return true;
}
