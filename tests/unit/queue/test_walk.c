/* A walk over a queue in pieces, while entries come and go. */
#include "queue/queue_private.h"
#include "queue_test.h"

enum { NUMBER = 12 };

struct room {
	struct test_router router;
	struct queue *queue;
	struct queue_entry *entries[NUMBER];
};

static int64_t some_time(void *clock)
{
	(void)clock;
	return 5000;
}
static void no_report(void *ctx, struct queue_entry *e)
{
	(void)ctx, (void)e;
}

static struct queue_entry *add(struct room *r, uint64_t n)
{
	struct recipient to = { .address = { SLICE("x"), SLICE("a.example"),
					     false } };
	struct envelope e = { .id = { 1000 + n, n + 1 }, .customer = 1,
			      .recipients = &to, .recipient_count = 1 };
	return queue_prepare(r->queue, &e);
}

static int set_up(void **state)
{
	struct room *r = calloc(1, sizeof(*r));
	struct queue_config config = {
		.router = &r->router.router, .destinations = &r->router.all,
		.wall_ms = some_time, .wake_at = nobody_wakes,
	};
	struct queue_hooks hooks = { .ready = nobody_sends,
				     .report = no_report };
	test_router_init(&r->router);
	assert_true(queue_new(&config, &hooks, &r->queue, NULL));
	for (uint64_t i = 0; i < NUMBER; i++)
		assert_non_null(r->entries[i] = add(r, i));
	*state = r;
	return 0;
}
static int tear_down(void **state)
{
	struct room *r = *state;
	queue_free(&r->queue);
	destinations_fini(&r->router.all);
	free(r);
	return 0;
}

/* Which numbers a walk tells from here to its end, as bits. */
static uint64_t rest(struct queue_walk *w)
{
	uint64_t told = 0;
	struct queue_entry *e;
	while ((e = queue_walk_next(w)) != NULL) {
		uint64_t bit = 1ULL << (e->id.random - 1);
		assert_true((told & bit) == 0);
		told |= bit;
	}
	assert_null(w->queue);
	return told;
}

static void everything_is_told_once(void **state)
{
	struct room *r = *state;
	struct queue_walk w;
	queue_walk_begin(r->queue, &w);
	assert_int_equal(rest(&w), (1 << NUMBER) - 1);
	assert_null(queue_walk_next(&(struct queue_walk){ 0 }));
}

static void what_goes_on_the_way_is_passed(void **state)
{
	struct room *r = *state;
	struct queue_walk w, other;
	queue_walk_begin(r->queue, &w);
	queue_walk_begin(r->queue, &other);
	assert_ptr_equal(queue_walk_next(&w), r->entries[0]);
	/* One behind, the next two, the last one. */
	queue_drop(&r->entries[0]);
	queue_drop(&r->entries[1]);
	queue_drop(&r->entries[2]);
	queue_drop(&r->entries[NUMBER - 1]);
	assert_int_equal(rest(&w), ((1 << (NUMBER - 1)) - 1) & ~7);
	assert_int_equal(rest(&other), ((1 << (NUMBER - 1)) - 1) & ~7);
}

static void the_last_one_may_go_before_it_is_told(void **state)
{
	struct room *r = *state;
	struct queue_walk w;
	queue_walk_begin(r->queue, &w);
	for (int i = 0; i < NUMBER - 1; i++)
		assert_ptr_equal(queue_walk_next(&w), r->entries[i]);
	queue_drop(&r->entries[NUMBER - 1]);
	assert_null(queue_walk_next(&w));
}

/* Else a walk would never end where mail comes in faster than it goes. */
static void what_comes_is_not_walked_after(void **state)
{
	struct room *r = *state;
	struct queue_walk w;
	uint64_t steps = 0;
	queue_walk_begin(r->queue, &w);
	while (queue_walk_next(&w) != NULL && steps < 100)
		assert_non_null(add(r, NUMBER + steps++));
	assert_int_equal(steps, NUMBER);
}

static void a_checkpoint_under_way_is_no_entry(void **state)
{
	struct room *r = *state;
	struct queue_walk w;
	list_insert_before(&r->entries[4]->all, &r->queue->marker);
	queue_walk_begin(r->queue, &w);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(queue_walk_next(&w), r->entries[i]);
	queue_drop(&r->entries[3]);
	assert_int_equal(rest(&w), (1 << NUMBER) - 1 - 15);
	list_remove(&r->queue->marker);
}

static void a_walk_may_be_given_up_and_outlive_the_queue(void **state)
{
	struct room *r = *state;
	struct queue_walk w, left;
	queue_walk_begin(r->queue, &w);
	queue_walk_begin(r->queue, &left);
	assert_non_null(queue_walk_next(&w));
	queue_walk_end(&w);
	queue_walk_end(&w);
	assert_null(queue_walk_next(&w));
	queue_free(&r->queue);
	assert_null(queue_walk_next(&left));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(everything_is_told_once),
		TEST(what_goes_on_the_way_is_passed),
		TEST(the_last_one_may_go_before_it_is_told),
		TEST(what_comes_is_not_walked_after),
		TEST(a_checkpoint_under_way_is_no_entry),
		TEST(a_walk_may_be_given_up_and_outlive_the_queue),
	};
	return cmocka_run_group_tests_name("queue/walk", tests, NULL, NULL);
}
