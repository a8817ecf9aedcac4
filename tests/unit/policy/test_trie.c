/* The persistent hash trie against a plain array: every version must stay as
 * it was while later ones change. */
#include "unit/policy/build.h"

#include "policy/object.h"
#include "policy/trie.h"

enum { IDS = 512, VERSIONS = 24 };

static struct object *setting_with(uint32_t id, uint32_t position)
{
	struct setting s = a_setting(id, 1, SENDERS_ANY);
	s.position = position;
	return object_of_setting(&s);
}

static void put(struct trie *t, uint32_t id, uint32_t position)
{
	struct object *o = setting_with(id, position);
	struct trie_key k = key_of_id(&id);
	assert_true(trie_put(t, &k, o));
	object_unref(o);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

struct version {
	struct trie trie;
	uint32_t position[IDS];		/* 0: not there */
};

static void check(const struct version *v)
{
	uint64_t count = 0;
	uint32_t last = 0;
	for (uint32_t id = 0; id < IDS; id++) {
		struct trie_key k = key_of_id(&id);
		const struct setting *s =
			object_setting(trie_get(&v->trie, &k));
		assert_int_equal(s ? s->position : 0, v->position[id]);
		count += s != NULL;
	}
	assert_int_equal(count, v->trie.count);
	struct trie_walk walk = { .trie = &v->trie };
	const struct object *o, *after = NULL;
	uint64_t walked = 0, hash = 0;
	while ((o = trie_walk_next(&walk)) != NULL) {
		assert_true(walked == 0 || object_setting(o)->id > last);
		last = object_setting(o)->id;
		after = trie_after(&v->trie, &OPS_ID, hash);
		if (last > 0) {
			assert_ptr_equal(after, o);
			hash = OPS_ID.hash(o);
		}
		walked++;
	}
	assert_int_equal(walked, count);
	assert_null(trie_after(&v->trie, &OPS_ID, UINT64_MAX));
}

static void every_version_stays_as_it_was(void **state)
{
	(void)state;
	static struct version versions[VERSIONS];
	uint64_t random = 7;
	memset(versions, 0, sizeof(versions));
	for (uint32_t n = 1; n < VERSIONS; n++) {
		struct version *v = &versions[n];
		*v = versions[n - 1];
		v->trie = trie_share(&versions[n - 1].trie);
		/* Grows for half of the way, then shrinks to nothing. */
		for (uint32_t i = 0; i < 100; i++) {
			uint32_t id = next_random(&random) % IDS;
			struct trie_key k = key_of_id(&id);
			bool remove = n > VERSIONS / 2 || i % 4 == 3;
			if (!remove) {
				v->position[id] = n * 1000 + i + 1;
				put(&v->trie, id, v->position[id]);
			} else if (v->position[id] != 0) {
				v->position[id] = 0;
				assert_true(trie_remove(&v->trie, &k));
			}
		}
		check(v);
	}
	for (uint32_t n = 0; n < VERSIONS; n++)
		check(&versions[n]);
	for (uint32_t n = 0; n < VERSIONS; n++)
		trie_release(&versions[(n * 7) % VERSIONS].trie);
}

static void an_emptied_trie_takes_no_memory(void **state)
{
	(void)state;
	struct trie t = { 0 };
	for (uint32_t id = 1; id < 3000; id++)
		put(&t, id * 977, id);
	assert_true(t.bytes > 0);
	for (uint32_t id = 1; id < 3000; id++) {
		uint32_t key = id * 977;
		struct trie_key k = key_of_id(&key);
		assert_true(trie_remove(&t, &k));
	}
	assert_int_equal(t.count, 0);
	assert_int_equal(t.bytes, 0);
	assert_int_equal(t.root, 0);
}

/* Equal hashes end in a list; its objects part by their keys. */
static uint64_t same_hash(const struct object *o)
{
	return object_setting(o)->id % 3 ? 5 : 6;
}

static bool same_id(const struct object *o, const void *key)
{
	return object_setting(o)->id == *(const uint32_t *)key;
}

static void equal_hashes_are_told_apart(void **state)
{
	(void)state;
	static const struct trie_ops ops = { same_hash, same_id };
	struct trie t = { 0 };
	for (uint32_t id = 1; id <= 40; id++) {
		struct object *o = setting_with(id, id);
		struct trie_key k = { &ops, same_hash(o), &id };
		assert_true(trie_put(&t, &k, o));
		object_unref(o);
	}
	assert_int_equal(t.count, 40);
	struct trie before = trie_share(&t);
	for (uint32_t id = 1; id <= 40; id++) {
		struct trie_key k = { &ops, id % 3 ? 5 : 6, &id };
		assert_non_null(trie_get(&t, &k));
		assert_true(trie_remove(&t, &k));
		assert_null(trie_get(&t, &k));
		assert_non_null(trie_get(&before, &k));
	}
	assert_int_equal(t.bytes, 0);
	trie_release(&t);
	trie_release(&before);
}

/* Many look-ups in turn find what each finds alone, also in lists of equal
 * hashes and where there is nothing. */
static void probes_in_turn_find_what_each_finds_alone(void **state)
{
	(void)state;
	enum { SOUGHT = 200 };
	static const struct trie_ops ops = { same_hash, same_id };
	struct trie tries[2] = { { 0 } };
	for (uint32_t id = 1; id <= SOUGHT; id += 2) {
		struct object *o = setting_with(id, id);
		struct trie_key by_id = key_of_id(&id);
		struct trie_key equal = { &ops, same_hash(o), &id };
		assert_true(trie_put(&tries[0], &by_id, o));
		assert_true(trie_put(&tries[1], &equal, o));
		object_unref(o);
	}
	for (int n = 0; n < 2; n++) {
		struct trie_probe probes[SOUGHT + 1] = { 0 };
		struct trie_key keys[SOUGHT + 1] = { 0 };
		uint32_t ids[SOUGHT + 1];
		/* Number 0 stays zeroed: it looks for nothing. */
		for (uint32_t id = 1; id <= SOUGHT; id++) {
			ids[id] = id;
			keys[id] = key_of_id(&ids[id]);
			if (n == 1)
				keys[id] = (struct trie_key){
					&ops, id % 3 ? 5 : 6, &ids[id] };
			trie_probe_begin(&probes[id], &tries[n],
					 keys[id].hash);
		}
		bool moving = true;
		for (uint32_t turns = 0; moving; turns++) {
			assert_true(turns <= TRIE_LEVELS + 1);
			moving = false;
			for (uint32_t i = 0; i <= SOUGHT; i++)
				moving |= trie_probe_step(&probes[i]);
		}
		assert_null(trie_probe_end(&probes[0], &keys[0]));
		for (uint32_t id = 1; id <= SOUGHT; id++) {
			const struct object *o =
				trie_probe_end(&probes[id], &keys[id]);
			assert_ptr_equal(o, trie_get(&tries[n], &keys[id]));
			assert_true((o != NULL) == (id % 2 == 1));
		}
		trie_release(&tries[n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_stays_as_it_was),
		cmocka_unit_test(an_emptied_trie_takes_no_memory),
		cmocka_unit_test(equal_hashes_are_told_apart),
		cmocka_unit_test(probes_in_turn_find_what_each_finds_alone),
	};
	return cmocka_run_group_tests_name("policy/trie", tests, NULL, NULL);
}
