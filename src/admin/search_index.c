/*
 * Indexing: lines of the journal into the file of their day. A batch is one
 * transaction that also notes how far it came, so nothing is indexed twice
 * or left out, whenever it ends.
 */
#include <stdlib.h>

#include "admin/event.h"
#include "admin/search_private.h"
#include "os/file.h"

static const uint64_t HOURS_OF_DAY = 24;

/* --- where it left off ---------------------------------------------------- */

static void read_place(struct search *s, struct store *d, bool *found)
{
	struct sql q = sql_of(d, "SELECT hour, offset FROM place");
	*found = sql_row(&q);
	if (*found) {
		s->at.hour = sql_get_u64(&q, 0);
		s->at.offset = sql_get_u64(&q, 1);
		sql_end(&q);
	}
	struct sql last = sql_of(d, "SELECT max(at) FROM events");
	if (sql_row(&last)) {
		s->indexed_ms = sql_get_i64(&last, 0);
		sql_end(&last);
	}
}

/* Files of another form go, all of them: half an index would show half the
 * mail. The journal has everything that was in them. */
static bool drop_other_forms(struct search *s, struct err *err)
{
	struct search_days *days = calloc(1, sizeof(*days));
	bool known = true;
	if (days == NULL)
		return err_set_memory(err, "search");
	bool ok = search_days(s, days, err);
	for (size_t i = 0; ok && known && i < days->count; i++)
		/* A broken one is for find_place. */
		if (!search_day_known(s, days->days[i], &known, err))
			known = true;
	for (size_t i = 0; ok && !known && i < days->count; i++)
		ok = search_day_remove(s, days->days[i], err);
	free(days);
	return ok;
}

/* The newest file that can be read says it; a broken one is made again. */
static bool find_place(struct search *s, struct err *err)
{
	struct search_days *days = calloc(1, sizeof(*days));
	bool found = false;
	if (days == NULL)
		return err_set_memory(err, "search");
	bool ok = search_days(s, days, err);
	for (size_t i = days->count; ok && i > 0 && !found; i--) {
		struct store *d;
		uint64_t day = days->days[i - 1];
		if (search_day_open(s, day, &d, err)) {
			read_place(s, d, &found);
			found = store_good(d, err) && found;
			store_close(&d);
		}
		if (!found) {
			log_failure(s->log, LOG_WARNING, "search.again", err);
			ok = search_day_remove(s, day, err);
			*err = (struct err){ 0 };
		}
	}
	free(days);
	return ok;
}

bool search_open(const char *journal_dir, const char *index_dir,
		 struct log *log, struct search **out, struct err *err)
{
	struct search *s = calloc(1, sizeof(*s));
	*out = s;
	if (s == NULL)
		return err_set_memory(err, "search");
	s->journal_dir = s->index_dir = -1;
	s->log = log;
	if (!slice_to_cstr(slice_of(index_dir), s->index_path,
			   sizeof(s->index_path)))
		err_set(err, ERR_LIMIT, SCOPE_SELF, "search", "path too long");
	else if (os_dir_open(journal_dir, &s->journal_dir, err) &&
		 os_dir_open(index_dir, &s->index_dir, err) &&
		 drop_other_forms(s, err) && find_place(s, err))
		return true;
	search_close(out);
	return false;
}

void search_close(struct search **out)
{
	struct search *s = *out;
	*out = NULL;
	if (s == NULL)
		return;
	store_close(&s->day);
	search_mail_close(s);
	if (s->journal_dir >= 0)
		os_file_close(&s->journal_dir);
	if (s->index_dir >= 0)
		os_file_close(&s->index_dir);
	free(s);
}

int64_t search_indexed_ms(const struct search *s)
{
	return s->indexed_ms;
}

/* --- a line --------------------------------------------------------------- */

static void text_or_null(struct sql *q, slice s)
{
	if (s.n > 0)
		sql_text(q, s);
	else
		sql_null(q);
}

static void number_or_null(struct sql *q, uint64_t v)
{
	if (v > 0 && v <= INT64_MAX)
		sql_u64(q, v);
	else
		sql_null(q);
}

static void insert_party(struct store *d, const struct event *e, uint64_t n,
			 enum search_party kind, slice name)
{
	char folded[ADDRESS_FOLD_MAX];
	if (name.n == 0)
		return;
	struct sql q = sql_of(d, "INSERT OR IGNORE INTO parties"
				 "(kind, address, customer, n) "
				 "VALUES(?, ?, ?, ?)");
	sql_u64(&q, kind);
	sql_text(&q, search_fold(name, folded));
	sql_u64(&q, e->owner);
	sql_u64(&q, n);
	sql_run(&q);
}

static void insert_parties(struct store *d, const struct event *e, uint64_t n)
{
	for (size_t i = 0; i < e->party_count; i++) {
		const struct event_party *p = &e->parties[i];
		slice domain = slice_skip(p->address,
					  slice_rfind(p->address, '@') + 1);
		insert_party(d, e, n, p->is_sender ? PARTY_SENDER :
						     PARTY_RECIPIENT,
			     p->address);
		insert_party(d, e, n, p->is_sender ? PARTY_SENDER_DOMAIN :
						     PARTY_RECIPIENT_DOMAIN,
			     domain);
	}
}

static slice bare_message_id(slice s)
{
	if (slice_starts(s, SLICE("<")))
		s = slice_skip(s, 1);
	if (s.n > 0 && s.p[s.n - 1] == '>')
		s.n--;
	return s;
}

static void insert(struct search *s, const struct event *e, slice line)
{
	struct store *d = s->day;
	struct sql q = sql_of(d, "INSERT OR IGNORE INTO events(at, event, id, "
				 "session, reference, customer, message_id, "
				 "client, position, line) "
				 "VALUES(?,?,?,?,?,?,?,?,?,?)");
	sql_i64(&q, e->at_ms);
	sql_text(&q, e->name);
	text_or_null(&q, e->id);
	text_or_null(&q, e->session);
	text_or_null(&q, e->reference);
	number_or_null(&q, e->customer);
	text_or_null(&q, bare_message_id(e->message_id));
	text_or_null(&q, e->client);
	number_or_null(&q, e->position);
	sql_text(&q, line);
	sql_run(&q);
	if (sqlite3_changes(d->db) != 1)
		return;
	uint64_t n = store_last_id(d);
	insert_parties(d, e, n);
	search_mail_note(s, e, n);
}

/* Days whose journal is gone go too. */
static bool forget_old(struct search *s, uint64_t oldest_day, struct err *err)
{
	struct search_days *days = calloc(1, sizeof(*days));
	if (days == NULL)
		return err_set_memory(err, "search");
	bool ok = search_days(s, days, err);
	for (size_t i = 0; ok && i < days->count; i++)
		if (days->days[i] < oldest_day)
			ok = search_day_remove(s, days->days[i], err);
	free(days);
	return ok;
}

static bool stop_at_once(void *ctx, slice line)
{
	(void)ctx;
	(void)line;
	return false;
}

static bool oldest_journal_day(struct search *s, uint64_t *day,
			       struct err *err)
{
	struct journal_cursor first = { 0 };
	bool more;
	if (!journal_read(s->journal_dir, &first, 1, stop_at_once, NULL, &more,
			  err))
		return false;
	*day = first.hour / HOURS_OF_DAY;
	return true;
}

static bool begin_day(struct search *s)
{
	uint64_t day = s->at.hour / HOURS_OF_DAY, oldest;
	if (s->day == NULL || s->day_number != day) {
		invariant(!s->in_batch);
		store_close(&s->day);
		search_mail_close(s);
		if (!search_day_open(s, day, &s->day, &s->err))
			return false;
		s->day_number = day;
		if (!oldest_journal_day(s, &oldest, &s->err) ||
		    !forget_old(s, oldest < day ? oldest : day, &s->err))
			return false;
	}
	if (!s->in_batch)
		store_begin(s->day);
	s->in_batch = true;
	return true;
}

static bool take_line(void *ctx, slice line)
{
	struct search *s = ctx;
	struct event e;
	if (!begin_day(s)) {
		s->broken = true;
		return false;
	}
	/* What is no event of ours (a torn line) is passed over. */
	if (!event_parse(line, &e))
		return true;
	if (!search_mail_told_before(s, &e))
		insert(s, &e, line);
	if (e.at_ms > s->indexed_ms)
		s->indexed_ms = e.at_ms;
	event_free(&e);
	return true;
}

/* --- a batch -------------------------------------------------------------- */

static bool end_batch(struct search *s, bool ok, struct err *err)
{
	if (!s->in_batch)
		return ok;
	s->in_batch = false;
	if (ok) {
		search_mail_flush(s);
		ok = search_mail_commit(s, err);
	}
	if (ok) {
		struct sql q = sql_of(s->day, "INSERT OR REPLACE INTO "
					      "place(one, hour, offset) "
					      "VALUES(1, ?, ?)");
		sql_u64(&q, s->at.hour);
		sql_u64(&q, s->at.offset);
		sql_run(&q);
		store_commit(s->day);
		ok = store_good(s->day, err);
	}
	if (!ok) {
		search_mail_rollback(s);
		store_rollback(s->day);
		store_close(&s->day);
	}
	return ok;
}

bool search_step(struct search *s, uint32_t max_lines, bool *more,
		 struct err *err)
{
	struct journal_cursor before = s->at;
	int64_t indexed = s->indexed_ms;
	s->broken = false;
	*more = false;
	bool ok = journal_read(s->journal_dir, &s->at, max_lines, take_line, s,
			       more, err);
	if (ok && s->broken) {
		*err = s->err;
		ok = false;
	}
	if (end_batch(s, ok, err))
		return true;
	s->at = before;
	s->indexed_ms = indexed;
	return false;
}
