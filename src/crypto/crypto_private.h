/*
 * What the files of this folder share: the shape of a context, and how an
 * OpenSSL failure becomes a struct err.
 */
#pragma once

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/tls_context.h"

enum tls_role { TLS_SERVER, TLS_CLIENT };

enum {
	TLS_CHAIN_MAX = 10,		/* certificates of one chain */
	TLS_PEM_MAX_BYTES = 1 << 20,	/* of a chain, a key */
	TLS_CA_PEM_MAX_BYTES = 1 << 24,	/* of trusted roots */
};

struct tls_context {
	atomic_uint refs;
	enum tls_role role;
	enum tls_verify verify;
	bool legacy;			/* a server that takes old clients */
	SSL_CTX *ssl;
	/* How OpenSSL reads and writes ciphertext; made once here, so that no
	 * mutable file-level variable is needed. */
	BIO_METHOD *pipe;
};

/* The method of tls.c's pipe: BIO_get_data is the struct tls. NULL out of
 * memory. */
BIO_METHOD *tls_pipe_method(void);

/*
 * Makes an error from the front of OpenSSL's queue and empties the queue;
 * `what` is what failed. Out of memory becomes ERR_INTERNAL whatever kind
 * says. Returns false.
 */
bool crypto_err(struct err *err, enum err_kind kind, enum err_scope scope,
		const char *where, const char *what);
