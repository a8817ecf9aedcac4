/* HMAC-SHA-256 by the vectors of RFC 4231. */
#include "unit/unit.h"

#include "crypto/hmac.h"

static void rfc4231_vectors(void **state)
{
	static const uint8_t twenty[20] = {
		11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
		11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
	};
	static const struct {
		const void *key;
		size_t key_n;
		slice text;
		uint8_t begins[4];
	} cases[] = {
		{ twenty, 20, { "Hi There", 8 }, { 0xb0, 0x34, 0x4c, 0x61 } },
		{ "Jefe", 4, { "what do ya want for nothing?", 28 },
		  { 0x5b, 0xdc, 0xc1, 0x46 } },
		/* Not of the RFC: no text at all. */
		{ "key", 3, { NULL, 0 }, { 0x5d, 0x5d, 0x13, 0x95 } },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t out[HMAC_LEN];
		assert_true(hmac_sha256(cases[i].key, cases[i].key_n,
					cases[i].text, out));
		assert_memory_equal(out, cases[i].begins, 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4231_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
