/*
 * TLS without cryptography behind the headers of src/crypto: flights of the
 * usual lengths, then records with the plain text in them. A record that is
 * none (plain SMTP, rubbish) fails as it would fail with OpenSSL.
 *
 *	record: 'h' handshake | 'd' data | 'c' close_notify, u16 length, bytes
 */
#include "crypto/tls.h"

#include "sim/heap.h"

enum { RECORD_HEAD = 3, RECORD_MAX = 16384, KEPT_MAX = 1 << 20,
       HELLO_BYTES = 220, SERVER_FLIGHT_BYTES = 1300, FINISHED_BYTES = 60 };

struct tls_context {
	unsigned refs;
	bool server;
};

struct tls {
	struct tls_context *context;
	enum tls_state state;
	bool said_hello, said_close;
	struct buf kept;		/* not yet read */
	size_t left;			/* of the data record at its front */
};

/* --- contexts ------------------------------------------------------------- */

static bool context_new(bool server, struct tls_context **out,
			struct err *err)
{
	struct tls_context *c = heap_calloc(1, sizeof(*c));
	*out = c;
	if (c == NULL)
		return err_set_memory(err, "tls");
	c->refs = 1;
	c->server = server;
	return true;
}

bool tls_context_server(slice certificate_pem, slice key_pem,
			struct tls_context **out, struct err *err)
{
	(void)certificate_pem;
	(void)key_pem;
	return context_new(true, out, err);
}

bool tls_context_server_legacy(slice certificate_pem, slice key_pem,
			       struct tls_context **out, struct err *err)
{
	return tls_context_server(certificate_pem, key_pem, out, err);
}

bool tls_context_client(enum tls_verify verify, slice ca_pem,
			struct tls_context **out, struct err *err)
{
	(void)verify;
	(void)ca_pem;
	return context_new(false, out, err);
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
	c->refs++;
	return c;
}

void tls_context_unref(struct tls_context **cp)
{
	struct tls_context *c = *cp;
	*cp = NULL;
	if (c != NULL && --c->refs == 0)
		heap_free(c);
}

/* --- a connection --------------------------------------------------------- */

struct tls *tls_new(struct tls_context *context, slice name)
{
	struct tls *t = heap_calloc(1, sizeof(*t));
	(void)name;
	if (t == NULL)
		return NULL;
	t->context = tls_context_ref(context);
	buf_init(&t->kept, KEPT_MAX);
	return t;
}

void tls_free(struct tls **tp)
{
	struct tls *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	buf_fini(&t->kept);
	tls_context_unref(&t->context);
	heap_free(t);
}

enum tls_state tls_state(const struct tls *t)
{
	return t->state;
}

static void put_record(struct buf *cipher, char kind, const char *p, size_t n)
{
	char head[RECORD_HEAD] = { kind, (char)(n >> 8), (char)n };
	invariant(n <= RECORD_MAX);
	buf_append_bytes(cipher, head, sizeof(head));
	if (p != NULL) {
		buf_append_bytes(cipher, p, n);
		return;
	}
	char *to = buf_room(cipher, n);
	if (to != NULL) {
		memset(to, 0, n);
		buf_added(cipher, n);
	}
}

static bool fail(struct tls *t, enum err_kind kind, const char *what,
		 struct err *err)
{
	t->state = TLS_FAILED;
	buf_release(&t->kept);
	return err_set(err, kind,
		       t->context->server ? SCOPE_SESSION : SCOPE_HOST, "tls",
		       "%s", what);
}

static void handshake_record(struct tls *t, struct buf *cipher)
{
	if (t->context->server && !t->said_hello) {
		t->said_hello = true;
		put_record(cipher, 'h', NULL, SERVER_FLIGHT_BYTES);
		return;
	}
	if (!t->context->server)
		put_record(cipher, 'h', NULL, FINISHED_BYTES);
	t->state = TLS_OPEN;
}

/* Plain text as far as there is room. */
static void take_data(struct tls *t, struct buf *plain)
{
	size_t n = t->kept.n < t->left ? t->kept.n : t->left;
	size_t room = plain->max - plain->n;
	n = n < room ? n : room;
	buf_append(plain, (slice){ t->kept.p, n });
	if (plain->failed)
		return;
	buf_consume(&t->kept, n);
	t->left -= n;
}

/* The record at the front of kept; false when it is not whole yet (data may
 * be taken in parts) or there is no room. */
static bool step(struct tls *t, struct buf *plain, struct buf *cipher,
		 bool *bad)
{
	if (t->left > 0) {
		size_t before = t->left;
		take_data(t, plain);
		return t->left == 0 && before > 0 && !plain->failed;
	}
	if (t->kept.n < 1)
		return false;
	char kind = t->kept.p[0];
	bool right = t->state == TLS_HANDSHAKE ? kind == 'h'
					       : kind == 'd' || kind == 'c';
	*bad = !right;
	if (!right || t->kept.n < RECORD_HEAD)
		return false;
	size_t n = (size_t)(uint8_t)t->kept.p[1] << 8 | (uint8_t)t->kept.p[2];
	*bad = n > RECORD_MAX;
	if (*bad || (kind == 'h' && t->kept.n < RECORD_HEAD + n))
		return false;
	buf_consume(&t->kept, RECORD_HEAD + (kind == 'h' ? n : 0));
	if (kind == 'h')
		handshake_record(t, cipher);
	else if (kind == 'c')
		t->state = TLS_PEER_CLOSED;
	else
		t->left = n;
	return true;
}

bool tls_feed(struct tls *t, slice ciphertext, struct buf *plain,
	      struct buf *cipher, struct err *err)
{
	bool bad = false;
	if (t->state == TLS_PEER_CLOSED)
		return true;
	if (t->state == TLS_FAILED)
		return fail(t, ERR_PROTOCOL, "TLS connection is over", err);
	if (!t->context->server && !t->said_hello) {
		t->said_hello = true;
		put_record(cipher, 'h', NULL, HELLO_BYTES);
	}
	if (ciphertext.n > 0)
		buf_append(&t->kept, ciphertext);
	if (t->kept.failed)
		return fail(t, ERR_LIMIT, "TLS input is not drained", err);
	while (t->state != TLS_PEER_CLOSED && step(t, plain, cipher, &bad))
		;
	if (bad)
		return fail(t, ERR_PROTOCOL, t->state == TLS_HANDSHAKE ?
			    "TLS handshake failed" : "TLS failed", err);
	if (plain->failed || cipher->failed) {
		t->state = TLS_FAILED;
		return err_set_memory(err, "tls");
	}
	if (t->kept.n == 0)
		buf_release(&t->kept);
	return true;
}

/* Only what step would take: a record that is not whole waits for more. */
bool tls_has_more(const struct tls *t)
{
	return t->state == TLS_OPEN && t->kept.n > 0 &&
	       (t->left > 0 || t->kept.n >= RECORD_HEAD);
}

bool tls_write(struct tls *t, slice plaintext, struct buf *cipher,
	       struct err *err)
{
	invariant(t->state == TLS_OPEN || t->state == TLS_PEER_CLOSED);
	while (plaintext.n > 0) {
		slice piece = slice_sub(plaintext, 0, RECORD_MAX);
		put_record(cipher, 'd', piece.p, piece.n);
		plaintext = slice_skip(plaintext, piece.n);
	}
	return !cipher->failed ||
	       fail(t, ERR_LIMIT, "output buffer is full", err);
}

void tls_close(struct tls *t, struct buf *cipher)
{
	bool open = t->state == TLS_OPEN || t->state == TLS_PEER_CLOSED;
	if (open && !t->said_close)
		put_record(cipher, 'c', NULL, 0);
	t->said_close = open;
}

const char *tls_version(const struct tls *t)
{
	return t->state == TLS_HANDSHAKE ? "" : "TLSv1.3";
}

const char *tls_cipher(const struct tls *t)
{
	return t->state == TLS_HANDSHAKE ? "" : "TLS_PLAIN";
}

unsigned tls_cipher_bits(const struct tls *t)
{
	return t->state == TLS_HANDSHAKE ? 0 : 128;
}

bool tls_peer_verified(const struct tls *t)
{
	(void)t;
	return false;
}

bool tls_is_legacy(const struct tls *t)
{
	(void)t;
	return false;
}
