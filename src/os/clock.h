/*
 * What time it is. Monotonic time for waits, wall time for what people read.
 * Simulated in tests/sim.
 */
#pragma once

#include <stdint.h>

enum { MS = 1000000 };		/* nanoseconds */

int64_t os_monotonic_ns(void);
/* Wall-clock milliseconds: wall time at the process's first call + monotonic,
 * never backwards; a jump of the system's clock doesn't move it. */
int64_t os_wall_ms(void);
/* The system's clock as it is now, to notice jumps. */
int64_t os_system_wall_ms(void);
