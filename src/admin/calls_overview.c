/*
 * overview: numbers, series and causes of a range, from the index's counts;
 * what is in the queue now, from relay. And `changes`, by which the console
 * knows when to ask anew.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "admin/calls_index.h"
#include "admin/search.h"
#include "base/json.h"
#include "os/clock.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 262144 };

static const struct {
	const char *name;
	uint32_t step_s, slots;
} ranges[] = {
	{ "1h", 300, 12 },  { "24h", 3600, 24 },
	{ "7d", 3600, 168 }, { "30d", 3600, 720 },
};

struct overview {
	uint32_t customer;
	struct search_sums sums;
	bool has_queue;			/* relay said */
	uint64_t queued, held;
	slice oldest;			/* in the call's arena */
};

static void overview_free(struct admin_call *call)
{
	free(call->state);
	call->state = NULL;
	call->cancel = NULL;
}

/* --- the row --------------------------------------------------------------- */

static void put_relay(struct json *j, const struct admin *a)
{
	bool up = a->ask != NULL && ask_up(a->ask);
	json_key(j, "relay");
	json_object(j);
	json_member_cstr(j, "state", up ? "running" : "down");
	json_member_u64(j, "nodes", 1);
	json_member_u64(j, "live", up ? 1 : 0);
	json_object_end(j);
}

static void put_or_null(struct json *j, const char *key, bool known,
			uint64_t v)
{
	json_key(j, key);
	if (known)
		json_u64(j, v);
	else
		json_null(j);
}

static void put_numbers(struct json *j, const struct overview *o)
{
	int64_t median = search_median_ms(&o->sums);
	json_key(j, "numbers");
	json_object(j);
	for (int i = 0; i < SUM_KINDS; i++)
		json_member_u64(j, search_sum_name((enum search_sum)i),
				o->sums.all[i]);
	json_member_u64(j, "refused_causes", o->sums.cause_count);
	put_or_null(j, "median_ms", median >= 0, (uint64_t)median);
	put_or_null(j, "queued", o->has_queue, o->queued);
	put_or_null(j, "held", o->has_queue, o->held);
	json_key(j, "oldest_queued_at");
	if (o->oldest.n > 0)
		json_string(j, o->oldest);
	else
		json_null(j);
	json_object_end(j);
}

static void put_series(struct json *j, const struct search_sums *s)
{
	json_key(j, "series");
	json_object(j);
	json_member_u64(j, "step_s", s->step_s);
	json_key(j, "start");
	json_time_ms(j, s->start_s * 1000);
	for (int i = 0; i < SUM_KINDS; i++) {
		json_key(j, search_sum_name((enum search_sum)i));
		json_array(j);
		for (uint32_t k = 0; k < s->slots; k++)
			json_u64(j, s->series[i][k]);
		json_array_end(j);
	}
	json_object_end(j);
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x > *y ? -1 : *x < *y;
}

/* Most frequent first. */
static void put_causes(struct json *j, const struct search_sums *s)
{
	uint64_t order[SEARCH_CAUSES_MAX][2];
	for (size_t i = 0; i < s->cause_count; i++) {
		order[i][0] = s->causes[i].number;
		order[i][1] = i;
	}
	qsort(order, s->cause_count, sizeof(order[0]), by_number);
	json_key(j, "causes");
	json_array(j);
	for (size_t i = 0; i < s->cause_count; i++) {
		json_object(j);
		json_member_cstr(j, "cause", s->causes[order[i][1]].cause);
		json_member_u64(j, "count", order[i][0]);
		json_object_end(j);
	}
	json_array_end(j);
}

static void give(struct admin_call *call)
{
	const struct overview *o = call->state;
	struct call_object row;
	struct json *j = call_row_begin(&row, ROW_MAX);
	json_key(j, "as_of");
	json_time_ms(j, admin_wall_ms(call->admin));
	put_relay(j, call->admin);
	put_numbers(j, o);
	put_series(j, &o->sums);
	put_causes(j, &o->sums);
	call_row_end(call, &row);
	overview_free(call);
	call_end(call, CALL_OK, NONE);
}

/* --- relay's part ---------------------------------------------------------- */

static void queue_row(struct ask_call *relay, slice json_object)
{
	struct admin_call *call = CONTAINER_OF(relay, struct admin_call,
					       relay);
	struct overview *o = call->state;
	struct args *row = args_parse(json_object);
	const struct args *totals = row ? args_child(row, "totals") : NULL;
	slice oldest = NONE;
	if (totals != NULL &&
	    args_u64(totals, "recipients", INT64_MAX, &o->queued) ==
		    ARGS_FOUND &&
	    args_u64(totals, "held", INT64_MAX, &o->held) == ARGS_FOUND)
		o->has_queue = true;
	/* Null in an empty queue. */
	if (row != NULL &&
	    args_text(row, "oldest_at", &oldest) == ARGS_FOUND &&
	    !arena_copy(&call->arena, oldest, &o->oldest))
		o->oldest = NONE;
	if (row != NULL)
		args_free(&row);
}

static void queue_end(struct ask_call *relay, int code, slice text, bool gone)
{
	(void)code;
	(void)text;
	(void)gone;
	give(CONTAINER_OF(relay, struct admin_call, relay));
}

static void cancel(struct admin_call *call)
{
	ask_forget(call->admin->ask, &call->relay);
	overview_free(call);
}

static void ask_queue(struct admin_call *call)
{
	const struct overview *o = call->state;
	struct admin *a = call->admin;
	struct buf args;
	buf_init(&args, 200);
	if (o->customer != 0)
		buf_printf(&args, "{\"customer\":%" PRIu32 "}", o->customer);
	else
		buf_append(&args, SLICE("{}"));
	call->relay = (struct ask_call){ .row = queue_row, .end = queue_end };
	bool asked = !args.failed && a->ask != NULL &&
		     ask_call(a->ask, &call->relay, SLICE("queue.matrix"),
			      buf_slice(&args));
	buf_fini(&args);
	if (asked)
		call->cancel = cancel;
	else
		give(call);
}

/* --- the call -------------------------------------------------------------- */

static bool read_range(struct admin_call *call, size_t *which)
{
	slice name = SLICE("24h");
	if (!arg_text(call, "range", false, &name))
		return false;
	for (*which = 0; *which < ARRAY_LEN(ranges); ++*which)
		if (slice_eq(name, slice_of(ranges[*which].name)))
			return true;
	return arg_bad(call, "range");
}

/* The slots end with the one that is now. */
static bool sum(struct admin_call *call, struct overview *o, size_t which,
		struct err *err)
{
	bool behind;
	int64_t step = ranges[which].step_s;
	int64_t now = admin_wall_ms(call->admin) / 1000;
	int64_t start = now - now % step -
			step * ((int64_t)ranges[which].slots - 1);
	return call_index_step(call, &behind, err) &&
	       search_sum(call->admin->search, o->customer, (uint32_t)step,
			  start > 0 ? start : 0, ranges[which].slots, &o->sums,
			  err);
}

/* Counts are those of whole customers: who sees single units is not told
 * what they add up to. */
void call_overview(struct admin_call *call)
{
	struct err err = { 0 };
	size_t which;
	uint32_t customer;
	if (!call_customer_asked(call, &customer) || !read_range(call, &which))
		return;
	if (call->caller.role == CALLER_UNIT_ADMIN) {
		call_say(call, CALL_NOT_ALLOWED, SAY_NOT_ALLOWED, NONE);
		return;
	}
	if (!call_has_index(call))
		return;
	struct overview *o = calloc(1, sizeof(*o));
	if (o == NULL) {
		call_no_memory(call);
		return;
	}
	o->customer = customer;
	call->state = o;
	call->cancel = overview_free;
	if (sum(call, o, which, &err)) {
		ask_queue(call);
	} else {
		overview_free(call);
		call_fail(call, &err, SAY_INDEX_FAILED);
	}
}

/* --- changes --------------------------------------------------------------- */

/* One answer for everybody: that something happened, not what. */
void call_changes(struct admin_call *call)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, 1024);
	int64_t at = call->admin->search != NULL ?
			     search_indexed_ms(call->admin->search) : 0;
	json_member_u64(j, "overview_at", (uint64_t)at);
	json_member_u64(j, "queue_at", (uint64_t)at);
	json_member_u64(j, "revision", view_revision(call->admin->view));
	call_row_end(call, &row);
	call_end(call, CALL_OK, NONE);
}
