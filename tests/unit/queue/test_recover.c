/* The start of a queue: what was recovered is put where it belongs, also
 * when a checkpoint already walks through it. */
#include "queue/queue_private.h"
#include "queue_test.h"

static int64_t some_time(void *clock)
{
	(void)clock;
	return 5000;
}
static void nobody_wakes(void *clock, int64_t wall_ms)
{
	(void)clock, (void)wall_ms;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			s11_1_a_checkpoint_may_walk_through_what_was_recovered),
	};
	return cmocka_run_group_tests_name("queue/recover", tests, NULL, NULL);
}
