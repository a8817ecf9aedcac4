/*
 * What all connections of one role share: certificate, key, protocol
 * versions, ciphers (TLS 1.2 and 1.3, ECDHE AEAD; RELIABILITY 4.7), session
 * tickets. Immutable after opening, counted, used by all shards.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct tls_context;

/* Certificate chain and key as PEM text (not paths: the sandbox is closed).
 * The slices may be wiped afterwards. ALPN, if a client sends it, must name
 * "smtp". Ticket keys are the context's own: a new context each day rotates
 * them, and reloads the certificate. */
bool tls_context_server(slice certificate_pem, slice key_pem,
			struct tls_context **out, struct err *err) MUST_USE;

/* The same, and clients of before 2008 are taken as well (SPEC 1.9): TLS 1.0
 * and 1.1, CBC, RSA key exchange, whatever openssl.cnf says. */
bool tls_context_server_legacy(slice certificate_pem, slice key_pem,
			       struct tls_context **out,
			       struct err *err) MUST_USE;

/* Whether a certificate and a key can serve; anything but GOOD with err. */
enum tls_pair {
	TLS_PAIR_GOOD,
	TLS_PAIR_CERTIFICATE,		/* it, or its chain, is of no use */
	TLS_PAIR_KEY,			/* can't be read, or used */
	TLS_PAIR_FOREIGN,		/* the key is another certificate's */
	TLS_PAIR_FAULT,			/* out of memory and the like */
};
enum tls_pair tls_pair_judge(slice certificate_pem, slice key_pem,
			     struct err *err);

enum tls_verify { TLS_VERIFY_NONE, TLS_VERIFY_NAME };
/* ca_pem: trusted roots, empty: the system's bundle, read now. Without
 * verification weak cipher suites are allowed as well (TLS 1.2 still). */
bool tls_context_client(enum tls_verify verify, slice ca_pem,
			struct tls_context **out, struct err *err) MUST_USE;
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context **c);

/* A self-signed P-256 certificate for `hostname`, ten years, as PEM. */
struct buf;
bool tls_self_signed(slice hostname, struct buf *certificate_pem,
		     struct buf *key_pem, struct err *err) MUST_USE;
/* When the (first) certificate ends, Unix time in milliseconds; false and 0 if
 * unreadable. */
bool tls_certificate_ends(slice certificate_pem, int64_t *ends_wall_ms,
			  struct err *err) MUST_USE;
/* Days until the certificate ends (negative: over); -1 and false if
 * unreadable. */
bool tls_certificate_days_left(slice certificate_pem, int64_t now_wall_ms,
			       int *days, struct err *err) MUST_USE;
