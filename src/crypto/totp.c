/* See totp.h. */
#include "crypto/totp.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/base32.h"

enum { SHA1_LEN = 20, CODES = 1000000 };

/* RFC 4226 5.3. */
static uint32_t truncated(const uint8_t mac[SHA1_LEN])
{
	const uint8_t *p = mac + (mac[SHA1_LEN - 1] & 15);
	return ((uint32_t)(p[0] & 127) << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3]) % CODES;
}

bool totp_code(const uint8_t secret[TOTP_SECRET_LEN], uint64_t step,
	       char text[TOTP_DIGITS + 1])
{
	uint8_t counter[8], mac[SHA1_LEN] = { 0 };
	unsigned n = 0;
	memset(text, 0, TOTP_DIGITS + 1);
	for (unsigned i = 0; i < 8; i++)
		counter[i] = (uint8_t)(step >> (56 - 8 * i));
	bool ok = HMAC(EVP_sha1(), secret, TOTP_SECRET_LEN, counter,
		       sizeof(counter), mac, &n) != NULL;
	if (!ok) {
		ERR_clear_error();
		return false;
	}
	invariant(n == SHA1_LEN);
	uint32_t code = truncated(mac);
	for (unsigned i = TOTP_DIGITS; i-- > 0; code /= 10)
		text[i] = (char)('0' + code % 10);
	OPENSSL_cleanse(mac, sizeof(mac));
	return true;
}

bool totp_match(const uint8_t secret[TOTP_SECRET_LEN], slice code,
		int64_t now_s, uint64_t used, uint64_t *step)
{
	char given[TOTP_DIGITS] = { 0 };
	bool form = code.n == TOTP_DIGITS, found = false;
	uint64_t now = now_s > 0 ? (uint64_t)now_s / TOTP_STEP_S : 0;
	uint64_t at = now > TOTP_STEPS_ASIDE ? now - TOTP_STEPS_ASIDE : 0;
	if (form)
		memcpy(given, code.p, TOTP_DIGITS);
	for (; at <= now + TOTP_STEPS_ASIDE; at++) {
		char text[TOTP_DIGITS + 1];
		bool made = totp_code(secret, at, text);
		bool same = CRYPTO_memcmp(text, given, TOTP_DIGITS) == 0;
		OPENSSL_cleanse(text, sizeof(text));
		if (form & made & same & (at > used) & !found) {
			found = true;
			*step = at;
		}
	}
	return found;
}

void totp_secret_text(const uint8_t secret[TOTP_SECRET_LEN],
		      char text[TOTP_SECRET_TEXT])
{
	base32_write(secret, TOTP_SECRET_LEN, text, TOTP_SECRET_TEXT - 1);
	for (size_t i = 0; i < TOTP_SECRET_TEXT - 1; i++)
		if (text[i] >= 'a')
			text[i] = (char)(text[i] - 'a' + 'A');
	text[TOTP_SECRET_TEXT - 1] = '\0';
}
