/*
 * What a line means for messages, refusals and counts; see search_private.h.
 *
 * A message's row lies in the file of the day that accepted it, and may be
 * changed days later. Each row says which line of the journal changed it
 * last; so lines that are taken once more, because a crash came between the
 * transactions of two files, change nothing.
 */
#include <stdio.h>

#include "admin/search_private.h"
#include "base/id.h"

enum { FIVE_MINUTES = 300, HOUR = 3600,
       OFFSET_BITS = 40 };
static const uint64_t DAY_MS = 86400000;

/* --- counts --------------------------------------------------------------- */

static void flush_count(struct store *d, const struct search_count *c)
{
	struct sql q = sql_of(d, "INSERT INTO counts(customer, step, slot, "
				 "what, number) VALUES(?, ?, ?, ?, ?) "
				 "ON CONFLICT DO UPDATE SET number = number + "
				 "excluded.number");
	sql_u64(&q, c->customer);
	sql_u64(&q, c->step_s);
	sql_i64(&q, c->slot);
	sql_text(&q, slice_of(c->what));
	sql_u64(&q, c->number);
	sql_run(&q);
}

void search_mail_flush(struct search *s)
{
	for (size_t i = 0; i < s->counts.count; i++)
		flush_count(s->day, &s->counts.rows[i]);
	s->counts.count = 0;
}

static struct search_count *count_of(struct search *s, uint32_t customer,
				     uint32_t step_s, int64_t slot,
				     const char *what)
{
	struct search_counts *c = &s->counts;
	/* What was counted last is counted next. */
	for (size_t i = c->count; i > 0; i--) {
		struct search_count *row = &c->rows[i - 1];
		if (row->customer == customer && row->slot == slot &&
		    row->step_s == step_s && strcmp(row->what, what) == 0)
			return row;
	}
	if (c->count == SEARCH_COUNTS_MAX)
		search_mail_flush(s);
	struct search_count *row = &c->rows[c->count++];
	*row = (struct search_count){ .customer = customer, .step_s = step_s,
				      .slot = slot };
	snprintf(row->what, sizeof(row->what), "%s", what);
	return row;
}

/* Of the customer, and of all together (0). */
static void add(struct search *s, uint32_t customer, int64_t at_ms,
		const char *what, uint64_t number)
{
	static const uint32_t steps[] = { FIVE_MINUTES, HOUR };
	int64_t at_s = at_ms / 1000;
	if (number == 0 || at_ms < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int64_t slot = at_s - at_s % (int64_t)steps[i];
		count_of(s, 0, steps[i], slot, what)->number += number;
		if (customer != 0)
			count_of(s, customer, steps[i], slot, what)->number +=
				number;
	}
}

static void add_times(struct search *s, const struct event *e,
		      const struct event_mail *m)
{
	char what[SEARCH_WHAT_MAX];
	struct id id;
	if (m->delivered == 0 || !id_parse(e->id, &id))
		return;
	int64_t took = e->at_ms - (int64_t)id.time_ms;
	size_t i = 0;
	while (i + 1 < SEARCH_TIMES && took > search_time_ms(i))
		i++;
	snprintf(what, sizeof(what), "took:%zu", i);
	add(s, m->customer, e->at_ms, what, m->delivered);
}

int64_t search_time_ms(size_t i)
{
	static const int64_t bounds[SEARCH_TIMES] = {
		100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000,
		900000, 3600000, 14400000, 86400000, 432000000, INT64_MAX,
	};
	invariant(i < SEARCH_TIMES);
	return bounds[i];
}

/* --- earlier days --------------------------------------------------------- */

/* Free, or the one that was not used for longest and may be closed. */
static struct search_earlier *place_for(struct search *s)
{
	struct search_earlier *best = NULL;
	for (size_t i = 0; i < SEARCH_EARLIER_MAX; i++) {
		struct search_earlier *e = &s->earlier[i];
		if (e->store == NULL)
			return e;
		if (!e->in_batch && (best == NULL || e->used < best->used))
			best = e;
	}
	if (best != NULL)
		store_close(&best->store);
	return best;
}

static struct search_earlier *find_earlier(struct search *s, uint64_t day)
{
	for (size_t i = 0; i < SEARCH_EARLIER_MAX; i++)
		if (s->earlier[i].store != NULL && s->earlier[i].day == day)
			return &s->earlier[i];
	struct search_earlier *e = place_for(s);
	struct err err;
	bool known;
	/* Its journal is gone, or was never here. */
	if (e == NULL || !search_day_known(s, day, &known, &err) || !known ||
	    !search_day_look(s, day, &e->store, &err))
		return NULL;
	e->day = day;
	/* Its changes must be on the disk before those of today's file. */
	struct sql q = sql_of(e->store, "PRAGMA synchronous = FULL");
	sql_run(&q);
	return e;
}

static struct store *earlier_store(struct search *s, uint64_t day)
{
	struct search_earlier *e = find_earlier(s, day);
	if (e == NULL)
		return NULL;
	if (!e->in_batch)
		store_begin(e->store);
	e->in_batch = true;
	e->used = ++s->uses;
	return e->store;
}

bool search_mail_commit(struct search *s, struct err *err)
{
	for (size_t i = 0; i < SEARCH_EARLIER_MAX; i++) {
		struct search_earlier *e = &s->earlier[i];
		if (!e->in_batch)
			continue;
		store_commit(e->store);
		if (!store_good(e->store, err))
			return false;
		e->in_batch = false;
	}
	return true;
}

void search_mail_rollback(struct search *s)
{
	for (size_t i = 0; i < SEARCH_EARLIER_MAX; i++) {
		struct search_earlier *e = &s->earlier[i];
		if (e->store == NULL)
			continue;
		store_rollback(e->store);
		e->in_batch = false;
		store_close(&e->store);
	}
	s->counts.count = 0;
}

void search_mail_close(struct search *s)
{
	for (size_t i = 0; i < SEARCH_EARLIER_MAX; i++)
		store_close(&s->earlier[i].store);
}

/* --- a message ------------------------------------------------------------ */

/* The place of a line in the journal: later lines have greater ones. */
static uint64_t place_of(const struct search *s)
{
	return (s->at.hour << OFFSET_BITS) | s->at.offset;
}

static void insert_message(struct search *s, const struct event *e,
			   const struct event_mail *m, uint64_t n)
{
	struct sql q = sql_of(s->day,
			      "INSERT OR IGNORE INTO messages(n, at, customer, "
			      "setting, sender, total, delivered, failed, "
			      "removed, held, tried, seen) "
			      "VALUES(?, ?, ?, ?, ?, ?, 0, 0, 0, ?, 0, ?)");
	sql_u64(&q, n);
	sql_i64(&q, e->at_ms);
	sql_u64(&q, m->customer);
	sql_u64(&q, m->setting);
	sql_text(&q, m->sender);
	sql_u64(&q, m->recipients);
	sql_u64(&q, m->held);
	sql_u64(&q, place_of(s));
	sql_run(&q);
}

static uint64_t row_of(struct store *d, slice id)
{
	struct sql q = sql_of(d, "SELECT n FROM events WHERE id = ? AND "
				 "event = 'accepted'");
	sql_text(&q, id);
	return sql_number(&q, 0);
}

/* Where its row is: today, or in the day that its id names, or the one after
 * that (it was accepted over midnight). NULL: nowhere, its journal is gone. */
static struct store *find_message(struct search *s, slice text, uint64_t *n)
{
	struct id id;
	*n = row_of(s->day, text);
	if (*n != 0)
		return s->day;
	if (!id_parse(text, &id))
		return NULL;
	uint64_t day = id.time_ms / DAY_MS;
	for (uint64_t i = day; i <= day + 1; i++) {
		struct store *d = i == s->day_number ? NULL :
						       earlier_store(s, i);
		*n = d != NULL ? row_of(d, text) : 0;
		if (*n != 0)
			return d;
	}
	return NULL;
}

/* What is told can't be more than there is. */
static const char attempt_sql[] =
	"UPDATE messages SET delivered = min(delivered + ?2, total), "
	"failed = min(failed + ?3, total), tried = 1, reply = ?4, seen = ?5 "
	"WHERE n = ?1 AND seen < ?5";
static const char held_sql[] =
	"UPDATE messages SET held = min(held + ?2, total - delivered - failed "
	"- removed), seen = ?5 WHERE n = ?1 AND seen < ?5";
static const char released_sql[] =
	"UPDATE messages SET held = max(held - ?2, 0), seen = ?5 "
	"WHERE n = ?1 AND seen < ?5";
static const char removed_sql[] =
	"UPDATE messages SET held = 0, removed = min(removed + ?2, total - "
	"delivered - failed), seen = ?5 WHERE n = ?1 AND seen < ?5";

static const char *change_of(enum event_kind kind)
{
	switch (kind) {
	case EVENT_DELIVERY:
		return attempt_sql;
	case EVENT_HELD:
		return held_sql;
	case EVENT_RELEASED:
		return released_sql;
	case EVENT_REMOVED:
		return removed_sql;
	case EVENT_ACCEPTED:
	case EVENT_REFUSED:
	case EVENT_OTHER:
		break;
	}
	return NULL;
}

static void change_message(struct search *s, const struct event *e,
			   const struct event_mail *m)
{
	uint64_t n;
	struct store *d = find_message(s, e->id, &n);
	if (d == NULL)
		return;
	struct sql q = sql_of(d, change_of(m->kind));
	sql_u64(&q, n);
	sql_u64(&q, m->kind == EVENT_DELIVERY ? m->delivered : m->recipients);
	sql_u64(&q, m->failed);
	sql_text(&q, slice_of(m->reply));
	sql_u64(&q, place_of(s));
	sql_run(&q);
}

/* --- a refusal ------------------------------------------------------------ */

static void insert_refusal(struct search *s, const struct event *e,
			   const struct event_mail *m, uint64_t n)
{
	struct sql q = sql_of(s->day,
			      "INSERT OR IGNORE INTO refusals(n, at, customer, "
			      "setting, sender, cause, client) "
			      "VALUES(?, ?, ?, ?, ?, ?, ?)");
	sql_u64(&q, n);
	sql_i64(&q, e->at_ms);
	sql_u64(&q, m->customer);
	sql_u64(&q, m->setting);
	sql_text(&q, m->sender);
	sql_text(&q, m->cause);
	sql_text(&q, e->client);
	sql_run(&q);
	q = sql_of(s->day, "INSERT INTO repeats(customer, cause, client, "
			   "hour, times, last) VALUES(?, ?, ?, ?, 1, ?) "
			   "ON CONFLICT DO UPDATE SET times = times + 1, "
			   "last = max(last, excluded.last)");
	sql_u64(&q, m->customer);
	sql_text(&q, m->cause);
	sql_text(&q, e->client);
	sql_i64(&q, e->at_ms / 1000 / HOUR);
	sql_i64(&q, e->at_ms);
	sql_run(&q);
}

static void note_refusal(struct search *s, const struct event *e,
			 const struct event_mail *m, uint64_t n)
{
	char what[SEARCH_WHAT_MAX];
	if (!m->goes_on)
		insert_refusal(s, e, m, n);
	snprintf(what, sizeof(what), "refused:%.*s",
		 m->cause.n < 20 ? (int)m->cause.n : 20,
		 m->cause.n > 0 ? m->cause.p : "");
	add(s, m->customer, e->at_ms, "refused", m->recipients);
	add(s, m->customer, e->at_ms, what, m->recipients);
}

/* --- told again ------------------------------------------------------------- */

bool search_mail_told_before(struct search *s, const struct event *e)
{
	if (e->position == 0 || e->at_ms < 0)
		return false;
	uint64_t day = (uint64_t)e->at_ms / DAY_MS;
	if (day >= s->day_number)
		return false;
	struct store *d = earlier_store(s, day);
	if (d == NULL)
		return false;
	struct sql q = sql_of(d, "SELECT 1 FROM events WHERE position = ? AND "
				 "id = ? AND event = ?");
	sql_u64(&q, e->position);
	sql_text(&q, e->id);
	sql_text(&q, e->name);
	return sql_number(&q, 0) != 0;
}

/* --- all ------------------------------------------------------------------ */

void search_mail_note(struct search *s, const struct event *e, uint64_t n)
{
	struct event_mail m;
	event_mail(e, &m);
	switch (m.kind) {
	case EVENT_ACCEPTED:
		insert_message(s, e, &m, n);
		add(s, m.customer, e->at_ms, "accepted", m.recipients);
		break;
	case EVENT_DELIVERY:
		change_message(s, e, &m);
		add(s, m.customer, e->at_ms, "delivered", m.delivered);
		add(s, m.customer, e->at_ms, "deferred", m.deferred);
		add(s, m.customer, e->at_ms, "failed", m.failed);
		add_times(s, e, &m);
		break;
	case EVENT_REMOVED:
		add(s, m.customer, e->at_ms, "removed", m.recipients);
		change_message(s, e, &m);
		break;
	case EVENT_HELD:
	case EVENT_RELEASED:
		change_message(s, e, &m);
		break;
	case EVENT_REFUSED:
		note_refusal(s, e, &m, n);
		break;
	case EVENT_OTHER:
		break;
	}
}
