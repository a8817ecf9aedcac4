/* AUTH PLAIN and LOGIN: messages, base64, and the exchange in a session
 * (RELIABILITY 2.6, SENDERS W14). */
#include "unit/smtp/server_harness.h"

#include "smtp/base64.h"
#include "smtp/sasl_server.h"

static void base64_is_strict(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *out;	/* NULL: refused */
	} cases[] = {
		{ "", "" }, { "YQ==", "a" }, { "YWI=", "ab" },
		{ "YWJj", "abc" }, { "YWJjZA==", "abcd" }, { "+/+/", "\xfb\xff\xbf" },
		{ "Y", NULL }, { "YQ", NULL }, { "YQ=", NULL }, { "=", NULL },
		{ "====", NULL }, { "Y===", NULL }, { "YQ==YQ==", NULL },
		{ "YW J", NULL }, { "YWJ-", NULL }, { "YW\nJ", NULL },
		{ "=YWJ", NULL }, { "Y=Jj", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		slice in = slice_of(cases[i].in);
		size_t n = 99;
		char *to = malloc(in.n / 4 * 3 + 1);
		assert_non_null(to);
		bool fine = base64_decode(in, to, &n);
		assert_int_equal(fine, cases[i].out != NULL);
		if (fine)
			assert_slice_eq(((slice){ to, n }), cases[i].out);
		free(to);
	}
}

static void a2_plain_messages(void **state)
{
	(void)state;
	static const struct {
		const char *base64;
		bool fine;
		const char *authzid, *user, *secret;
	} cases[] = {
		{ "AHVzZXIAcGFzcw==", true, "", "user", "pass" },
		{ "enoAdXNlcgBwYXNz", true, "zz", "user", "pass" },
		{ "AABwYXNz", true, "", "", "pass" },
		{ "AHVzZXIA", true, "", "user", "" },
		{ "AAA=", true, "", "", "" },
		{ "AA==", false, 0, 0, 0 },		/* one NUL */
		{ "", false, 0, 0, 0 },
		{ "=", false, 0, 0, 0 },
		{ "dXNlcg==", false, 0, 0, 0 },		/* no NUL */
		{ "AHVzZXIAcGFzcwA=", false, 0, 0, 0 },	/* three */
		{ "AHVzZXINAHBhc3M=", false, 0, 0, 0 },	/* CR */
		{ "AHVzZXIKAHBhc3M=", false, 0, 0, 0 },	/* LF */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sasl_server *s = sasl_server_new(SASL_PLAIN);
		slice challenge;
		assert_non_null(s);
		assert_slice_eq(sasl_server_first_challenge(s), "");
		enum sasl_result r = sasl_server_step(
			s, slice_of(cases[i].base64), &challenge);
		assert_int_equal(r, cases[i].fine ? SASL_COMPLETE :
						    SASL_UNDECODABLE);
		if (cases[i].fine) {
			assert_slice_eq(s->authzid, cases[i].authzid);
			assert_slice_eq(s->user, cases[i].user);
			assert_slice_eq(s->secret, cases[i].secret);
		}
		sasl_server_free(&s);
		assert_null(s);
	}
}

static void w14_login_prompts_byte_for_byte(void **state)
{
	(void)state;
	struct sasl_server *s = sasl_server_new(SASL_LOGIN);
	slice challenge;
	assert_non_null(s);
	assert_slice_eq(sasl_server_first_challenge(s), "VXNlcm5hbWU6");
	assert_int_equal(sasl_server_step(s, SLICE("dQ=="), &challenge),
			 SASL_CHALLENGE);
	assert_slice_eq(challenge, "UGFzc3dvcmQ6");
	assert_int_equal(sasl_server_step(s, SLICE("cA=="), &challenge),
			 SASL_COMPLETE);
	assert_slice_eq(s->user, "u");
	assert_slice_eq(s->secret, "p");
	sasl_server_free(&s);
}

/* --- in a session --------------------------------------------------------- */

static void begin(struct talk *t)
{
	talk_begin(t, TALK_TLS);
	talk_say(t, "EHLO x\r\n");
	buf_clear(&t->replies);
}

static void w14_challenges_on_the_wire(void **state)
{
	(void)state;
	struct talk t;
	begin(&t);
	talk_say(&t, "AUTH PLAIN\r\n");
	assert_slice_eq(buf_slice(&t.replies), "334 \r\n");
	talk_say(&t, "*\r\n");
	buf_clear(&t.replies);
	talk_say(&t, "auth login\r\n");
	talk_say(&t, "dQ==\r\n");
	talk_say(&t, "cmlnaHQ=\r\n");
	assert_slice_eq(buf_slice(&t.replies),
			"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"
			"235 2.7.0 Authentication successful\r\n");
	talk_end(&t);
}

static void a2_what_ends_an_exchange(void **state)
{
	(void)state;
	static const struct {
		const char *lines[3];
		const char *codes;
	} cases[] = {
		{ { "AUTH PLAIN\r\n", "*\r\n" }, "334 501" },
		{ { "AUTH LOGIN\r\n", "*\r\n" }, "334 501" },
		{ { "AUTH LOGIN\r\n", "dQ==\r\n", "*\r\n" }, "334 334 501" },
		{ { "AUTH LOGIN\r\n", "dQ\r\n" }, "334 501" },
		{ { "AUTH LOGIN\r\n", "dQ ==\r\n" }, "334 501" },
		{ { "AUTH LOGIN\r\n", "\r\n", "\r\n" }, "334 334 535" },
		{ { "AUTH LOGIN =\r\n", "cmlnaHQ=\r\n" }, "334 235" },
		{ { "AUTH PLAIN\r\n", "\r\n" }, "334 501" },
		{ { "AUTH PLAIN =\r\n" }, "501" },
		{ { "AUTH PLAIN !\r\n" }, "501" },
		{ { "AUTH PLAIN AAA= x\r\n" }, "501" },
		{ { "AUTH PLAIN\r\n", "A\nAA=\r\n" }, "334 501" },
		{ { "AUTH LOGIN\r\n", "AHU=\r\n" }, "334 501" },
		{ { "AUTH CRAM-MD5\r\n" }, "504" },
		{ { "AUTH PLAIN AHVzZXIAYnVzeQ==\r\n" }, "454" },
		{ { "AUTH PLAIN AHVzZXIAd3Jvbmc=\r\n" }, "535" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		begin(&t);
		for (size_t j = 0; j < 3 && cases[i].lines[j]; j++)
			talk_say(&t, cases[i].lines[j]);
		talk_expect_codes(&t, cases[i].codes);
		buf_clear(&t.replies);	/* commands are commands again */
		talk_say(&t, "NOOP\r\n");
		talk_expect_codes(&t, "250");
		talk_end(&t);
	}
}

/* PLAIN with a base64 text of n characters. */
static void say_response(struct talk *t, const char *start, size_t n,
			 size_t piece)
{
	struct buf b;
	buf_init(&b, 4 << 20);
	buf_append(&b, slice_of(start));
	size_t from = b.n;
	buf_append(&b, SLICE("AHUA"));
	while (b.n - from < n)
		buf_append_char(&b, 'Y');
	buf_append(&b, SLICE("\r\n"));
	talk_feed_pieces(t, buf_slice(&b), piece);
	buf_fini(&b);
}

static void a2_12288_octets_fit(void **state)
{
	(void)state;
	static const struct {
		size_t n;
		const char *code;
	} cases[] = { { 12288, "535" }, { 12289, "500" }, { 12292, "500" },
		      { 1 << 20, "500" } };
	static const size_t pieces[] = { 1 << 21, 4096, 5 };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
			struct talk t;
			char codes[32];
			begin(&t);
			say_response(&t, "AUTH PLAIN ", cases[i].n, pieces[p]);
			talk_say(&t, "AUTH PLAIN\r\n");
			say_response(&t, "", cases[i].n, pieces[p]);
			snprintf(codes, sizeof(codes), "%s 334 %s",
				 cases[i].code, cases[i].code);
			talk_expect_codes(&t, codes);
			if (cases[i].code[0] == '5' && cases[i].code[1] == '0')
				talk_expect_reply(&t, "500 5.5.6");
			talk_end(&t);
		}
	}
}

static void a5_after_three_failures_the_next_is_421(void **state)
{
	(void)state;
	struct talk t;
	begin(&t);
	for (int i = 0; i < 5; i++)	/* busy is not the client's fault */
		talk_say(&t, "AUTH PLAIN AHVzZXIAYnVzeQ==\r\n");
	for (int i = 0; i < 3; i++)
		talk_say(&t, "AUTH PLAIN AHVzZXIAd3Jvbmc=\r\n");
	assert_false(t.over);
	talk_say(&t, "AUTH PLAIN AHVzZXIAcmlnaHQ=\r\n");
	talk_expect_codes(&t, "454 454 454 454 454 535 535 535 421");
	assert_int_equal(t.close, SMTP_CLOSE_AUTH_FAILURES);
	assert_false(talk_has_event(&t, "secret=right"));
	talk_end(&t);
}

static void a4_order_of_auth(void **state)
{
	(void)state;
	static const struct {
		unsigned flags;
		const char *lines[3];
		const char *codes;
		const char *reply;
	} cases[] = {
		{ 0, { "EHLO x\r\n", "AUTH PLAIN AAA=\r\n" }, "220 250 538",
		  "538 5.7.11" },
		{ 0, { "EHLO x\r\n", "AUTH X-Y\r\n" }, "220 250 538",
		  "538 5.7.11" },
		{ TALK_TLS, { "AUTH LOGIN\r\n" }, "220 503", "503 5.5.1" },
		{ TALK_TLS | TALK_NO_AUTH, { "EHLO x\r\n", "AUTH LOGIN\r\n" },
		  "220 250 502", "502 5.5.1" },
		{ TALK_TLS, { "EHLO x\r\n", "AUTH PLAIN AHUAcmlnaHQ=\r\n",
			      "AUTH LOGIN\r\n" }, "220 250 235 503",
		  "503 5.5.1 Already" },
		{ TALK_TLS, { "EHLO x\r\n", "MAIL FROM:<a@example.jp>\r\n",
			      "AUTH LOGIN\r\n" }, "220 250 250 503",
		  "503 5.5.1 No AUTH" },
		{ TALK_TLS, { "EHLO x\r\n", "AUTH GSSAPI\r\n" },
		  "220 250 504", "504 5.5.4" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		talk_begin(&t, cases[i].flags);
		for (size_t j = 0; j < 3 && cases[i].lines[j]; j++)
			talk_say(&t, cases[i].lines[j]);
		talk_expect_codes(&t, cases[i].codes);
		talk_expect_reply(&t, cases[i].reply);
		talk_end(&t);
	}
}

static void a1_a_password_in_clear_is_noticed(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool seen;
	} cases[] = { { "AUTH PLAIN AHVzZXIAcmlnaHQ=\r\n", true },
		      { "AUTH PLAIN\r\n", false },
		      { "AUTH LOGIN dXNlcg==\r\n", false } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		talk_begin(&t, 0);
		talk_say(&t, "EHLO x\r\n");
		talk_say(&t, cases[i].line);
		talk_expect_codes(&t, "220 250 538");
		assert_int_equal(smtp_server_saw_secret_in_clear(t.server),
				 cases[i].seen);
		assert_false(talk_has_event(&t, "AUTH"));
		talk_end(&t);
	}
}

/* The slices of the event are the engine's own memory until the answer. */
static void secrets_live_until_the_answer(void **state)
{
	(void)state;
	struct talk t;
	struct smtp_event ev;
	char line[] = "AUTH PLAIN AHVzZXIAc2VjcmV0\r\n";
	slice in = slice_of(line);
	begin(&t);
	assert_int_equal(smtp_server_next(t.server, &in, &t.replies, &ev),
			 SMTP_AUTH);
	memset(line, 'x', sizeof(line) - 1);
	assert_slice_eq(ev.secret, "secret");
	assert_slice_eq(ev.user, "user");
	struct reply r = { .id = REPLY_AUTH_FAILED };
	smtp_server_answer(t.server, &t.replies, &r);
	talk_expect_codes(&t, "535");
	talk_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(a2_plain_messages),
		cmocka_unit_test(w14_login_prompts_byte_for_byte),
		cmocka_unit_test(w14_challenges_on_the_wire),
		cmocka_unit_test(a2_what_ends_an_exchange),
		cmocka_unit_test(a2_12288_octets_fit),
		cmocka_unit_test(a5_after_three_failures_the_next_is_421),
		cmocka_unit_test(a4_order_of_auth),
		cmocka_unit_test(a1_a_password_in_clear_is_noticed),
		cmocka_unit_test(secrets_live_until_the_answer),
	};
	return cmocka_run_group_tests_name("smtp/sasl_server", tests, NULL,
					   NULL);
}
