/*
 * Timers; see timerwheel.h. Level n has slots of 64^n ms. A timer stands in
 * the level of the highest digit (base 64) in which its time differs from
 * now, so levels below the top never wrap; the top level does, and a time
 * more than FAR_MS ahead stands there as if it were that near and is put
 * again when its slot comes. All slots of a level lie before those of the
 * next one, so the first occupied level holds what comes first.
 */
#include "base/timerwheel.h"

#define FAR_MS (1ll << 35)	/* half of what the levels span: a year */

enum { DIGIT_BITS = 6, NOWHERE = -1 };

void timerwheel_init(struct timerwheel *w, int64_t now_ms)
{
	invariant(now_ms >= 0);
	w->now_ms = now_ms;
	w->count = 0;
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		w->occupied[level] = 0;
		for (int slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
	}
}

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
	*t = (struct timer){ .fire = fire, .slot = NOWHERE };
	list_init(&t->node);
}

static int digit_of(int64_t ms, int level)
{
	return (int)(ms >> level * DIGIT_BITS & (WHEEL_SLOTS - 1));
}

static int level_of(int64_t now_ms, int64_t at_ms)
{
	uint64_t differ = (uint64_t)(now_ms ^ at_ms) | 1;
	int level = (63 - __builtin_clzll(differ)) / DIGIT_BITS;
	return level < WHEEL_LEVELS ? level : WHEEL_LEVELS - 1;
}

static void place(struct timerwheel *w, struct timer *t)
{
	int64_t at_ms = t->due_ms < w->now_ms ? w->now_ms : t->due_ms;
	if (at_ms - w->now_ms > FAR_MS)
		at_ms = w->now_ms + FAR_MS;
	int level = level_of(w->now_ms, at_ms);
	int slot = digit_of(at_ms, level);
	invariant(level == 0 || slot != digit_of(w->now_ms, level));
	list_append(&w->slots[level][slot], &t->node);
	w->occupied[level] |= 1ull << slot;
	t->slot = (int16_t)(level * WHEEL_SLOTS + slot);
}

/* Out of its slot (or the list of those about to fire). */
static void take_out(struct timerwheel *w, struct timer *t)
{
	list_remove(&t->node);
	if (t->slot != NOWHERE) {
		int level = t->slot / WHEEL_SLOTS;
		int slot = t->slot % WHEEL_SLOTS;
		if (list_empty(&w->slots[level][slot]))
			w->occupied[level] &= ~(1ull << slot);
	}
	t->slot = NOWHERE;
}

void timerwheel_set(struct timerwheel *w, struct timer *t, int64_t due_ms)
{
	timerwheel_cancel(w, t);
	t->due_ms = due_ms < 1 ? 1 : due_ms;
	w->count++;
	place(w, t);
}

void timerwheel_cancel(struct timerwheel *w, struct timer *t)
{
	if (t->due_ms == 0)
		return;
	invariant(w->count > 0 && !list_empty(&t->node));
	take_out(w, t);
	t->due_ms = 0;
	w->count--;
}

/* The time at which the first occupied slot begins. */
static int64_t next_slot_ms(const struct timerwheel *w)
{
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t bits = w->occupied[level];
		if (bits == 0)
			continue;
		unsigned here = (unsigned)digit_of(w->now_ms, level);
		bits = bits >> here | bits << ((64 - here) & 63);
		int64_t slots = (w->now_ms >> level * DIGIT_BITS) +
				__builtin_ctzll(bits);
		return slots << level * DIGIT_BITS;
	}
	return INT64_MAX;
}

int64_t timerwheel_next_ms(const struct timerwheel *w)
{
	int64_t ms = next_slot_ms(w);
	return ms < w->now_ms ? w->now_ms : ms;
}

/* Now that a slot of a higher level has come, spreads it over lower ones. */
static void cascade(struct timerwheel *w, int level)
{
	struct list *slot = &w->slots[level][digit_of(w->now_ms, level)];
	for (size_t left = w->count; !list_empty(slot); left--) {
		invariant(left > 0);
		struct timer *t = list_first(slot, struct timer, node);
		take_out(w, t);
		place(w, t);
	}
}

static void collect_due(struct timerwheel *w, struct list *due)
{
	struct list *slot = &w->slots[0][digit_of(w->now_ms, 0)];
	list_each(slot, node, after) {
		struct timer *t = CONTAINER_OF(node, struct timer, node);
		take_out(w, t);
		if (t->due_ms <= w->now_ms)
			list_append(due, &t->node);
		else
			place(w, t);	/* was too far ahead to be exact */
	}
}

size_t timerwheel_advance(struct timerwheel *w, int64_t now_ms)
{
	struct list due;
	list_init(&due);
	if (now_ms < w->now_ms)
		now_ms = w->now_ms;
	for (int64_t at; (at = timerwheel_next_ms(w)) <= now_ms; ) {
		w->now_ms = at;
		for (int level = WHEEL_LEVELS - 1; level > 0; level--)
			if ((at & ((1ll << level * DIGIT_BITS) - 1)) == 0)
				cascade(w, level);
		collect_due(w, &due);
	}
	w->now_ms = now_ms;
	size_t fired = 0;
	for (; !list_empty(&due); fired++) {
		struct timer *t = list_first(&due, struct timer, node);
		timerwheel_cancel(w, t);
		t->fire(t);
	}
	return fired;
}
