/* Timers against a plain list; order, cancelling, far times. */
#include "unit/unit.h"

#include "base/timerwheel.h"

struct probe {
	struct timer timer;
	struct timerwheel *wheel;
	struct probe *victim;		/* cancelled when this one fires */
	int64_t again_ms;		/* set again for this time */
	int fired;
	int64_t *last_due_ms;		/* of the one that fired before */
	int64_t due_ms;
};

static void on_fire(struct timer *t)
{
	struct probe *p = CONTAINER_OF(t, struct probe, timer);
	p->fired++;
	assert_int_equal(t->due_ms, 0);
	if (p->last_due_ms != NULL) {
		assert_true(p->due_ms >= *p->last_due_ms);
		*p->last_due_ms = p->due_ms;
	}
	if (p->victim != NULL)
		timerwheel_cancel(p->wheel, &p->victim->timer);
	if (p->again_ms != 0)
		timerwheel_set(p->wheel, t, p->again_ms);
}

static void fires_at_its_tick_not_before(void **state)
{
	(void)state;
	static const int64_t starts[] = { 0, 1, 63, 64, 4095, 4096,
					  (1ll << 30) - 1, (1ll << 36) - 1,
					  (1ll << 36) - 5000, 1ll << 40 };
	static const int64_t delays[] = { 0, 1, 2, 62, 63, 64, 65, 127, 128,
					  4095, 4096, 4097, 262143, 262144,
					  300000, 16777216, 1ll << 30,
					  1ll << 34, 1ll << 35,
					  (1ll << 35) + 1, 1ll << 37 };
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		for (size_t k = 0; k < ARRAY_LEN(delays); k++) {
			struct timerwheel w;
			struct probe p = { .wheel = &w };
			int64_t due = starts[i] + delays[k];
			timerwheel_init(&w, starts[i]);
			timer_init(&p.timer, on_fire);
			timerwheel_set(&w, &p.timer, due);
			assert_true(timerwheel_next_ms(&w) <= (due ? due : 1));
			if (due > starts[i]) {
				assert_int_equal(
					timerwheel_advance(&w, due - 1), 0);
				assert_int_equal(p.fired, 0);
			}
			assert_int_equal(timerwheel_advance(&w, due ? due : 1),
					 1);
			assert_int_equal(w.count, 0);
			assert_true(timerwheel_next_ms(&w) == INT64_MAX);
		}
	}
}

/* Sleeping until timerwheel_next_ms must come to the timer in few steps. */
static void next_ms_leads_to_every_timer(void **state)
{
	(void)state;
	struct timerwheel w;
	struct probe p = { .wheel = &w };
	timerwheel_init(&w, 12345);
	timer_init(&p.timer, on_fire);
	timerwheel_set(&w, &p.timer, 12345 + (1ll << 37) + 77);
	int steps = 0;
	for (; p.fired == 0; steps++) {
		int64_t next = timerwheel_next_ms(&w);
		assert_true(next > w.now_ms);
		timerwheel_advance(&w, next);
	}
	assert_int_equal(w.now_ms, 12345 + (1ll << 37) + 77);
	assert_true(steps < 40);
}

static void random_timers_fire_once_in_order(void **state)
{
	(void)state;
	static struct probe probes[300];
	struct timerwheel w;
	uint32_t seed = 3;
	int64_t now = 1000, last_due = 0;
	timerwheel_init(&w, now);
	for (size_t i = 0; i < 300; i++) {
		timer_init(&probes[i].timer, on_fire);
		probes[i].wheel = &w;
		probes[i].last_due_ms = &last_due;
	}
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1664525 + 1013904223;
		struct probe *p = &probes[(seed >> 8) % 300];
		seed = seed * 1664525 + 1013904223;
		switch ((seed >> 8) % 4) {
		case 0:
			timerwheel_cancel(&w, &p->timer);
			break;
		case 1:
		case 2:
			seed = seed * 1664525 + 1013904223;
			p->due_ms = now + (int64_t)(seed >> (seed >> 8) % 32);
			timerwheel_set(&w, &p->timer, p->due_ms);
			break;
		default:
			now += (seed >> 12) % 5000;
			last_due = 0;
			timerwheel_advance(&w, now);
			for (size_t i = 0; i < 300; i++)
				assert_true(probes[i].timer.due_ms == 0 ||
					    probes[i].timer.due_ms > now);
			break;
		}
		size_t set = 0;
		int64_t first = INT64_MAX;
		for (size_t i = 0; i < 300; i++) {
			int64_t due = probes[i].timer.due_ms;
			set += due != 0;
			if (due != 0 && due < first)
				first = due;
		}
		assert_int_equal(set, w.count);
		assert_true(timerwheel_next_ms(&w) <= first || first < now);
		if (set == 0)
			assert_true(timerwheel_next_ms(&w) == INT64_MAX);
	}
}

static void a_timer_may_cancel_another_that_is_due(void **state)
{
	(void)state;
	struct timerwheel w;
	struct probe a = { .wheel = &w }, b = { .wheel = &w };
	timerwheel_init(&w, 0);
	timer_init(&a.timer, on_fire);
	timer_init(&b.timer, on_fire);
	a.victim = &b;
	timerwheel_set(&w, &a.timer, 10);
	timerwheel_set(&w, &b.timer, 11);
	assert_int_equal(timerwheel_advance(&w, 20), 1);
	assert_int_equal(b.fired, 0);
	assert_int_equal(w.count, 0);
}

static void set_again_for_now_fires_in_the_next_call(void **state)
{
	(void)state;
	struct timerwheel w;
	struct probe a = { .wheel = &w };
	timerwheel_init(&w, 0);
	timer_init(&a.timer, on_fire);
	a.again_ms = 5;
	timerwheel_set(&w, &a.timer, 5);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(timerwheel_advance(&w, 20), 1);
		assert_int_equal(a.fired, i);
		assert_int_equal(timerwheel_next_ms(&w), 20);
	}
	timerwheel_cancel(&w, &a.timer);
	timerwheel_cancel(&w, &a.timer);
	assert_int_equal(timerwheel_advance(&w, 10), 0);
	assert_int_equal(w.now_ms, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_at_its_tick_not_before),
		cmocka_unit_test(next_ms_leads_to_every_timer),
		cmocka_unit_test(random_timers_fire_once_in_order),
		cmocka_unit_test(a_timer_may_cancel_another_that_is_due),
		cmocka_unit_test(set_again_for_now_fires_in_the_next_call),
	};
	return cmocka_run_group_tests_name("base/timerwheel", tests, NULL,
					   NULL);
}
