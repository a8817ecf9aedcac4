/*
 * Timers of one thread: hierarchical wheel, 1 ms ticks, add and cancel in
 * constant time, nodes inside the objects. Knows no clock: the caller says
 * what time it is (monotonic milliseconds, never negative).
 */
#pragma once

#include <stdint.h>

#include "base/list.h"

struct timer {
	struct list node;
	int64_t due_ms;			/* 0: not set */
	int16_t slot;			/* level * 64 + slot; -1: in none */
	void (*fire)(struct timer *);
};

enum { WHEEL_LEVELS = 6, WHEEL_SLOTS = 64 };

struct timerwheel {
	int64_t now_ms;
	uint64_t occupied[WHEEL_LEVELS];	/* bit per slot */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	size_t count;
};

void timerwheel_init(struct timerwheel *w, int64_t now_ms);
void timer_init(struct timer *t, void (*fire)(struct timer *));
/* Sets or moves it; a time in the past fires with the next advance. */
void timerwheel_set(struct timerwheel *w, struct timer *t, int64_t due_ms);
void timerwheel_cancel(struct timerwheel *w, struct timer *t);
/* Fires all that is due, in order of their ticks; a timer that sets itself
 * again for now or earlier fires in the next call. Returns how many fired. */
size_t timerwheel_advance(struct timerwheel *w, int64_t now_ms);
/* Not later than the first due time; INT64_MAX without timers. */
int64_t timerwheel_next_ms(const struct timerwheel *w);
