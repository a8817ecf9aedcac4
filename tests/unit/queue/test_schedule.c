/* The heap of what is due later: order, removal from anywhere. */
#include "queue_test.h"

enum { PARTS = 500 };

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void due_in_order_of_time(void **state)
{
	(void)state;
	static struct queue_part parts[PARTS];
	struct schedule s;
	uint32_t seed = 1;
	schedule_init(&s);
	assert_true(schedule_reserve(&s, PARTS));
	for (int i = 0; i < PARTS; i++) {
		parts[i].heap_at = NOT_IN_HEAP;
		schedule_add(&s, &parts[i], next_random(&seed) % 1000);
	}
	/* A third is taken out again, from anywhere. */
	for (int i = 0; i < PARTS; i += 3)
		schedule_remove(&s, &parts[i]);
	int64_t last = 0;
	int n = 0;
	while (schedule_next_ms(&s) != INT64_MAX) {
		int64_t next = schedule_next_ms(&s);
		assert_null(schedule_due(&s, next - 1));
		struct queue_part *p = schedule_due(&s, next);
		assert_non_null(p);
		assert_true(p->next_ms >= last);
		assert_int_equal(p->heap_at, NOT_IN_HEAP);
		last = p->next_ms;
		n++;
	}
	assert_int_equal(n, PARTS - (PARTS + 2) / 3);
	schedule_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(due_in_order_of_time),
	};
	return cmocka_run_group_tests_name("queue/schedule", tests, NULL,
					   NULL);
}
