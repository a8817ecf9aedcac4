/*
 * The state of an entry as bytes (docs/formats/queue_state.md); declared in
 * entry.h. All numbers little-endian.
 */
#include "base/cursor.h"
#include "limits/ledger.h"
#include "queue/entry.h"

#include <stdlib.h>

enum { STATE_VERSION = 1, FLAG_OWN = 1, FLAG_BIG = 2,
       FLAG_MESSAGE_BOOKED = 4,
       RECIPIENT_REPORTED = 1, RECIPIENT_DSN_PASSED = 2,
       RECIPIENT_UNBOOKED = 4,
       RECIPIENT_LIMIT_SHIFT = 3, RECIPIENT_LIMIT_MASK = 7 };

static void write_part(struct buf *out, const struct queue_part *p)
{
	buf_u64(out, p->destination->key);
	buf_u64(out, (uint64_t)p->next_ms);
	buf_u16(out, p->tries);
	buf_u16(out, p->count);
	/* A lease ends with the process: the part is due again. */
	buf_u8(out, p->state == PART_LEASED ? PART_READY : p->state);
}

static void write_recipient(struct buf *out, const struct queue_recipient *r)
{
	buf_u16(out, r->number);
	buf_u8(out, r->state);
	buf_u8(out, r->held);
	buf_u8(out, (uint8_t)((r->reported ? RECIPIENT_REPORTED : 0) |
			      (r->dsn_passed ? RECIPIENT_DSN_PASSED : 0) |
			      (r->unbooked ? RECIPIENT_UNBOOKED : 0) |
			      r->limit << RECIPIENT_LIMIT_SHIFT));
	buf_u16(out, r->code);
	buf_append_bytes(out, r->enhanced, sizeof(r->enhanced));
	slice reply = slice_of(r->reply);
	buf_u8(out, (uint8_t)reply.n);
	buf_append(out, reply);
}

void entry_state_write(struct buf *out, const struct queue_entry *e)
{
	_Static_assert(ENTRY_REPLY_MAX <= UINT8_MAX, "length is a u8");
	buf_u8(out, STATE_VERSION);
	buf_u8(out, (uint8_t)((e->own ? FLAG_OWN : 0) |
			      (e->big ? FLAG_BIG : 0) |
			      (e->message_booked ? FLAG_MESSAGE_BOOKED : 0)));
	buf_u8(out, e->notify_any);
	buf_u32(out, e->customer);
	buf_u64(out, e->size);
	buf_u16(out, e->part_count);
	buf_u16(out, e->recipient_count);
	for (uint16_t i = 0; i < e->part_count; i++)
		write_part(out, &e->parts[i]);
	for (uint16_t i = 0; i < e->recipient_count; i++)
		write_recipient(out, &e->recipients[i]);
}

static bool read_part(struct cursor *c, struct destinations *all,
		      struct queue_part *p, uint16_t first)
{
	uint64_t key = cursor_u64(c);
	p->next_ms = (int64_t)cursor_u64(c);
	p->tries = cursor_u16(c);
	p->count = cursor_u16(c);
	p->state = cursor_u8(c);
	p->first = first;
	p->destination = destinations_by_key(all, key);
	if (p->destination == NULL)
		p->destination = destinations_at(all, DESTINATION_UNROUTED);
	return !c->failed && p->count > 0 && p->next_ms >= 0 &&
	       p->state <= PART_DONE && p->state != PART_LEASED;
}

static bool read_recipient(struct cursor *c, struct queue_recipient *r)
{
	r->number = cursor_u16(c);
	r->state = cursor_u8(c);
	r->held = cursor_u8(c);
	uint8_t flags = cursor_u8(c);
	r->reported = (flags & RECIPIENT_REPORTED) != 0;
	r->dsn_passed = (flags & RECIPIENT_DSN_PASSED) != 0;
	r->unbooked = (flags & RECIPIENT_UNBOOKED) != 0;
	r->limit = flags >> RECIPIENT_LIMIT_SHIFT & RECIPIENT_LIMIT_MASK;
	if (r->limit > LEDGER_LIMITS)
		r->limit = 0;
	uint16_t code = cursor_u16(c);
	slice enhanced = cursor_take(c, sizeof(r->enhanced));
	slice reply = cursor_take(c, cursor_u8(c));
	if (c->failed || r->state >= RECIPIENT_STATE_COUNT ||
	    r->held >= HELD_REASON_COUNT ||
	    (r->unbooked && (r->state == RECIPIENT_WAITING ||
			     r->state == RECIPIENT_DELIVERED)))
		return false;
	uint8_t bytes[3];
	memcpy(bytes, enhanced.p, sizeof(bytes));
	recipient_set_reply(r, code, bytes, reply);
	return true;
}

static bool read_rest(struct cursor *c, struct destinations *all,
		      struct queue_entry *e)
{
	uint32_t first = 0;
	for (uint16_t i = 0; i < e->part_count; i++) {
		if (!read_part(c, all, &e->parts[i], (uint16_t)first))
			return false;
		first += e->parts[i].count;
		if (first > e->recipient_count)
			return false;
	}
	if (first != e->recipient_count)
		return false;
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		struct queue_recipient *r = &e->recipients[i];
		if (!read_recipient(c, r))
			return false;
		e->waiting += r->state == RECIPIENT_WAITING ||
			      r->state == RECIPIENT_HELD;
	}
	return cursor_done(c);
}

struct queue_entry *entry_from_state(struct queue *q, struct id id,
				     struct destinations *all, slice state,
				     struct err *err)
{
	struct cursor c = cursor_of(state);
	uint8_t version = cursor_u8(&c);
	uint8_t flags = cursor_u8(&c);
	uint8_t notify_any = cursor_u8(&c);
	uint32_t customer = cursor_u32(&c);
	uint64_t size = cursor_u64(&c);
	uint16_t parts = cursor_u16(&c);
	uint16_t recipients = cursor_u16(&c);
	/* A recipient takes at least 11 bytes: no big allocation for a short
	 * input. */
	if (c.failed || version != STATE_VERSION || parts == 0 ||
	    recipients == 0 || parts > recipients ||
	    recipients > c.rest.n / 11) {
		err_set(err, ERR_PROTOCOL, SCOPE_MESSAGE, "queue_state",
			"queue state can't be read");
		return NULL;
	}
	struct queue_entry *e = entry_alloc(q, id, parts, recipients);
	if (e == NULL) {
		err_set_memory(err, "queue_state");
		return NULL;
	}
	e->own = (flags & FLAG_OWN) != 0;
	e->big = (flags & FLAG_BIG) != 0;
	e->message_booked = (flags & FLAG_MESSAGE_BOOKED) != 0;
	e->notify_any = notify_any;
	e->customer = customer;
	e->size = size;
	if (!read_rest(&c, all, e)) {
		err_set(err, ERR_PROTOCOL, SCOPE_MESSAGE, "queue_state",
			"queue state can't be read");
		entry_free(&e);
		return NULL;
	}
	entry_check(e);
	return e;
}
