/*
 * The n-th call that fails (RELIABILITY F5): of malloc, of src/os/file.h or of
 * src/os/net.h; once, or it and all behind it. Mail is accepted while nobody
 * takes it, then delivered, then the process stops, then another one starts;
 * in one of these four something fails. Afterwards all is well again: this
 * very process must bring everything to its end and take new mail, unless its
 * spool is closed for good; or the power goes, and what was acknowledged must
 * be on the medium.
 */
#include "os/clock.h"
#include "sim/disk.h"
#include "sim/heap.h"
#include "sim/world_private.h"

enum { ACCEPT_MS = 20000, DELIVER_MS = 90000, START_MS = 20000,
       NOTICE_MS = 5000, AGAIN_MS = 60000 };

static void hops_answer(struct world *w, enum net_answer answer)
{
	for (unsigned i = 0; i < HOP_COUNT; i++)
		w->hops[i].server.answer = answer;
}

static void arm(struct world *w, enum failing_phase phase)
{
	const struct world_failing *f = &w->options.failing;
	if (f->phase != phase)
		return;
	/* The errors take turns, over the calls and over the two ends. */
	bool other = ((f->at + f->power_cut) & 1) != 0;
	switch (f->what) {
	case FAILING_MEMORY:
		heap_fail_at(f->at, f->for_ever);
		break;
	case FAILING_FILES:
		sim_fail_at(&sim->files, f->at, f->for_ever, other);
		break;
	case FAILING_SOCKETS:
		sim_fail_at(&sim->sockets, f->at, f->for_ever, other);
		break;
	}
}

/* What has failed is noted: life_end forgets it. */
static void disarm(struct world *w)
{
	if (heap_failed())
		w->result->call_failed = "malloc";
	if (sim->files.first != NULL)
		w->result->call_failed = sim->files.first;
	if (sim->sockets.first != NULL)
		w->result->call_failed = sim->sockets.first;
	w->result->disk_faults += disk_sync_failed(sim->disk);
	heap_fail_at(0, false);
	sim->files.fail_at = sim->sockets.fail_at = 0;
}

static bool live(struct world *w, int64_t ms)
{
	return life_until(w, sim->now_ns + ms * MS);
}

/* Without faults it must come up. */
static bool start_again(struct world *w)
{
	life_begin(w);
	return life_start(w);
}

/* Recovery may fail for want of a disk; the next one has it. */
static bool start_while_it_fails(struct world *w)
{
	life_begin(w);
	w->trouble = true;
	arm(w, FAILING_START);
	bool ok = life_start(w);
	if (ok && !live(w, START_MS))
		return false;
	disarm(w);
	if (!ok)
		life_end(w, LIFE_FAILED);
	return ok || start_again(w);
}

/* A clean stop has written a checkpoint, a kill has not. */
static bool start_phase(struct world *w)
{
	if (w->options.failing.phase != FAILING_START)
		return true;
	bool stops = (w->options.seed & 1) != 0;
	if (stops && !life_stop(w))
		return false;
	life_end(w, stops ? LIFE_STOPPED : LIFE_KILLED);
	return start_while_it_fails(w);
}

static bool stop_phase(struct world *w)
{
	if (w->options.failing.phase != FAILING_STOP)
		return true;
	arm(w, FAILING_STOP);
	if (!life_stop(w))
		return false;
	disarm(w);
	life_end(w, LIFE_STOPPED);
	return start_again(w);
}

static bool end_of_faults(struct world *w)
{
	disarm(w);
	if (w->options.failing.power_cut) {
		life_end(w, LIFE_POWER_CUT);
		return start_again(w);
	}
	if (!spool_is_closed(relay_core_spool(w->core)))
		return true;
	/* Closed for good: it wants to be started again (DESIGN 5). */
	if (!life_stop(w))
		return false;
	life_end(w, LIFE_STOPPED);
	return start_again(w);
}

/* When it has seen that the disk works, new mail comes in, without another
 * start. */
static bool takes_mail(struct world *w)
{
	uint64_t before = w->oracle.acked;
	if (!live(w, NOTICE_MS))
		return false;
	life_clients(w, 2, 100);
	if (!live(w, AGAIN_MS))
		return false;
	if (w->oracle.acked == before)
		oracle_fail(&w->oracle, "STUCK: no mail is taken any more");
	clients_stop(&w->clients);
	return !w->oracle.failed;
}

static bool run(struct world *w)
{
	hops_answer(w, NET_REFUSES);
	life_begin(w);
	/* What a lost connection does to a delivery is judged as ever. */
	w->trouble = w->options.failing.what != FAILING_SOCKETS;
	if (!life_start(w))
		return false;
	life_clients(w, 2, 100);
	arm(w, FAILING_ACCEPT);
	if (!live(w, ACCEPT_MS))
		return false;
	clients_stop(&w->clients);
	if (!start_phase(w) || !stop_phase(w))
		return false;
	hops_answer(w, NET_ACCEPTS);
	arm(w, FAILING_DELIVER);
	if (w->options.failing.phase == FAILING_DELIVER &&
	    !live(w, DELIVER_MS))
		return false;
	if (!end_of_faults(w) || !takes_mail(w))
		return false;
	life_drain(w);
	return !w->oracle.failed && life_stop(w);
}

void failing_run(struct world *w)
{
	if (!run(w))
		return;
	life_end(w, LIFE_STOPPED);
	if (!w->oracle.failed)
		life_look_again(w);
	process_read_maildir(w);
	if (!w->oracle.failed)
		oracle_final(&w->oracle);
}
