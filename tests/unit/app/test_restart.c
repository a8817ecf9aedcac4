/* When children start again, and what crashes add up to; DESIGN 2. */
#include "unit/unit.h"

#include "app/poison.h"
#include "app/restart.h"

static void the_first_deaths_cost_nothing(void **state)
{
	(void)state;
	struct restart r = { 0 };
	assert_int_equal(restart_delay_ms(&r, 0, 0), 0);
	assert_int_equal(restart_delay_ms(&r, 0, 500), 0);
	/* Deaths far apart never do. */
	r = (struct restart){ 0 };
	for (int64_t t = 0; t < 600000; t += 9000)
		assert_int_equal(restart_delay_ms(&r, t, t + 8000), 0);
}

static void three_deaths_in_ten_seconds_begin_a_backoff(void **state)
{
	(void)state;
	static const int64_t waits[] = { 0, 0, 100, 200, 400, 800, 1600, 3200,
					 5000, 5000, 5000 };
	struct restart r = { 0 };
	int64_t now = 1000;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		int64_t wait = restart_delay_ms(&r, now, now + 10);
		assert_int_equal(wait, waits[i]);
		now += 10 + wait;
	}
	/* One that lives for ten seconds ends it. */
	assert_int_equal(restart_delay_ms(&r, now, now + 10000), 0);
	assert_int_equal(restart_delay_ms(&r, now + 10000, now + 10001), 0);
	assert_int_equal(restart_delay_ms(&r, now + 10001, now + 10002), 100);
}

struct crash {
	struct poison *poison;
	struct notes *notes;
};

static int set_up(void **state)
{
	struct crash *c = calloc(1, sizeof(*c));
	c->poison = calloc(1, sizeof(*c->poison));
	c->notes = aligned_alloc(64, (notes_bytes(4) + 63) / 64 * 64);
	notes_init(c->notes, 4);
	*state = c;
	return 0;
}
static int tear_down(void **state)
{
	struct crash *c = *state;
	free(c->poison);
	free(c->notes);
	free(c);
	return 0;
}

static void a_message_noted_in_two_crashes_is_held(void **state)
{
	struct crash *c = *state;
	struct id a = id_make(1000, 1), b = id_make(2000, 2);
	struct id out[START_POISON_MAX];
	note_message(&c->notes->shard[1], a, "deliver.data");
	note_message(&c->notes->shard[2], a, "deliver.data");
	poison_crash(c->poison, c->notes, 100);
	/* Two shards in one crash are one crash. */
	assert_int_equal(poison_messages(c->poison, out), 0);
	notes_init(c->notes, 4);
	note_message(&c->notes->shard[0], b, "deliver.route");
	poison_crash(c->poison, c->notes, 200);
	assert_int_equal(poison_messages(c->poison, out), 0);
	note_message(&c->notes->shard[0], a, "deliver.data");
	poison_crash(c->poison, c->notes, 900000000);
	assert_int_equal(poison_messages(c->poison, out), 1);
	assert_true(id_eq(out[0], a));
	/* A note taken back is none. */
	note_message(&c->notes->shard[0], b, "deliver.route");
	note_message_clear(&c->notes->shard[0]);
	poison_crash(c->poison, c->notes, 900000001);
	assert_int_equal(poison_messages(c->poison, out), 1);
}

static void an_address_noted_in_three_within_ten_minutes_is_refused(
	void **state)
{
	struct crash *c = *state;
	struct ip_addr who;
	struct start_refused out[START_REFUSED_MAX];
	assert_true(ip_addr_parse(SLICE("192.0.2.7"), &who));
	note_client(&c->notes->shard[3], &who, "receive.mail");
	poison_crash(c->poison, c->notes, 1000);
	poison_crash(c->poison, c->notes, 300000);
	assert_int_equal(poison_refused(c->poison, 300000, out), 0);
	/* The first one is too long ago. */
	poison_crash(c->poison, c->notes, 601001);
	assert_int_equal(poison_refused(c->poison, 601001, out), 0);
	poison_crash(c->poison, c->notes, 700000);
	assert_int_equal(poison_refused(c->poison, 700000, out), 1);
	assert_true(ip_addr_eq(&out[0].address, &who));
	assert_int_equal(out[0].left_ms, 3600000);
	assert_int_equal(poison_refused(c->poison, 700000 + 3600000, out), 0);
}

static void tables_are_bounded(void **state)
{
	struct crash *c = *state;
	struct id out[START_POISON_MAX];
	for (unsigned i = 0; i < 3 * START_POISON_MAX; i++) {
		struct ip_addr who = { { (uint8_t)(i >> 8), (uint8_t)i, 1 } };
		note_message(&c->notes->shard[0], id_make(1 + i, i), "x");
		note_client(&c->notes->shard[0], &who, "y");
		poison_crash(c->poison, c->notes, 1 + i);
	}
	assert_int_equal(c->poison->message_count, START_POISON_MAX);
	assert_int_equal(c->poison->address_count, START_REFUSED_MAX);
	assert_int_equal(poison_messages(c->poison, out), 0);
}

static void long_steps_are_cut(void **state)
{
	struct crash *c = *state;
	note_message(&c->notes->shard[0], id_make(1, 1),
		     "a step whose name is much longer than there is room for");
	assert_int_equal(strlen(c->notes->shard[0].message_step),
			 NOTE_STEP_MAX - 1);
	note_message(NULL, id_make(1, 1), "x");
	note_client(NULL, NULL, "x");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_deaths_cost_nothing),
		cmocka_unit_test(three_deaths_in_ten_seconds_begin_a_backoff),
		TEST(a_message_noted_in_two_crashes_is_held),
		TEST(an_address_noted_in_three_within_ten_minutes_is_refused),
		TEST(tables_are_bounded),
		TEST(long_steps_are_cut),
	};
	return cmocka_run_group_tests_name("app/restart", tests, NULL, NULL);
}
