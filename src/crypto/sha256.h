/* SHA-256 (FIPS 180-4) of bytes that come in pieces: of files that a backup
 * has. */
#pragma once

#include "base/err.h"
#include "base/slice.h"

enum { SHA256_BYTES = 32, SHA256_TEXT = 65 };	/* text: hexadecimal, NUL */

struct sha256;
/* NULL: no memory. */
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 **h);
void sha256_add(struct sha256 *h, slice piece);
/* Of all that was added. False out of memory, at any step; then begins
 * anew. */
bool sha256_end(struct sha256 *h, uint8_t out[SHA256_BYTES]) MUST_USE;

const char *sha256_text(const uint8_t digest[SHA256_BYTES],
			char to[SHA256_TEXT]);
/* From 64 digits, lower case. */
bool sha256_parse(slice text, uint8_t out[SHA256_BYTES]) MUST_USE;
