/* Base64 of the SASL exchanges (RFC 4648 section 4, RFC 4954). */
#pragma once

#include "base/buf.h"

/* Appends s encoded, padded. What stood on the stack is wiped; what went to
 * `out` is the caller's to wipe. */
void base64_write(struct buf *out, slice s);
/* Strict alphabet and padding, nothing else in between. `to` has room for
 * base64.n / 4 * 3 bytes. */
bool base64_decode(slice base64, char *to, size_t *n) MUST_USE;
