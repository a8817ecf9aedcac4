/* Look-ups of a view: names, users, entries. */
#include "unit/policy/build.h"

#include <stdio.h>

static void directory(struct build *b)
{
	build_init(b);
	put_customer(b, a_customer(1, "alpha"));
	put_customer(b, a_customer(2, "beta"));
	put_domain(b, a_domain(1, "example.com"));
	put_domain(b, a_domain(2, "shop.example.com"));
	struct domain unproven = a_domain(2, "new.example.com");
	unproven.verified = false;
	put_domain(b, unproven);
	struct domain alias = a_domain(1, "example.jp");
	alias.kind = DOMAIN_ALIAS;
	alias.alias_of = SLICE("example.com");
	put_domain(b, alias);
	slice aliases[] = { SLICE("A.Smith@example.com"),
			    SLICE("sales+eu@example.com") };
	struct user alice = a_user(7, 1, "Alice@example.com");
	change_put_user(&b->change, &alice, aliases, 2);
	put_user(b, a_user(8, 1, "\"odd \\\"one\"@example.com"));
	build_apply(b);
}

static void s2_4_longest_verified_name_wins(void **state)
{
	(void)state;
	static const struct {
		const char *name, *registered;
	} cases[] = {
		{ "example.com", "example.com" },
		{ "a.b.example.com", "example.com" },
		{ "shop.example.com", "shop.example.com" },
		{ "x.shop.example.com", "shop.example.com" },
		{ "workshop.example.com", "example.com" },
		{ "new.example.com", "example.com" },	/* not verified */
		{ "example.jp", "example.jp" },
		{ "notexample.com", NULL },
		{ "com", NULL },
		{ "example.com.", NULL },
		{ "", NULL },
		{ "[192.0.2.1]", NULL },
		{ "..example.com", "example.com" },
	};
	struct build b;
	directory(&b);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct domain *d =
			view_domain_of(b.v, slice_of(cases[i].name));
		assert_int_equal(d != NULL, cases[i].registered != NULL);
		if (d != NULL)
			assert_slice_eq(d->name, cases[i].registered);
	}
	build_fini(&b);
}

static void s2_5_user_lookup_folds(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		uint32_t user;
	} cases[] = {
		{ "alice@example.com", 7 }, { "ALICE@example.com", 7 },
		{ "a.smith@example.com", 7 }, { "alice@example.jp", 7 },
		{ "alice+x@example.com", 7 }, { "Alice+x+y@example.jp", 7 },
		{ "sales+eu@example.com", 7 },
		{ "sales+eu+x@example.com", 0 },  /* detail is all behind + */
		{ "sales@example.com", 0 }, { "+x@example.com", 0 },
		{ "alice@shop.example.com", 0 }, { "bob@example.com", 0 },
		{ "odd \"one@example.com", 8 }, { "alice@", 0 },
		{ "@example.com", 0 }, { "", 0 },
	};
	struct build b;
	directory(&b);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct address a = an_address(cases[i].address);
		const struct user *u = view_user(b.v, &a);
		if ((u ? u->id : 0) != cases[i].user)
			fail_msg("%s", cases[i].address);
	}
	slice alias;
	const struct user *alice = view_user_by_id(b.v, 7);
	assert_true(view_user_alias(alice, 0, &alias));
	assert_slice_eq(alias, "A.Smith@example.com");
	assert_false(view_user_alias(alice, 2, &alias));
	build_fini(&b);
}

static bool count_entry(void *ctx, const struct ip_entry *e)
{
	(void)e;
	++*(int *)ctx;
	return true;
}

static int entries_of(const struct view *v, const char *address)
{
	int n = 0;
	struct ip_addr a = an_ip(address);
	view_entries_of(v, &a, count_entry, &n);
	assert_int_equal(view_address_listed(v, &a), n > 0);
	return n;
}

static void s2_2_only_entries_in_force_identify(void **state)
{
	(void)state;
	struct build b;
	build_init(&b);
	put_customer(&b, a_customer(1, "alpha"));
	put_setting(&b, a_setting(1, 1, SENDERS_ANY));
	put_entry(&b, an_entry(1, 1, 1, "192.0.2.0/28"));
	put_entry(&b, an_entry(2, 1, 1, "192.0.2.1"));
	build_apply(&b);
	assert_int_equal(entries_of(b.v, "192.0.2.1"), 2);
	assert_int_equal(entries_of(b.v, "192.0.2.15"), 1);
	assert_int_equal(entries_of(b.v, "192.0.2.16"), 0);
	struct ip_entry off = an_entry(1, 1, 1, "192.0.2.0/28");
	off.enabled = false;
	put_entry(&b, off);
	struct ip_entry inert = an_entry(2, 1, 1, "192.0.2.1");
	inert.inert = true;
	put_entry(&b, inert);
	build_apply(&b);
	assert_int_equal(entries_of(b.v, "192.0.2.1"), 0);
	put_entry(&b, an_entry(2, 1, 1, "192.0.2.1"));
	build_apply(&b);
	assert_int_equal(entries_of(b.v, "192.0.2.1"), 1);
	struct setting s = a_setting(1, 1, SENDERS_ANY);
	s.enabled = false;
	put_setting(&b, s);
	build_apply(&b);
	assert_int_equal(entries_of(b.v, "192.0.2.1"), 0);
	s.enabled = s.require_auth = true;
	s.ip_only = false;
	put_setting(&b, s);
	build_apply(&b);
	assert_int_equal(entries_of(b.v, "192.0.2.1"), 0);
	put_setting(&b, a_setting(1, 1, SENDERS_ANY));
	struct customer closing = a_customer(1, "alpha");
	closing.closing = true;
	put_customer(&b, closing);
	build_apply(&b);
	assert_int_equal(entries_of(b.v, "192.0.2.1"), 0);
	build_fini(&b);
}

static void customers_come_in_the_order_of_ids(void **state)
{
	(void)state;
	static const uint32_t ids[] = { 4000000000u, 7, 31, 32, 33, 1024, 1 };
	struct build b;
	build_init(&b);
	for (uint32_t i = 0; i < ARRAY_LEN(ids); i++) {
		char name[] = { (char)('a' + i), '\0' };
		put_customer(&b, a_customer(ids[i], name));
	}
	build_apply(&b);
	static const uint32_t want[] = { 1, 7, 31, 32, 33, 1024, 4000000000u };
	uint32_t at = 0, n = 0;
	const struct customer *c;
	while ((c = view_next_customer(b.v, &at)) != NULL)
		assert_int_equal(c->id, want[n++]);
	assert_int_equal(n, ARRAY_LEN(want));
	assert_int_equal(view_customer_named(b.v, SLICE("b"))->id, 7);
	assert_null(view_customer_named(b.v, SLICE("B")));
	build_fini(&b);
}

static bool lists(const struct view *v, uint32_t customer, uint32_t user)
{
	const struct user *all[VIEW_SUPER_ADMINS_MAX];
	uint32_t n = view_super_admins(v, customer, all);
	for (uint32_t i = 0; i < n; i++)
		if (all[i]->id == user)
			return true;
	return false;
}

static void s6_11_super_admins_of_a_customer(void **state)
{
	(void)state;
	struct build b;
	const struct user *all[VIEW_SUPER_ADMINS_MAX];
	struct user alice = a_user(7, 1, "alice@example.com");
	struct user bob = a_user(9, 1, "bob@example.com");
	directory(&b);
	assert_int_equal(view_super_admins(b.v, 1, all), 0);
	alice.role = bob.role = ROLE_SUPER_ADMIN;
	put_user(&b, alice);
	put_user(&b, bob);
	build_apply(&b);
	put_user(&b, bob);		/* again, the same */
	build_apply(&b);
	assert_int_equal(view_super_admins(b.v, 1, all), 2);
	assert_true(lists(b.v, 1, 7) && lists(b.v, 1, 9));
	assert_int_equal(view_super_admins(b.v, 2, all), 0);
	alice.role = ROLE_AUDITOR;
	put_user(&b, alice);
	build_apply(&b);
	assert_false(lists(b.v, 1, 7));
	assert_true(lists(b.v, 1, 9));
	change_remove_user(&b.change, 9);
	build_apply(&b);
	assert_int_equal(view_super_admins(b.v, 1, all), 0);
	/* More than are listed: none of them disturbs. */
	for (uint32_t i = 0; i < VIEW_SUPER_ADMINS_MAX + 3; i++) {
		char address[64];
		snprintf(address, sizeof(address), "s%u@example.com", i);
		struct user u = a_user(100 + i, 1, address);
		u.role = ROLE_SUPER_ADMIN;
		put_user(&b, u);
	}
	build_apply(&b);
	assert_int_equal(view_super_admins(b.v, 1, all),
			 VIEW_SUPER_ADMINS_MAX);
	for (uint32_t i = 0; i < VIEW_SUPER_ADMINS_MAX + 3; i++)
		change_remove_user(&b.change, 100 + i);
	build_apply(&b);
	assert_int_equal(view_super_admins(b.v, 1, all), 0);
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_11_super_admins_of_a_customer),
		cmocka_unit_test(s2_4_longest_verified_name_wins),
		cmocka_unit_test(s2_5_user_lookup_folds),
		cmocka_unit_test(s2_2_only_entries_in_force_identify),
		cmocka_unit_test(customers_come_in_the_order_of_ids),
	};
	return cmocka_run_group_tests_name("policy/view", tests, NULL, NULL);
}
