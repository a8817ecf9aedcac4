/* Parameters of MAIL and RCPT (SENDERS W10, W11; RELIABILITY C8). */
#include "unit/smtp/server_harness.h"

struct line_case {
	const char *line;		/* without CRLF */
	const char *code;
	const char *text;		/* in the reply, or the event for 250 */
};

static void run(const char *before, const struct line_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct talk t;
		talk_begin(&t, TALK_KNOWN);
		talk_say(&t, "EHLO x\r\n");
		talk_say(&t, before);
		buf_clear(&t.replies);
		talk_say(&t, cases[i].line);
		talk_say(&t, "\r\n");
		talk_expect_codes(&t, cases[i].code);
		if (cases[i].code[0] == '2')
			talk_expect_event(&t, cases[i].text);
		else
			talk_expect_reply(&t, cases[i].text);
		talk_end(&t);
	}
}

#define M "MAIL FROM:<a@example.jp>"
#define SEEN "MAIL <a@example.jp> "
#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void mail_parameters(void **state)
{
	(void)state;
	static const struct line_case cases[] = {
		{ M, "250", SEEN "size=0 ret=0 envid= body=0 utf8=0" },
		{ M " SIZE=35882577", "250", SEEN "size=35882577" },
		{ M " SIZE=35882578", "552", "552 5.3.4" },
		{ M " size=1", "250", SEEN "size=1 " },
		{ M "  SIZE=1   BODY=8bitmime", "250",
		  SEEN "size=1 ret=0 envid= body=1" },
		{ M " BODY=7BIT", "250", "body=0" },
		{ M " BODY=BINARYMIME", "250", "body=2" },
		{ M " BODY=9BIT", "501", "501 5.5.4 Bad value of parameter BODY"
		  },
		{ M " BODY", "501", "501 5.5.4" },
		{ M " BODY=", "501", "501 5.5.4" },
		{ M " BODY=7BIT BODY=7BIT", "501", "501 5.5.4" },
		{ M " SMTPUTF8", "250", "utf8=1" },
		{ M " SMTPUTF8=", "501", "501 5.5.4" },
		{ M " SMTPUTF8=1", "501", "501 5.5.4" },
		{ M " SIZE=0x10", "501", "501 5.5.4" },
		{ M " SIZE=+1", "501", "501 5.5.4" },
		{ M " SIZE=000000000000000000001", "501", "501 5.5.4" },
		{ M " RET=FULL", "250", "ret=1" },
		{ M " ret=hdrs", "250", "ret=2" },
		{ M " RET=ALL", "501", "501 5.5.4" },
		{ M " RET=HDRS RET=HDRS", "501", "501 5.5.4" },
		{ M " ENVID=a+2Bb+3Dc", "250", "envid=a+b=c body" },
		{ M " ENVID=" X100, "250", "envid=" X100 },
		{ M " ENVID=" X100 "x", "501", "501 5.5.4" },
		{ M " ENVID=a+0D+0A", "501", "501 5.5.4" },
		{ M " ENVID=a+00", "501", "501 5.5.4" },
		{ M " ENVID=a+4", "501", "501 5.5.4" },
		{ M " ENVID=+C3+A9", "501", "501 5.5.4" },
		{ M " ENVID=", "501", "501 5.5.4" },
		{ M " AUTH=<>", "250", SEEN },
		{ M " AUTH=a@example.jp", "250", SEEN },
		{ M " AUTH=a+0Ab", "501", "501 5.5.4" },
		{ M " AUTH", "501", "501 5.5.4" },
		{ M " AUTH=<> AUTH=<>", "501", "501 5.5.4" },
		{ M " HOLDFOR=5", "555",
		  "555 5.5.4 Unknown parameter HOLDFOR" },
		{ M " XVERP", "555", "555 5.5.4" },
		{ M " MT-PRIORITY=3", "555", "555 5.5.4" },
		{ M " REQUIRETLS", "555", "555 5.5.4" },
		{ M " NOTIFY=NEVER", "555", "555 5.5.4" },
		{ M " =x", "501", "501 5.5.4" },
		{ M " -a=x", "501", "501 5.5.4" },
		{ M " <b@example.jp>", "501", "501 5.5.4" },
		{ M "SIZE=5", "501", "501 5.1.7" },
		{ M ",<b@example.jp>", "501", "501 5.1.7" },
		{ "MAIL FROM <a@example.jp>", "501", "501 5.5.4" },
		{ "MAIL TO:<a@example.jp>", "501", "501 5.5.4" },
		{ "MAIL", "501", "501 5.5.4" },
		{ "MAIL FROM:", "501", "501 5.1.7" },
		{ "MAIL FROM:<a@example.jp", "501", "501 5.1.7" },
		{ "mail from : < a@example.jp > size=3", "250", SEEN "size=3" },
		{ "MAIL  FROM:a@example.jp SIZE=3", "250", SEEN "size=3" },
		{ "MAIL FROM:<>", "250", "MAIL <> " },
		{ "MAIL FROM: <>  BODY=8BITMIME", "250", "MAIL <> " },
	};
	run("", cases, ARRAY_LEN(cases));
}

#define R "RCPT TO:<r@dest.example>"
#define RSEEN "RCPT <r@dest.example> "

static void w11_rcpt_parameters(void **state)
{
	(void)state;
	static const struct line_case cases[] = {
		{ R, "250", RSEEN "notify=0 orcpt=\n" },
		{ R " NOTIFY=NEVER", "250", RSEEN "notify=1 " },
		{ R " notify=success,Failure,DELAY", "250", "notify=14 " },
		{ R " NOTIFY=FAILURE,FAILURE", "250", "notify=4 " },
		{ R " NOTIFY=NEVER,FAILURE", "501", "501 5.5.4" },
		{ R " NOTIFY=FAILURE,NEVER", "501", "501 5.5.4" },
		{ R " NOTIFY=FAILURE,", "501", "501 5.5.4" },
		{ R " NOTIFY=,", "501", "501 5.5.4" },
		{ R " NOTIFY=", "501", "501 5.5.4" },
		{ R " NOTIFY", "501", "501 5.5.4" },
		{ R " NOTIFY=DELAY NOTIFY=DELAY", "501", "501 5.5.4" },
		{ R " ORCPT=rfc822;r+2Bx@dest.example", "250",
		  "orcpt=rfc822;r+x@dest.example\n" },
		{ R " ORCPT=rfc822;b-r=dest.example@example.jp", "250",
		  "orcpt=rfc822;b-r=dest.example@example.jp\n" },
		{ R " ORCPT=r@dest.example", "501", "501 5.5.4" },
		{ R " ORCPT=;r@dest.example", "501", "501 5.5.4" },
		{ R " ORCPT=rfc822;", "501", "501 5.5.4" },
		{ R " ORCPT=rf(c;r", "501", "501 5.5.4" },
		{ R " ORCPT=rfc822;a+0D+0Ab", "501", "501 5.5.4" },
		{ R " ORCPT=rfc822;a+00", "501", "501 5.5.4" },
		{ R " ORCPT=rfc822;a+", "501", "501 5.5.4" },
		{ R " ORCPT=rfc822;\xc3\xa9@x", "501", "501 5.5.4" },
		{ R " ORCPT=utf-8;\xc3\xa9@x", "501", "501 5.5.4" },
		{ R " ORCPT=rfc822;" X100 X100 X100 X100 X100, "501",
		  "501 5.5.4" },
		{ R " ORCPT=rfc822;" X100 X100 X100 X100, "250",
		  "orcpt=rfc822;" X100 },
		{ R " ORCPT=rfc822;a ORCPT=rfc822;a", "501", "501 5.5.4" },
		{ R " SIZE=5", "555", "555 5.5.4" },
		{ R " X", "555", "555 5.5.4" },
		{ R ",<v@example.jp>", "501", "501 5.1.3" },
		{ "RCPT TO:<>", "501", "501 5.1.3" },
		{ "RCPT TO:", "501", "501 5.1.3" },
		{ "RCPT", "501", "501 5.5.4" },
		{ "RCPT FROM:<r@dest.example>", "501", "501 5.5.4" },
		{ "Rcpt To : r@dest.example NOTIFY=NEVER", "250",
		  RSEEN "notify=1" },
	};
	run("MAIL FROM:<a@example.jp>\r\n", cases, ARRAY_LEN(cases));
}

static void utf8_original_recipient_with_smtputf8(void **state)
{
	(void)state;
	static const struct line_case cases[] = {
		{ R " ORCPT=utf-8;\xc3\xa9@x", "250",
		  "orcpt=utf-8;\xc3\xa9@x\n" },
		{ R " ORCPT=utf-8;+C3+A9@x", "250",
		  "orcpt=utf-8;\xc3\xa9@x\n" },
		{ R " ORCPT=rfc822;\xc3\xa9@x", "501", "501 5.5.4" },
		{ R " ORCPT=utf-8;a+0Ab", "501", "501 5.5.4" },
		{ "RCPT TO:<\xc3\xa9@dest.example>", "250",
		  "RCPT <\xc3\xa9@dest.example>" },
	};
	run("MAIL FROM:<a@example.jp> SMTPUTF8\r\n", cases, ARRAY_LEN(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_parameters),
		cmocka_unit_test(w11_rcpt_parameters),
		cmocka_unit_test(utf8_original_recipient_with_smtputf8),
	};
	return cmocka_run_group_tests_name("smtp/server_parameters", tests,
					   NULL, NULL);
}
