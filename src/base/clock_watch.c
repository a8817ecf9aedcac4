/* Which time to believe; see clock_watch.h. */
#include "base/clock_watch.h"

static const char *const names[CLOCK_STATES] = {
	[CLOCK_FINE] = "fine", [CLOCK_AHEAD] = "ahead",
	[CLOCK_DOUBTFUL] = "doubtful", [CLOCK_BEHIND] = "behind",
	[CLOCK_SLOW] = "slow",
};

const char *clock_state_name(enum clock_state state)
{
	invariant(state < CLOCK_STATES);
	return names[state];
}

/* Clocks come from outside, and may say anything. */
static int64_t difference(int64_t a, int64_t b)
{
	int64_t d;
	if (__builtin_sub_overflow(a, b, &d))
		return a < b ? INT64_MIN / 2 : INT64_MAX / 2;
	return d;
}

static void clock_watch_check(const struct clock_watch *w)
{
	switch (w->state) {
	case CLOCK_FINE:
		invariant(w->believed_ms == CLOCK_JUMP_MS);
		return;
	case CLOCK_AHEAD:
	case CLOCK_DOUBTFUL:
		invariant(w->offset_ms > CLOCK_ALARM_MS);
		return;
	case CLOCK_BEHIND:
		invariant(w->offset_ms < -CLOCK_ALARM_MS);
		return;
	case CLOCK_SLOW:
		invariant(w->offset_ms < 0);
		return;
	case CLOCK_STATES:
		break;
	}
	unreachable_state("clock_watch");
}

static void settle(struct clock_watch *w, enum clock_state state)
{
	w->state = state;
	/* What it was at the start is forgotten as soon as they agree. */
	if (state == CLOCK_FINE)
		w->believed_ms = CLOCK_JUMP_MS;
	clock_watch_check(w);
}

int64_t clock_watch_begin(struct clock_watch *w, int64_t last_ms,
			  enum clock_mark mark, int64_t system_ms)
{
	int64_t limit = mark == CLOCK_MARK_DOUBTFUL ? CLOCK_JUMP_MS :
						      CLOCK_ABSENCE_MS;
	*w = (struct clock_watch){ .believed_ms = limit };
	int64_t ahead = last_ms > 0 ? difference(system_ms, last_ms) : 0;
	if (ahead > limit || ahead < -CLOCK_ALARM_MS) {
		w->offset_ms = ahead;
		settle(w, ahead > 0 ? CLOCK_DOUBTFUL :
			  mark == CLOCK_MARK_SLOW ? CLOCK_SLOW : CLOCK_BEHIND);
		return last_ms;
	}
	settle(w, CLOCK_FINE);
	/* A minute is not worth an alarm, but time never goes back. */
	return ahead < 0 ? last_ms : system_ms;
}

/* Where they stand now, and how they came there. */
static enum clock_state next_state(const struct clock_watch *w)
{
	int64_t offset = w->offset_ms;
	bool slow = w->state == CLOCK_SLOW;
	if (offset < 0 && slow)
		return CLOCK_SLOW;
	if (offset < -CLOCK_ALARM_MS)
		return CLOCK_BEHIND;
	if (offset <= CLOCK_ALARM_MS)
		return CLOCK_FINE;
	bool was_off = w->state != CLOCK_FINE && w->state != CLOCK_AHEAD;
	int64_t limit = was_off ? w->believed_ms : CLOCK_JUMP_MS;
	return offset > limit ? CLOCK_DOUBTFUL : CLOCK_AHEAD;
}

enum clock_act clock_watch_look(struct clock_watch *w, int64_t own_ms,
				int64_t system_ms)
{
	enum clock_state before = w->state;
	clock_watch_check(w);
	w->offset_ms = difference(system_ms, own_ms);
	enum clock_state now = next_state(w);
	/* A clock that was behind, or too far ahead, has been put right. */
	if (now == CLOCK_AHEAD && before != CLOCK_FINE &&
	    before != CLOCK_AHEAD) {
		w->offset_ms = 0;
		settle(w, CLOCK_FINE);
		return CLOCK_TAKE;
	}
	settle(w, now);
	if (now == CLOCK_SLOW)
		return CLOCK_GO_SLOWLY;
	return before == CLOCK_SLOW ? CLOCK_RUN_ON : CLOCK_GO_ON;
}

enum clock_act clock_watch_accept(struct clock_watch *w, int64_t own_ms,
				  int64_t system_ms)
{
	w->offset_ms = difference(system_ms, own_ms);
	if (w->offset_ms > CLOCK_ALARM_MS) {
		w->offset_ms = 0;
		settle(w, CLOCK_FINE);
		return CLOCK_TAKE;
	}
	if (w->offset_ms >= -CLOCK_ALARM_MS) {
		if (w->state != CLOCK_SLOW || w->offset_ms >= 0)
			settle(w, CLOCK_FINE);
		return CLOCK_GO_ON;
	}
	bool was_slow = w->state == CLOCK_SLOW;
	settle(w, CLOCK_SLOW);
	return was_slow ? CLOCK_GO_ON : CLOCK_GO_SLOWLY;
}

bool clock_watch_tells(struct clock_watch *w)
{
	int64_t moved = difference(w->offset_ms, w->told_ms);
	bool jumped = moved > CLOCK_ALARM_MS || moved < -CLOCK_ALARM_MS;
	/* In these two the difference is meant to change. */
	if (w->state == CLOCK_FINE || w->state == CLOCK_SLOW)
		jumped = false;
	if (w->state == w->told_state && !jumped)
		return false;
	w->told_state = w->state;
	w->told_ms = w->offset_ms;
	return true;
}

enum clock_mark clock_watch_mark(const struct clock_watch *w)
{
	return w->state == CLOCK_DOUBTFUL ? CLOCK_MARK_DOUBTFUL :
	       w->state == CLOCK_SLOW ? CLOCK_MARK_SLOW : CLOCK_MARK_NONE;
}
