/* XCLIENT: who may, what is read, what is forgotten (SPEC 1.4). */
#include "unit/smtp/server_harness.h"

static void begin(struct talk *t, enum smtp_xclient_is is)
{
	talk_begin(t, TALK_TLS);
	smtp_server_xclient(t->server, is);
	talk_say(t, "EHLO proxy\r\n");
}

static void s1_4_announced_only_to_whom_may(void **state)
{
	(void)state;
	static const struct {
		enum smtp_xclient_is is;
		const char *reply;
	} cases[] = {
		{ SMTP_XCLIENT_UNKNOWN, "502 5.5.1" },
		{ SMTP_XCLIENT_REFUSED, "550 5.7.0" },
		{ SMTP_XCLIENT_ALLOWED, "250-XCLIENT NAME ADDR PORT PROTO "
					"HELO LOGIN DESTADDR DESTPORT\r\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		bool may = cases[i].is == SMTP_XCLIENT_ALLOWED;
		begin(&t, cases[i].is);
		assert_int_equal(may, slice_find_slice(buf_slice(&t.replies),
						       SLICE("XCLIENT")) <
					      t.replies.n);
		talk_say(&t, "XCLIENT ADDR=192.0.2.1\r\n");
		talk_expect_reply(&t, cases[i].reply);
		assert_int_equal(talk_has_event(&t, "XCLIENT"), may);
		talk_end(&t);
	}
}

static void s1_4_values(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *event;	/* NULL: 501 */
	} cases[] = {
		{ "ADDR=192.0.2.1", "addr=192.0.2.1 port=0 helo= login=" },
		{ "addr=IPV6:2001:db8::1 PORT=4660",
		  "addr=2001:db8::1 port=4660 helo= login=" },
		{ "NAME=mail.example.jp ADDR=192.0.2.1 HELO=mail+2Bx.example "
		  "PROTO=ESMTP LOGIN=abcdefghij DESTADDR=203.0.113.1 "
		  "DESTPORT=25", "addr=192.0.2.1 port=0 helo=mail+x.example "
		  "login=abcdefghij extended" },
		{ "NAME=[UNAVAILABLE] HELO=[TEMPUNAVAIL] LOGIN=[UNAVAILABLE] "
		  "PORT=[unavailable] DESTADDR=[UNAVAILABLE] "
		  "DESTPORT=[UNAVAILABLE] PROTO=[UNAVAILABLE]",
		  "addr= port=0 helo= login=\n" },
		/* the proxy's own address must never stand for it */
		{ "ADDR=[UNAVAILABLE]", NULL },
		{ "ADDR=[TEMPUNAVAIL]", NULL },
		{ "ADDR=", NULL }, { "ADDR", NULL }, { "ADDR=mail.example", NULL },
		{ "ADDR=2001:db8::1", NULL }, { "ADDR=IPV6:192.0.2.1", NULL },
		{ "ADDR=192.0.2.256", NULL },
		{ "ADDR=192.0.2.1 ADDR=192.0.2.2", NULL },
		{ "ADDR=192.0.2.1 PORT=65536", NULL },
		{ "ADDR=192.0.2.1 PORT=-1", NULL },
		{ "ADDR=192.0.2.1 PROTO=LMTP", NULL },
		{ "ADDR=192.0.2.1 HELO=a+0D+0Ab", NULL },
		{ "ADDR=192.0.2.1 HELO=a+20b", NULL },
		{ "ADDR=192.0.2.1 HELO=a+", NULL },
		{ "ADDR=192.0.2.1 DESTADDR=x", NULL },
		{ "ADDR=192.0.2.1 OTHER=x", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		char line[400];
		begin(&t, SMTP_XCLIENT_ALLOWED);
		buf_clear(&t.replies);
		snprintf(line, sizeof(line), "XCLIENT %s\r\n", cases[i].line);
		talk_say(&t, line);
		talk_expect_codes(&t, cases[i].event ? "220" : "501");
		if (cases[i].event != NULL)
			talk_expect_event(&t, cases[i].event);
		else
			assert_false(talk_has_event(&t, "XCLIENT"));
		talk_end(&t);
	}
}

/* All begins again; HELO= is a HELO. */
static void s1_4_back_to_the_greeting(void **state)
{
	(void)state;
	struct talk t;
	begin(&t, SMTP_XCLIENT_ALLOWED);
	talk_say(&t, "AUTH PLAIN AHVzZXIAcmlnaHQ=\r\n");
	talk_say(&t, "MAIL FROM:<a@example.jp>\r\n");
	talk_say(&t, "XCLIENT ADDR=192.0.2.1\r\nRSET\r\n");
	buf_clear(&t.replies);
	talk_say(&t, "XCLIENT ADDR=192.0.2.1\r\n");
	talk_say(&t, "MAIL FROM:<a@example.jp>\r\n");
	talk_say(&t, "EHLO x\r\n");
	talk_say(&t, "AUTH PLAIN AHVzZXIAcmlnaHQ=\r\n");
	talk_say(&t, "XCLIENT HELO=y PROTO=ESMTP\r\n");
	talk_say(&t, "MAIL FROM:<a@example.jp>\r\n");
	talk_expect_codes(&t, "220 503 250 235 220 250");
	assert_true(smtp_server_is_extended(t.server));
	talk_end(&t);
}

static void s1_4_not_in_a_transaction(void **state)
{
	(void)state;
	struct talk t;
	begin(&t, SMTP_XCLIENT_ALLOWED);
	buf_clear(&t.replies);
	talk_say(&t, "MAIL FROM:<a@example.jp>\r\n");
	talk_say(&t, "XCLIENT ADDR=192.0.2.1\r\n");
	talk_say(&t, "RCPT TO:<r@dest.example>\r\n");
	talk_expect_codes(&t, "250 503 250");
	assert_false(talk_has_event(&t, "XCLIENT"));
	talk_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_4_announced_only_to_whom_may),
		cmocka_unit_test(s1_4_values),
		cmocka_unit_test(s1_4_back_to_the_greeting),
		cmocka_unit_test(s1_4_not_in_a_transaction),
	};
	return cmocka_run_group_tests_name("smtp/server_xclient", tests, NULL,
					   NULL);
}
