/* Decisions, clause by clause, where the truth table has no case for it. */
#include "unit/policy/build.h"

#include <stdio.h>

/* alpha: two domains, one setting for any sender from 192.0.2.0/28; users
 * alice and bob; beta holds nothing but its domain. */
static void directory(struct build *b)
{
	build_init(b);
	put_customer(b, a_customer(1, "alpha"));
	put_customer(b, a_customer(2, "beta"));
	put_setting(b, a_setting(1, 1, SENDERS_ANY));
	put_entry(b, an_entry(1, 1, 1, "192.0.2.0/28"));
	put_domain(b, a_domain(1, "alpha.example"));
	put_domain(b, a_domain(1, "second.example"));
	put_domain(b, a_domain(2, "beta.example"));
	put_user(b, a_user(1, 1, "alice@second.example"));
	put_user(b, a_user(2, 1, "bob@alpha.example"));
	put_user(b, a_user(4, 1, "postmaster@alpha.example"));
	put_user(b, a_user(3, 2, "bea@beta.example"));
	put_app_password(b, an_app_password("aliceaaaaa", 1, 1));
	put_app_password(b, an_app_password("bobbbbbbbb", 2, 1));
	put_app_password(b, an_app_password("beabbbbbbb", 3, 2));
}

struct ask {
	const char *client, *helo, *from, *login;
	bool plain;
};

static struct decision decide(const struct build *b, struct ask ask)
{
	struct decision d;
	struct facts f = {
		.client = an_ip(ask.client ? ask.client : "192.0.2.1"),
		.tls = !ask.plain,
		.helo = slice_of(ask.helo ? ask.helo : "mail.alpha.example"),
		.sender = an_address(ask.from ? ask.from : ""),
	};
	if (ask.login != NULL)
		f.login = login_of(b->v, ask.login);
	policy_decide(b->v, &f, &d, NULL);
	return d;
}

/* --- 2: whose mail it is --- */
static void s2_1_login_decides_over_address_and_sender(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	struct setting s = a_setting(2, 2, SENDERS_ANY);
	s.ip_only = false;
	s.require_auth = true;
	put_setting(&b, s);
	build_apply(&b);
	struct decision d = decide(&b, (struct ask){
		.from = "bob@alpha.example", .login = "beabbbbbbb" });
	assert_int_equal(d.customer->id, 2);
	assert_int_equal(d.identified_by, BY_LOGIN);
	assert_int_equal(d.reply, REPLY_SENDER_OK);
	/* Another customer's address is a foreign one. */
	assert_true(d.rewritten);
	assert_slice_eq(d.sender.domain, "beta.example");
	assert_null(d.user);
	build_fini(&b);
}

static void s2_2_sender_domain_goes_before_helo(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	put_setting(&b, a_setting(2, 2, SENDERS_OWN_DOMAINS));
	put_entry(&b, an_entry(2, 2, 2, "192.0.2.1"));
	build_apply(&b);
	struct decision d = decide(&b, (struct ask){
		.from = "x@beta.example", .helo = "mail.alpha.example" });
	assert_int_equal(d.customer->id, 2);
	assert_int_equal(d.identified_by, BY_ADDRESS_AND_SENDER);
	assert_true(d.address_shared);
	assert_slice_eq(d.sender_domain->name, "beta.example");
	assert_null(d.helo_domain);	/* it is another customer's */
	d = decide(&b, (struct ask){ .from = "x@elsewhere.example" });
	assert_int_equal(d.customer->id, 1);
	assert_int_equal(d.identified_by, BY_ADDRESS_AND_HELO);
	assert_slice_eq(d.helo_domain->name, "alpha.example");
	/* Not listed for beta elsewhere in the range. */
	d = decide(&b, (struct ask){ .client = "192.0.2.2",
				     .from = "x@beta.example",
				     .helo = "elsewhere.example" });
	assert_null(d.customer);
	assert_false(d.address_shared);
	assert_int_equal(d.reply, REPLY_INVALID_CREDENTIALS);
	build_fini(&b);
}

static void s2_2_helo_alone_identifies_nobody(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	build_apply(&b);
	static const char *const senders[] = { "", "x@elsewhere.example",
					       "bob@alpha.example" };
	for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
		struct decision d = decide(&b, (struct ask){
			.client = "198.51.100.1", .from = senders[i] });
		assert_null(d.customer);
		assert_int_equal(d.reply, REPLY_RELAY_DENIED);
	}
	build_fini(&b);
}

static void s2_2_inert_entry_counts_only_with_login(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	struct setting s = a_setting(2, 2, SENDERS_OWN_DOMAINS);
	s.require_auth = true;
	put_setting(&b, s);
	struct ip_entry e = an_entry(2, 2, 2, "192.0.2.1");
	e.inert = true;
	put_entry(&b, e);
	build_apply(&b);
	struct ask ask = { .from = "bea@beta.example",
			   .helo = "mx.beta.example" };
	struct decision d = decide(&b, ask);
	assert_null(d.customer);
	assert_false(d.address_shared);
	assert_int_equal(d.reply, REPLY_AUTH_REQUIRED);
	ask.login = "beabbbbbbb";
	assert_int_equal(decide(&b, ask).reply, REPLY_SENDER_OK);
	ask.client = "192.0.2.2";
	d = decide(&b, ask);
	assert_int_equal(d.reply, REPLY_RELAY_DENIED);
	assert_int_equal(d.failed_test, TEST_ADDRESS);
	build_fini(&b);
}

static void s2_4_unverified_domain_is_not_in_force(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	struct domain d = a_domain(1, "new.example");
	d.verified = false;
	put_domain(&b, d);
	build_apply(&b);
	struct decision got = decide(&b, (struct ask){
		.from = "x@new.example", .helo = "elsewhere.example" });
	assert_int_equal(got.reply, REPLY_INVALID_CREDENTIALS);
	got = decide(&b, (struct ask){ .from = "x@elsewhere.example",
				       .helo = "mail.new.example" });
	assert_int_equal(got.reply, REPLY_INVALID_CREDENTIALS);
	build_fini(&b);
}

static void many_entries_of_one_address_are_all_seen(void **state)
{
	(void)state;
	struct build b;
	build_init(&b);
	/* 40 customers share an address, each with two entries for it. */
	for (uint32_t i = 1; i <= 40; i++) {
		char name[16];
		snprintf(name, sizeof(name), "c%u.example", i);
		put_customer(&b, a_customer(i, name));
		put_domain(&b, a_domain(i, name));
		put_setting(&b, a_setting(i, i, SENDERS_OWN_DOMAINS));
		put_entry(&b, an_entry(2 * i, i, i, "192.0.2.0/24"));
		put_entry(&b, an_entry(2 * i + 1, i, i, "192.0.2.1"));
	}
	build_apply(&b);
	for (uint32_t i = 1; i <= 40; i++) {
		char from[24];
		snprintf(from, sizeof(from), "x@c%u.example", i);
		struct decision d = decide(&b, (struct ask){ .from = from });
		assert_int_equal(d.reply, REPLY_SENDER_OK);
		assert_int_equal(d.customer->id, i);
		assert_true(d.address_shared);
	}
	build_fini(&b);
}

/* --- 4: settings --- */
static void s4_1_first_setting_that_holds_accepts(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	struct setting s = a_setting(2, 1, SENDERS_OWN_DOMAINS);
	put_setting(&b, s);
	put_entry(&b, an_entry(2, 1, 2, "192.0.2.1"));
	build_apply(&b);
	assert_int_equal(decide(&b, (struct ask){
		.from = "x@alpha.example" }).setting->id, 1);
	s.position = 0;
	put_setting(&b, s);
	build_apply(&b);
	assert_int_equal(decide(&b, (struct ask){
		.from = "x@alpha.example" }).setting->id, 2);
	assert_int_equal(decide(&b, (struct ask){
		.from = "x@elsewhere.example" }).setting->id, 1);
	build_fini(&b);
}

static void s4_2_closest_setting_chooses_the_reply(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	/* 1: TLS missing; 2: AUTH missing; 3: sender not allowed; 4: the
	 * same, later. */
	struct setting s = a_setting(1, 1, SENDERS_ANY);
	s.require_tls = true;
	put_setting(&b, s);
	s = a_setting(2, 1, SENDERS_ANY);
	s.require_auth = true;
	put_setting(&b, s);
	put_setting(&b, a_setting(3, 1, SENDERS_REGISTERED_USERS));
	put_entry(&b, an_entry(3, 1, 3, "192.0.2.1"));
	put_setting(&b, a_setting(4, 1, SENDERS_REGISTERED_USERS));
	put_entry(&b, an_entry(4, 1, 4, "192.0.2.1"));
	build_apply(&b);
	struct decision d = decide(&b, (struct ask){
		.from = "x@alpha.example", .plain = true });
	assert_int_equal(d.reply, REPLY_SENDER_NOT_ALLOWED);
	assert_int_equal(d.setting->id, 3);
	assert_int_equal(d.failed_test, TEST_SENDER);
	/* From an address that only setting 1 lists: 3 and 4 miss it. */
	d = decide(&b, (struct ask){ .client = "192.0.2.2", .plain = true,
				     .from = "x@alpha.example" });
	assert_int_equal(d.reply, REPLY_RELAY_DENIED);
	assert_int_equal(d.setting->id, 3);
	assert_int_equal(d.failed_test, TEST_ADDRESS);
	build_fini(&b);
}

static void s4_2_authenticated_but_address_not_listed(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	build_apply(&b);
	struct decision d = decide(&b, (struct ask){
		.client = "198.51.100.1", .from = "bob@alpha.example",
		.login = "bobbbbbbbb" });
	assert_int_equal(d.reply, REPLY_RELAY_DENIED);
	assert_int_equal(d.customer->id, 1);
	assert_string_equal(d.why, "ADDRESS_NOT_LISTED");
	build_fini(&b);
}

static void s4_2_stranger_learns_of_tls_then_auth_then_nothing(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	struct setting s = a_setting(2, 1, SENDERS_REGISTERED_USERS);
	s.ip_only = false;
	s.require_auth = true;
	put_setting(&b, s);
	build_apply(&b);
	struct ask ask = { .client = "198.51.100.1", .plain = true,
			   .from = "bob@alpha.example" };
	struct decision d = decide(&b, ask);
	assert_int_equal(d.reply, REPLY_TLS_REQUIRED);
	assert_null(d.customer);
	ask.plain = false;
	assert_int_equal(decide(&b, ask).reply, REPLY_AUTH_REQUIRED);
	ask.from = "nobody@alpha.example";	/* a login would not help */
	assert_int_equal(decide(&b, ask).reply, REPLY_RELAY_DENIED);
	ask.from = "x@elsewhere.example";
	assert_int_equal(decide(&b, ask).reply, REPLY_RELAY_DENIED);
	ask.from = "bob@alpha.example";
	ask.login = "bobbbbbbbb";
	assert_int_equal(decide(&b, ask).reply, REPLY_SENDER_OK);
	build_fini(&b);
}

static void s4_4_no_enabled_setting_denies(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	struct setting s = a_setting(1, 1, SENDERS_ANY);
	s.enabled = false;
	put_setting(&b, s);
	build_apply(&b);
	struct decision d = decide(&b, (struct ask){
		.from = "bob@alpha.example", .login = "bobbbbbbbb" });
	assert_int_equal(d.reply, REPLY_RELAY_DENIED);
	assert_int_equal(d.failed_test, TEST_ENABLED);
	assert_null(d.setting);
	assert_string_equal(d.why, "NO_SETTING_ON");
	build_fini(&b);
}

static void s1_3_app_password_is_bound_to_sender_and_range(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	struct setting s = a_setting(1, 1, SENDERS_ANY);
	s.ip_only = false;
	s.require_auth = true;
	change_remove_entry(&b.change, 1);
	put_setting(&b, s);
	struct app_password p = an_app_password("bobbbbbbbb", 2, 1);
	p.has_range = true;
	p.range = a_range("198.51.100.0/24");
	p.sender = SLICE("printer@alpha.example");
	put_app_password(&b, p);
	build_apply(&b);
	struct ask ask = { .client = "198.51.100.9", .login = "bobbbbbbbb",
			   .from = "Printer@alpha.example" };
	assert_int_equal(decide(&b, ask).reply, REPLY_SENDER_OK);
	ask.from = "printer@second.example";
	struct decision d = decide(&b, ask);
	assert_int_equal(d.reply, REPLY_SENDER_NOT_ALLOWED);
	assert_string_equal(d.why, "SENDER_NOT_BOUND");
	ask.from = "";
	assert_int_equal(decide(&b, ask).reply, REPLY_SENDER_NOT_ALLOWED);
	ask.from = "printer@alpha.example";
	ask.client = "198.51.101.9";
	d = decide(&b, ask);
	assert_int_equal(d.reply, REPLY_AUTH_REQUIRED);
	assert_string_equal(d.why, "LOGIN_OUT_OF_RANGE");
	build_fini(&b);
}

static void s4_5_sender_must_match_login(void **state)
{
	(void)state;
	static const struct {
		const char *from;
		enum reply_id reply;
	} cases[] = {
		{ "alice@second.example", REPLY_SENDER_OK },
		{ "ALICE+list@second.example", REPLY_SENDER_OK },
		{ "bob@alpha.example", REPLY_SENDER_NOT_ALLOWED },
		{ "x@alpha.example", REPLY_SENDER_NOT_ALLOWED },
		{ "x@elsewhere.example", REPLY_SENDER_NOT_ALLOWED },
		{ "", REPLY_SENDER_OK },
	};
	struct build b;
	directory(&b);
	struct customer c = a_customer(1, "alpha");
	c.sender_must_match_login = true;
	put_customer(&b, c);
	build_apply(&b);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ask ask = { .from = cases[i].from,
				   .login = "aliceaaaaa" };
		assert_int_equal(decide(&b, ask).reply, cases[i].reply);
		/* Without a login there is nothing to match. */
		ask.login = NULL;
		assert_int_equal(decide(&b, ask).reply, REPLY_SENDER_OK);
	}
	build_fini(&b);
}

/* --- 5: the sender --- */
static void s5_1_rewritten_to_the_login_then_the_helo(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	build_apply(&b);
	struct ask ask = { .from = "x@elsewhere.example",
			   .helo = "deep.mail.ALPHA.example." };
	struct decision d = decide(&b, ask);
	assert_true(d.rewritten);
	assert_slice_eq(d.sender.local, "postmaster");
	assert_slice_eq(d.sender.domain, "alpha.example");
	ask.login = "aliceaaaaa";
	d = decide(&b, ask);
	assert_true(d.rewritten);
	assert_slice_eq(d.sender.domain, "second.example");
	/* The domain of the login is no longer in force: the HELO name's. */
	struct domain gone = a_domain(1, "second.example");
	gone.verified = false;
	put_domain(&b, gone);
	build_apply(&b);
	d = decide(&b, ask);
	assert_slice_eq(d.sender.domain, "alpha.example");
	ask.helo = "localhost";
	d = decide(&b, ask);
	assert_int_equal(d.reply, REPLY_SENDER_NOT_ALLOWED);
	assert_string_equal(d.why, "SENDER_FOREIGN_LOGIN_DOMAIN");
	build_fini(&b);
}

static void s6_1_foreign_sender_has_no_user(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	build_apply(&b);
	struct decision d = decide(&b, (struct ask){
		.from = "x@elsewhere.example" });
	assert_true(d.rewritten);	/* to postmaster@alpha, a user */
	assert_null(d.user);
	d = decide(&b, (struct ask){ .from = "Bob+x@alpha.example" });
	assert_int_equal(d.user->id, 2);
	d = decide(&b, (struct ask){ .from = "nobody@alpha.example" });
	assert_int_equal(d.reply, REPLY_SENDER_OK);
	assert_null(d.user);
	build_fini(&b);
}

static void s5_1_no_domain_is_a_foreign_sender(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	build_apply(&b);
	struct facts f = { .client = an_ip("192.0.2.1"),
			   .helo = SLICE("mail.alpha.example"),
			   .sender = { .local = SLICE("postmaster") } };
	struct decision d;
	policy_decide(b.v, &f, &d, NULL);
	assert_true(d.rewritten);
	assert_slice_eq(d.sender.domain, "alpha.example");
	assert_false(d.single_recipient);
	build_fini(&b);
}

static void s5_2_null_sender_needs_login_or_helo(void **state)
{
	(void)state;
	static const struct {
		const char *helo, *login;
		enum reply_id reply;
	} cases[] = {
		{ "mail.alpha.example", NULL, REPLY_SENDER_OK },
		{ "ALPHA.EXAMPLE", NULL, REPLY_SENDER_OK },
		{ "localhost", NULL, REPLY_INVALID_CREDENTIALS },
		{ "mail.beta.example", NULL, REPLY_INVALID_CREDENTIALS },
		{ "localhost", "aliceaaaaa", REPLY_SENDER_OK },
		{ "alpha.example.org", NULL, REPLY_INVALID_CREDENTIALS },
		{ "", NULL, REPLY_INVALID_CREDENTIALS },
	};
	struct build b;
	directory(&b);
	build_apply(&b);
	for (int senders = 0; senders < 3; senders++) {
		put_setting(&b, a_setting(1, 1,
					  (enum allowed_senders)senders));
		build_apply(&b);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct decision d = decide(&b, (struct ask){
				.helo = cases[i].helo,
				.login = cases[i].login });
			assert_int_equal(d.reply, cases[i].reply);
			assert_true(address_is_null(&d.sender));
			assert_false(d.rewritten);
			assert_int_equal(d.single_recipient,
					 d.reply == REPLY_SENDER_OK);
		}
	}
	build_fini(&b);
}

/* --- 3.6, 7.2 --- */
static void s3_6_login_falls_with_user_credential_and_customer(void **state)
{
	(void)state;
	struct build b;
	const struct app_password *p;
	directory(&b);
	build_apply(&b);
	slice id = SLICE("bobbbbbbbb");
	assert_true(policy_login_stands(b.v, id, 1, &p));
	assert_ptr_equal(p, view_app_password(b.v, id));
	assert_false(policy_login_stands(b.v, id, 2, &p));
	assert_null(p);
	assert_false(policy_login_stands(b.v, SLICE("nobody"), 1, &p));
	struct app_password changed = an_app_password("bobbbbbbbb", 2, 1);
	changed.generation = 2;
	put_app_password(&b, changed);
	build_apply(&b);
	assert_false(policy_login_stands(b.v, id, 1, &p));
	assert_true(policy_login_stands(b.v, id, 2, &p));
	struct user u = a_user(2, 1, "bob@alpha.example");
	u.suspended = true;
	put_user(&b, u);
	build_apply(&b);
	assert_false(policy_login_stands(b.v, id, 2, &p));
	u.suspended = false;
	put_user(&b, u);
	struct customer c = a_customer(1, "alpha");
	c.closing = true;
	put_customer(&b, c);
	build_apply(&b);
	assert_false(policy_login_stands(b.v, id, 2, &p));
	change_remove_app_password(&b.change, id);
	build_apply(&b);
	assert_false(policy_login_stands(b.v, id, 2, &p));
	build_fini(&b);
}

static void s7_2_generic_helo_names(void **state)
{
	(void)state;
	static const char *const generic[] = {
		"localhost", "LOCALHOST", "LocalHost", "localhost.",
		"localhost.localdomain", "smtp.gmail.com", "[127.9.9.9]",
		"[ipv6:::1]",
		"smtp-relay.gmail.com", "smtp-relay.google.com",
		"SMTP.gmail.com", "[127.0.0.1]", "127.0.0.1", "[127.8.9.1]",
		"[IPv6:::1]", "::1", "relay.example.net", "Relay.example.net.",
	};
	static const char *const own[] = {
		"mail.example.com", "localhost.example.com", "[192.0.2.1]",
		"gmail.com", "example.net", "", "local", "[IPv6:2001:db8::1]",
		"scanner", "mail.relay.example.net", "mail", ".", "[", "[]",
	};
	slice hostname = SLICE("relay.example.net");
	for (size_t i = 0; i < ARRAY_LEN(generic); i++)
		assert_true(policy_helo_generic(slice_of(generic[i]),
						hostname));
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		assert_false(policy_helo_generic(slice_of(own[i]), hostname));
}

static void s7_2_generic_name_is_nobodys_even_if_registered(void **state)
{
	(void)state;
	struct build b;
	directory(&b);
	put_domain(&b, a_domain(1, "localhost.localdomain"));
	put_domain(&b, a_domain(1, "gmail.com"));
	build_apply(&b);
	static const char *const names[] = { "localhost.localdomain",
					     "smtp.gmail.com" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(decide(&b, (struct ask){
			.from = "x@elsewhere.example",
			.helo = names[i] }).reply, REPLY_INVALID_CREDENTIALS);
	build_fini(&b);
}

static void s1_6_odd_helo_names_do_no_harm(void **state)
{
	(void)state;
	static char longest[5000];
	memset(longest, 'a', sizeof(longest) - 1);
	static char dots[256];
	memset(dots, '.', sizeof(dots) - 1);
	const char *const names[] = {
		longest, dots, "a b.alpha.example", "\xff.alpha.example",
		"[", "]", "[]", "[IPv6:", ".", "..alpha.example",
		"-.alpha.example",
	};
	struct build b;
	directory(&b);
	build_apply(&b);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct ask ask = { .from = "bob@alpha.example",
				   .helo = names[i] };
		assert_int_equal(decide(&b, ask).reply, REPLY_SENDER_OK);
		ask.from = "x@elsewhere.example";
		enum reply_id want = i == ARRAY_LEN(names) - 1 ?
			REPLY_SENDER_OK : REPLY_INVALID_CREDENTIALS;
		assert_int_equal(decide(&b, ask).reply, want);
	}
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s2_1_login_decides_over_address_and_sender),
		cmocka_unit_test(s2_2_sender_domain_goes_before_helo),
		cmocka_unit_test(s2_2_helo_alone_identifies_nobody),
		cmocka_unit_test(s2_2_inert_entry_counts_only_with_login),
		cmocka_unit_test(s2_4_unverified_domain_is_not_in_force),
		cmocka_unit_test(many_entries_of_one_address_are_all_seen),
		cmocka_unit_test(s4_1_first_setting_that_holds_accepts),
		cmocka_unit_test(s4_2_closest_setting_chooses_the_reply),
		cmocka_unit_test(s4_2_authenticated_but_address_not_listed),
		cmocka_unit_test(
			s4_2_stranger_learns_of_tls_then_auth_then_nothing),
		cmocka_unit_test(s4_4_no_enabled_setting_denies),
		cmocka_unit_test(
			s1_3_app_password_is_bound_to_sender_and_range),
		cmocka_unit_test(s4_5_sender_must_match_login),
		cmocka_unit_test(s5_1_rewritten_to_the_login_then_the_helo),
		cmocka_unit_test(s6_1_foreign_sender_has_no_user),
		cmocka_unit_test(s5_1_no_domain_is_a_foreign_sender),
		cmocka_unit_test(s5_2_null_sender_needs_login_or_helo),
		cmocka_unit_test(
			s3_6_login_falls_with_user_credential_and_customer),
		cmocka_unit_test(s7_2_generic_helo_names),
		cmocka_unit_test(
			s7_2_generic_name_is_nobodys_even_if_registered),
		cmocka_unit_test(s1_6_odd_helo_names_do_no_harm),
	};
	return cmocka_run_group_tests_name("policy/decide", tests, NULL,
					   NULL);
}
