/* App passwords: form, checksum, verification (SPEC 1.3). */
#include "unit/unit.h"

#include <stdio.h>

#include "crypto/password.h"

static void random_for(unsigned seed, uint8_t out[24])
{
	for (size_t i = 0; i < 24; i++) {
		seed = seed * 1103515245U + 12345U;
		out[i] = (uint8_t)(seed >> 16);
	}
}

static void s1_3_form_is_prefix_id_secret_checksum(void **state)
{
	(void)state;
	uint8_t random[24] = { 0 };
	char text[APP_PASSWORD_LEN + 1];
	assert_true(app_password_make(random, text));
	assert_int_equal(strlen(text), 43);
	assert_memory_equal(text, "pr_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 39);
	memset(random, 0xff, sizeof(random));
	assert_true(app_password_make(random, text));
	/* the last letter of the secret has two zero bits: 11100 = '4' */
	assert_memory_equal(text, "pr_7777777777" "77777777777777777777777774",
			    39);
}

static void s1_3_checksum_is_the_start_of_sha256(void **state)
{
	(void)state;
	uint8_t random[24];
	char text[APP_PASSWORD_LEN + 1];
	for (size_t i = 0; i < 24; i++)
		random[i] = (uint8_t)i;
	assert_true(app_password_make(random, text));
	/* computed with Python's hashlib and base64 */
	assert_string_equal(text, "pr_aaaqeayeaua4eascqlbqgq4dyqcejbgfavcyliwf");
}

static void s1_3_the_right_password_is_verified(void **state)
{
	(void)state;
	uint8_t pepper[PEPPER_LEN], random[24], mac[APP_PASSWORD_MAC_LEN];
	char text[APP_PASSWORD_LEN + 1];
	memset(pepper, 7, sizeof(pepper));
	for (unsigned seed = 0; seed < 200; seed++) {
		struct app_password_id id;
		random_for(seed, random);
		assert_true(app_password_make(random, text));
		assert_true(app_password_id(slice_of(text), &id));
		assert_memory_equal(id.text, text + 3, APP_PASSWORD_ID_LEN);
		assert_true(app_password_mac(slice_of(text), pepper, mac));
		assert_true(app_password_verify(slice_of(text), pepper, mac));
		pepper[seed % PEPPER_LEN] ^= 1;
		assert_false(app_password_verify(slice_of(text), pepper, mac));
		pepper[seed % PEPPER_LEN] ^= 1;
		assert_false(app_password_verify(slice_of(text), pepper, NULL));
	}
}

static void s1_3_mac_is_hmac_sha256_of_the_secret(void **state)
{
	(void)state;
	uint8_t pepper[PEPPER_LEN], mac[APP_PASSWORD_MAC_LEN];
	uint8_t random[24] = { 0 };
	char text[APP_PASSWORD_LEN + 1], hex[2 * APP_PASSWORD_MAC_LEN + 1];
	for (size_t i = 0; i < sizeof(pepper); i++)
		pepper[i] = (uint8_t)i;
	assert_true(app_password_make(random, text));
	assert_true(app_password_mac(slice_of(text), pepper, mac));
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	assert_string_equal(hex, "2892f9608b62171c3dc57b205e279b7b"
			    "0fca63e206ae84bb7d96ce8e64e3a517");
}

static void s1_3_every_one_character_change_is_refused(void **state)
{
	(void)state;
	uint8_t pepper[PEPPER_LEN] = { 1 }, random[24];
	uint8_t mac[APP_PASSWORD_MAC_LEN];
	char text[APP_PASSWORD_LEN + 1];
	struct app_password_id id;
	random_for(42, random);
	assert_true(app_password_make(random, text));
	assert_true(app_password_mac(slice_of(text), pepper, mac));
	for (size_t at = 0; at < APP_PASSWORD_LEN; at++) {
		char right = text[at];
		for (int c = 0; c < 256; c++) {
			text[at] = (char)c;
			slice s = { text, APP_PASSWORD_LEN };
			bool same = (char)c == right;
			assert_int_equal(app_password_id(s, &id), same);
			assert_int_equal(app_password_verify(s, pepper, mac),
					 same);
		}
		text[at] = right;
	}
}

static void s1_3_a_wrong_secret_with_its_right_checksum_is_refused(void **state)
{
	(void)state;
	uint8_t pepper[PEPPER_LEN] = { 1 }, random[24];
	uint8_t mac[APP_PASSWORD_MAC_LEN];
	char text[APP_PASSWORD_LEN + 1];
	random_for(1, random);
	assert_true(app_password_make(random, text));
	assert_true(app_password_mac(slice_of(text), pepper, mac));
	for (unsigned bit = 0; bit < 128; bit++) {
		uint8_t other[24];
		memcpy(other, random, sizeof(other));
		other[7 + bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_true(app_password_make(other, text));
		assert_false(app_password_verify(slice_of(text), pepper, mac));
	}
}

static void s1_3_other_forms_are_refused(void **state)
{
	(void)state;
	uint8_t pepper[PEPPER_LEN] = { 1 }, mac[APP_PASSWORD_MAC_LEN] = { 0 };
	uint8_t random[24] = { 3 };
	char text[APP_PASSWORD_LEN + 3];
	struct app_password_id id;
	assert_true(app_password_make(random, text));
	assert_true(app_password_mac(slice_of(text), pepper, mac));
	for (size_t n = 0; n < APP_PASSWORD_LEN; n++) {
		assert_false(app_password_id((slice){ text, n }, &id));
		assert_false(app_password_verify((slice){ text, n }, pepper,
						 mac));
	}
	text[APP_PASSWORD_LEN] = 'a';
	assert_false(app_password_id((slice){ text, APP_PASSWORD_LEN + 1 },
				     &id));
	for (size_t i = 0; i < APP_PASSWORD_LEN; i++)
		text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
	assert_false(app_password_id((slice){ text, APP_PASSWORD_LEN }, &id));
	assert_false(app_password_id((slice){ NULL, 0 }, &id));
}

static void a_wiped_secret_is_gone(void **state)
{
	(void)state;
	char secret[] = "secret";
	secret_wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
	secret_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_3_form_is_prefix_id_secret_checksum),
		cmocka_unit_test(s1_3_checksum_is_the_start_of_sha256),
		cmocka_unit_test(s1_3_the_right_password_is_verified),
		cmocka_unit_test(s1_3_mac_is_hmac_sha256_of_the_secret),
		cmocka_unit_test(s1_3_every_one_character_change_is_refused),
		cmocka_unit_test(
			s1_3_a_wrong_secret_with_its_right_checksum_is_refused),
		cmocka_unit_test(s1_3_other_forms_are_refused),
		cmocka_unit_test(a_wiped_secret_is_gone),
	};
	return cmocka_run_group_tests_name("crypto/password", tests, NULL,
					   NULL);
}
