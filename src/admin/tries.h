/*
 * Slows down whoever tries to sign in again and again (SPEC 12.3, RELIABILITY
 * A6): by person, known or not, by client address, and all together, since
 * each try costs a hash. Pure but for its memory, which is bounded: 4096
 * names, of which the ones that were quiet longest make room. Times are
 * monotonic milliseconds.
 *
 * The first tries that fail cost nothing; each further one twice the wait of
 * the one before, up to a bound. After a quiet time all is forgotten.
 */
#pragma once

#include "base/slice.h"

enum {
	TRIES_FREE = 3,
	TRIES_PERSON_MS = 60 * 1000,	/* longest wait */
	TRIES_CLIENT_MS = 5 * 60 * 1000,
	TRIES_QUIET_MS = 15 * 60 * 1000,
	TRIES_A_SECOND = 8,		/* of all together */
	TRIES_BURST = 16,
};

enum tries_kind { TRIES_PERSON, TRIES_CLIENT };

struct tries;
struct tries *tries_new(void);		/* NULL: no memory */
void tries_free(struct tries **t);

/* How long the name must wait; 0: it may try now. */
int64_t tries_wait_ms(const struct tries *t, enum tries_kind kind, slice name,
		      int64_t now);
/* May anybody try now? Then it is counted. Else how long to wait. */
int64_t tries_take_turn(struct tries *t, int64_t now);
/* It failed. Gives how many times in a row. */
uint32_t tries_failed(struct tries *t, enum tries_kind kind, slice name,
		      int64_t now);
void tries_succeeded(struct tries *t, enum tries_kind kind, slice name);
