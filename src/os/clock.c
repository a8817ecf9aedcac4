/*
 * Clocks; see clock.h. The offset between monotonic and wall time is taken by
 * the first call and then moved by one thread only, as base/clock_watch.h
 * says: one of the few file-level variables.
 */
#include "os/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/check.h"

static struct {
	_Atomic int64_t offset_ns;	/* wall - monotonic; 0: not yet taken */
	_Atomic int64_t floor_ms;	/* own time is never below it */
} wall;

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

static int64_t not_0(int64_t offset)
{
	return offset == 0 ? 1 : offset;
}

int64_t os_wall_ms(void)
{
	int64_t offset = atomic_load(&wall.offset_ns);
	if (offset == 0) {
		int64_t mine = not_0(read_ns(CLOCK_REALTIME) -
				     os_monotonic_ns());
		/* Of two first calls one wins; both use its offset. */
		if (atomic_compare_exchange_strong(&wall.offset_ns, &offset,
						   mine))
			offset = mine;
	}
	/* In this order: whoever sees a smaller offset sees its floor. */
	int64_t floor_ms = atomic_load(&wall.floor_ms);
	int64_t now_ms = (os_monotonic_ns() + offset) / MS;
	return now_ms > floor_ms ? now_ms : floor_ms;
}

void os_wall_begin(int64_t wall_ms)
{
	invariant(wall_ms <= INT64_MAX / MS / 2);
	atomic_store(&wall.offset_ns,
		     not_0(wall_ms * MS - os_monotonic_ns()));
}

void os_wall_follow(int64_t step_ms)
{
	invariant(step_ms >= 0);
	int64_t own_ms = os_wall_ms();
	if (os_system_wall_ms() < own_ms)
		atomic_store(&wall.floor_ms, own_ms + step_ms);
	atomic_store(&wall.offset_ns,
		     not_0(read_ns(CLOCK_REALTIME) - os_monotonic_ns()));
}
