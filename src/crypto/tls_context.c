/*
 * What connections of one role share. Everything that reads files (the
 * system's roots, openssl.cnf) happens while a context opens, before the
 * sandbox closes; afterwards a context never changes.
 *
 * The settings are those of Mozilla's "intermediate" (RELIABILITY 4.7),
 * without the DHE suites: every client that has them has ECDHE as well.
 */
#include "crypto/crypto_private.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define CIPHERS_INTERMEDIATE                                              \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"      \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"      \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
/* For a peer that is not verified anyway, a weak suite beats clear text. */
#define CIPHERS_OPPORTUNISTIC                                             \
	CIPHERS_INTERMEDIATE ":HIGH:!aNULL:!eNULL:!PSK:!SRP"

/*
 * What devices and servers of before 2008 can do (RELIABILITY 4.7): the best
 * of what a client has is chosen, since the order is ours. RSA key exchange is
 * Exchange 2007's and Domino's; triple DES is there if OpenSSL was built with
 * it (Debian's isn't). Never RC4, export, SSLv3.
 */
#define CIPHERS_LEGACY                                                    \
	CIPHERS_INTERMEDIATE                                              \
	":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"                    \
	":ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"                    \
	":AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256"              \
	":AES128-SHA:AES256-SHA:DES-CBC3-SHA"

/* Wire form of the one protocol name we know (RFC 7301 3.1). */
static const unsigned char alpn_smtp[] = "\4smtp";

enum { TICKET_LIFETIME_S = 7200 };

/* --- ALPN ----------------------------------------------------------------- */

/*
 * RFC 7301 3.2: a client that names protocols, but not ours, is refused by
 * no_application_protocol. So nobody can aim an HTTPS or FTPS session at
 * this port (the ALPACA attack).
 */
static int select_alpn(SSL *ssl, const unsigned char **out,
		       unsigned char *out_len, const unsigned char *offered,
		       unsigned offered_len, void *arg)
{
	(void)ssl;
	(void)arg;
	unsigned at = 0;
	while (at < offered_len) {
		unsigned n = offered[at];
		if (n >= offered_len - at)
			break;
		if (n + 1 == sizeof(alpn_smtp) - 1 &&
		    memcmp(offered + at, alpn_smtp, n + 1) == 0) {
			*out = offered + at + 1;
			*out_len = (unsigned char)n;
			return SSL_TLSEXT_ERR_OK;
		}
		at += n + 1;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- PEM ------------------------------------------------------------------ */

/* Never asks at a terminal: an encrypted key is an error. */
static int no_passphrase(char *to, int size, int writing, void *arg)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static BIO *pem_source(slice pem, size_t max)
{
	static const char nothing[1];
	if (pem.n > max)
		return NULL;
	return BIO_new_mem_buf(pem.n ? pem.p : nothing, (int)pem.n);
}

/* True at the proper end of a PEM file: no further BEGIN line. */
static bool pem_ended(void)
{
	unsigned long code = ERR_peek_last_error();
	bool ended = ERR_GET_LIB(code) == ERR_LIB_PEM &&
		     ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
	if (ended)
		ERR_clear_error();
	return ended;
}

static bool certificate_error(struct err *err, const char *what)
{
	return crypto_err(err, ERR_PERMANENT, SCOPE_SELF, "tls_context", what);
}

/* The certificates behind the first one, in the order of the file. */
static bool use_chain(SSL_CTX *ssl, BIO *pem, struct err *err)
{
	for (int i = 0; i < TLS_CHAIN_MAX; i++) {
		X509 *issuer = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
		if (issuer == NULL)
			return pem_ended() ||
			       certificate_error(err, "certificate chain");
		if (SSL_CTX_add0_chain_cert(ssl, issuer) != 1) {
			X509_free(issuer);
			return certificate_error(err, "certificate chain");
		}
	}
	return certificate_error(err, "certificate chain is too long");
}

static enum tls_pair use_key(SSL_CTX *ssl, X509 *leaf, slice key_pem,
			     struct err *err)
{
	enum tls_pair is = TLS_PAIR_KEY;
	EVP_PKEY *key = NULL;
	BIO *pem = pem_source(key_pem, TLS_PEM_MAX_BYTES);
	if (pem != NULL)
		key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
	if (key == NULL)
		certificate_error(err, "private key can't be read "
				       "(PEM, not encrypted)");
	else if (X509_check_private_key(leaf, key) != 1) {
		certificate_error(err, "private key does not belong to the "
				       "certificate");
		is = TLS_PAIR_FOREIGN;
	} else if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
		certificate_error(err, "private key can't be used");
	else
		is = TLS_PAIR_GOOD;
	EVP_PKEY_free(key);
	BIO_free(pem);
	return is;
}

static enum tls_pair use_certificate(SSL_CTX *ssl, slice certificate_pem,
				     slice key_pem, struct err *err)
{
	enum tls_pair is = TLS_PAIR_CERTIFICATE;
	X509 *leaf = NULL;
	BIO *pem = pem_source(certificate_pem, TLS_PEM_MAX_BYTES);
	if (pem != NULL)
		leaf = PEM_read_bio_X509_AUX(pem, NULL, no_passphrase, NULL);
	if (leaf == NULL)
		certificate_error(err, "certificate can't be read (PEM)");
	else if (SSL_CTX_use_certificate(ssl, leaf) != 1)
		certificate_error(err, "certificate can't be used");
	else if (use_chain(ssl, pem, err))
		is = use_key(ssl, leaf, key_pem, err);
	X509_free(leaf);
	BIO_free(pem);
	return is;
}

/* --- trusted roots -------------------------------------------------------- */

static bool trust_pem(SSL_CTX *ssl, slice ca_pem, struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	BIO *pem = pem_source(ca_pem, TLS_CA_PEM_MAX_BYTES);
	unsigned count = 0;
	bool ok = pem != NULL && store != NULL;
	while (ok) {	/* ends with the input: TLS_CA_PEM_MAX_BYTES */
		X509 *root = PEM_read_bio_X509_AUX(pem, NULL, no_passphrase,
						   NULL);
		if (root == NULL) {
			ok = pem_ended() && count > 0;
			break;
		}
		ok = X509_STORE_add_cert(store, root) == 1;
		X509_free(root);
		count++;
	}
	BIO_free(pem);
	return ok || certificate_error(err, "trusted roots can't be read");
}

static bool trust(SSL_CTX *ssl, slice ca_pem, struct err *err)
{
	if (ca_pem.n > 0)
		return trust_pem(ssl, ca_pem, err);
	/* The bundle only, not the hashed directory: a directory is read at
	 * each handshake, where the sandbox no longer lets us. */
	const char *bundle = X509_get_default_cert_file();
	return SSL_CTX_load_verify_file(ssl, bundle) == 1 ||
	       SSL_CTX_load_verify_file(
		       ssl, "/etc/ssl/certs/ca-certificates.crt") == 1 ||
	       certificate_error(err, "the system's trusted roots");
}

/* --- contexts ------------------------------------------------------------- */

static bool set_protocol(struct tls_context *c)
{
	/* set_… overrides what openssl.cnf says (MinProtocol, CipherString). */
	int groups[] = { NID_X25519, NID_X9_62_prime256v1, NID_secp384r1 };
	bool weak = c->role == TLS_CLIENT && c->verify == TLS_VERIFY_NONE;
	const char *ciphers = c->legacy ? CIPHERS_LEGACY
			    : weak ? CIPHERS_OPPORTUNISTIC
				   : CIPHERS_INTERMEDIATE;
	/* OpenSSL 3 has no TLS 1.0 and 1.1 above level 0. */
	SSL_CTX_set_security_level(c->ssl, weak || c->legacy ? 0 : 2);
	SSL_CTX_clear_options(c->ssl, SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);
	if (c->legacy)
		SSL_CTX_clear_options(c->ssl, SSL_OP_NO_TLSv1 |
				      SSL_OP_NO_TLSv1_1);
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_COMPRESSION |
			    SSL_OP_NO_RENEGOTIATION |
			    SSL_OP_CIPHER_SERVER_PREFERENCE |
			    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(c->ssl, 0);
	return SSL_CTX_set_min_proto_version(c->ssl, c->legacy
					     ? TLS1_VERSION
					     : TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(c->ssl, 0) == 1 &&
	       SSL_CTX_set_cipher_list(c->ssl, ciphers) == 1 &&
	       SSL_CTX_set1_groups(c->ssl, groups, ARRAY_LEN(groups)) == 1;
}

static struct tls_context *context_new(enum tls_role role,
				       enum tls_verify verify, bool legacy,
				       struct err *err)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		err_set_memory(err, "tls_context");
		return NULL;
	}
	atomic_init(&c->refs, 1);
	c->role = role;
	c->verify = verify;
	c->legacy = legacy;
	c->pipe = tls_pipe_method();
	c->ssl = SSL_CTX_new(role == TLS_SERVER ? TLS_server_method()
						: TLS_client_method());
	if (c->pipe == NULL || c->ssl == NULL || !set_protocol(c)) {
		certificate_error(err, "TLS can't be set up");
		tls_context_unref(&c);
	}
	return c;
}

static enum tls_pair server_new(slice certificate_pem, slice key_pem,
				bool legacy, struct tls_context **out,
				struct err *err)
{
	*out = NULL;
	ERR_clear_error();
	struct tls_context *c = context_new(TLS_SERVER, TLS_VERIFY_NONE,
					    legacy, err);
	if (c == NULL)
		return TLS_PAIR_FAULT;
	/* Tickets (stateless): no session of ours to keep, and one of them is
	 * enough for a client that comes back. */
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c->ssl, 1);
	SSL_CTX_set_timeout(c->ssl, TICKET_LIFETIME_S);
	SSL_CTX_set_max_early_data(c->ssl, 0);
	SSL_CTX_set_alpn_select_cb(c->ssl, select_alpn, NULL);
	enum tls_pair is = use_certificate(c->ssl, certificate_pem, key_pem,
					   err);
	if (is == TLS_PAIR_GOOD)
		*out = c;
	else
		tls_context_unref(&c);
	return is;
}

bool tls_context_server(slice certificate_pem, slice key_pem,
			struct tls_context **out, struct err *err)
{
	return server_new(certificate_pem, key_pem, false, out, err) ==
	       TLS_PAIR_GOOD;
}

bool tls_context_server_legacy(slice certificate_pem, slice key_pem,
			       struct tls_context **out, struct err *err)
{
	return server_new(certificate_pem, key_pem, true, out, err) ==
	       TLS_PAIR_GOOD;
}

enum tls_pair tls_pair_judge(slice certificate_pem, slice key_pem,
			     struct err *err)
{
	struct tls_context *c;
	enum tls_pair is = server_new(certificate_pem, key_pem, false, &c,
				      err);
	tls_context_unref(&c);
	return is == TLS_PAIR_GOOD || err->kind == ERR_PERMANENT
		       ? is : TLS_PAIR_FAULT;
}

bool tls_context_client(enum tls_verify verify, slice ca_pem,
			struct tls_context **out, struct err *err)
{
	invariant(out != NULL);
	*out = NULL;
	ERR_clear_error();
	struct tls_context *c = context_new(TLS_CLIENT, verify, false, err);
	if (c == NULL)
		return false;
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(c->ssl, verify == TLS_VERIFY_NAME ? SSL_VERIFY_PEER
			   : SSL_VERIFY_NONE, NULL);
	if (verify == TLS_VERIFY_NAME && !trust(c->ssl, ca_pem, err)) {
		tls_context_unref(&c);
		return false;
	}
	*out = c;
	return true;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
	unsigned before = atomic_fetch_add_explicit(&c->refs, 1,
						    memory_order_relaxed);
	invariant(before > 0 && before < UINT32_MAX);
	return c;
}

void tls_context_unref(struct tls_context **c)
{
	struct tls_context *gone = *c;
	*c = NULL;
	if (gone == NULL)
		return;
	unsigned before = atomic_fetch_sub_explicit(&gone->refs, 1,
						    memory_order_acq_rel);
	invariant(before > 0);
	if (before > 1)
		return;
	SSL_CTX_free(gone->ssl);
	BIO_meth_free(gone->pipe);
	free(gone);
}
