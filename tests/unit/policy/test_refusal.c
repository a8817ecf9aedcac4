/* What refusals are about and whom they concern: SPEC 4.3. */
#include "unit/policy/build.h"

#include "policy/refusal.h"

/* one (1) lists 11.0.0.1 for registered users, two (2) lists 11.0.0.2 for any
 * sender, both list 11.0.0.3; three (3) needs AUTH and owns a domain. */
static void put_all(struct build *b)
{
	struct setting any = a_setting(20, 2, SENDERS_ANY);
	struct setting auth = a_setting(30, 3, SENDERS_OWN_DOMAINS);
	auth.ip_only = false;
	auth.require_auth = true;
	build_init(b);
	put_customer(b, a_customer(1, "one"));
	put_customer(b, a_customer(2, "two"));
	put_customer(b, a_customer(3, "three"));
	put_domain(b, a_domain(1, "one.example"));
	put_domain(b, a_domain(2, "two.example"));
	put_domain(b, a_domain(3, "three.example"));
	put_setting(b, a_setting(10, 1, SENDERS_REGISTERED_USERS));
	put_setting(b, any);
	put_setting(b, auth);
	put_entry(b, an_entry(1, 1, 10, "11.0.0.1"));
	put_entry(b, an_entry(2, 2, 20, "11.0.0.2"));
	put_entry(b, an_entry(3, 1, 10, "11.0.0.3"));
	put_entry(b, an_entry(4, 2, 20, "11.0.0.3"));
	build_apply(b);
}

static struct facts facts_of(const char *client, const char *sender,
			     struct arena *arena)
{
	struct facts f = { .client = an_ip(client), .helo = SLICE("mx.test") };
	if (*sender)
		assert_true(address_parse(slice_of(sender), arena, &f.sender,
					  NULL));
	return f;
}

static void s4_3_causes_and_owners(void **state)
{
	static const struct {
		const char *client, *sender;
		bool tls;
		const char *cause;
		uint32_t owner;
	} cases[] = {
		/* Nobody's address: the sender's owner learns of it. */
		{ "11.0.0.9", "u@one.example", false, "address", 1 },
		{ "11.0.0.9", "u@far.example", false, "address", 0 },
		{ "11.0.0.9", "", false, "address", 0 },
		/* One's server with a sender of nobody, of another. */
		{ "11.0.0.1", "u@far.example", false, "domain", 1 },
		{ "11.0.0.1", "u@two.example", false, "domain", 1 },
		{ "11.0.0.1", "u@one.example", false, "user", 1 },
		{ "11.0.0.1", "", false, "empty", 1 },
		/* A shared address says nothing about its owners. */
		{ "11.0.0.3", "u@far.example", false, "domain", 0 },
		{ "11.0.0.3", "u@three.example", true, "auth", 3 },
		{ "11.0.0.9", "u@three.example", false, "tls", 3 },
		{ "11.0.0.9", "u@three.example", true, "auth", 3 },
	};
	struct build b;
	struct arena arena;
	(void)state;
	put_all(&b);
	arena_init(&arena, 65536);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct facts f = facts_of(cases[i].client, cases[i].sender,
					  &arena);
		struct decision d;
		f.tls = cases[i].tls;
		policy_decide(b.v, &f, &d, NULL);
		const char *cause = refusal_cause_key(refusal_cause_of(&f,
								       &d));
		uint32_t owner = refusal_owner(b.v, &f);
		if (strcmp(cause, cases[i].cause) != 0 ||
		    owner != cases[i].owner)
			fail_msg("case %zu: %s %u (%s)", i, cause, owner,
				 d.why);
	}
	arena_fini(&arena);
	build_fini(&b);
}

static void s2_2_an_inert_entry_is_one_with_a_login(void **state)
{
	struct build b;
	(void)state;
	put_all(&b);
	struct ip_entry wide = an_entry(5, 1, 10, "11.0.0.1");
	struct ip_entry inert = an_entry(6, 2, 20, "11.0.0.7");
	wide.enabled = false;
	inert.inert = true;
	put_entry(&b, wide);
	put_entry(&b, inert);
	build_apply(&b);
	static const struct {
		const char *client;
		uint32_t setting;
		bool login;
		uint32_t entry;		/* 0: none */
	} cases[] = {
		{ "11.0.0.1", 10, false, 1 }, { "11.0.0.1", 20, true, 0 },
		{ "11.0.0.7", 20, false, 0 }, { "11.0.0.7", 20, true, 6 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_addr client = an_ip(cases[i].client);
		const struct ip_entry *e = refusal_entry(
			b.v, view_setting(b.v, cases[i].setting), &client,
			cases[i].login);
		assert_int_equal(e ? e->id : 0, cases[i].entry);
	}
	build_fini(&b);
}

static void s14_replies_have_causes(void **state)
{
	static const struct {
		enum reply_id reply;
		enum refusal_cause cause;
	} cases[] = {
		{ REPLY_CUSTOMER_DAY, CAUSE_LIMIT_DAY },
		{ REPLY_CUSTOMER_DAY_DEFER, CAUSE_LIMIT_DAY },
		{ REPLY_CUSTOMER_PEAK, CAUSE_LIMIT_PEAK },
		{ REPLY_USER_DAY, CAUSE_LIMIT_USER },
		{ REPLY_AUTH_FAILED, CAUSE_CREDENTIALS },
		{ REPLY_AUTH_NEEDS_TLS, CAUSE_TLS },
		{ REPLY_BUSY, CAUSE_DOS },
		{ REPLY_TLS_BUSY, CAUSE_DOS },
		{ REPLY_AUTH_BUSY, CAUSE_DOS },
		{ REPLY_NO_ROUTE, CAUSE_ROUTE },
		{ REPLY_BARE_LINE_END, CAUSE_CONTENT },
		{ REPLY_FAULT, CAUSE_OTHER },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(refusal_cause_of_reply(cases[i].reply),
				 cases[i].cause);
}

static void s4_3_strangers_read_no_setting(void **state)
{
	struct build b;
	struct arena arena;
	struct buf out;
	struct json j;
	(void)state;
	put_all(&b);
	arena_init(&arena, 65536);
	buf_init(&out, 65536);
	struct facts f = facts_of("11.0.0.9", "u@one.example", &arena);
	for (int named = 0; named < 2; named++) {
		buf_clear(&out);
		json_init(&j, &out);
		json_object(&j);
		refusal_explain(&j, &f, REPLY_RELAY_DENIED,
				SLICE("ADDRESS_NOT_LISTED"), (slice){ 0 },
				named ? view_setting(b.v, 10) : NULL,
				SLICE("relay.test"));
		json_object_end(&j);
		bool says = slice_find_slice(buf_slice(&out),
					     SLICE("Head office")) < out.n ||
			    slice_find_slice(buf_slice(&out),
					     SLICE("head-office")) < out.n;
		assert_int_equal(says, named);
		assert_true(slice_find_slice(buf_slice(&out),
					     SLICE("11.0.0.9")) < out.n);
	}
	buf_fini(&out);
	arena_fini(&arena);
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s4_3_causes_and_owners),
		cmocka_unit_test(s2_2_an_inert_entry_is_one_with_a_login),
		cmocka_unit_test(s14_replies_have_causes),
		cmocka_unit_test(s4_3_strangers_read_no_setting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
