/*
 * Passwords of people who sign in to the console: Argon2id by libsodium, as a
 * PHC string that says its own parameters. Takes about 30 ms and 19 MiB, so
 * it is admin's alone, one at a time; the relay's app passwords are checked
 * in microseconds (crypto/password.h).
 */
#pragma once

#include "base/slice.h"

enum {
	LOGIN_CHARACTERS_MIN = 12,
	LOGIN_BYTES_MAX = 1024,
	LOGIN_HASH_TEXT = 128,		/* with NUL */
};

/* False: no memory. */
bool login_hash(slice password, char hash[LOGIN_HASH_TEXT]) MUST_USE;
/* hash empty (nobody, or one who has no password): does the same work against
 * a dummy and says false. Also false when there is no memory. */
bool login_verify(slice password, slice hash) MUST_USE;

enum login_fault {
	LOGIN_GOOD,
	LOGIN_SHORT,
	LOGIN_LONG,
	LOGIN_MALFORMED,		/* no UTF-8 */
	LOGIN_GUESSABLE,		/* the address, or what is tried first */
};
/* May this be the password of whoever has the address? */
enum login_fault login_check(slice password, slice address);
