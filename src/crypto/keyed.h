/*
 * What admin keeps of people's secrets, under keys that are made of the pepper
 * (which lies beside the store, not in it): one key for each use.
 *
 * Tokens have 256 random bits: a plain SHA-256 of one is enough to know it
 * again, and looking it up by its hash tells nothing by time. Recovery codes
 * have 50, so theirs is keyed. A TOTP secret must be read again: it is sealed
 * (XSalsa20-Poly1305), for the row that it stands in.
 */
#pragma once

#include "base/slice.h"

enum {
	KEYED_LEN = 32,
	SEAL_NONCE_LEN = 24,
	SEAL_MORE = SEAL_NONCE_LEN + 16,	/* than the plain text */
	SEAL_PLAIN_MAX = 64,
	TOKEN_RANDOM_LEN = 32,
	TOKEN_BODY_LEN = 52,		/* behind the prefix */
	TOKEN_PREFIX_MAX = 8,
	TOKEN_TEXT_MAX = TOKEN_PREFIX_MAX + TOKEN_BODY_LEN + 1,
};

/* HMAC-SHA-256 of `what` under the key of this use. False out of memory: out
 * is all zeros. */
bool keyed_hash(const uint8_t pepper[32], slice use, slice what,
		uint8_t out[KEYED_LEN]) MUST_USE;
/* plain.n <= SEAL_PLAIN_MAX; `out` has plain.n + SEAL_MORE bytes, beginning
 * with the nonce, which is random. `what` names the place that it is for:
 * nowhere else does it open. False: no memory. */
bool keyed_seal(const uint8_t pepper[32], slice use, slice what,
		const uint8_t nonce[SEAL_NONCE_LEN], slice plain,
		uint8_t *out) MUST_USE;
/* plain has sealed.n - SEAL_MORE bytes. False: it was changed, or is of
 * another place or pepper. */
bool keyed_open(const uint8_t pepper[32], slice use, slice what, slice sealed,
		uint8_t *plain) MUST_USE;

/* Takes the same time wherever they differ; not when their lengths do. */
bool keyed_same(slice a, slice b) MUST_USE;

/* prefix and TOKEN_BODY_LEN characters a-z2-7; NUL-terminated. */
void token_make(const char *prefix, const uint8_t random[TOKEN_RANDOM_LEN],
		char text[TOKEN_TEXT_MAX]);
/* False: it has another form, or no memory. */
bool token_hash(const char *prefix, slice text, uint8_t hash[KEYED_LEN])
	MUST_USE;
