/* Passwords of people, and what is kept of their secrets (SPEC 12.3). */
#include "unit/unit.h"

#include "crypto/keyed.h"
#include "crypto/login.h"

static void s12_3_argon2id_with_its_parameters(void **state)
{
	char hash[LOGIN_HASH_TEXT], again[LOGIN_HASH_TEXT];
	slice password = SLICE("correct horse battery");
	(void)state;
	assert_true(login_hash(password, hash));
	assert_true(slice_starts(slice_of(hash),
				 SLICE("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_true(login_verify(password, slice_of(hash)));
	assert_false(login_verify(SLICE("correct horse batterz"),
				  slice_of(hash)));
	assert_false(login_verify((slice){ 0 }, slice_of(hash)));
	/* Salted. */
	assert_true(login_hash(password, again));
	assert_string_not_equal(hash, again);
}

static void nobody_has_no_password(void **state)
{
	char long_one[LOGIN_BYTES_MAX + 2];
	(void)state;
	memset(long_one, 'a', sizeof(long_one));
	assert_false(login_verify(SLICE("correct horse battery"),
				  (slice){ 0 }));
	assert_false(login_verify((slice){ long_one, sizeof(long_one) },
				  (slice){ 0 }));
	assert_false(login_verify(SLICE("x"), SLICE("no hash")));
}

static void which_passwords_are_taken(void **state)
{
	static const struct {
		const char *password;
		enum login_fault want;
	} rows[] = {
		{ "elevenchars", LOGIN_SHORT },
		{ "twelve chars", LOGIN_GOOD },
		{ "", LOGIN_SHORT },
		/* Characters, not bytes. */
		{ "あいうえおかきくけこさ", LOGIN_SHORT },
		{ "あいうえおかきくけこさし", LOGIN_GOOD },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		  LOGIN_MALFORMED },
		{ "alice@example.com", LOGIN_GUESSABLE },
		{ "Alice@Example.com", LOGIN_GUESSABLE },
		{ "aaaaaaaaaaaaaaaa", LOGIN_GUESSABLE },
		{ "PasswordPassword", LOGIN_GUESSABLE },
	};
	char text[LOGIN_BYTES_MAX + 1];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (login_check(slice_of(rows[i].password),
				SLICE("alice@example.com")) != rows[i].want)
			fail_msg("%s", rows[i].password);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	slice address = SLICE("a@b.test");
	assert_int_equal(login_check((slice){ text, LOGIN_BYTES_MAX }, address),
			 LOGIN_GOOD);
	assert_int_equal(login_check((slice){ text, LOGIN_BYTES_MAX + 1 },
				     address), LOGIN_LONG);
}

static void a_seal_opens_in_its_place_only(void **state)
{
	uint8_t pepper[32] = { 1 }, other[32] = { 2 };
	uint8_t nonce[SEAL_NONCE_LEN] = { 3 };
	uint8_t sealed[20 + SEAL_MORE], plain[20];
	slice use = SLICE("test"), here = SLICE("row 1");
	slice text = SLICE("12345678901234567890");
	(void)state;
	assert_true(keyed_seal(pepper, use, here, nonce, text, sealed));
	slice s = { (const char *)sealed, sizeof(sealed) };
	assert_int_equal(slice_find_slice(s, SLICE("123456")), s.n);
	assert_true(keyed_open(pepper, use, here, s, plain));
	assert_memory_equal(plain, text.p, text.n);
	assert_false(keyed_open(other, use, here, s, plain));
	assert_false(keyed_open(pepper, SLICE("other"), here, s, plain));
	assert_false(keyed_open(pepper, use, SLICE("row 2"), s, plain));
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_false(keyed_open(pepper, use, here, s, plain));
		sealed[i] ^= 1;
	}
	for (size_t n = 0; n < s.n; n++)
		assert_false(keyed_open(pepper, use, here, slice_sub(s, 0, n),
					plain));
}

static void tokens_have_a_form(void **state)
{
	uint8_t random[TOKEN_RANDOM_LEN] = { 0xff, 1 };
	uint8_t hash[KEYED_LEN], again[KEYED_LEN];
	char text[TOKEN_TEXT_MAX];
	(void)state;
	token_make("pr_api_", random, text);
	assert_int_equal(strlen(text), 7 + 52);
	assert_true(token_hash("pr_api_", slice_of(text), hash));
	assert_false(token_hash("pr_ses_", slice_of(text), again));
	assert_false(token_hash("pr_api_", slice_sub(slice_of(text), 0, 58),
				again));
	text[20] = text[20] == 'b' ? 'c' : 'b';
	assert_true(token_hash("pr_api_", slice_of(text), again));
	assert_memory_not_equal(hash, again, sizeof(hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s12_3_argon2id_with_its_parameters),
		cmocka_unit_test(nobody_has_no_password),
		cmocka_unit_test(which_passwords_are_taken),
		cmocka_unit_test(a_seal_opens_in_its_place_only),
		cmocka_unit_test(tokens_have_a_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
