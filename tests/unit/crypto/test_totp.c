/* One-time codes (RFC 6238 appendix B; RELIABILITY L9: a code works once). */
#include "unit/unit.h"

#include "crypto/totp.h"

static const uint8_t secret[TOTP_SECRET_LEN + 1] = "12345678901234567890";

static void rfc6238_vectors_of_sha1(void **state)
{
	/* The last six of the eight digits there. */
	static const struct {
		int64_t at;
		const char *code;
	} rows[] = {
		{ 59, "287082" },	  { 1111111109, "081804" },
		{ 1111111111, "050471" }, { 1234567890, "005924" },
		{ 2000000000, "279037" }, { 20000000000, "353130" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[TOTP_DIGITS + 1];
		uint64_t step = 0;
		uint64_t at = (uint64_t)rows[i].at / TOTP_STEP_S;
		assert_true(totp_code(secret, at, text));
		assert_string_equal(text, rows[i].code);
		assert_true(totp_match(secret, slice_of(rows[i].code),
				       rows[i].at, 0, &step));
		assert_int_equal(step, at);
	}
}

static void one_step_before_and_behind(void **state)
{
	char text[TOTP_DIGITS + 1];
	uint64_t step;
	(void)state;
	for (int aside = -3; aside <= 3; aside++) {
		int64_t now = 1111111111;
		uint64_t at = (uint64_t)(now / TOTP_STEP_S + aside);
		assert_true(totp_code(secret, at, text));
		assert_int_equal(totp_match(secret, slice_of(text), now, 0,
					    &step),
				 aside >= -1 && aside <= 1);
	}
}

static void l9_a_code_works_once(void **state)
{
	char text[TOTP_DIGITS + 1], before[TOTP_DIGITS + 1];
	uint64_t step = 0, now_step = 1111111111 / TOTP_STEP_S;
	(void)state;
	assert_true(totp_code(secret, now_step, text));
	assert_true(totp_code(secret, now_step - 1, before));
	assert_true(totp_match(secret, slice_of(text), 1111111111, 0, &step));
	assert_false(totp_match(secret, slice_of(text), 1111111111, step,
				&step));
	/* Nor does an older one, once a newer was used. */
	assert_false(totp_match(secret, slice_of(before), 1111111111, step,
				&step));
}

static void what_is_no_code(void **state)
{
	static const char *const rows[] = {
		"", "05047", "0504711", " 50471", "o50471", "050 471", "-50471",
	};
	uint64_t step;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_false(totp_match(secret, slice_of(rows[i]), 1111111111,
					0, &step));
	assert_false(totp_match(secret, (slice){ 0 }, -5, 0, &step));
}

static void the_secret_as_apps_take_it(void **state)
{
	char text[TOTP_SECRET_TEXT];
	(void)state;
	totp_secret_text(secret, text);
	assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6238_vectors_of_sha1),
		cmocka_unit_test(one_step_before_and_behind),
		cmocka_unit_test(l9_a_code_works_once),
		cmocka_unit_test(what_is_no_code),
		cmocka_unit_test(the_secret_as_apps_take_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
