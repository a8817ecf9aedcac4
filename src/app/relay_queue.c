/*
 * Calls about the queue, on the control thread: what is asked for, and the
 * answer; see relay_calls.h. Each goes to every shard (relay_queue_walk.c).
 */
#include "app/relay_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "limits/window.h"
#include "os/clock.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 100000, ROWS_MAX = 33554432,
       FILTER_ARENA_MAX = 262144 };

/* --- on the control thread ------------------------------------------------ */

static void free_call(struct call *c)
{
	for (uint32_t i = 0; i < c->shards; i++) {
		free(c->parts[i].waits);
		free(c->parts[i].matrix);
		buf_fini(&c->parts[i].rows);
	}
	arena_fini(&c->arena);
	free(c);
}

static void gather(struct call *c, struct part_of_call *p)
{
	slice rest = buf_slice(&p->rows);
	c->failed = c->failed || p->rows.failed;
	c->unwritten = c->unwritten || p->unwritten;
	c->unread = c->unread || p->unread;
	c->messages += p->messages;
	c->recipients += p->recipients;
	if (c->kept == 0)
		c->why = p->why;
	c->kept += p->kept;
	while (rest.n > 0 && c->rows < c->filter.limit) {
		control_answer_row(c->ask.answer, slice_cut(&rest, '\n'));
		c->rows++;
	}
	buf_fini(&p->rows);
}

static void row_total(const struct call *c)
{
	struct buf row;
	struct json j;
	buf_init(&row, 4096);
	json_init(&j, &row);
	json_object_begin(&j);
	json_member_u64(&j, "messages", c->messages);
	json_member_u64(&j, "recipients", c->recipients);
	json_object_end(&j);
	control_answer_row(c->ask.answer, buf_slice(&row));
	buf_fini(&row);
}

/* All shards' in that of the first. */
static void row_matrix(struct call *c)
{
	struct queue_matrix *m = c->parts[0].matrix;
	struct buf row;
	buf_init(&row, ROWS_MAX);
	for (uint32_t i = 0; i < c->shards; i++) {
		if (m == NULL || c->parts[i].matrix == NULL)
			c->failed = true;
		else if (i > 0)
			queue_matrix_merge(m, c->parts[i].matrix);
	}
	if (!c->failed)
		queue_matrix_write(&row, m,
				   relay_core_destinations(c->ask.core),
				   c->now_ms);
	if (!c->failed && !row.failed)
		control_answer_row(c->ask.answer, buf_slice(&row));
	buf_fini(&row);
}

/* What a release left behind, and why. */
static void say_kept(const struct call *c)
{
	const struct ledger_refusal *why = &c->why;
	char kept[24], used[24], limit[24], at[TIME_TEXT_MAX];
	bool opens = why->opens_at_ms != 0 && why->opens_at_ms != WINDOW_NEVER;
	snprintf(kept, sizeof(kept), "%" PRIu64, c->kept);
	snprintf(used, sizeof(used), "%" PRIu64, why->used + why->reserved);
	snprintf(limit, sizeof(limit), "%" PRIu64, why->limit);
	slice args[] = {
		slice_of(kept), slice_of(ledger_verdict_name(why->verdict)),
		slice_of(used), slice_of(limit),
		opens ? slice_of(time_text_ms(why->opens_at_ms, at)) :
			SLICE("-"),
	};
	struct buf words;
	buf_init(&words, 65536);
	say(&words, relay_text(why->verdict == LEDGER_OK ?
				       RELAY_SAY_KEPT : RELAY_SAY_OVER_LIMIT),
	    c->ask.language, args, ARRAY_LEN(args));
	control_answer_end(c->ask.answer, EXIT_TEMPORARY_CODE,
			   buf_slice(&words));
	buf_fini(&words);
}

static void end(const struct call *c)
{
	static const slice nothing = { 0 };
	const struct relay_ask *ask = &c->ask;
	if (c->failed)
		relay_call_say(ask, EXIT_SOFTWARE_CODE, RELAY_SAY_TOO_MANY,
			       nothing);
	else if (c->unwritten)
		relay_call_say(ask, EXIT_TEMPORARY_CODE, RELAY_SAY_UNWRITTEN,
			       nothing);
	else if (c->unread)
		relay_call_say(ask, EXIT_DATA_CODE, RELAY_SAY_NOT_ALL,
			       nothing);
	else if (c->kept > 0)
		say_kept(c);
	else if (c->rows == 0 && c->filter.has_id)
		relay_call_say(ask, EXIT_NONE_FOUND, RELAY_SAY_NO_MESSAGE,
			       nothing);
	else
		control_answer_end(ask->answer, EXIT_FINE, nothing);
}

static void done(struct relay_job *job)
{
	struct part_of_call *p = CONTAINER_OF(job, struct part_of_call, job);
	struct call *c = p->call;
	gather(c, p);
	invariant(c->waits > 0);
	if (--c->waits > 0)
		return;
	if (c->act == ACT_MATRIX)
		row_matrix(c);
	else if (c->act != ACT_LIST && !c->filter.has_id)
		row_total(c);
	end(c);
	free_call(c);
}

/* --- arguments ------------------------------------------------------------ */

static bool read_state(slice name, int *state)
{
	for (int i = 0; i < RECIPIENT_STATE_COUNT; i++) {
		if (!slice_eq(name, slice_of(recipient_state_name(
				      (enum recipient_state)i))))
			continue;
		*state = i;
		return true;
	}
	return false;
}

static bool read_number(const json_t *value, uint32_t max, uint32_t *out)
{
	json_int_t v = json_integer_value(value);
	if (value == NULL)
		return true;
	if (!json_is_integer(value) || v < 1 || v > max)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool read_from(const json_t *value, struct arena *arena,
		      struct filter *f)
{
	struct err err;
	if (value == NULL)
		return true;
	f->has_from = true;
	slice text = { json_string_value(value), json_string_length(value) };
	return json_is_string(value) &&
	       (text.n == 0 || slice_eq(text, SLICE("<>")) ||
		address_parse(text, arena, &f->from, &err));
}

static bool read_age(const json_t *value, int *out)
{
	unsigned age;
	slice name = { json_string_value(value), json_string_length(value) };
	if (value == NULL)
		return true;
	if (!json_is_string(value) || !queue_age_named(name, &age))
		return false;
	*out = (int)age;
	return true;
}

static bool read_cell(const json_t *value, struct arena *arena,
		      struct filter_cell *out)
{
	int age = -1;
	slice name = json_text(value, "destination");
	if (name.n == 0 || name.n >= DESTINATION_NAME_MAX ||
	    !read_age(json_object_get(value, "age"), &age) || age < 0)
		return false;
	out->age = (unsigned)age;
	return arena_copy(arena, name, &out->destination);
}

/* [{"destination": "…", "age": "15m"}, …] */
static bool read_cells(const json_t *list, struct arena *arena,
		       struct filter *f)
{
	size_t n = json_array_size(list);
	if (list == NULL)
		return true;
	if (n == 0 || n > QUEUE_CELLS_MAX)
		return false;
	f->cells = arena_alloc(arena, n * sizeof(*f->cells));
	for (size_t i = 0; f->cells != NULL && i < n; i++)
		if (!read_cell(json_array_get(list, i), arena, &f->cells[i]))
			return false;
	f->cell_count = (uint32_t)n;
	return f->cells != NULL;
}

static int by_id(const void *a, const void *b)
{
	const struct id *x = a, *y = b;
	return id_cmp(*x, *y);
}

/* In order, each once: two acts on one message would be one too many. */
static void drop_doubles(struct filter *f)
{
	uint32_t kept = 0;
	qsort(f->ids, f->id_count, sizeof(*f->ids), by_id);
	for (uint32_t i = 0; i < f->id_count; i++)
		if (kept == 0 || !id_eq(f->ids[kept - 1], f->ids[i]))
			f->ids[kept++] = f->ids[i];
	f->id_count = kept;
}

static bool read_id(slice text, struct arena *arena, struct filter *f)
{
	f->has_id = text.n > 0;
	if (!f->has_id)
		return true;
	f->ids = arena_alloc(arena, sizeof(*f->ids));
	f->id_count = 1;
	return f->ids != NULL && id_parse(text, f->ids);
}

/* Beside `id` they would say the same twice, or nothing. */
static bool read_ids(const json_t *list, struct arena *arena,
		     struct filter *f)
{
	size_t n = json_array_size(list);
	if (list == NULL)
		return true;
	if (n == 0 || n > QUEUE_IDS_MAX || f->has_id)
		return false;
	f->ids = arena_alloc(arena, n * sizeof(*f->ids));
	for (size_t i = 0; f->ids != NULL && i < n; i++) {
		const json_t *id = json_array_get(list, i);
		slice text = { json_string_value(id), json_string_length(id) };
		if (!json_is_string(id) || !id_parse(text, &f->ids[i]))
			return false;
	}
	f->id_count = (uint32_t)n;
	if (f->ids != NULL)
		drop_doubles(f);
	return f->ids != NULL;
}

/* RELAY_SAY_COUNT: all is well. *about: what is wrong. */
static enum relay_text read_filter(const json_t *args, struct arena *arena,
				   struct filter *f, slice *about)
{
	slice state = json_text(args, "state");
	*f = (struct filter){ .state = -1, .age = -1, .limit = LIMIT_DEFAULT };
	*about = json_text(args, "id");
	if (!read_id(*about, arena, f))
		return RELAY_SAY_BAD_ID;
	*about = state;
	if (state.n > 0 && !read_state(state, &f->state))
		return RELAY_SAY_BAD_STATE;
	if (!slice_to_cstr(json_text(args, "destination"), f->destination,
			   sizeof(f->destination)))
		return RELAY_SAY_BAD_DESTINATION;
	if (!read_number(json_object_get(args, "customer"), UINT32_MAX,
			 &f->customer))
		return RELAY_SAY_BAD_CUSTOMER;
	*about = (slice){ 0 };
	if (!read_age(json_object_get(args, "age"), &f->age) ||
	    !read_cells(json_object_get(args, "cells"), arena, f))
		return RELAY_SAY_BAD_AGE;
	if (!read_ids(json_object_get(args, "ids"), arena, f))
		return RELAY_SAY_BAD_ID;
	*about = json_text(args, "from");
	if (!read_from(json_object_get(args, "from"), arena, f))
		return RELAY_SAY_BAD_FROM;
	if (!read_number(json_object_get(args, "limit"), LIMIT_MAX, &f->limit))
		return RELAY_SAY_BAD_LIMIT;
	return RELAY_SAY_COUNT;
}

static const struct {
	const char *name;
	enum act act;
	bool needs_id;
} calls[] = {
	{ "queue.list", ACT_LIST, false },
	{ "queue.show", ACT_LIST, true },
	{ "queue.matrix", ACT_MATRIX, false },
	{ "queue.retry", ACT_RETRY, false },
	{ "queue.hold", ACT_HOLD, false },
	{ "queue.release", ACT_RELEASE, false },
	{ "queue.remove", ACT_REMOVE, false },
};

/* An act on everything must be said; half of what matches is no answer. */
static enum relay_text judge_act(const json_t *args, const struct filter *f)
{
	bool chosen = f->has_id || f->has_from || f->customer != 0 ||
		      f->destination[0] != '\0' || f->state >= 0 ||
		      f->age >= 0 || f->cell_count > 0 || f->id_count > 0 ||
		      json_is_true(json_object_get(args, "all"));
	return !chosen ? RELAY_SAY_CHOOSE
	     : json_object_get(args, "limit") ? RELAY_SAY_LIMIT_UNWANTED
					      : RELAY_SAY_COUNT;
}

static void begin(struct call *c)
{
	struct relay_core *core = c->ask.core;
	uint32_t shards = c->shards;
	c->waits = shards;
	for (uint32_t i = 0; i < shards; i++) {
		struct part_of_call *p = &c->parts[i];
		p->call = c;
		buf_init(&p->rows, ROWS_MAX);
		p->job = (struct relay_job){
			.work = relay_queue_work, .done = done, .later = true,
		};
		relay_core_run(core, i, &p->job);
	}
}

static void answer(const struct relay_ask *ask, size_t which)
{
	uint32_t shards = relay_core_shards(ask->core);
	struct call *c = calloc(1, sizeof(*c) +
					   shards * sizeof(c->parts[0]));
	slice about = { 0 };
	if (c == NULL) {
		control_answer_end(ask->answer, EXIT_SOFTWARE_CODE,
				   slice_of(text_in(say_no_memory(),
						    ask->language)));
		return;
	}
	c->ask = *ask;
	c->ask.args = NULL;
	c->ask.name = (slice){ 0 };
	c->act = calls[which].act;
	c->shards = shards;
	c->now_ms = os_wall_ms();
	c->by_customer = json_integer_value(
		json_object_get(ask->args, "by_customer")) == 1;
	c->within_limit = c->by_customer ||
		json_is_true(json_object_get(ask->args, "within_limit"));
	arena_init(&c->arena, FILTER_ARENA_MAX);
	enum relay_text wrong = read_filter(ask->args, &c->arena, &c->filter,
					    &about);
	if (wrong == RELAY_SAY_COUNT && c->act > ACT_MATRIX)
		wrong = judge_act(ask->args, &c->filter);
	if (wrong == RELAY_SAY_COUNT && calls[which].needs_id &&
	    !c->filter.has_id)
		wrong = RELAY_SAY_ID_WANTED;
	if (wrong == RELAY_SAY_COUNT) {
		begin(c);
	} else {
		relay_call_say(ask, EXIT_USAGE_CODE, wrong, about);
		arena_fini(&c->arena);
		free(c);
	}
}

bool relay_call_queue(const struct relay_ask *ask)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (!slice_eq(ask->name, slice_of(calls[i].name)))
			continue;
		answer(ask, i);
		return true;
	}
	return false;
}
