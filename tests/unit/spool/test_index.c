/* The index against a plain list; its size; frames that aren't one. */
#include "unit/unit.h"

#include "spool/spool_private.h"

enum { IDS = 20000 };

static struct id id_of(unsigned i)
{
	return (struct id){ 1 + i / 100, (i + 1) * 0x9e3779b97f4aull };
}

static void index_agrees_with_a_list(void **state)
{
	(void)state;
	struct index x;
	static bool in[IDS];
	unsigned count = 0;
	uint32_t r = 12345;
	index_init(&x);
	memset(in, 0, sizeof(in));
	for (unsigned step = 0; step < 200000; step++) {
		r = r * 1664525 + 1013904223;
		unsigned i = (r >> 8) % IDS;
		struct place *p = index_get(&x, id_of(i));
		assert_int_equal(p != NULL, in[i]);
		if (p == NULL) {
			assert_true(index_reserve(&x, 1));
			p = index_add(&x, id_of(i));
			p->offset = i;
		} else {
			assert_int_equal(p->offset, i);
			index_remove(&x, p);
		}
		in[i] = !in[i];
		count += in[i] ? 1 : UINT32_MAX;
		assert_int_equal(x.count, count);
	}
	unsigned walked = 0;
	for (uint32_t n = 0; n < x.high; n++)
		if (index_at(&x, n) != NULL) {
			assert_true(in[index_at(&x, n)->offset]);
			walked++;
		}
	assert_int_equal(walked, count);
	index_fini(&x);
}

static void a_message_costs_at_most_64_bytes(void **state)
{
	(void)state;
	struct index x;
	index_init(&x);
	for (unsigned i = 0; i < 200000; i++) {
		assert_true(index_reserve(&x, 1));
		index_add(&x, id_of(i));
		if (i < 20000)	/* blocks of 4096 are whole */
			continue;
		uint64_t bytes = x.block_count * (4096ull * 36 + 8) +
				 x.slot_count * 4ull;
		assert_true(bytes <= 64ull * x.count);
	}
	index_fini(&x);
}

static void a_frame_head_counts_only_in_its_place(void **state)
{
	(void)state;
	char head[FRAME_BYTES + 1];
	struct frame f = { .type = FRAME_STATE, .id = { 3, 4 }, .bytes = 9,
			   .crc = 77 };
	struct frame got;
	frame_put(head, &f);
	frame_place(head, position_of(5, 6000), 42);
	slice s = { head, FRAME_BYTES };
	assert_true(frame_get(s, position_of(5, 6000), 42, &got));
	assert_int_equal(got.type, FRAME_STATE);
	assert_true(id_eq(got.id, f.id));
	assert_int_equal(got.bytes, 9);
	assert_int_equal(got.crc, 77);
	assert_false(frame_get(s, position_of(5, 6001), 42, &got));
	assert_false(frame_get(s, position_of(6, 6000), 42, &got));
	assert_false(frame_get(s, position_of(5, 6000), 43, &got));
	s.n--;
	assert_false(frame_get(s, position_of(5, 6000), 42, &got));
	s.n++;
	for (unsigned bit = 0; bit < FRAME_BYTES * 8; bit++) {
		head[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(frame_get(s, position_of(5, 6000), 42, &got));
		head[bit / 8] ^= (char)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_agrees_with_a_list),
		cmocka_unit_test(a_message_costs_at_most_64_bytes),
		cmocka_unit_test(a_frame_head_counts_only_in_its_place),
	};
	return cmocka_run_group_tests_name("spool/index", tests, NULL, NULL);
}
