/*
 * The server side of AUTH PLAIN (RFC 4616), LOGIN and SCRAM-SHA-256 (RFC
 * 5802, 7677), as far as messages go: base64 in, challenges out, credentials
 * or what proves them at the end. Judging and computing are the caller's. All
 * memory that held a secret is wiped.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN, SASL_SCRAM_SHA_256 };

/* False for a mechanism that is not offered. Any case. */
bool sasl_mechanism_find(slice name, enum sasl_mechanism *out) MUST_USE;
slice sasl_mechanism_name(enum sasl_mechanism mechanism);

enum sasl_result {
	SASL_CHALLENGE,		/* send *challenge, feed what comes back */
	SASL_COMPLETE,		/* authzid and user are there; secret: not of
				 * SCRAM, whose proof was judged before */
	SASL_SCRAM_FIRST,	/* authzid and user are there: then
				 * sasl_scram_begin */
	SASL_SCRAM_FINAL,	/* auth_message and proof as well: then
				 * sasl_scram_signature, if it is right */
	SASL_UNDECODABLE,	/* no base64, or no message of the mechanism */
	SASL_NO_MEMORY,
};

enum sasl_text_kind {
	SASL_TEXT_FIRST,	/* messages, decoded */
	SASL_TEXT_SECOND,
	SASL_TEXT_NAMES,	/* SCRAM: authzid and user, unescaped */
	SASL_TEXT_PROOF,
	SASL_TEXTS,
};

struct sasl_server {
	enum sasl_mechanism mechanism;
	uint8_t step;		/* LOGIN: 0 asks the user, 1 the password;
				 * SCRAM: messages of the client that came */
	bool complete;
	struct sasl_text {
		char *p;
		size_t cap;
	} texts[SASL_TEXTS];	/* what the slices below point into */
	slice authzid, user, secret;
	struct sasl_scram {
		slice header, bare;	/* of the client's first message */
		slice nonce;		/* the client's */
		struct buf first;	/* the server's first message */
		struct buf message;	/* AuthMessage */
		slice auth_message;
		/* Empty when the rest of the message is not what was agreed
		 * on: nothing proves that. */
		slice proof;
	} scram;
};

/* NULL out of memory. */
struct sasl_server *sasl_server_new(enum sasl_mechanism mechanism);
/* Wipes everything. */
void sasl_server_free(struct sasl_server **s);

/* The exchange begins without an initial response: the first challenge
 * (already base64; empty for PLAIN and SCRAM). */
slice sasl_server_first_challenge(const struct sasl_server *s);
/* A response in base64; the initial one too, where "=" means an empty one
 * (RFC 4954 section 4). challenge is set with SASL_CHALLENGE. */
enum sasl_result sasl_server_step(struct sasl_server *s, slice base64,
				  slice *challenge);

/* After SASL_SCRAM_FIRST: appends the challenge in base64. nonce: the
 * server's part, printable without a comma; salt: raw. False out of memory. */
bool sasl_scram_begin(struct sasl_server *s, slice nonce, slice salt,
		      unsigned iterations, struct buf *out) MUST_USE;
/* After SASL_SCRAM_FINAL and a good proof: appends the last challenge, which
 * proves the server; SASL_COMPLETE comes when the client took it. */
void sasl_scram_signature(struct sasl_server *s, slice signature,
			  struct buf *out);
