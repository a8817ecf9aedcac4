/* HMAC-SHA-256 (RFC 2104, FIPS 180-4), for what else stands here. */
#pragma once

#include "base/slice.h"

enum { HMAC_LEN = 32 };

/* key_n > 0; the text may be empty. False out of memory: out is all zeros. */
bool hmac_sha256(const uint8_t *key, size_t key_n, slice text,
		 uint8_t out[HMAC_LEN]) MUST_USE;
