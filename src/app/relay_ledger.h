/* The ledger of limits with the locks of this process; see limits/ledger.h. */
#pragma once

#include "limits/ledger.h"
#include "os/thread.h"

struct relay_ledger {
	struct ledger *ledger;
	struct os_mutex *stripes[LEDGER_STRIPES];
};

/* Of a zeroed one; close it also when this fails. */
bool relay_ledger_open(struct relay_ledger *r, uint64_t max_bytes,
		       struct err *err) MUST_USE;
void relay_ledger_close(struct relay_ledger *r);
/* What a frame of the spool booked at that time, or the mark of an alert. */
bool relay_ledger_restore(struct relay_ledger *r, slice booking,
			  int64_t booked_ms, int64_t now_ms,
			  struct err *err) MUST_USE;
