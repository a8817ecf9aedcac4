/*
 * How long the ledger takes for a recipient, what unique recipients weigh,
 * and how long one call takes at most while 10,000,000 of them come, go stale
 * and are dropped.
 *
 *   ledger-bench [unique keys]
 *
 * Goals: 300 ns for check and reservation of a recipient, uncontended, with
 * relay's mutex (the middle one of all messages is told); 24 bytes a key; no
 * call over 5 ms. Calls in which the kernel
 * took the processor away are left out of the longest and counted.
 */
#include <malloc.h>
#include <sys/resource.h>

#include "limits/unique.h"
#include "ledger_world.h"

#define DAY_MS INT64_C(86400000)

enum { CUSTOMERS = 20000, MESSAGES = 300000, BATCH = 100, KEYS = 10000000 };

/* --- a recipient --- */

/* Of each message, so that the middle one can be told: what else the machine
 * does moves a mean. */
struct times {
	uint32_t reserve[MESSAGES], renew[MESSAGES], book[MESSAGES];
	uint32_t messages;
};

static void one_message(struct ledger *l, struct ledger_ask *ask,
			uint32_t rcpts, struct random *r, int64_t now,
			struct times *t)
{
	uint64_t hashes[BATCH];
	enum ledger_verdict verdicts[BATCH];
	struct reservation *res = NULL;
	struct ledger_alert alerts[LEDGER_LIMITS];
	for (uint32_t i = 0; i < rcpts * ask->count; i++)
		hashes[i] = next_random(r) % 5000 * 0x9e3779b97f4a7c15u;
	uint64_t a = now_ns();
	for (uint32_t i = 0; i < rcpts; i++) {
		ask->hashes = hashes + i * ask->count;
		if (ledger_reserve(l, &res, ask, now, verdicts, NULL) !=
		    ask->count)
			die("refused");
	}
	uint64_t b = now_ns();
	if (!ledger_renew(l, res, &ask->allowed, now, NULL))
		die("not renewed");
	uint64_t c = now_ns();
	ledger_book(l, &res, &ask->allowed, now, now, alerts);
	t->reserve[t->messages] = (uint32_t)(b - a);
	t->renew[t->messages] = (uint32_t)(c - b);
	t->book[t->messages++] = (uint32_t)(now_ns() - c);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static double median(uint32_t *times, uint32_t n)
{
	qsort(times, n, sizeof(*times), by_size);
	return times[n / 2];
}

/* calls of `batch` recipients each a message. */
static void bench_messages(const char *name, uint32_t customers,
			   uint32_t calls, uint32_t batch)
{
	struct ledger_world world;
	struct random r = { 5 };
	static struct times t;
	struct ledger_ask ask = world_ask(batch);
	world_open(&world);
	uint32_t messages = MESSAGES / (calls * batch);
	for (uint32_t i = 0; i < 2 * messages; i++) {
		if (i == messages || i == 0)
			t.messages = 0;
		ask.customer = 1 + (uint32_t)(next_random(&r) % customers);
		ask.user = ask.customer;
		one_message(world.ledger, &ask, calls, &r, START + i / 4, &t);
	}
	double rcpts = calls * batch;
	printf("%-34s reserve %4.0f ns, book %4.0f ns a recipient; "
	       "renew %4.0f ns a message\n", name,
	       median(t.reserve, messages) / rcpts,
	       median(t.book, messages) / rcpts,
	       median(t.renew, messages));
	world_close(&world);
}

/* --- unique recipients --- */

enum { SUSPECT_NS = 100000 };

struct longest {
	uint64_t ns, n, lost;
	uint64_t from;
	long switches;
};

static long switches(void)
{
	struct rusage u;
	getrusage(RUSAGE_THREAD, &u);
	return u.ru_nivcsw + u.ru_nvcsw;
}

static void begin(struct longest *l)
{
	*l = (struct longest){ .switches = switches(), .from = now_ns() };
}

static void took(struct longest *l, uint64_t ns)
{
	l->n++;
	if (ns <= l->ns)
		return;
	if (ns > SUSPECT_NS) {
		long now = switches();
		bool away = now != l->switches;
		l->switches = now;
		l->lost += away;
		if (away)
			return;
	}
	l->ns = ns;
}

static void say(const char *what, const struct longest *l)
{
	printf("%-34s mean %4llu ns, longest call %llu us (%llu left out)\n",
	       what, (unsigned long long)((now_ns() - l->from) / l->n),
	       (unsigned long long)(l->ns / 1000), (unsigned long long)l->lost);
}

static void add_keys(struct unique *u, struct room *room, struct random *r,
		     uint64_t keys, int64_t now, struct longest *l)
{
	begin(l);
	unique_advance(u, now);
	for (uint64_t i = 0; i < keys; i++) {
		uint64_t hash = next_random(r), from = now_ns();
		if (unique_pin(u, room, hash, UINT64_MAX) != UNIQUE_PINNED)
			die("out of memory");
		unique_book(u, room, hash, now);
		took(l, now_ns() - from);
	}
}

/* By the thread's own time: a call that is long only because the kernel is at
 * work for it would be taken for one in which it was at work for others. */
static void give_back_one(struct unique *u, struct room *room,
			  struct longest *l)
{
	uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	unique_tidy(u, room);
	uint64_t ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - from;
	l->n++;
	if (ns > l->ns)
		l->ns = ns;
}

static void bench_unique(uint64_t keys)
{
	struct room room = { .max_bytes = UINT64_MAX };
	struct random r = { 9 };
	struct unique u;
	struct longest l;
	begin(&l);
	for (uint64_t i = 0; i < keys; i++) {
		uint64_t from = now_ns();
		took(&l, now_ns() - from);
	}
	say("nothing at all", &l);
	struct mallinfo2 before = mallinfo2();
	unique_init(&u);
	add_keys(&u, &room, &r, keys, START, &l);
	struct mallinfo2 after = mallinfo2();
	say("new key", &l);
	printf("%-34s %.1f counted, %.1f of the allocator, at %llu keys\n",
	       "bytes of a key", (double)room.used_bytes / (double)keys,
	       (double)(after.uordblks + after.hblkhd - before.uordblks -
			before.hblkhd) / (double)keys,
	       (unsigned long long)unique_count(&u));
	/* Half of them again, then a day later others while the rest is
	 * stale. */
	r.state = 9;
	add_keys(&u, &room, &r, keys / 2, START + DAY_MS / 2, &l);
	say("known key", &l);
	add_keys(&u, &room, &r, keys / 2, START + DAY_MS + 1200000, &l);
	say("new key among stale ones", &l);
	uint64_t from = now_ns();
	unique_advance(&u, START + 3 * DAY_MS);
	printf("%-34s %llu us\n", "all of them expire in",
	       (unsigned long long)(now_ns() - from) / 1000);
	begin(&l);
	while (u.filled > 0 || u.depth > 0)
		give_back_one(&u, &room, &l);
	say("a table given back", &l);
	unique_fini(&u, &room);
}

int main(int argc, char **argv)
{
	uint64_t keys = argc > 1 ? strtoul(argv[1], NULL, 10) : KEYS;
	if (keys == 0)
		die("how many keys?");
	(void)os_memory_keep();
	bench_messages("one customer, RCPT by RCPT", 1, BATCH, 1);
	bench_messages("one customer, batches of 100", 1, 1, BATCH);
	bench_messages("20,000 customers, 10 RCPTs each", CUSTOMERS, 10, 1);
	bench_messages("20,000 customers, 1 RCPT each", CUSTOMERS, 1, 1);
	bench_unique(keys);
	return 0;
}
