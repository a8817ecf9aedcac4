/*
 * Writing the state of an entry: one commit under way at a time; what
 * changes meanwhile makes the entry dirty and is written next. When nothing
 * is left to do or to report, the commit is "done" and its end frees the
 * entry. A state that can't be written is tried again: until then a crash
 * costs a second delivery, never a loss.
 */
#include "queue/queue_private.h"

#include <stdlib.h>

enum { WRITE_AGAIN_MS = 1000 };

static void mark_dirty(struct queue *q, struct queue_entry *e)
{
	if (!e->dirty)
		q->unwritten++;
	e->dirty = true;
}

static void clear_dirty(struct queue *q, struct queue_entry *e)
{
	if (e->dirty) {
		invariant(q->unwritten > 0);
		q->unwritten--;
	}
	e->dirty = false;
}

static bool entry_done(const struct queue_entry *e)
{
	return e->waiting == 0 && !e->reporting && !entry_unreported(e);
}

static void free_commit(struct queue_commit *c)
{
	buf_fini(&c->state);
	free(c);
}

bool queue_when_written(struct queue_entry *e, struct queue_wait *w)
{
	if (e->commit == NULL && !e->dirty)
		return false;
	w->next = e->waits;
	e->waits = w;
	return true;
}

void entry_written(struct queue_entry *e, bool ok)
{
	struct queue_wait *w = e->waits;
	e->waits = NULL;
	while (w != NULL) {
		struct queue_wait *next = w->next;
		w->written(w, ok);	/* it may be gone */
		w = next;
	}
}

/* After a release is synced: what was held may go. */
static void ready_released(struct queue *q, struct queue_entry *e)
{
	e->releasing = false;
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		if (p->state == PART_HELD && part_waiting(p) > 0)
			part_ready(q, p);
	}
}

static void committed(struct spool_commit *spool)
{
	struct queue_commit *c =
		CONTAINER_OF(spool, struct queue_commit, spool);
	struct queue_entry *e = c->entry;
	struct queue *q = e->queue;
	bool ok = spool->ok;
	bool was_done = spool->kind == SPOOL_DONE;
	bool was_release = spool->kind == SPOOL_RELEASE;
	bool was_booking = spool->booking.n > 0;
	int64_t booked_ms = spool->wall_ms;
	invariant(e->commit == c);
	e->commit = NULL;
	if (c->has_event)
		journal_end(&c->event, JOURNAL_KEEP, spool->position);
	if (!ok)
		log_failure(q->config.log, LOG_WARNING, "queue.state_unwritten",
			    &spool->err);
	free_commit(c);
	if (ok && was_booking)
		release_booked(e, booked_ms);
	if (e->over || (was_done && ok)) {
		counter_add(q->config.counters, COUNTER_messages_ended_total,
			    1);
		entry_written(e, true);
		queue_forget(q, &e);
		return;
	}
	if (!ok) {
		mark_dirty(q, e);
		entry_written(e, false);
		q->config.wake_at(q->config.clock,
				  queue_wall_ms(q) + WRITE_AGAIN_MS);
		return;
	}
	/* What was released while another state was on its way waits for its
	 * own frame. */
	if (e->releasing && was_release && !e->dirty)
		ready_released(q, e);
	if (e->dirty)
		queue_write(q, e, NULL);
	else
		entry_written(e, true);
}

static struct queue_commit *make_commit(struct queue_entry *e)
{
	struct queue_commit *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->entry = e;
	buf_init(&c->state, UINT32_MAX);
	c->spool = (struct spool_commit){
		.kind = entry_done(e) ? SPOOL_DONE
				      : e->releasing ? SPOOL_RELEASE
						     : SPOOL_STATE,
		.id = e->id,
		.wall_ms = queue_wall_ms(e->queue),
		.done = committed,
	};
	if (c->spool.kind != SPOOL_DONE)
		release_state_write(&c->state, e);
	if (c->spool.kind == SPOOL_RELEASE && e->release != NULL)
		c->spool.booking = buf_slice(&e->release->booking);
	if (c->state.failed) {
		free_commit(c);
		return NULL;
	}
	c->spool.state = buf_slice(&c->state);
	return c;
}

void queue_write(struct queue *q, struct queue_entry *e,
		 struct journal_event *event)
{
	struct queue_commit *c = e->commit ? NULL : make_commit(e);
	e->changed = true;
	if (c == NULL) {
		/* The event is told now; the state goes with the next one. */
		if (event != NULL)
			journal_end(event, JOURNAL_KEEP, 0);
		mark_dirty(q, e);
		if (e->commit == NULL)
			q->config.wake_at(q->config.clock,
					  queue_wall_ms(q) + WRITE_AGAIN_MS);
		return;
	}
	clear_dirty(q, e);
	if (event != NULL) {
		c->event = *event;
		c->event.json.out = &c->event.line;	/* moved house */
		c->has_event = true;
		c->spool.journal = buf_slice(&c->event.line);
	}
	e->commit = c;
	spool_commit(q->config.spool, &c->spool);
}

void queue_write_late(struct queue *q)
{
	list_each(&q->all, node, after) {
		if (node == &q->marker)
			continue;
		struct queue_entry *e =
			CONTAINER_OF(node, struct queue_entry, all);
		if (e->dirty && e->commit == NULL)
			queue_write(q, e, NULL);
	}
}
