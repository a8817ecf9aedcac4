/*
 * The server side of AUTH PLAIN (RFC 4616) and AUTH LOGIN, as far as
 * messages go: base64 in, challenges out, credentials at the end. Judging
 * them is the caller's. All memory that held a secret is wiped.
 */
#pragma once

#include "base/slice.h"

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN };

/* False for a mechanism that is not offered. Any case. */
bool sasl_mechanism_find(slice name, enum sasl_mechanism *out) MUST_USE;
slice sasl_mechanism_name(enum sasl_mechanism mechanism);

enum sasl_result {
	SASL_CHALLENGE,		/* send *challenge, feed what comes back */
	SASL_COMPLETE,		/* authzid, user and secret are there */
	SASL_UNDECODABLE,	/* no base64, or no message of the mechanism */
	SASL_NO_MEMORY,
};

struct sasl_server {
	enum sasl_mechanism mechanism;
	uint8_t step;		/* LOGIN: 0 asks the user, 1 the password */
	struct sasl_text {
		char *p;
		size_t cap;
	} texts[2];		/* what the slices below point into */
	slice authzid, user, secret;
};

/* NULL out of memory. */
struct sasl_server *sasl_server_new(enum sasl_mechanism mechanism);
/* Wipes everything. */
void sasl_server_free(struct sasl_server **s);

/* The exchange begins without an initial response: the first challenge
 * (already base64; empty for PLAIN). */
slice sasl_server_first_challenge(const struct sasl_server *s);
/* A response in base64; the initial one too, where "=" means an empty one
 * (RFC 4954 section 4). challenge is set with SASL_CHALLENGE. */
enum sasl_result sasl_server_step(struct sasl_server *s, slice base64,
				  slice *challenge);

/* Strict alphabet and padding, nothing else in between. `to` has room for
 * base64.n / 4 * 3 bytes. */
bool sasl_base64_decode(slice base64, char *to, size_t *n) MUST_USE;
