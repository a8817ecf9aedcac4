/* The last time that a spool knows (RELIABILITY R7). */
#include "unit/spool/world.h"

#define DAY INT64_C(86400000)
#define NOON INT64_C(2000000000000)	/* 2033 */

static struct spool_clock known(struct world *w)
{
	struct spool_clock c;
	struct err err;
	assert_true(spool_clock_read(w->dir, &c, &err));
	return c;
}

static void accept_some(struct world *w)
{
	for (unsigned i = 0; i < 100; i++)
		ask_accept(w, i * 301);
}

/* A whole life at that time; more than one segment. */
static void live_at(struct world *w, int64_t wall_ms, bool stop)
{
	os_wall_begin(wall_ms);
	open_spool(w);
	start_spool(w);
	phase(w, accept_some);
	close_spool(w, stop);
}

static bool is_soon(int64_t ms, int64_t wall_ms)
{
	return ms >= wall_ms && ms <= os_wall_ms();
}

static void r7_a_new_spool_knows_no_time(void **state)
{
	(void)state;
	static struct world w;
	world_init(&w);
	assert_int_equal(known(&w).last_ms, 0);
	assert_int_equal(known(&w).mark, 0);
	world_fini(&w);
}

static void r7_the_newest_batch_is_the_last_time(void **state)
{
	(void)state;
	static struct world w;
	/* Also over the end of 32 bits. */
	static const int64_t times[] = { NOON, NOON + 5 * DAY,
					 INT64_C(2147483647000),
					 INT64_C(4300000000000) };
	world_init(&w);
	w.config.segment_bytes = SEGMENT_MIN;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		live_at(&w, times[i], i % 2 == 0);
		assert_true(is_soon(known(&w).last_ms, times[i]));
		assert_int_equal(known(&w).mark, 0);
	}
	world_fini(&w);
}

static void r7_what_was_noted_counts_when_it_is_later(void **state)
{
	(void)state;
	static struct world w;
	struct err err;
	struct spool_clock later = { NOON + DAY, 2 }, earlier = { 5, 1 };
	world_init(&w);
	live_at(&w, NOON, true);
	assert_true(spool_clock_write(w.dir, &later, &err));
	assert_int_equal(known(&w).last_ms, later.last_ms);
	assert_int_equal(known(&w).mark, 2);
	assert_true(spool_clock_write(w.dir, &earlier, &err));
	assert_true(is_soon(known(&w).last_ms, NOON));
	assert_int_equal(known(&w).mark, 1);
	/* It stays when a spool is opened. */
	live_at(&w, NOON + 1, true);
	assert_int_equal(known(&w).mark, 1);
	world_fini(&w);
}

static void put_byte(struct world *w, const char *name, off_t at, char byte)
{
	int fd = openat(w->dir, name, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void r7_a_damaged_note_says_nothing(void **state)
{
	(void)state;
	static struct world w;
	struct err err;
	struct spool_clock noted = { NOON + DAY, 2 };
	world_init(&w);
	live_at(&w, NOON, true);
	for (off_t at = 0; at < 30; at++) {
		assert_true(spool_clock_write(w.dir, &noted, &err));
		put_byte(&w, "clock", at, '\x5a');
		assert_true(is_soon(known(&w).last_ms, NOON));
		assert_int_equal(known(&w).mark, 0);
	}
	assert_int_equal(unlinkat(w.dir, "clock", 0), 0);
	assert_true(is_soon(known(&w).last_ms, NOON));
	world_fini(&w);
}

static bool damage_head(void *ctx, const char *name)
{
	struct world *w = ctx;
	uint32_t number;
	/* The first frame, a cut. */
	if (name_number(slice_of(name), SLICE("seg-"), SLICE(".log"),
			&number) && number > 1)
		put_byte(w, name, SEGMENT_HEAD + 4, '\x5a');
	return true;
}

static void r7_damage_leaves_the_times_before_it(void **state)
{
	(void)state;
	static struct world w;
	struct err err;
	world_init(&w);
	live_at(&w, NOON, true);
	live_at(&w, NOON + DAY, true);
	assert_true(os_dir_list(w.dir, damage_head, &w, &err));
	assert_true(known(&w).last_ms >= NOON);
	assert_true(known(&w).last_ms < NOON + DAY);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r7_a_new_spool_knows_no_time),
		cmocka_unit_test(r7_the_newest_batch_is_the_last_time),
		cmocka_unit_test(r7_what_was_noted_counts_when_it_is_later),
		cmocka_unit_test(r7_a_damaged_note_says_nothing),
		cmocka_unit_test(r7_damage_leaves_the_times_before_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
