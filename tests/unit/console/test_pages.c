/* /metrics, /healthz, /readyz: from the counters alone; SPEC 12.4. */
#include "unit/unit.h"

#include <stdio.h>

#include "console/pages.h"

static struct counters_page *make(void)
{
	struct counters_page *p = aligned_alloc(64, (counters_page_bytes(4) +
						     63) / 64 * 64);
	memset(p, 0, counters_page_bytes(4));
	counters_page_init(p, 4);
	return p;
}

static struct page get(const struct counters_page *p, const char *path)
{
	struct page page;
	page_answer(p, SLICE("GET"), slice_of(path), &page);
	return page;
}

static void s12_4_metrics_sum_the_slots(void **state)
{
	(void)state;
	struct counters_page *p = make();
	counter_add(&p->slot[2], COUNTER_sessions_total, 40);
	counter_add(&p->slot[3], COUNTER_sessions_total, 2);
	/* Opened on one shard, closed on another: the sum is right. */
	counter_add(&p->slot[2], COUNTER_sessions_open, 1);
	counter_sub(&p->slot[3], COUNTER_sessions_open, 1);
	struct page page = get(p, "/metrics");
	slice body = buf_slice(&page.body);
	assert_int_equal(page.status, 200);
	static const char *const lines[] = {
		"# TYPE postrider_sessions_total counter\n"
		"postrider_sessions_total 42\n",
		"# TYPE postrider_sessions_open gauge\n"
		"postrider_sessions_open 0\n",
		"# HELP postrider_queue_messages Messages in the queue\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (slice_find_slice(body, slice_of(lines[i])) == body.n)
			fail_msg("no %s", lines[i]);
	buf_fini(&page.body);
	free(p);
}

/* Names as Prometheus wants them: counters and only they end in _total. */
static void s12_4_names_follow_the_convention(void **state)
{
	(void)state;
	for (unsigned c = 0; c < COUNTER_COUNT; c++) {
		const struct counter_row *row = counter_row(c);
		slice name = slice_of(row->name);
		assert_int_equal(slice_ends_fold(name, SLICE("_total")),
				 row->type == COUNTER_GROWS);
		for (size_t i = 0; i < name.n; i++)
			assert_true(ascii_alnum(name.p[i]) ||
				    name.p[i] == '_');
		assert_int_equal(slice_find(slice_of(row->help), '\n'),
				 strlen(row->help));
	}
}

static void s12_4_ready_only_while_mail_is_taken(void **state)
{
	(void)state;
	struct counters_page *p = make();
	static const struct {
		uint64_t ready, draining, closed;
		unsigned status;
	} cases[] = { { 0, 0, 0, 503 }, { 1, 0, 0, 200 }, { 1, 1, 0, 503 },
		      { 1, 0, 1, 503 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		counter_set(&p->slot[0], COUNTER_relay_ready, cases[i].ready);
		counter_set(&p->slot[0], COUNTER_relay_draining,
			    cases[i].draining);
		counter_set(&p->slot[1], COUNTER_spool_closed,
			    cases[i].closed);
		struct page page = get(p, "/readyz");
		assert_int_equal(page.status, cases[i].status);
		buf_fini(&page.body);
		page = get(p, "/healthz");
		assert_int_equal(page.status, 200);
		buf_fini(&page.body);
	}
	free(p);
}

static void l8_all_else_is_404(void **state)
{
	(void)state;
	struct counters_page *p = make();
	static const char *const paths[] = { "/", "", "/metrics/", "//metrics",
					     "/../metrics", "/api/v1/queue",
					     "/metricsx" };
	struct page page;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		page = get(p, paths[i]);
		assert_int_equal(page.status, 404);
		buf_fini(&page.body);
	}
	page_answer(p, SLICE("POST"), SLICE("/metrics"), &page);
	assert_int_equal(page.status, 405);
	buf_fini(&page.body);
	free(p);
}

static void a_new_relay_starts_with_empty_gauges(void **state)
{
	(void)state;
	struct counters_page *p = make();
	counter_add(&p->slot[2], COUNTER_sessions_open, 7);
	counter_add(&p->slot[2], COUNTER_sessions_total, 7);
	counter_set(&p->slot[0], COUNTER_relay_ready, 1);
	counters_page_forget_gauges(p);
	assert_int_equal(counters_sum(p, COUNTER_sessions_open), 0);
	assert_int_equal(counters_sum(p, COUNTER_sessions_total), 7);
	assert_int_equal(counters_sum(p, COUNTER_relay_ready), 1);
	assert_true(counters_page_valid(p, counters_page_bytes(4)));
	assert_false(counters_page_valid(p, counters_page_bytes(3)));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s12_4_metrics_sum_the_slots),
		cmocka_unit_test(s12_4_names_follow_the_convention),
		cmocka_unit_test(s12_4_ready_only_while_mail_is_taken),
		cmocka_unit_test(l8_all_else_is_404),
		cmocka_unit_test(a_new_relay_starts_with_empty_gauges),
	};
	return cmocka_run_group_tests_name("console/pages", tests, NULL, NULL);
}
