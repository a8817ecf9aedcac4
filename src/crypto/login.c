/* See login.h. */
#include "crypto/login.h"

#include <sodium.h>

#include "base/text.h"

enum {
	/* OWASP's and RFC 9106's lesser choice: 19 MiB, two passes. */
	PASSES = 2,
	MEMORY_BYTES = 19 * 1024 * 1024,
};

_Static_assert(LOGIN_HASH_TEXT >= crypto_pwhash_STRBYTES, "room for a hash");

bool login_hash(slice password, char hash[LOGIN_HASH_TEXT])
{
	memset(hash, 0, LOGIN_HASH_TEXT);
	invariant(password.n > 0 && password.n <= LOGIN_BYTES_MAX);
	return sodium_init() >= 0 &&
	       crypto_pwhash_str_alg(hash, password.p, password.n, PASSES,
				     MEMORY_BYTES,
				     crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool login_verify(slice password, slice hash)
{
	/* Of a random password that nobody kept. */
	static const char nobody[] =
		"$argon2id$v=19$m=19456,t=2,p=1$gWHLBUIkIDbQ0DeyYa39ow$"
		"34O58vMAFWig6VS3G84L526WjVS4/kwrGKHlB60hs60";
	char text[LOGIN_HASH_TEXT] = { 0 };
	bool known = hash.n > 0 && hash.n < LOGIN_HASH_TEXT;
	if (sodium_init() < 0)
		return false;
	if (known)
		memcpy(text, hash.p, hash.n);
	else
		memcpy(text, nobody, sizeof(nobody));
	/* Too long for one: its beginning is hashed, in vain. */
	bool form = password.n <= LOGIN_BYTES_MAX;
	bool same = crypto_pwhash_str_verify(text, password.p ? password.p : "",
					     form ? password.n :
						    LOGIN_BYTES_MAX) == 0;
	sodium_memzero(text, sizeof(text));
	return known & form & same;
}

static size_t characters(slice s)
{
	size_t n = 0;
	for (; s.n > 0; n++)
		s = slice_skip(s, utf8_length(s));
	return n;
}

static bool one_character(slice s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] != s.p[0])
			return false;
	return true;
}

/* A password of twelve characters that is on every list. */
static bool is_common(slice password)
{
	static const char *const worst[] = {
		"123456789012", "1234567890123", "12345678901234",
		"123456789012345", "1234567890123456", "123456123456",
		"qwertyuiop123", "qwertyuiopas", "qwertyuiop[]",
		"1q2w3e4r5t6y", "1qaz2wsx3edc", "q1w2e3r4t5y6",
		"passwordpassword", "password1234", "password12345",
		"administrator", "administrator1", "changeme1234",
		"letmeinletmein", "iloveyou1234", "abcdefghijkl",
		"abcd12345678", "adminadminadmin", "welcome12345",
	};
	for (size_t i = 0; i < ARRAY_LEN(worst); i++)
		if (slice_eq_fold(password, slice_of(worst[i])))
			return true;
	return one_character(password);
}

enum login_fault login_check(slice password, slice address)
{
	if (password.n > LOGIN_BYTES_MAX)
		return LOGIN_LONG;
	if (!utf8_valid(password) || slice_find(password, '\0') < password.n)
		return LOGIN_MALFORMED;
	if (characters(password) < LOGIN_CHARACTERS_MIN)
		return LOGIN_SHORT;
	return slice_eq_fold(password, address) || is_common(password) ?
		       LOGIN_GUESSABLE : LOGIN_GOOD;
}
