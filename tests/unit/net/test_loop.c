/* The loop: time, timers, tasks. */
#include "unit/unit.h"

#include <pthread.h>
#include <unistd.h>

#include "net/loop.h"
#include "os/clock.h"

struct fixture {
	struct loop *loop;
	struct timer a, b;
	struct loop_task task, other;
	struct os_post post;
	int64_t set_ns, fired_ns;
	unsigned runs, other_runs, times;
	char order[16];
};

static int up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;
	assert_true(loop_new(&f->loop, "test", &err));
	*state = f;
	return 0;
}

static int down(void **state)
{
	struct fixture *f = *state;
	struct os_thread *t = loop_thread(f->loop);
	os_thread_join(&t);
	loop_free(&f->loop);
	free(f);
	return 0;
}

static void run(struct fixture *f)
{
	os_thread_run(loop_thread(f->loop));
}

static void stop(struct fixture *f)
{
	os_thread_stop(loop_thread(f->loop));
}

static void note(struct fixture *f, char c)
{
	size_t n = strlen(f->order);
	assert_true(n + 1 < sizeof(f->order));
	f->order[n] = c;
}

/* --- timers ---------------------------------------------------------------- */

static void fired(struct timer *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, a);
	f->fired_ns = os_monotonic_ns();
	stop(f);
}

static void a_timer_fires_at_its_time_and_not_before(void **state)
{
	struct fixture *f = *state;
	static const int64_t after[] = { 0, 1, 7, 63, 64, 65, 130 };
	timer_init(&f->a, fired);
	for (size_t i = 0; i < ARRAY_LEN(after); i++) {
		f->set_ns = os_monotonic_ns();
		loop_timer_set(f->loop, &f->a, after[i]);
		os_thread_run(loop_thread(f->loop));
		int64_t took = f->fired_ns - f->set_ns;
		assert_true(took >= after[i] * MS);
		assert_true(took < (after[i] + 300) * MS);
		/* A thread stops once: a new loop for the next. */
		down(state);
		up(state);
		f = *state;
		timer_init(&f->a, fired);
	}
}

static void note_a(struct timer *t)
{
	note(CONTAINER_OF(t, struct fixture, a), 'a');
}

static void note_b_and_stop(struct timer *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, b);
	note(f, 'b');
	stop(f);
}

static void set_again_a_timer_moves_and_cancelled_it_is_still(void **state)
{
	struct fixture *f = *state;
	timer_init(&f->a, note_a);
	timer_init(&f->b, note_b_and_stop);
	loop_timer_set(f->loop, &f->a, 5);
	loop_timer_set(f->loop, &f->a, 60000);
	loop_timer_set(f->loop, &f->b, 30);
	run(f);
	assert_string_equal(f->order, "b");
	loop_timer_cancel(f->loop, &f->a);
	loop_timer_cancel(f->loop, &f->a);
}

static void set_from_post(struct os_post *post)
{
	struct fixture *f = CONTAINER_OF(post, struct fixture, post);
	f->set_ns = os_monotonic_ns();
	loop_timer_set(f->loop, &f->a, 20);
}

static void *post_later(void *arg)
{
	struct fixture *f = arg;
	usleep(100000);
	os_thread_post(loop_thread(f->loop), &f->post);
	return NULL;
}

/* A loop that slept must not count from when it fell asleep. */
static void a_timer_set_on_waking_counts_from_then(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	timer_init(&f->a, fired);
	os_post_init(&f->post, set_from_post);
	pthread_create(&thread, NULL, post_later, f);
	run(f);
	pthread_join(thread, NULL);
	assert_true(f->fired_ns - f->set_ns >= 20 * MS);
}

/* --- tasks ----------------------------------------------------------------- */

static void run_other(struct loop_task *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, other);
	note(f, 'o');
	f->other_runs++;
	stop(f);
}

static void run_task(struct loop_task *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, task);
	note(f, 't');
	f->runs++;
	loop_task_post(f->loop, &f->other);
}

static void post_three_times(struct timer *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, a);
	note(f, 'a');
	for (int i = 0; i < 3; i++)
		loop_task_post(f->loop, &f->task);
}

static void a_task_runs_once_at_the_end_of_the_turn(void **state)
{
	struct fixture *f = *state;
	timer_init(&f->a, post_three_times);
	loop_task_init(&f->task, run_task);
	loop_task_init(&f->other, run_other);
	loop_timer_set(f->loop, &f->a, 1);
	run(f);
	assert_string_equal(f->order, "ato");
	assert_int_equal(f->runs, 1);
}

static void cancel_other(struct loop_task *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, task);
	f->runs++;
	loop_task_cancel(&f->other);
	stop(f);
}

static void a_task_may_cancel_the_next_one(void **state)
{
	struct fixture *f = *state;
	loop_task_init(&f->task, cancel_other);
	loop_task_init(&f->other, run_other);
	loop_task_post(f->loop, &f->task);
	loop_task_post(f->loop, &f->other);
	run(f);
	assert_int_equal(f->runs, 1);
	assert_int_equal(f->other_runs, 0);
}

static void again_for_ever(struct loop_task *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, task);
	f->runs++;
	loop_task_post(f->loop, &f->task);
}

static void stop_from_timer(struct timer *t)
{
	stop(CONTAINER_OF(t, struct fixture, a));
}

static void a_task_that_asks_again_starves_nobody(void **state)
{
	struct fixture *f = *state;
	loop_task_init(&f->task, again_for_ever);
	timer_init(&f->a, stop_from_timer);
	loop_timer_set(f->loop, &f->a, 20);
	loop_task_post(f->loop, &f->task);
	run(f);
	assert_true(f->runs > 10);
	assert_true(loop_turns(f->loop) >= f->runs);
	loop_task_cancel(&f->task);
}

/* --- time ------------------------------------------------------------------ */

static void look_at_time(struct timer *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, a);
	int64_t now = loop_now_ms(f->loop), wall = loop_wall_ms(f->loop);
	assert_true(wall - os_wall_ms() <= 0 && os_wall_ms() - wall < 1000);
	usleep(5000);
	assert_int_equal(loop_now_ms(f->loop), now);	/* of this turn */
	assert_int_equal(loop_wall_ms(f->loop), wall);
	memset(loop_scratch(f->loop), 0x55, LOOP_SCRATCH);
	stop(f);
}

static void time_stands_still_within_a_turn(void **state)
{
	struct fixture *f = *state;
	timer_init(&f->a, look_at_time);
	loop_timer_set(f->loop, &f->a, 3);
	run(f);
	assert_in_range(loop_turns(f->loop), 1, 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_timer_fires_at_its_time_and_not_before),
		TEST(set_again_a_timer_moves_and_cancelled_it_is_still),
		TEST(a_timer_set_on_waking_counts_from_then),
		TEST(a_task_runs_once_at_the_end_of_the_turn),
		TEST(a_task_may_cancel_the_next_one),
		TEST(a_task_that_asks_again_starves_nobody),
		TEST(time_stands_still_within_a_turn),
	};
	return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
