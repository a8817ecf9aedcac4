/* The start of a queue: what was recovered is put where it belongs, also
 * when a checkpoint already walks through it. */
#include "queue/queue_private.h"
#include "queue_test.h"

static int64_t some_time(void *clock)
{
	(void)clock;
	return 5000;
}
static void count_ready(void *ctx, struct destination *d)
{
	unsigned *ready = ctx;
	(void)d;
	(*ready)++;
}
static void no_report(void *ctx, struct queue_entry *e)
{
	(void)ctx, (void)e;
	fail_msg("nothing has ended");
}

static void recover(struct queue *q, uint64_t n)
{
	struct recipient to = { .address = { SLICE("a"), SLICE("one.example"),
					     false } };
	struct envelope e = { .id = { 1000 + n, n + 1 }, .customer = 1,
			      .recipients = &to, .recipient_count = 1 };
	struct err err;
	assert_true(queue_recover(q, e.id, &e, SLICE(""), &err));
}

static void s11_1_a_checkpoint_may_walk_through_what_was_recovered(void **state)
{
	(void)state;
	struct test_router router;
	struct queue *q;
	struct err err;
	unsigned ready = 0;
	test_router_init(&router);
	struct queue_config config = {
		.router = &router.router, .destinations = &router.all,
		.retry = { .expire_ms = 1000000, .expire_own_ms = 1000000 },
		.wall_ms = some_time, .wake_at = nobody_wakes };
	struct queue_hooks hooks = { .ctx = &ready, .ready = count_ready,
				     .report = no_report };
	assert_true(queue_new(&config, &hooks, &q, &err));
	for (uint64_t n = 0; n < 3; n++)
		recover(q, n);
	/* It has had its first slice: its mark stands behind the first. */
	list_insert_before(q->all.next->next, &q->marker);
	queue_recover_end(q);
	assert_int_equal(ready, 3);
	assert_int_equal(queue_waiting(q, &(uint64_t){ 0 }), 3);
	queue_free(&q);
	destinations_fini(&router.all);
}

/* RELIABILITY R7: what was written when the wall clock stood at another time
 * does not wait for days. */
static void a_clock_put_back_holds_nobody_up(void **state)
{
	(void)state;
	static const struct {
		int64_t written_ms, next_ms;
	} cases[] = {
		{ 4000, 5000 },			/* it was due: at once */
		{ 5000 + 1500, 5000 + 1500 },	/* within the plan */
		{ 5000 + 2000, 5000 + 2000 },
		{ 5000 + 3 * 86400000, 5000 + 2000 },
	};
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_router router;
		struct queue *q;
		unsigned ready = 0;
		test_router_init(&router);
		struct queue_config config = {
			.router = &router.router, .destinations = &router.all,
			.retry = { .after_ms = { 1000, 2000 }, .steps = 2,
				   .expire_ms = 1000000,
				   .expire_own_ms = 1000000 },
			.wall_ms = some_time, .wake_at = nobody_wakes };
		struct queue_hooks hooks = { .ctx = &ready,
					     .ready = count_ready,
					     .report = no_report };
		assert_true(queue_new(&config, &hooks, &q, &err));
		recover(q, 0);
		struct queue_part *p =
			&queue_find(q, (struct id){ 1000, 1 })->parts[0];
		p->state = PART_SCHEDULED;
		p->next_ms = cases[i].written_ms;
		queue_recover_end(q);
		assert_int_equal(queue_next_ms(p), cases[i].next_ms);
		assert_int_equal(ready, cases[i].next_ms == 5000);
		queue_free(&q);
		destinations_fini(&router.all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			s11_1_a_checkpoint_may_walk_through_what_was_recovered),
		cmocka_unit_test(a_clock_put_back_holds_nobody_up),
	};
	return cmocka_run_group_tests_name("queue/recover", tests, NULL, NULL);
}
