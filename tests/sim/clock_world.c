/*
 * A machine whose clock can't be believed (RELIABILITY R7). Mail is accepted
 * while nobody takes it; then the process ends, and the next one, or the same
 * one, finds another wall clock: 2 to 400 days ahead, 90 s to 400 days behind.
 * Nothing expires by it, over restarts too, and mail is taken and
 * tried all the same. Then an operator accepts it: what is ahead is taken and
 * everything is too old; what is behind is waited for at half the pace.
 */
#include "os/clock.h"
#include "sim/disk.h"
#include "sim/world_private.h"

#define DAY_MS INT64_C(86400000)
enum { ACCEPT_SECONDS = 20, DOUBT_SECONDS = 90, OLD_SECONDS = 60,
       BEHIND_SECONDS = 90 };

static void hops_answer(struct world *w, enum net_answer answer)
{
	for (unsigned i = 0; i < HOP_COUNT; i++)
		w->hops[i].server.answer = answer;
}

static bool live(struct world *w, int seconds)
{
	return life_until(w, sim->now_ns + seconds * 1000 * (int64_t)MS);
}

static bool next_life(struct world *w, bool stops)
{
	if (stops && !life_stop(w))
		return false;
	life_end(w, stops ? LIFE_STOPPED : LIFE_KILLED);
	life_begin(w);
	return life_start(w);
}

static bool wants_state(struct world *w, enum clock_state state)
{
	if (w->clock.watch.state != state)
		oracle_fail(&w->oracle, "CLOCK: %s, not %s",
			    clock_state_name(w->clock.watch.state),
			    clock_state_name(state));
	return !w->oracle.failed;
}

static uint64_t queued(struct world *w)
{
	struct spool_figures f;
	spool_figures(relay_core_spool(w->core), &f);
	return f.messages;
}

/* Nothing left the queue; the own time is what went by. */
static bool nothing_went(struct world *w, uint64_t before, int64_t own_ms)
{
	int64_t now_ms = os_wall_ms();
	if (queued(w) < before)
		oracle_fail(&w->oracle, "CLOCK: %llu of %llu messages went",
			    (unsigned long long)(before - queued(w)),
			    (unsigned long long)before);
	if (now_ms < own_ms || now_ms - own_ms > DAY_MS)
		oracle_fail(&w->oracle, "CLOCK: the own time went by %lld ms",
			    (long long)(now_ms - own_ms));
	return !w->oracle.failed;
}

static bool takes_mail(struct world *w)
{
	uint64_t acked = w->oracle.acked;
	life_clients(w, 8, 1000);	/* some are strangers */
	if (!live(w, DOUBT_SECONDS))
		return false;
	if (w->oracle.acked == acked)
		oracle_fail(&w->oracle, "STUCK: no mail is taken");
	return !w->oracle.failed;
}

static bool accept_clock(struct world *w)
{
	int64_t until_ns = sim->now_ns + 3000 * (int64_t)MS;
	w->accept_clock = true;
	while (w->accept_clock && sim->now_ns < until_ns)
		if (!life_until(w, sim->now_ns + 10 * (int64_t)MS))
			return false;
	if (w->accept_clock)
		oracle_fail(&w->oracle, "CLOCK: it can't be accepted");
	return !w->oracle.failed;
}

/* All that was queued has expired, and only reports go out. */
static bool all_is_old(struct world *w)
{
	process_read_maildir(w);
	uint64_t delivered = w->oracle.delivered;
	if (!live(w, OLD_SECONDS))
		return false;
	hops_answer(w, NET_ACCEPTS);
	life_drain(w);
	process_read_maildir(w);
	if (w->oracle.delivered != delivered)
		oracle_fail(&w->oracle, "CLOCK: %llu were not too old",
			    (unsigned long long)(w->oracle.delivered -
						 delivered));
	return !w->oracle.failed;
}

static bool doubtful(struct world *w, bool restarts)
{
	uint64_t before = queued(w);
	int64_t own_ms = os_wall_ms();
	int64_t days = w->options.seed & 2 ? 400 : restarts ? 8 : 2;
	sim->machine_wall_ms += days * DAY_MS;
	if (restarts && !next_life(w, (w->options.seed & 4) != 0))
		return false;
	if (!takes_mail(w) || !wants_state(w, CLOCK_DOUBTFUL) ||
	    !nothing_went(w, before, own_ms))
		return false;
	before = queued(w);
	/* Nor does another start make it believable. */
	if (!next_life(w, (w->options.seed & 8) != 0) ||
	    !live(w, DOUBT_SECONDS) || !wants_state(w, CLOCK_DOUBTFUL) ||
	    !nothing_went(w, before, own_ms))
		return false;
	if (!accept_clock(w) || !wants_state(w, CLOCK_FINE))
		return false;
	if ((w->options.seed & 16) != 0 && !next_life(w, false))
		return false;
	return wants_state(w, CLOCK_FINE) && all_is_old(w);
}

/* How far it is behind; the first one is caught up with. */
static bool behind(struct world *w, bool restarts)
{
	static const int64_t by_ms[] = { BEHIND_SECONDS * 1000, 3600000,
					 400 * DAY_MS };
	uint64_t seed = w->options.seed;
	uint64_t before = queued(w);
	int64_t own_ms = os_wall_ms(), by = by_ms[(seed >> 1) % 3];
	sim->machine_wall_ms -= by;
	if (restarts && !next_life(w, (seed & 4) != 0))
		return false;
	if (!takes_mail(w) || !wants_state(w, CLOCK_BEHIND) ||
	    !nothing_went(w, before, own_ms) || !accept_clock(w) ||
	    !wants_state(w, CLOCK_SLOW))
		return false;
	/* Twice the way, a look and a bit. */
	own_ms = os_wall_ms();
	int64_t slow_ns = sim->now_ns;
	if (!live(w, 2 * BEHIND_SECONDS + 5))
		return false;
	int64_t went_ms = os_wall_ms() - own_ms;
	int64_t passed_ms = (sim->now_ns - slow_ns) / MS;
	if (went_ms < passed_ms / 2 - 2000 || went_ms > passed_ms * 2 / 3 + 2000)
		oracle_fail(&w->oracle, "CLOCK: %lld ms went by in %lld",
			    (long long)went_ms, (long long)passed_ms);
	if (!wants_state(w, by == by_ms[0] ? CLOCK_FINE : CLOCK_SLOW) ||
	    !next_life(w, (seed & 8) != 0) || !live(w, 5) ||
	    !wants_state(w, by == by_ms[0] ? CLOCK_FINE : CLOCK_SLOW))
		return false;
	hops_answer(w, NET_ACCEPTS);
	life_drain(w);
	return !w->oracle.failed;
}

void clock_run(struct world *w)
{
	bool restarts = (w->options.seed & 32) == 0;
	w->retry.expire_ms = w->oracle.expire_ms = DAY_MS;
	w->has_logins = false;		/* all mail is taken */
	hops_answer(w, NET_REFUSES);
	life_begin(w);
	if (!life_start(w))
		return;
	life_clients(w, 4, 1000);
	if (!live(w, ACCEPT_SECONDS))
		return;
	bool ok = w->options.seed & 1 ? doubtful(w, restarts)
				      : behind(w, restarts);
	clients_stop(&w->clients);
	if (!ok || !life_stop(w))
		return;
	life_end(w, LIFE_STOPPED);
	life_look_again(w);
	process_read_maildir(w);
	if (!w->oracle.failed)
		oracle_final(&w->oracle);
}
