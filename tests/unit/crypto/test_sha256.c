/* SHA-256 by the examples of FIPS 180-4, in pieces of any size. */
#include "unit/unit.h"

#include "crypto/sha256.h"

static const struct {
	const char *text, *digest;
} rows[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb924"
	      "27ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		 "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
};

static void known_answers_in_pieces(void **state)
{
	(void)state;
	struct sha256 *h = sha256_new();
	assert_non_null(h);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		slice all = slice_of(rows[i].text);
		for (size_t step = 1; step <= all.n + 1; step++) {
			uint8_t digest[SHA256_BYTES];
			char text[SHA256_TEXT];
			for (slice s = all; s.n > 0; s = slice_skip(s, step))
				sha256_add(h, slice_sub(s, 0, step));
			assert_true(sha256_end(h, digest));
			assert_string_equal(sha256_text(digest, text),
					    rows[i].digest);
		}
	}
	sha256_free(&h);
	assert_null(h);
}

static void text_is_read_back(void **state)
{
	(void)state;
	uint8_t digest[SHA256_BYTES];
	char text[SHA256_TEXT], wrong[SHA256_TEXT];
	assert_true(sha256_parse(slice_of(rows[1].digest), digest));
	assert_string_equal(sha256_text(digest, text), rows[1].digest);
	static const char bad[] = { 'g', 'A', ' ', '\0', '/', ':', '`' };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		memcpy(wrong, text, sizeof(wrong));
		wrong[i * 9] = bad[i];
		assert_false(sha256_parse((slice){ wrong, 64 }, digest));
	}
	assert_false(sha256_parse(slice_sub(slice_of(text), 0, 63), digest));
	assert_false(sha256_parse((slice){ 0 }, digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers_in_pieces),
		cmocka_unit_test(text_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
