/*
 * sim [-t2qsk] [-iw] [-adeb] [-n N|-N N] [-c] FIRST [COUNT]: the worlds of
 * these seeds. Each seed that goes wrong is named with what was found; a
 * world that ends the process (an invariant, a sanitizer) or does not come
 * back is found too, since worlds run in a child that is started again behind
 * it.
 *
 *	-t	trace: everything that happens, to stderr
 *	-2	each seed twice: they must be the same bit for bit
 *	-q	no faults
 *	-s	stop at the first failure
 *	-k	machines whose clock can't be believed
 *	-a -d	each allocation fails in turn, once and for ever from there,
 *	-e -b	while mail is accepted, delivered, while the process ends, while
 *		it begins again
 *	-i, -w	each call for files, for the network does, in place of memory;
 *		in all four when none is named
 *	-n	of those only this one, -N it and all behind it, -c and then the
 *		power goes
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/map.h"
#include "sim/world.h"

enum { SEED_SECONDS = 20, FAILURES_SHOWN = 20,
       SITES_MAX = 20000 };

/* Shared with the child. */
struct progress {
	uint64_t next;			/* the seed under way */
	struct world_failing failing;	/* and the call */
	uint64_t done, failed;
	uint64_t sites[FAILING_SOCKETS + 1];
	struct world_result sum;
};

struct settings {
	uint64_t first, count;
	bool trace, twice, quiet, stop, clock;
	bool phases[FAILING_PHASES];
	struct world_failing only;	/* or all, when .at is 0 */
};

static const char *const what_names[] = {
	[FAILING_MEMORY] = "allocation",
	[FAILING_FILES] = "file call",
	[FAILING_SOCKETS] = "socket call",
};
static const char *const phase_names[] = {
	[FAILING_ACCEPT] = "accept",
	[FAILING_DELIVER] = "deliver",
	[FAILING_STOP] = "end",
	[FAILING_START] = "begin",
};

static void add(struct world_result *sum, const struct world_result *r)
{
	sum->steps += r->steps;
	sum->messages += r->messages;
	sum->lives += r->lives;
	sum->kills += r->kills;
	sum->cuts += r->cuts;
	sum->stops += r->stops;
	sum->disk_faults += r->disk_faults;
	sum->checkpoints += r->checkpoints;
	sum->log_cuts += r->log_cuts;
	sum->evacuated += r->evacuated;
	sum->quarantined += r->quarantined;
	sum->acked += r->acked;
	sum->refused += r->refused;
	sum->unknown += r->unknown;
	sum->delivered += r->delivered;
	sum->reported += r->reported;
	sum->told += r->told;
	sum->explained += r->explained;
	sum->filed += r->filed;
	sum->logins += r->logins;
	sum->logins_refused += r->logins_refused;
	sum->hash = sum->hash * 31 + r->hash;
}

static void found(struct progress *p, uint64_t seed, const char *call,
		  const char *what)
{
	const struct world_failing *f = &p->failing;
	p->failed++;
	if (p->failed <= FAILURES_SHOWN && f->at > 0)
		printf("FAIL seed %" PRIu64 " %s, %s %" PRIu64 " %s%s%s: %s\n",
		       seed, phase_names[f->phase], what_names[f->what],
		       f->at, call, f->for_ever ? " for ever" : "",
		       f->power_cut ? ", power cut" : "", what);
	else if (p->failed <= FAILURES_SHOWN)
		printf("FAIL seed %" PRIu64 ": %s\n", seed, what);
	fflush(stdout);
}

/* The first call of the next phase that is wanted; behind the last one the
 * next seed. */
static void next_phase(const struct settings *s, struct progress *p, int phase)
{
	while (phase < FAILING_PHASES && !s->phases[phase])
		phase++;
	p->failing = s->only;
	if (phase < FAILING_PHASES) {
		p->failing.phase = (enum failing_phase)phase;
		if (s->only.at == 0)
			p->failing.at = 1;
		return;
	}
	p->done++;
	p->next++;
	p->failing.at = 0;
}

/* Once, then for ever, each (but for memory) with and without a power cut;
 * more: there are further calls. */
static void next_failing(const struct settings *s, struct progress *p,
			 bool more)
{
	struct world_failing *f = &p->failing;
	bool all = s->only.at == 0;
	if (all && !f->power_cut && f->what == FAILING_FILES) {
		f->power_cut = true;
		return;
	}
	f->power_cut = false;
	if (all && !f->for_ever) {
		f->for_ever = true;
		return;
	}
	f->for_ever = false;
	f->at++;
	if (!all || !more || f->at == SITES_MAX)
		next_phase(s, p, (int)f->phase + 1);
}

static void run_seed(const struct settings *s, struct progress *p)
{
	struct world_options options = {
		.seed = p->next, .trace = s->trace, .quiet = s->quiet,
		.clock = s->clock,
	};
	struct world_result r, again;
	alarm(SEED_SECONDS);
	world_run(&options, &r);
	if (s->twice) {
		world_run(&options, &again);
		if (!r.failed && again.hash != r.hash) {
			r.failed = true;
			snprintf(r.verdict, sizeof(r.verdict),
				 "NOT THE SAME: two runs differ");
		}
	}
	alarm(0);
	if (r.failed)
		found(p, options.seed, "", r.verdict);
	add(&p->sum, &r);
	p->done++;
	p->next++;
}

static void run_failing(const struct settings *s, struct progress *p)
{
	struct world_options options = {
		.seed = p->next, .trace = s->trace, .failing = p->failing,
	};
	struct world_result r;
	alarm(SEED_SECONDS);
	world_run(&options, &r);
	alarm(0);
	const char *call = r.call_failed ? r.call_failed : "";
	if (r.failed)
		found(p, options.seed, call, r.verdict);
	add(&p->sum, &r);
	p->sites[p->failing.what] += r.call_failed != NULL;
	/* One that went wrong may not have come so far. */
	next_failing(s, p, r.call_failed != NULL || r.failed);
}

static bool goes_on(const struct settings *s, const struct progress *p)
{
	return p->next < s->first + s->count && !(s->stop && p->failed > 0);
}

static bool is_failing(const struct settings *s)
{
	for (int i = 0; i < FAILING_PHASES; i++)
		if (s->phases[i])
			return true;
	return false;
}

static void child(const struct settings *s, struct progress *p)
{
	static const uint8_t key[16] = { 1, 2, 3 };
	hash_key_set(key);
	while (goes_on(s, p))
		if (!is_failing(s))
			run_seed(s, p);
		else if (p->failing.at > 0)
			run_failing(s, p);
		else
			next_phase(s, p, 0);
	_exit(0);
}

static void run_all(const struct settings *s, struct progress *p)
{
	while (goes_on(s, p)) {
		int status;
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0)
			child(s, p);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		bool hangs = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
		found(p, p->next, "", hangs ? "HANG: no end in real time"
					    : "CRASH: see stderr");
		if (is_failing(s)) {
			next_failing(s, p, true);
			continue;
		}
		p->done++;
		p->next++;
	}
}

static void print(const struct progress *p)
{
	const struct world_result *r = &p->sum;
	printf("seeds %" PRIu64 " lives %" PRIu64 " kills %" PRIu64
	       " power-cuts %" PRIu64 " stops %" PRIu64 " disk-faults %" PRIu64
	       " checkpoints %" PRIu64 " log-cuts %" PRIu64
	       " evacuated %" PRIu64 " quarantined %" PRIu64
	       " messages %" PRIu64 " acked %" PRIu64 " refused %" PRIu64
	       " unknown %" PRIu64 " delivered %" PRIu64 " reported %" PRIu64
	       " told %" PRIu64
	       " filed %" PRIu64 " logins %" PRIu64 " logins-refused %" PRIu64
	       " duplicates-explained %" PRIu64 " memory-faults %" PRIu64
	       " file-faults %" PRIu64 " network-faults %" PRIu64
	       " steps %" PRIu64 " hash %016" PRIx64 " failed %" PRIu64 "\n",
	       p->done, r->lives, r->kills, r->cuts, r->stops, r->disk_faults,
	       r->checkpoints, r->log_cuts, r->evacuated, r->quarantined,
	       r->messages, r->acked, r->refused, r->unknown, r->delivered,
	       r->reported, r->told, r->filed, r->logins, r->logins_refused,
	       r->explained, p->sites[FAILING_MEMORY],
	       p->sites[FAILING_FILES], p->sites[FAILING_SOCKETS], r->steps,
	       r->hash, p->failed);
}

static bool take_option(struct settings *s, int c)
{
	s->trace = s->trace || c == 't';
	s->twice = s->twice || c == '2';
	s->quiet = s->quiet || c == 'q';
	s->stop = s->stop || c == 's';
	s->clock = s->clock || c == 'k';
	s->phases[FAILING_ACCEPT] = s->phases[FAILING_ACCEPT] || c == 'a';
	s->phases[FAILING_DELIVER] = s->phases[FAILING_DELIVER] || c == 'd';
	s->phases[FAILING_STOP] = s->phases[FAILING_STOP] || c == 'e';
	s->phases[FAILING_START] = s->phases[FAILING_START] || c == 'b';
	s->only.what = c == 'i' ? FAILING_FILES :
		       c == 'w' ? FAILING_SOCKETS : s->only.what;
	s->only.power_cut = s->only.power_cut || c == 'c';
	s->only.for_ever = s->only.for_ever || c == 'N';
	if (c == 'n' || c == 'N')
		s->only.at = strtoull(optarg, NULL, 10);
	return c != '?';
}

int main(int argc, char **argv)
{
	struct settings s = { .count = 1 };
	for (int c; (c = getopt(argc, argv, "t2qskadebiwcn:N:")) != -1;)
		if (!take_option(&s, c))
			return 64;
	if (s.only.what != FAILING_MEMORY && !is_failing(&s))
		for (int i = 0; i < FAILING_PHASES; i++)
			s.phases[i] = true;
	if (optind < argc)
		s.first = strtoull(argv[optind], NULL, 10);
	if (optind + 1 < argc)
		s.count = strtoull(argv[optind + 1], NULL, 10);
	struct progress *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 71;
	p->next = s.first;
	run_all(&s, p);
	print(p);
	return p->failed ? 1 : 0;
}
