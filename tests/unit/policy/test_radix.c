/* Address entries by range, against a walk over all of them. */
#include "unit/policy/build.h"

#include "policy/object.h"
#include "policy/radix.h"

enum { ENTRIES = 600 };

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Few bits vary, so ranges nest and meet often. */
static struct ip_addr random_address(uint64_t *random)
{
	struct ip_addr a = an_ip(next_random(random) % 2 ? "203.0.113.0" :
							   "2001:db8::");
	a.bytes[13] = (uint8_t)(next_random(random) % 4);
	a.bytes[14] = (uint8_t)(next_random(random) % 8);
	a.bytes[15] = (uint8_t)next_random(random);
	return a;
}

static struct object *random_entry(uint64_t *random, uint32_t id)
{
	struct ip_range r = { random_address(random),
			      (uint8_t)(112 + next_random(random) % 17) };
	struct ip_entry e = { .id = id, .customer = 1, .setting = 1,
			      .range = ip_range_network(&r) };
	return object_of_entry(&e);
}

struct found {
	uint32_t count;
	uint64_t sum;
	uint8_t last_bits;
};

static bool add_found(void *ctx, const struct object *o)
{
	struct found *found = ctx;
	const struct ip_entry *e = object_entry(o);
	assert_true(e->range.bits >= found->last_bits);
	found->last_bits = e->range.bits;
	found->count++;
	found->sum += (uint64_t)e->id * e->id;
	return true;
}

static void check(const struct radix *r, struct object *const *entries,
		  const bool *there, uint64_t *random)
{
	for (int n = 0; n < 200; n++) {
		struct ip_addr a = random_address(random);
		struct found got = { 0 }, want = { 0 };
		struct radix_probe probe;
		radix_probe_begin(&probe, r, &a);
		for (int steps = 0; radix_probe_step(&probe); steps++)
			assert_true(steps <= 33);
		assert_int_equal(probe.slot, 0);
		radix_holding(r, &a, add_found, &got);
		for (uint32_t i = 0; i < ENTRIES; i++) {
			const struct ip_entry *e = object_entry(entries[i]);
			if (!there[i] || !ip_range_holds(&e->range, &a))
				continue;
			want.count++;
			want.sum += (uint64_t)e->id * e->id;
		}
		assert_int_equal(got.count, want.count);
		assert_int_equal(got.sum, want.sum);
	}
}

static void finds_what_a_walk_over_all_finds(void **state)
{
	(void)state;
	static struct object *entries[ENTRIES];
	static bool there[ENTRIES], before[ENTRIES];
	uint64_t random = 42;
	struct radix r = { 0 };
	for (uint32_t i = 0; i < ENTRIES; i++) {
		entries[i] = random_entry(&random, i + 1);
		assert_int_equal(radix_add(&r, entries[i]), RADIX_DONE);
		there[i] = true;
	}
	check(&r, entries, there, &random);
	memcpy(before, there, sizeof(there));
	struct radix old = radix_share(&r);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		uint32_t at = next_random(&random) % ENTRIES;
		if (!there[at])
			continue;
		assert_true(radix_remove(&r, entries[at]));
		there[at] = false;
	}
	check(&r, entries, there, &random);
	check(&old, entries, before, &random);
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (there[i])
			assert_true(radix_remove(&r, entries[i]));
	assert_int_equal(r.root, 0);
	assert_int_equal(r.bytes, 0);
	check(&old, entries, before, &random);
	/* Rows replaced in place: the old tree keeps the old ones. */
	struct radix other = radix_share(&old);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct ip_entry e = *object_entry(entries[i]);
		e.enabled = true;
		struct object *o = object_of_entry(&e);
		assert_true(radix_replace(&other, entries[i], o));
		object_unref(o);
	}
	check(&old, entries, before, &random);
	check(&other, entries, before, &random);
	assert_int_equal(other.bytes, old.bytes);
	radix_release(&other);
	radix_release(&old);
	for (uint32_t i = 0; i < ENTRIES; i++)
		object_unref(entries[i]);
}

static void one_range_holds_a_bounded_number(void **state)
{
	(void)state;
	struct radix r = { 0 };
	for (uint32_t i = 0; i <= RADIX_ENTRIES_MAX; i++) {
		struct ip_entry e = an_entry(i + 1, 1, 1, "192.0.2.1/32");
		struct object *o = object_of_entry(&e);
		assert_int_equal(radix_add(&r, o), i < RADIX_ENTRIES_MAX ?
					 RADIX_DONE : RADIX_FULL);
		object_unref(o);
	}
	radix_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_a_walk_over_all_finds),
		cmocka_unit_test(one_range_holds_a_bounded_number),
	};
	return cmocka_run_group_tests_name("policy/radix", tests, NULL, NULL);
}
