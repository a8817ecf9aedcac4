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
	int64_t now_ms = START_MS + sim->process_wall_ms +
			 os_monotonic_ns() / MS;
	return now_ms > sim->process_floor_ms ? now_ms : sim->process_floor_ms;
}

int64_t os_system_wall_ms(void)
{
	return START_MS + sim->machine_wall_ms + os_monotonic_ns() / MS;
}

void os_wall_begin(int64_t wall_ms)
{
	sim->process_wall_ms = wall_ms - START_MS - os_monotonic_ns() / MS;
	sim_note("wall begins", (uint64_t)sim->process_wall_ms, 0);
}

void os_wall_follow(int64_t step_ms)
{
	int64_t own_ms = os_wall_ms();
	invariant(step_ms >= 0);
	if (os_system_wall_ms() < own_ms)
		sim->process_floor_ms = own_ms + step_ms;
	sim->process_wall_ms = sim->machine_wall_ms;
	sim_note("wall follows", (uint64_t)sim->process_wall_ms,
		 (uint64_t)step_ms);
}

int64_t sim_own_wall_ms(void)
{
	return os_wall_ms() - START_MS - os_monotonic_ns() / MS;
}

void sim_wall_process_begins(void)
{
	sim->process_wall_ms = sim->machine_wall_ms;
	sim->process_floor_ms = 0;
}
