/* Mailboxes, sleeping and waking, watches, pools. */
#include "unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/net.h"
#include "os/random.h"
#include "os/thread.h"

static int64_t sleep_always(void *ctx)
{
	(void)ctx;
	return OS_NEVER;
}

static struct os_thread *new_thread(os_turn *turn, void *ctx)
{
	struct os_thread *t;
	struct err err;
	assert_true(os_thread_new(&t, "test", turn, ctx, &err));
	return t;
}

static void start(struct os_thread *t)
{
	struct err err;
	assert_true(os_thread_start(t, &err));
}

static void stop_and_join(struct os_thread **t)
{
	os_thread_stop(*t);
	os_thread_join(t);
	assert_null(*t);
}

/* --- order and loss ------------------------------------------------------- */

enum { SENDERS = 4, POSTS = 100000 };

struct numbered {
	struct os_post post;
	unsigned sender, number;
};

/* Of the receiving thread; read after its end. */
static unsigned seen[SENDERS];
static bool out_of_order, wrong_thread;
static struct os_thread *receiver;

static void receive(struct os_post *post)
{
	struct numbered *n = CONTAINER_OF(post, struct numbered, post);
	if (n->number != seen[n->sender]++)
		out_of_order = true;
	if (os_thread_self() != receiver)
		wrong_thread = true;
}

static struct numbered *numbers[SENDERS];

static void *send_all(void *arg)
{
	struct numbered *mine = numbers[*(unsigned *)arg];
	for (unsigned i = 0; i < POSTS; i++)
		os_thread_post(receiver, &mine[i].post);
	return NULL;
}

static void posts_of_each_sender_keep_their_order_and_none_is_lost(void **s)
{
	(void)s;
	pthread_t threads[SENDERS];
	unsigned who[SENDERS];
	receiver = new_thread(sleep_always, NULL);
	for (unsigned i = 0; i < SENDERS; i++) {
		numbers[i] = calloc(POSTS, sizeof(*numbers[i]));
		for (unsigned k = 0; k < POSTS; k++) {
			numbers[i][k].sender = i;
			numbers[i][k].number = k;
			os_post_init(&numbers[i][k].post, receive);
		}
		who[i] = i;
	}
	start(receiver);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_create(&threads[i], NULL, send_all, &who[i]);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	struct os_thread *t = receiver;	/* which it reads to the end */
	stop_and_join(&t);
	for (unsigned i = 0; i < SENDERS; i++) {
		assert_int_equal(seen[i], POSTS);
		free(numbers[i]);
	}
	assert_false(out_of_order);
	assert_false(wrong_thread);
}

/* --- waking ---------------------------------------------------------------- */

struct player {
	struct os_thread *thread;
	struct os_post ball;		/* mine: I throw it to the other */
	struct player *other;
	unsigned throws;
	struct os_post *over;
};

enum { THROWS = 20000 };

static _Atomic bool game_over;

static void caught(struct os_post *post)
{
	struct player *thrower = CONTAINER_OF(post, struct player, ball);
	struct player *me = thrower->other;
	if (++me->throws == THROWS)
		atomic_store(&game_over, true);
	else
		os_thread_post(me->other->thread, &me->ball);
}

static void a_sleeping_thread_wakes_for_each_post(void **state)
{
	(void)state;
	struct player a = { .throws = 0 }, b = { .throws = 0 };
	a.other = &b;
	b.other = &a;
	a.thread = new_thread(sleep_always, NULL);
	b.thread = new_thread(sleep_always, NULL);
	os_post_init(&a.ball, caught);
	os_post_init(&b.ball, caught);
	start(a.thread);
	start(b.thread);
	int64_t begun = os_monotonic_ns();
	os_thread_post(b.thread, &a.ball);
	while (!atomic_load(&game_over) &&
	       os_monotonic_ns() - begun < 20ll * 1000 * MS)
		usleep(1000);
	assert_true(atomic_load(&game_over));
	print_message("wake-up to wake-up: %lld ns\n",
		      (long long)((os_monotonic_ns() - begun) / (2 * THROWS)));
	stop_and_join(&a.thread);
	stop_and_join(&b.thread);
}

struct clocked {
	struct os_thread *thread;
	int64_t until_ns, woke_ns;
	unsigned turns;
};

static int64_t wait_once(void *ctx)
{
	struct clocked *c = ctx;
	int64_t now = os_monotonic_ns();
	c->turns++;
	if (now < c->until_ns)
		return c->until_ns;
	c->woke_ns = now;
	os_thread_stop(c->thread);
	return OS_NEVER;
}

static void a_turn_sleeps_until_its_time_and_not_shorter(void **state)
{
	(void)state;
	static const int64_t waits_us[] = { 1, 100, 900, 1100, 20300 };
	for (size_t i = 0; i < ARRAY_LEN(waits_us); i++) {
		struct clocked c = { 0 };
		c.thread = new_thread(wait_once, &c);
		c.until_ns = os_monotonic_ns() + waits_us[i] * 1000;
		os_thread_run(c.thread);	/* on this thread */
		assert_null(os_thread_self());
		assert_true(c.woke_ns >= c.until_ns);
		assert_true(c.woke_ns < c.until_ns + 500ll * MS);
		/* It waited and didn't look again and again. */
		assert_in_range(c.turns, 1, 4);
		os_thread_join(&c.thread);
	}
}

static int64_t again_five_times(void *ctx)
{
	struct clocked *c = ctx;
	if (++c->turns == 5)
		os_thread_stop(c->thread);
	return OS_AGAIN;
}

static void again_takes_the_next_turn_at_once(void **state)
{
	(void)state;
	struct clocked c = { 0 };
	c.thread = new_thread(again_five_times, &c);
	os_thread_run(c.thread);
	assert_int_equal(c.turns, 6);	/* the round behind the stop */
	os_thread_join(&c.thread);
}

/* --- life ------------------------------------------------------------------ */

struct repost {
	struct os_post post;
	struct os_thread *thread;
	unsigned runs;
};

static void run_again(struct os_post *post)
{
	struct repost *r = CONTAINER_OF(post, struct repost, post);
	if (++r->runs < 3)
		os_thread_post(r->thread, &r->post);
	else
		os_thread_stop(r->thread);
}

static void a_post_may_be_posted_again_while_it_runs(void **state)
{
	(void)state;
	struct repost r = { .thread = new_thread(sleep_always, NULL) };
	os_post_init(&r.post, run_again);
	os_thread_post(r.thread, &r.post);
	os_thread_run(r.thread);
	assert_int_equal(r.runs, 3);
	os_thread_join(&r.thread);
}

static void count_run(struct os_post *post)
{
	CONTAINER_OF(post, struct repost, post)->runs++;
}

static void what_was_posted_before_the_stop_is_run(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct repost r = { .thread = new_thread(sleep_always, NULL) };
		os_post_init(&r.post, count_run);
		start(r.thread);
		os_thread_post(r.thread, &r.post);
		stop_and_join(&r.thread);
		assert_int_equal(r.runs, 1);
	}
}

static void a_thread_that_never_ran_can_be_joined(void **state)
{
	(void)state;
	struct os_thread *t = new_thread(sleep_always, NULL);
	struct os_post post;
	os_post_init(&post, count_run);
	os_thread_post(t, &post);	/* dropped */
	os_thread_join(&t);
	assert_null(t);
	os_thread_join(&t);
}

/* --- watches --------------------------------------------------------------- */

struct watched {
	struct os_watch watch;
	int ends[2];
	struct os_thread *thread;
	struct watched *victim;		/* removed and freed when we're told */
	unsigned told;
	unsigned events;
};

static void ready_removes(struct os_watch *watch, unsigned events)
{
	struct watched *w = CONTAINER_OF(watch, struct watched, watch);
	w->told++;
	w->events |= events;
	os_watch_remove(w->thread, &w->watch);
	if (w->victim != NULL) {
		os_watch_remove(w->thread, &w->victim->watch);
		close(w->victim->ends[0]);
		close(w->victim->ends[1]);
		free(w->victim);
	}
	os_thread_stop(w->thread);
}

static struct watched *new_watched(struct os_thread *t)
{
	struct watched *w = calloc(1, sizeof(*w));
	struct err err;
	w->thread = t;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    w->ends), 0);
	assert_int_equal(write(w->ends[1], "x", 1), 1);
	assert_true(os_watch_add(t, &w->watch, w->ends[0], OS_READABLE,
				 ready_removes, &err));
	return w;
}

static void free_watched(struct watched *w)
{
	os_watch_remove(w->thread, &w->watch);
	close(w->ends[0]);
	close(w->ends[1]);
	free(w);
}

static void a_watch_removed_in_its_batch_is_not_told(void **state)
{
	(void)state;
	struct os_thread *t = new_thread(sleep_always, NULL);
	/* Both are ready: whichever is told first frees the other. */
	struct watched *a = new_watched(t), *b = new_watched(t);
	a->victim = b;
	b->victim = NULL;
	os_thread_run(t);
	/* epoll tells in the order of readiness: a first. */
	assert_int_equal(a->told, 1);
	assert_int_equal(a->events, OS_READABLE);
	free_watched(a);
	os_thread_join(&t);
}

static int64_t rounds_for_50_ms(void *ctx)
{
	struct clocked *c = ctx;
	c->turns++;
	if (os_monotonic_ns() >= c->until_ns)
		os_thread_stop(c->thread);
	return c->until_ns;
}

static void a_hang_up_nobody_waits_for_does_not_spin(void **state)
{
	(void)state;
	struct clocked c = { 0 };
	c.thread = new_thread(rounds_for_50_ms, &c);
	struct watched *w = new_watched(c.thread);
	os_watch_change(c.thread, &w->watch, 0);
	close(w->ends[1]);
	w->ends[1] = -1;
	c.until_ns = os_monotonic_ns() + 50 * MS;
	os_thread_run(c.thread);
	assert_int_equal(w->told, 0);
	assert_in_range(c.turns, 1, 8);
	free_watched(w);
	os_thread_join(&c.thread);
}

static void a_hang_up_is_told_as_readable_and_writable(void **state)
{
	(void)state;
	struct os_thread *t = new_thread(sleep_always, NULL);
	struct watched *w = new_watched(t);
	os_watch_change(t, &w->watch, 0);
	os_watch_change(t, &w->watch, OS_WRITABLE);
	close(w->ends[1]);
	w->ends[1] = -1;
	os_thread_run(t);
	assert_int_equal(w->events, OS_READABLE | OS_WRITABLE);
	free_watched(w);
	os_thread_join(&t);
}

/* --- pools ----------------------------------------------------------------- */

enum { JOBS = 1000 };

struct crew {
	struct os_thread *home;
	struct os_pool *pool;
	struct os_post begin;
	unsigned done;
	bool wrong;
	_Atomic unsigned worked;
	struct crew_job {
		struct os_job job;
		struct crew *crew;
		unsigned number;
		bool worked;
	} jobs[JOBS];
};

static void work(struct os_job *job)
{
	struct crew_job *j = CONTAINER_OF(job, struct crew_job, job);
	j->worked = os_thread_self() == NULL;
	atomic_fetch_add(&j->crew->worked, 1);
}

static void done(struct os_post *post)
{
	struct crew_job *j = CONTAINER_OF(post, struct crew_job, job.done);
	struct crew *c = j->crew;
	if (!j->worked || os_thread_self() != c->home)
		c->wrong = true;
	if (++c->done == JOBS)
		os_thread_stop(c->home);
}

static void submit_all(struct os_post *post)
{
	struct crew *c = CONTAINER_OF(post, struct crew, begin);
	for (unsigned i = 0; i < JOBS; i++)
		os_pool_submit(c->pool, &c->jobs[i].job, work, done);
}

static struct crew *new_crew(unsigned threads)
{
	struct crew *c = calloc(1, sizeof(*c));
	struct err err;
	for (unsigned i = 0; i < JOBS; i++)
		c->jobs[i].crew = c;
	c->home = new_thread(sleep_always, NULL);
	assert_true(os_pool_open(&c->pool, "pool", threads, &err));
	os_post_init(&c->begin, submit_all);
	os_thread_post(c->home, &c->begin);
	return c;
}

static void jobs_work_in_the_pool_and_are_done_at_home(void **state)
{
	(void)state;
	struct crew *c = new_crew(4);
	os_thread_run(c->home);
	assert_int_equal(c->done, JOBS);
	assert_false(c->wrong);
	os_pool_close(&c->pool);
	os_thread_join(&c->home);
	free(c);
}

static int64_t stop_now(void *ctx)
{
	os_thread_stop(*(struct os_thread **)ctx);
	return OS_NEVER;
}

static void closing_a_pool_does_what_was_submitted(void **state)
{
	(void)state;
	struct crew *c = new_crew(2);
	os_thread_join(&c->home);
	c->home = new_thread(stop_now, &c->home);
	os_post_init(&c->begin, submit_all);
	os_thread_post(c->home, &c->begin);
	os_thread_run(c->home);		/* submits and ends at once */
	os_pool_close(&c->pool);
	assert_int_equal(c->worked, JOBS);
	os_thread_join(&c->home);
	free(c);
}

/* --- mutex, clock, random --------------------------------------------------- */

static struct os_mutex *lock;
static unsigned counter;

static void *count_up(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 20000; i++) {
		os_mutex_lock(lock);
		counter++;
		os_mutex_unlock(lock);
	}
	return NULL;
}

static void a_mutex_lets_one_in(void **state)
{
	(void)state;
	pthread_t other;
	struct err err;
	assert_true(os_mutex_new(&lock, &err));
	pthread_create(&other, NULL, count_up, NULL);
	count_up(NULL);
	pthread_join(other, NULL);
	assert_int_equal(counter, 40000);
	os_mutex_free(&lock);
	assert_null(lock);
}

static void wall_time_starts_at_the_systems_and_never_goes_back(void **state)
{
	(void)state;
	int64_t difference = os_wall_ms() - os_system_wall_ms();
	assert_true(difference > -1000 && difference < 1000);
	int64_t wall = os_wall_ms(), mono = os_monotonic_ns();
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(os_wall_ms() >= wall);
		assert_true(os_monotonic_ns() >= mono);
		wall = os_wall_ms();
		mono = os_monotonic_ns();
	}
}

static void random_numbers_differ(void **state)
{
	(void)state;
	uint64_t a = os_random_u64(), b = os_random_u64();
	assert_true(a != b);
	uint8_t many[1000] = { 0 };
	os_random(many, sizeof(many));
	unsigned zeros = 0;
	for (size_t i = 0; i < sizeof(many); i++)
		zeros += many[i] == 0;
	assert_true(zeros < 40);
}

static void without_epoll_pwait2_waits_are_whole_milliseconds(void **state)
{
	(void)state;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
					  SCMP_SYS(epoll_pwait2), 0), 0);
	assert_int_equal(seccomp_load(filter), 0);
	seccomp_release(filter);
	a_turn_sleeps_until_its_time_and_not_shorter(state);
	a_post_may_be_posted_again_while_it_runs(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    posts_of_each_sender_keep_their_order_and_none_is_lost),
		cmocka_unit_test(a_sleeping_thread_wakes_for_each_post),
		cmocka_unit_test(a_turn_sleeps_until_its_time_and_not_shorter),
		cmocka_unit_test(again_takes_the_next_turn_at_once),
		cmocka_unit_test(a_post_may_be_posted_again_while_it_runs),
		cmocka_unit_test(what_was_posted_before_the_stop_is_run),
		cmocka_unit_test(a_thread_that_never_ran_can_be_joined),
		cmocka_unit_test(a_watch_removed_in_its_batch_is_not_told),
		cmocka_unit_test(a_hang_up_nobody_waits_for_does_not_spin),
		cmocka_unit_test(a_hang_up_is_told_as_readable_and_writable),
		cmocka_unit_test(jobs_work_in_the_pool_and_are_done_at_home),
		cmocka_unit_test(closing_a_pool_does_what_was_submitted),
		cmocka_unit_test(a_mutex_lets_one_in),
		cmocka_unit_test(
		    wall_time_starts_at_the_systems_and_never_goes_back),
		cmocka_unit_test(random_numbers_differ),
		cmocka_unit_test(	/* the last one */
		    without_epoll_pwait2_waits_are_whole_milliseconds),
	};
	return cmocka_run_group_tests_name("os/thread", tests, NULL, NULL);
}
