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
#include "policy/change.h"
#include "policy/decide.h"

enum {
	DOMAINS_EACH = 10,
	ENTRIES_EACH = 10,
	ROUNDS = 200000,
	CHANGES = 2000,
};

struct shape {
	uint32_t customers, users_each;
};

struct random {
	uint64_t state;
};

static uint32_t next_random(struct random *r)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "decide-bench: %s\n", what);
	exit(1);
}

/* --- the directory --- */

/* Entries lie spread over the address space, as customers' networks do. */
static struct ip_addr entry_address(uint32_t customer, uint32_t i)
{
	uint32_t n = (customer * ENTRIES_EACH + i) * 2654435761u;
	struct ip_addr a = { 0 };
	a.bytes[10] = a.bytes[11] = 0xff;
	for (int k = 0; k < 4; k++)
		a.bytes[12 + k] = (uint8_t)(n >> (24 - 8 * k));
	return a;
}

struct loader {
	struct buf change;
	const struct view *v;
};

static void flush(struct loader *l, bool last)
{
	struct err err = { 0 };
	change_end(&l->change);
	if (l->change.failed)
		die("change failed");
	l->change.p[5] = last ? 1 : 0;
	change_end(&l->change);
	if (!view_apply_onto(&l->v, buf_slice(&l->change), &err)) {
		fprintf(stderr, "%s (%s)\n", err.text, err.detail);
		exit(1);
	}
	buf_clear(&l->change);
	change_begin(&l->change, 1, false);
}

static void flush_if_full(struct loader *l)
{
	if (l->change.n > CHANGE_MAX - CHANGE_RECORD_MAX)
		flush(l, false);
}

static void load_setting(struct loader *l, uint32_t id, uint32_t customer,
			 bool ip_only)
{
	struct setting s = {
		.id = id, .customer = customer, .position = id,
		.key = SLICE("head-office"),
		.description = SLICE("Head office, outgoing mail"),
		.allowed_senders = ip_only ? SENDERS_OWN_DOMAINS :
					     SENDERS_ANY,
		.ip_only = ip_only, .require_auth = !ip_only, .enabled = true,
	};
	change_put_setting(&l->change, &s);
}

static void load_domains(struct loader *l, uint32_t customer)
{
	char name[64];
	for (uint32_t i = 0; i < DOMAINS_EACH; i++) {
		int n = snprintf(name, sizeof(name), "dom%u.cust%u.example",
				 i, customer);
		struct domain d = { .name = { name, (size_t)n },
				    .customer = customer, .verified = true };
		change_put_domain(&l->change, &d);
		flush_if_full(l);
	}
}

static void load_entries(struct loader *l, uint32_t customer)
{
	for (uint32_t i = 0; i < ENTRIES_EACH; i++) {
		struct ip_entry e = {
			.id = customer * ENTRIES_EACH + i + 1,
			.customer = customer, .setting = 2 * customer,
			.range = { entry_address(customer, i), 128 },
			.description = SLICE("mail server"), .enabled = true,
		};
		change_put_entry(&l->change, &e);
		flush_if_full(l);
	}
}

static void load_users(struct loader *l, uint32_t customer, uint32_t count)
{
	char address[80];
	for (uint32_t i = 0; i < count; i++) {
		int n = snprintf(address, sizeof(address),
				 "user%u@dom0.cust%u.example", i, customer);
		struct user u = { .id = customer * count + i + 1,
				  .customer = customer,
				  .address = { address, (size_t)n } };
		change_put_user(&l->change, &u, NULL, 0);
		flush_if_full(l);
	}
}

static const struct view *load(struct shape shape)
{
	struct loader l = { .v = view_new() };
	char name[32];
	buf_init(&l.change, CHANGE_MAX);
	change_begin(&l.change, 1, false);
	for (uint32_t c = 1; c <= shape.customers; c++) {
		int n = snprintf(name, sizeof(name), "customer %u", c);
		struct customer row = { .id = c, .name = { name, (size_t)n },
					.licences = 100,
					.billing = BILLING_PAID,
					.relay_in_plan = true };
		change_put_customer(&l.change, &row);
		load_setting(&l, 2 * c, c, true);
		load_setting(&l, 2 * c + 1, c, false);
		load_domains(&l, c);
		load_entries(&l, c);
		load_users(&l, c, shape.users_each);
		flush_if_full(&l);
	}
	flush(&l, true);
	buf_fini(&l.change);
	return l.v;
}

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

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
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
		uint32_t c = next_random(&r) % shape.customers + 1;
		struct ip_entry e = {
			.id = c * ENTRIES_EACH + 1, .customer = c,
			.setting = 2 * c, .range = { entry_address(c, 0), 128 },
			.description = SLICE("mail server"), .enabled = i % 2,
		};
		const struct view *next;
		buf_clear(&change);
		change_begin(&change, view_revision(*v) + 1, true);
		change_put_entry(&change, &e);
		change_end(&change);
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
	const struct view *v = load(small);
	bench_changes(&v, small);
	view_unref(&v);
	uint64_t from = now_ns();
	v = load(shape);
	report(v, now_ns() - from);
	bench_changes(&v, shape);
	bench_decisions(v, shape);
	from = now_ns();
	view_unref(&v);
	printf("letting go        %llu ms\n",
	       (unsigned long long)(now_ns() - from) / 1000000);
	return 0;
}
