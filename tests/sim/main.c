/*
 * sim [-t2qs] [-a|-d] [-n N] FIRST [COUNT]: the worlds of these seeds. Each seed that goes
 * wrong is named with what was found; a world that ends the process (an
 * invariant, a sanitizer) or does not come back is found too, since worlds
 * run in a child that is started again behind it.
 *
 *	-t	trace: everything that happens, to stderr
 *	-2	each seed twice: they must be the same bit for bit
 *	-q	no faults
 *	-s	stop at the first failure
 *	-a, -d	each allocation fails in turn, once and for ever from there,
 *		while mail is accepted, or while it is delivered
 *	-n	of those only this one, and -N it and all behind it
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
	uint64_t fail_at;		/* and the allocation */
	bool fail_for_ever;
	uint64_t done, failed, sites;
	struct world_result sum;
};

struct settings {
	uint64_t first, count;
	bool trace, twice, quiet, stop, accept, deliver, for_ever;
	uint64_t only;
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
	sum->explained += r->explained;
	sum->hash = sum->hash * 31 + r->hash;
}

static void found(struct progress *p, uint64_t seed, const char *what)
{
	p->failed++;
	if (p->failed <= FAILURES_SHOWN && p->fail_at > 0)
		printf("FAIL seed %" PRIu64 " allocation %" PRIu64 "%s: %s\n",
		       seed, p->fail_at, p->fail_for_ever ? " for ever" : "",
		       what);
	else if (p->failed <= FAILURES_SHOWN)
		printf("FAIL seed %" PRIu64 ": %s\n", seed, what);
	fflush(stdout);
}

/* Once, then for ever; more: there are further allocations. */
static void next_failing(const struct settings *s, struct progress *p,
			 bool more)
{
	if (!p->fail_for_ever && s->only == 0) {
		p->fail_for_ever = true;
		return;
	}
	p->fail_for_ever = s->for_ever;
	p->fail_at++;
	if (more && s->only == 0 && p->fail_at < SITES_MAX)
		return;
	p->fail_at = s->only > 0 ? s->only : 1;
	p->done++;
	p->next++;
}

static void run_seed(const struct settings *s, struct progress *p)
{
	struct world_options options = {
		.seed = p->next, .trace = s->trace, .quiet = s->quiet,
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
		found(p, options.seed, r.verdict);
	add(&p->sum, &r);
	p->done++;
	p->next++;
}

/* The next allocation that fails; behind the last one the next seed. */
static void run_failing(const struct settings *s, struct progress *p)
{
	struct world_options options = {
		.seed = p->next, .trace = s->trace, .fail_at = p->fail_at,
		.fail_for_ever = p->fail_for_ever,
		.fail_in_delivery = s->deliver,
	};
	struct world_result r;
	alarm(SEED_SECONDS);
	world_run(&options, &r);
	alarm(0);
	if (r.failed)
		found(p, options.seed, r.verdict);
	add(&p->sum, &r);
	p->sites += r.allocation_failed;
	next_failing(s, p, r.allocation_failed);
}

static bool goes_on(const struct settings *s, const struct progress *p)
{
	return p->next < s->first + s->count && !(s->stop && p->failed > 0);
}

static void child(const struct settings *s, struct progress *p)
{
	static const uint8_t key[16] = { 1, 2, 3 };
	hash_key_set(key);
	while (goes_on(s, p))
		if (p->fail_at > 0)
			run_failing(s, p);
		else
			run_seed(s, p);
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
		found(p, p->next, WIFSIGNALED(status) &&
				  WTERMSIG(status) == SIGALRM
					  ? "HANG: no end in real time"
					  : "CRASH: see stderr");
		if (p->fail_at > 0) {
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
	       " duplicates-explained %" PRIu64 " memory-faults %" PRIu64 " steps %" PRIu64
	       " hash %016" PRIx64 " failed %" PRIu64 "\n",
	       p->done, r->lives, r->kills, r->cuts, r->stops, r->disk_faults,
	       r->checkpoints, r->log_cuts, r->evacuated, r->quarantined,
	       r->messages, r->acked, r->refused, r->unknown, r->delivered,
	       r->reported, r->explained, p->sites, r->steps, r->hash, p->failed);
}

int main(int argc, char **argv)
{
	struct settings s = { .count = 1 };
	for (int c; (c = getopt(argc, argv, "t2qsadn:N:")) != -1;) {
		s.trace = s.trace || c == 't';
		s.twice = s.twice || c == '2';
		s.quiet = s.quiet || c == 'q';
		s.stop = s.stop || c == 's';
		s.accept = s.accept || c == 'a';
		s.deliver = s.deliver || c == 'd';
		s.for_ever = s.for_ever || c == 'N';
		if (c == 'n' || c == 'N')
			s.only = strtoull(optarg, NULL, 10);
		if (c == '?')
			return 64;
	}
	if (optind < argc)
		s.first = strtoull(argv[optind], NULL, 10);
	if (optind + 1 < argc)
		s.count = strtoull(argv[optind + 1], NULL, 10);
	struct progress *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 71;
	p->next = s.first;
	if (s.accept || s.deliver)
		p->fail_at = s.only > 0 ? s.only : 1;
	p->fail_for_ever = s.for_ever;
	run_all(&s, p);
	print(p);
	return p->failed ? 1 : 0;
}
