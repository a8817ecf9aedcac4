/*
 * TLS on one connection, sans-I/O: ciphertext in, plaintext out and back
 * (RFC 8446, 5246). Owns no socket. In tests/sim a stand-in with the same
 * header plays flights of declared length.
 *
 * Idle cost: OpenSSL's buffers are released between records; a struct tls
 * holds no copies of its own. An idle server connection takes about 15 KiB
 * (measured by tests/unit/crypto/test_tls.c, which fails above 26 KiB).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/tls_context.h"

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_PEER_CLOSED,	/* close_notify came */
	TLS_FAILED,
};

struct tls;
/* name: client: SNI and, if the context verifies, the name to check (a host
 * name or an address, a final dot is ignored). May be empty: then a context
 * that verifies fails the handshake. Servers ignore it. NULL out of memory. */
struct tls *tls_new(struct tls_context *context, slice name);
void tls_free(struct tls **t);
enum tls_state tls_state(const struct tls *t);

/*
 * Feeds ciphertext (takes all of it), appends plaintext to plain and what
 * must go to the peer to cipher. Call with empty input to start a client's
 * handshake. plain stops growing at its cap: call again with empty input
 * for the rest. False: the connection is over (err; a certificate that is not
 * trusted is ERR_TEMPORARY, all else of the peer ERR_PROTOCOL; scope session
 * for servers, host for clients), what is in cipher (an alert) should still
 * be sent. At most 1 MiB of ciphertext waits for room in plain.
 */
bool tls_feed(struct tls *t, slice ciphertext, struct buf *plain,
	      struct buf *cipher, struct err *err) MUST_USE;
/* Input waits that a full `plain` kept back: call tls_feed with empty input
 * once there is room. */
bool tls_has_more(const struct tls *t);
/* Only when TLS_OPEN or TLS_PEER_CLOSED (RFC 8446 6.1: the peer may close
 * its side only). Takes all. */
bool tls_write(struct tls *t, slice plaintext, struct buf *cipher,
	       struct err *err) MUST_USE;
/* close_notify. Nothing during the handshake or after a failure. */
void tls_close(struct tls *t, struct buf *cipher);

/* For trace fields, journal, decisions: "TLSv1.3", "TLS_AES_256_GCM_SHA384",
 * and whether the peer's certificate was verified. Static strings. */
const char *tls_version(const struct tls *t);
const char *tls_cipher(const struct tls *t);
unsigned tls_cipher_bits(const struct tls *t);
bool tls_peer_verified(const struct tls *t);
/* Agreed on something that only a legacy context takes: TLS 1.0 or 1.1, or a
 * suite that is not ECDHE with AEAD. */
bool tls_is_legacy(const struct tls *t);
