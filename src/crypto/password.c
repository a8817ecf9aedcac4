/*
 * App passwords: how they are made, recognised and checked. The text is the
 * only form; nothing decodes the base32, whose spelling is unique by the two
 * padding bits being zero and the letters being lower case.
 */
#include "crypto/password.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "crypto/base32.h"
#include "crypto/hmac.h"

_Static_assert((int)APP_PASSWORD_MAC_LEN == (int)HMAC_LEN, "mac");

enum {
	PREFIX_LEN = 3,
	SECRET_LEN = 26,		/* 128 bits and two zero bits */
	CHECKSUM_LEN = 4,		/* 20 bits */
	ID_RANDOM_LEN = 7,		/* 50 bits of 56 are used */
	SECRET_RANDOM_LEN = 16,
	SECRET_AT = PREFIX_LEN + APP_PASSWORD_ID_LEN,
	CHECKSUM_AT = SECRET_AT + SECRET_LEN,
};

static const char prefix[] = "pr_";

/* 20 bits of SHA-256 over id and secret, as text. */
static bool checksum(const char *text, char to[CHECKSUM_LEN])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	if (SHA256((const unsigned char *)text + PREFIX_LEN,
		   APP_PASSWORD_ID_LEN + SECRET_LEN, digest) == NULL) {
		ERR_clear_error();
		return false;
	}
	base32_write(digest, sizeof(digest), to, CHECKSUM_LEN);
	OPENSSL_cleanse(digest, sizeof(digest));
	return true;
}

bool app_password_make(const uint8_t random[24],
		       char text[APP_PASSWORD_LEN + 1])
{
	memcpy(text, prefix, PREFIX_LEN);
	base32_write(random, ID_RANDOM_LEN, text + PREFIX_LEN, APP_PASSWORD_ID_LEN);
	base32_write(random + ID_RANDOM_LEN, SECRET_RANDOM_LEN,
		     text + SECRET_AT, SECRET_LEN);
	text[APP_PASSWORD_LEN] = '\0';
	if (checksum(text, text + CHECKSUM_AT))
		return true;
	OPENSSL_cleanse(text, APP_PASSWORD_LEN + 1);
	return false;
}

static bool in_alphabet(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!base32_has(s.p[i]))
			return false;
	return true;
}

bool app_password_id(slice text, struct app_password_id *out)
{
	char sum[CHECKSUM_LEN];
	if (text.n != APP_PASSWORD_LEN ||
	    !slice_starts(text, (slice){ prefix, PREFIX_LEN }) ||
	    !in_alphabet(slice_skip(text, PREFIX_LEN)) ||
	    !checksum(text.p, sum) ||
	    CRYPTO_memcmp(sum, text.p + CHECKSUM_AT, CHECKSUM_LEN) != 0)
		return false;
	memcpy(out->text, text.p + PREFIX_LEN, APP_PASSWORD_ID_LEN);
	return true;
}

static bool mac_of(const char secret[SECRET_LEN],
		   const uint8_t pepper[PEPPER_LEN],
		   uint8_t mac[APP_PASSWORD_MAC_LEN])
{
	return hmac_sha256(pepper, PEPPER_LEN, (slice){ secret, SECRET_LEN },
			   mac);
}

bool app_password_mac(slice text, const uint8_t pepper[PEPPER_LEN],
		      uint8_t mac[APP_PASSWORD_MAC_LEN])
{
	invariant(text.n == APP_PASSWORD_LEN);
	return mac_of(text.p + SECRET_AT, pepper, mac);
}

bool app_password_verify(slice text, const uint8_t pepper[PEPPER_LEN],
			 const uint8_t *mac)
{
	static const uint8_t unknown[APP_PASSWORD_MAC_LEN];
	char secret[SECRET_LEN] = { 0 };
	uint8_t got[APP_PASSWORD_MAC_LEN];
	struct app_password_id id;
	bool form = app_password_id(text, &id);
	if (form)
		memcpy(secret, text.p + SECRET_AT, SECRET_LEN);
	bool computed = mac_of(secret, pepper, got);
	bool same = CRYPTO_memcmp(got, mac ? mac : unknown, sizeof(got)) == 0;
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(got, sizeof(got));
	return form & computed & (mac != NULL) & same;
}

void secret_wipe(void *p, size_t n)
{
	if (n > 0)
		OPENSSL_cleanse(p, n);
}
