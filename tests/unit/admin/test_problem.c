/* Problems for pages: fields, and ranges that somebody meant. */
#include "unit/unit.h"

#include "admin/problem.h"

static void field_of_a_path(void **state)
{
	static const struct {
		const char *path, *field;
	} rows[] = {
		{ "", "" },
		{ "customers", "customers" },
		{ "customers.0", "" },
		{ "customers.0.language", "language" },
		{ "customers.0.over_limit.customer_day", "customer_day" },
		{ "customers.0.relay_settings.0", "" },
		{ "customers.0.relay_settings.0.description", "description" },
		{ "customers.0.relay_settings.0.authentication",
		  "authentication" },
		{ "customers.0.relay_settings.0.authentication.ip_only",
		  "ip_only" },
		{ "customers.0.relay_settings.0.ip_entries.12.range",
		  "ip_entries.12.range" },
		{ "customers.0.users.0.aliases.3", "aliases.3" },
		{ "customers.0.domains.0.name", "name" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		slice field = problem_field(slice_of(rows[i].path));
		if (!slice_eq(field, slice_of(rows[i].field)))
			fail_msg("%s: '%.*s'", rows[i].path, SLICE_ARG(field));
	}
}

static void s3_4_a_range_in_other_forms(void **state)
{
	static const struct {
		const char *typed, *meant;	/* NULL: nothing */
	} rows[] = {
		{ "203.0.113.24", "203.0.113.24/32" },
		{ " 203.0.113.24 ", "203.0.113.24/32" },
		{ "２０３．０．１１３．２４", "203.0.113.24/32" },
		{ "２０３.０.１１３.３２／２８", "203.0.113.32/28" },
		{ "203.0.113.32-203.0.113.47", "203.0.113.32/28" },
		{ "203.0.113.32 - 203.0.113.47", "203.0.113.32/28" },
		{ "203.0.113.32-47", "203.0.113.32/28" },
		{ "203.0.113.32～203.0.113.40", "203.0.113.32/28" },
		{ "203.0.113.32 255.255.255.240", "203.0.113.32/28" },
		{ "203.0.113.32/255.255.255.240", "203.0.113.32/28" },
		{ "203.0.113.40/255.255.255.240", "203.0.113.32/28" },
		{ "2001:db8::10-2001:db8::1f", "2001:db8::10/124" },
		{ "203.0.113.32/255.0.255.0", NULL },
		{ "203.0.113.32/0.0.0.0", NULL },
		{ "203.0.113.32-2001:db8::1", NULL },
		{ "mail.example.com", NULL },
		{ "203.0.113", NULL },
		{ "-", NULL },
		{ "", NULL },
		{ "\xef\xbc", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char meant[IP_RANGE_TEXT_MAX] = "";
		bool found = problem_meant_range(slice_of(rows[i].typed), meant);
		if (found != (rows[i].meant != NULL) ||
		    (found && strcmp(meant, rows[i].meant) != 0))
			fail_msg("%s: %s", rows[i].typed, found ? meant : "-");
	}
}

static void a_row_has_what_would_be_right(void **state)
{
	struct buf row;
	struct problem p = {
		.code = "HOST_BITS", .field = SLICE("ip_entries.0.range"),
		.message = SLICE("m"),
		.values = { SLICE("203.0.113.40/28"),
			    SLICE("203.0.113.32/28") },
	};
	(void)state;
	buf_init(&row, PROBLEM_ROW_MAX);
	problem_write(&row, &p, LANGUAGE_EN);
	slice want = SLICE(
		"{\"error\":true,\"field\":\"ip_entries.0.range\","
		"\"message\":\"m\",\"code\":\"host_bits\",\"values\":"
		"[\"203.0.113.40/28\",\"203.0.113.32/28\"],\"fixes\":["
		"{\"label\":\"203.0.113.32/28 (range of 16)\","
		"\"value\":\"203.0.113.32/28\"},"
		"{\"label\":\"203.0.113.40 (this one only)\","
		"\"value\":\"203.0.113.40\"}]}");
	if (!slice_eq(buf_slice(&row), want))
		fail_msg("%.*s", (int)row.n, row.p);
	buf_fini(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(field_of_a_path),
		cmocka_unit_test(s3_4_a_range_in_other_forms),
		cmocka_unit_test(a_row_has_what_would_be_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
