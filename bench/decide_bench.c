/*
 * How long a decision takes, what a view weighs, and what a change costs:
 * 100,000 customers, 1,000,000 domains, 1,000,000 address entries, some
 * users; facts at random, so that caches help as little as in real life.
 *
 *   decide-bench [customers [users of a customer]]
 *
 * Goals: 2 us a decision (median), no allocation; a change costs the same
 * with 10 and with 100,000 customers.
 *
 * A decision over cold memory is some ten to fifteen cache misses and little
 * else, so the bench says what one miss takes on this machine, and what a
 * decision takes when its memory is warm.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/map.h"
#include "bench/big_directory.h"
#include "policy/decide.h"

enum {
	ROUNDS = 200000,
	CHANGES = 2000,
};

/* --- decisions --- */
struct asked {
	struct facts facts;
	char helo[64], local[32], domain[64];
};

/* Three of four from a listed address; of those nine of ten with a sender
 * of the customer's. */
static void make_facts(struct asked *a, struct shape shape, struct random *r)
{
	uint32_t c = next_random(r) % shape.customers + 1;
	uint32_t other = next_random(r) % shape.customers + 1;
	bool listed = next_random(r) % 4 != 0;
	bool own = next_random(r) % 10 != 0;
	int h = snprintf(a->helo, sizeof(a->helo), "mail.dom%u.cust%u.example",
			 next_random(r) % DOMAINS_EACH, c);
	int l = snprintf(a->local, sizeof(a->local), "user%u",
			 next_random(r) % (shape.users_each + 1));
	int d = snprintf(a->domain, sizeof(a->domain), "dom%u.cust%u.example",
			 next_random(r) % DOMAINS_EACH, own ? c : other);
	a->facts = (struct facts){
		.client = entry_address(c, next_random(r) % ENTRIES_EACH),
		.helo = { a->helo, (size_t)h },
		.sender = { .local = { a->local, (size_t)l },
			    .domain = { a->domain, (size_t)d } },
	};
	if (!listed)
		a->facts.client.bytes[12] ^= 0x55;
}

/* Dependent loads all over 256 MiB, in small parts, so that what others do
 * with the machine can be told from what a miss takes when they don't. */
static void bench_miss(void)
{
	enum { LINES = 1 << 22, LINE = 64, LOADS = 100, PARTS = 10000 };
	struct line {
		size_t next;
		char rest[LINE - sizeof(size_t)];
	} *lines = calloc(LINES, sizeof(*lines));
	if (lines == NULL)
		die("out of memory");
	/* A full period: odd increment, multiplier 1 modulo 4. */
	for (size_t i = 0; i < LINES; i++)
		lines[i].next = (i * 1664525u + 1013904223u) % LINES;
	static uint64_t ns[PARTS];
	size_t at = 0;
	for (int n = 0; n < PARTS; n++) {
		uint64_t from = now_ns();
		for (int i = 0; i < LOADS; i++)
			at = lines[at].next;
		ns[n] = now_ns() - from;
	}
	qsort(ns, PARTS, sizeof(*ns), by_number);
	printf("one cache miss    median %llu ns, p10 %llu ns (this machine, "
	       "now)%s\n",
	       (unsigned long long)ns[PARTS / 2] / LOADS,
	       (unsigned long long)ns[PARTS / 10] / LOADS,
	       at < LINES ? "" : "?");
	free(lines);
}

static void bench_warm(const struct view *v, const struct asked *asked)
{
	enum { FEW = 64, TIMES = 3000 };
	struct decision d;
	uint64_t all = now_ns(), best = UINT64_MAX;
	for (int n = 0; n < TIMES; n++) {
		uint64_t from = now_ns();
		for (int i = 0; i < FEW; i++)
			policy_decide(v, &asked[i].facts, &d, NULL);
		from = now_ns() - from;
		best = from < best ? from : best;
	}
	printf("decision, warm    mean %llu ns, quietest %llu ns\n",
	       (unsigned long long)(now_ns() - all) / (FEW * TIMES),
	       (unsigned long long)best / FEW);
}

static void bench_decisions(const struct view *v, struct shape shape)
{
	struct asked *asked = calloc(ROUNDS, sizeof(*asked));
	uint64_t *ns = calloc(ROUNDS, sizeof(*ns));
	struct random r = { 5 };
	uint32_t accepted = 0;
	if (asked == NULL || ns == NULL)
		die("out of memory");
	for (uint32_t i = 0; i < ROUNDS; i++)
		make_facts(&asked[i], shape, &r);
	struct mallinfo2 before = mallinfo2();
	uint64_t all = now_ns();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct decision d;
		uint64_t from = now_ns();
		policy_decide(v, &asked[i].facts, &d, NULL);
		ns[i] = now_ns() - from;
		accepted += d.reply == REPLY_SENDER_OK;
	}
	all = now_ns() - all;
	struct mallinfo2 after = mallinfo2();
	qsort(ns, ROUNDS, sizeof(*ns), by_number);
	printf("decision, cold    median %llu ns, p10 %llu ns, p99 %llu ns, "
	       "mean %llu ns; %u %% accepted; %lld bytes allocated\n",
	       (unsigned long long)ns[ROUNDS / 2],
	       (unsigned long long)ns[ROUNDS / 10],
	       (unsigned long long)ns[ROUNDS / 100 * 99],
	       (unsigned long long)all / ROUNDS, accepted / (ROUNDS / 100),
	       (long long)after.uordblks - (long long)before.uordblks);
	bench_warm(v, asked);
	bench_miss();
	free(asked);
	free(ns);
}

/* --- changes --- */

/* One entry of one customer is switched off or on: the tick in the console. */
static void bench_changes(const struct view **v, struct shape shape)
{
	struct random r = { 9 };
	struct buf change;
	struct err err;
	buf_init(&change, CHANGE_MAX);
	uint64_t from = now_ns();
	for (uint32_t i = 0; i < CHANGES; i++) {
		const struct view *next;
		change_entry(&change, *v,
			     next_random(&r) % shape.customers + 1, i % 2);
		if (!view_apply(*v, buf_slice(&change), &next, &err))
			die(err.text);
		view_unref(v);
		*v = next;
	}
	printf("one change        %llu ns with %u customers\n",
	       (unsigned long long)(now_ns() - from) / CHANGES,
	       shape.customers);
	buf_fini(&change);
}

static void report(const struct view *v, uint64_t load_ns)
{
	struct view_counts c;
	struct mallinfo2 m = mallinfo2();
	view_count(v, &c);
	printf("view              %llu customers, %llu domains, %llu entries, "
	       "%llu users\n",
	       (unsigned long long)c.customers, (unsigned long long)c.domains,
	       (unsigned long long)c.entries, (unsigned long long)c.users);
	printf("memory            %llu MiB counted, %llu MiB of the "
	       "allocator\n",
	       (unsigned long long)c.bytes >> 20,
	       (unsigned long long)(m.uordblks + m.hblkhd) >> 20);
	printf("loading           %llu ms\n",
	       (unsigned long long)load_ns / 1000000);
}

int main(int argc, char **argv)
{
	struct shape shape = { 100000, 10 }, small = { 10, 10 };
	static const uint8_t key[16] = { 1, 2, 3 };
	if (argc > 1)
		shape.customers = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		shape.users_each = (uint32_t)strtoul(argv[2], NULL, 10);
	if (shape.customers == 0 || shape.customers > 400000000u)
		die("customers out of range");
	hash_key_set(key);
	const struct view *v = load_directory(small);
	bench_changes(&v, small);
	view_unref(&v);
	uint64_t from = now_ns();
	v = load_directory(shape);
	report(v, now_ns() - from);
	bench_changes(&v, shape);
	bench_decisions(v, shape);
	from = now_ns();
	view_unref(&v);
	printf("letting go        %llu ms\n",
	       (unsigned long long)(now_ns() - from) / 1000000);
	return 0;
}
