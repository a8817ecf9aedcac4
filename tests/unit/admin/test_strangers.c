/*
 * SPEC 12.3: what one customer's administrators learn of another customer,
 * or take from it, by ways round the matrix (test_matrix.c): aliases, notes
 * about addresses that others list, hints, subdomains; and what a unit admin
 * may not do with those who look after more than the unit.
 */
#include "unit/admin/harness.h"

static const char DIRECTORY[] =
	"plans: [ { name: gold } ]\n"
	"customers:\n"
	"- name: minor\n"
	"  org_units: [ sales, sales/tokyo, sales/osaka ]\n"
	"  domains: [ { name: minor.test, verified: operator } ]\n"
	"  users:\n"
	"  - { address: super@minor.test, role: super-admin }\n"
	"  - { address: boss@minor.test, role: super-admin, org_unit: sales }\n"
	"  - { address: audit@minor.test, role: auditor, org_unit: sales }\n"
	"  - { address: unit@minor.test, role: unit-admin, org_unit: sales }\n"
	"  - { address: tokyo@minor.test, role: unit-admin,\n"
	"      org_unit: sales/tokyo }\n"
	"  - { address: user@minor.test, org_unit: sales/tokyo }\n"
	"  relay_settings: [ { description: d, allowed_senders: own-domains,\n"
	"    authentication: { ip_only: true }, ip_entries:\n"
	"    [ { range: 11.0.0.1, description: d } ] } ]\n"
	"- name: other\n"
	"  domains: [ { name: other.test, verified: operator },\n"
	"             { name: sub.minor.test, verified: operator } ]\n"
	"  users:\n"
	"  - { address: super@other.test, role: super-admin }\n"
	"  - { address: user@other.test, aliases: [ alias@other.test ] }\n"
	"  relay_settings: [ { description: d, allowed_senders: own-domains,\n"
	"    authentication: { ip_only: true }, ip_entries:\n"
	"    [ { range: 11.0.0.1, description: d } ] } ]\n";

static struct answer as_super(const char *dir, const char *name,
			      const char *more)
{
	char args[600];
	snprintf(args, sizeof(args), "{\"as\":\"super@minor.test\"%s}", more);
	return call(dir, name, args);
}

static struct answer as_unit(const char *dir, const char *name,
			     const char *more)
{
	char args[600];
	snprintf(args, sizeof(args), "{\"as\":\"unit@minor.test\"%s}", more);
	return call(dir, name, args);
}

static void s12_3_an_alias_does_not_lead_to_its_user(void **state)
{
	apply_good(*state, DIRECTORY);
	struct answer a = as_super(*state, "app_password.create",
				   ",\"address\":\"alias@other.test\"");
	assert_int_equal(a.code, 65);
	assert_has(&a.text, "alias@other.test");
	assert_false(has(&a.text, "user@other.test"));
	answer_free(&a);
}

static void s2_2_whose_range_is_in_force_now_is_not_told(void **state)
{
	static const char *const acts[] = {
		",\"range\":\"11.0.0.1\",\"dry_run\":true",
		",\"range\":\"11.0.0.1\"",
	};
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct answer a = as_super(*state, "ip.remove", acts[i]);
		assert_int_equal(a.code, 0);
		assert_false(has(&a.rows, "other"));
		assert_false(has(&a.rows, "in force"));
		answer_free(&a);
	}
	/* It is, all the same. */
	struct answer a = call(*state, "ip.list", "{\"customer\":\"other\"}");
	assert_has(&a.rows, "\"inert\":false");
	answer_free(&a);
}

static void s12_3_plans_have_no_names_for_customers(void **state)
{
	apply_good(*state, DIRECTORY);
	struct answer near = as_super(*state, "customer.change",
				      ",\"name\":\"minor\",\"plan\":\"goldd\"");
	struct answer there = as_super(*state, "customer.change",
				       ",\"name\":\"minor\",\"plan\":\"gold\"");
	assert_int_equal(near.code, 78);
	assert_false(has(&near.text, "'gold'"));
	assert_has(&near.text, "only the operator changes 'plan'");
	answer_free(&near);
	answer_free(&there);
}

static void s2_4_an_address_in_anothers_subdomain_is_anothers(void **state)
{
	static const char *const calls[] = { "user.add", "user.change" };
	static const char *const args[] = {
		",\"address\":\"x@sub.minor.test\"",
		",\"address\":\"user@minor.test\","
		"\"aliases\":[\"x@sub.minor.test\"]",
	};
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		struct answer a = as_super(*state, calls[i], args[i]);
		if (a.code != 78)
			show(args[i], &a);
		assert_false(has(&a.text, "other"));
		answer_free(&a);
	}
	struct answer a = as_super(*state, "user.add",
				   ",\"address\":\"x@free.minor.test\"");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	a = call(*state, "user.add", "{\"address\":\"x@sub.minor.test\"}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "\"customer\":\"other\"");
	answer_free(&a);
}

static void s12_3_passwords_of_who_stands_above_a_unit_admin(void **state)
{
	static const struct {
		const char *address;
		int code;
	} cases[] = {
		{ "user@minor.test", 0 },   { "tokyo@minor.test", 0 },
		{ "unit@minor.test", 0 },   { "boss@minor.test", 77 },
		{ "audit@minor.test", 77 }, { "super@minor.test", 65 },
	};
	char args[200], id[11];
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(args, sizeof(args), ",\"address\":\"%s\"",
			 cases[i].address);
		struct answer a = as_unit(*state, "app_password.create", args);
		if (a.code != cases[i].code)
			show(cases[i].address, &a);
		answer_free(&a);
	}
	struct answer a = as_super(*state, "app_password.create",
				   ",\"address\":\"boss@minor.test\"");
	slice found = buf_slice(&a.rows);
	found = slice_skip(found, slice_find_slice(found, SLICE("\"id\":\"")));
	assert_true(slice_to_cstr(slice_sub(found, 6, 10), id, 11));
	answer_free(&a);
	snprintf(args, sizeof(args), ",\"id\":\"%s\"", id);
	a = as_unit(*state, "app_password.remove", args);
	assert_int_equal(a.code, 77);
	answer_free(&a);
	a = as_super(*state, "app_password.remove", args);
	assert_int_equal(a.code, 0);
	answer_free(&a);
}

/* Where an administrator stands is what he may. */
static void s12_3_a_unit_admin_moves_no_administrator(void **state)
{
	static const struct {
		const char *args;
		int code;
	} cases[] = {
		{ ",\"address\":\"user@minor.test\","
		  "\"org_unit\":\"sales/osaka\"", 0 },
		{ ",\"address\":\"tokyo@minor.test\",\"org_unit\":\"sales\"",
		  78 },
		{ ",\"address\":\"tokyo@minor.test\","
		  "\"org_unit\":\"sales/osaka\"", 78 },
		{ ",\"address\":\"tokyo@minor.test\",\"suspended\":true", 0 },
	};
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a = as_unit(*state, "user.change",
					  cases[i].args);
		if (a.code != cases[i].code)
			show(cases[i].args, &a);
		answer_free(&a);
	}
}

/* By which address a domain is asked about must not matter. */
static void s12_3_explain_knows_no_other_domain(void **state)
{
	static const char *const helos[] = { "mx.minor.test", "x.invalid" };
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(helos); i++) {
		struct answer a[2];
		static const char *const names[] = { "other", "guess" };
		for (size_t k = 0; k < 2; k++) {
			char args[300];
			snprintf(args, sizeof(args), ",\"client_ip\":"
				 "\"11.0.0.1\",\"from\":\"user@%s.test\","
				 "\"helo\":\"%s\"", names[k], helos[i]);
			a[k] = as_super(*state, "explain", args);
			for (size_t at = 0; at + 5 <= a[k].text.n; at++)
				if (memcmp(a[k].text.p + at, names[k], 5) == 0)
					memset(a[k].text.p + at, '#', 5);
		}
		if (!slice_eq(buf_slice(&a[0].text), buf_slice(&a[1].text))) {
			print_error("%.*s\n", SLICE_ARG(buf_slice(&a[0].text)));
			show(helos[i], &a[1]);
		}
		answer_free(&a[0]);
		answer_free(&a[1]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s12_3_an_alias_does_not_lead_to_its_user),
		TEST(s2_2_whose_range_is_in_force_now_is_not_told),
		TEST(s12_3_plans_have_no_names_for_customers),
		TEST(s2_4_an_address_in_anothers_subdomain_is_anothers),
		TEST(s12_3_passwords_of_who_stands_above_a_unit_admin),
		TEST(s12_3_a_unit_admin_moves_no_administrator),
		TEST(s12_3_explain_knows_no_other_domain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
