/*
 * When a child that died is started again: at once; after three deaths in
 * 10 s with a back-off that doubles from 0.1 s to 5 s, until one lives for
 * 10 s. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RESTART_DEATHS = 3, RESTART_WINDOW_MS = 10000,
       RESTART_FIRST_MS = 100, RESTART_MAX_MS = 5000 };

struct restart {
	int64_t died_ms[RESTART_DEATHS];	/* the last ones, newest first */
	unsigned deaths;			/* of them that are set */
	int64_t delay_ms;			/* of the back-off; 0: none yet */
};

/* Notes a death and gives the wait before the next start. */
int64_t restart_delay_ms(struct restart *r, int64_t started_ms,
			 int64_t died_ms);
