/* The checksum: published values, both ways agree, pieces do. */
#include "unit/unit.h"

#include "base/crc32c.h"

static void published_values(void **state)
{
	(void)state;
	/* RFC 3720 B.4 and the check value of the catalogue. */
	uint8_t bytes[32] = { 0 };
	assert_true(crc32c(0, "123456789", 9) == 0xe3069283);
	assert_true(crc32c(0, bytes, 32) == 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_true(crc32c(0, bytes, 32) == 0x62a8ab43);
	for (size_t i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_true(crc32c(0, bytes, 32) == 0x46dd794e);
	assert_true(crc32c(0, NULL, 0) == 0);
	assert_true(crc32c_portable(0, "123456789", 9) == 0xe3069283);
}

static void both_ways_agree_in_any_pieces(void **state)
{
	(void)state;
	uint8_t bytes[200];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		uint32_t whole = crc32c_portable(0, bytes, n);
		for (size_t at = 0; at <= n; at++) {
			uint32_t crc = crc32c(0, bytes, at);
			assert_true(crc32c(crc, bytes + at, n - at) == whole);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_values),
		cmocka_unit_test(both_ways_agree_in_any_pieces),
	};
	return cmocka_run_group_tests_name("base/crc32c", tests, NULL, NULL);
}
