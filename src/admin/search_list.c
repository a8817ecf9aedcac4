/*
 * Lists of messages and refusals: newest first, from the newest day's file to
 * the oldest. Within a file rows are looked at in ranges of their numbers,
 * wider or narrower after each range by how long the last one took, so that a
 * step is short however much there is and however rare what is looked for.
 *
 * The first rows make the page; what follows is only counted, to a bound.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin/search_private.h"
#include "os/clock.h"

enum {
	TERMS_MAX = 5,
	SQL_MAX = 4096,
	WIDTH_FIRST = 4096,
	WIDTH_MAX = 262144,		/* what follows may be denser */
	FAST_NS = 4000000,		/* a range may be wider */
	SLOW_NS = 12000000,		/* it was too wide */
};
static const uint64_t DAY_MS = 86400000, HOUR_MS = 3600000;

/* One thing to look for: where it stands, as a set of numbers of rows. */
enum place {
	IN_IDS, IN_REFERENCES, IN_MESSAGE_IDS, IN_CLIENTS,
	IN_ADDRESSES, IN_DOMAINS, IN_SENDERS, IN_RECIPIENTS, IN_DESTINATIONS,
};
struct term {
	enum place place;
	slice value;
};

struct search_list {
	struct search *search;
	struct search_filter filter;
	bool (*sees)(void *ctx, slice sender);
	void (*each)(void *ctx, const struct search_row *row);
	void *ctx;

	char typed[SEARCH_TEXT_MAX];
	char folded[TERMS_MAX][SEARCH_TEXT_MAX];
	struct term terms[TERMS_MAX];
	size_t term_count;
	bool hopeless;			/* the text names nothing */
	char page_sql[SQL_MAX], count_sql[SQL_MAX];

	struct search_days days;
	size_t day;			/* index behind the one looked at */
	struct store *store;		/* of it */
	struct store *before;		/* of the day before before_day */
	uint64_t before_day;
	uint64_t below;			/* what is left of it: n < below */
	uint64_t width;

	uint32_t rows;
	uint64_t count;
	struct search_cursor last;	/* row of the page */
	bool more;			/* there is one behind it */
};

/* --- states ---------------------------------------------------------------- */

static const struct {
	const char *name, *sql;
} states[STATE_COUNT] = {
	[STATE_ANY] = { NULL, "1" },
	[STATE_WAITING] = { "waiting", "m.delivered + m.failed + m.removed < "
			    "m.total AND m.delivered + m.failed + m.removed + "
			    "m.held < m.total AND m.tried = 0" },
	[STATE_DEFERRED] = { "deferred", "m.delivered + m.failed + m.removed "
			     "< m.total AND m.delivered + m.failed + "
			     "m.removed + m.held < m.total AND m.tried = 1" },
	[STATE_HELD] = { "held", "m.held > 0" },
	[STATE_DELIVERED] = { "delivered", "m.delivered > 0" },
	[STATE_FAILED] = { "failed", "m.failed > 0" },
	[STATE_REMOVED] = { "removed", "m.removed > 0" },
};

const char *search_state_name(enum search_state state)
{
	return states[state].name;
}

/* The one that needs attention most. */
enum search_state search_row_state(const struct search_row *row)
{
	uint32_t ended = row->delivered + row->failed + row->removed;
	if (row->failed > 0)
		return STATE_FAILED;
	if (row->held > 0)
		return STATE_HELD;
	if (ended < row->total)
		return row->tried ? STATE_DEFERRED : STATE_WAITING;
	return row->delivered > 0 ? STATE_DELIVERED : STATE_REMOVED;
}

/* --- what is looked for ---------------------------------------------------- */

static void add_term(struct search_list *l, enum place place, slice value)
{
	invariant(l->term_count < TERMS_MAX);
	l->terms[l->term_count++] = (struct term){ place, value };
}

static void add_folded(struct search_list *l, enum place place, slice value)
{
	if (value.n > 0)
		add_term(l, place,
			 search_fold(value, l->folded[l->term_count]));
}

static void add_typed(struct search_list *l)
{
	static const enum place places[] = {
		[TERM_ID] = IN_IDS, [TERM_REFERENCE] = IN_REFERENCES,
		[TERM_MESSAGE_ID] = IN_MESSAGE_IDS,
		[TERM_ADDRESS] = IN_ADDRESSES, [TERM_DOMAIN] = IN_DOMAINS,
		[TERM_CLIENT] = IN_CLIENTS,
	};
	slice clean;
	enum search_term term = search_text(l->filter.text, l->typed, &clean);
	if (term != TERM_NONE)
		add_term(l, places[term], clean);
	else
		l->hopeless = slice_trim(l->filter.text).n > 0;
}

static void gather_terms(struct search_list *l)
{
	const struct search_filter *f = &l->filter;
	add_typed(l);
	add_folded(l, IN_SENDERS, f->from);
	add_folded(l, IN_RECIPIENTS, f->to);
	add_folded(l, IN_DESTINATIONS, f->destination);
	if (f->client.n > 0)
		add_term(l, IN_CLIENTS, f->client);
}

/* --- statements ------------------------------------------------------------ */

/* Parameters: 1 n below, 2 n from, 3 customer, 4 how many, 5 setting, 6 since,
 * 7 until, 8 cause, then the terms. */
enum { PARAMETER_TERMS = 9 };

#define PARTY(kinds) "parties WHERE kind IN (" kinds ") AND address = @"
static const struct {
	const char *from;		/* @: the term's parameter */
	bool by_customer;		/* the table has the customer */
	bool many;			/* in ranges: there may be millions */
} places[] = {
	[IN_IDS] = { "events WHERE (id = @ OR session = @)", false, false },
	[IN_REFERENCES] = { "events WHERE reference = @", false, false },
	[IN_MESSAGE_IDS] = { "events WHERE message_id = @", false, true },
	[IN_CLIENTS] = { "events WHERE client = @", false, true },
	[IN_ADDRESSES] = { PARTY("0, 1"), true, true },
	[IN_DOMAINS] = { PARTY("2, 3"), true, true },
	[IN_SENDERS] = { PARTY("0"), true, true },
	[IN_RECIPIENTS] = { PARTY("1"), true, true },
	[IN_DESTINATIONS] = { PARTY("3"), true, true },
};

static void put_term(struct buf *out, const struct search_list *l, size_t i)
{
	enum place place = l->terms[i].place;
	buf_append(out, SLICE("SELECT n FROM "));
	for (const char *p = places[place].from; *p != '\0'; p++)
		if (*p == '@')
			buf_printf(out, "?%d", PARAMETER_TERMS + (int)i);
		else
			buf_append_char(out, *p);
	if (places[place].by_customer && l->filter.customer != 0)
		buf_append(out, SLICE(" AND customer = ?3"));
	if (places[place].many)
		buf_append(out, SLICE(" AND n < ?1 AND n >= ?2"));
}

/* The rarest leads: what was typed, else the first; the others are looked up
 * for each of its rows. CROSS JOIN keeps that order. */
static void put_from(struct buf *out, const struct search_list *l,
		     enum search_list_of of)
{
	const char *table = of == LIST_MESSAGES ? "messages" : "refusals";
	if (l->term_count == 0) {
		buf_printf(out, " FROM %s m", table);
		return;
	}
	buf_append(out, SLICE(" FROM (SELECT DISTINCT n FROM ("));
	put_term(out, l, 0);
	buf_printf(out, ")) t CROSS JOIN %s m ON m.n = t.n", table);
}

static void put_where(struct buf *out, const struct search_list *l,
		      enum search_list_of of)
{
	const struct search_filter *f = &l->filter;
	buf_append(out, SLICE(" WHERE m.n < ?1 AND m.n >= ?2 AND (?5 = 0 OR "
			      "m.setting = ?5) AND m.at >= ?6 AND m.at < ?7"));
	if (f->customer != 0)
		buf_append(out, SLICE(" AND m.customer = ?3"));
	if (of == LIST_MESSAGES)
		buf_printf(out, " AND ?8 = '' AND %s", states[f->state].sql);
	else
		buf_append(out, SLICE(" AND (?8 = '' OR m.cause = ?8)"));
	for (size_t i = 1; i < l->term_count; i++) {
		buf_append(out, SLICE(" AND m.n IN ("));
		put_term(out, l, i);
		buf_append_char(out, ')');
	}
}

/* Columns of a page, as `give` reads them: a refusal has no recipients. */
static const char message_columns[] =
	"SELECT m.n, m.sender, m.customer, m.at, e.line, m.total, "
	"m.delivered, m.failed, m.removed, m.held, m.tried, m.reply, NULL, "
	"NULL";
static const char refusal_columns[] =
	"SELECT m.n, m.sender, m.customer, m.at, e.line, 0, 0, 0, 0, 0, 0, "
	"NULL, m.cause, m.client";

static void put_select(struct buf *out, const struct search_list *l,
		       enum search_list_of of, bool page)
{
	if ((l->filter.of & of) == 0)
		return;
	if (out->n > 0)
		buf_append(out, SLICE(" UNION ALL "));
	if (!page)
		buf_append(out, SLICE("SELECT m.n, m.sender"));
	else
		buf_append(out, slice_of(of == LIST_MESSAGES ?
						 message_columns :
						 refusal_columns));
	put_from(out, l, of);
	if (page)
		buf_append(out, SLICE(" JOIN events e ON e.n = m.n"));
	put_where(out, l, of);
}

static bool write_one(const struct search_list *l, bool page,
		      char to[SQL_MAX])
{
	struct buf out;
	buf_init(&out, SQL_MAX);
	put_select(&out, l, LIST_MESSAGES, page);
	put_select(&out, l, LIST_REFUSALS, page);
	/* Numbers are those of lines, so both are in one order. */
	buf_append(&out, SLICE(" ORDER BY 1 DESC LIMIT ?4"));
	bool ok = slice_to_cstr(buf_slice(&out), to, SQL_MAX);
	buf_fini(&out);
	return ok;
}

static bool write_sql(struct search_list *l)
{
	return write_one(l, true, l->page_sql) &&
	       write_one(l, false, l->count_sql);
}

static void bind(struct sql *q, const struct search_list *l, uint64_t from,
		 uint64_t how_many)
{
	const struct search_filter *f = &l->filter;
	sql_u64(q, l->below);
	sql_u64(q, from);
	sql_u64(q, f->customer);
	sql_u64(q, how_many);
	sql_u64(q, f->setting);
	sql_i64(q, f->since_ms);
	sql_i64(q, f->until_ms > 0 ? f->until_ms : INT64_MAX);
	sql_text(q, f->cause);
	for (size_t i = 0; i < l->term_count; i++)
		sql_text(q, l->terms[i].value);
}

/* --- days ------------------------------------------------------------------ */

static bool day_wanted(const struct search_list *l, uint64_t day)
{
	const struct search_filter *f = &l->filter;
	/* Lines that are told again may lie in the file of a later day. */
	if (f->since_ms > 0 && day < (uint64_t)f->since_ms / DAY_MS)
		return false;
	if (f->until_ms > 0 && day > (uint64_t)f->until_ms / DAY_MS + 1)
		return false;
	return f->after.day == 0 || day <= f->after.day;
}

static uint64_t last_n(struct store *d)
{
	struct sql q = sql_of(d, "SELECT max(n) FROM events");
	return sql_number(&q, 0);
}

/* Opens the next older day that may have rows; *none: there is no more. */
static bool next_day(struct search_list *l, bool *none, struct err *err)
{
	store_close(&l->store);
	while (l->day > 0 && !day_wanted(l, l->days.days[l->day - 1]))
		l->day--;
	*none = l->day == 0;
	if (*none)
		return true;
	uint64_t day = l->days.days[--l->day];
	if (!search_day_look(l->search, day, &l->store, err))
		return false;
	l->below = day == l->filter.after.day ? l->filter.after.n :
						last_n(l->store) + 1;
	return store_good(l->store, err);
}

/* --- rows ------------------------------------------------------------------ */

static bool is_there(const struct search_list *l, const struct sql *q)
{
	return l->sees == NULL || l->sees(l->ctx, sql_peek(q, 1));
}

static uint32_t number(const struct sql *q, int column)
{
	uint64_t v = sql_get_u64(q, column);
	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static uint64_t times_in(struct store *d, const struct search_row *row)
{
	int64_t hour = row->at_ms / (int64_t)HOUR_MS;
	struct sql q = sql_of(d, "SELECT sum(times) FROM repeats WHERE "
				 "customer = ? AND cause = ? AND client = ? "
				 "AND hour > ? AND hour <= ?");
	sql_u64(&q, row->customer);
	sql_text(&q, row->cause);
	sql_text(&q, row->client);
	sql_i64(&q, hour - 24);
	sql_i64(&q, hour);
	return sql_number(&q, 0);
}

/* In the file of the day and in that of the day before. */
static uint64_t times_of(struct search_list *l, const struct search_row *row)
{
	struct err err;
	uint64_t times = times_in(l->store, row), day = l->days.days[l->day];
	if (l->before_day != day) {
		store_close(&l->before);
		l->before_day = day;
		if (l->day > 0 && l->days.days[l->day - 1] == day - 1 &&
		    !search_day_look(l->search, day - 1, &l->before, &err))
			return times;
	}
	return l->before != NULL ? times + times_in(l->before, row) : times;
}

static void give(struct search_list *l, const struct sql *q)
{
	struct search_row row = {
		.sender = sql_peek(q, 1),
		.customer = number(q, 2),
		.at_ms = sql_get_i64(q, 3),
		.line = sql_peek(q, 4),
	};
	row.total = number(q, 5);
	row.delivered = number(q, 6);
	row.failed = number(q, 7);
	row.removed = number(q, 8);
	row.held = number(q, 9);
	row.tried = number(q, 10) != 0;
	row.reply = sql_peek(q, 11);
	row.cause = sql_peek(q, 12);
	row.client = sql_peek(q, 13);
	row.is_refusal = row.total == 0;
	if (row.is_refusal)
		row.times = times_of(l, &row);
	l->each(l->ctx, &row);
}

/* One range. Its page part ends at the page's last row, so that the rest of
 * the range is counted by the next step. */
static void look_page(struct search_list *l, uint64_t from)
{
	struct sql q = sql_of(l->store, l->page_sql);
	bind(&q, l, from, INT64_MAX);
	uint64_t reached = from;
	while (sql_row(&q)) {
		uint64_t n = sql_get_u64(&q, 0);
		if (!is_there(l, &q))
			continue;
		give(l, &q);
		l->count++;
		l->last = (struct search_cursor){ l->days.days[l->day], n };
		if (++l->rows == l->filter.limit) {
			reached = n;
			sql_end(&q);
			break;
		}
	}
	l->below = reached;
}

static void look_count(struct search_list *l, uint64_t from)
{
	struct sql q = sql_of(l->store, l->count_sql);
	bind(&q, l, from, SEARCH_COUNT_MAX + 1);
	while (sql_row(&q)) {
		if (!is_there(l, &q))
			continue;
		l->count++;
		l->more = true;
	}
	l->below = from;
}

static bool look(struct search_list *l, struct err *err)
{
	int64_t begun = os_monotonic_ns();
	uint64_t from = l->below > l->width ? l->below - l->width : 0;
	if (l->rows < l->filter.limit)
		look_page(l, from);
	else
		look_count(l, from);
	int64_t took = os_monotonic_ns() - begun;
	if (took < FAST_NS && l->width < WIDTH_MAX)
		l->width *= 2;
	else if (took > SLOW_NS && l->width > 64)
		l->width /= 2;
	return store_good(l->store, err);
}

/* --- all ------------------------------------------------------------------- */

bool search_list_new(struct search *s, const struct search_filter *f,
		     bool (*sees)(void *ctx, slice sender),
		     void (*each)(void *ctx, const struct search_row *row),
		     void *ctx, struct search_list **out, struct err *err)
{
	struct search_list *l = calloc(1, sizeof(*l));
	*out = l;
	if (l == NULL)
		return err_set_memory(err, "search");
	invariant(f->limit > 0 && f->of != 0);
	l->search = s;
	l->filter = *f;
	l->sees = sees;
	l->each = each;
	l->ctx = ctx;
	l->width = WIDTH_FIRST;
	gather_terms(l);
	if (!search_days(s, &l->days, err) ||
	    (!write_sql(l) && !err_set_memory(err, "search"))) {
		search_list_free(out);
		return false;
	}
	l->day = l->hopeless ? 0 : l->days.count;
	return true;
}

void search_list_free(struct search_list **l)
{
	if (*l == NULL)
		return;
	store_close(&(*l)->store);
	store_close(&(*l)->before);
	free(*l);
	*l = NULL;
}

bool search_list_step(struct search_list *l, bool *done, struct err *err)
{
	*done = l->count > SEARCH_COUNT_MAX && l->rows == l->filter.limit;
	if (*done)
		return true;
	if (l->store == NULL || l->below == 0) {
		if (!next_day(l, done, err))
			return false;
		if (*done)
			return true;
	}
	return look(l, err);
}

uint64_t search_list_count(const struct search_list *l)
{
	return l->count;
}

bool search_list_next(const struct search_list *l, struct search_cursor *out)
{
	*out = l->last;
	return l->more;
}
