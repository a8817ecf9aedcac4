/* Gauges of spool, journal and memory: once a second into the control
 * thread's slot. See relay_private.h. */
#include "app/relay_private.h"

#include "os/clock.h"

static uint64_t paused_destinations(struct relay_core *c)
{
	struct destinations *all = relay_core_destinations(c);
	uint64_t n = 0;
	uint32_t count = atomic_load(&all->count);
	for (uint32_t i = 0; i < count; i++) {
		const struct destination *d =
			destinations_at(all, i);
		n += atomic_load(&d->paused) ||
		     atomic_load(&d->not_before_ms) > os_wall_ms();
	}
	return n;
}

void relay_count(struct relay *r, struct counters *to)
{
	struct relay_core *c = r->core;
	struct spool_figures f;
	spool_figures(relay_core_spool(c), &f);
	counter_set(to, COUNTER_spool_commits_total, f.commits);
	counter_set(to, COUNTER_spool_syncs_total, f.syncs);
	counter_set(to, COUNTER_spool_cuts_total, f.cuts);
	counter_set(to, COUNTER_spool_quarantined_total, f.quarantined);
	counter_set(to, COUNTER_spool_checkpoints_total, f.checkpoints);
	counter_set(to, COUNTER_spool_segments, f.segments);
	counter_set(to, COUNTER_spool_live_bytes, f.live_bytes);
	counter_set(to, COUNTER_spool_log_bytes, f.log_bytes);
	counter_set(to, COUNTER_spool_free_bytes, f.free_bytes);
	counter_set(to, COUNTER_spool_low_space, f.low_space);
	counter_set(to, COUNTER_spool_closed, f.closed);
	counter_set(to, COUNTER_journal_dropped_total,
		    journal_dropped(relay_core_journal(c)));
	counter_set(to, COUNTER_queue_paused_destinations,
		    paused_destinations(c));
	counter_set(to, COUNTER_log_lost_total,
		    atomic_load(&r->log->lost));
	counter_set(to, COUNTER_body_memory_bytes,
		    atomic_load(&relay_core_bodies(c)->used_bytes));
}
