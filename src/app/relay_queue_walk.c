/*
 * A call about the queue on a shard: the queue is walked entry by entry, in
 * slices that cost well below a millisecond.
 *
 *   ON → READING   an envelope is wanted that is not in memory
 *      → FULL      too many acts are on their way to the disk
 *      → WAITING   all walked; over when the last act is written
 *
 * What is answered stays so, whatever happens to the process: acts wait for
 * the disk.
 */
#include "app/relay_queue.h"

#include <stdlib.h>

#include "os/clock.h"

enum { ARENA_MAX = 67108864 };
/* Acts of one shard that are not on the disk yet. */
enum { WRITES_MAX = 1000 };
/* What a step costs, in fifths of a microsecond or so, and how much a slice
 * may. Where the machine is slow or busy, the clock ends it. */
enum { COST_LOOK = 1, COST_ACT = 50, COST_ROW = 100, COST_SLICE = 1000,
       SLICE_NS = 500000 };

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
	p->listed++;
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

/* --- on a shard: acts ----------------------------------------------------- */

static void go_on_later(struct part_of_call *p)
{
	p->state = WALK_ON;
	os_thread_post(loop_thread(p->shard->loop), &p->again);
}

static void over_if_written(struct part_of_call *p)
{
	invariant(p->state == WALK_WAITING && p->walk.queue == NULL);
	if (p->unsynced == 0)
		relay_job_over(&p->job);
}

static void act_over(struct act_wait *w)
{
	struct part_of_call *p = w->part;
	invariant(p->unsynced > 0);
	p->unsynced--;
	w->next = p->free;
	p->free = w;
	if (p->state == WALK_FULL && p->unsynced <= WRITES_MAX / 2)
		go_on_later(p);
	else if (p->state == WALK_WAITING)
		over_if_written(p);
}

static void act_written(struct queue_wait *wait, bool ok)
{
	struct act_wait *w = CONTAINER_OF(wait, struct act_wait, wait);
	w->part->unwritten = w->part->unwritten || !ok;
	act_over(w);
}

/* What a limit held of a message is released and written, or not. */
static void release_over(struct queue_release_ask *ask)
{
	struct act_wait *w = CONTAINER_OF(ask, struct act_wait, ask);
	struct part_of_call *p = w->part;
	p->messages += w->changed == 0 && ask->released > 0;
	p->recipients += ask->released;
	p->unread = p->unread || ask->failed;
	if (p->kept == 0)
		p->why = ask->why;
	p->kept += ask->kept;
	if (p->call->filter.has_id)
		row_act(p, ask->id, w->changed + ask->released);
	struct queue_entry *e = queue_find(p->shard->queue, ask->id);
	w->wait = (struct queue_wait){ .written = act_written };
	if (w->changed == 0 || e == NULL || !queue_when_written(e, &w->wait))
		act_over(w);
}

static void release_unbooked(struct part_of_call *p, struct queue_entry *e,
			     uint32_t changed)
{
	struct act_wait *w = p->free;
	p->free = w->next;
	p->unsynced++;
	*w = (struct act_wait){ .part = p, .changed = changed };
	w->ask = (struct queue_release_ask){
		.id = e->id, .over_limit = !p->call->within_limit,
		.by_customer = p->call->by_customer,
		.done = release_over,
	};
	queue_release_unbooked(p->shard->queue, &w->ask);
}

/* The entry may be gone, or made anew, afterwards. */
static void act(struct part_of_call *p, struct queue_entry *e)
{
	static uint32_t (*const acts[])(struct queue_entry *) = {
		[ACT_RETRY] = queue_retry,
		[ACT_RELEASE] = queue_release,
		[ACT_REMOVE] = queue_remove,
	};
	struct id id = e->id;
	invariant(p->free != NULL);
	bool by_customer = p->call->by_customer;
	uint32_t n = p->call->act == ACT_HOLD
			     ? queue_hold(e, by_customer ? HELD_CUSTOMER
							 : HELD_OPERATOR)
		   : p->call->act == ACT_RELEASE && by_customer
			     ? queue_release_by_customer(e)
			     : acts[p->call->act](e);
	p->messages += n > 0;
	p->recipients += n;
	if (p->call->act == ACT_RELEASE && queue_has_unbooked(e)) {
		release_unbooked(p, e, n);
		return;
	}
	if (p->call->filter.has_id)
		row_act(p, id, n);
	struct act_wait *w = p->free;
	*w = (struct act_wait){ .wait = { .written = act_written },
				.part = p, .next = w->next };
	e = queue_find(p->shard->queue, id);
	if (e != NULL && queue_when_written(e, &w->wait)) {
		p->free = w->next;
		p->unsynced++;
	}
}

/* --- on a shard: the walk ------------------------------------------------- */

static bool in_a_cell(const struct filter *f, const struct queue_entry *e,
		      int64_t now_ms)
{
	unsigned age = queue_age(now_ms - (int64_t)e->id.time_ms);
	if (f->age >= 0 && (unsigned)f->age != age)
		return false;
	for (uint32_t i = 0; i < f->cell_count; i++)
		for (uint16_t k = 0; k < e->part_count; k++)
			if (f->cells[i].age == age &&
			    slice_eq(f->cells[i].destination,
				     slice_of(e->parts[k].destination->name)))
				return true;
	return f->cell_count == 0;
}

static bool matches(const struct filter *f, const struct queue_entry *e,
		    int64_t now_ms)
{
	if (!e->live || (f->customer != 0 && f->customer != e->customer))
		return false;
	bool state = f->state < 0, destination = f->destination[0] == '\0';
	if (!in_a_cell(f, e, now_ms))
		return false;
	for (uint16_t i = 0; i < e->recipient_count && !state; i++)
		state = e->recipients[i].state == f->state;
	for (uint16_t i = 0; i < e->part_count && !destination; i++)
		destination = strcmp(e->parts[i].destination->name,
				     f->destination) == 0;
	return state && destination;
}

static bool is_from(const struct filter *f, const struct envelope *env)
{
	return !f->has_from ||
	       (slice_eq(f->from.domain, env->sender.domain) &&
		slice_eq_fold(f->from.local, env->sender.local));
}

/* The envelope was needed and is at hand. */
static void take_with(struct part_of_call *p, struct queue_entry *e,
		      slice bytes)
{
	struct arena arena;
	struct envelope env;
	struct err err;
	arena_init(&arena, ARENA_MAX);
	if (!envelope_read(bytes, &arena, &env, &err)) {
		p->unread = true;
		log_failure(p->shard->config.log, LOG_WARNING, "queue.envelope",
			    &err);
	} else if (is_from(&p->call->filter, &env)) {
		if (p->call->act == ACT_LIST)
			row_message(p, e, &env);
		else
			act(p, e);
	}
	arena_fini(&arena);
}

static void slice_of_work(struct part_of_call *p);

static void envelope_was_read(struct spool_read *r)
{
	struct part_of_call *p = CONTAINER_OF(r, struct part_of_call, read);
	/* Without it, it was delivered meanwhile. */
	struct queue_entry *e = queue_find(p->shard->queue, r->id);
	if (r->ok && e != NULL)
		take_with(p, e, buf_slice(&r->envelope));
	else if (e != NULL && r->err.kind != ERR_PERMANENT)
		p->unread = true;
	buf_fini(&r->envelope);
	p->state = WALK_ON;
	slice_of_work(p);
}

static void read_envelope(struct part_of_call *p, const struct queue_entry *e)
{
	p->state = WALK_READING;
	p->read = (struct spool_read){ .id = e->id,
				       .done = envelope_was_read };
	spool_read(p->shard->config.spool, &p->read);
}

/* What it costs; the state says whether the walk goes on. */
static uint32_t take(struct part_of_call *p, struct queue_entry *e)
{
	const struct call *c = p->call;
	bool with_envelope = c->act == ACT_LIST || c->filter.has_from;
	uint32_t cost = COST_ACT + e->recipient_count;
	if (c->act == ACT_MATRIX) {
		queue_matrix_add(p->matrix, e, c->now_ms);
		return COST_LOOK + e->recipient_count;
	}
	if (!with_envelope) {
		act(p, e);
		return cost;
	}
	if (e->memory == NULL) {
		read_envelope(p, e);
		return COST_SLICE;
	}
	cost = COST_ROW + e->recipient_count;
	take_with(p, e, buf_slice(&e->memory->envelope));
	return cost;
}

static struct queue_entry *next_entry(struct part_of_call *p)
{
	const struct call *c = p->call;
	if (c->act == ACT_LIST && p->listed >= c->filter.limit)
		return NULL;
	if (c->filter.ids == NULL)
		return queue_walk_next(&p->walk);
	/* Each is on one shard at most. */
	struct queue_entry *e = NULL;
	while (e == NULL && p->looked_up < c->filter.id_count)
		e = queue_find(p->shard->queue,
			       c->filter.ids[p->looked_up++]);
	return e;
}

static void slice_of_work(struct part_of_call *p)
{
	int64_t until_ns = os_monotonic_ns() + SLICE_NS;
	uint32_t cost = 0;
	invariant(p->state == WALK_ON);
	while (p->state == WALK_ON && cost < COST_SLICE &&
	       os_monotonic_ns() <= until_ns) {
		if (p->waits != NULL && p->free == NULL) {
			p->state = WALK_FULL;
			return;
		}
		struct queue_entry *e = next_entry(p);
		if (e == NULL) {
			queue_walk_end(&p->walk);
			p->state = WALK_WAITING;
			over_if_written(p);	/* p may be gone */
			return;
		}
		cost += COST_LOOK + e->part_count;
		if (matches(&p->call->filter, e, p->call->now_ms))
			cost += take(p, e);
	}
	if (p->state == WALK_ON)
		go_on_later(p);
}

static void next_slice(struct os_post *post)
{
	slice_of_work(CONTAINER_OF(post, struct part_of_call, again));
}

static bool make_waits(struct part_of_call *p)
{
	const struct filter *f = &p->call->filter;
	size_t n = f->ids != NULL && f->id_count < WRITES_MAX ? f->id_count :
								WRITES_MAX;
	p->waits = calloc(n, sizeof(*p->waits));
	for (size_t i = 0; p->waits != NULL && i < n; i++) {
		p->waits[i].next = p->free;
		p->free = &p->waits[i];
	}
	return p->waits != NULL;
}

void relay_queue_work(struct relay_job *job, struct shard *s)
{
	struct part_of_call *p = CONTAINER_OF(job, struct part_of_call, job);
	p->shard = s;
	os_post_init(&p->again, next_slice);
	if (p->call->act == ACT_MATRIX)
		p->matrix = queue_matrix_new(s->config.destinations);
	bool ready = p->call->act == ACT_LIST ? true :
		     p->call->act == ACT_MATRIX ? p->matrix != NULL :
						  make_waits(p);
	if (!ready) {
		p->rows.failed = true;
		relay_job_over(job);
		return;
	}
	if (p->call->filter.ids == NULL)
		queue_walk_begin(s->queue, &p->walk);
	slice_of_work(p);
}

