/*
 * One TLS connection over OpenSSL, sans-I/O. OpenSSL reads ciphertext from
 * the caller's slice and writes to the caller's buffer through a BIO of our
 * own (the "pipe"), so between calls nothing stands here but the SSL object.
 * The one exception: ciphertext that a full `plain` buffer kept us from
 * reading waits in `kept`.
 *
 *	HANDSHAKE → OPEN		[step_handshake]
 *	HANDSHAKE, OPEN → FAILED	[fail]
 *	OPEN → PEER_CLOSED		[step_read]
 *
 * RFC 8446, 5246. One thread at a time.
 */
#include "crypto/tls.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/crypto_private.h"

enum {
	TLS_NAME_MAX = 253,
	TLS_RECORD = 16384,		/* RFC 8446 5.1 */
	TLS_READ_LEAST = 256,		/* room for a small record */
	TLS_KEPT_MAX = 1 << 20,		/* the caller must drain plain */
};

struct tls {
	SSL *ssl;
	struct tls_context *context;
	slice in;			/* during a call: not yet read */
	struct buf *out;		/* during a call */
	struct buf kept;
	enum tls_state state;
	bool nameless;			/* verifies, but there is no name */
};

static void tls_check(const struct tls *t)
{
	invariant(t->ssl != NULL && t->context != NULL);
	invariant(t->out == NULL && t->in.n == 0);
	switch (t->state) {
	case TLS_HANDSHAKE:
		invariant(!SSL_is_init_finished(t->ssl));
		break;
	case TLS_OPEN:
		break;
	case TLS_PEER_CLOSED:
	case TLS_FAILED:
		invariant(t->kept.n == 0);
		break;
	default:
		unreachable_state("tls state");
	}
}

/* --- the pipe ------------------------------------------------------------- */

static int pipe_read(BIO *bio, char *to, int n)
{
	struct tls *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	invariant(n >= 0);
	if (t->in.n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t take = t->in.n < (size_t)n ? t->in.n : (size_t)n;
	memcpy(to, t->in.p, take);
	t->in = slice_skip(t->in, take);
	return (int)take;
}

static int pipe_write(BIO *bio, const char *from, int n)
{
	struct tls *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	invariant(n >= 0);
	if (t->out == NULL)	/* SSL_free has nobody to talk to */
		return -1;
	buf_append_bytes(t->out, from, (size_t)n);
	return t->out->failed ? -1 : n;
}

static long pipe_ctrl(BIO *bio, int command, long number, void *p)
{
	(void)bio;
	(void)number;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_pipe_method(void)
{
	/* A fixed type: BIO_get_new_index has only 127 to give for ever. */
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_TYPE_START,
				     "tls pipe");
	if (m == NULL)
		return NULL;
	if (BIO_meth_set_read(m, pipe_read) == 1 &&
	    BIO_meth_set_write(m, pipe_write) == 1 &&
	    BIO_meth_set_ctrl(m, pipe_ctrl) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

static bool attach_pipe(struct tls *t)
{
	BIO *bio = BIO_new(t->context->pipe);
	if (bio == NULL)
		return false;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return true;
}

/* --- life ----------------------------------------------------------------- */

static bool set_client_name(struct tls *t, slice name)
{
	char text[TLS_NAME_MAX + 1];
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || !slice_to_cstr(name, text, sizeof(text))) {
		t->nameless = t->context->verify == TLS_VERIFY_NAME;
		return true;
	}
	/* RFC 6066 3: an address is no server name. */
	bool is_address = X509_VERIFY_PARAM_set1_ip_asc(param, text) == 1;
	ERR_clear_error();
	if (is_address)
		return true;
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(t->ssl, text) == 1 &&
	       X509_VERIFY_PARAM_set1_host(param, text, 0) == 1;
}

struct tls *tls_new(struct tls_context *context, slice name)
{
	struct tls *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	ERR_clear_error();
	t->context = tls_context_ref(context);
	buf_init(&t->kept, TLS_KEPT_MAX);
	t->ssl = SSL_new(context->ssl);
	if (t->ssl == NULL || !attach_pipe(t))
		goto fail;
	if (context->role == TLS_SERVER) {
		SSL_set_accept_state(t->ssl);
	} else {
		SSL_set_connect_state(t->ssl);
		if (!set_client_name(t, name))
			goto fail;
	}
	tls_check(t);
	return t;
fail:
	ERR_clear_error();
	tls_free(&t);
	return NULL;
}

void tls_free(struct tls **tp)
{
	struct tls *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	buf_fini(&t->kept);
	tls_context_unref(&t->context);
	free(t);
}

enum tls_state tls_state(const struct tls *t)
{
	return t->state;
}

/* --- failing -------------------------------------------------------------- */

static bool fail(struct tls *t, enum err_kind kind, struct err *err,
		 const char *what)
{
	enum err_scope scope = t->context->role == TLS_SERVER ? SCOPE_SESSION
							      : SCOPE_HOST;
	t->state = TLS_FAILED;
	return crypto_err(err, kind, scope, "tls", what);
}

/* After an SSL call that failed for good. */
static bool fail_ssl(struct tls *t, struct err *err)
{
	long verdict = SSL_get_verify_result(t->ssl);
	if (t->out->failed) {
		t->state = TLS_FAILED;
		ERR_clear_error();
		return err_set(err, ERR_LIMIT, SCOPE_SESSION, "tls",
			       "output buffer is full");
	}
	if (t->state == TLS_HANDSHAKE && verdict != X509_V_OK &&
	    t->context->verify == TLS_VERIFY_NAME) {
		/* Temporary: certificates are mended while mail waits. */
		fail(t, ERR_TEMPORARY, err, "certificate not trusted");
		return err_set(err, ERR_TEMPORARY, SCOPE_HOST, "tls",
			       "certificate not trusted: %s",
			       X509_verify_cert_error_string(verdict));
	}
	return fail(t, ERR_PROTOCOL, err, t->state == TLS_HANDSHAKE
		    ? "TLS handshake failed" : "TLS failed");
}

/* --- reading -------------------------------------------------------------- */

static bool step_handshake(struct tls *t, struct err *err)
{
	int done = SSL_do_handshake(t->ssl);
	if (done == 1) {
		t->state = TLS_OPEN;
		return true;
	}
	if (SSL_get_error(t->ssl, done) == SSL_ERROR_WANT_READ &&
	    !t->out->failed)
		return true;
	return fail_ssl(t, err);
}

/* How much to ask for: plaintext is never longer than its ciphertext, so
 * a short command takes little memory. */
static size_t read_room(const struct tls *t, const struct buf *plain)
{
	size_t left = plain->max - plain->n;
	size_t want = t->in.n + (size_t)SSL_pending(t->ssl);
	want = want < TLS_READ_LEAST ? TLS_READ_LEAST : want;
	want = want > TLS_RECORD ? TLS_RECORD : want;
	return want < left ? want : left;
}

/* Reads records until the input ends, plain is full or the peer closes. */
static bool step_read(struct tls *t, struct buf *plain, struct err *err)
{
	while (t->state == TLS_OPEN) {
		size_t room = read_room(t, plain), got = 0;
		if (room == 0)
			return true;
		char *to = buf_room(plain, room);
		if (to == NULL) {
			t->state = TLS_FAILED;
			return err_set_memory(err, "tls");
		}
		int done = SSL_read_ex(t->ssl, to, room, &got);
		if (done == 1) {
			buf_added(plain, got);
			continue;
		}
		int why = SSL_get_error(t->ssl, done);
		if (why == SSL_ERROR_ZERO_RETURN)
			t->state = TLS_PEER_CLOSED;
		else if (why == SSL_ERROR_WANT_READ && !t->out->failed)
			return true;
		else
			return fail_ssl(t, err);
	}
	return true;
}

static bool begin_input(struct tls *t, slice ciphertext)
{
	if (t->kept.n == 0) {
		t->in = ciphertext;
		return true;
	}
	buf_append(&t->kept, ciphertext);
	t->in = buf_slice(&t->kept);
	return !t->kept.failed;
}

static bool end_input(struct tls *t)
{
	slice rest = t->in;
	t->in = (slice){ 0 };
	if (t->state == TLS_FAILED || t->state == TLS_PEER_CLOSED ||
	    rest.n == 0)
		buf_release(&t->kept);
	else if (t->kept.n > 0)
		buf_consume(&t->kept, t->kept.n - rest.n);
	else
		buf_append(&t->kept, rest);
	return !t->kept.failed;
}

bool tls_feed(struct tls *t, slice ciphertext, struct buf *plain,
	      struct buf *cipher, struct err *err)
{
	tls_check(t);
	invariant(plain != cipher);
	if (t->state == TLS_PEER_CLOSED)	/* RFC 8446 6.1: ignored */
		return true;
	ERR_clear_error();
	if (t->state == TLS_FAILED)
		return fail(t, ERR_PROTOCOL, err, "TLS connection is over");
	if (t->nameless)
		return fail(t, ERR_TEMPORARY, err, "no name to verify");
	bool ok = begin_input(t, ciphertext);
	t->out = cipher;
	if (!ok)
		fail(t, ERR_LIMIT, err, "TLS input is not drained");
	if (ok && t->state == TLS_HANDSHAKE)
		ok = step_handshake(t, err);
	if (ok && t->state == TLS_OPEN)
		ok = step_read(t, plain, err);
	t->out = NULL;
	if (!end_input(t) && ok)
		ok = fail(t, ERR_LIMIT, err, "TLS input is not drained");
	if (t->state == TLS_FAILED)
		buf_release(&t->kept);
	tls_check(t);
	return ok;
}

bool tls_has_more(const struct tls *t)
{
	return t->state == TLS_OPEN &&
	       (t->kept.n > 0 || SSL_pending(t->ssl) > 0);
}

/* --- writing -------------------------------------------------------------- */

bool tls_write(struct tls *t, slice plaintext, struct buf *cipher,
	       struct err *err)
{
	tls_check(t);
	invariant(t->state == TLS_OPEN || t->state == TLS_PEER_CLOSED);
	if (plaintext.n == 0)
		return true;
	ERR_clear_error();
	size_t written = 0;
	t->out = cipher;
	int done = SSL_write_ex(t->ssl, plaintext.p, plaintext.n, &written);
	bool ok = done == 1 && !cipher->failed;
	if (!ok)
		fail_ssl(t, err);
	else
		invariant(written == plaintext.n);
	t->out = NULL;
	if (t->state == TLS_FAILED)
		buf_release(&t->kept);
	tls_check(t);
	return ok;
}

void tls_close(struct tls *t, struct buf *cipher)
{
	tls_check(t);
	if (t->state != TLS_OPEN && t->state != TLS_PEER_CLOSED)
		return;
	ERR_clear_error();
	t->out = cipher;
	(void)SSL_shutdown(t->ssl);	/* twice sends one alert only */
	t->out = NULL;
	ERR_clear_error();
}

/* --- what was agreed ------------------------------------------------------ */

static bool agreed(const struct tls *t)
{
	return t->state != TLS_HANDSHAKE && SSL_get_current_cipher(t->ssl);
}

const char *tls_version(const struct tls *t)
{
	return agreed(t) ? SSL_get_version(t->ssl) : "";
}

const char *tls_cipher(const struct tls *t)
{
	return agreed(t) ? SSL_CIPHER_get_name(SSL_get_current_cipher(t->ssl))
			 : "";
}

unsigned tls_cipher_bits(const struct tls *t)
{
	int bits = agreed(t) ? SSL_CIPHER_get_bits(
				       SSL_get_current_cipher(t->ssl), NULL)
			     : 0;
	return bits > 0 ? (unsigned)bits : 0;
}

bool tls_peer_verified(const struct tls *t)
{
	return agreed(t) && t->context->role == TLS_CLIENT &&
	       t->context->verify == TLS_VERIFY_NAME &&
	       SSL_get0_peer_certificate(t->ssl) != NULL &&
	       SSL_get_verify_result(t->ssl) == X509_V_OK;
}

bool tls_is_legacy(const struct tls *t)
{
	if (!agreed(t))
		return false;
	const SSL_CIPHER *c = SSL_get_current_cipher(t->ssl);
	int version = SSL_version(t->ssl);
	return version < TLS1_2_VERSION || !SSL_CIPHER_is_aead(c) ||
	       (version == TLS1_2_VERSION &&
		SSL_CIPHER_get_kx_nid(c) != NID_kx_ecdhe);
}
