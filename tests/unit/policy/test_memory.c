/*
 * What happens when memory runs out: the n-th allocation of a change fails,
 * for n = 1, 2, … until none does. The old view stays whole, nothing leaks
 * (the address sanitizer's build sees that), and a decision allocates
 * nothing at all.
 */
#include "unit/policy/build.h"

#include <stdio.h>

#include "policy/explain.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { CAN_FAIL = false };
static uint64_t fail_at, allocations;
#else
enum { CAN_FAIL = true };
static uint64_t fail_at, allocations, live;

static bool this_one_fails(void)
{
	allocations++;
	return fail_at != 0 && --fail_at == 0;
}

#include "unit/nth_malloc.h"
#endif

static void many_rows(struct build *b, uint32_t from, uint32_t count)
{
	char text[40];
	for (uint32_t i = from; i < from + count; i++) {
		snprintf(text, sizeof(text), "c%u", i);
		put_customer(b, a_customer(i, text));
		put_setting(b, a_setting(i, i, SENDERS_ANY));
		snprintf(text, sizeof(text), "192.0.%u.%u", i % 3, i);
		put_entry(b, an_entry(i, i, i, text));
		snprintf(text, sizeof(text), "d%u.example.com", i);
		put_domain(b, a_domain(i, text));
		snprintf(text, sizeof(text), "u%u@example.com", i);
		struct user u = a_user(i, i, text);
		char alias_text[40];
		snprintf(alias_text, sizeof(alias_text), "x%u@example.com", i);
		slice alias = slice_of(alias_text);
		change_put_user(&b->change, &u, &alias, 1);
		snprintf(text, sizeof(text), "%010u", i);
		put_app_password(b, with_scram(an_app_password(text, i, i)));
	}
}

static void removals(struct build *b, uint32_t i)
{
	char text[40];
	snprintf(text, sizeof(text), "%010u", i);
	change_remove_app_password(&b->change, slice_of(text));
	change_remove_user(&b->change, i);
	snprintf(text, sizeof(text), "d%u.example.com", i);
	change_remove_domain(&b->change, slice_of(text));
	change_remove_entry(&b->change, i);
	change_remove_setting(&b->change, i);
	change_remove_customer(&b->change, i);
}

/* How many allocations the change makes when all of them succeed. */
static uint64_t fail_each(struct build *b, bool onto)
{
	struct view_counts was, is;
	view_count(b->v, &was);
	change_end(&b->change);
	for (uint64_t n = 1;; n++) {
		const struct view *next = view_ref(b->v);
		struct err err = { 0 };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
		uint64_t live_before = live;
#endif
		fail_at = CAN_FAIL ? n : 0;
		bool ok = onto ? view_apply_onto(&next, buf_slice(&b->change),
						 &err) :
				 view_apply(b->v, buf_slice(&b->change),
					    &next, &err);
		bool failed = CAN_FAIL && fail_at == 0;
		fail_at = 0;
		view_count(b->v, &is);
		assert_memory_equal(&was, &is, sizeof(was));
		assert_int_equal(ok, !failed);
		if (ok) {
			if (!onto) {
				/* next was replaced: give the extra one back */
				const struct view *extra = b->v;
				view_unref(&extra);
			}
			view_unref(&next);
			return n - 1;
		}
		assert_int_equal(err.kind, ERR_INTERNAL);
		if (!onto)
			view_unref(&next);
		else
			assert_null(next);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
		assert_int_equal(live, live_before);
#endif
	}
}

static void a_change_that_runs_out_of_memory_changes_nothing(void **state)
{
	(void)state;
	struct build b;
	build_init(&b);
	many_rows(&b, 1, 40);
	build_apply(&b);
	many_rows(&b, 41, 8);
	many_rows(&b, 3, 1);
	for (uint32_t i = 10; i < 16; i++)
		removals(&b, i);
	uint64_t n = fail_each(&b, false);
	if (CAN_FAIL)
		assert_true(n > 200);
	assert_true(fail_each(&b, true) == n);
	build_fini(&b);
}

/* Allocations of one entry switched off, of the first customer. */
static uint64_t cost_of_a_tick(struct build *b)
{
	struct ip_entry e = an_entry(1, 1, 1, "192.0.1.1");
	struct err err;
	const struct view *next;
	e.enabled = false;
	buf_clear(&b->change);
	change_begin(&b->change, view_revision(b->v) + 1, true);
	put_entry(b, e);
	change_end(&b->change);
	uint64_t before = allocations;
	assert_true(view_apply(b->v, buf_slice(&b->change), &next, &err));
	uint64_t cost = allocations - before;
	view_unref(&next);
	return cost;
}

/* Deeper trees, that is all: a level of each for 16 or 32 times more. */
static void a_change_costs_the_same_among_many(void **state)
{
	(void)state;
	struct build b;
	build_init(&b);
	many_rows(&b, 1, 10);
	build_apply(&b);
	uint64_t few = cost_of_a_tick(&b);
	buf_clear(&b.change);
	change_begin(&b.change, view_revision(b.v) + 1, true);
	for (uint32_t i = 11; i < 5000; i++) {
		char text[40];
		snprintf(text, sizeof(text), "c%u", i);
		put_customer(&b, a_customer(i, text));
		put_setting(&b, a_setting(i, i, SENDERS_ANY));
		snprintf(text, sizeof(text), "10.%u.%u.%u", i % 7, i / 250,
			 i % 250);
		put_entry(&b, an_entry(i, i, i, text));
		if (i % 100 == 0)
			build_apply(&b);
	}
	build_apply(&b);
	uint64_t many = cost_of_a_tick(&b);
	if (CAN_FAIL)
		assert_true(few >= 3 && many <= few + 6);
	build_fini(&b);
}

static void a_decision_allocates_nothing(void **state)
{
	(void)state;
	struct build b;
	build_init(&b);
	many_rows(&b, 1, 40);
	build_apply(&b);
	struct facts f = { .client = an_ip("192.0.1.7"),
			   .helo = SLICE("Mail.D7.example.com."),
			   .sender = an_address("x@elsewhere.example.net") };
	struct decision d;
	struct decision_step steps[64];
	struct decision_trace trace = { .steps = steps, .cap = 64 };
	uint64_t before = allocations;
	policy_decide(b.v, &f, &d, NULL);
	policy_decide(b.v, &f, &d, &trace);
	f.login = login_of(b.v, "0000000007");
	f.tls = true;
	policy_decide(b.v, &f, &d, &trace);
	assert_int_equal(allocations, before);
	assert_int_equal(d.reply, REPLY_SENDER_OK);
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_change_that_runs_out_of_memory_changes_nothing),
		cmocka_unit_test(a_change_costs_the_same_among_many),
		cmocka_unit_test(a_decision_allocates_nothing),
	};
	return cmocka_run_group_tests_name("policy/memory", tests, NULL, NULL);
}
