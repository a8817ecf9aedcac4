/*
 * Clocks; see clock.h. The offset between monotonic and wall time is taken
 * by the first call and stays: one of the few file-level variables, written
 * once per process.
 */
#include "os/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/check.h"

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;
	invariant(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

int64_t os_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t os_system_wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / MS;
}

int64_t os_wall_ms(void)
{
	/* 0: not yet taken. */
	static _Atomic int64_t offset_ns;
	int64_t offset = atomic_load_explicit(&offset_ns, memory_order_relaxed);
	if (offset == 0) {
		int64_t mine = read_ns(CLOCK_REALTIME) - os_monotonic_ns();
		if (mine == 0)
			mine = 1;
		/* Of two first calls one wins; both use its offset. */
		if (atomic_compare_exchange_strong(&offset_ns, &offset, mine))
			offset = mine;
	}
	return (os_monotonic_ns() + offset) / MS;
}
