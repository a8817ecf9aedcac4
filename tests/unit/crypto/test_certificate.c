/* Self-signed certificates, and how long one lasts. */
#include "unit/crypto/tls_pair.h"

#include <time.h>

static void a_self_signed_certificate_lasts_ten_years(void **state)
{
	(void)state;
	struct identity id;
	struct err err;
	int days = 0;
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	identity_make(&id, "relay.example.net");
	slice pem = buf_slice(&id.certificate);
	assert_true(slice_starts(pem, SLICE("-----BEGIN CERTIFICATE-----")));
	assert_true(slice_starts(buf_slice(&id.key),
				 SLICE("-----BEGIN PRIVATE KEY-----")));
	assert_true(tls_certificate_days_left(pem, now_ms, &days, &err));
	assert_in_range(days, 3648, 3650);
	int64_t ends_ms;
	assert_true(tls_certificate_ends(pem, &ends_ms, &err));
	assert_in_range(ends_ms, now_ms + 3649LL * 86400000,
			now_ms + 3651LL * 86400000);
	/* the last day, the moment after, and a day after that */
	int64_t day_ms = 86400000, end_ms = now_ms + 3650 * day_ms;
	assert_true(tls_certificate_days_left(pem, end_ms - 60000, &days,
					      &err));
	assert_int_equal(days, 0);
	assert_true(tls_certificate_days_left(pem, end_ms + 60000, &days,
					      &err));
	assert_int_equal(days, -1);
	assert_true(tls_certificate_days_left(pem, end_ms + day_ms + 60000,
					      &days, &err));
	assert_int_equal(days, -2);
	identity_free(&id);
}

static void an_unreadable_certificate_has_no_end(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "x", "-----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };
		int days = 7;
		assert_false(tls_certificate_days_left(slice_of(bad[i]), 0,
						       &days, &err));
		assert_int_equal(days, -1);
		assert_int_equal(err.kind, ERR_PERMANENT);
	}
}

static void odd_hostnames_are_taken_or_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{ "localhost", true },
		{ "192.0.2.1", true },
		{ "2001:db8::1", true },
		{ "a,DNS:b.example", true },	/* no way into the SAN syntax */
		{ "a123456789.b123456789.c123456789.d123456789.e123456789."
		  "f123456789.g123456789.example", true },
		{ "", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf cert, key;
		struct err err;
		buf_init(&cert, 65536);
		buf_init(&key, 65536);
		assert_int_equal(tls_self_signed(slice_of(rows[i].name), &cert,
						 &key, &err), rows[i].good);
		buf_fini(&cert);
		buf_fini(&key);
	}
	char long_name[300];
	struct buf cert;
	struct err err;
	buf_init(&cert, 65536);
	memset(long_name, 'a', sizeof(long_name));
	assert_false(tls_self_signed((slice){ long_name, 254 }, &cert, &cert,
				     &err));
	assert_false(tls_self_signed((slice){ "a\0b", 3 }, &cert, &cert, &err));
	buf_fini(&cert);
}

static void a_full_buffer_is_an_error(void **state)
{
	(void)state;
	struct buf cert, key;
	struct err err;
	buf_init(&cert, 100);
	buf_init(&key, 65536);
	assert_false(tls_self_signed(SLICE("a.example"), &cert, &key, &err));
	buf_fini(&cert);
	buf_fini(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_self_signed_certificate_lasts_ten_years),
		cmocka_unit_test(an_unreadable_certificate_has_no_end),
		cmocka_unit_test(odd_hostnames_are_taken_or_refused),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};
	return cmocka_run_group_tests_name("crypto/certificate", tests, NULL,
					   NULL);
}
