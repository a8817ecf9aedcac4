/* The n-th call to the outside that fails; see sim.h. */
#include "sim/sim.h"

void sim_fail_at(struct sim_calls *c, uint64_t n, bool for_ever, bool other)
{
	*c = (struct sim_calls){ .fail_at = n, .for_ever = for_ever,
				 .other = other };
}

int sim_call_error(struct sim_calls *c, const char *where, int usual,
		   int other)
{
	if (!sim->inside || c->fail_at == 0)
		return 0;
	c->count++;
	if (c->count < c->fail_at || (c->count > c->fail_at && !c->for_ever))
		return 0;
	if (c->first == NULL) {
		c->first = where;
		c->first_ns = sim->now_ns;
	}
	c->last_ns = sim->now_ns;
	sim_note("fails", c->count, 0);
	return c->other ? other : usual;
}

bool sim_calls_failed(const struct sim_calls *c, int64_t ns, int64_t margin_ns)
{
	return c->first != NULL && ns >= c->first_ns - margin_ns &&
	       ns <= c->last_ns + margin_ns;
}
