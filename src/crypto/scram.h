/*
 * The figures of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677), server side.
 * Only for app passwords: 128 bits made by machine need no slow hash, a
 * password made by a person would; the iterations are the RFC's least.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "crypto/password.h"

enum {
	SCRAM_ITERATIONS = 4096,	/* RFC 7677 4 */
	SCRAM_SALT_LEN = 16,
	SCRAM_KEY_LEN = 32,
};

/* StoredKey and ServerKey of `password`: about two milliseconds. False out
 * of memory: both are zeros then and must not be kept. */
bool scram_keys_make(slice password, const uint8_t salt[SCRAM_SALT_LEN],
		     uint8_t stored[SCRAM_KEY_LEN],
		     uint8_t server[SCRAM_KEY_LEN]) MUST_USE;

/*
 * Salts come from the pepper. All app passwords of a user share one, since
 * the exchange tells it before the server can know which password will be
 * proved; a name that nobody has gets one as well, the same each time, so
 * that no salt tells whether there is such a user. False out of memory (zeros
 * then).
 */
bool scram_salt_of_user(const uint8_t pepper[PEPPER_LEN], uint32_t user,
			uint8_t salt[SCRAM_SALT_LEN]) MUST_USE;
bool scram_salt_of_nobody(const uint8_t pepper[PEPPER_LEN], slice name,
			  uint8_t salt[SCRAM_SALT_LEN]) MUST_USE;

/* ClientProof fits StoredKey over AuthMessage. stored NULL, or a proof of
 * another length: the same work, and false. */
bool scram_verify(const uint8_t *stored, slice auth_message,
		  slice proof) MUST_USE;
/* ServerSignature. False out of memory. */
bool scram_sign(const uint8_t server[SCRAM_KEY_LEN], slice auth_message,
		uint8_t signature[SCRAM_KEY_LEN]) MUST_USE;
