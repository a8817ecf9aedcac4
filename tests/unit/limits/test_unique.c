/* Sets of unique recipients (SPEC 6.1, 6.5), held against a plain list. */
#include "limits/unique.h"
#include "unit/unit.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)
#define START INT64_C(1767225600000)

static struct room room = { .max_bytes = UINT64_C(1) << 30 };

/* Keyed hashes look like this. */
static uint64_t hash_of(uint64_t n)
{
	n = (n + 1) * 0x9e3779b97f4a7c15u;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

static void pin(struct unique *u, uint64_t hash)
{
	assert_int_equal(unique_pin(u, &room, hash, UINT64_MAX),
			 UNIQUE_PINNED);
}

static void s6_1_each_counts_once_and_leaves_a_day_after_its_last(void **state)
{
	(void)state;
	struct unique u;
	unique_init(&u);
	unique_advance(&u, START);
	for (int i = 0; i < 1000; i++) {
		pin(&u, 5);
		unique_book(&u, &room, 5, START);
		pin(&u, 0);
		unique_book(&u, &room, 0, START);
	}
	assert_int_equal(unique_count(&u), 2);
	unique_advance(&u, START + DAY);
	pin(&u, 5);
	unique_book(&u, &room, 5, START + DAY);
	assert_int_equal(unique_count(&u), 2);
	unique_advance(&u, START + DAY + 10 * MINUTE);
	assert_int_equal(unique_count(&u), 1);
	unique_advance(&u, START + 2 * DAY + 10 * MINUTE);
	assert_int_equal(unique_count(&u), 0);
	unique_fini(&u, &room);
	assert_int_equal(room.used_bytes, 0);
}

static void s6_8_pinned_counts_until_the_last_lets_go(void **state)
{
	(void)state;
	struct unique u;
	unique_init(&u);
	unique_advance(&u, START);
	pin(&u, 1);
	pin(&u, 1);
	assert_int_equal(unique_count(&u), 1);
	assert_int_equal(unique_pin(&u, &room, 2, 1), UNIQUE_OVER);
	assert_int_equal(unique_pin(&u, &room, 1, 1), UNIQUE_PINNED);
	unique_unpin(&u, &room, 1);
	unique_unpin(&u, &room, 1);
	assert_int_equal(unique_count(&u), 1);
	unique_unpin(&u, &room, 1);
	assert_int_equal(unique_count(&u), 0);
	/* Booked once, pinned again, a day passes: still one, so that booking
	 * it then can't go over the limit. */
	pin(&u, 1);
	unique_book(&u, &room, 1, START);
	pin(&u, 1);
	unique_advance(&u, START + 3 * DAY);
	assert_int_equal(unique_count(&u), 1);
	assert_int_equal(unique_pin(&u, &room, 2, 1), UNIQUE_OVER);
	unique_book(&u, &room, 1, START + 3 * DAY);
	assert_int_equal(unique_count(&u), 1);
	/* Let go instead: back in its old bucket, or gone. */
	pin(&u, 1);
	unique_advance(&u, START + 3 * DAY + 60 * MINUTE);
	unique_unpin(&u, &room, 1);
	assert_int_equal(unique_count(&u), 1);
	pin(&u, 1);
	unique_advance(&u, START + 5 * DAY);
	unique_unpin(&u, &room, 1);
	assert_int_equal(unique_count(&u), 0);
	unique_fini(&u, &room);
}

static void pins_have_a_bound(void **state)
{
	(void)state;
	struct unique u;
	unique_init(&u);
	unique_advance(&u, START);
	for (int i = 0; i < UINT16_MAX; i++)
		pin(&u, 1);
	assert_int_equal(unique_pin(&u, &room, 1, 9), UNIQUE_NO_ROOM);
	for (int i = 0; i < UINT16_MAX; i++)
		unique_unpin(&u, &room, 1);
	assert_int_equal(unique_count(&u), 0);
	unique_fini(&u, &room);
}

/* --- against a list --- */

enum { KEYS = 9000, STEPS = 120000 };

struct model {
	int64_t booked[KEYS];	/* bucket of last booking; -1000: never */
	uint16_t pins[KEYS];
};

static uint64_t model_count(const struct model *m, int64_t bucket)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < KEYS; i++)
		n += m->pins[i] > 0 || bucket - m->booked[i] <= 144;
	return n;
}

static void s6_1_set_counts_what_a_list_counts(void **state)
{
	(void)state;
	static struct model m;
	struct unique u;
	uint64_t seed = 11;
	int64_t now = START;
	unique_init(&u);
	for (uint32_t i = 0; i < KEYS; i++)
		m.booked[i] = -1000;
	for (uint32_t step = 0; step < STEPS; step++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint32_t r = (uint32_t)(seed >> 33);
		/* Waves: many keys, then few, then quiet days. */
		uint32_t wide = step / 20000 % 2 == 0 ? KEYS : 50;
		uint32_t k = r % wide;
		uint64_t hash = k == 0 ? 0 : hash_of(k);
		now += (int64_t)(seed >> 45) % 20000;
		if (step % 40000 == 39999)
			now += 2 * DAY;
		unique_advance(&u, now);
		if (r >> 20 & 1) {
			if (m.pins[k] < 3) {
				pin(&u, hash);
				m.pins[k]++;
			}
		} else if (m.pins[k] > 0) {
			m.pins[k]--;
			if (r >> 21 & 3) {
				unique_book(&u, &room, hash, now);
				m.booked[k] = now / (10 * MINUTE);
			} else {
				unique_unpin(&u, &room, hash);
			}
		}
		if ((r >> 22) % 64 == 0)
			unique_tidy(&u, &room);
		if (step % 256 == 0)
			assert_int_equal(unique_count(&u),
					 model_count(&m, now / (10 * MINUTE)));
	}
	unique_fini(&u, &room);
	assert_int_equal(room.used_bytes, 0);
}

static void s6_8_restores_in_any_order(void **state)
{
	(void)state;
	struct unique u;
	unique_init(&u);
	unique_advance(&u, START);
	for (int64_t i = 0; i < 3000; i++) {
		uint64_t hash = hash_of((uint64_t)i % 100);
		int64_t at = START - (i * 7919) % (2 * DAY);
		assert_true(unique_restore(&u, &room, hash, at));
	}
	assert_true(unique_restore(&u, &room, 77, START + 5 * DAY));
	assert_int_equal(unique_count(&u), 101);
	unique_advance(&u, START + DAY + 10 * MINUTE);
	assert_int_equal(unique_count(&u), 0);
	unique_fini(&u, &room);
}

static void keys_take_24_bytes_at_most_while_a_million_grow(void **state)
{
	(void)state;
	enum { MANY = 1000000 };
	struct unique u;
	unique_init(&u);
	unique_advance(&u, START);
	for (uint64_t i = 0; i < MANY; i++) {
		pin(&u, hash_of(i));
		unique_book(&u, &room, hash_of(i), START);
		if (i >= 1000 && i % 10007 == 0)
			assert_true(unique_bytes(&u) <= 24 * (i + 1));
	}
	assert_int_equal(unique_count(&u), MANY);
	/* What the allocator adds is in it. */
	assert_true(room.used_bytes < unique_bytes(&u) + 4096);
	/* Stale ones make room for others: the tables don't grow again. */
	uint64_t before = unique_bytes(&u);
	int64_t later = START + 3 * DAY;
	unique_advance(&u, later);
	assert_int_equal(unique_count(&u), 0);
	for (uint64_t i = 0; i < MANY / 2; i++) {
		pin(&u, hash_of(MANY + i));
		unique_book(&u, &room, hash_of(MANY + i), later);
	}
	assert_int_equal(unique_count(&u), MANY / 2);
	assert_true(unique_bytes(&u) < before * 3 / 5);
	/* Given back table by table: no single call does it all. */
	unique_advance(&u, later + 3 * DAY);
	uint64_t last = unique_bytes(&u);
	assert_false(unique_is_empty(&u));
	while (!unique_is_empty(&u)) {
		unique_tidy(&u, &room);
		assert_true(unique_bytes(&u) + 100000 > last);
		last = unique_bytes(&u);
	}
	assert_true(last < 100 * 1024);
	unique_tidy(&u, &room);
	assert_int_equal(unique_bytes(&u), 0);
	unique_fini(&u, &room);
	assert_int_equal(room.used_bytes, 0);
}

static void stale_keys_go_while_few_new_ones_come(void **state)
{
	(void)state;
	struct unique u;
	unique_init(&u);
	unique_advance(&u, START);
	for (uint64_t i = 0; i < 100000; i++) {
		pin(&u, hash_of(i));
		unique_book(&u, &room, hash_of(i), START);
	}
	uint64_t before = unique_bytes(&u);
	for (uint64_t i = 0; i < 200; i++) {
		int64_t t = START + DAY - 10 * MINUTE + (int64_t)i * MINUTE;
		unique_advance(&u, t);
		pin(&u, hash_of(200000 + i));
		unique_book(&u, &room, hash_of(200000 + i), t);
		unique_tidy(&u, &room);
	}
	assert_int_equal(unique_count(&u), 200);
	assert_true(unique_bytes(&u) < before / 20);
	unique_fini(&u, &room);
}

/*
 * What one call does is counted, not timed: it may take CALL_BYTES and give
 * back as many (a table and the two it is split into), however many keys
 * there are. A place is 14 bytes, so a call looks at some 10,000 at most.
 */
enum { CALL_BYTES = 150000 };

static uint64_t begin_call(void)
{
	room.max_bytes = room.used_bytes + CALL_BYTES;
	return room.used_bytes;
}

static void end_call(uint64_t before)
{
	assert_true(room.used_bytes + CALL_BYTES >= before);
	room.max_bytes = UINT64_C(1) << 30;
}

static void no_call_works_on_more_than_a_table(void **state)
{
	(void)state;
	enum { MANY = 500000 };
	struct unique u;
	int64_t now = START;
	unique_init(&u);
	for (uint64_t i = 0; i < 2 * MANY; i++) {
		if (i == MANY)		/* the others are stale from here on */
			now += 3 * DAY;
		uint64_t before = begin_call();
		unique_advance(&u, now);
		pin(&u, hash_of(i));
		end_call(before);
		before = begin_call();
		unique_book(&u, &room, hash_of(i), now);
		end_call(before);
	}
	unique_advance(&u, now + 3 * DAY);
	uint32_t calls = 0;
	while (u.filled > 0 || u.depth > 0) {
		uint64_t before = begin_call();
		unique_tidy(&u, &room);
		end_call(before);
		calls++;
	}
	assert_true(calls > MANY / 4000);
	unique_fini(&u, &room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_1_each_counts_once_and_leaves_a_day_after_its_last),
		cmocka_unit_test(s6_8_pinned_counts_until_the_last_lets_go),
		cmocka_unit_test(pins_have_a_bound),
		cmocka_unit_test(s6_1_set_counts_what_a_list_counts),
		cmocka_unit_test(s6_8_restores_in_any_order),
		cmocka_unit_test(keys_take_24_bytes_at_most_while_a_million_grow),
		cmocka_unit_test(stale_keys_go_while_few_new_ones_come),
		cmocka_unit_test(no_call_works_on_more_than_a_table),
	};
	return cmocka_run_group_tests_name("limits/unique", tests, NULL, NULL);
}
