/*
 * needs: what only a person can settle, worst first. From the index (refused
 * again and again, limits), the store (entries that await sharing) and relay
 * (held mail, destinations that are not reached).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/calls_index.h"
#include "admin/event.h"
#include "admin/search.h"
#include "base/json.h"
#include "os/clock.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 16384, ALERTS_MAX = 20, INERT_MAX = 20,
       REFUSED_LEAST = 3 };
static const int64_t DAY_MS = 86400000, PEAK_MS = 600000;

/* --- a row ------------------------------------------------------------------ */

/* Begins {id, kind, severity, since, count, values: {; end_row closes both. */
static struct json *begin_row(struct call_object *row, slice id,
			      const char *kind, const char *severity,
			      int64_t since_ms, uint64_t count)
{
	struct json *j = call_row_begin(row, ROW_MAX);
	json_member_string(j, "id", id);
	json_member_cstr(j, "kind", kind);
	json_member_cstr(j, "severity", severity);
	json_member_time_or_null(j, "since", since_ms);
	json_member_u64(j, "count", count);
	json_key(j, "values");
	json_object(j);
	return j;
}

static void end_row(struct admin_call *call, struct call_object *row)
{
	json_object_end(&row->json);
	call_row_end(call, row);
}

/* --- refused again and again ------------------------------------------------ */

static void give_repeat(struct admin_call *call, const struct search_repeat *r)
{
	char id[100];
	struct call_object row;
	bool address = strcmp(r->cause, "address") == 0;
	snprintf(id, sizeof(id), "refused:%s:%s", r->cause, r->client);
	struct json *j = begin_row(&row, slice_of(id),
				   address ? "address_refused" :
					     "refused_often",
				   "warn", r->last_ms, r->times);
	json_member_cstr(j, "address", r->client);
	json_member_cstr(j, "cause", r->cause);
	json_member_cstr(j, "helo", "-");
	json_key(j, "last_at");
	json_time_ms(j, r->last_ms);
	end_row(call, &row);
}

/* What a setting, a login or the sending system would mend; what limits and
 * budgets refuse has needs of its own. */
static bool is_mendable(const char *cause)
{
	static const char *const others[] = { "limit_day", "limit_peak",
					      "limit_user", "dos", "content",
					      "route", "suspended", "plan" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(cause, others[i]) == 0)
			return false;
	return true;
}

static bool give_repeats(struct admin_call *call, uint32_t customer,
			 int64_t now, struct err *err)
{
	struct search_repeat rows[SEARCH_REPEATS_MAX];
	size_t count;
	if (!search_repeats(call->admin->search, customer, now - DAY_MS,
			    REFUSED_LEAST, rows, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (is_mendable(rows[i].cause))
			give_repeat(call, &rows[i]);
	return true;
}

/* --- limits ----------------------------------------------------------------- */

/* The newest alert of each limit says how it stands. */
struct limits_seen {
	struct admin_call *call;
	int64_t now;
	char seen[ALERTS_MAX][40];
	size_t count;
};

static bool is_new(struct limits_seen *l, const char *key)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->seen[i], key) == 0)
			return false;
	if (l->count == ALERTS_MAX)
		return false;
	snprintf(l->seen[l->count++], sizeof(l->seen[0]), "%s", key);
	return true;
}

static void give_limit(struct limits_seen *l, const struct args *row,
		       slice limit, int64_t at_ms)
{
	uint64_t percent = 0, used = 0, allowed = 0, user = 0;
	char id[60], key[40];
	struct call_object out;
	if (args_u64(row, "percent", 1000, &percent) != ARGS_FOUND ||
	    args_u64(row, "used", INT64_MAX, &used) != ARGS_FOUND ||
	    args_u64(row, "allowed", INT64_MAX, &allowed) != ARGS_FOUND ||
	    args_u64(row, "user", UINT32_MAX, &user) == ARGS_MALFORMED)
		return;
	limit = slice_sub(limit, 0, 20);
	snprintf(key, sizeof(key), "%.*s:%" PRIu64, SLICE_ARG(limit), user);
	if (!is_new(l, key))
		return;
	bool full = percent >= 100;
	snprintf(id, sizeof(id), "limit:%s", key);
	const struct user *u = view_user_by_id(l->call->admin->view,
					       (uint32_t)user);
	struct json *j = begin_row(&out, slice_of(id),
				   full ? "limit_full" : "limit_near",
				   full ? "bad" : "warn", at_ms, 1);
	json_member_string(j, "limit", limit);
	json_member_u64(j, "percent", percent);
	json_member_u64(j, "used", used);
	json_member_u64(j, "max", allowed);
	if (u != NULL)
		json_member_string(j, "user", u->address);
	end_row(l->call, &out);
}

static void take_alert(void *ctx, struct search_cursor at, slice line)
{
	struct limits_seen *l = ctx;
	struct args *row = args_parse(line);
	slice limit = NONE, when = NONE;
	int64_t at_ms = 0;
	(void)at;
	if (row == NULL)
		return;
	if (args_text(row, "limit", &limit) == ARGS_FOUND &&
	    args_text(row, "at", &when) == ARGS_FOUND &&
	    event_time(when, &at_ms)) {
		bool peak = slice_eq(limit, SLICE("customer_peak"));
		if (l->now - at_ms < (peak ? PEAK_MS : DAY_MS))
			give_limit(l, row, limit, at_ms);
	}
	args_free(&row);
}

static bool give_limits(struct admin_call *call, uint32_t customer,
			int64_t now, struct err *err)
{
	struct limits_seen l = { .call = call, .now = now };
	return search_alerts(call->admin->search, customer,
			     (struct search_cursor){ 0 }, 5 * ALERTS_MAX,
			     take_alert, &l, err);
}

/* --- entries that await sharing ---------------------------------------------- */

static bool give_inert(struct admin_call *call, uint32_t customer,
		       struct err *err)
{
	struct sql q = sql_of(call->admin->store,
			      "SELECT first, bits, description FROM "
			      "ip_entries WHERE customer = ? AND inert = 1 "
			      "AND enabled = 1 ORDER BY id LIMIT ?");
	sql_u64(&q, customer);
	sql_u64(&q, INERT_MAX);
	while (sql_row(&q)) {
		char id[80], text[IP_RANGE_TEXT_MAX];
		struct ip_range range = { .bits = (uint8_t)sql_get_u64(&q, 1) };
		slice first = sql_peek(&q, 0);
		invariant(first.n == sizeof(range.first.bytes));
		memcpy(range.first.bytes, first.p, first.n);
		ip_range_text(&range, text);
		snprintf(id, sizeof(id), "inert:%s", text);
		struct call_object row;
		struct json *j = begin_row(&row, slice_of(id), "ip_inert",
					   "note", 0, 1);
		json_member_cstr(j, "range", text);
		json_member_string(j, "description", sql_peek(&q, 2));
		end_row(call, &row);
	}
	return store_good(call->admin->store, err);
}

/* --- the queue --------------------------------------------------------------- */

static void give_held(struct admin_call *call, uint64_t held)
{
	struct call_object row;
	if (held == 0)
		return;
	struct json *j = begin_row(&row, SLICE("held"), "held", "warn", 0,
				   held);
	json_member_u64(j, "n", held);
	end_row(call, &row);
}

static void queue_row(struct ask_call *relay, slice json_object)
{
	struct admin_call *call = CONTAINER_OF(relay, struct admin_call,
					       relay);
	struct args *row = args_parse(json_object);
	const struct args *totals = row ? args_child(row, "totals") : NULL;
	uint64_t held = 0;
	if (totals != NULL &&
	    args_u64(totals, "held", INT64_MAX, &held) == ARGS_FOUND)
		give_held(call, held);
	if (row != NULL)
		args_free(&row);
}

static void finish(struct admin_call *call)
{
	call->cancel = NULL;
	call_next(call, NONE);
	call_end(call, CALL_OK, NONE);
}

static void queue_end(struct ask_call *relay, int code, slice text, bool gone)
{
	(void)code;
	(void)text;
	(void)gone;
	finish(CONTAINER_OF(relay, struct admin_call, relay));
}

static void cancel(struct admin_call *call)
{
	ask_forget(call->admin->ask, &call->relay);
}

static void ask_queue(struct admin_call *call, uint32_t customer)
{
	struct admin *a = call->admin;
	char args[60];
	snprintf(args, sizeof(args), "{\"customer\":%" PRIu32 "}", customer);
	call->relay = (struct ask_call){ .row = queue_row, .end = queue_end };
	if (a->ask != NULL &&
	    ask_call(a->ask, &call->relay, SLICE("queue.matrix"),
		     slice_of(args)))
		call->cancel = cancel;
	else
		finish(call);
}

/* --- the call ----------------------------------------------------------------- */

static bool give_all(struct admin_call *call, uint32_t customer,
		     struct err *err)
{
	int64_t now = admin_wall_ms(call->admin);
	bool behind;
	return call_index_step(call, &behind, err) &&
	       give_limits(call, customer, now, err) &&
	       give_repeats(call, customer, now, err) &&
	       give_inert(call, customer, err);
}

/* They are about whole customers; a unit has none of its own. */
void call_needs(struct admin_call *call)
{
	struct err err = { 0 };
	uint32_t customer;
	if (!call_customer_asked(call, &customer))
		return;
	if (call->caller.role == CALLER_UNIT_ADMIN)
		finish(call);
	else if (!call_has_index(call))
		return;
	else if (!give_all(call, customer, &err))
		call_fail(call, &err, SAY_INDEX_FAILED);
	else if (customer != 0)
		ask_queue(call, customer);
	else
		finish(call);
}
