/*
 * Relay's time: what it begins with, jumps of the system's clock while it
 * runs, and an operator's word that the clock is right. Decides by
 * base/clock_watch.h, moves os/clock.h, notes the time in the spool so that
 * the next process knows it. docs/why/clock.md. On the control thread.
 */
#pragma once

#include "base/clock_watch.h"
#include "base/counters.h"
#include "journal/journal.h"

struct relay_clock {
	struct clock_watch watch;
	int spool_dir;			/* lent */
	struct log *log;
	int64_t looked_ns;		/* monotonic; of the last look */
	int64_t note_at_ns;		/* when it is noted next */
	enum clock_mark noted;
	bool is_failing;		/* could not be noted */
};

/* Before anything asks for the time in earnest: this process's own becomes
 * the system's, or the last one that spool and journal know. */
bool relay_clock_begin(struct relay_clock *c, int spool_dir, int journal_dir,
		       struct log *log, struct err *err) MUST_USE;
/* Every second, while the spool is open. True: there is something new that an
 * operator should hear of (log and journal have it). */
bool relay_clock_look(struct relay_clock *c, struct journal *journal);
/* Takes the system's clock, or lets the own time go slowly until that has
 * passed it; durable before it is done. *changed: there was something to
 * accept. False: it could not be noted, and all is as before. */
bool relay_clock_accept(struct relay_clock *c, struct journal *journal,
			bool *changed, struct err *err) MUST_USE;
void relay_clock_count(const struct relay_clock *c, struct counters *to);
