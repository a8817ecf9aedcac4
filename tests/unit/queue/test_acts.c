/* What people do with the queue: it is answered when it is on the disk, and
 * the time of the next try is known. The spool and the journal are played by
 * this file: a commit is done when the test says so. */
#include "queue/queue_private.h"
#include "queue_test.h"
#include "played_journal.h"

#include <stdlib.h>

static struct {
	struct spool_commit *commits[16];
	unsigned count;
} disk;

void spool_commit(struct spool *s, struct spool_commit *c)
{
	(void)s;
	assert_true(disk.count < ARRAY_LEN(disk.commits));
	disk.commits[disk.count++] = c;
}

void spool_checkpoint_add(struct spool_checkpoint *ck, struct id id,
			  slice state)
{
	(void)ck, (void)id, (void)state;
}

/* --- a queue with one message of two parts -------------------------------- */

enum { NOW_MS = 5000 };

static int64_t some_time(void *clock)
{
	(void)clock;
	return NOW_MS;
}
static void no_report(void *ctx, struct queue_entry *e)
{
	(void)ctx, (void)e;
	fail_msg("nothing has ended");
}

struct place {
	struct test_router router;
	struct queue *q;
	struct queue_entry *e;
	struct counters counters;
	struct log log;
};

static int setup(void **state)
{
	/* Counters are aligned to lines of the cache. */
	struct place *p = aligned_alloc(_Alignof(struct place), sizeof(*p));
	struct recipient to[] = {
		{ .address = { SLICE("a"), SLICE("one.example"), false } },
		{ .address = { SLICE("b"), SLICE("two.example"), false } },
	};
	struct envelope env = { .id = { 1000, 1 }, .customer = 1,
				.recipients = to, .recipient_count = 2 };
	struct err err;
	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	disk.count = 0;
	test_router_init(&p->router);
	p->log = (struct log){ .level = LOG_ERROR };
	struct queue_config config = {
		.router = &p->router.router, .destinations = &p->router.all,
		.counters = &p->counters, .log = &p->log,
		.retry = { .after_ms = { 60000 }, .steps = 1,
			   .expire_ms = 1000000, .expire_own_ms = 1000000 },
		.wall_ms = some_time, .wake_at = nobody_wakes };
	struct queue_hooks hooks = { .ready = nobody_sends,
				     .report = no_report };
	assert_true(queue_new(&config, &hooks, &p->q, &err));
	p->e = queue_prepare(p->q, &env);
	assert_non_null(p->e);
	queue_live(p->e, NULL);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	queue_free(&p->q);
	destinations_fini(&p->router.all);
	free(p);
	return 0;
}

static void end_commit(unsigned number, bool ok)
{
	struct spool_commit *c = disk.commits[number];
	c->ok = ok;
	c->done(c);
}

struct answer {
	struct queue_wait wait;
	unsigned calls;
	bool ok;
};

static void written(struct queue_wait *w, bool ok)
{
	struct answer *a = CONTAINER_OF(w, struct answer, wait);
	a->calls++;
	a->ok = ok;
}

static uint32_t hold(struct queue_entry *e)
{
	return queue_hold(e, HELD_OPERATOR);
}

static void schedule_all(struct place *p)
{
	for (uint16_t i = 0; i < p->e->part_count; i++)
		part_schedule(p->q, &p->e->parts[i], NOW_MS + 60000);
}

static void s11_7_the_answer_waits_for_the_disk(void **state)
{
	struct place *p = *state;
	static const struct {
		uint32_t (*act)(struct queue_entry *e);
		enum spool_commit_kind kind;
	} acts[] = { { queue_retry, SPOOL_STATE }, { hold, SPOOL_STATE },
		     { queue_release, SPOOL_RELEASE },
		     { queue_remove, SPOOL_DONE } };
	schedule_all(p);
	for (unsigned i = 0; i < ARRAY_LEN(acts); i++) {
		struct answer a = { .wait.written = written };
		assert_int_equal(acts[i].act(p->e), 2);
		assert_true(queue_when_written(p->e, &a.wait));
		assert_int_equal(disk.count, i + 1);
		assert_int_equal(disk.commits[i]->kind, acts[i].kind);
		assert_int_equal(a.calls, 0);
		end_commit(i, true);
		assert_int_equal(a.calls, 1);
		assert_true(a.ok);
	}
	assert_int_equal(queue_count(p->q), 0);
}

static void what_is_on_the_disk_already_is_not_waited_for(void **state)
{
	struct place *p = *state;
	struct answer a = { .wait.written = written };
	assert_false(queue_when_written(p->e, &a.wait));
	assert_int_equal(a.calls, 0);
}

static void a_change_behind_a_commit_under_way_waits_for_its_own(void **state)
{
	struct place *p = *state;
	struct answer first = { .wait.written = written }, second = first;
	assert_int_equal(hold(p->e), 2);
	assert_true(queue_when_written(p->e, &first.wait));
	assert_int_equal(queue_release(p->e), 2);
	assert_true(queue_when_written(p->e, &second.wait));
	end_commit(0, true);
	assert_int_equal(second.calls, 0);
	assert_int_equal(disk.count, 2);
	end_commit(1, true);
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 1);
	assert_true(first.ok && second.ok);
}

static void what_can_not_be_written_is_said(void **state)
{
	struct place *p = *state;
	struct answer a = { .wait.written = written };
	assert_int_equal(hold(p->e), 2);
	assert_true(queue_when_written(p->e, &a.wait));
	end_commit(0, false);
	assert_int_equal(a.calls, 1);
	assert_false(a.ok);
	queue_tick(p->q);		/* it is tried again */
	assert_int_equal(disk.count, 2);
	end_commit(1, true);
	assert_int_equal(a.calls, 1);
	struct answer again = { .wait.written = written };
	assert_false(queue_when_written(p->e, &again.wait));
}

/* A start behind the answer finds the parts due, not scheduled. */
static void s11_7_a_retry_outlives_the_process(void **state)
{
	struct place *p = *state;
	struct err err;
	schedule_all(p);
	assert_int_equal(queue_retry(p->e), 2);
	assert_int_equal(disk.count, 1);
	struct queue_entry *again =
		entry_from_state(p->q, p->e->id, &p->router.all,
				 disk.commits[0]->state, &err);
	assert_non_null(again);
	for (uint16_t i = 0; i < again->part_count; i++)
		assert_int_equal(again->parts[i].state, PART_READY);
	entry_free(&again);
	end_commit(0, true);
}

static void d8_the_time_of_the_next_try(void **state)
{
	struct place *p = *state;
	struct queue_part *part = &p->e->parts[0];
	struct destination *d = part->destination;
	bool expired;
	assert_int_equal(queue_next_ms(part), NOW_MS);	/* due */
	assert_ptr_equal(queue_take(p->q, d, &expired), part);
	assert_int_equal(queue_next_ms(part), NOW_MS);	/* under way */
	queue_untake(part, 60000);
	assert_int_equal(queue_next_ms(part), NOW_MS + 60000);
	/* Nothing is tried before the pause of its destination is over. */
	atomic_store(&d->not_before_ms, NOW_MS + 90000);
	assert_int_equal(queue_next_ms(part), NOW_MS + 90000);
	queue_retry(p->e);		/* but by hand */
	assert_int_equal(queue_next_ms(part), NOW_MS);
	atomic_store(&d->paused, true);
	assert_int_equal(queue_next_ms(part), NOW_MS);
	part->urgent = false;
	assert_int_equal(queue_next_ms(part), 0);	/* who knows */
	atomic_store(&d->paused, false);
	hold(p->e);
	assert_int_equal(queue_next_ms(part), 0);
	end_commit(0, true);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s11_7_the_answer_waits_for_the_disk),
		TEST(what_is_on_the_disk_already_is_not_waited_for),
		TEST(a_change_behind_a_commit_under_way_waits_for_its_own),
		TEST(what_can_not_be_written_is_said),
		TEST(s11_7_a_retry_outlives_the_process),
		TEST(d8_the_time_of_the_next_try),
	};
	return cmocka_run_group_tests_name("queue/acts", tests, NULL, NULL);
}
