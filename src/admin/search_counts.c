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
