/* Bookings as bytes; see booking.h. */
#include "limits/booking.h"

#include "base/cursor.h"
#include "base/map.h"

/* The first byte. */
enum { BOOKING_PLAIN = 1, BOOKING_FULL = 2, BOOKING_MARK = 3,
       BOOKING_OPERATOR_MARK = 4 };
enum { HASH_BYTES = 8, FLAG_MESSAGE_BOOKED = 1, MARK_LIMITS = 4 };

uint64_t booking_recipient_hash(const uint8_t key[BOOKING_KEY], slice local,
				slice domain)
{
	/* Hashed apart, so "a" + "bc" and "ab" + "c" differ. */
	uint64_t a = siphash(key, local);
	uint64_t b = siphash(key, domain);
	uint8_t both[2 * HASH_BYTES];
	memcpy(both, &a, HASH_BYTES);
	memcpy(both + HASH_BYTES, &b, HASH_BYTES);
	return siphash(key, (slice){ (const char *)both, sizeof(both) });
}

/* Most bookings need no more than version 1 has. */
static bool is_plain(const struct booking *b)
{
	return b->null_day == 0 && b->null_peak == 0 && !b->message_booked;
}

void booking_write_all(struct buf *out, const struct booking *b,
		       const uint64_t *hashes)
{
	invariant(b->recipients <= BOOKING_RECIPIENTS_MAX);
	invariant(b->null_day <= b->recipients &&
		  b->null_peak <= b->recipients);
	buf_u8(out, is_plain(b) ? BOOKING_PLAIN : BOOKING_FULL);
	buf_u32(out, b->customer);
	buf_u32(out, b->user);
	buf_u32(out, b->recipients);
	if (!is_plain(b)) {
		buf_u8(out, b->message_booked ? FLAG_MESSAGE_BOOKED : 0);
		buf_u32(out, b->null_day);
		buf_u32(out, b->null_peak);
	}
	for (uint32_t i = 0; i < b->recipients; i++)
		buf_u64(out, hashes[i]);
}

void booking_write(struct buf *out, uint32_t customer, uint32_t user,
		   const uint64_t *hashes, uint32_t recipients)
{
	booking_write_all(out,
			  &(struct booking){ .customer = customer,
					     .user = user,
					     .recipients = recipients },
			  hashes);
}

static void read_more(struct cursor *c, struct booking *out)
{
	uint8_t flags = cursor_u8(c);
	out->message_booked = (flags & FLAG_MESSAGE_BOOKED) != 0;
	out->null_day = cursor_u32(c);
	out->null_peak = cursor_u32(c);
	if ((flags & ~FLAG_MESSAGE_BOOKED) != 0 ||
	    out->null_day > out->recipients ||
	    out->null_peak > out->recipients)
		c->failed = true;
}

bool booking_read(slice bytes, struct booking *out, struct err *err)
{
	struct cursor c = cursor_of(bytes);
	uint8_t kind = cursor_u8(&c);
	*out = (struct booking){ 0 };
	out->customer = cursor_u32(&c);
	out->user = cursor_u32(&c);
	out->recipients = cursor_u32(&c);
	if (out->recipients > BOOKING_RECIPIENTS_MAX)
		c.failed = true;
	if (kind == BOOKING_FULL && !c.failed)
		read_more(&c, out);
	out->hashes = cursor_take(&c, (size_t)out->recipients * HASH_BYTES);
	if ((kind != BOOKING_PLAIN && kind != BOOKING_FULL) ||
	    !cursor_done(&c))
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "booking",
			       "booking can't be read");
	return true;
}

void booking_mark_write(struct buf *out, const struct booking_mark *m)
{
	invariant(m->limit >= 1 && m->limit <= MARK_LIMITS);
	buf_u8(out, BOOKING_MARK);
	buf_u32(out, m->customer);
	buf_u32(out, m->user);
	buf_u8(out, m->limit);
	buf_u8(out, m->percent);
}

bool booking_is_mark(slice bytes)
{
	return bytes.n > 0 && (uint8_t)bytes.p[0] == BOOKING_MARK;
}

bool booking_mark_read(slice bytes, struct booking_mark *out,
		       struct err *err)
{
	struct cursor c = cursor_of(bytes);
	uint8_t kind = cursor_u8(&c);
	out->customer = cursor_u32(&c);
	out->user = cursor_u32(&c);
	out->limit = cursor_u8(&c);
	out->percent = cursor_u8(&c);
	if (kind != BOOKING_MARK || !cursor_done(&c) || out->customer == 0 ||
	    out->limit < 1 || out->limit > MARK_LIMITS ||
	    (out->percent != 80 && out->percent != 100))
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "booking",
			       "mark of an alert can't be read");
	return true;
}

void booking_operator_mark_write(struct buf *out, uint8_t number)
{
	buf_u8(out, BOOKING_OPERATOR_MARK);
	buf_u8(out, number);
}

bool booking_operator_mark_read(slice bytes, uint8_t *number)
{
	struct cursor c = cursor_of(bytes);
	uint8_t kind = cursor_u8(&c);
	*number = cursor_u8(&c);
	return kind == BOOKING_OPERATOR_MARK && cursor_done(&c);
}

uint64_t booking_hash(const struct booking *b, uint32_t i)
{
	invariant(i < b->recipients);
	struct cursor c = cursor_of(slice_skip(b->hashes, i * HASH_BYTES));
	return cursor_u64(&c);
}
