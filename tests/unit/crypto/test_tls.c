/*
 * TLS connections in memory: a server of ours with a client of ours, in
 * pieces of any size, and with clients that ours never is (RELIABILITY 4.7).
 */
#include "unit/crypto/tls_pair.h"

#include <malloc.h>
#include <stdio.h>
#include <openssl/ssl.h>

struct fixture {
	struct identity id;
	struct tls_context *server, *anyone, *verifying;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;
	assert_non_null(f);
	identity_make(&f->id, "mx.example.net");
	slice cert = buf_slice(&f->id.certificate);
	assert_true(tls_context_server(cert, buf_slice(&f->id.key), &f->server,
				       &err));
	assert_true(tls_context_client(TLS_VERIFY_NONE, (slice){ 0 },
				       &f->anyone, &err));
	assert_true(tls_context_client(TLS_VERIFY_NAME, cert, &f->verifying,
				       &err));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	tls_context_unref(&f->server);
	tls_context_unref(&f->anyone);
	tls_context_unref(&f->verifying);
	identity_free(&f->id);
	free(f);
	return 0;
}

static void send_plain(struct tls_end *from, slice s)
{
	assert_true(tls_write(from->tls, s, &from->cipher, &from->err));
}

/* --- ours with ours ------------------------------------------------------ */

static void handshake_works_in_any_pieces(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = { 1, 2, 5, 7, 100, 16384, 1 << 20 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct tls_end c, s;
		end_init(&c, f->verifying, SLICE("mx.example.net"));
		end_init(&s, f->server, (slice){ 0 });
		assert_string_equal(tls_version(s.tls), "");
		talk(&c, &s, sizes[i]);
		assert_int_equal(tls_state(c.tls), TLS_OPEN);
		assert_int_equal(tls_state(s.tls), TLS_OPEN);
		assert_string_equal(tls_version(s.tls), "TLSv1.3");
		assert_string_equal(tls_cipher(s.tls), tls_cipher(c.tls));
		assert_true(tls_cipher_bits(s.tls) >= 128);
		assert_true(tls_peer_verified(c.tls));
		assert_false(tls_peer_verified(s.tls));
		send_plain(&c, SLICE("EHLO a\r\n"));
		send_plain(&s, SLICE("250 b\r\n"));
		talk(&c, &s, sizes[i]);
		assert_slice_eq(buf_slice(&s.plain), "EHLO a\r\n");
		assert_slice_eq(buf_slice(&c.plain), "250 b\r\n");
		end_fini(&c);
		end_fini(&s);
	}
}

static void big_transfers_arrive_unchanged(void **state)
{
	struct fixture *f = *state;
	struct tls_end c, s;
	size_t n = 5 << 20;
	char *bytes = malloc(n);
	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 2654435761U >> 13);
	end_init(&c, f->anyone, SLICE("mx.example.net"));
	end_init(&s, f->server, (slice){ 0 });
	talk(&c, &s, 4096);
	send_plain(&c, (slice){ bytes, n });
	send_plain(&s, (slice){ bytes, n / 3 });
	talk(&c, &s, 4099);
	assert_int_equal(s.plain.n, n);
	assert_memory_equal(s.plain.p, bytes, n);
	assert_int_equal(c.plain.n, n / 3);
	assert_memory_equal(c.plain.p, bytes, n / 3);
	end_fini(&c);
	end_fini(&s);
	free(bytes);
}

static void a_full_plain_buffer_holds_the_rest_back(void **state)
{
	struct fixture *f = *state;
	struct tls_end c, s;
	char bytes[70000];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	end_init(&c, f->anyone, (slice){ 0 });
	end_init(&s, f->server, (slice){ 0 });
	talk(&c, &s, 4096);
	send_plain(&c, (slice){ bytes, sizeof(bytes) });
	struct buf small;
	buf_init(&small, 1000);
	size_t seen = 0;
	assert_true(tls_feed(s.tls, buf_slice(&c.cipher), &small, &s.cipher,
			     &s.err));
	for (int i = 0; i < 1000 && small.n > 0; i++) {
		assert_true(small.n <= 1000 && !small.failed);
		assert_memory_equal(small.p, bytes + seen, small.n);
		seen += small.n;
		assert_int_equal(tls_has_more(s.tls), seen < sizeof(bytes));
		buf_clear(&small);
		assert_true(tls_feed(s.tls, (slice){ 0 }, &small, &s.cipher,
				     &s.err));
	}
	assert_int_equal(seen, sizeof(bytes));
	buf_fini(&small);
	end_fini(&c);
	end_fini(&s);
}

static void input_that_nobody_drains_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	struct tls_end c, s;
	static char zeros[1 << 20];
	bool ok = true;
	end_init(&c, f->anyone, (slice){ 0 });
	end_init(&s, f->server, (slice){ 0 });
	talk(&c, &s, 4096);
	struct buf small;
	buf_init(&small, 100);
	for (int i = 0; i < 3 && ok; i++) {
		send_plain(&c, (slice){ zeros, sizeof(zeros) });
		ok = tls_feed(s.tls, buf_slice(&c.cipher), &small, &s.cipher,
			      &s.err);
		buf_clear(&c.cipher);
	}
	assert_false(ok);
	assert_int_equal(s.err.kind, ERR_LIMIT);
	assert_int_equal(tls_state(s.tls), TLS_FAILED);
	buf_fini(&small);
	end_fini(&c);
	end_fini(&s);
}

static void a_full_cipher_buffer_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	struct tls_end c, s;
	end_init(&c, f->anyone, (slice){ 0 });
	end_init(&s, f->server, (slice){ 0 });
	talk(&c, &s, 4096);
	struct buf small;
	char bytes[5000] = { 0 };
	buf_init(&small, 1000);
	assert_false(tls_write(s.tls, (slice){ bytes, sizeof(bytes) }, &small,
			       &s.err));
	assert_int_equal(s.err.kind, ERR_LIMIT);
	assert_int_equal(tls_state(s.tls), TLS_FAILED);
	buf_fini(&small);
	end_fini(&c);
	end_fini(&s);
}

static void close_notify_is_seen_and_answered(void **state)
{
	struct fixture *f = *state;
	struct tls_end c, s;
	end_init(&c, f->anyone, (slice){ 0 });
	end_init(&s, f->server, (slice){ 0 });
	talk(&c, &s, 1);
	send_plain(&c, SLICE("QUIT\r\n"));
	tls_close(c.tls, &c.cipher);
	carry(&c, &s, 1);
	assert_false(s.failed);
	assert_slice_eq(buf_slice(&s.plain), "QUIT\r\n");
	assert_int_equal(tls_state(s.tls), TLS_PEER_CLOSED);
	/* our side may still speak, and then closes too */
	send_plain(&s, SLICE("221 Bye\r\n"));
	tls_close(s.tls, &s.cipher);
	carry(&s, &c, 1);
	assert_false(c.failed);
	assert_slice_eq(buf_slice(&c.plain), "221 Bye\r\n");
	assert_int_equal(tls_state(c.tls), TLS_PEER_CLOSED);
	/* bytes behind it are ignored */
	end_feed(&s, SLICE("MAIL FROM:<>\r\n"));
	assert_false(s.failed);
	assert_slice_eq(buf_slice(&s.plain), "QUIT\r\n");
	size_t before = s.cipher.n;
	tls_close(s.tls, &s.cipher);
	assert_int_equal(s.cipher.n, before);
	end_fini(&c);
	end_fini(&s);
}

static void changed_records_end_the_connection(void **state)
{
	struct fixture *f = *state;
	for (size_t at = 0; at < 30; at++) {
		struct tls_end c, s;
		end_init(&c, f->anyone, (slice){ 0 });
		end_init(&s, f->server, (slice){ 0 });
		talk(&c, &s, 4096);
		send_plain(&c, SLICE("MAIL FROM:<a@a.example>\r\n"));
		assert_true(at < c.cipher.n);
		c.cipher.p[at] ^= 1;
		carry(&c, &s, 4096);
		/* a longer length just waits for more: then nothing is read */
		assert_int_equal(s.plain.n, 0);
		if (at >= 5) {
			assert_true(s.failed);
			assert_int_equal(s.err.kind, ERR_PROTOCOL);
			assert_true(s.cipher.n > 0);	/* the alert */
			end_feed(&s, SLICE("x"));
			assert_true(s.failed);
		}
		end_fini(&c);
		end_fini(&s);
	}
}

/* --- names and trust --------------------------------------------------- */

static void names_are_verified(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{ "mx.example.net", true }, { "MX.Example.NET", true },
		{ "mx.example.net.", true }, { "example.net", false },
		{ "a.mx.example.net", false }, { "192.0.2.1", false },
		{ "", false }, { "mx.example.org", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_end c, s;
		end_init(&c, f->verifying, slice_of(rows[i].name));
		end_init(&s, f->server, (slice){ 0 });
		talk(&c, &s, 50);
		assert_int_equal(tls_peer_verified(c.tls), rows[i].good);
		assert_int_equal(c.failed, !rows[i].good);
		if (!rows[i].good) {
			assert_int_equal(c.err.kind, ERR_TEMPORARY);
			assert_int_equal(c.err.scope, SCOPE_HOST);
			assert_int_equal(tls_state(c.tls), TLS_FAILED);
		}
		end_fini(&c);
		end_fini(&s);
	}
}

static void an_address_is_verified_as_address(void **state)
{
	struct fixture *f = *state;
	struct identity id;
	struct tls_context *server, *client;
	struct tls_end c, s;
	(void)f;
	identity_make(&id, "192.0.2.7");
	assert_true(tls_context_server(buf_slice(&id.certificate),
				       buf_slice(&id.key), &server, NULL));
	assert_true(tls_context_client(TLS_VERIFY_NAME,
				       buf_slice(&id.certificate), &client,
				       NULL));
	end_init(&c, client, SLICE("192.0.2.7"));
	end_init(&s, server, (slice){ 0 });
	talk(&c, &s, 4096);
	assert_true(tls_peer_verified(c.tls));
	end_fini(&c);
	end_fini(&s);
	tls_context_unref(&server);
	tls_context_unref(&client);
	identity_free(&id);
}

static void an_unknown_root_is_not_trusted(void **state)
{
	struct fixture *f = *state;
	struct identity other;
	struct tls_context *client;
	struct tls_end c, s;
	identity_make(&other, "mx.example.net");
	assert_true(tls_context_client(TLS_VERIFY_NAME,
				       buf_slice(&other.certificate), &client,
				       NULL));
	end_init(&c, client, SLICE("mx.example.net"));
	end_init(&s, f->server, (slice){ 0 });
	talk(&c, &s, 4096);
	assert_true(c.failed && s.failed);
	assert_non_null(strstr(c.err.text, "not trusted"));
	assert_int_equal(s.err.kind, ERR_PROTOCOL);	/* got the alert */
	assert_int_equal(s.err.scope, SCOPE_SESSION);
	assert_false(tls_peer_verified(c.tls));
	end_fini(&c);
	end_fini(&s);
	tls_context_unref(&client);
	identity_free(&other);
}

static void the_systems_roots_can_be_read(void **state)
{
	(void)state;
	struct tls_context *client = NULL;
	struct err err;
	if (!tls_context_client(TLS_VERIFY_NAME, (slice){ 0 }, &client, &err))
		skip();		/* no ca-certificates here */
	tls_context_unref(&client);
}

static void bad_certificates_and_keys_are_named(void **state)
{
	struct fixture *f = *state;
	struct identity other;
	struct tls_context *c;
	slice cert = buf_slice(&f->id.certificate), key = buf_slice(&f->id.key);
	identity_make(&other, "b.example");
	const struct {
		slice cert, key;
		const char *says;
	} rows[] = {
		{ cert, buf_slice(&other.key), "does not belong" },
		{ (slice){ 0 }, key, "certificate can't be read" },
		{ SLICE("hello"), key, "certificate can't be read" },
		{ cert, (slice){ 0 }, "private key can't be read" },
		{ cert, cert, "private key can't be read" },
		{ key, key, "certificate can't be read" },
		{ cert, slice_sub(key, 0, 60), "private key can't be read" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		assert_false(tls_context_server(rows[i].cert, rows[i].key, &c,
						&err));
		assert_null(c);
		assert_int_equal(err.kind, ERR_PERMANENT);
		if (strstr(err.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, err.text);
	}
	/* a chain: leaf, then another certificate; and roots that are none */
	struct buf chain;
	buf_init(&chain, 65536);
	buf_append(&chain, cert);
	buf_append(&chain, buf_slice(&other.certificate));
	assert_true(tls_context_server(buf_slice(&chain), key, &c, NULL));
	tls_context_unref(&c);
	for (int i = 0; i < 12; i++)
		buf_append(&chain, cert);
	struct err err;
	assert_false(tls_context_server(buf_slice(&chain), key, &c, &err));
	assert_non_null(strstr(err.text, "too long"));
	assert_false(tls_context_client(TLS_VERIFY_NAME, SLICE("none"), &c,
					&err));
	buf_fini(&chain);
	identity_free(&other);
}

/* --- clients that ours never is ------------------------------------------ */

struct raw {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
	int done;
	SSL_SESSION *session;
};

static void raw_init(struct raw *r, SSL_CTX *context)
{
	*r = (struct raw){ .context = context };
	r->ssl = SSL_new(context);
	r->in = BIO_new(BIO_s_mem());
	r->out = BIO_new(BIO_s_mem());
	SSL_set_bio(r->ssl, r->in, r->out);
	SSL_set_connect_state(r->ssl);
}

static void raw_fini(struct raw *r)
{
	/* else its session may not be resumed */
	SSL_set_shutdown(r->ssl, SSL_SENT_SHUTDOWN);
	SSL_free(r->ssl);
	SSL_CTX_free(r->context);
}

static bool raw_step(struct raw *r, struct tls_end *server)
{
	char *p;
	char junk[100];
	r->done = SSL_do_handshake(r->ssl);
	if (r->done == 1)
		SSL_read(r->ssl, junk, sizeof(junk));	/* tickets */
	long n = BIO_get_mem_data(r->out, &p);
	end_feed(server, (slice){ p, (size_t)n });
	(void)BIO_reset(r->out);
	bool more = n > 0 || server->cipher.n > 0;
	BIO_write(r->in, server->cipher.p, (int)server->cipher.n);
	buf_clear(&server->cipher);
	return more;
}

static void raw_talk(struct raw *r, struct tls_end *server)
{
	for (int i = 0; i < 20 && raw_step(r, server); i++)
		;
}

static SSL_CTX *raw_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	return context;
}

static void s1_9_old_versions_are_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int version;
		bool good;
	} rows[] = { { TLS1_VERSION, false }, { TLS1_1_VERSION, false },
		     { TLS1_2_VERSION, true }, { TLS1_3_VERSION, true } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_end s;
		struct raw c;
		SSL_CTX *context = raw_context();
		SSL_CTX_set_max_proto_version(context, rows[i].version);
		end_init(&s, f->server, (slice){ 0 });
		raw_init(&c, context);
		raw_talk(&c, &s);
		assert_int_equal(c.done == 1, rows[i].good);
		assert_int_equal(s.failed, !rows[i].good);
		if (!rows[i].good) {
			assert_int_equal(s.err.kind, ERR_PROTOCOL);
			assert_non_null(strstr(s.err.text, "protocol"));
		}
		raw_fini(&c);
		end_fini(&s);
	}
}

static void ciphers_are_ecdhe_and_aead_only(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *ciphers;
		bool good;
	} rows[] = {
		{ "ECDHE-ECDSA-AES128-GCM-SHA256", true },
		{ "ECDHE-ECDSA-CHACHA20-POLY1305", true },
		{ "ECDHE-ECDSA-AES128-SHA", false },
		{ "ECDHE-ECDSA-AES256-SHA384", false },
		{ "AECDH-AES128-SHA", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_end s;
		struct raw c;
		SSL_CTX *context = raw_context();
		SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
		assert_true(SSL_CTX_set_cipher_list(context, rows[i].ciphers));
		end_init(&s, f->server, (slice){ 0 });
		raw_init(&c, context);
		raw_talk(&c, &s);
		assert_int_equal(c.done == 1, rows[i].good);
		if (rows[i].good)
			assert_string_equal(tls_cipher(s.tls),
					    rows[i].ciphers);
		raw_fini(&c);
		end_fini(&s);
	}
}

/* What a legacy context takes more than others, and what it never takes. */
static void s1_9_a_legacy_context_takes_old_clients(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int version;
		const char *ciphers;
		bool good, legacy;
	} rows[] = {
		{ TLS1_VERSION, "ALL", true, true },
		{ TLS1_1_VERSION, "ALL", true, true },
		{ TLS1_VERSION, "ECDHE-ECDSA-AES128-SHA", true, true },
		{ TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA", true, true },
		{ TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true,
		  false },
		{ TLS1_2_VERSION, "ALL", true, false },
		{ TLS1_3_VERSION, "ALL", true, false },
		{ TLS1_VERSION, "AECDH-AES128-SHA", false, false },
		{ TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA", false, false },
		{ SSL3_VERSION, "ALL", false, false },
	};
	struct tls_context *legacy;
	assert_true(tls_context_server_legacy(buf_slice(&f->id.certificate),
					      buf_slice(&f->id.key), &legacy,
					      NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_end s;
		struct raw c;
		SSL_CTX *context = raw_context();
		SSL_CTX_set_min_proto_version(context, 0);
		SSL_CTX_set_max_proto_version(context, rows[i].version);
		assert_true(SSL_CTX_set_cipher_list(context, rows[i].ciphers));
		end_init(&s, legacy, (slice){ 0 });
		assert_false(tls_is_legacy(s.tls));
		raw_init(&c, context);
		raw_talk(&c, &s);
		if ((c.done == 1) != rows[i].good)
			fail_msg("row %zu", i);
		assert_int_equal(tls_is_legacy(s.tls), rows[i].legacy);
		raw_fini(&c);
		end_fini(&s);
	}
	tls_context_unref(&legacy);
}

static void a_pair_that_does_not_fit_is_named(void **state)
{
	struct fixture *f = *state;
	slice cert = buf_slice(&f->id.certificate), key = buf_slice(&f->id.key);
	struct identity other;
	identity_make(&other, "other.example");
	const struct {
		slice certificate, key;
		enum tls_pair is;
	} rows[] = {
		{ cert, key, TLS_PAIR_GOOD },
		{ SLICE("none"), key, TLS_PAIR_CERTIFICATE },
		{ cert, SLICE("none"), TLS_PAIR_KEY },
		{ cert, buf_slice(&other.key), TLS_PAIR_FOREIGN },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		assert_int_equal(tls_pair_judge(rows[i].certificate,
						rows[i].key, &err),
				 rows[i].is);
		assert_int_equal(err.kind, i == 0 ? ERR_OK : ERR_PERMANENT);
	}
	identity_free(&other);
}

static void alpn_other_than_smtp_is_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *wire;
		bool good;
	} rows[] = {
		{ "\4smtp", true }, { "\2h2\4smtp", true },
		{ "\2h2", false }, { "\2h2\10http/1.1", false },
		{ "\4SMTP", false }, { "\5smtps", false }, { "\3ftp", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_end s;
		struct raw c;
		const unsigned char *got;
		unsigned n;
		SSL_CTX *context = raw_context();
		assert_int_equal(SSL_CTX_set_alpn_protos(context,
				 (const unsigned char *)rows[i].wire,
				 (unsigned)strlen(rows[i].wire)), 0);
		end_init(&s, f->server, (slice){ 0 });
		raw_init(&c, context);
		raw_talk(&c, &s);
		assert_int_equal(c.done == 1, rows[i].good);
		assert_int_equal(s.failed, !rows[i].good);
		SSL_get0_alpn_selected(c.ssl, &got, &n);
		if (rows[i].good)
			assert_slice_eq(((slice){ (const char *)got, n }),
					"smtp");
		raw_fini(&c);
		end_fini(&s);
	}
}

static void renegotiation_is_refused(void **state)
{
	struct fixture *f = *state;
	struct tls_end s;
	struct raw c;
	SSL_CTX *context = raw_context();
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	end_init(&s, f->server, (slice){ 0 });
	raw_init(&c, context);
	raw_talk(&c, &s);
	assert_int_equal(c.done, 1);
	assert_int_equal(SSL_renegotiate(c.ssl), 1);
	raw_talk(&c, &s);
	assert_int_not_equal(c.done, 1);
	raw_fini(&c);
	end_fini(&s);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct raw *r = SSL_get_app_data(ssl);
	SSL_SESSION_free(r->session);
	r->session = session;
	return 1;
}

static void tickets_resume_sessions(void **state)
{
	struct fixture *f = *state;
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		SSL_SESSION *session = NULL;
		for (int round = 0; round < 2; round++) {
			struct tls_end s;
			struct raw c;
			SSL_CTX *context = raw_context();
			SSL_CTX_set_max_proto_version(context, versions[i]);
			SSL_CTX_set_session_cache_mode(
				context, SSL_SESS_CACHE_CLIENT |
				SSL_SESS_CACHE_NO_INTERNAL);
			SSL_CTX_sess_set_new_cb(context, keep_session);
			end_init(&s, f->server, (slice){ 0 });
			raw_init(&c, context);
			SSL_set_app_data(c.ssl, &c);
			if (round == 1)
				SSL_set_session(c.ssl, session);
			raw_talk(&c, &s);
			assert_int_equal(c.done, 1);
			if (SSL_session_reused(c.ssl) != round)
				fail_msg("version %x, round %d", versions[i],
					 round);
			assert_true(tls_cipher_bits(s.tls) >= 128);
			SSL_SESSION_free(session);
			session = c.session;
			assert_true(round == 1 || session != NULL);
			raw_fini(&c);
			end_fini(&s);
		}
		SSL_SESSION_free(session);
	}
}

static void garbage_in_the_handshake_is_an_error(void **state)
{
	struct fixture *f = *state;
	static const char *const rows[] = {
		"EHLO mail.example\r\nMAIL FROM:<>\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\xff\xff garbage that is longer than a record is",
		"\x80\x2e\x01\x03\x01 an SSLv2 hello, as if it were 1998 again ........",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int client = 0; client < 2; client++) {
			struct tls_end e;
			end_init(&e, client ? f->anyone : f->server,
				 (slice){ 0 });
			if (client)
				end_feed(&e, (slice){ 0 });
			slice all = slice_of(rows[i]);
			for (; all.n > 0; all = slice_skip(all, 1))
				end_feed(&e, slice_sub(all, 0, 1));
			if (!e.failed)
				fail_msg("row %zu, client %d", i, client);
			assert_int_equal(e.err.kind, ERR_PROTOCOL);
			assert_int_equal(tls_state(e.tls), TLS_FAILED);
			assert_int_equal(e.plain.n, 0);
			tls_close(e.tls, &e.cipher);
			end_fini(&e);
		}
	}
}

static void every_changed_byte_of_a_hello_is_survived(void **state)
{
	struct fixture *f = *state;
	struct tls_end c;
	end_init(&c, f->anyone, SLICE("mx.example.net"));
	end_feed(&c, (slice){ 0 });
	assert_true(c.cipher.n > 100);
	for (size_t at = 0; at < c.cipher.n; at++) {
		struct tls_end s;
		end_init(&s, f->server, (slice){ 0 });
		c.cipher.p[at] = (char)(c.cipher.p[at] + 1);
		end_feed(&s, buf_slice(&c.cipher));
		c.cipher.p[at] = (char)(c.cipher.p[at] - 1);
		assert_int_equal(tls_state(s.tls) == TLS_FAILED, s.failed);
		end_fini(&s);
	}
	end_fini(&c);
}

/* --- what a connection costs -------------------------------------------- */

/* Both ends of n idle connections; a server's alone is measured, the
 * clients are freed before. */
static void an_idle_connection_is_cheap(void **state)
{
	struct fixture *f = *state;
	enum { COUNT = 50, GOAL = 26 * 1024 };
	static struct tls_end servers[COUNT];
	struct tls_end c;
#ifdef __SANITIZE_ADDRESS__
	skip();		/* mallinfo2 knows nothing of that allocator */
#endif
	/* warm up what is allocated once */
	for (int i = 0; i < 3; i++) {
		end_init(&c, f->anyone, SLICE("mx.example.net"));
		end_init(&servers[0], f->server, (slice){ 0 });
		talk(&c, &servers[0], 4096);
		end_fini(&c);
		end_fini(&servers[0]);
	}
	size_t before = mallinfo2().uordblks;
	for (size_t i = 0; i < COUNT; i++) {
		end_init(&c, f->anyone, SLICE("mx.example.net"));
		end_init(&servers[i], f->server, (slice){ 0 });
		talk(&c, &servers[i], 4096);
		send_plain(&c, SLICE("EHLO a\r\n"));
		talk(&c, &servers[i], 4096);
		send_plain(&servers[i], SLICE("250 b\r\n"));
		talk(&c, &servers[i], 4096);
		end_fini(&c);
		buf_release(&servers[i].plain);
		buf_release(&servers[i].cipher);
	}
	size_t each = (mallinfo2().uordblks - before) / COUNT;
	printf("# an idle TLS connection costs %zu bytes\n", each);
	for (size_t i = 0; i < COUNT; i++)
		end_fini(&servers[i]);
	assert_in_range(each, 1, GOAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake_works_in_any_pieces),
		cmocka_unit_test(big_transfers_arrive_unchanged),
		cmocka_unit_test(a_full_plain_buffer_holds_the_rest_back),
		cmocka_unit_test(input_that_nobody_drains_ends_the_connection),
		cmocka_unit_test(a_full_cipher_buffer_ends_the_connection),
		cmocka_unit_test(close_notify_is_seen_and_answered),
		cmocka_unit_test(changed_records_end_the_connection),
		cmocka_unit_test(names_are_verified),
		cmocka_unit_test(an_address_is_verified_as_address),
		cmocka_unit_test(an_unknown_root_is_not_trusted),
		cmocka_unit_test(the_systems_roots_can_be_read),
		cmocka_unit_test(bad_certificates_and_keys_are_named),
		cmocka_unit_test(s1_9_old_versions_are_refused),
		cmocka_unit_test(s1_9_a_legacy_context_takes_old_clients),
		cmocka_unit_test(a_pair_that_does_not_fit_is_named),
		cmocka_unit_test(ciphers_are_ecdhe_and_aead_only),
		cmocka_unit_test(alpn_other_than_smtp_is_refused),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(tickets_resume_sessions),
		cmocka_unit_test(garbage_in_the_handshake_is_an_error),
		cmocka_unit_test(every_changed_byte_of_a_hello_is_survived),
		cmocka_unit_test(an_idle_connection_is_cheap),
	};
	return cmocka_run_group_tests_name("crypto/tls", tests, setup,
					   teardown);
}
