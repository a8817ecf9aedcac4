/* The hash table against a plain array; SipHash against its reference. */
#include "unit/unit.h"

#include "base/map.h"

struct thing {
	uint32_t key;
	uint64_t hash;
	bool in;
};

static bool same(const void *object, const void *key)
{
	return ((const struct thing *)object)->key == *(const uint32_t *)key;
}

static void siphash_gives_the_published_values(void **state)
{
	(void)state;
	/* Aumasson, Bernstein: SipHash, appendix A: key 00..0f, message
	 * 00..0e; and the first vectors of the authors' test. */
	uint8_t key[16];
	char message[15];
	for (size_t i = 0; i < 16; i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < 15; i++)
		message[i] = (char)i;
	hash_key_set(key);
	assert_true(hash_bytes((slice){ message, 15 }) == 0xa129ca6149be45e5);
	assert_true(hash_bytes((slice){ message, 0 }) == 0x726fdb47dd0e0e31);
	assert_true(hash_bytes((slice){ message, 8 }) == 0x93f5f5799a932462);
}

static void behaves_as_a_set(void **state)
{
	(void)state;
	static struct thing things[500];
	struct map m;
	uint32_t seed = 7;
	map_init(&m, 400);
	for (uint32_t i = 0; i < 500; i++) {
		things[i].key = i;
		/* Few hashes, so that all collide with some. */
		things[i].hash = 2 + i % 61 * (i % 2 ? 1 : 1ull << 40);
	}
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1664525 + 1013904223;
		struct thing *t = &things[(seed >> 8) % 500];
		void *got = map_get(&m, t->hash, same, &t->key);
		assert_ptr_equal(got, t->in ? t : NULL);
		map_prefetch(&m, t->hash);
		const struct thing *guess = map_guess(&m, t->hash);
		assert_true(guess != NULL ? guess->hash == t->hash : !t->in);
		if (t->in) {
			map_remove(&m, t->hash, t);
			t->in = false;
		} else if (m.count < 400) {
			assert_true(map_add(&m, t->hash, t));
			t->in = true;
		} else {
			assert_false(map_add(&m, t->hash, t));
		}
	}
	size_t seen = 0, in = 0, at = 0;
	for (struct thing *t; (t = map_next(&m, &at)) != NULL; seen++)
		assert_true(t->in);
	for (size_t i = 0; i < 500; i++)
		in += things[i].in;
	assert_int_equal(seen, in);
	assert_int_equal(m.count, in);
	map_fini(&m);
}

static void churn_does_not_grow_it(void **state)
{
	(void)state;
	static struct thing things[64];
	struct map m;
	map_init(&m, 1000);
	for (uint32_t round = 0; round < 10000; round++) {
		struct thing *t = &things[round % 8];
		t->key = round;
		uint64_t hash = hash_bytes((slice){ (char *)&round, 4 });
		assert_true(map_add(&m, hash, t));
		map_remove(&m, hash, t);
	}
	assert_int_equal(m.count, 0);
	assert_true(m.cap <= 32);
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_gives_the_published_values),
		cmocka_unit_test(behaves_as_a_set),
		cmocka_unit_test(churn_does_not_grow_it),
	};
	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
