/*
 * Entries with recipients that a limit holds (SPEC 6.10): how they become so,
 * and their place among what all shards hold (held.h). How they leave it:
 * release.c.
 */
#include "queue/queue_private.h"

#include <stdlib.h>

static uint32_t count_limit_held(const struct queue_entry *e)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < e->recipient_count; i++)
		n += recipient_limit_held(&e->recipients[i]);
	return n;
}

static uint32_t count_by_hand(const struct queue_entry *e)
{
	uint32_t n = 0;
	for (uint16_t i = 0; i < e->recipient_count; i++)
		n += recipient_held_by_hand(&e->recipients[i]);
	return n;
}

static void count_over(const struct queue_entry *e,
		       uint16_t over[LEDGER_LIMITS + 1])
{
	memset(over, 0, (LEDGER_LIMITS + 1) * sizeof(*over));
	for (uint16_t i = 0; i < e->recipient_count; i++)
		if (recipient_limit_held(&e->recipients[i]))
			over[e->recipients[i].limit]++;
}

bool entry_join_held(struct queue *q, struct queue_entry *e, uint32_t user,
		     bool user_known)
{
	uint32_t n = count_limit_held(e);
	if (n == 0 || e->held != NULL || q->config.held == NULL)
		return true;
	struct held_message *m = calloc(1, sizeof(*m));
	if (m == NULL)
		return false;
	m->id = e->id;
	m->shard = q->config.shard;
	m->user = user;
	m->user_known = user_known;
	m->message_booked = e->message_booked;
	m->recipients = n;
	m->by_hand = count_by_hand(e);
	count_over(e, m->over);
	m->bytes = e->size;
	if (!held_add(q->config.held, m, e->customer)) {
		free(m);
		return false;
	}
	e->held = m;
	return true;
}

void entry_held_recount(struct queue_entry *e)
{
	uint16_t over[LEDGER_LIMITS + 1];
	if (e->held == NULL)
		return;
	count_over(e, over);
	held_recount(e->queue->config.held, e->held, count_by_hand(e), over);
}

void entry_held_less(struct queue_entry *e, uint32_t recipients)
{
	if (recipients == 0 || e->held == NULL)
		return;
	held_less(e->queue->config.held, e->held, recipients);
	if (e->held->recipients > 0) {
		entry_held_recount(e);
		return;
	}
	free(e->held);
	e->held = NULL;
}

void entry_leave_held(struct queue_entry *e)
{
	if (e->held != NULL)
		entry_held_less(e, e->held->recipients);
	release_drop(e);
}

bool queue_keep_held(struct queue_entry *e, const uint8_t *held, uint32_t user,
		     bool message_booked)
{
	struct queue *q = e->queue;
	uint32_t n = 0;
	invariant(!e->live);
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		struct queue_recipient *r = &e->recipients[i];
		if (held[r->number] == LEDGER_OK)
			continue;
		r->state = RECIPIENT_HELD;
		r->held = HELD_LIMIT;
		r->unbooked = true;
		r->limit = held[r->number];
		n++;
	}
	for (uint16_t i = 0; i < e->part_count; i++)
		if (part_waiting(&e->parts[i]) == 0)
			e->parts[i].state = PART_HELD;
	q->held += n;
	e->message_booked = message_booked;
	return entry_join_held(q, e, user, true);
}

bool queue_has_unbooked(const struct queue_entry *e)
{
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		const struct queue_recipient *r = &e->recipients[i];
		if (r->unbooked && r->state == RECIPIENT_HELD)
			return true;
	}
	return false;
}
