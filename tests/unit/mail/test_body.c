/* Messages in memory: blocks, budget, sharing. */
#include "unit/unit.h"

#include <pthread.h>

#include "mail/body.h"

static char pattern_at(size_t i)
{
	return (char)(i * 31 + i / 251);
}

static void check_content(const struct body *b, size_t size)
{
	size_t n = 0;
	slice piece;
	for (struct body_at at = body_start(b); body_next(&at, &piece);)
		for (size_t i = 0; i < piece.n; i++, n++)
			if (piece.p[i] != pattern_at(n))
				fail_msg("byte %zu differs", n);
	assert_int_equal(n, size);
	assert_int_equal(b->size, size);
}

static void any_pieces_give_the_same_bytes(void **state)
{
	(void)state;
	enum { SIZE = 100000 };
	static char bytes[SIZE];
	static const size_t pieces[] = { 1, 7, 959, 960, 961, 4096, 16319,
					 16320, 16321, 50000, SIZE };
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = pattern_at(i);
	for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
		struct body_budget budget = { .max_bytes = 1 << 20 };
		struct err err;
		struct body *b = body_new(&budget);
		for (size_t at = 0; at < SIZE; at += pieces[k])
			assert_true(body_append(
				b, slice_sub((slice){ bytes, SIZE }, at,
					     pieces[k]), &err));
		body_seal(b);
		check_content(b, SIZE);
		assert_true(budget.used_bytes < SIZE + 20000);
		body_unref(&b);
		assert_null(b);
		assert_int_equal(budget.used_bytes, 0);
	}
}

static void a_small_message_costs_a_small_block(void **state)
{
	(void)state;
	struct body_budget budget = { .max_bytes = 1 << 20 };
	struct err err;
	struct body *b = body_new(&budget);
	assert_int_equal(budget.used_bytes, 0);
	assert_true(body_append(b, SLICE("hello"), &err));
	assert_true(budget.used_bytes <= 1024);
	body_unref(&b);
}

static void an_append_over_the_budget_changes_nothing(void **state)
{
	(void)state;
	static char bytes[100000];
	struct body_budget budget = { .max_bytes = 40000 };
	struct err err;
	struct body *b = body_new(&budget);
	assert_true(body_append(b, (slice){ bytes, 900 }, &err));
	uint64_t used = budget.used_bytes;
	assert_false(body_append(b, (slice){ bytes, sizeof(bytes) }, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(budget.used_bytes, used);
	assert_int_equal(b->size, 900);
	slice piece;
	struct body_at at = body_start(b);
	assert_true(body_next(&at, &piece));
	assert_int_equal(piece.n, 900);
	assert_false(body_next(&at, &piece));
	assert_true(body_append(b, (slice){ bytes, 10000 }, &err));
	assert_int_equal(b->size, 10900);
	body_unref(&b);
	assert_int_equal(budget.used_bytes, 0);
}

static void trace_goes_on_top(void **state)
{
	(void)state;
	struct body_budget budget = { .max_bytes = 1 << 20 };
	struct err err;
	struct body *b = body_new(&budget);
	assert_true(body_prepend(b, SLICE("1"), &err));
	assert_true(body_append(b, SLICE("23"), &err));
	assert_true(body_prepend(b, SLICE(""), &err));
	assert_true(body_prepend(b, SLICE("0"), &err));
	assert_true(body_append(b, SLICE(""), &err));
	char text[8];
	size_t n = 0;
	slice piece;
	for (struct body_at at = body_start(b); body_next(&at, &piece);) {
		memcpy(text + n, piece.p, piece.n);
		n += piece.n;
	}
	assert_slice_eq(((slice){ text, n }), "0123");
	assert_int_equal(b->size, 4);
	budget.max_bytes = budget.used_bytes;
	assert_false(body_prepend(b, SLICE("x"), &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	body_unref(&b);
	assert_int_equal(budget.used_bytes, 0);
}

static void an_empty_message_has_no_pieces(void **state)
{
	(void)state;
	struct body_budget budget = { .max_bytes = 1000 };
	struct body *b = body_new(&budget);
	slice piece;
	body_seal(b);
	struct body_at at = body_start(b);
	assert_false(body_next(&at, &piece));
	body_unref(&b);
	body_unref(&b);		/* of nothing: nothing */
}

struct sharer {
	struct body *body;
};

static void *share(void *arg)
{
	struct sharer *s = arg;
	for (int i = 0; i < 20000; i++) {
		struct body *b = body_ref(s->body);
		body_unref(&b);
	}
	body_unref(&s->body);
	return NULL;
}

static void the_last_of_several_threads_frees_it(void **state)
{
	(void)state;
	struct body_budget budget = { .max_bytes = 1 << 20 };
	struct err err;
	struct body *b = body_new(&budget);
	pthread_t threads[4];
	struct sharer sharers[4];
	assert_true(body_append(b, SLICE("hello"), &err));
	body_seal(b);
	for (int i = 0; i < 4; i++) {
		sharers[i].body = body_ref(b);
		pthread_create(&threads[i], NULL, share, &sharers[i]);
	}
	body_unref(&b);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(budget.used_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_pieces_give_the_same_bytes),
		cmocka_unit_test(a_small_message_costs_a_small_block),
		cmocka_unit_test(an_append_over_the_budget_changes_nothing),
		cmocka_unit_test(trace_goes_on_top),
		cmocka_unit_test(an_empty_message_has_no_pieces),
		cmocka_unit_test(the_last_of_several_threads_frees_it),
	};
	return cmocka_run_group_tests_name("mail/body", tests, NULL, NULL);
}
