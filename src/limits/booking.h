/*
 * What an accepted message used up (SPEC 6): bytes that stand in its accept
 * frame, in the segment's summary and, after a start, in the ledger again.
 * The spool doesn't look inside. Byte table: docs/formats/booking.md.
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
	/* reading: recipients × u64; writing: unused */
	slice hashes;
};

/* A recipient's hash: exact local part, folded domain (SPEC 6.1). */
uint64_t booking_recipient_hash(const uint8_t key[BOOKING_KEY], slice local,
				slice domain);

/* hashes: one per recipient. */
void booking_write(struct buf *out, uint32_t customer, uint32_t user,
		   const uint64_t *hashes, uint32_t recipients);
bool booking_read(slice bytes, struct booking *out, struct err *err) MUST_USE;
/* The i-th hash of a booking that was read. */
uint64_t booking_hash(const struct booking *b, uint32_t i);
