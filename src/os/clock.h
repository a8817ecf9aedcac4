/*
 * What time it is. Monotonic time for waits, wall time for what people read.
 * Simulated in tests/sim.
 */
#pragma once

#include <stdint.h>

enum { MS = 1000000 };		/* nanoseconds */

int64_t os_monotonic_ns(void);
/* Wall-clock milliseconds, this process's own: wall time at its first call
 * (or what os_wall_begin said) + monotonic, never backwards; a jump of the
 * system's clock doesn't move it. Which time to believe, base/clock_watch.h
 * says. */
int64_t os_wall_ms(void);
/* The system's clock as it is now, to notice jumps. */
int64_t os_system_wall_ms(void);

/* The own time is wall_ms now and goes on from there. Before it was used for
 * anything that lasts, or forward. */
void os_wall_begin(int64_t wall_ms);
/* The own time becomes the system's. While that is behind, it stands, but for
 * step_ms that it goes at once: called every second with half a second it
 * goes at half its pace until the system's clock has passed it. step_ms >= 0;
 * one thread at a time. */
void os_wall_follow(int64_t step_ms);
