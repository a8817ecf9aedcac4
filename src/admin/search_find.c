/*
 * Searching: first which messages, refusals and sessions are meant, newest
 * day first; then all lines of each, oldest day first.
 */
#include <stdlib.h>

#include "admin/event.h"
#include "admin/search_private.h"
#include "base/id.h"

enum { KEY_MAX = 32, ROW_MAX = 1000000 };
static const uint64_t DAY_MS = 86400000;

/* By what the lines of one row are found. */
enum key_kind { KEY_ID, KEY_REFERENCE, KEY_SESSION };
struct key {
	enum key_kind kind;
	char text[KEY_MAX];
	struct trace_row *row;
};

struct finding {
	struct search *search;
	const struct search_query *query;
	struct search_days days;
	struct key keys[SEARCH_LIMIT_MAX];
	size_t count, limit;
	uint64_t first_day;		/* nothing of it is older */
};

/* --- which ---------------------------------------------------------------- */

#define COLUMNS "SELECT e.id, e.reference, e.session, e.event FROM "
#define OF_CUSTOMER " AND (?2 = 0 OR e.customer = ?2) ORDER BY e.at DESC LIMIT ?3"

slice search_fold(slice s, char to[ADDRESS_FOLD_MAX])
{
	s = slice_sub(s, 0, ADDRESS_FOLD_MAX);
	for (size_t i = 0; i < s.n; i++)
		to[i] = ascii_lower(s.p[i]);
	return (slice){ to, s.n };
}

static slice without_brackets(slice s)
{
	if (slice_starts(s, SLICE("<")))
		s = slice_skip(s, 1);
	if (s.n > 0 && s.p[s.n - 1] == '>')
		s.n--;
	return s;
}

/* The statement that answers the query, and what it looks for. */
static const char *statement(const struct search_query *q, slice *value,
			     char folded[ADDRESS_FOLD_MAX])
{
	if ((*value = q->id).n > 0)
		return COLUMNS "events e WHERE (e.id = ?1 OR e.session = ?1)"
			OF_CUSTOMER;
	if ((*value = q->reference).n > 0)
		return COLUMNS "events e WHERE e.reference = ?1" OF_CUSTOMER;
	if ((*value = without_brackets(q->message_id)).n > 0)
		return COLUMNS "events e WHERE e.message_id = ?1" OF_CUSTOMER;
	if ((*value = q->client_ip).n > 0)
		return COLUMNS "events e WHERE e.client = ?1" OF_CUSTOMER;
	*value = search_fold(q->from.n > 0 ? q->from : q->to, folded);
	if (q->from.n > 0)
		return COLUMNS "parties p JOIN events e ON e.n = p.n WHERE "
			"p.kind = 0 AND p.address = ?1" OF_CUSTOMER;
	return COLUMNS "parties p JOIN events e ON e.n = p.n WHERE p.kind = 1 "
		"AND p.address = ?1" OF_CUSTOMER;
}

static bool add_key(struct finding *f, enum key_kind kind, slice text)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->keys[i].kind == kind &&
		    slice_eq(slice_of(f->keys[i].text), text))
			return true;
	struct key *k = &f->keys[f->count];
	if (!slice_to_cstr(text, k->text, sizeof(k->text)))
		return true;
	k->kind = kind;
	k->row = trace_row_new();
	f->count += k->row != NULL;
	return k->row != NULL;
}

static bool take_match(struct finding *f, const struct sql *q)
{
	slice id = sql_peek(q, 0), reference = sql_peek(q, 1);
	slice session = sql_peek(q, 2);
	if (id.n > 0)
		return add_key(f, KEY_ID, id);
	if (reference.n > 0)
		return add_key(f, KEY_REFERENCE, reference);
	return session.n == 0 || add_key(f, KEY_SESSION, session);
}

static bool look_in_day(struct finding *f, uint64_t day, struct err *err)
{
	struct store *d;
	char folded[ADDRESS_FOLD_MAX];
	slice value;
	bool memory = true;
	if (!search_day_look(f->search, day, &d, err))
		return false;
	struct sql q = sql_of(d, statement(f->query, &value, folded));
	sql_text(&q, value);
	sql_u64(&q, f->query->customer);
	/* A message has several lines. */
	sql_u64(&q, f->limit * 20);
	while (f->count < f->limit && sql_row(&q)) {
		memory = take_match(f, &q);
		if (!memory)
			break;
	}
	sql_end(&q);
	bool ok = store_good(d, err);
	store_close(&d);
	return ok && (memory || err_set_memory(err, "search"));
}

/* --- all of each ---------------------------------------------------------- */

static const char *lines_of(enum key_kind kind)
{
	switch (kind) {
	case KEY_ID:
		return "SELECT line FROM events WHERE id = ? ORDER BY at, n "
		       "LIMIT 5000";
	case KEY_REFERENCE:
		return "SELECT line FROM events WHERE reference = ? "
		       "ORDER BY at, n LIMIT 5000";
	/* Behind a shared address one session may be several customers'. */
	case KEY_SESSION:
		return "SELECT line FROM events WHERE session = ?1 AND "
		       "id IS NULL AND (?2 = 0 OR customer = ?2) "
		       "ORDER BY at, n LIMIT 5000";
	}
	unreachable_state("a kind of key");
}

static bool gather_day(struct finding *f, uint64_t day, struct err *err)
{
	struct store *d;
	bool memory = true;
	if (!search_day_look(f->search, day, &d, err))
		return false;
	for (size_t i = 0; i < f->count && memory; i++) {
		struct sql q = sql_of(d, lines_of(f->keys[i].kind));
		sql_text(&q, slice_of(f->keys[i].text));
		if (f->keys[i].kind == KEY_SESSION)
			sql_u64(&q, f->query->customer);
		while (memory && sql_row(&q))
			memory = trace_row_add(f->keys[i].row,
					       sql_peek(&q, 0));
		sql_end(&q);
	}
	bool ok = store_good(d, err);
	store_close(&d);
	return ok && (memory || err_set_memory(err, "search"));
}

static bool give(struct finding *f, bool (*each)(void *ctx, slice row),
		 void *ctx, struct err *err)
{
	struct buf out;
	bool ok = true, wanted = true;
	buf_init(&out, ROW_MAX);
	for (size_t i = 0; i < f->count && ok && wanted; i++) {
		buf_clear(&out);
		/* One that is too long for a frame is left out. */
		if (trace_row_write(f->keys[i].row, &out))
			wanted = each(ctx, buf_slice(&out));
		else if (!out.failed)
			ok = err_set_memory(err, "search");
	}
	buf_fini(&out);
	return ok;
}

static bool find(struct finding *f, bool (*each)(void *ctx, slice row),
		 void *ctx, struct err *err)
{
	struct id id;
	if (!search_days(f->search, &f->days, err))
		return false;
	/* An id says when it was made. */
	if (id_parse(f->query->id, &id) && id.time_ms / DAY_MS > 0)
		f->first_day = id.time_ms / DAY_MS - 1;
	size_t oldest = 0;
	while (oldest < f->days.count && f->days.days[oldest] < f->first_day)
		oldest++;
	for (size_t i = f->days.count; i > oldest && f->count < f->limit; i--)
		if (!look_in_day(f, f->days.days[i - 1], err))
			return false;
	for (size_t i = oldest; f->count > 0 && i < f->days.count; i++)
		if (!gather_day(f, f->days.days[i], err))
			return false;
	return give(f, each, ctx, err);
}

bool search_find(struct search *s, const struct search_query *q,
		 bool (*each)(void *ctx, slice json_object), void *ctx,
		 struct err *err)
{
	struct finding *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return err_set_memory(err, "search");
	f->search = s;
	f->query = q;
	f->limit = q->limit == 0 ? SEARCH_LIMIT_DEFAULT
		 : q->limit < SEARCH_LIMIT_MAX ? q->limit : SEARCH_LIMIT_MAX;
	bool ok = find(f, each, ctx, err);
	for (size_t i = 0; i < f->count; i++)
		trace_row_free(&f->keys[i].row);
	free(f);
	return ok;
}

/* --- alerts ---------------------------------------------------------------- */

static bool alerts_of_day(struct search *s, uint64_t day, uint32_t customer,
			  uint64_t below, uint32_t *left,
			  void (*each)(void *, struct search_cursor, slice),
			  void *ctx, struct err *err)
{
	struct store *d;
	if (!search_day_look(s, day, &d, err))
		return false;
	struct sql q = sql_of(d, "SELECT n, line FROM events WHERE "
				 "event = 'limit' AND (?1 = 0 OR customer = "
				 "?1) AND n < ?2 ORDER BY n DESC LIMIT ?3");
	sql_u64(&q, customer);
	sql_u64(&q, below);
	sql_u64(&q, *left);
	while (sql_row(&q)) {
		struct search_cursor at = { day, sql_get_u64(&q, 0) };
		each(ctx, at, sql_peek(&q, 1));
		--*left;
	}
	bool ok = store_good(d, err);
	store_close(&d);
	return ok;
}

bool search_alerts(struct search *s, uint32_t customer,
		   struct search_cursor after, uint32_t limit,
		   void (*each)(void *ctx, struct search_cursor at,
				slice line),
		   void *ctx, struct err *err)
{
	struct search_days *days = calloc(1, sizeof(*days));
	if (days == NULL)
		return err_set_memory(err, "search");
	bool ok = search_days(s, days, err);
	for (size_t i = days->count; ok && i > 0 && limit > 0; i--) {
		uint64_t day = days->days[i - 1];
		if (after.day != 0 && day > after.day)
			continue;
		ok = alerts_of_day(s, day, customer,
				   day == after.day ? after.n : INT64_MAX,
				   &limit, each, ctx, err);
	}
	free(days);
	return ok;
}
