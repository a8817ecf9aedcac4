/* Back-off of restarts; see restart.h. */
#include "app/restart.h"

#include "base/check.h"

static void note_death(struct restart *r, int64_t died_ms)
{
	for (unsigned i = RESTART_DEATHS - 1; i > 0; i--)
		r->died_ms[i] = r->died_ms[i - 1];
	r->died_ms[0] = died_ms;
	if (r->deaths < RESTART_DEATHS)
		r->deaths++;
}

int64_t restart_delay_ms(struct restart *r, int64_t started_ms, int64_t died_ms)
{
	invariant(died_ms >= started_ms);
	if (died_ms - started_ms >= RESTART_WINDOW_MS)
		*r = (struct restart){ 0 };
	note_death(r, died_ms);
	bool many = r->deaths == RESTART_DEATHS &&
		    died_ms - r->died_ms[RESTART_DEATHS - 1] <=
			    RESTART_WINDOW_MS;
	if (r->delay_ms > 0)
		r->delay_ms *= 2;
	else if (many)
		r->delay_ms = RESTART_FIRST_MS;
	if (r->delay_ms > RESTART_MAX_MS)
		r->delay_ms = RESTART_MAX_MS;
	return r->delay_ms;
}
