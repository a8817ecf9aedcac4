/*
 * The figures of a plan (SPEC 6.1 to 6.4, 5.4) and what follows from them
 * for one customer at one moment. Pure: licences and billing may change at
 * any time, so an allowance is worked out at each MAIL and passed to each
 * call of the ledger; the ledger remembers none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An operator may change every one. Factors are recipients a licence. */
struct plan {
	bool relay;		/* mail is relayed at all (SPEC 4.4) */
	uint64_t day_per_licence, day_cap;	/* customer, 24 h */
	uint64_t peak_per_licence, peak_cap;	/* customer, 10 min */
	uint64_t user_messages;			/* user, 24 h */
	uint64_t user_messages_per_licence;	/* lowers it; 0: doesn't */
	uint64_t user_unique_per_licence;	/* user, 24 h */
	uint64_t unpaid_day, unpaid_peak;	/* customer, trial and unpaid */
	/* What stays open for the null sender over a customer limit. */
	uint64_t null_least, null_percent;
};

/* How much one customer, and each user of it, may have in a window. */
struct allowance {
	uint64_t customer_day, customer_peak;	/* recipients, all */
	uint64_t user_messages;
	uint64_t user_unique;			/* recipients, each once */
	uint64_t null_day, null_peak;		/* recipients, on top */
};

/* 130 and 9 a licence, at most 4,600,000 and 319,444; 10,000 messages;
 * 130 unique recipients a licence; trial and unpaid 100 and 50; null sender
 * the larger of 50 and 2 %. */
struct plan plan_standard(void);
extern const struct plan PLAN_STANDARD;
/* The same, with nothing relayed. */
extern const struct plan PLAN_WITHOUT_RELAY;

/* `paid`: billing is `paid`; the end of a trial alone doesn't make it so.
 * Never more unpaid than paid. Products that don't fit are UINT64_MAX. */
struct allowance plan_allowance(const struct plan *plan, uint32_t licences,
				bool paid);
