/* Frames: whole, in pieces, broken. */
#include "unit/unit.h"

#include "wire/frame.h"

static const uint32_t ALL = ~0u;

static void a_frame_comes_back_in_any_pieces(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 4096);
	frame_write_call(&out, 7, SLICE("queue.list"), SLICE("{}"));
	frame_write_end(&out, 7, 75, SLICE("later"));
	frame_write_live(&out, 0, UINT64_C(0x1122334455667788));
	assert_false(out.failed);
	size_t frames = 0;
	for (size_t n = 0; n <= out.n; n++) {
		slice in = { out.p, n };
		struct frame f;
		bool got = true;
		for (frames = 0; got; frames += got)
			assert_true(frame_read(&in, ALL, &got, &f, NULL));
		assert_true(in.n < FRAME_HEADER + 40);
	}
	assert_int_equal(frames, 3);
	slice in = buf_slice(&out);
	struct frame f;
	bool got;
	assert_true(frame_read(&in, ALL, &got, &f, NULL) && got);
	assert_int_equal(f.sequence, 7);
	struct frame_call call;
	assert_true(frame_read_call(f.payload, &call));
	assert_slice_eq(call.name, "queue.list");
	assert_slice_eq(call.args, "{}");
	assert_true(frame_read(&in, ALL, &got, &f, NULL) && got);
	uint8_t code;
	slice text;
	assert_true(frame_read_end(f.payload, &code, &text));
	assert_int_equal(code, 75);
	assert_slice_eq(text, "later");
	assert_true(frame_read(&in, ALL, &got, &f, NULL) && got);
	uint64_t revision;
	assert_true(frame_read_live(f.payload, &revision));
	assert_true(revision == UINT64_C(0x1122334455667788));
	buf_fini(&out);
}

static void what_is_no_frame_ends_the_channel(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 4096);
	frame_write(&out, FRAME_DRAIN, 0, SLICE("x"));
	for (size_t i = 0; i < 12; i++) {
		char copy[64];
		memcpy(copy, out.p, out.n);
		copy[i] = (char)(copy[i] ^ 0x40);
		slice in = { copy, out.n };
		struct frame f;
		bool got;
		bool ok = frame_read(&in, ALL, &got, &f, NULL);
		assert_true(!ok || !got);	/* a longer length waits */
	}
	slice in = buf_slice(&out);
	struct frame f;
	bool got;
	struct err err;
	assert_false(frame_read(&in, FRAME_BIT(FRAME_CALL), &got, &f, &err));
	assert_int_equal(err.kind, ERR_PROTOCOL);
	buf_fini(&out);
}

static void a_payload_over_the_bound_is_not_written(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 4 * FRAME_MAX);
	char *big = calloc(1, FRAME_MAX + 1);
	frame_write(&out, FRAME_ROW, 0, (slice){ big, FRAME_MAX });
	assert_false(out.failed);
	size_t n = out.n;
	frame_write(&out, FRAME_ROW, 0, (slice){ big, FRAME_MAX + 1 });
	assert_true(out.failed);
	assert_int_equal(out.n, n);
	free(big);
	buf_fini(&out);
}

static void payloads_with_a_tail_are_refused(void **state)
{
	(void)state;
	struct frame_call call;
	uint8_t code;
	slice text;
	uint64_t revision;
	assert_false(frame_read_call(SLICE("\1\0\0\0a\0\0\0\0x"), &call));
	assert_false(frame_read_call(SLICE("\0\0\0\0\0\0\0\0"), &call));
	assert_true(frame_read_call(SLICE("\1\0\0\0a\0\0\0\0"), &call));
	assert_false(frame_read_end(SLICE("\1\1\0\0\0"), &code, &text));
	assert_false(frame_read_live(SLICE("1234567"), &revision));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_comes_back_in_any_pieces),
		cmocka_unit_test(what_is_no_frame_ends_the_channel),
		cmocka_unit_test(a_payload_over_the_bound_is_not_written),
		cmocka_unit_test(payloads_with_a_tail_are_refused),
	};
	return cmocka_run_group_tests_name("wire/frame", tests, NULL, NULL);
}
