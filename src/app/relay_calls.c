/*
 * Calls about the queue; see relay_calls.h. Each goes to every shard (or to
 * the one that has the message), is worked on there entry by entry, and the
 * rows come back to the control thread. Envelopes that are not in memory are
 * read one after the other, so a long list costs the shard little at a time.
 */
#include <stdlib.h>

#include "app/relay_calls_private.h"

#include "os/clock.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 100000, ROWS_MAX = 33554432,
       ARENA_MAX = 67108864 };

enum act { ACT_LIST, ACT_RETRY, ACT_HOLD, ACT_RELEASE, ACT_REMOVE };

struct filter {
	bool has_id;
	struct id id;
	uint32_t customer;		/* 0: all */
	char destination[DESTINATION_NAME_MAX];	/* empty: all */
	int state;			/* recipient_state, -1: all */
	uint32_t limit;
};

struct call;
struct part_of_call;
struct act_wait {
	struct queue_wait wait;
	struct part_of_call *part;
};
struct part_of_call {			/* one shard's */
	struct relay_job job;
	struct call *call;
	struct shard *shard;
	struct id *ids;			/* matches */
	uint32_t count, at;
	struct spool_read read;
	struct act_wait *waits;		/* of acts: by match */
	uint32_t unsynced;		/* acts that are not on the disk yet */
	bool unwritten;			/* one of them can't be */
	struct buf rows;		/* JSON objects, a line each */
};

struct call {
	struct relay_core *core;
	struct control_answer *answer;
	enum act act;
	struct filter filter;
	uint32_t waits, shards;
	uint32_t rows;
	bool failed, unwritten;
	struct part_of_call parts[];
};

/* --- rows ----------------------------------------------------------------- */

static void row_recipient(struct json *j, const struct queue_part *p,
			  const struct queue_recipient *r,
			  const struct envelope *e)
{
	struct buf text;
	buf_init(&text, ADDRESS_TEXT_MAX);
	if (r->number < e->recipient_count)
		address_write(&text, &e->recipients[r->number].address);
	json_object_begin(j);
	json_member_string(j, "to", buf_slice(&text));
	json_member_cstr(j, "state", recipient_state_name(r->state));
	if (r->held != HELD_NOT)
		json_member_cstr(j, "held", held_reason_name(r->held));
	json_member_cstr(j, "destination", p->destination->name);
	json_member_u64(j, "tries", p->tries);
	int64_t next_ms = r->state == RECIPIENT_WAITING ? queue_next_ms(p) : 0;
	json_key(j, "next_at");
	if (next_ms > 0)
		json_time_ms(j, next_ms);
	else
		json_put_null(j);
	json_key(j, "reply");
	if (r->reply != NULL)
		json_put_string(j, slice_of(r->reply));
	else
		json_put_null(j);
	json_object_end(j);
	buf_fini(&text);
}

static void row_message(struct part_of_call *p, const struct queue_entry *e,
			const struct envelope *env)
{
	struct json j;
	struct buf text;
	buf_init(&text, ADDRESS_TEXT_MAX);
	address_write(&text, &env->sender);
	json_init(&j, &p->rows);
	json_object_begin(&j);
	json_key(&j, "id");
	json_id(&j, e->id);
	json_member_u64(&j, "customer", e->customer);
	json_member_string(&j, "from", buf_slice(&text));
	json_member_u64(&j, "size", e->size);
	json_key(&j, "accepted_at");
	json_time_ms(&j, env->accepted_ms);
	json_key(&j, "recipients");
	json_array_begin(&j);
	for (uint16_t i = 0; i < e->part_count; i++)
		for (uint16_t k = 0; k < e->parts[i].count; k++)
			row_recipient(&j, &e->parts[i],
				      &e->recipients[e->parts[i].first + k],
				      env);
	json_array_end(&j);
	json_object_end(&j);
	buf_append_char(&p->rows, '\n');
	buf_fini(&text);
}

static void row_act(struct part_of_call *p, struct id id, uint32_t changed)
{
	struct json j;
	json_init(&j, &p->rows);
	json_object_begin(&j);
	json_key(&j, "id");
	json_id(&j, id);
	json_member_u64(&j, "recipients", changed);
	json_object_end(&j);
	buf_append_char(&p->rows, '\n');
}

/* --- on a shard ----------------------------------------------------------- */

static void row_from(struct part_of_call *p, struct queue_entry *e,
		     slice bytes)
{
	struct arena arena;
	struct envelope env;
	struct err err;
	arena_init(&arena, ARENA_MAX);
	if (envelope_read(bytes, &arena, &env, &err))
		row_message(p, e, &env);
	else
		log_failure(p->shard->config.log, LOG_WARNING, "queue.list",
			    &err);
	arena_fini(&arena);
}

static void list_next(struct part_of_call *p);

static void envelope_was_read(struct spool_read *r)
{
	struct part_of_call *p = CONTAINER_OF(r, struct part_of_call, read);
	struct queue_entry *e = queue_find(p->shard->queue, r->id);
	if (r->ok && e != NULL)
		row_from(p, e, buf_slice(&r->envelope));
	buf_fini(&r->envelope);
	list_next(p);
}

/* Rows of all that is at hand; stops at the first envelope to be read. */
static void list_next(struct part_of_call *p)
{
	while (p->at < p->count) {
		struct id id = p->ids[p->at++];
		struct queue_entry *e = queue_find(p->shard->queue, id);
		if (e == NULL)
			continue;	/* delivered meanwhile */
		if (e->memory != NULL) {
			row_from(p, e, buf_slice(&e->memory->envelope));
			continue;
		}
		p->read = (struct spool_read){
			.id = id, .done = envelope_was_read,
		};
		spool_read(p->shard->config.spool, &p->read);
		return;
	}
	relay_job_over(&p->job);
}

static bool matches(const struct filter *f, const struct queue_entry *e)
{
	if (!e->live || (f->customer != 0 && f->customer != e->customer))
		return false;
	bool state = f->state < 0, destination = f->destination[0] == '\0';
	for (uint16_t i = 0; i < e->recipient_count && !state; i++)
		state = e->recipients[i].state == f->state;
	for (uint16_t i = 0; i < e->part_count && !destination; i++)
		destination = strcmp(e->parts[i].destination->name,
				     f->destination) == 0;
	return state && destination;
}

static void collect(struct part_of_call *p)
{
	const struct filter *f = &p->call->filter;
	struct queue *q = p->shard->queue;
	p->ids = calloc(f->limit, sizeof(struct id));
	if (p->call->act != ACT_LIST)
		p->waits = calloc(f->limit, sizeof(struct act_wait));
	if (p->ids == NULL || (p->call->act != ACT_LIST && p->waits == NULL)) {
		p->rows.failed = true;
		return;
	}
	if (f->has_id) {
		if (queue_find(q, f->id) != NULL)
			p->ids[p->count++] = f->id;
		return;
	}
	for (struct queue_entry *e = queue_next(q, NULL);
	     e != NULL && p->count < f->limit; e = queue_next(q, e))
		if (matches(f, e))
			p->ids[p->count++] = e->id;
}

static void act_over(struct part_of_call *p)
{
	invariant(p->unsynced > 0);
	if (--p->unsynced == 0)
		relay_job_over(&p->job);
}

static void act_written(struct queue_wait *wait, bool ok)
{
	struct act_wait *w = CONTAINER_OF(wait, struct act_wait, wait);
	w->part->unwritten = w->part->unwritten || !ok;
	act_over(w->part);
}

/* What is answered stays so, whatever happens to the process: the answer
 * waits for the disk. */
static void act(struct part_of_call *p)
{
	static uint32_t (*const acts[])(struct queue_entry *) = {
		[ACT_RETRY] = queue_retry,
		[ACT_RELEASE] = queue_release,
		[ACT_REMOVE] = queue_remove,
	};
	p->unsynced = 1;		/* this loop's own */
	for (; p->at < p->count; p->at++) {
		struct act_wait *w = &p->waits[p->at];
		struct queue_entry *e =
			queue_find(p->shard->queue, p->ids[p->at]);
		if (e == NULL)
			continue;
		uint32_t n = p->call->act == ACT_HOLD
				     ? queue_hold(e, HELD_OPERATOR)
				     : acts[p->call->act](e);
		row_act(p, p->ids[p->at], n);
		*w = (struct act_wait){ { .written = act_written }, p };
		p->unsynced += queue_when_written(e, &w->wait);
	}
	act_over(p);
}

static void work(struct relay_job *job, struct shard *s)
{
	struct part_of_call *p = CONTAINER_OF(job, struct part_of_call, job);
	p->shard = s;
	collect(p);
	if (p->call->act == ACT_LIST)
		list_next(p);
	else
		act(p);
}

/* --- on the control thread ------------------------------------------------ */

static void free_call(struct call *c)
{
	for (uint32_t i = 0; i < c->shards; i++) {
		free(c->parts[i].ids);
		free(c->parts[i].waits);
		buf_fini(&c->parts[i].rows);
	}
	free(c);
}

static void send_rows(struct call *c, struct part_of_call *p)
{
	slice rest = buf_slice(&p->rows);
	c->failed = c->failed || p->rows.failed;
	c->unwritten = c->unwritten || p->unwritten;
	while (rest.n > 0 && c->rows < c->filter.limit) {
		control_answer_row(c->answer, slice_cut(&rest, '\n'));
		c->rows++;
	}
}

static void done(struct relay_job *job)
{
	struct part_of_call *p = CONTAINER_OF(job, struct part_of_call, job);
	struct call *c = p->call;
	send_rows(c, p);
	invariant(c->waits > 0);
	if (--c->waits > 0)
		return;
	if (c->failed)
		control_answer_end(c->answer, EXIT_SOFTWARE_CODE,
				   SLICE("not all rows could be made: too "
					 "many; use a filter or --limit"));
	else if (c->unwritten)
		control_answer_end(c->answer, EXIT_TEMPORARY_CODE,
				   SLICE("done, but not on the disk yet: it is "
					 "tried again, and a restart before "
					 "that undoes it"));
	else if (c->rows == 0 && c->filter.has_id)
		control_answer_end(c->answer, EXIT_NONE_FOUND,
				   SLICE("no such message in the queue"));
	else
		control_answer_end(c->answer, EXIT_FINE, (slice){ 0 });
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

static const char *read_filter(const json_t *args, struct filter *f)
{
	slice id = relay_call_string(args, "id");
	slice state = relay_call_string(args, "state");
	const json_t *limit = json_object_get(args, "limit");
	const json_t *customer = json_object_get(args, "customer");
	*f = (struct filter){ .state = -1, .limit = LIMIT_DEFAULT };
	f->has_id = id.n > 0;
	if (id.n > 0 && !id_parse(id, &f->id))
		return "id: 20 characters 0-9a-z are wanted";
	if (state.n > 0 && !read_state(state, &f->state))
		return "state: waiting, delivered, failed, held or removed";
	if (!slice_to_cstr(relay_call_string(args, "destination"), f->destination,
			   sizeof(f->destination)))
		return "destination: too long";
	if (json_is_integer(customer)) {
		json_int_t v = json_integer_value(customer);
		if (v <= 0 || v > UINT32_MAX)
			return "customer: no such number";
		f->customer = (uint32_t)v;
	}
	if (json_is_integer(limit)) {
		json_int_t v = json_integer_value(limit);
		if (v < 1 || v > LIMIT_MAX)
			return "limit: 1 to 100000";
		f->limit = (uint32_t)v;
	}
	return NULL;
}

static void begin(struct relay_core *core, enum act act,
		  const struct filter *f, struct control_answer *answer)
{
	uint32_t shards = relay_core_shards(core);
	struct call *c = calloc(1, sizeof(*c) +
					   shards * sizeof(c->parts[0]));
	if (c == NULL) {
		control_answer_end(answer, EXIT_SOFTWARE_CODE,
				   SLICE("out of memory"));
		return;
	}
	c->core = core;
	c->answer = answer;
	c->act = act;
	c->filter = *f;
	c->shards = c->waits = shards;
	for (uint32_t i = 0; i < shards; i++) {
		struct part_of_call *p = &c->parts[i];
		p->call = c;
		buf_init(&p->rows, ROWS_MAX);
		p->job = (struct relay_job){
			.work = work, .done = done, .later = true,
		};
		relay_core_run(core, i, &p->job);
	}
}

/* Rows about where mail goes and how it fares; no shard is asked. */
static void destinations(struct relay_core *core, struct control_answer *a)
{
	const struct destinations *all = relay_core_destinations(core);
	uint32_t n = atomic_load(&all->count);
	for (uint32_t i = DESTINATION_UNROUTED + 1; i < n; i++) {
		const struct destination *d = destinations_at(all, i);
		int64_t until = atomic_load(&d->not_before_ms);
		struct buf row;
		struct json j;
		buf_init(&row, 4096);
		json_init(&j, &row);
		json_object_begin(&j);
		json_member_cstr(&j, "destination", d->name);
		json_member_u64(&j, "connections", atomic_load(&d->active));
		json_member_u64(&j, "connections_max", d->concurrency_max);
		json_member_u64(&j, "failures", atomic_load(&d->failures));
		json_key(&j, "not_before");
		if (until > os_wall_ms())
			json_time_ms(&j, until);
		else
			json_put_null(&j);
		json_object_end(&j);
		control_answer_row(a, buf_slice(&row));
		buf_fini(&row);
	}
	control_answer_end(a, EXIT_FINE, (slice){ 0 });
}

static const struct {
	const char *name;
	enum act act;
	bool needs_id;
} calls[] = {
	{ "queue.list", ACT_LIST, false },
	{ "queue.show", ACT_LIST, true },
	{ "queue.retry", ACT_RETRY, false },
	{ "queue.hold", ACT_HOLD, false },
	{ "queue.release", ACT_RELEASE, false },
	{ "queue.remove", ACT_REMOVE, false },
};

void relay_call(struct relay_core *c, slice name, slice args,
		struct control_answer *a)
{
	struct filter f;
	if (slice_eq(name, SLICE("queue.destinations"))) {
		destinations(c, a);
		return;
	}
	if (slice_eq(name, SLICE("limits.show"))) {
		relay_call_limits(c, args, a);
		return;
	}
	json_error_t where;
	json_t *json = json_loadb(args.p, args.n, 0, &where);
	const char *wrong = json_is_object(json)
				    ? read_filter(json, &f)
				    : "arguments are no JSON object";
	json_decref(json);
	for (size_t i = 0; i < ARRAY_LEN(calls) && wrong == NULL; i++) {
		if (!slice_eq(name, slice_of(calls[i].name)))
			continue;
		if (calls[i].needs_id && !f.has_id) {
			wrong = "id is wanted";
			break;
		}
		begin(c, calls[i].act, &f, a);
		return;
	}
	control_answer_end(a, EXIT_USAGE_CODE,
			   slice_of(wrong ? wrong : "no such call"));
}
