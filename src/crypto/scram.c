/*
 * SCRAM-SHA-256; see scram.h. RFC 5802 section 3:
 *
 *	SaltedPassword  := Hi(Normalize(password), salt, i)
 *	ClientKey       := HMAC(SaltedPassword, "Client Key")
 *	StoredKey       := H(ClientKey)
 *	ClientSignature := HMAC(StoredKey, AuthMessage)
 *	ClientProof     := ClientKey XOR ClientSignature
 *	ServerKey       := HMAC(SaltedPassword, "Server Key")
 *	ServerSignature := HMAC(ServerKey, AuthMessage)
 *
 * Hi is PBKDF2 with HMAC. An app password is ASCII: Normalize changes
 * nothing.
 */
#include "crypto/scram.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "crypto/hmac.h"

_Static_assert((int)SCRAM_KEY_LEN == (int)HMAC_LEN, "key");

static bool hash(const uint8_t key[SCRAM_KEY_LEN], uint8_t out[SCRAM_KEY_LEN])
{
	bool ok = SHA256(key, SCRAM_KEY_LEN, out) != NULL;
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool scram_keys_make(slice password, const uint8_t salt[SCRAM_SALT_LEN],
		     uint8_t stored[SCRAM_KEY_LEN],
		     uint8_t server[SCRAM_KEY_LEN])
{
	uint8_t salted[SCRAM_KEY_LEN], client[SCRAM_KEY_LEN] = { 0 };
	invariant(password.n > 0 && password.n <= INT32_MAX);
	bool ok = PKCS5_PBKDF2_HMAC(password.p, (int)password.n, salt,
				    SCRAM_SALT_LEN, SCRAM_ITERATIONS,
				    EVP_sha256(), sizeof(salted),
				    salted) == 1 &&
		  hmac_sha256(salted, sizeof(salted), SLICE("Client Key"),
			      client) &&
		  hash(client, stored) &&
		  hmac_sha256(salted, sizeof(salted), SLICE("Server Key"),
			      server);
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client, sizeof(client));
	if (ok)
		return true;
	ERR_clear_error();
	memset(stored, 0, SCRAM_KEY_LEN);
	memset(server, 0, SCRAM_KEY_LEN);
	return false;
}

/* HMAC under a key of its own for each use, itself made of the pepper. */
static bool derive(const uint8_t pepper[PEPPER_LEN], slice use, slice what,
		   uint8_t salt[SCRAM_SALT_LEN])
{
	uint8_t key[SCRAM_KEY_LEN], mac[SCRAM_KEY_LEN] = { 0 };
	bool ok = hmac_sha256(pepper, PEPPER_LEN, use, key) &&
		  hmac_sha256(key, sizeof(key), what, mac);
	memcpy(salt, mac, SCRAM_SALT_LEN);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok;
}

bool scram_salt_of_user(const uint8_t pepper[PEPPER_LEN], uint32_t user,
			uint8_t salt[SCRAM_SALT_LEN])
{
	char id[4];
	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (char)(uint8_t)(user >> (8 * i));
	return derive(pepper, SLICE("postrider SCRAM salt of a user"),
		      (slice){ id, sizeof(id) }, salt);
}

bool scram_salt_of_nobody(const uint8_t pepper[PEPPER_LEN], slice name,
			  uint8_t salt[SCRAM_SALT_LEN])
{
	return derive(pepper, SLICE("postrider SCRAM salt of nobody"), name,
		      salt);
}

bool scram_verify(const uint8_t *stored, slice auth_message, slice proof)
{
	static const uint8_t nobody[SCRAM_KEY_LEN];
	uint8_t key[SCRAM_KEY_LEN], got[SCRAM_KEY_LEN] = { 0 };
	bool form = proof.n == SCRAM_KEY_LEN;
	bool ok = hmac_sha256(stored ? stored : nobody, SCRAM_KEY_LEN,
			      auth_message, key);
	for (size_t i = 0; i < SCRAM_KEY_LEN && form; i++)
		key[i] ^= (uint8_t)proof.p[i];
	ok &= hash(key, got);
	bool same = CRYPTO_memcmp(got, stored ? stored : nobody,
				  sizeof(got)) == 0;
	OPENSSL_cleanse(key, sizeof(key));
	return form & ok & (stored != NULL) & same;
}

bool scram_sign(const uint8_t server[SCRAM_KEY_LEN], slice auth_message,
		uint8_t signature[SCRAM_KEY_LEN])
{
	return hmac_sha256(server, SCRAM_KEY_LEN, auth_message, signature);
}
