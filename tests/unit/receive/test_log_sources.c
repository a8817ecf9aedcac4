/* Log lines by client (RELIABILITY 4.8): 20 a second of a stranger, 200 of a
 * listed one; the rest is counted and told. */
#include "unit/unit.h"

#include <stdio.h>

#include "receive/log_sources.h"

struct seen {
	char last[512];
	unsigned lines;
};

static bool keep(void *ctx, slice line)
{
	struct seen *s = ctx;
	s->lines++;
	return slice_to_cstr(slice_sub(line, 0, sizeof(s->last) - 1), s->last,
			     sizeof(s->last));
}

static int64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

struct bench {
	struct log_sources *t;
	struct log log;
	struct seen seen;
};

static void begin(struct bench *b)
{
	struct err err;
	*b = (struct bench){ .log = { .write = keep, .wall_ms = no_time } };
	b->log.ctx = &b->seen;
	assert_true(log_sources_new(&b->t, &err));
}

static struct ip_addr address(const char *text)
{
	struct ip_addr a;
	assert_true(ip_addr_parse(slice_of(text), &a));
	return a;
}

static struct ip_addr numbered(unsigned n)
{
	char text[32];
	snprintf(text, sizeof(text), "10.0.%u.%u", n >> 8, n & 255);
	return address(text);
}

/* How many of n at one moment may be written. */
static unsigned take(struct bench *b, const char *from, unsigned n,
		     uint64_t a_second, int64_t now_ms)
{
	struct ip_addr a = address(from);
	unsigned taken = 0;
	for (unsigned i = 0; i < n; i++)
		taken += log_sources_take(b->t, &b->log, &a, a_second, now_ms);
	return taken;
}

static void has_told(struct bench *b, const char *client, unsigned lines)
{
	char want[100];
	snprintf(want, sizeof(want), "\"client\":\"%s\",\"lines\":%u}", client,
		 lines);
	if (b->seen.lines != 1 || strstr(b->seen.last, want) == NULL)
		fail_msg("%u lines, \"%s\": not %s", b->seen.lines,
			 b->seen.last, want);
	b->seen.lines = 0;
}

static void r8_so_many_a_second(void **state)
{
	(void)state;
	static const uint64_t rates[] = { 1, 20, 200 };
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		unsigned n = (unsigned)rates[i];
		struct bench b;
		begin(&b);
		assert_int_equal(take(&b, "10.0.0.1", n - 1, n, 5000), n - 1);
		assert_int_equal(take(&b, "10.0.0.1", 1, n, 5999), 1);
		assert_int_equal(take(&b, "10.0.0.1", 1, n, 5999), 0);
		assert_int_equal(take(&b, "10.0.0.1", 2, n, 5999), 0);
		/* nobody else's */
		assert_int_equal(take(&b, "10.0.0.2", n, n, 5999), n);
		log_sources_tell(b.t, &b.log, 5999, false);
		assert_int_equal(b.seen.lines, 0);
		log_sources_tell(b.t, &b.log, 6000, false);
		has_told(&b, "10.0.0.1", 3);
		log_sources_tell(b.t, &b.log, 7000, false);
		assert_int_equal(b.seen.lines, 0);
		/* the next second is a new one */
		assert_int_equal(take(&b, "10.0.0.1", n + 1, n, 6000), n);
		log_sources_tell(b.t, &b.log, 6000, true);
		has_told(&b, "10.0.0.1", 1);
		log_sources_free(&b.t);
	}
}

/* Who goes on is told of with the first line of the next second. */
static void r8_told_without_a_look(void **state)
{
	(void)state;
	struct bench b;
	begin(&b);
	assert_int_equal(take(&b, "10.0.0.1", 25, 20, 999), 20);
	assert_int_equal(take(&b, "10.0.0.1", 1, 20, 1000), 1);
	has_told(&b, "10.0.0.1", 5);
	/* A shard whose clock is a turn behind begins no old second anew. */
	assert_int_equal(take(&b, "10.0.0.1", 25, 20, 999), 19);
	log_sources_tell(b.t, &b.log, 2000, false);
	has_told(&b, "10.0.0.1", 6);
	log_sources_free(&b.t);
}

static void r8_ipv6_by_network_and_no_bound(void **state)
{
	(void)state;
	struct bench b;
	begin(&b);
	assert_int_equal(take(&b, "2001:db8::1", 15, 20, 0), 15);
	assert_int_equal(take(&b, "2001:db8::ffff:1", 15, 20, 0), 5);
	assert_int_equal(take(&b, "2001:db8:0:1::1", 20, 20, 0), 20);
	assert_int_equal(take(&b, "10.0.0.1", 1000, 0, 0), 1000);
	log_sources_tell(b.t, &b.log, 1000, false);
	has_told(&b, "2001:db8::", 10);
	log_sources_free(&b.t);
}

/* Row n of n fits, one more takes the place of the oldest, which is told. */
static void r8_a_full_table_forgets_the_oldest(void **state)
{
	(void)state;
	struct bench b;
	begin(&b);
	assert_int_equal(take(&b, "10.0.0.0", 22, 20, 0), 20);
	for (unsigned i = 1; i < LOG_SOURCES_MAX; i++) {
		struct ip_addr a = numbered(i);
		assert_true(log_sources_take(b.t, &b.log, &a, 20, 1000));
	}
	assert_int_equal(b.seen.lines, 0);
	assert_int_equal(take(&b, "10.9.0.0", 1, 20, 1000), 1);
	has_told(&b, "10.0.0.0", 2);
	assert_int_equal(take(&b, "10.0.0.1", 20, 20, 1000), 19);
	log_sources_free(&b.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r8_so_many_a_second),
		cmocka_unit_test(r8_told_without_a_look),
		cmocka_unit_test(r8_ipv6_by_network_and_no_bound),
		cmocka_unit_test(r8_a_full_table_forgets_the_oldest),
	};
	return cmocka_run_group_tests_name("receive/log_sources", tests, NULL,
					   NULL);
}
