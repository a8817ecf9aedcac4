/* What alerts of limits say (SPEC 6.11), and how a notice is written: it must
 * be a message whatever names and addresses hold. */
#include "accept/alert.h"

#include <string.h>

#include "limits/window.h"
#include "unit/unit.h"

static const struct text texts[] = {
#define TEXT(id, en, ja) { en, ja },
#include "accept/alert_text.def"
#undef TEXT
};

static void texts_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct text *t = &texts[i];
		assert_true(t->en[0] != '\0' && t->ja[0] != '\0');
		assert_string_not_equal(t->en, t->ja);
		assert_true(utf8_valid(slice_of(t->ja)));
		for (unsigned place = 0; place <= 9; place++)
			assert_int_equal(text_uses(t->en, place),
					 text_uses(t->ja, place));
		for (const char *c = t->en; *c != '\0'; c++)
			assert_true((uint8_t)*c < 0x80);
	}
}

enum { NOW_MS = 1000000 };

static void s6_11_says_what_is_used_and_what_happens(void **state)
{
	(void)state;
	static const struct {
		enum ledger_verdict limit;
		enum over_limit mode;
		uint32_t percent;
		enum language language;
		int64_t opens_at_ms;
		const char *subject, *says, *happens;
	} rows[] = {
		{ LEDGER_CUSTOMER_DAY, OVER_REFUSE, 80, LANGUAGE_EN, 0,
		  "80 percent of a sending limit of acme is used",
		  "The customer acme has used 7 of 9 recipients in 24 hours",
		  "refused with an error" },
		{ LEDGER_CUSTOMER_DAY, OVER_HOLD, 100, LANGUAGE_EN,
		  WINDOW_NEVER,
		  "100 percent of a sending limit of acme is used",
		  "used 7 of 9 recipients in 24 hours", "is accepted, held" },
		{ LEDGER_CUSTOMER_PEAK, OVER_REFUSE, 100, LANGUAGE_EN, 60000,
		  "100 percent of a sending limit of acme is used",
		  "room for more from 1970-01-01T00:01:00",
		  "keeps it\nand tries again" },
		{ LEDGER_USER_MESSAGES, OVER_DEFER, 80, LANGUAGE_EN, 0,
		  "80 percent of the sending limit of u@acme.example is used",
		  "The user u@acme.example of the customer acme has used 7 of "
		  "9 messages in 24 hours", "tries again" },
		{ LEDGER_USER_UNIQUE, OVER_HOLD, 100, LANGUAGE_JA, 0,
		  "ユーザー u@acme.example が送信上限の 100 パーセントに達しま"
		  "した", "24 時間の異なる宛先数 の上限 9 のうち 7",
		  "受け付けて保留し" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ledger_alert alert = {
			.limit = rows[i].limit, .customer = 3, .user = 5,
			.percent = rows[i].percent, .used = 7, .allowed = 9,
		};
		struct customer c = { .id = 3, .name = SLICE("acme"),
				      .language = rows[i].language };
		unsigned mode = rows[i].limit >= LEDGER_USER_MESSAGES ?
			2 : rows[i].limit - LEDGER_CUSTOMER_DAY;
		c.over_limit[mode] = rows[i].mode;
		struct alert_facts f = {
			.alert = &alert, .customer = &c,
			.user = SLICE("u@acme.example"),
			.hostname = SLICE("relay.test"), .now_ms = NOW_MS,
			.opens_at_ms = rows[i].opens_at_ms,
		};
		struct buf subject, text;
		buf_init(&subject, 4096);
		buf_init(&text, 65536);
		alert_subject(&subject, &f);
		alert_text(&text, &f);
		assert_slice_eq(buf_slice(&subject), rows[i].subject);
		slice all = buf_slice(&text);
		const char *const wanted[] = { rows[i].says, rows[i].happens,
					       "relay.test" };
		for (size_t k = 0; k < ARRAY_LEN(wanted); k++)
			if (slice_find_slice(all, slice_of(wanted[k])) ==
			    all.n)
				fail_msg("%zu: '%s' not in\n%.*s", i,
					 wanted[k], SLICE_ARG(all));
		bool opens = slice_find_slice(all, SLICE("room for more")) <
			     all.n;
		assert_int_equal(opens, rows[i].opens_at_ms == 60000);
		buf_fini(&subject);
		buf_fini(&text);
	}
}

static slice write(struct buf *out, const struct notice *n,
		   const struct recipient *to, uint32_t count)
{
	buf_init(out, 1 << 20);
	notice_write(out, n, (struct id){ 1, 2 }, SLICE("relay.test"), NOW_MS,
		     to, count);
	assert_false(out->failed);
	return buf_slice(out);
}

static bool has(slice s, const char *what)
{
	return slice_find_slice(s, slice_of(what)) < s.n;
}

static void a_notice_is_a_message(void **state)
{
	(void)state;
	struct recipient to[] = {
		{ .address = { SLICE("a"), SLICE("one.example"), false } },
		{ .address = { SLICE("b c"), SLICE("two.example"), false } },
	};
	struct notice n = { .language = LANGUAGE_EN,
			    .subject = SLICE("80 percent"),
			    .text = SLICE("one\n\ntwo\n") };
	struct buf out;
	slice m = write(&out, &n, to, 2);
	assert_true(has(m, "From: Postrider <postmaster@relay.test>\r\n"));
	assert_true(has(m, "To: <a@one.example>,\r\n <\"b c\"@two.example>"
			   "\r\n"));
	assert_true(has(m, "\r\nSubject: 80 percent\r\n"));
	assert_true(has(m, "\r\nAuto-Submitted: auto-generated\r\n"));
	assert_true(has(m, "Content-Transfer-Encoding: 7bit\r\n\r\n"
			   "one\r\n\r\ntwo\r\n"));
	buf_fini(&out);
	n.language = LANGUAGE_JA;
	n.subject = SLICE("上限に達しました");
	n.text = SLICE("送信上限\n");
	m = write(&out, &n, to, 1);
	assert_true(has(m, "\r\nSubject: =?UTF-8?B?"));
	assert_true(has(m, "Content-Language: ja\r\n"));
	assert_true(has(m, "base64\r\n\r\n6YCB5L+h5LiK6ZmQDQo=\r\n"));
	buf_fini(&out);
}

/* A name with a line end never becomes a field, a text never has a lone CR. */
static void names_do_not_become_fields(void **state)
{
	(void)state;
	static const struct text t = { "used by {0}: {1}", "{0} {1}" };
	struct recipient to = { .address = { SLICE("a"), SLICE("one.example"),
					     false } };
	slice args[] = { SLICE("x\r\nBcc: all@world.example"),
			 SLICE("\xff\xfe\xe2\x80\xae") };
	struct buf subject, out;
	buf_init(&subject, 4096);
	notice_say(&subject, &t, LANGUAGE_EN, args, 2);
	assert_slice_eq(buf_slice(&subject),
			"used by x??Bcc: all@world.example: ???");
	struct notice n = { .subject = SLICE("a\r\nBcc: x"),
			    .text = buf_slice(&subject) };
	slice m = write(&out, &n, &to, 1);
	assert_true(has(m, "Subject: a??Bcc: x\r\n"));
	assert_false(has(m, "\nBcc:"));
	buf_fini(&out);
	buf_fini(&subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_complete),
		cmocka_unit_test(s6_11_says_what_is_used_and_what_happens),
		cmocka_unit_test(a_notice_is_a_message),
		cmocka_unit_test(names_do_not_become_fields),
	};
	return cmocka_run_group_tests_name("accept/alert", tests, NULL, NULL);
}
