/* Bookings as bytes; see booking.h. */
#include "limits/booking.h"

#include "base/cursor.h"
#include "base/map.h"

enum { BOOKING_VERSION = 1, HASH_BYTES = 8 };

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

void booking_write(struct buf *out, uint32_t customer, uint32_t user,
		   const uint64_t *hashes, uint32_t recipients)
{
	invariant(recipients <= BOOKING_RECIPIENTS_MAX);
	buf_u8(out, BOOKING_VERSION);
	buf_u32(out, customer);
	buf_u32(out, user);
	buf_u32(out, recipients);
	for (uint32_t i = 0; i < recipients; i++)
		buf_u64(out, hashes[i]);
}

bool booking_read(slice bytes, struct booking *out, struct err *err)
{
	struct cursor c = cursor_of(bytes);
	uint8_t version = cursor_u8(&c);
	*out = (struct booking){ 0 };
	out->customer = cursor_u32(&c);
	out->user = cursor_u32(&c);
	out->recipients = cursor_u32(&c);
	if (out->recipients > BOOKING_RECIPIENTS_MAX)
		c.failed = true;
	out->hashes = cursor_take(&c, (size_t)out->recipients * HASH_BYTES);
	if (version != BOOKING_VERSION || !cursor_done(&c))
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "booking",
			       "booking can't be read");
	return true;
}

uint64_t booking_hash(const struct booking *b, uint32_t i)
{
	invariant(i < b->recipients);
	struct cursor c = cursor_of(slice_skip(b->hashes, i * HASH_BYTES));
	return cursor_u64(&c);
}
