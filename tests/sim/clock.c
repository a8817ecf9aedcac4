/* The virtual clock; see src/os/clock.h. It moves only in sim_step; the wall
 * clock of the machine is moved by the world as well. */
#include "os/clock.h"

#include "base/check.h"
#include "sim/sim.h"

/* 2026-01-01, so that ids look like ids. */
#define START_MS INT64_C(1767225600000)

int64_t os_monotonic_ns(void)
{
	invariant(sim != NULL);
	return sim->now_ns;
}

int64_t os_wall_ms(void)
{
	return START_MS + sim->process_wall_ms + os_monotonic_ns() / MS;
}

int64_t os_system_wall_ms(void)
{
	return START_MS + sim->machine_wall_ms + os_monotonic_ns() / MS;
}
