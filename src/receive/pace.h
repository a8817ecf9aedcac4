/*
 * How fast a body must come in: so many bytes a second on the average of each
 * minute (limits.data_rate_bytes), so that nobody holds a connection and what
 * goes with it by a byte now and then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_WINDOW_MS = 60000 };

struct pace {
	int64_t from_ms;	/* monotonic: when this minute began */
	uint64_t bytes;		/* that came since */
};

/* A body begins, or goes on after a time when it was us who didn't read. */
void pace_begin(struct pace *p, int64_t now_ms);
/* So much came. False: the minute that is over brought less than `rate` bytes
 * a second; 0: any rate will do. */
bool pace_more(struct pace *p, int64_t now_ms, size_t bytes, uint64_t rate);
