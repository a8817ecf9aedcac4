/*
 * Which time to believe (RELIABILITY R7; docs/why/clock.md). Postrider's own
 * time is the system's clock at the start and then the monotonic clock's pace.
 * This says when the two differ by so much that an operator must look, and
 * what then becomes of the own time. Pure: times are passed in (wall clock,
 * milliseconds), what it decides the caller does.
 *
 *   FINE      they agree within 60 s
 *   AHEAD     the system's is 60 s to 1 h ahead: the own time runs on; a
 *             restart takes the system's
 *   DOUBTFUL  further ahead than can be believed: the own time runs on, over
 *             restarts too, until an operator accepts the system's
 *   BEHIND    the system's is over 60 s behind: the own time runs on until
 *             the system's passes it
 *   SLOW      the same, accepted by an operator: the own time goes at half
 *             its pace until the system's passes it
 *
 * FINE → AHEAD, DOUBTFUL, BEHIND; each of those → each other → FINE
 * [clock_watch_look]. BEHIND → SLOW; AHEAD, DOUBTFUL → FINE
 * [clock_watch_accept]. SLOW → FINE, DOUBTFUL [clock_watch_look].
 */
#pragma once

#include "base/check.h"

#include <stdint.h>

enum {
	CLOCK_ALARM_MS = 60000,		/* differences below are nobody's
					 * business: NTP, leap seconds */
	CLOCK_JUMP_MS = 3600000,	/* forward while it runs */
	CLOCK_ABSENCE_MS = 604800000,	/* forward at a start: the machine may
					 * have been off for a week */
};

enum clock_state { CLOCK_FINE, CLOCK_AHEAD, CLOCK_DOUBTFUL, CLOCK_BEHIND,
		   CLOCK_SLOW, CLOCK_STATES };
/* "fine", "ahead", … */
const char *clock_state_name(enum clock_state state);

/* What the next process must know besides the time. In files: don't change. */
enum clock_mark { CLOCK_MARK_NONE, CLOCK_MARK_DOUBTFUL, CLOCK_MARK_SLOW };

struct clock_watch {
	enum clock_state state;
	int64_t offset_ms;		/* the system's - own, when looked last */
	int64_t believed_ms;		/* so far ahead it is taken unasked,
					 * once it has been something else */
	enum clock_state told_state;
	int64_t told_ms;		/* offset that was told */
};

/* last_ms: the last time that is known to have been; 0: none, a first start.
 * Returns the time to begin with: never before last_ms. */
int64_t clock_watch_begin(struct clock_watch *w, int64_t last_ms,
			  enum clock_mark mark, int64_t system_ms) MUST_USE;

enum clock_act {
	CLOCK_GO_ON,			/* as it went */
	CLOCK_TAKE,			/* the own time becomes the system's,
					 * which is ahead */
	CLOCK_GO_SLOWLY,		/* at half its pace, until the next
					 * look */
	CLOCK_RUN_ON,			/* no longer slowly: from where it is,
					 * at its own pace */
};
/* Every few seconds. */
enum clock_act clock_watch_look(struct clock_watch *w, int64_t own_ms,
				int64_t system_ms) MUST_USE;
/* An operator says that the system's clock is right. CLOCK_TAKE,
 * CLOCK_GO_SLOWLY, or CLOCK_GO_ON when there is nothing to be done. */
enum clock_act clock_watch_accept(struct clock_watch *w, int64_t own_ms,
				  int64_t system_ms) MUST_USE;
/* True once after each change that people should hear of: another state, or
 * another jump by over 60 s in the same one. */
bool clock_watch_tells(struct clock_watch *w) MUST_USE;
enum clock_mark clock_watch_mark(const struct clock_watch *w);
