/*
 * App passwords (SPEC 1.3): made by machine, shown once, checked in
 * microseconds. Form: "pr_" + 10 characters id + 26 secret (128 bit and 2 of
 * padding) + 4 checksum, base32 lower case (a-z2-7). Kept as HMAC-SHA-256 of
 * the secret under the pepper.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

enum {
	APP_PASSWORD_ID_LEN = 10,
	APP_PASSWORD_LEN = 3 + 10 + 26 + 4,
	APP_PASSWORD_MAC_LEN = 32,
	PEPPER_LEN = 32,
};

struct app_password_id {
	char text[APP_PASSWORD_ID_LEN];
};

/* random: 24 bytes (23 are used). text is NUL-terminated: wipe it after use.
 * False out of memory: text is empty then. */
bool app_password_make(const uint8_t random[24],
		       char text[APP_PASSWORD_LEN + 1]);
/* Form and checksum are right; gives the id. */
bool app_password_id(slice text, struct app_password_id *out) MUST_USE;
/* text has the right form (app_password_id). False out of memory: mac is all
 * zeros then and must not be kept. */
bool app_password_mac(slice text, const uint8_t pepper[PEPPER_LEN],
		      uint8_t mac[APP_PASSWORD_MAC_LEN]);
/* Same time whatever differs. mac NULL (unknown id): does the same work
 * against a dummy and says false. */
bool app_password_verify(slice text, const uint8_t pepper[PEPPER_LEN],
			 const uint8_t *mac) MUST_USE;
/* Overwrites memory that the compiler may not leave out. */
void secret_wipe(void *p, size_t n);
