/* Growable bytes and the cursor that reads them back. */
#include "unit/unit.h"

#include "base/buf.h"
#include "base/cursor.h"

static void appending_past_the_cap_fails_and_changes_nothing(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10);
	assert_null(b.p);
	buf_append(&b, SLICE("12345678"));
	buf_append(&b, SLICE("abc"));
	assert_true(b.failed);
	assert_slice_eq(buf_slice(&b), "12345678");
	buf_append_char(&b, 'x');	/* sticky, though there is room */
	assert_slice_eq(buf_slice(&b), "12345678");
	buf_clear(&b);
	assert_false(b.failed);
	buf_append(&b, SLICE("1234567890"));
	assert_false(b.failed);
	assert_null(buf_room(&b, SIZE_MAX));
	buf_release(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 10);
	buf_fini(&b);
}

static void printf_room_and_consume(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1000);
	buf_printf(&b, "%s-%d", "abc", 42);
	assert_slice_eq(buf_slice(&b), "abc-42");
	char *p = buf_room(&b, 500);
	assert_non_null(p);
	memcpy(p, "xyz", 3);
	buf_added(&b, 3);
	assert_slice_eq(buf_slice(&b), "abc-42xyz");
	buf_consume(&b, 4);
	assert_slice_eq(buf_slice(&b), "42xyz");
	buf_consume(&b, 0);
	buf_consume(&b, 5);
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

static void numbers_read_back_and_every_cut_fails(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1000);
	buf_u8(&b, 0xff);
	buf_u16(&b, 0xabcd);
	buf_u32(&b, 0x12345678);
	buf_u64(&b, 0xfedcba9876543210);
	buf_bytes32(&b, SLICE("hello"));
	assert_int_equal((uint8_t)b.p[1], 0xcd);	/* little-endian */
	for (size_t n = 0; n <= b.n; n++) {
		struct cursor c = cursor_of(slice_sub(buf_slice(&b), 0, n));
		uint8_t a = cursor_u8(&c);
		uint16_t d = cursor_u16(&c);
		uint32_t e = cursor_u32(&c);
		uint64_t f = cursor_u64(&c);
		slice s = cursor_bytes32(&c, 5);
		assert_int_equal(cursor_done(&c), n == b.n);
		if (n < b.n)
			continue;
		assert_true(a == 0xff && d == 0xabcd && e == 0x12345678 &&
			    f == 0xfedcba9876543210);
		assert_slice_eq(s, "hello");
	}
	buf_fini(&b);
}

static void cursor_errors_stick_and_lengths_are_bounded(void **state)
{
	(void)state;
	struct cursor c = cursor_of(SLICE("\x05\0\0\0hello"));
	assert_int_equal(cursor_bytes32(&c, 4).n, 0);
	assert_true(c.failed);
	assert_int_equal(cursor_u8(&c), 0);
	assert_false(cursor_done(&c));
	c = cursor_of(SLICE("\xff\xff\xff\xffhello"));
	assert_int_equal(cursor_bytes32(&c, SIZE_MAX).n, 0);
	assert_true(c.failed);
	c = cursor_of((slice){ 0 });
	assert_true(cursor_done(&c));
	assert_int_equal(cursor_take(&c, 0).n, 0);
	assert_true(cursor_done(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			appending_past_the_cap_fails_and_changes_nothing),
		cmocka_unit_test(printf_room_and_consume),
		cmocka_unit_test(numbers_read_back_and_every_cut_fails),
		cmocka_unit_test(cursor_errors_stick_and_lengths_are_bounded),
	};
	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
