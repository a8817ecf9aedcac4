/* The ledger and its locks; see relay_ledger.h. */
#include "app/relay_ledger.h"

static void lock_stripe(void *ctx, unsigned stripe)
{
	struct relay_ledger *r = ctx;
	os_mutex_lock(r->stripes[stripe]);
}

static void unlock_stripe(void *ctx, unsigned stripe)
{
	struct relay_ledger *r = ctx;
	os_mutex_unlock(r->stripes[stripe]);
}

bool relay_ledger_open(struct relay_ledger *r, uint64_t max_bytes,
		       struct err *err)
{
	struct ledger_locks locks = { lock_stripe, unlock_stripe, r };
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		if (!os_mutex_new(&r->stripes[i], err))
			return false;
	r->ledger = ledger_new(locks, max_bytes);
	return r->ledger != NULL || err_set_memory(err, "relay_ledger");
}

void relay_ledger_close(struct relay_ledger *r)
{
	if (r->ledger != NULL)
		ledger_free(&r->ledger);
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		if (r->stripes[i] != NULL)
			os_mutex_free(&r->stripes[i]);
}

static bool restore_mark(struct relay_ledger *r, slice bytes, int64_t sent_ms,
			 int64_t now_ms, struct err *err)
{
	struct booking_mark m;
	if (!booking_mark_read(bytes, &m, err))
		return false;
	struct ledger_alert alert = {
		.limit = (enum ledger_verdict)m.limit,
		.customer = m.customer, .user = m.user, .percent = m.percent,
	};
	return ledger_restore_alert(r->ledger, &alert, sent_ms, now_ms) ||
	       err_set_memory(err, "relay_ledger");
}

bool relay_ledger_restore(struct relay_ledger *r, slice booking,
			  int64_t booked_ms, int64_t now_ms, struct err *err)
{
	struct booking b;
	if (booking.n == 0)
		return true;
	if (booking_is_mark(booking))
		return restore_mark(r, booking, booked_ms, now_ms, err);
	return booking_read(booking, &b, err) &&
	       ledger_restore(r->ledger, &b, booked_ms, now_ms, err);
}
