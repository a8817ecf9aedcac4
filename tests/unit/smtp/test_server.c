/* The SMTP server engine: what it announces, its bounds, who may talk out of
 * turn, and how a session ends. Dialogues are in test_server_dialogues.c. */
#include "unit/smtp/server_harness.h"

#define EHLO "EHLO x\r\n"
#define MAIL "MAIL FROM:<a@example.jp>\r\n"
#define RCPT "RCPT TO:<r@dest.example>\r\n"
#define MESSAGE MAIL RCPT "DATA\r\n"

static void repeat(struct talk *t, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		talk_say(t, bytes);
}

static size_t count_replies(const struct talk *t, const char *code)
{
	struct buf codes;
	size_t n = 0;
	buf_init(&codes, 1 << 20);
	talk_codes(t, &codes);
	slice rest = buf_slice(&codes);
	while (rest.n > 0)
		n += slice_eq(slice_cut(&rest, ' '), slice_of(code));
	buf_fini(&codes);
	return n;
}

/* --- EHLO ----------------------------------------------------------------- */

static void s1_4_ehlo_announces_in_plain_text(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, 0);
	talk_say(&t, EHLO);
	assert_slice_eq(buf_slice(&t.replies),
			"220 relay.test ESMTP Postrider\r\n"
			"250-relay.test\r\n250-PIPELINING\r\n"
			"250-SIZE 35882577\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
			"250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n"
			"250-ENHANCEDSTATUSCODES\r\n"
			"250-LIMITS RCPTMAX=1000\r\n250-STARTTLS\r\n"
			"250 HELP\r\n");
	assert_true(smtp_server_is_extended(t.server));
	talk_end(&t);
}

/* A reload gives the engine's config other limits: a transaction keeps those
 * that it began with, the next MAIL or EHLO takes the new ones. */
static void new_limits_count_from_the_next_mail_on(void **state)
{
	(void)state;
	struct talk t;
	struct limits narrow, wide;
	talk_begin(&t, TALK_KNOWN);
	limits_defaults(&narrow);
	limits_defaults(&wide);
	narrow.recipients = 1;
	narrow.recipients_overshoot = 2;
	narrow.message_size = 70000;
	wide.recipients = 5000;
	talk_say(&t, EHLO MAIL RCPT);
	t.config.limits = &narrow;
	buf_clear(&t.replies);
	talk_say(&t, RCPT RCPT "RSET\r\n" MAIL RCPT RCPT "RSET\r\n"
		 "MAIL FROM:<a@example.jp> SIZE=70001\r\n");
	talk_expect_codes(&t, "250 250 250 250 250 452 250 552");
	t.config.limits = &wide;
	buf_clear(&t.replies);
	talk_say(&t, EHLO);
	assert_true(slice_find_slice(buf_slice(&t.replies),
				     SLICE("RCPTMAX=5000")) < t.replies.n);
	talk_say(&t, MAIL);
	/* as many as are allowed now fit into memory, long ones too */
	char line[400];
	snprintf(line, sizeof(line), "RCPT TO:<%.*s@%.*s.example>\r\n", 60,
		 "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr",
		 60,
		 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
	buf_clear(&t.replies);
	repeat(&t, line, 5000);
	assert_int_equal(count_replies(&t, "250"), 5000);
	talk_say(&t, line);
	assert_int_equal(count_replies(&t, "452"), 1);
	talk_end(&t);
}

/* Of one session, whatever the configuration offers (old TLS). */
static void s1_9_auth_can_be_refused_to_a_session(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_TLS);
	smtp_server_refuse_auth(t.server);
	talk_say(&t, EHLO);
	talk_say(&t, "AUTH PLAIN AGEAYg==\r\n");
	assert_int_equal(slice_find_slice(buf_slice(&t.replies),
					  SLICE("250-AUTH")), t.replies.n);
	assert_int_equal(count_replies(&t, "502"), 1);
	talk_end(&t);
}

static void s1_3_auth_is_announced_under_tls_only(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, 0);
	talk_say(&t, EHLO);
	assert_int_equal(slice_find_slice(buf_slice(&t.replies),
					  SLICE("AUTH")), t.replies.n);
	talk_say(&t, "STARTTLS\r\n");
	assert_true(smtp_server_is_tls(t.server));
	buf_clear(&t.replies);
	talk_say(&t, EHLO);
	talk_expect_reply(&t, "250-AUTH PLAIN LOGIN SCRAM-SHA-256\r\n");
	assert_int_equal(slice_find_slice(buf_slice(&t.replies),
					  SLICE("STARTTLS")), t.replies.n);
	talk_end(&t);
}

static void s1_4_nothing_that_begins_with_x_or_is_unsupported(void **state)
{
	(void)state;
	static const char *const never[] = { "\n250-X", "REQUIRETLS", "NTLM",
					     "GSSAPI", " CRAM", "ETRN", "VRFY",
					     "AUTH=" };
	struct talk t;
	talk_begin(&t, TALK_TLS);
	talk_say(&t, EHLO);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_int_equal(slice_find_slice(buf_slice(&t.replies),
						  slice_of(never[i])),
				 t.replies.n);
	talk_end(&t);
}

static void helo_answers_one_line(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, 0);
	talk_say(&t, "HELO x\r\n");
	assert_slice_eq(buf_slice(&t.replies),
			"220 relay.test ESMTP Postrider\r\n250 relay.test\r\n");
	assert_false(smtp_server_is_extended(t.server));
	talk_end(&t);
}

static void s1_6_names_of_ehlo(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool fine;
	} cases[] = {
		{ "EHLO localhost", true }, { "EHLO my_host", true },
		{ "EHLO [127.0.0.1]", true }, { "HELO [IPv6:::1]", true },
		{ "EHLO x ", true }, { "EHLO  x", true },
		{ "EHLO -", true }, { "EHLO mail.example.jp.", true },
		{ "EHLO smtp.gmail.com", true }, { "EHLO", false },
		{ "EHLO ", false }, { "HELO", false }, { "EHLO a b", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		talk_begin(&t, 0);
		talk_say(&t, cases[i].line);
		talk_say(&t, "\r\n");
		talk_expect_codes(&t, cases[i].fine ? "220 250" : "220 501");
		talk_end(&t);
	}
}

/* --- lines ---------------------------------------------------------------- */

/* A line of n bytes with its CRLF. */
static void say_line(struct talk *t, const char *start, size_t n, size_t piece)
{
	struct buf b;
	buf_init(&b, 4 << 20);
	buf_append(&b, slice_of(start));
	while (b.n < n - 2)
		buf_append_char(&b, 'x');
	buf_append(&b, SLICE("\r\n"));
	talk_feed_pieces(t, buf_slice(&b), piece);
	buf_fini(&b);
}

static void c4_lines_up_to_the_bound_and_beyond(void **state)
{
	(void)state;
	static const struct {
		size_t length;
		const char *codes;
	} cases[] = {
		{ 512, "220 250 221" }, { 513, "220 250 221" },
		{ 2049, "220 250 221" }, { 4095, "220 250 221" },
		{ 4096, "220 250 221" }, { 4097, "220 500 221" },
		{ 4098, "220 500 221" }, { 65536, "220 500 221" },
		{ 1 << 20, "220 500 221" },
	};
	static const size_t pieces[] = { 1 << 21, 4096, 1000, 3 };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
			struct talk t;
			talk_begin(&t, 0);
			say_line(&t, "NOOP ", cases[i].length, pieces[p]);
			talk_say(&t, "QUIT\r\n");
			talk_expect_codes(&t, cases[i].codes);
			talk_end(&t);
		}
	}
}

static void c4_long_ehlo_name_and_a_thousand_parameters(void **state)
{
	(void)state;
	struct talk t;
	struct buf b;
	talk_begin(&t, 0);
	say_line(&t, "EHLO ", 65536, 1 << 20);
	say_line(&t, "EHLO ", 2000, 1 << 20);
	talk_say(&t, EHLO);
	buf_init(&b, 1 << 20);
	buf_append(&b, SLICE("MAIL FROM:<a@example.jp>"));
	for (int i = 0; i < 1000; i++)
		buf_append(&b, SLICE(" A"));
	buf_append(&b, SLICE("\r\n"));
	talk_feed(&t, buf_slice(&b));
	talk_expect_codes(&t, "220 500 501 250 555");
	buf_fini(&b);
	talk_end(&t);
}

static void c4_a_line_without_end_is_given_up(void **state)
{
	(void)state;
	struct talk t;
	char *mega = malloc(1 << 20);
	assert_non_null(mega);
	memset(mega, 'x', 1 << 20);
	talk_begin(&t, 0);
	for (int i = 0; i < 32 && !t.over; i++)
		talk_feed(&t, (slice){ mega, 1 << 20 });
	assert_int_equal(t.close, SMTP_CLOSE_JUNK);
	talk_expect_codes(&t, "220 421");
	free(mega);
	talk_end(&t);
}

/* --- pipelining ----------------------------------------------------------- */

static void w1_many_recipients_in_one_segment(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 100000; piece *= 10) {
		struct talk t;
		struct buf b;
		buf_init(&b, 1 << 20);
		buf_append(&b, SLICE(MAIL));
		for (int i = 0; i < 100; i++)
			buf_printf(&b, "RCPT TO:<%s%d@dest.example>\r\n",
				   i % 10 == 3 ? "no" : "r", i);
		buf_append(&b, SLICE("DATA\r\n"));
		talk_begin(&t, TALK_KNOWN);
		talk_say(&t, EHLO);
		talk_feed_pieces(&t, buf_slice(&b), piece);
		talk_say(&t, "x\r\n.\r\nQUIT\r\n");
		assert_int_equal(count_replies(&t, "250"), 1 + 1 + 90 + 1);
		assert_int_equal(count_replies(&t, "550"), 10);
		assert_int_equal(count_replies(&t, "354"), 1);
		assert_int_equal(t.messages, 1);
		buf_fini(&b);
		talk_end(&t);
	}
}

/* The verdict may take long: QUIT waits in the caller's input. */
static void w4_quit_behind_a_slow_verdict(void **state)
{
	(void)state;
	struct talk t;
	struct smtp_event ev;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO MESSAGE);
	buf_clear(&t.replies);
	slice in = SLICE("x\r\n.\r\nQUIT\r\n");
	assert_int_equal(smtp_server_next(t.server, &in, &t.replies, &ev),
			 SMTP_BODY);
	assert_int_equal(smtp_server_next(t.server, &in, &t.replies, &ev),
			 SMTP_BODY_END);
	assert_true(smtp_server_awaits_answer(t.server));
	assert_false(smtp_server_in_body(t.server));
	assert_int_equal(t.replies.n, 0);
	assert_slice_eq(in, "QUIT\r\n");
	struct reply r = { .id = REPLY_ACCEPTED, .detail = SLICE("id") };
	smtp_server_answer(t.server, &t.replies, &r);
	assert_int_equal(smtp_server_next(t.server, &in, &t.replies, &ev),
			 SMTP_QUIT);
	talk_expect_codes(&t, "250 221");
	talk_end(&t);
}

static void c1_w7_bytes_behind_starttls(void **state)
{
	(void)state;
	static const unsigned who[] = { 0, TALK_KNOWN };
	for (size_t i = 0; i < ARRAY_LEN(who); i++) {
		struct talk t;
		talk_begin(&t, who[i]);
		talk_say(&t, EHLO);
		talk_say(&t, "STARTTLS\r\nEHLO evil\r\n" MAIL);
		talk_expect_codes(&t, "220 250 554");
		assert_int_equal(t.close, SMTP_CLOSE_PIPELINED_STARTTLS);
		assert_false(talk_has_event(&t, "STARTTLS"));
		assert_false(talk_has_event(&t, "evil"));
		talk_end(&t);
	}
}

static void c3_strangers_out_of_turn_are_closed(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		const char *codes;
	} cases[] = {
		{ EHLO MAIL, "220 554" },
		{ "HELO x\r\n" MAIL, "220 554" },
		{ "AUTH PLAIN AAA=\r\n" MAIL, "220 554" },
		{ MAIL RCPT "DATA\r\nFrom: x\r\n\r\n.\r\n", "220 503 503 554" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		talk_begin(&t, 0);
		talk_say(&t, cases[i].bytes);
		talk_expect_codes(&t, cases[i].codes);
		talk_expect_reply(&t, "554 5.5.0");
		assert_int_equal(t.close, SMTP_CLOSE_EARLY_TALKER);
		talk_end(&t);
	}
}

static void c3_strangers_out_of_turn_in_an_auth_exchange(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_TLS);
	talk_say(&t, EHLO);
	talk_say(&t, "AUTH LOGIN\r\n");
	talk_say(&t, "dXNlcg==\r\ncmlnaHQ=\r\n");
	talk_expect_codes(&t, "220 250 334 554");
	assert_false(talk_has_event(&t, "AUTH"));
	talk_end(&t);
}

static void c3_known_clients_may_and_nothing_is_lost(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO MESSAGE "x\r\n.\r\n" MESSAGE "y\r\n.\r\nQUIT\r\n");
	talk_expect_codes(&t, "220 250 250 250 354 250 250 250 354 250 221");
	assert_int_equal(t.messages, 2);
	assert_true(smtp_server_was_out_of_turn(t.server));
	talk_end(&t);
}

static void c3_waiting_where_due_is_not_out_of_turn(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO);
	talk_say(&t, MESSAGE);
	talk_say(&t, "x\r\n.\r\n" MESSAGE);
	talk_say(&t, "x\r\n.\r\nQUIT\r\n");
	assert_int_equal(t.messages, 2);
	assert_false(smtp_server_was_out_of_turn(t.server));
	talk_end(&t);
}

/* What stands behind a DATA that is refused is a body, not commands. */
static void c3_body_behind_a_refused_data_is_never_executed(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		const char *codes;
	} cases[] = {
		{ EHLO "MAIL FROM:<denied@example.jp>\r\n" RCPT
		  "DATA\r\nMAIL FROM:<e@vil>\r\n.\r\n",
		  "220 250 550 503 503 554" },
		{ EHLO "MAIL FROM:<quota@example.jp>\r\n" RCPT
		  "DATA\r\nMAIL FROM:<e@vil>\r\n.\r\n",
		  "220 250 250 250 550 554" },
		{ EHLO MAIL "RCPT TO:<no@dest.example>\r\n"
		  "DATA\r\nMAIL FROM:<e@vil>\r\n.\r\n",
		  "220 250 250 550 554 554" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		talk_begin(&t, TALK_KNOWN);
		talk_say(&t, cases[i].bytes);
		talk_expect_codes(&t, cases[i].codes);
		assert_int_equal(t.close, SMTP_CLOSE_EARLY_TALKER);
		assert_false(talk_has_event(&t, "vil"));
		talk_end(&t);
	}
}

/* --- before the greeting -------------------------------------------------- */

static void early(unsigned flags, slice bytes, enum smtp_event_kind kind,
		  enum smtp_close_reason reason, const char *codes)
{
	struct talk t;
	struct smtp_event ev;
	talk_begin(&t, flags);
	struct smtp_server *s = smtp_server_new(&t.config, false);
	assert_non_null(s);
	if (flags & TALK_KNOWN)
		smtp_server_known_client(s);
	buf_clear(&t.replies);
	slice in = bytes;
	assert_int_equal(smtp_server_next(s, &in, &t.replies, &ev), kind);
	if (kind == SMTP_CLOSE)
		assert_int_equal(ev.close, reason);
	else
		assert_true(slice_eq(in, bytes));
	talk_expect_codes(&t, codes);
	smtp_server_free(&s);
	talk_end(&t);
}

static void c3_early_talkers(void **state)
{
	(void)state;
	early(0, SLICE(EHLO), SMTP_CLOSE, SMTP_CLOSE_EARLY_TALKER, "554");
	early(0, SLICE("\r\n"), SMTP_CLOSE, SMTP_CLOSE_EARLY_TALKER, "554");
	early(0, SLICE(""), SMTP_NEED_INPUT, SMTP_CLOSE_NONE, "");
	early(TALK_KNOWN, SLICE(EHLO), SMTP_NEED_INPUT, SMTP_CLOSE_NONE, "");
	early(0, SLICE("\x16\x03\x01"), SMTP_CLOSE, SMTP_CLOSE_TLS_ON_PLAIN,
	      "");
	early(0, SLICE("GET / HTTP/1.1\r\n"), SMTP_CLOSE, SMTP_CLOSE_HTTP, "");
	early(0, SLICE("PROXY TCP4"), SMTP_CLOSE, SMTP_CLOSE_PROXY_HEADER, "");
	early(0, SLICE("\r\n\r\n\0\r\nQUIT\n"), SMTP_CLOSE,
	      SMTP_CLOSE_PROXY_HEADER, "");
}

/* --- bounds --------------------------------------------------------------- */

/* n replies of the code before the one 421. */
static void bound(unsigned flags, const char *bytes, const char *code,
		  size_t n, enum smtp_close_reason reason)
{
	struct talk t;
	talk_begin(&t, flags);
	talk_say(&t, EHLO);
	size_t before = count_replies(&t, code);
	repeat(&t, bytes, n);
	assert_false(t.over);
	assert_int_equal(count_replies(&t, code) - before, n);
	talk_say(&t, bytes);
	assert_int_equal(t.close, reason);
	assert_int_equal(count_replies(&t, code) - before, n);
	assert_int_equal(count_replies(&t, "421"), 1);
	talk_say(&t, bytes);
	assert_int_equal(count_replies(&t, "421"), 1);
	talk_end(&t);
}

static void c6_errors_and_commands_without_progress_are_bounded(void **state)
{
	(void)state;
	bound(0, "X-YZ\r\n", "500", 10, SMTP_CLOSE_ERRORS);
	bound(TALK_KNOWN, "X-YZ\r\n", "500", 20, SMTP_CLOSE_ERRORS);
	bound(0, "NOOP\r\n", "250", 50, SMTP_CLOSE_JUNK);
	bound(TALK_KNOWN, "RSET\r\n", "250", 100, SMTP_CLOSE_JUNK);
	bound(0, "VRFY x\r\n", "252", 50, SMTP_CLOSE_JUNK);
	bound(0, "HELP\r\n", "214", 50, SMTP_CLOSE_JUNK);
	bound(0, EHLO, "250", 50, SMTP_CLOSE_JUNK);
	bound(0, "MAIL FROM:<denied@example.jp>\r\n", "550", 10,
	      SMTP_CLOSE_ERRORS);
	bound(TALK_KNOWN, "MAIL FROM:<denied@example.jp>\r\n", "550", 100,
	      SMTP_CLOSE_JUNK);
	bound(0, "BDAT 0 LAST\r\n", "503", 10, SMTP_CLOSE_ERRORS);
}

static void an_accepted_message_clears_the_counts(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO);
	for (int i = 0; i < 5; i++) {
		repeat(&t, "NOOP\r\n", 90);
		repeat(&t, "X-YZ\r\n", 18);
		talk_say(&t, MESSAGE);
		talk_say(&t, "x\r\n.\r\n");
	}
	assert_false(t.over);
	assert_int_equal(t.messages, 5);
	talk_end(&t);
}

/* A list with bad or refused addresses costs a customer no session. */
static void w12_refused_recipients_of_a_customer_are_no_errors(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO);
	talk_say(&t, MAIL);
	repeat(&t, "RCPT TO:<no@dest.example>\r\n", 300);
	repeat(&t, "RCPT TO:<@>\r\n", 300);
	talk_say(&t, RCPT "DATA\r\n");
	talk_say(&t, "x\r\n.\r\n");
	assert_int_equal(t.messages, 1);
	assert_int_equal(count_replies(&t, "421"), 0);
	talk_end(&t);
}

static void s6_7_recipients_bound_and_overshoot(void **state)
{
	(void)state;
	struct limits limits;
	struct talk t;
	limits_defaults(&limits);
	limits.recipients = 100;
	limits.recipients_overshoot = 5;
	talk_begin_with(&t, TALK_KNOWN, &limits);
	talk_say(&t, EHLO MAIL);
	repeat(&t, RCPT, 105);
	assert_int_equal(count_replies(&t, "452"), 5);
	talk_expect_reply(&t, "452 4.5.3 Too many recipients");
	talk_say(&t, "DATA\r\n");
	talk_say(&t, "x\r\n.\r\n");
	assert_int_equal(t.messages, 1);
	talk_say(&t, MAIL);
	repeat(&t, RCPT, 105);
	assert_false(t.over);
	talk_say(&t, RCPT);
	assert_int_equal(t.close, SMTP_CLOSE_RECIPIENTS);
	assert_int_equal(count_replies(&t, "421"), 1);
	talk_end(&t);
}

static void recipients_behind_a_refused_mail_are_bounded_too(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO "MAIL FROM:<denied@example.jp>\r\n");
	repeat(&t, RCPT, 2000);
	assert_false(t.over);
	talk_say(&t, RCPT);
	assert_int_equal(t.close, SMTP_CLOSE_RECIPIENTS);
	talk_end(&t);
}

/* --- the end -------------------------------------------------------------- */

static const struct reply shutdown = { .id = REPLY_SHUTDOWN };

static void w20_shutdown_in_a_pipeline(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO MAIL);
	smtp_server_close(t.server, &t.replies, &shutdown);
	talk_say(&t, RCPT "DATA\r\n");
	talk_expect_codes(&t, "220 250 250 421");
	talk_expect_reply(&t, "421 4.3.2");
	assert_int_equal(t.close, SMTP_CLOSE_CALLER);
	talk_end(&t);
}

static void close_in_a_body_writes_nothing(void **state)
{
	(void)state;
	static const char *const bodies[] = { "DATA\r\n", "BDAT 9\r\nabc" };
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct talk t;
		talk_begin(&t, TALK_KNOWN);
		talk_say(&t, EHLO MAIL RCPT);
		talk_say(&t, bodies[i]);
		assert_true(smtp_server_in_body(t.server));
		size_t before = t.replies.n;
		smtp_server_close(t.server, &t.replies, &shutdown);
		talk_say(&t, "x\r\n.\r\n");
		assert_int_equal(t.replies.n, before);
		assert_int_equal(t.close, SMTP_CLOSE_CALLER);
		talk_end(&t);
	}
}

static void close_instead_of_an_answer(void **state)
{
	(void)state;
	struct talk t;
	struct smtp_event ev;
	talk_begin(&t, TALK_TLS);
	talk_say(&t, EHLO);
	slice in = SLICE("AUTH PLAIN AHVzZXIAcmlnaHQ=\r\n");
	assert_int_equal(smtp_server_next(t.server, &in, &t.replies, &ev),
			 SMTP_AUTH);
	smtp_server_close(t.server, &t.replies, &shutdown);
	assert_false(smtp_server_awaits_answer(t.server));
	talk_say(&t, "");
	talk_expect_codes(&t, "220 250 421");
	talk_end(&t);
}

static void an_answer_of_421_ends_the_session(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO);
	talk_say(&t, "MAIL FROM:<busy@example.jp>\r\n" RCPT);
	talk_expect_codes(&t, "220 250 421");
	assert_int_equal(t.close, SMTP_CLOSE_CALLER);
	talk_end(&t);
}

static void quit_and_close_are_said_again_for_ever(void **state)
{
	(void)state;
	struct talk t;
	struct smtp_event ev;
	talk_begin(&t, 0);
	talk_say(&t, "QUIT\r\n");
	for (int i = 0; i < 3; i++) {
		slice in = SLICE("NOOP\r\n");
		assert_int_equal(smtp_server_next(t.server, &in, &t.replies,
						  &ev), SMTP_QUIT);
		assert_int_equal(in.n, 0);
	}
	talk_expect_codes(&t, "220 221");
	talk_end(&t);
}

static void s14_the_tag_stands_behind_refusals(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, 0);
	smtp_server_tag(t.server, SLICE("session-1"));
	talk_say(&t, "X\r\n");
	talk_say(&t, "NOOP\r\n");
	slice all = buf_slice(&t.replies);
	size_t at = slice_find_slice(all, SLICE("session-1"));
	assert_true(at < all.n);
	slice rest = slice_skip(all, at + 1);
	assert_int_equal(slice_find_slice(rest, SLICE("session-1")), rest.n);
	talk_end(&t);
}

/* --- lifetimes ------------------------------------------------------------ */

/* The envelope's slices live until the transaction ends, and no longer. */
static void the_arena_lives_as_long_as_the_transaction(void **state)
{
	(void)state;
	static const char *const ends[] = { "RSET\r\n", "EHLO y\r\n" };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct talk t;
		struct smtp_event ev;
		talk_begin(&t, TALK_KNOWN);
		talk_say(&t, EHLO MAIL RCPT);
		assert_true(smtp_server_arena(t.server)->used_bytes > 0);
		slice in = slice_of(ends[i]);
		assert_int_equal(smtp_server_next(t.server, &in, &t.replies,
						  &ev), SMTP_DROPPED);
		assert_true(smtp_server_arena(t.server)->used_bytes > 0);
		t.open = false;
		smtp_server_next(t.server, &in, &t.replies, &ev);
		assert_int_equal(smtp_server_arena(t.server)->used_bytes, 0);
		talk_end(&t);
	}
}

static void refused_mail_keeps_no_memory(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, EHLO);
	for (int i = 0; i < 50; i++) {
		talk_say(&t, "MAIL FROM:<denied@example.jp> ENVID=x\r\n" RCPT);
		assert_int_equal(smtp_server_arena(t.server)->used_bytes, 0);
	}
	talk_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_4_ehlo_announces_in_plain_text),
		cmocka_unit_test(s1_3_auth_is_announced_under_tls_only),
		cmocka_unit_test(new_limits_count_from_the_next_mail_on),
		cmocka_unit_test(s1_9_auth_can_be_refused_to_a_session),
		cmocka_unit_test(
			s1_4_nothing_that_begins_with_x_or_is_unsupported),
		cmocka_unit_test(helo_answers_one_line),
		cmocka_unit_test(s1_6_names_of_ehlo),
		cmocka_unit_test(c4_lines_up_to_the_bound_and_beyond),
		cmocka_unit_test(c4_long_ehlo_name_and_a_thousand_parameters),
		cmocka_unit_test(c4_a_line_without_end_is_given_up),
		cmocka_unit_test(w1_many_recipients_in_one_segment),
		cmocka_unit_test(w4_quit_behind_a_slow_verdict),
		cmocka_unit_test(c1_w7_bytes_behind_starttls),
		cmocka_unit_test(c3_strangers_out_of_turn_are_closed),
		cmocka_unit_test(c3_strangers_out_of_turn_in_an_auth_exchange),
		cmocka_unit_test(c3_known_clients_may_and_nothing_is_lost),
		cmocka_unit_test(c3_waiting_where_due_is_not_out_of_turn),
		cmocka_unit_test(
			c3_body_behind_a_refused_data_is_never_executed),
		cmocka_unit_test(c3_early_talkers),
		cmocka_unit_test(
			c6_errors_and_commands_without_progress_are_bounded),
		cmocka_unit_test(an_accepted_message_clears_the_counts),
		cmocka_unit_test(
			w12_refused_recipients_of_a_customer_are_no_errors),
		cmocka_unit_test(s6_7_recipients_bound_and_overshoot),
		cmocka_unit_test(
			recipients_behind_a_refused_mail_are_bounded_too),
		cmocka_unit_test(w20_shutdown_in_a_pipeline),
		cmocka_unit_test(close_in_a_body_writes_nothing),
		cmocka_unit_test(close_instead_of_an_answer),
		cmocka_unit_test(an_answer_of_421_ends_the_session),
		cmocka_unit_test(quit_and_close_are_said_again_for_ever),
		cmocka_unit_test(s14_the_tag_stands_behind_refusals),
		cmocka_unit_test(the_arena_lives_as_long_as_the_transaction),
		cmocka_unit_test(refused_mail_keeps_no_memory),
	};
	return cmocka_run_group_tests_name("smtp/server", tests, NULL, NULL);
}
