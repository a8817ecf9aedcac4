/* The replies of SPEC 14 as bytes. */
#include "unit/unit.h"

#include "mail/reply.h"

static void assert_written(const struct reply *r, const char *want)
{
	struct buf b;
	buf_init(&b, 100000);
	reply_write(&b, r);
	assert_false(b.failed);
	assert_slice_eq(buf_slice(&b), want);
	buf_fini(&b);
}

static void s14_first_lines_are_exactly_the_table(void **state)
{
	(void)state;
	static const struct { enum reply_id id; const char *detail, *want; }
	cases[] = {
		{ REPLY_GREETING, "relay.example",
		  "220 relay.example ESMTP Postrider\r\n" },
		{ REPLY_HELO_OK, "relay.example", "250 relay.example\r\n" },
		{ REPLY_ACCEPTED, "0123", "250 2.0.0 Accepted 0123\r\n" },
		{ REPLY_AUTH_CHALLENGE, "VXNlcm5hbWU6",
		  "334 VXNlcm5hbWU6\r\n" },
		{ REPLY_DATA_GO, "",
		  "354 Start mail input; end with <CRLF>.<CRLF>\r\n" },
		{ REPLY_USER_DAY, "", "550 5.4.5 Daily SMTP relay limit "
				      "exceeded for user\r\n" },
		{ REPLY_CUSTOMER_DAY, "", "550 5.7.1 Daily SMTP relay limit "
					  "exceeded for customer\r\n" },
		{ REPLY_CUSTOMER_PEAK, "", "450 4.2.1 Peak SMTP relay limit "
					   "exceeded for customer\r\n" },
		{ REPLY_TLS_REQUIRED, "", "530 5.7.0 Must issue a STARTTLS "
					  "command first\r\n" },
		{ REPLY_AUTH_REQUIRED, "",
		  "530 5.7.0 Authentication required\r\n" },
		{ REPLY_RELAY_DENIED, "192.0.2.1",
		  "550 5.7.1 Mail relay denied [192.0.2.1]\r\n" },
		{ REPLY_INVALID_CREDENTIALS, "192.0.2.1",
		  "550 5.7.1 Invalid credentials for relay [192.0.2.1]\r\n" },
		{ REPLY_SENDER_NOT_ALLOWED, "", "550 5.7.1 Sender address not "
		  "allowed by this relay setting\r\n" },
		{ REPLY_NULL_SENDER_RECIPIENTS, "", "452 4.5.3 One recipient "
		  "per message with an empty sender; send the next in a new "
		  "transaction\r\n" },
		{ REPLY_BARE_LINE_END, "",
		  "550 5.5.2 Bare <CR> or <LF> not allowed\r\n" },
		{ REPLY_VIRUS, "Eicar",
		  "550 5.7.1 Message refused: malware found (Eicar)\r\n" },
		{ REPLY_STORAGE, "",
		  "452 4.3.1 Insufficient system storage\r\n" },
		{ REPLY_SIZE, "", "552 5.3.4 Message size exceeds fixed "
				  "maximum message size\r\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply r = { .id = cases[i].id,
				   .detail = slice_of(cases[i].detail) };
		assert_written(&r, cases[i].want);
	}
}

static void s14_the_tag_ends_the_last_line(void **state)
{
	(void)state;
	static const struct { const char *advice, *tag, *want; } cases[] = {
		{ "", "", "550 5.7.1 Customer is suspended\r\n" },
		{ "", "t1", "550-5.7.1 Customer is suspended\r\n"
			    "550 5.7.1 ref t1\r\n" },
		{ "Ask.", "", "550-5.7.1 Customer is suspended\r\n"
			      "550 5.7.1 Ask.\r\n" },
		{ "Ask.", "t1", "550-5.7.1 Customer is suspended\r\n"
				"550 5.7.1 Ask. [t1]\r\n" },
		{ "One.\nTwo.\n", "t1", "550-5.7.1 Customer is suspended\r\n"
					"550-5.7.1 One.\r\n"
					"550 5.7.1 Two. [t1]\r\n" },
		{ "\n\nOne.\n\n\nTwo.", "", "550-5.7.1 Customer is suspended"
					    "\r\n550-5.7.1 One.\r\n"
					    "550 5.7.1 Two.\r\n" },
		{ "\n\n", "t1", "550-5.7.1 Customer is suspended\r\n"
				"550 5.7.1 ref t1\r\n" },
		{ "\n\n", "", "550 5.7.1 Customer is suspended\r\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply r = { .id = REPLY_CUSTOMER_SUSPENDED,
				   .advice = slice_of(cases[i].advice),
				   .tag = slice_of(cases[i].tag) };
		assert_written(&r, cases[i].want);
	}
}

static void nothing_of_strangers_breaks_a_line(void **state)
{
	(void)state;
	struct reply r = { .id = REPLY_PARAMETER_UNKNOWN,
			   .detail = SLICE("a\r\n250 OK\x01\xc3\xa4\x7f"),
			   .advice = SLICE("x\r\ny\tz"),
			   .tag = SLICE("t\r\n") };
	assert_written(&r, "555-5.5.4 Unknown parameter a??250 OK????\r\n"
			   "555-5.5.4 x?\r\n"
			   "555 5.5.4 y?z [t??]\r\n");
}

/* RFC 5321 4.2: "DDD-" on all lines but the last; 4.5.3.1.5: 512 octets. */
static size_t check_lines(slice all, const char *code)
{
	size_t lines = 0;
	for (; all.n > 0; lines++) {
		size_t end = slice_find_slice(all, SLICE("\r\n"));
		assert_true(end < all.n);
		slice line = slice_sub(all, 0, end);
		all = slice_skip(all, end + 2);
		assert_true(line.n + 2 <= 512);
		assert_true(slice_starts(line, slice_of(code)));
		assert_int_equal(line.p[3], all.n > 0 ? '-' : ' ');
		for (size_t i = 0; i < line.n; i++)
			assert_true(line.p[i] >= 0x20 && line.p[i] < 0x7f);
	}
	return lines;
}

static void s14_every_row_with_anything_is_well_formed(void **state)
{
	(void)state;
	static char text[60000];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 61 == 0 ? ' ' : i % 4001 == 4000 ? '\n' :
					      (char)('a' + i % 26);
	static const size_t sizes[] = { 0, 1, 480, 495, 496, 497, 498, 499,
					500, 501, 502, 510, 1000, 60000 };
	for (int id = 0; id < REPLY_COUNT; id++) {
		const struct reply_row *row = reply_row((enum reply_id)id);
		char code[4] = { (char)('0' + row->code / 100),
				 (char)('0' + row->code / 10 % 10),
				 (char)('0' + row->code % 10), '\0' };
		if (id == REPLY_AUTH_CHALLENGE)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			slice s = { text + 1, sizes[k] < sizeof(text) ?
						      sizes[k] :
						      sizeof(text) - 1 };
			struct reply r = { .id = (enum reply_id)id,
					   .detail = s, .advice = s,
					   .tag = slice_sub(s, 0, 500) };
			struct buf b;
			buf_init(&b, 1000000);
			reply_write(&b, &r);
			assert_false(b.failed);
			assert_true(check_lines(buf_slice(&b), code) <= 22);
			buf_fini(&b);
		}
	}
}

static void long_advice_is_wrapped_at_spaces(void **state)
{
	(void)state;
	char text[1200], want[2000];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 10 == 9 ? ' ' : 'w';
	struct reply r = { .id = REPLY_BUSY,
			   .advice = { text, sizeof(text) - 1 } };
	struct buf b;
	buf_init(&b, 10000);
	reply_write(&b, &r);
	assert_int_equal(check_lines(buf_slice(&b), "421"), 4);
	assert_true(slice_to_cstr(buf_slice(&b), want, sizeof(want)));
	assert_null(strstr(want, "w \r\n"));
	assert_null(strstr(want, "4.7.0  "));
	buf_fini(&b);
}

static void a_challenge_is_never_cut(void **state)
{
	(void)state;
	static char text[12000];
	memset(text, 'A', sizeof(text));
	struct reply r = { .id = REPLY_AUTH_CHALLENGE,
			   .detail = { text, sizeof(text) } };
	struct buf b;
	buf_init(&b, 20000);
	reply_write(&b, &r);
	assert_int_equal(b.n, sizeof(text) + 6);
	buf_fini(&b);
}

/* RFC 3463: the class is the first digit of the code. */
static void s14_codes_and_enhanced_codes_agree(void **state)
{
	(void)state;
	for (int id = 0; id < REPLY_COUNT; id++) {
		const struct reply_row *row = reply_row((enum reply_id)id);
		assert_true(row->code >= 200 && row->code < 600);
		if (row->enhanced[0] != '\0')
			assert_int_equal(row->enhanced[0] - '0',
					 row->code / 100);
		else
			assert_true(row->code < 400);
		assert_int_equal(reply_positive((enum reply_id)id),
				 row->code < 400);
		for (const char *c = row->text; *c != '\0'; c++)
			assert_true(*c >= 0x20 && *c < 0x7f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s14_first_lines_are_exactly_the_table),
		cmocka_unit_test(s14_the_tag_ends_the_last_line),
		cmocka_unit_test(nothing_of_strangers_breaks_a_line),
		cmocka_unit_test(s14_every_row_with_anything_is_well_formed),
		cmocka_unit_test(long_advice_is_wrapped_at_spaces),
		cmocka_unit_test(a_challenge_is_never_cut),
		cmocka_unit_test(s14_codes_and_enhanced_codes_agree),
	};
	return cmocka_run_group_tests_name("mail/reply", tests, NULL, NULL);
}
