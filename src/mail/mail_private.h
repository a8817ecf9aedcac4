/* What only mail/ shares. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "mail/address.h"

bool has_8bit(slice s);

/* UTF-8 that is its own form C (compatible: form KC) and has no control or
 * bidi control character. *memory: could not be told. */
bool text_is_normal(slice s, bool compatible, bool *memory) MUST_USE;

/* A domain while it is folded. */
struct domain_text {
	char p[ADDRESS_DOMAIN_MAX];
	size_t n;
};
/* domain_normalise into a value; final_dot: one at the end is taken off, else
 * it is an error. The error is ERR_PROTOCOL without a code, or memory. */
bool domain_fold(slice s, bool final_dot, struct domain_text *out,
		 struct err *err) MUST_USE;

/* atext of RFC 5322 3.2.3, and 8-bit (RFC 6531 3.3). */
bool is_atext(char c);
bool is_dot_string(slice s);
