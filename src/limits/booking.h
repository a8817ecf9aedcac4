/*
 * What an accepted message, or the release of a held one, used up (SPEC 6):
 * bytes that stand in its frame, in the segment's summary and, after a start,
 * in the ledger again. The spool doesn't look inside. Byte table:
 * docs/formats/booking.md. An alert's frame has its mark in the same place.
 *
 * Recipients are counted as 64-bit hashes under a key that lies in keys/, so
 * neither summaries nor a stolen disk tell who was written to.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { BOOKING_RECIPIENTS_MAX = 50000, BOOKING_KEY = 16 };

struct booking {
	uint32_t customer;
	uint32_t user;			/* 0: no per-user limit (SPEC 6.1) */
	uint32_t recipients;		/* all, also those booked twice */
	/* Of them out of the null sender's reserve (SPEC 5.4), by window. */
	uint32_t null_day, null_peak;
	/* The user's message stands in an earlier booking: these are
	 * recipients of it that had been held. */
	bool message_booked;
	/* reading: recipients × u64; writing: unused */
	slice hashes;
};

/* A recipient's hash: exact local part, folded domain (SPEC 6.1). */
uint64_t booking_recipient_hash(const uint8_t key[BOOKING_KEY], slice local,
				slice domain);

/* hashes: one per recipient. */
void booking_write(struct buf *out, uint32_t customer, uint32_t user,
		   const uint64_t *hashes, uint32_t recipients);
/* The same of `b`, with all that it says. */
void booking_write_all(struct buf *out, const struct booking *b,
		       const uint64_t *hashes);
bool booking_read(slice bytes, struct booking *out, struct err *err) MUST_USE;
/* The i-th hash of a booking that was read. */
uint64_t booking_hash(const struct booking *b, uint32_t i);

/* An alert went out (SPEC 6.11): not again in this window. */
struct booking_mark {
	uint32_t customer, user;	/* user 0: a customer limit */
	uint8_t limit;			/* enum ledger_verdict, 1 to 4 */
	uint8_t percent;		/* 80 or 100 */
};
void booking_mark_write(struct buf *out, const struct booking_mark *m);
/* Is it a mark rather than a booking? */
bool booking_is_mark(slice bytes);
bool booking_mark_read(slice bytes, struct booking_mark *out,
		       struct err *err) MUST_USE;

/* Mail to the operator went out: the number of its kind, which no limit knows
 * (app/operator_kinds.def). */
void booking_operator_mark_write(struct buf *out, uint8_t number);
/* False: something else. */
bool booking_operator_mark_read(slice bytes, uint8_t *number) MUST_USE;
