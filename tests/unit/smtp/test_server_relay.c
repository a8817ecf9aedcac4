/*
 * The forty envelope forms (RELIABILITY 2.5) against the engine, with a
 * caller that refuses every MAIL, or every RCPT: never a 354, never a
 * message, exactly one reply to each command.
 */
#include "unit/smtp/server_harness.h"

#include "relay_forms.h"

static const struct {
	const char *name, *value;
} names[] = {
	{ "{R}", "foreign.example" }, { "{L}", "relay.test" },
	{ "{I}", "192.0.2.25" }, { "{V}", "customer.example" },
	{ "{U}", "cust\xd0\xbemer.example" },
};

static void append_line(struct buf *b, const char *line)
{
	slice rest = slice_of(line);
	while (rest.n > 0) {
		size_t i;
		for (i = 0; i < ARRAY_LEN(names); i++)
			if (slice_starts(rest, slice_of(names[i].name)))
				break;
		if (i < ARRAY_LEN(names)) {
			buf_append(b, slice_of(names[i].value));
			rest = slice_skip(rest, strlen(names[i].name));
		} else {
			buf_append_char(b, rest.p[0]);
			rest = slice_skip(rest, 1);
		}
	}
	buf_append(b, SLICE("\r\n"));
}

static size_t replies(const struct talk *t)
{
	struct buf codes;
	size_t n;
	buf_init(&codes, 1 << 20);
	talk_codes(t, &codes);
	assert_int_equal(slice_find_slice(buf_slice(&codes), SLICE("354")),
			 codes.n);
	n = codes.n ? 1 : 0;
	for (size_t i = 0; i < codes.n; i++)
		n += codes.p[i] == ' ';
	buf_fini(&codes);
	return n;
}

struct identity {
	const char *ehlo;
	unsigned flags;
	bool after_auth;
};

static void one(const struct relay_form *f, const struct identity *who,
		unsigned refuse, bool pipelined)
{
	struct talk t;
	struct buf b;
	size_t commands = 0;
	buf_init(&b, 1 << 16);
	talk_begin(&t, who->flags | refuse);
	size_t first = 0;
	if (f->kind == RELAY_FIRST) {
		append_line(&b, f->lines[first++]);
		talk_feed(&t, buf_slice(&b));
		buf_clear(&b);
		assert_int_equal(t.close, SMTP_CLOSE_PROXY_HEADER);
	}
	talk_say(&t, who->ehlo);
	if (who->after_auth) {
		talk_say(&t, "AUTH PLAIN AHVzZXIAd3Jvbmc=\r\n");
		talk_say(&t, "AUTH LOGIN\r\n");
		talk_say(&t, "*\r\n");
	}
	size_t before = replies(&t);
	for (size_t i = first; i < RELAY_FORM_LINES && f->lines[i]; i++) {
		append_line(&b, f->lines[i]);
		if (f->kind != RELAY_BDAT || i < 3)
			commands++;
		if (pipelined || f->kind >= RELAY_PIPELINED)
			continue;
		talk_feed(&t, buf_slice(&b));
		buf_clear(&b);
	}
	talk_feed(&t, buf_slice(&b));
	if (f->kind != RELAY_FIRST) {
		assert_false(t.over);
		assert_int_equal(replies(&t) - before, commands);
	}
	assert_int_equal(t.messages, 0);
	assert_false(talk_has_event(&t, "DATA"));
	buf_fini(&b);
	talk_end(&t);
}

static void s4_3_forty_forms(void **state)
{
	(void)state;
	static const struct identity who[] = {
		{ "EHLO stranger.example\r\n", 0, false },
		{ "EHLO customer.example\r\n", 0, false },
		{ "EHLO customer.example\r\n", TALK_KNOWN, false },
		{ "EHLO stranger.example\r\n", TALK_TLS, true },
	};
	assert_int_equal(ARRAY_LEN(relay_forms), 40);
	for (size_t i = 0; i < ARRAY_LEN(relay_forms); i++) {
		assert_int_equal(relay_forms[i].number, i + 1);
		for (size_t w = 0; w < ARRAY_LEN(who); w++) {
			for (int pipelined = 0; pipelined < 2; pipelined++) {
				one(&relay_forms[i], &who[w],
				    TALK_REFUSE_ALL, pipelined);
				one(&relay_forms[i], &who[w],
				    TALK_REFUSE_RCPT, pipelined);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s4_3_forty_forms),
	};
	return cmocka_run_group_tests_name("smtp/server_relay", tests, NULL,
					   NULL);
}
