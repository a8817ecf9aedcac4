/*
 * One-time codes of an authenticator app (RFC 6238): HMAC-SHA-1, steps of 30
 * seconds since 1970, 6 digits. Pure: the time is passed in.
 *
 * A code is taken in its own step and in the one before and behind it (RFC
 * 6238 5.2: clocks of phones), and once: whoever keeps the step that
 * totp_match gives and passes it as `used` refuses it and all older ones.
 */
#pragma once

#include "base/slice.h"

enum {
	TOTP_SECRET_LEN = 20,		/* RFC 4226 4, R6: 160 bits */
	TOTP_SECRET_TEXT = 33,		/* base32, NUL */
	TOTP_DIGITS = 6,
	TOTP_STEP_S = 30,
	TOTP_STEPS_ASIDE = 1,
};

/* Code of a step; NUL-terminated. False out of memory: text is empty. */
bool totp_code(const uint8_t secret[TOTP_SECRET_LEN], uint64_t step,
	       char text[TOTP_DIGITS + 1]) MUST_USE;
/* Is code that of a step around now which comes after `used` (0: none was)?
 * Takes the same time whatever differs. *step: which it was. */
bool totp_match(const uint8_t secret[TOTP_SECRET_LEN], slice code,
		int64_t now_s, uint64_t used, uint64_t *step) MUST_USE;
/* As apps take it by hand: base32, upper case. */
void totp_secret_text(const uint8_t secret[TOTP_SECRET_LEN],
		      char text[TOTP_SECRET_TEXT]);
