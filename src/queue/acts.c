/*
 * What people do with the queue: hold, release, retry, remove. A part that
 * is being delivered at this moment is left alone.
 */
#include "queue/queue_private.h"

static void tell(struct queue_entry *e, const char *event, const char *reason,
		 uint32_t recipients)
{
	struct queue *q = e->queue;
	struct journal_event ev;
	journal_begin(&ev, q->config.journal, event, queue_wall_ms(q));
	json_key(&ev.json, "id");
	json_id(&ev.json, e->id);
	json_member_u64(&ev.json, "customer", e->customer);
	json_member_u64(&ev.json, "recipients", recipients);
	if (reason != NULL)
		json_member_cstr(&ev.json, "reason", reason);
	queue_write(q, e, &ev);
}

/* What a limit holds becomes held by hand: no room releases it any more. *out:
 * how many of them no longer count as held over the limit. */
static uint32_t hold_limit_held(struct queue_part *p, enum held_reason reason,
				uint32_t *out)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < p->count; i++) {
		struct queue_recipient *r =
			&p->entry->recipients[p->first + i];
		if (!recipient_limit_held(r) || r->held != HELD_LIMIT ||
		    r->releasing)
			continue;
		r->held = (uint8_t)reason;
		*out += !recipient_limit_held(r);
		n++;
	}
	return n;
}

static uint32_t limit_held(const struct queue_part *p)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < p->count; i++)
		n += recipient_limit_held(&p->entry->recipients[p->first + i]);
	return n;
}

/* An operator's hold, and that of a crash, only he may lift (SPEC 9.4). */
static bool is_operators(const struct queue_recipient *r)
{
	return r->held == HELD_OPERATOR || r->held == HELD_CRASH;
}

static uint32_t release_part(struct queue_part *p, bool operators)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < p->count; i++) {
		struct queue_recipient *r =
			&p->entry->recipients[p->first + i];
		if (r->state != RECIPIENT_HELD || r->unbooked ||
		    (is_operators(r) && !operators))
			continue;
		r->state = RECIPIENT_WAITING;
		r->held = HELD_NOT;
		n++;
	}
	return n;
}

static uint32_t change(struct queue_part *p, enum recipient_state from,
		       enum recipient_state to, enum held_reason reason)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < p->count; i++) {
		struct queue_recipient *r =
			&p->entry->recipients[p->first + i];
		if (r->state != from)
			continue;
		r->state = (uint8_t)to;
		r->held = (uint8_t)reason;
		n++;
	}
	return n;
}

uint32_t queue_hold(struct queue_entry *e, enum held_reason reason)
{
	uint32_t n = 0, over_limit = 0, out = 0;
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		if (p->state != PART_LEASED)
			over_limit += hold_limit_held(p, reason, &out);
		if (p->state != PART_READY && p->state != PART_SCHEDULED)
			continue;
		uint32_t changed = change(p, RECIPIENT_WAITING,
					  RECIPIENT_HELD, reason);
		if (changed == 0)
			continue;
		part_unlink(e->queue, p);
		p->state = PART_HELD;
		n += changed;
	}
	e->queue->held += n;
	entry_held_less(e, out);
	entry_held_recount(e);
	n += over_limit;
	if (n > 0)
		tell(e, "queue.held", held_reason_name(reason), n);
	return n;
}

static uint32_t release(struct queue_entry *e, bool operators)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		if (p->state == PART_LEASED || p->state == PART_DONE)
			continue;
		uint32_t changed = release_part(p, operators);
		if (changed == 0)
			continue;
		/* After new routes held ones may stand in a part with others:
		 * all of it waits until the release is written. */
		part_unlink(e->queue, p);
		p->state = PART_HELD;
		n += changed;
	}
	e->queue->held -= n;
	if (n > 0) {
		e->releasing = true;
		tell(e, "queue.released", NULL, n);
	}
	return n;
}

uint32_t queue_release(struct queue_entry *e)
{
	return release(e, true);
}

uint32_t queue_release_by_customer(struct queue_entry *e)
{
	return release(e, false);
}

uint32_t queue_retry(struct queue_entry *e)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		if (p->state != PART_READY && p->state != PART_SCHEDULED)
			continue;
		p->urgent = true;
		n += part_waiting(p);
		part_ready(e->queue, p);
	}
	/* Without its pause, a start would wait for the old time. */
	if (n > 0)
		tell(e, "queue.retried", NULL, n);
	return n;
}

uint32_t queue_remove(struct queue_entry *e)
{
	uint32_t n = 0, held = 0, over_limit = 0;
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		if (p->state == PART_LEASED || p->state == PART_DONE)
			continue;
		over_limit += limit_held(p);
		n += change(p, RECIPIENT_WAITING, RECIPIENT_REMOVED, HELD_NOT);
		held += change(p, RECIPIENT_HELD, RECIPIENT_REMOVED, HELD_NOT);
		part_unlink(e->queue, p);
		p->state = PART_DONE;
	}
	n += held;
	invariant(e->waiting >= n);
	e->waiting -= n;
	e->queue->waiting -= n;
	e->queue->held -= held;
	entry_held_less(e, over_limit);
	if (n > 0)
		tell(e, "queue.removed", NULL, n);
	return n;
}
