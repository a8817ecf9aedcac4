/* Random numbers from the seed; see src/os/random.h and sim.h. splitmix64. */
#include "os/random.h"

#include <string.h>

#include "base/check.h"
#include "sim/sim.h"

uint64_t sim_next(struct sim_random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t sim_below(struct sim_random *r, uint64_t n)
{
	invariant(n > 0);
	return sim_next(r) % n;
}

bool sim_chance(struct sim_random *r, unsigned percent)
{
	return sim_below(r, 100) < percent;
}

uint64_t os_random_u64(void)
{
	return sim_next(&sim->program);
}

void os_random(void *to, size_t n)
{
	char *p = to;
	while (n > 0) {
		uint64_t v = os_random_u64();
		size_t some = n < sizeof(v) ? n : sizeof(v);
		memcpy(p, &v, some);
		p += some;
		n -= some;
	}
}
