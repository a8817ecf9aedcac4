/*
 * Delivery reports (RFC 3464): the form, and that nothing of what others
 * wrote becomes a field, a line or a part.
 */
#include "unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "mail/report.h"
#include "mail/report_private.h"

#define HEADER "Received: from a by b\r\nFrom: alice@example.com\r\n" \
	       "Subject: hello\r\n"

struct sample {
	struct envelope envelope;
	struct recipient recipients[3];
	struct report_recipient rows[3];
	struct report report;
};

static void fill(struct sample *s)
{
	*s = (struct sample){ 0 };
	s->envelope = (struct envelope){
		.id = id_make(1790000000000, 1), .accepted_ms = 1790000000000,
		.sender = { SLICE("alice"), SLICE("example.com"), false },
		.envid = SLICE("env1"),
		.message_id = SLICE("<1@example.com>"),
	};
	s->recipients[0] = (struct recipient){
		.address = { SLICE("bob"), SLICE("example.org"), false },
		.orcpt = SLICE("rfc822;bob@example.org") };
	s->recipients[1] = (struct recipient){
		.address = { SLICE("a b"), SLICE("c"), false } };
	s->recipients[2] = (struct recipient){
		.address = { SLICE("\xc3\xa4"), SLICE("xn--4ca.example"),
			     true } };
	for (size_t i = 0; i < 3; i++)
		s->rows[i] = (struct report_recipient){
			.recipient = &s->recipients[i],
			.action = REPORT_FAILED, .status = { 5, 1, 1 },
			.host = SLICE("mx.example.org"),
			.reply = SLICE("550 5.1.1 no such user"),
			.tries = 3, .last_attempt_ms = 1790000100000 };
	s->report = (struct report){
		.kind = REPORT_FAILURE, .hostname = SLICE("relay.example.net"),
		.id = id_make(1790000200000, 2), .original = &s->envelope,
		.now_ms = 1790000200000, .recipients = s->rows, .count = 1,
		.returned = SLICE(HEADER "\r\nbody\r\n"),
		.returned_whole = true, .returned_max_bytes = 65536,
	};
}

static bool eight_bit_of_last;

/* The text; checks what every report must be. To be freed. */
static char *compose(const struct report *r)
{
	struct body_budget budget = { .max_bytes = 1ull << 30 };
	struct err err;
	struct body *b = report_compose(r, &budget, &eight_bit_of_last, &err);
	assert_non_null(b);
	char *text = malloc(b->size + 1);
	size_t n = 0, line = 0;
	slice piece;
	for (struct body_at at = body_start(b); body_next(&at, &piece);) {
		memcpy(text + n, piece.p, piece.n);
		n += piece.n;
	}
	text[n] = '\0';
	assert_int_equal(n, b->size);
	for (size_t i = 0; i < n; i++, line++) {
		uint8_t c = (uint8_t)text[i];
		assert_true(c >= 0x20 || c == '\r' || c == '\n' || c == '\t');
		assert_true(c < 0x80 || eight_bit_of_last);
		assert_int_equal(c == '\r', text[i + 1] == '\n');
		if (c == '\n')
			line = 0;
		assert_true(line <= 998);
	}
	assert_true(text[n - 1] == '\n');
	body_unref(&b);
	assert_int_equal(budget.used_bytes, 0);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static void assert_has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static void s11_5_a_failure_names_all_that_rfc_3464_asks(void **state)
{
	(void)state;
	struct sample s;
	fill(&s);
	char *text = compose(&s.report);
	static const char *const wanted[] = {
		"From: Mail Delivery System <MAILER-DAEMON@relay.example.net>"
		"\r\n",
		"To: <alice@example.com>\r\n",
		"Subject: Your message could not be delivered\r\n",
		"Auto-Submitted: auto-replied\r\n",
		"References: <1@example.com>\r\n",
		"Content-Type: multipart/report; report-type=delivery-status;",
		"\r\nContent-Type: message/delivery-status\r\n"
		"Content-Transfer-Encoding: 7bit\r\n\r\n"
		"Reporting-MTA: dns; relay.example.net\r\n"
		"Original-Envelope-Id: env1\r\n"
		"Arrival-Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n\r\n"
		"Original-Recipient: rfc822; bob@example.org\r\n"
		"Final-Recipient: rfc822; bob@example.org\r\n"
		"Action: failed\r\nStatus: 5.1.1\r\n"
		"Remote-MTA: dns; mx.example.org\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
		"Last-Attempt-Date: Mon, 21 Sep 2026 14:15:00 +0000\r\n\r\n"
		"--=_",
		"\r\n\r\n" HEADER "\r\n--=_",
		"The mail server mx.example.org said:\r\n"
		"    550 5.1.1 no such user\r\n",
		"There is no such mailbox.",
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		assert_has(text, wanted[i]);
	assert_null(strstr(text, "body\r\n"));
	assert_int_equal(count(text, "\r\n--=_"), 4);
	free(text);
}

static void s11_5_whole_originals_only_where_ret_full_allows(void **state)
{
	(void)state;
	static const struct {
		enum report_kind kind;
		enum dsn_return ret;
		bool whole, smtputf8;
		uint64_t max;
		const char *returned;
		bool want, eight_bit;
	} cases[] = {
		{ REPORT_FAILURE, DSN_RET_FULL, true, false, 1000,
		  HEADER "\r\nbody\r\n", true, false },
		{ REPORT_FAILURE, DSN_RET_FULL, true, false, 1000,
		  HEADER "\r\nb\xc3\xa4\r\n", true, true },
		{ REPORT_FAILURE, DSN_RET_HDRS, true, false, 1000,
		  HEADER "\r\nbody\r\n", false, false },
		{ REPORT_FAILURE, DSN_RET_UNSAID, true, false, 1000,
		  HEADER "\r\nbody\r\n", false, false },
		{ REPORT_DELAY, DSN_RET_FULL, true, false, 1000,
		  HEADER "\r\nbody\r\n", false, false },
		{ REPORT_SUCCESS, DSN_RET_FULL, true, false, 1000,
		  HEADER "\r\nbody\r\n", false, false },
		{ REPORT_FAILURE, DSN_RET_FULL, false, false, 1000,
		  HEADER "\r\nbody\r\n", false, false },
		{ REPORT_FAILURE, DSN_RET_FULL, true, true, 1000,
		  HEADER "\r\nbody\r\n", false, false },
		{ REPORT_FAILURE, DSN_RET_FULL, true, false,
		  sizeof(HEADER "\r\nbody\r\n") - 2, HEADER "\r\nbody\r\n",
		  false, false },
		{ REPORT_FAILURE, DSN_RET_FULL, true, false, 1000,
		  HEADER "\r\nbo\ndy\r\n", false, false },
		{ REPORT_FAILURE, DSN_RET_FULL, true, false, 1000,
		  HEADER "\r\nbo\rdy\r\n", false, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample s;
		fill(&s);
		s.report.kind = cases[i].kind;
		s.envelope.ret = cases[i].ret;
		s.envelope.smtputf8 = cases[i].smtputf8;
		s.report.returned_whole = cases[i].whole;
		s.report.returned_max_bytes = cases[i].max;
		s.report.returned = slice_of(cases[i].returned);
		char *text = compose(&s.report);
		bool whole = strstr(text, "message/rfc822\r\n") != NULL;
		bool part = strstr(text, "text/rfc822-headers\r\n") ||
			    strstr(text, "message/global-headers\r\n");
		assert_int_equal(whole, cases[i].want);
		assert_int_equal(part, !cases[i].want);
		assert_int_equal(eight_bit_of_last, cases[i].eight_bit);
		free(text);
	}
}

static void a_header_is_returned_as_far_as_it_is_there(void **state)
{
	(void)state;
	static const struct { const char *in; size_t n; const char *want; }
	cases[] = {
		{ "", 0, "\r\n\r\n--=_" },
		{ "\r\nbody", 0, "\r\n\r\n--=_" },
		{ "A: b\r\nC: d", 0, "\r\n\r\nA: b\r\n\r\n--=_" },
		{ "A: b\nC: d\n\nbody", 0,
		  "quoted-printable\r\n\r\nA: b\r\nC: d\r\n\r\n--=_" },
		{ "A: \xc3\xa4=\r\n\r\n", 0,
		  "quoted-printable\r\n\r\nA: =C3=A4=3D\r\n\r\n--=_" },
		{ "A: b\0c\r\n", 8,
		  "quoted-printable\r\n\r\nA: b=00c\r\n\r\n--=_" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample s;
		fill(&s);
		s.report.returned = slice_of(cases[i].in);
		if (cases[i].n > 0)
			s.report.returned.n = cases[i].n;
		char *text = compose(&s.report);
		assert_has(text, cases[i].want);
		free(text);
	}
}

static void a_long_header_line_is_encoded(void **state)
{
	(void)state;
	static char header[5000];
	struct sample s;
	fill(&s);
	memset(header, 'x', sizeof(header));
	memcpy(header, "A: ", 3);
	memcpy(header + sizeof(header) - 2, "\r\n", 2);
	s.report.returned = (slice){ header, sizeof(header) };
	char *text = compose(&s.report);
	assert_has(text, "quoted-printable");
	free(text);
}

/* What a hostile host, sender or client can say (M6). */
static const char *const injections[] = {
	"550 no\r\nAction: delivered",
	"550 no\n\nFinal-Recipient: rfc822; x@y",
	"550 no\r\n\r\n--=_x\r\nContent-Type: text/html\r\n\r\n<script>",
	"550 \"; boundary=\"x",
	"550 \x1b[31mred\x07\x08\x7f",
	"550 \xe2\x80\xae" "abc\xe2\x80\xa8" "Bcc: x@y\xc2\x85" "Bcc: z",
	"550 \xff\xfe\xc0\xaf",
	"550\t\v\f\rX: y",
	"\r\n\r\n\r\n",
	"\n",
	"   ",
	"multipart/report; report-type=delivery-status",
};

static void check_injected(struct sample *s, const char *what)
{
	for (int language = LANGUAGE_EN; language <= LANGUAGE_JA; language++) {
		s->report.language = (enum language)language;
		char *text = compose(&s->report);
		static const char *const once[] = {
			"\r\nAction:", "\r\nFinal-Recipient:", "\r\nStatus:",
			"\r\nReporting-MTA:", "\r\nTo:", "\r\nSubject: =?",
			"\r\nMIME-Version:" };
		for (size_t i = 0; i < ARRAY_LEN(once); i++) {
			size_t n = count(text, once[i]);
			if (n > 1)
				fail_msg("%s: %zu of %s", what, n, once[i]);
		}
		assert_int_equal(count(text, "\r\n--"), 4);
		assert_int_equal(count(text, "\r\nContent-Type:"), 4);
		assert_null(strstr(text, "\r\nBcc:"));
		assert_null(strstr(text, "\r\nX:"));
		assert_null(strstr(text, "\n\r\n\r\n--=_x"));
		free(text);
	}
}

static void s11_5_nothing_can_be_injected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(injections); i++) {
		slice bad = slice_of(injections[i]);
		for (int where = 0; where < 5; where++) {
			struct sample s;
			fill(&s);
			char orcpt[400];
			snprintf(orcpt, sizeof(orcpt), "rfc822;%s",
				 injections[i]);
			switch (where) {
			case 0: s.rows[0].reply = bad; break;
			case 1: s.rows[0].host = bad; break;
			case 2: s.recipients[0].orcpt = slice_of(orcpt); break;
			case 3: s.envelope.envid = bad; break;
			default: s.envelope.message_id = bad; break;
			}
			check_injected(&s, injections[i]);
		}
	}
}

static void a_returned_header_holds_no_boundary(void **state)
{
	(void)state;
	struct sample s;
	char id[ID_TEXT_MAX], header[400];
	fill(&s);
	id_text(s.report.id, id);
	snprintf(header, sizeof(header),
		 "A: b\r\n--=_%s_0--\r\n--=_%s_1\r\nFrom: x\r\n", id, id);
	s.report.returned = slice_of(header);
	char *text = compose(&s.report);
	assert_has(text, "_2\"\r\n");
	assert_int_equal(count(text, "_2\r\n"), 3);
	assert_int_equal(count(text, "_2--\r\n"), 1);
	free(text);
}

static void long_replies_are_cut_and_folded(void **state)
{
	(void)state;
	static char reply[100000];
	for (int spaces = 0; spaces < 2; spaces++) {
		struct sample s;
		fill(&s);
		for (size_t i = 0; i < sizeof(reply); i++)
			reply[i] = spaces && i % 7 == 6 ? ' ' :
				   i % 3001 == 3000 ? '\n' : 'x';
		s.rows[0].reply = (slice){ reply, sizeof(reply) };
		char *text = compose(&s.report);
		assert_true(strlen(text) < 6000);
		free(text);
	}
}

static void s11_5_delays_and_successes(void **state)
{
	(void)state;
	struct sample s;
	fill(&s);
	s.report.kind = REPORT_DELAY;
	s.rows[0].action = REPORT_DELAYED;
	s.rows[0].retry_until_ms = 1790400000000;
	memset(s.rows[0].status, 0, 3);
	s.rows[0].host = (slice){ 0 };
	s.rows[0].reply = SLICE("connection timed out");
	char *text = compose(&s.report);
	assert_has(text, "Action: delayed\r\nStatus: 4.0.0\r\n"
			 "Diagnostic-Code: x-postrider; connection timed out");
	assert_has(text, "Will-Retry-Until: Sat, 26 Sep 2026 05:20:00 +0000");
	assert_has(text, "It will be tried until Sat, 26 Sep 2026 05:20:00");
	free(text);
	s.report.kind = REPORT_SUCCESS;
	s.rows[0].action = REPORT_RELAYED;
	text = compose(&s.report);
	assert_has(text, "Action: relayed\r\nStatus: 2.0.0\r\n");
	assert_null(strstr(text, "Will-Retry"));
	free(text);
}

static void s11_5_japanese(void **state)
{
	(void)state;
	struct sample s;
	fill(&s);
	s.report.language = LANGUAGE_JA;
	char *text = compose(&s.report);
	assert_has(text, "Subject: =?UTF-8?B?");
	assert_has(text, "Content-Type: text/plain; charset=UTF-8\r\n"
			 "Content-Transfer-Encoding: base64\r\n"
			 "Content-Language: ja\r\n");
	assert_false(eight_bit_of_last);
	free(text);
}

static void utf8_addresses_are_written_in_ascii(void **state)
{
	(void)state;
	struct sample s;
	fill(&s);
	s.report.count = 3;
	s.recipients[1].orcpt = SLICE("utf-8;\xc3\xa4\\@x");
	char *text = compose(&s.report);
	assert_has(text, "Final-Recipient: rfc822; \"a b\"@c\r\n");
	assert_has(text, "Final-Recipient: utf-8; \\x{E4}@xn--4ca.example\r\n");
	assert_has(text, "Original-Recipient: utf-8; \\x{E4}\\x{5C}@x\r\n");
	assert_false(eight_bit_of_last);
	free(text);
	s.envelope.sender = s.recipients[2].address;
	text = compose(&s.report);
	assert_has(text, "To: <\xc3\xa4@xn--4ca.example>\r\n");
	assert_true(eight_bit_of_last);
	free(text);
}

static void many_recipients_are_all_in_the_second_part(void **state)
{
	(void)state;
	enum { MANY = 1000 };
	static struct report_recipient rows[MANY];
	struct sample s;
	fill(&s);
	for (size_t i = 0; i < MANY; i++)
		rows[i] = s.rows[0];
	s.report.recipients = rows;
	s.report.count = MANY;
	char *text = compose(&s.report);
	assert_int_equal(count(text, "\r\nFinal-Recipient: "), MANY);
	assert_int_equal(count(text, "\r\n<bob@example.org>\r\n"),
			 REPORT_LISTED_MAX);
	assert_has(text, "And 950 more;");
	free(text);
}

static void no_memory_is_an_error(void **state)
{
	(void)state;
	struct sample s;
	fill(&s);
	for (uint64_t max = 0; max < 8000; max += 500) {
		struct body_budget budget = { .max_bytes = max };
		struct err err = { 0 };
		bool eight_bit;
		struct body *b = report_compose(&s.report, &budget, &eight_bit,
						&err);
		if (b == NULL)
			assert_int_equal(err.kind, ERR_LIMIT);
		body_unref(&b);
		assert_int_equal(budget.used_bytes, 0);
	}
}

/* Both languages, and they take the same arguments. */
static void texts_are_complete(void **state)
{
	(void)state;
	for (int id = 0; id < REPORT_TEXT_COUNT; id++) {
		const struct text *t = report_text((enum report_text_id)id);
		assert_true(t->en[0] != '\0' && t->ja[0] != '\0');
		assert_string_not_equal(t->en, t->ja);
		assert_true(utf8_valid(slice_of(t->ja)));
		static const char *const marks[] = { "{0}", "{1}", "{" };
		for (size_t k = 0; k < ARRAY_LEN(marks); k++)
			assert_int_equal(count(t->en, marks[k]),
					 count(t->ja, marks[k]));
		for (const char *c = t->en; *c != '\0'; c++)
			assert_true((uint8_t)*c < 0x80);
	}
}

/* --- another parser ----------------------------------------------------------- */

#define SCRIPT "tests/unit/mail/check_report.py"

static void assert_python_sees(const struct report *r, const char *want)
{
	char *text = compose(r);
	char path[] = "/tmp/test_report_XXXXXX", command[200], got[4000];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	snprintf(command, sizeof(command), "python3 " SCRIPT " <%s 2>&1",
		 path);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	size_t n = fread(got, 1, sizeof(got) - 1, p);
	got[n] = '\0';
	pclose(p);
	unlink(path);
	free(text);
	assert_string_equal(got, want);
}

#define GROUP_ALL                                                           \
	"group action diagnostic-code final-recipient last-attempt-date "   \
	"original-recipient remote-mta status\n"                            \
	"Final-Recipient rfc822; bob@example.org\n"                         \
	"Action failed\nStatus 5.1.1\n"

static void s11_5_python_reads_it_too(void **state)
{
	(void)state;
	struct sample s;
	if (access(SCRIPT, R_OK) != 0 ||
	    system("python3 -c 'import email.policy' 2>/dev/null") != 0)
		skip();
	fill(&s);
	s.rows[0].reply = slice_of(injections[2]);
	assert_python_sees(&s.report,
		"type multipart/report delivery-status\n"
		"to alice@example.com\n"
		"subject Your message could not be delivered\n"
		"auto auto-replied\n"
		"parts text/plain message/delivery-status "
		"text/rfc822-headers\n"
		"words 17\n"
		"group arrival-date original-envelope-id reporting-mta\n"
		GROUP_ALL "header 3\ndefects\n");
	s.envelope.ret = DSN_RET_FULL;
	s.report.language = LANGUAGE_JA;
	s.report.returned = SLICE(HEADER "\r\nb\xc3\xa4\r\n");
	assert_python_sees(&s.report,
		"type multipart/report delivery-status\n"
		"to alice@example.com\n"
		"subject \xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab\xe3\x82\x92"
		"\xe9\x85\x8d\xe9\x80\x81\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe"
		"\xe3\x81\x9b\xe3\x82\x93\xe3\x81\xa7\xe3\x81\x97\xe3\x81\x9f"
		"\nauto auto-replied\n"
		"parts text/plain message/delivery-status message/rfc822\n"
		"words 17\n"
		"group arrival-date original-envelope-id reporting-mta\n"
		GROUP_ALL "original hello\ndefects\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s11_5_a_failure_names_all_that_rfc_3464_asks),
		cmocka_unit_test(
			s11_5_whole_originals_only_where_ret_full_allows),
		cmocka_unit_test(a_header_is_returned_as_far_as_it_is_there),
		cmocka_unit_test(a_long_header_line_is_encoded),
		cmocka_unit_test(s11_5_nothing_can_be_injected),
		cmocka_unit_test(a_returned_header_holds_no_boundary),
		cmocka_unit_test(long_replies_are_cut_and_folded),
		cmocka_unit_test(s11_5_delays_and_successes),
		cmocka_unit_test(s11_5_japanese),
		cmocka_unit_test(utf8_addresses_are_written_in_ascii),
		cmocka_unit_test(many_recipients_are_all_in_the_second_part),
		cmocka_unit_test(no_memory_is_an_error),
		cmocka_unit_test(texts_are_complete),
		cmocka_unit_test(s11_5_python_reads_it_too),
	};
	return cmocka_run_group_tests_name("mail/report", tests, NULL, NULL);
}
