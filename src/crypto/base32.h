/* Base32 (RFC 4648 6) in lower case without '=': of app passwords, tokens and
 * secrets of authenticator apps. Encoding only: nothing decodes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first 5 × n bits of `from` as n characters; bits behind its end are
 * zero. No NUL. */
void base32_write(const uint8_t *from, size_t from_n, char *to, size_t n);
/* One of a-z2-7? */
bool base32_has(char c);
