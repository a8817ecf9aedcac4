/* What overviews add up; see search.h. Some 720 hours of a customer at most,
 * a few rows each. */
#include <stdlib.h>

#include "admin/search_private.h"

static const uint64_t DAY_S = 86400;

static const char *const kinds[SUM_KINDS] = {
	[SUM_ACCEPTED] = "accepted", [SUM_DELIVERED] = "delivered",
	[SUM_DEFERRED] = "deferred", [SUM_FAILED] = "failed",
	[SUM_REMOVED] = "removed",   [SUM_REFUSED] = "refused",
};

const char *search_sum_name(enum search_sum kind)
{
	return kinds[kind];
}

static void add_cause(struct search_sums *s, slice cause, uint64_t number)
{
	size_t i = 0;
	while (i < s->cause_count &&
	       !slice_eq(slice_of(s->causes[i].cause), cause))
		i++;
	if (i == SEARCH_CAUSES_MAX)
		return;
	if (i == s->cause_count) {
		if (!slice_to_cstr(cause, s->causes[i].cause,
				   sizeof(s->causes[i].cause)))
			return;
		s->cause_count++;
	}
	s->causes[i].number += number;
}

static void add_what(struct search_sums *s, size_t slot, slice what,
		     uint64_t number)
{
	uint64_t class;
	slice rest = what, word = slice_cut(&rest, ':');
	if (slice_eq(word, SLICE("took")) &&
	    slice_u64(rest, SEARCH_TIMES - 1, &class)) {
		s->times[class] += number;
		return;
	}
	if (rest.n > 0) {
		add_cause(s, rest, number);
		return;
	}
	for (size_t i = 0; i < SUM_KINDS; i++) {
		if (!slice_eq(what, slice_of(kinds[i])))
			continue;
		s->all[i] += number;
		s->series[i][slot] += number;
	}
}

static bool add_day(struct search *search, uint64_t day, uint32_t customer,
		    struct search_sums *s, struct err *err)
{
	struct store *d;
	int64_t until = s->start_s + (int64_t)s->slots * s->step_s;
	if (!search_day_look(search, day, &d, err))
		return false;
	struct sql q = sql_of(d, "SELECT slot, what, number FROM counts "
				 "WHERE customer = ? AND step = ? AND "
				 "slot >= ? AND slot < ?");
	sql_u64(&q, customer);
	sql_u64(&q, s->step_s);
	sql_i64(&q, s->start_s);
	sql_i64(&q, until);
	while (sql_row(&q)) {
		int64_t slot = (sql_get_i64(&q, 0) - s->start_s) /
			       (int64_t)s->step_s;
		if (slot >= 0 && slot < (int64_t)s->slots)
			add_what(s, (size_t)slot, sql_peek(&q, 1),
				 sql_get_u64(&q, 2));
	}
	bool ok = store_good(d, err);
	store_close(&d);
	return ok;
}

bool search_sum(struct search *search, uint32_t customer, uint32_t step_s,
		int64_t start_s, uint32_t slots, struct search_sums *out,
		struct err *err)
{
	struct search_days *days = calloc(1, sizeof(*days));
	invariant(slots <= SEARCH_SLOTS_MAX && start_s >= 0 && step_s > 0);
	*out = (struct search_sums){ .step_s = step_s, .start_s = start_s,
				     .slots = slots };
	if (days == NULL)
		return err_set_memory(err, "search");
	uint64_t first = (uint64_t)start_s / DAY_S;
	bool ok = search_days(search, days, err);
	/* What is told again may lie in the file of a later day. */
	for (size_t i = 0; ok && i < days->count; i++)
		if (days->days[i] >= first)
			ok = add_day(search, days->days[i], customer, out,
				     err);
	free(days);
	return ok;
}

int64_t search_median_ms(const struct search_sums *s)
{
	uint64_t all = 0, below = 0;
	for (size_t i = 0; i < SEARCH_TIMES; i++)
		all += s->times[i];
	for (size_t i = 0; i < SEARCH_TIMES && all > 0; i++) {
		int64_t from = i > 0 ? search_time_ms(i - 1) : 0;
		uint64_t wanted = (all + 1) / 2 - below;
		if (wanted > s->times[i]) {
			below += s->times[i];
			continue;
		}
		if (i + 1 == SEARCH_TIMES)
			return from;
		/* As if they lay evenly within their class. */
		return from + (search_time_ms(i) - from) * (int64_t)wanted /
				      (int64_t)s->times[i];
	}
	return -1;
}

/* --- refused again and again ------------------------------------------------ */

enum { REPEATS_SEEN = 200 };		/* of a day */

struct repeats {
	struct search_repeat rows[2 * REPEATS_SEEN];
	size_t count;
};

static void add_repeat(struct repeats *r, const struct sql *q)
{
	struct search_repeat seen = { .times = sql_get_u64(q, 2),
				      .last_ms = sql_get_i64(q, 3) };
	if (!slice_to_cstr(sql_peek(q, 0), seen.cause, sizeof(seen.cause)) ||
	    !slice_to_cstr(sql_peek(q, 1), seen.client, sizeof(seen.client)))
		return;
	for (size_t i = 0; i < r->count; i++) {
		struct search_repeat *row = &r->rows[i];
		if (strcmp(row->cause, seen.cause) != 0 ||
		    strcmp(row->client, seen.client) != 0)
			continue;
		row->times += seen.times;
		if (seen.last_ms > row->last_ms)
			row->last_ms = seen.last_ms;
		return;
	}
	if (r->count < ARRAY_LEN(r->rows))
		r->rows[r->count++] = seen;
}

static bool repeats_of_day(struct search *s, uint64_t day, uint32_t customer,
			   int64_t since_ms, struct repeats *r,
			   struct err *err)
{
	struct store *d;
	if (!search_day_look(s, day, &d, err))
		return false;
	struct sql q = sql_of(d, "SELECT cause, client, sum(times), max(last) "
				 "FROM repeats WHERE customer = ? AND hour >= "
				 "? GROUP BY cause, client ORDER BY 3 DESC "
				 "LIMIT ?");
	sql_u64(&q, customer);
	sql_i64(&q, since_ms / 3600000);
	sql_u64(&q, REPEATS_SEEN);
	while (sql_row(&q))
		add_repeat(r, &q);
	bool ok = store_good(d, err);
	store_close(&d);
	return ok;
}

static int by_times(const void *a, const void *b)
{
	const struct search_repeat *x = a, *y = b;
	return x->times > y->times ? -1 : x->times < y->times;
}

bool search_repeats(struct search *s, uint32_t customer, int64_t since_ms,
		    uint64_t least,
		    struct search_repeat out[SEARCH_REPEATS_MAX],
		    size_t *count, struct err *err)
{
	struct search_days *days = calloc(1, sizeof(*days));
	struct repeats *r = calloc(1, sizeof(*r));
	*count = 0;
	bool ok = days != NULL && r != NULL;
	if (!ok)
		err_set_memory(err, "search");
	ok = ok && search_days(s, days, err);
	for (size_t i = days ? days->count : 0; ok && i > 0; i--)
		if ((int64_t)days->days[i - 1] >= since_ms / 86400000)
			ok = repeats_of_day(s, days->days[i - 1], customer,
					    since_ms, r, err);
	if (ok)
		qsort(r->rows, r->count, sizeof(r->rows[0]), by_times);
	for (size_t i = 0; ok && i < r->count && *count < SEARCH_REPEATS_MAX;
	     i++)
		if (r->rows[i].times >= least)
			out[(*count)++] = r->rows[i];
	free(days);
	free(r);
	return ok;
}
