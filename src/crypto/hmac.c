/* See hmac.h. */
#include "crypto/hmac.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

bool hmac_sha256(const uint8_t *key, size_t key_n, slice text,
		 uint8_t out[HMAC_LEN])
{
	unsigned n = 0;
	invariant(key_n > 0 && key_n <= INT32_MAX);
	bool ok = HMAC(EVP_sha256(), key, (int)key_n,
		       (const unsigned char *)(text.n > 0 ? text.p : ""),
		       text.n, out, &n) != NULL;
	invariant(!ok || n == HMAC_LEN);
	if (!ok) {
		ERR_clear_error();
		memset(out, 0, HMAC_LEN);
	}
	return ok;
}
