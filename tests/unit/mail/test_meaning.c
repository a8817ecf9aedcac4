/* What replies of next hosts mean (the table of the console's messages). */
#include "unit/unit.h"

#include "mail/meaning.h"

static void s11_7_replies_have_a_meaning(void **state)
{
	static const struct {
		const char *reply, *meaning;
	} cases[] = {
		{ "550 5.1.1 <x@y>: Recipient address rejected",
		  "no_mailbox" },
		{ "550 5.1.10 null MX", "no_domain" },
		{ "556 5.1.10 takes no mail", "no_domain" },
		{ "no such host name", "no_domain" },
		{ "452 4.2.2 over quota", "mailbox_full" },
		{ "552 5.2.2 full", "mailbox_full" },
		{ "552 Mailbox full", "mailbox_full" },
		{ "421 try later", "busy" },
		{ "421 4.7.0 too many", "busy" },
		{ "450 4.7.1 slow down", "busy" },
		{ "450 4.7.1 Greylisted, come back", "greylisting" },
		{ "451 greylisting in action", "greylisting" },
		{ "550 5.7.1 looks like junk", "spam" },
		{ "554 Message refused as SPAM", "spam" },
		{ "550 5.7.1 SPF fail", "unauthenticated" },
		{ "550 5.7.26 unauthenticated", "unauthenticated" },
		{ "550 5.7.1 Relaying denied", NULL },
		{ "552 5.3.4 too big", "too_big" },
		{ "552 size limit", "too_big" },
		{ "mx.example.net did not answer", "no_connection" },
		{ "mx.example.net closed the connection", "no_connection" },
		{ "connect: Connection refused", "no_connection" },
		{ "certificate not trusted: expired", "tls_unproven" },
		{ "TLS is required, but the peer does not offer it",
		  "tls_unproven" },
		{ "550 no such user here", "no_mailbox" },
		{ "550 did not answer", NULL },
		{ "450 come back", NULL },
		{ "250 2.0.0 ok", NULL },
		{ "5.1.1 no code before it", NULL },
		{ "5501 5.1.1", NULL },
		{ "550 5.1.11 other", NULL },
		{ "", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = reply_meaning(slice_of(cases[i].reply));
		const char *want = cases[i].meaning;
		if ((got == NULL) != (want == NULL) ||
		    (got != NULL && strcmp(got, want) != 0))
			fail_msg("%s: %s", cases[i].reply, got ? got : "NULL");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s11_7_replies_have_a_meaning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
