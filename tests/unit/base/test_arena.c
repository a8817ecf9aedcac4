/* Arenas: caps, alignment, copies. */
#include "unit/unit.h"

#include "base/arena.h"

static void the_cap_is_an_error(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1000);
	assert_null(a.pages);
	assert_non_null(arena_alloc(&a, 900));
	assert_null(arena_alloc(&a, 200));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_non_null(arena_alloc(&a, 50));
	arena_reset(&a);
	assert_null(a.pages);
	assert_non_null(arena_alloc(&a, 900));
	arena_fini(&a);
}

static void memory_is_zero_aligned_and_apart(void **state)
{
	(void)state;
	struct arena a;
	uint8_t *got[300];
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < 300; i++) {
		size_t n = i * 7 % 500 + 1;
		got[i] = arena_alloc(&a, n);
		assert_non_null(got[i]);
		assert_int_equal((uintptr_t)got[i] % 16, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(got[i][k], 0);
		memset(got[i], (int)i, n);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t k = 0; k < i * 7 % 500 + 1; k++)
			assert_int_equal(got[i][k], (uint8_t)i);
	arena_fini(&a);
}

static void bigger_than_a_page(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1 << 20);
	assert_non_null(arena_alloc(&a, 200000));
	assert_non_null(arena_alloc(&a, 1));
	arena_fini(&a);
}

static void copies_live_on(void **state)
{
	(void)state;
	struct arena a;
	char text[] = "hello";
	slice s, none;
	arena_init(&a, 64);
	assert_true(arena_copy(&a, slice_of(text), &s));
	text[0] = 'x';
	assert_slice_eq(s, "hello");
	assert_true(arena_copy(&a, (slice){ 0 }, &none));
	assert_int_equal(none.n, 0);
	assert_false(arena_copy(&a, (slice){ text, 60 }, &s));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cap_is_an_error),
		cmocka_unit_test(memory_is_zero_aligned_and_apart),
		cmocka_unit_test(bigger_than_a_page),
		cmocka_unit_test(copies_live_on),
	};
	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
