/* The n-th allocation inside OpenSSL fails, for every n: an error, no crash,
 * no leak (of ours). */
#include "unit/crypto/tls_pair.h"

#include <openssl/crypto.h>

#include "crypto/password.h"

/* How many allocations still succeed; negative: all. */
static long left = -1;

static bool refuse(void)
{
	if (left == 0)
		return true;
	if (left > 0)
		left--;
	return false;
}

static void *test_malloc_fn(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return refuse() ? NULL : malloc(n);
}

static void *test_realloc_fn(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return refuse() ? NULL : realloc(p, n);
}

static void test_free_fn(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* One handshake with so many allocations; true when it worked. */
static bool try_handshake(const struct identity *id, long allocations)
{
	struct tls_context *server = NULL, *client = NULL;
	struct tls_end c = { 0 }, s = { 0 };
	bool whole = false;
	buf_init(&c.plain, 65536);
	buf_init(&c.cipher, 65536);
	buf_init(&s.plain, 65536);
	buf_init(&s.cipher, 65536);
	left = allocations;
	if (tls_context_server(buf_slice(&id->certificate),
			       buf_slice(&id->key), &server, &s.err) &&
	    tls_context_client(TLS_VERIFY_NAME, buf_slice(&id->certificate),
			       &client, &c.err) &&
	    (c.tls = tls_new(client, SLICE("mx.example.net"))) &&
	    (s.tls = tls_new(server, (slice){ 0 }))) {
		talk(&c, &s, 65536);
		whole = tls_state(s.tls) == TLS_OPEN &&
			tls_state(c.tls) == TLS_OPEN;
	}
	whole = whole && left != 0;
	left = -1;
	end_fini(&c);
	end_fini(&s);
	tls_context_unref(&server);
	tls_context_unref(&client);
	return whole;
}

static void warm_up(void)
{
	struct identity id;
	identity_make(&id, "mx.example.net");
	if (!try_handshake(&id, -1))
		abort();
	identity_free(&id);
}

static void tls_survives_every_failed_allocation(void **state)
{
	(void)state;
	struct identity id;
	identity_make(&id, "mx.example.net");
	bool whole = false;
	for (long n = 0; n < 20000 && !whole; n += 1 + n / 100)
		whole = try_handshake(&id, n);
	assert_true(whole);
	identity_free(&id);
}

static void s1_3_no_memory_never_verifies_a_password(void **state)
{
	(void)state;
	uint8_t random[24] = { 1 }, pepper[PEPPER_LEN] = { 2 };
	uint8_t mac[APP_PASSWORD_MAC_LEN], zeros[APP_PASSWORD_MAC_LEN] = { 0 };
	char text[APP_PASSWORD_LEN + 1];
	left = -1;
	assert_true(app_password_make(random, text));
	assert_true(app_password_mac(slice_of(text), pepper, mac));
	bool done = false;
	for (long n = 0; n < 1000 && !done; n++) {
		left = n;
		done = app_password_verify(slice_of(text), pepper, mac);
		left = n;
		assert_false(app_password_verify(slice_of(text), pepper,
						 zeros));
		left = -1;
	}
	assert_true(done);
}

static void self_signing_survives_every_failed_allocation(void **state)
{
	(void)state;
	bool done = false;
	for (long n = 0; n < 20000 && !done; n += 1 + n / 50) {
		struct identity id;
		struct err err;
		buf_init(&id.certificate, 65536);
		buf_init(&id.key, 65536);
		left = n;
		done = tls_self_signed(SLICE("a.example"), &id.certificate,
				       &id.key, &err);
		left = -1;
		identity_free(&id);
	}
	assert_true(done);
}

int main(void)
{
	if (CRYPTO_set_mem_functions(test_malloc_fn, test_realloc_fn,
				     test_free_fn) != 1)
		return 1;
	/* OpenSSL's first steps don't survive it; they happen at start. */
	warm_up();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_signing_survives_every_failed_allocation),
		cmocka_unit_test(tls_survives_every_failed_allocation),
		cmocka_unit_test(s1_3_no_memory_never_verifies_a_password),
	};
	return cmocka_run_group_tests_name("crypto/memory", tests, NULL, NULL);
}
