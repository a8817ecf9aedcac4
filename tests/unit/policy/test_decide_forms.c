/*
 * The open-relay forms that are decided at MAIL (RELIABILITY 2.5): senders
 * 17 to 28 and those of 1 to 16, each by the four identities, through the
 * address parser. All must be refused, by the parser or by the decision.
 */
#include "unit/policy/build.h"

#include <stdio.h>

enum identity { STRANGER, STRANGER_WITH_HELO, LISTED_NOT_ALLOWED,
		AFTER_FAILED_AUTH, IDENTITIES };

/* V is victim.example, R remote.example, L relay.example, I 192.0.2.200. */
static const struct form {
	const char *path;
	bool utf8;
} forms[] = {
	{ "<>", false },
	{ "<f@remote.example>", false },
	{ "<f@relay.example>", false },
	{ "<f@[192.0.2.200]>", false },
	{ "<x@localhost>", false },
	{ "<x>", false },
	{ "<x@victim.example>", false },
	{ "<postmaster@victim.example>", false },
	{ "<x@sub.victim.example>", false },
	{ "<x@victim.example.>", false },
	{ "<x@victim.example@remote.example>", false },
	{ "<\"x@victim.example\"@remote.example>", false },
	{ "<x%victim.example@remote.example>", false },
	{ "<@victim.example:x@remote.example>", false },
	{ "<x@vıctim.example>", true },
	{ "<x@victim.example>", true },
	{ "<x@victim.example> AUTH=<x@victim.example>", false },
};

static void directory(struct build *b)
{
	build_init(b);
	put_customer(b, a_customer(1, "victim"));
	put_domain(b, a_domain(1, "victim.example"));
	put_setting(b, a_setting(1, 1, SENDERS_REGISTERED_USERS));
	put_entry(b, an_entry(1, 1, 1, "192.0.2.9"));
	struct setting auth = a_setting(2, 1, SENDERS_ANY);
	auth.ip_only = false;
	auth.require_auth = true;
	put_setting(b, auth);
	put_user(b, a_user(1, 1, "real@victim.example"));
	build_apply(b);
}

static struct facts facts_of(enum identity who, bool tls)
{
	bool names = who == STRANGER_WITH_HELO;
	return (struct facts){
		.client = an_ip(who == LISTED_NOT_ALLOWED ? "192.0.2.9" :
							    "198.51.100.7"),
		.tls = tls || who == AFTER_FAILED_AUTH,
		.helo = names ? SLICE("mail.victim.example") :
				SLICE("spam.remote.example"),
	};
}

static void r2_5_no_form_relays(void **state)
{
	(void)state;
	struct build b;
	struct arena arena;
	unsigned refused = 0;
	directory(&b);
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		for (int who = 0; who < 2 * IDENTITIES; who++) {
			struct facts f = facts_of((enum identity)(who / 2),
						  who % 2);
			struct err err;
			struct decision d;
			slice rest = slice_of(forms[i].path);
			bool is_address = address_parse_path(
				&rest, ADDRESS_SENDER, forms[i].utf8, &arena,
				&f.sender, &err);
			if (is_address)
				policy_decide(b.v, &f, &d, NULL);
			if (is_address && d.reply == REPLY_SENDER_OK)
				fail_msg("%s was accepted from identity %d",
					 forms[i].path, who / 2);
			refused++;
			arena_reset(&arena);
		}
	print_message("%u refused\n", refused);
	build_fini(&b);
}

/* The test above proves nothing if all is refused: the one who may, may. */
static void r2_5_the_registered_user_does_relay(void **state)
{
	(void)state;
	struct build b;
	struct arena arena;
	struct err err;
	struct decision d;
	struct facts f = facts_of(LISTED_NOT_ALLOWED, false);
	slice rest = SLICE("<Real@Victim.Example>");
	directory(&b);
	arena_init(&arena, 1 << 16);
	assert_true(address_parse_path(&rest, ADDRESS_SENDER, false, &arena,
				       &f.sender, &err));
	policy_decide(b.v, &f, &d, NULL);
	assert_int_equal(d.reply, REPLY_SENDER_OK);
	arena_fini(&arena);
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r2_5_no_form_relays),
		cmocka_unit_test(r2_5_the_registered_user_does_relay),
	};
	return cmocka_run_group_tests_name("policy/decide open-relay forms",
					   tests, NULL, NULL);
}
