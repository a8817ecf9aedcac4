/*
 * Entries: made in one piece (entry, parts, recipients), so a message costs
 * one allocation and ends with one free. See entry.h.
 */
#include "queue/entry.h"

#include <stdlib.h>

static const char *const recipient_names[RECIPIENT_STATE_COUNT] = {
	[RECIPIENT_WAITING] = "waiting",
	[RECIPIENT_DELIVERED] = "delivered",
	[RECIPIENT_FAILED] = "failed",
	[RECIPIENT_HELD] = "held",
	[RECIPIENT_REMOVED] = "removed",
};

static const char *const held_names[HELD_REASON_COUNT] = {
	[HELD_NOT] = "not held",
	[HELD_OPERATOR] = "operator",
	[HELD_CRASH] = "crash",
	[HELD_LIMIT] = "over-limit",
	[HELD_QUARANTINE] = "quarantine",
	[HELD_USER_PAUSED] = "user paused",
	[HELD_CUSTOMER] = "customer",
};

const char *recipient_state_name(enum recipient_state state)
{
	invariant(state < RECIPIENT_STATE_COUNT);
	return recipient_names[state];
}

const char *held_reason_name(enum held_reason reason)
{
	invariant(reason < HELD_REASON_COUNT);
	return held_names[reason];
}

struct queue_entry *entry_alloc(struct queue *q, struct id id, uint16_t parts,
				uint16_t recipients)
{
	size_t bytes = sizeof(struct queue_entry) +
		       parts * sizeof(struct queue_part) +
		       recipients * sizeof(struct queue_recipient);
	struct queue_entry *e = calloc(1, bytes);
	if (e == NULL)
		return NULL;
	e->id = id;
	e->queue = q;
	list_init(&e->all);
	list_init(&e->warm);
	e->part_count = parts;
	e->recipient_count = recipients;
	e->parts = (struct queue_part *)(void *)(e + 1);
	e->recipients =
		(struct queue_recipient *)(void *)(e->parts + parts);
	for (uint16_t i = 0; i < parts; i++) {
		e->parts[i].entry = e;
		e->parts[i].heap_at = NOT_IN_HEAP;
		list_init(&e->parts[i].node);
	}
	return e;
}

/* Destinations of the recipients, and how many different ones: into `of` and
 * `parts` (room for all). Few destinations a message: a linear search. */
static bool route_all(const struct router *r, const struct envelope *e,
		      struct destination **of, struct destination **parts,
		      uint16_t *count)
{
	uint16_t n = 0;
	for (uint32_t i = 0; i < e->recipient_count; i++) {
		of[i] = r->route(r, e->recipients[i].address.domain);
		if (of[i] == NULL)
			return false;
		uint16_t at = 0;
		while (at < n && parts[at] != of[i])
			at++;
		if (at == n)
			parts[n++] = of[i];
	}
	*count = n;
	return true;
}

static void fill(struct queue_entry *entry, const struct envelope *e,
		 struct destination *const *of,
		 struct destination *const *parts)
{
	uint16_t at = 0;
	for (uint16_t p = 0; p < entry->part_count; p++) {
		struct queue_part *part = &entry->parts[p];
		part->destination = parts[p];
		part->first = at;
		for (uint16_t i = 0; i < entry->recipient_count; i++) {
			if (of[i] != parts[p])
				continue;
			entry->recipients[at].number = i;
			entry->notify_any |= e->recipients[i].notify;
			at++;
		}
		part->count = (uint16_t)(at - part->first);
	}
	invariant(at == entry->recipient_count);
}

struct queue_entry *entry_new(struct queue *q, const struct router *r,
			      const struct envelope *e)
{
	size_t n = e->recipient_count;
	if (n == 0 || n > ENVELOPE_RECIPIENTS_MAX)
		return NULL;
	struct destination *few[2];
	struct destination **of = few;
	if (n > 1)
		of = calloc(2 * n, sizeof(struct destination *));
	struct queue_entry *entry = NULL;
	uint16_t parts;
	if (of == NULL || !route_all(r, e, of, of + n, &parts))
		goto out;
	entry = entry_alloc(q, e->id, parts, (uint16_t)n);
	if (entry == NULL)
		goto out;
	entry->customer = e->customer;
	entry->own = e->own || address_is_null(&e->sender);
	entry->size = e->body_bytes;
	entry->waiting = (uint32_t)n;
	fill(entry, e, of, of + n);
	entry_check(entry);
out:
	if (of != few)
		free(of);
	return entry;
}

void entry_free(struct queue_entry **entry)
{
	struct queue_entry *e = *entry;
	if (e == NULL)
		return;
	invariant(list_empty(&e->all) && list_empty(&e->warm) &&
		  e->memory == NULL && e->commit == NULL &&
		  e->release == NULL && e->held == NULL);
	for (uint16_t i = 0; i < e->part_count; i++)
		invariant(list_empty(&e->parts[i].node) &&
			  e->parts[i].heap_at == NOT_IN_HEAP);
	for (uint16_t i = 0; i < e->recipient_count; i++)
		free(e->recipients[i].reply);
	free(e);
	*entry = NULL;
}

static void part_check(const struct queue_part *p)
{
	bool listed = !list_empty(&p->node);
	bool timed = p->heap_at != NOT_IN_HEAP;
	switch ((enum part_state)p->state) {
	case PART_READY:
		/* Not listed before the entry is live. */
		invariant(!timed && (listed || !p->entry->live));
		break;
	case PART_SCHEDULED:
		invariant(!listed && (timed || !p->entry->live));
		break;
	case PART_LEASED:
	case PART_HELD:
	case PART_DONE:
		invariant(!listed && !timed);
		break;
	}
}

void entry_check(const struct queue_entry *e)
{
	uint32_t waiting = 0;
	invariant(e->part_count > 0 && e->recipient_count > 0);
	for (uint16_t i = 0; i < e->part_count; i++)
		part_check(&e->parts[i]);
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		enum recipient_state s = e->recipients[i].state;
		waiting += s == RECIPIENT_WAITING || s == RECIPIENT_HELD;
		/* Nothing goes out that is in no booking. */
		invariant(!e->recipients[i].unbooked ||
			  (s != RECIPIENT_WAITING && s != RECIPIENT_DELIVERED));
	}
	invariant(waiting == e->waiting);
}

void recipient_set_reply(struct queue_recipient *r, uint16_t code,
			 const uint8_t enhanced[3], slice reply)
{
	r->code = code;
	memcpy(r->enhanced, enhanced, sizeof(r->enhanced));
	free(r->reply);
	r->reply = NULL;
	size_t n = reply.n < ENTRY_REPLY_MAX ? reply.n : ENTRY_REPLY_MAX;
	if (n == 0)
		return;
	r->reply = malloc(n + 1);
	if (r->reply == NULL)
		return;	/* only words are lost, the code stands */
	for (size_t i = 0; i < n; i++) {
		char c = reply.p[i];
		r->reply[i] = c < ' ' || c > '~' ? ' ' : c;
	}
	r->reply[n] = '\0';
}
