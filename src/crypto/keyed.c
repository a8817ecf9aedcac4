/* See keyed.h. */
#include "crypto/keyed.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <sodium.h>

#include "crypto/base32.h"
#include "crypto/hmac.h"

_Static_assert(SEAL_NONCE_LEN == crypto_secretbox_NONCEBYTES, "nonce");
_Static_assert(SEAL_MORE == SEAL_NONCE_LEN + crypto_secretbox_MACBYTES, "mac");
_Static_assert(KEYED_LEN == crypto_secretbox_KEYBYTES, "key");
_Static_assert((int)KEYED_LEN == (int)HMAC_LEN, "hash");

bool keyed_hash(const uint8_t pepper[32], slice use, slice what,
		uint8_t out[KEYED_LEN])
{
	uint8_t key[KEYED_LEN];
	bool ok = hmac_sha256(pepper, KEYED_LEN, use, key) &&
		  hmac_sha256(key, sizeof(key), what, out);
	OPENSSL_cleanse(key, sizeof(key));
	if (!ok)
		memset(out, 0, KEYED_LEN);
	return ok;
}

bool keyed_seal(const uint8_t pepper[32], slice use, slice what,
		const uint8_t nonce[SEAL_NONCE_LEN], slice plain, uint8_t *out)
{
	uint8_t key[KEYED_LEN];
	invariant(plain.n > 0 && plain.n <= SEAL_PLAIN_MAX);
	if (sodium_init() < 0 || !keyed_hash(pepper, use, what, key))
		return false;
	memcpy(out, nonce, SEAL_NONCE_LEN);
	bool ok = crypto_secretbox_easy(out + SEAL_NONCE_LEN,
					(const uint8_t *)plain.p, plain.n,
					nonce, key) == 0;
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

bool keyed_open(const uint8_t pepper[32], slice use, slice what, slice sealed,
		uint8_t *plain)
{
	uint8_t key[KEYED_LEN];
	if (sealed.n <= SEAL_MORE || sealed.n > SEAL_PLAIN_MAX + SEAL_MORE ||
	    sodium_init() < 0 || !keyed_hash(pepper, use, what, key))
		return false;
	const uint8_t *p = (const uint8_t *)sealed.p;
	bool ok = crypto_secretbox_open_easy(plain, p + SEAL_NONCE_LEN,
					     sealed.n - SEAL_NONCE_LEN, p,
					     key) == 0;
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

bool keyed_same(slice a, slice b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void token_make(const char *prefix, const uint8_t random[TOKEN_RANDOM_LEN],
		char text[TOKEN_TEXT_MAX])
{
	size_t n = strlen(prefix);
	invariant(n <= TOKEN_PREFIX_MAX);
	memcpy(text, prefix, n);
	base32_write(random, TOKEN_RANDOM_LEN, text + n, TOKEN_BODY_LEN);
	text[n + TOKEN_BODY_LEN] = '\0';
}

bool token_hash(const char *prefix, slice text, uint8_t hash[KEYED_LEN])
{
	size_t n = strlen(prefix);
	if (text.n != n + TOKEN_BODY_LEN ||
	    !slice_starts(text, slice_of(prefix)))
		return false;
	if (SHA256((const unsigned char *)text.p, text.n, hash) != NULL)
		return true;
	ERR_clear_error();
	return false;
}
