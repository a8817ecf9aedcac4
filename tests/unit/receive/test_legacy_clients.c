/* Who still needs old TLS (SPEC 1.9): counted by address, told once a day,
 * bounded. */
#include "unit/unit.h"

#include <stdio.h>

#include "receive/legacy_clients.h"

static struct legacy_client client(uint32_t n, uint32_t customer)
{
	struct legacy_client c = { .customer = customer, .version = "TLSv1",
				   .cipher = "AES128-SHA" };
	char text[32];
	snprintf(text, sizeof(text), "10.%u.%u.%u", n >> 16 & 255,
		 n >> 8 & 255, n & 255);
	assert_true(ip_addr_parse(slice_of(text), &c.address));
	return c;
}

static void s1_9_an_address_is_told_once_a_day(void **state)
{
	(void)state;
	static const struct {
		uint32_t address, customer;
		int64_t at_ms;
		bool told;
		uint64_t handshakes;
		uint32_t known;
	} rows[] = {
		{ 1, 0, 1000, true, 1, 0 },
		{ 1, 7, 2000, false, 2, 7 },
		{ 2, 0, 3000, true, 1, 0 },
		{ 1, 0, 1000 + 86399999, false, 3, 7 },
		{ 1, 0, 1000 + 86400000, true, 4, 7 },
		{ 1, 0, 1000 + 86400001, false, 5, 7 },
		{ 2, 0, 3000 + 86400000, true, 2, 0 },
	};
	struct legacy_clients *t;
	assert_true(legacy_clients_new(&t, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct legacy_client row, seen = client(rows[i].address,
							rows[i].customer);
		assert_int_equal(legacy_clients_note(t, &seen, rows[i].at_ms,
						     &row), rows[i].told);
		assert_int_equal(row.handshakes, rows[i].handshakes);
		assert_int_equal(row.customer, rows[i].known);
		assert_int_equal(row.last_ms, rows[i].at_ms);
	}
	static struct legacy_client all[LEGACY_CLIENTS_MAX];
	uint64_t lost = 1;
	assert_int_equal(legacy_clients_take(t, all, &lost), 2);
	assert_int_equal(all[0].handshakes + all[1].handshakes, 7);
	assert_int_equal(all[0].first_ms, 1000);
	assert_string_equal(all[0].version, "TLSv1");
	assert_int_equal(lost, 0);
	assert_int_equal(legacy_clients_take(t, all, &lost), 0);
	legacy_clients_free(&t);
}

static void s1_9_a_full_table_forgets_the_longest_silent(void **state)
{
	(void)state;
	struct legacy_clients *t;
	struct legacy_client row;
	static struct legacy_client all[LEGACY_CLIENTS_MAX];
	uint64_t lost, sum = 0;
	assert_true(legacy_clients_new(&t, NULL));
	for (uint32_t i = 0; i < LEGACY_CLIENTS_MAX; i++) {
		struct legacy_client seen = client(i, 0);
		assert_true(legacy_clients_note(t, &seen, 1000 + i, &row));
	}
	/* the first comes again; so the second is the oldest */
	struct legacy_client seen = client(0, 0);
	assert_false(legacy_clients_note(t, &seen, 9000, &row));
	seen = client(50000, 0);
	assert_true(legacy_clients_note(t, &seen, 9001, &row));
	assert_int_equal(row.handshakes, 1);
	size_t n = legacy_clients_take(t, all, &lost);
	assert_int_equal(n, LEGACY_CLIENTS_MAX);
	assert_int_equal(lost, 1);
	struct legacy_client second = client(1, 0);
	for (size_t i = 0; i < n; i++) {
		assert_false(ip_addr_eq(&all[i].address, &second.address));
		sum += all[i].handshakes;
	}
	assert_int_equal(sum + lost, LEGACY_CLIENTS_MAX + 2);
	legacy_clients_free(&t);
}

/* The rows of the week before are told: nothing of them is lost. */
static void s1_9_a_new_week_begins_with_nothing_lost(void **state)
{
	(void)state;
	struct legacy_clients *t;
	struct legacy_client row, seen = client(1, 0);
	static struct legacy_client all[LEGACY_CLIENTS_MAX];
	uint64_t lost;
	assert_true(legacy_clients_new(&t, NULL));
	for (int week = 0; week < 3; week++) {
		assert_true(legacy_clients_note(t, &seen, 1000, &row));
		assert_int_equal(row.handshakes, 1);
		assert_int_equal(legacy_clients_take(t, all, &lost), 1);
		assert_int_equal(lost, 0);
	}
	legacy_clients_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_9_an_address_is_told_once_a_day),
		cmocka_unit_test(s1_9_a_full_table_forgets_the_longest_silent),
		cmocka_unit_test(s1_9_a_new_week_begins_with_nothing_lost),
	};
	return cmocka_run_group_tests_name("receive/legacy_clients", tests,
					   NULL, NULL);
}
