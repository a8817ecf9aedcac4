/* SCRAM-SHA-256: keys, proofs, salts (SPEC 1.3; RFC 7677 section 3). The hex
 * figures come from Python's hashlib and hmac. */
#include "unit/unit.h"

#include <stdio.h>

#include "crypto/scram.h"

static const uint8_t rfc_salt[SCRAM_SALT_LEN] = {
	0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
	0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81,
};
/* From the example of RFC 7677. */
static const char rfc_message[] =
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char rfc_proof[] =
	"747cdb65aa56224e2352137e52d7bdcad6a0f738df30782caa69a2cfb0277554";
static const char rfc_signature[] =
	"eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e";

static void from_hex(const char *hex, uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned v;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		to[i] = (uint8_t)v;
	}
}

static void expect_hex(const uint8_t *got, size_t n, const char *hex)
{
	char text[2 * SCRAM_KEY_LEN + 1];
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", got[i]);
	assert_string_equal(text, hex);
}

static void s1_3_the_example_of_rfc_7677(void **state)
{
	(void)state;
	uint8_t stored[SCRAM_KEY_LEN], server[SCRAM_KEY_LEN],
		proof[SCRAM_KEY_LEN], signature[SCRAM_KEY_LEN];
	assert_true(scram_keys_make(SLICE("pencil"), rfc_salt, stored,
				    server));
	expect_hex(stored, sizeof(stored),
		   "586e5df283e6dceb5c3e791d8b8528ec"
		   "191e664045ce971792e2e6b5bb13e2a6");
	expect_hex(server, sizeof(server),
		   "c1f3cbc1c13a9d35a14c0990eed97629"
		   "ea225863e566a4314ab99f3f00e5d9d5");
	from_hex(rfc_proof, proof, sizeof(proof));
	slice p = { (const char *)proof, sizeof(proof) };
	assert_true(scram_verify(stored, slice_of(rfc_message), p));
	assert_true(scram_sign(server, slice_of(rfc_message), signature));
	expect_hex(signature, sizeof(signature), rfc_signature);
}

static void a7_nothing_else_is_a_proof(void **state)
{
	(void)state;
	uint8_t stored[SCRAM_KEY_LEN], server[SCRAM_KEY_LEN],
		proof[SCRAM_KEY_LEN + 1] = { 0 };
	assert_true(scram_keys_make(SLICE("pencil"), rfc_salt, stored,
				    server));
	from_hex(rfc_proof, proof, SCRAM_KEY_LEN);
	slice p = { (const char *)proof, SCRAM_KEY_LEN };
	slice message = slice_of(rfc_message);
	for (size_t bit = 0; bit < 8 * SCRAM_KEY_LEN; bit++) {
		proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(scram_verify(stored, message, p));
		proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_false(scram_verify(stored, slice_skip(message, 1), p));
	assert_false(scram_verify(NULL, message, p));
	assert_false(scram_verify(server, message, p));
	assert_false(scram_verify(stored, message, (slice){ 0 }));
	assert_false(scram_verify(stored, message, slice_sub(p, 0, 31)));
	assert_false(scram_verify(stored, message,
				  (slice){ p.p, SCRAM_KEY_LEN + 1 }));
	assert_true(scram_verify(stored, message, p));
}

static void a6_salts_come_from_the_pepper(void **state)
{
	(void)state;
	uint8_t pepper[PEPPER_LEN], salt[SCRAM_SALT_LEN],
		other[SCRAM_SALT_LEN];
	memset(pepper, 7, sizeof(pepper));
	assert_true(scram_salt_of_user(pepper, 0x01020304, salt));
	expect_hex(salt, sizeof(salt), "47326a3a906375f2dc2e6086520405b8");
	assert_true(scram_salt_of_nobody(pepper, SLICE("x@y.example"), salt));
	expect_hex(salt, sizeof(salt), "14422537ee2a802cbae9373c0b5cf5f1");
	pepper[0] ^= 1;
	assert_true(scram_salt_of_nobody(pepper, SLICE("x@y.example"),
					 other));
	assert_memory_not_equal(salt, other, sizeof(salt));
	assert_true(scram_salt_of_nobody(pepper, SLICE(""), salt));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_3_the_example_of_rfc_7677),
		cmocka_unit_test(a7_nothing_else_is_a_proof),
		cmocka_unit_test(a6_salts_come_from_the_pepper),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
