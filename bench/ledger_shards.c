/*
 * How the ledger scales with shards: the same work by one thread and by more,
 * each as a shard does it (reserve ten recipients one by one, renew, book).
 *
 *   ledger-shards [threads]		default: as many as there are cores
 *
 * Three forms: many customers spread over the 64 stripes (what a relay does);
 * a customer each; one customer for all, whose stripe is then the bottleneck.
 * Told: reservations a second by the clock, the ratio to one thread, and the
 * processor's time a recipient, which others on the machine don't change.
 */
#include <pthread.h>

#include "ledger_world.h"

enum { MESSAGES = 60000, RCPTS = 10, CUSTOMERS = 20000, THREADS_MAX = 64 };

struct worker {
	pthread_t thread;
	struct ledger *ledger;
	pthread_barrier_t *start;
	struct random random;
	uint32_t first, customers;	/* whose messages it sends */
	uint64_t cpu_ns;
};

static void one_message(struct worker *w, int64_t now)
{
	struct ledger_ask ask = world_ask(1);
	struct reservation *r = NULL;
	enum ledger_verdict verdict;
	ask.customer = w->first +
		       (uint32_t)(next_random(&w->random) % w->customers);
	ask.user = ask.customer;
	for (int i = 0; i < RCPTS; i++) {
		uint64_t hash = next_random(&w->random) % 5000 *
				0x9e3779b97f4a7c15u;
		ask.hashes = &hash;
		if (ledger_reserve(w->ledger, &r, &ask, now, &verdict, NULL) !=
		    1)
			die("refused");
	}
	if (!ledger_renew(w->ledger, r, &ask.allowed, now, NULL))
		die("not renewed");
	ledger_book(w->ledger, &r, &ask.allowed, now, now, NULL);
}

static void *work(void *ctx)
{
	struct worker *w = ctx;
	pthread_barrier_wait(w->start);
	uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < MESSAGES; i++)
		one_message(w, START + i / 4);
	w->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - from;
	return NULL;
}

enum form { SPREAD, ONE_EACH, ONE_FOR_ALL, FORMS };

/* Reservations a second of all together; *cpu_ns: of a recipient. */
static double run(enum form form, unsigned threads, uint64_t *cpu_ns)
{
	static struct worker workers[THREADS_MAX];
	struct ledger_world world;
	pthread_barrier_t start;
	double recipients = (double)threads * MESSAGES * RCPTS;
	world_open(&world);
	if (pthread_barrier_init(&start, NULL, threads + 1) != 0)
		die("no barrier");
	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){
			.ledger = world.ledger, .start = &start,
			.random = { i + 1 },
			.first = form == ONE_EACH ? 1 + i : 1,
			.customers = form == SPREAD ? CUSTOMERS : 1,
		};
		if (pthread_create(&workers[i].thread, NULL, work,
				   &workers[i]) != 0)
			die("no thread");
	}
	pthread_barrier_wait(&start);
	uint64_t from = now_ns(), cpu = 0;
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		cpu += workers[i].cpu_ns;
	}
	double seconds = (double)(now_ns() - from) / 1e9;
	*cpu_ns = (uint64_t)((double)cpu / recipients);
	pthread_barrier_destroy(&start);
	world_close(&world);
	return recipients / seconds;
}

static void compare(const char *name, enum form form, unsigned threads)
{
	uint64_t cpu_one, cpu_all;
	double one = run(form, 1, &cpu_one);
	double all = run(form, threads, &cpu_all);
	printf("%-24s 1 thread %5.2f million/s (%4llu ns of a core), "
	       "%u threads %5.2f million/s (%4llu ns), ratio %.2f\n",
	       name, one / 1e6, (unsigned long long)cpu_one, threads,
	       all / 1e6, (unsigned long long)cpu_all, all / one);
}

int main(int argc, char **argv)
{
	static const char *const names[FORMS] = {
		[SPREAD] = "20,000 customers",
		[ONE_EACH] = "a customer each",
		[ONE_FOR_ALL] = "one customer for all",
	};
	unsigned long threads = argc > 1 ? strtoul(argv[1], NULL, 10)
					 : os_cores();
	if (threads == 0 || threads > THREADS_MAX)
		die("how many threads?");
	(void)os_memory_keep();
	for (enum form f = 0; f < FORMS; f++)
		compare(names[f], f, (unsigned)threads);
	return 0;
}
