/*
 * The queue of a shard: what comes in, what is due, what goes. See queue.h;
 * outcome.c ends attempts, commit.c writes states, acts.c is for people,
 * recover.c for the start.
 */
#include "queue/queue_private.h"

#include <stdlib.h>

enum { ENTRIES_MAX = 200000000, POKE_MS = 60000, LANE_MEMORY_RETRY_MS = 1000 };

static bool same_id(const void *object, const void *key)
{
	const struct queue_entry *e = object;
	const struct id *id = key;
	return id_eq(e->id, *id);
}

static uint64_t hash_id(struct id id)
{
	/* 56 random bits: mixing is enough, strangers don't choose it. */
	uint64_t h = (id.random ^ id.time_ms) * 0x9e3779b97f4a7c15u;
	return h < 2 ? 2 : h;
}

bool queue_new(const struct queue_config *config,
	       const struct queue_hooks *hooks, struct queue **out,
	       struct err *err)
{
	struct queue *q = calloc(1, sizeof(*q));
	if (q == NULL)
		return err_set_memory(err, "queue");
	q->config = *config;
	q->hooks = *hooks;
	map_init(&q->entries, ENTRIES_MAX);
	list_init(&q->all);
	list_init(&q->marker);
	list_init(&q->warm);
	list_init(&q->walks);
	list_init(&q->releases.asks);
	schedule_init(&q->schedule);
	*out = q;
	return true;
}

void queue_free(struct queue **queue)
{
	struct queue *q = *queue;
	if (q == NULL)
		return;
	list_remove(&q->marker);
	walks_end(q);
	list_each(&q->all, node, after) {
		struct queue_entry *e =
			CONTAINER_OF(node, struct queue_entry, all);
		if (e->commit != NULL) {
			buf_fini(&e->commit->state);
			if (e->commit->has_event)
				buf_fini(&e->commit->event.line);
			free(e->commit);
			e->commit = NULL;
		}
		e->waits = NULL;
		if (e->release != NULL)
			e->release->ask = NULL;
		queue_forget(q, &e);
	}
	for (size_t i = 0; i < DESTINATIONS_MAX; i++) {
		if (q->lanes[i] == NULL)
			continue;
		lane_fini(q->lanes[i]);
		free(q->lanes[i]);
	}
	schedule_fini(&q->schedule);
	map_fini(&q->entries);
	free(q);
	*queue = NULL;
}

void queue_set_spool(struct queue *q, struct spool *spool)
{
	q->config.spool = spool;
}

void queue_set_router(struct queue *q, const struct router *r)
{
	q->config.router = r;
}

const struct router *queue_router(const struct queue *q)
{
	return q->config.router;
}

void queue_set_retry(struct queue *q, const struct retry_plan *plan)
{
	q->config.retry = *plan;
}

int64_t queue_wall_ms(const struct queue *q)
{
	return q->config.wall_ms(q->config.clock);
}

uint64_t queue_count(const struct queue *q)
{
	return q->entries.count;
}

uint64_t queue_waiting(const struct queue *q, uint64_t *held)
{
	*held = q->held;
	return q->waiting;
}

bool entry_expired(const struct queue *q, const struct queue_entry *e)
{
	const struct retry_plan *plan = &q->config.retry;
	int64_t life = e->own ? plan->expire_own_ms : plan->expire_ms;
	return queue_wall_ms(q) - (int64_t)e->id.time_ms >= life;
}

/* --- insert and forget ---------------------------------------------------- */

static bool lane_for(struct queue *q, struct destination *d)
{
	if (q->lanes[d->index] != NULL)
		return true;
	struct lane *l = malloc(sizeof(*l));
	if (l == NULL)
		return false;
	lane_init(l, d);
	q->lanes[d->index] = l;
	return true;
}

bool queue_insert(struct queue *q, struct queue_entry *e)
{
	for (uint16_t i = 0; i < e->part_count; i++)
		if (!lane_for(q, e->parts[i].destination))
			return false;
	if (!schedule_reserve(&q->schedule, q->parts + e->part_count) ||
	    !entry_join_held(q, e, 0, false))
		return false;
	if (!map_add(&q->entries, hash_id(e->id), e)) {
		entry_leave_held(e);
		return false;
	}
	q->parts += e->part_count;
	q->waiting += e->waiting;
	q->held += entry_held(e);
	list_append(&q->all, &e->all);
	return true;
}

void entry_cool(struct queue_entry *e)
{
	if (e->memory == NULL)
		return;
	list_remove(&e->warm);
	buf_fini(&e->memory->envelope);
	body_unref(&e->memory->body);
	free(e->memory);
	e->memory = NULL;
}

void queue_forget(struct queue *q, struct queue_entry **entry)
{
	struct queue_entry *e = *entry;
	invariant(e->waits == NULL);
	entry_leave_held(e);
	for (uint16_t i = 0; i < e->part_count; i++) {
		part_unlink(q, &e->parts[i]);
		e->parts[i].state = PART_DONE;
	}
	entry_cool(e);
	if (e->dirty)
		q->unwritten--;
	walks_pass(q, e);
	list_remove(&e->all);
	map_remove(&q->entries, hash_id(e->id), e);
	invariant(q->parts >= e->part_count && q->waiting >= e->waiting &&
		  q->held >= entry_held(e));
	q->parts -= e->part_count;
	q->waiting -= e->waiting;
	q->held -= entry_held(e);
	entry_free(entry);
}

struct queue_entry *queue_prepare(struct queue *q, const struct envelope *env)
{
	struct queue_entry *e = entry_new(q, q->config.router, env);
	if (e != NULL && !queue_insert(q, e))
		entry_free(&e);
	return e;
}

void queue_drop(struct queue_entry **e)
{
	invariant(!(*e)->live);
	queue_forget((*e)->queue, e);
}

void queue_live(struct queue_entry *e, struct queue_memory *memory)
{
	struct queue *q = e->queue;
	invariant(!e->live && e->memory == NULL);
	e->live = true;
	e->memory = memory;
	if (memory != NULL)
		list_append(&q->warm, &e->warm);
	for (uint16_t i = 0; i < e->part_count; i++)
		if (part_waiting(&e->parts[i]) > 0)
			part_ready(q, &e->parts[i]);
	entry_check(e);
}

struct queue_entry *queue_find(struct queue *q, struct id id)
{
	return map_get(&q->entries, hash_id(id), same_id, &id);
}

struct queue_entry *queue_next(struct queue *q, struct queue_entry *after)
{
	struct list *node = after ? after->all.next : q->all.next;
	if (node == &q->marker)
		node = node->next;
	return node == &q->all ? NULL
			       : CONTAINER_OF(node, struct queue_entry, all);
}

/* --- moves of a part ------------------------------------------------------ */

void part_unlink(struct queue *q, struct queue_part *p)
{
	if (!list_empty(&p->node))
		lane_remove(q->lanes[p->destination->index], p);
	if (p->heap_at != NOT_IN_HEAP)
		schedule_remove(&q->schedule, p);
}

void part_ready(struct queue *q, struct queue_part *p)
{
	part_unlink(q, p);
	p->state = PART_READY;
	struct lane *l = q->lanes[p->destination->index];
	if (!lane_add(l, p)) {
		/* Out of memory: the heap has room by contract. */
		part_schedule(q, p, queue_wall_ms(q) + LANE_MEMORY_RETRY_MS);
		return;
	}
	/* A pause of the destination holds all but the head (passes_block). */
	if (p->urgent)
		lane_hurry(l, p);
	q->hooks.ready(q->hooks.ctx, p->destination);
}

void part_schedule(struct queue *q, struct queue_part *p, int64_t next_ms)
{
	part_unlink(q, p);
	p->state = PART_SCHEDULED;
	schedule_add(&q->schedule, p, next_ms);
	q->config.wake_at(q->config.clock, next_ms);
}

static uint16_t count_state(const struct queue_part *p,
			    enum recipient_state state)
{
	uint16_t n = 0;
	for (uint16_t i = 0; i < p->count; i++)
		if (p->entry->recipients[p->first + i].state == state)
			n++;
	return n;
}

uint16_t part_waiting(const struct queue_part *p)
{
	return count_state(p, RECIPIENT_WAITING);
}

uint16_t part_held(const struct queue_part *p)
{
	return count_state(p, RECIPIENT_HELD);
}

uint32_t entry_held(const struct queue_entry *e)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < e->part_count; i++)
		n += part_held(&e->parts[i]);
	return n;
}

int64_t queue_next_ms(const struct queue_part *p)
{
	const struct destination *d = p->destination;
	int64_t now = queue_wall_ms(p->entry->queue);
	int64_t at = p->state == PART_SCHEDULED ? p->next_ms : now;
	if (p->state == PART_HELD || p->state == PART_DONE)
		return 0;
	if (p->state == PART_LEASED || p->urgent)
		return at;
	if (atomic_load_explicit(&d->paused, memory_order_relaxed))
		return 0;
	int64_t pause = atomic_load_explicit(&d->not_before_ms,
					     memory_order_relaxed);
	return at > pause ? at : pause;
}

/* --- taking --------------------------------------------------------------- */

static bool blocked(const struct queue *q, const struct destination *d)
{
	return atomic_load_explicit(&d->paused, memory_order_relaxed) ||
	       queue_wall_ms(q) < atomic_load_explicit(&d->not_before_ms,
						       memory_order_relaxed);
}

/* May the head of a blocked lane go all the same? Expired ones must not wait
 * for a dead host, and a hand's retry is stronger than its pause. */
static bool passes_block(const struct queue *q, const struct lane *l)
{
	if (l->count == 0)
		return false;
	const struct lane_customer *c =
		list_first(&l->turns, struct lane_customer, node);
	const struct queue_part *p =
		list_first(&c->parts, struct queue_part, node);
	return p->urgent || entry_expired(q, p->entry);
}

bool queue_has_ready(const struct queue *q, const struct destination *d)
{
	const struct lane *l = q->lanes[d->index];
	return l != NULL && l->count > 0 &&
	       (!blocked(q, d) || passes_block(q, l));
}

struct queue_part *queue_take(struct queue *q, struct destination *d,
			      bool *expired)
{
	struct lane *l = q->lanes[d->index];
	if (l == NULL || l->count == 0)
		return NULL;
	if (blocked(q, d) && !passes_block(q, l)) {
		q->config.wake_at(q->config.clock,
				  atomic_load(&d->not_before_ms));
		return NULL;
	}
	struct queue_part *p = lane_take(l);
	invariant(p->state == PART_READY && p->destination == d);
	p->state = PART_LEASED;
	*expired = entry_expired(q, p->entry);
	return p;
}

void queue_untake(struct queue_part *p, int64_t after_ms)
{
	struct queue *q = p->entry->queue;
	invariant(p->state == PART_LEASED);
	if (after_ms <= 0)
		part_ready(q, p);
	else
		part_schedule(q, p, queue_wall_ms(q) + after_ms);
}

/* --- time ----------------------------------------------------------------- */

static void poke_lanes(struct queue *q)
{
	uint32_t n = atomic_load(&q->config.destinations->count);
	for (uint32_t i = 0; i < n; i++) {
		struct lane *l = q->lanes[i];
		if (l != NULL && queue_has_ready(q, l->destination))
			q->hooks.ready(q->hooks.ctx, l->destination);
	}
}

/* When a pause of a destination ends that has mail waiting. */
static int64_t next_unblock_ms(const struct queue *q)
{
	int64_t next = q->poke_ms;
	uint32_t n = atomic_load(&q->config.destinations->count);
	for (uint32_t i = 0; i < n; i++) {
		const struct lane *l = q->lanes[i];
		if (l == NULL || l->count == 0)
			continue;
		int64_t at = atomic_load(&l->destination->not_before_ms);
		if (at > queue_wall_ms(q) && at < next)
			next = at;
	}
	return next;
}

/* A part without waiting recipients carries the alarm clock of a report. */
void part_due(struct queue *q, struct queue_part *p)
{
	if (part_waiting(p) > 0) {
		part_ready(q, p);
		return;
	}
	part_unlink(q, p);
	p->state = part_held(p) > 0 ? PART_HELD : PART_DONE;
	queue_ask_report(q, p->entry);
}

void queue_tick(struct queue *q)
{
	int64_t now = queue_wall_ms(q);
	struct queue_part *p;
	while ((p = schedule_due(&q->schedule, now)) != NULL)
		part_due(q, p);
	if (q->unwritten > 0)
		queue_write_late(q);
	queue_go_on_releasing(q);
	poke_lanes(q);
	q->poke_ms = now + POKE_MS;
	int64_t next = schedule_next_ms(&q->schedule);
	int64_t unblock = next_unblock_ms(q);
	q->config.wake_at(q->config.clock, next < unblock ? next : unblock);
}

static bool any_leased(const struct queue_entry *e)
{
	for (uint16_t i = 0; i < e->part_count; i++)
		if (e->parts[i].state == PART_LEASED)
			return true;
	return false;
}

void queue_cool(struct queue *q, const struct body_budget *budget)
{
	uint64_t high = budget->max_bytes / 4 * 3;
	int64_t now = queue_wall_ms(q);
	list_each(&q->warm, node, after) {
		struct queue_entry *e =
			CONTAINER_OF(node, struct queue_entry, warm);
		bool old = now - (int64_t)e->id.time_ms > q->config.warm_ms;
		bool tight = atomic_load_explicit(&budget->used_bytes,
						  memory_order_relaxed) > high;
		if (!old && !tight)
			break;
		if (!any_leased(e) && !e->reporting)
			entry_cool(e);
	}
}

bool queue_checkpoint(struct queue *q, struct spool_checkpoint *ck,
		      bool begin)
{
	enum { SLICE_ENTRIES = 1000 };
	if (begin) {
		list_remove(&q->marker);
		list_prepend(&q->all, &q->marker);
	}
	struct buf state;
	buf_init(&state, UINT32_MAX);
	struct list *node = q->marker.next;
	for (int i = 0; i < SLICE_ENTRIES && node != &q->all; i++) {
		struct queue_entry *e =
			CONTAINER_OF(node, struct queue_entry, all);
		buf_clear(&state);
		entry_state_write(&state, e);
		if (state.failed) {
			/* No memory: to wait for some would hold up a stop. */
			spool_checkpoint_fail(ck);
			node = &q->all;
			break;
		}
		spool_checkpoint_add(ck, e->id, buf_slice(&state));
		node = node->next;
	}
	buf_fini(&state);
	list_remove(&q->marker);
	if (node == &q->all)
		return true;
	list_insert_before(node, &q->marker);
	return false;
}
