/* Decisions in words: the table of sentences, the text, the JSON, and that
 * nothing a stranger sends steers a terminal or breaks a reply. */
#include "unit/policy/build.h"

#include "policy/explain.h"
#include "policy/explain_text.h"

/* --- the table --- */

/* Takes the next {name} out of *rest; empty at the end. */
static slice next_name(slice *rest)
{
	*rest = slice_skip(*rest, slice_find(*rest, '{') + 1);
	return slice_cut(rest, '}');
}

static unsigned count_name(slice text, slice name)
{
	unsigned n = 0;
	while (text.n > 0)
		n += slice_eq(next_name(&text), name) && name.n > 0;
	return n;
}

static void both_languages_take_the_same_values(void **state)
{
	(void)state;
	static const char *const names[] = { "address", "helo", "sender",
					     "sender_domain", "detail",
					     "setting", "host" };
	for (int i = 0; i < SAY_COUNT; i++) {
		const struct explain_words *w =
			explain_words((enum explain_row)i);
		slice en = slice_of(w->text.en), ja = slice_of(w->text.ja);
		assert_true(en.n > 0 && ja.n > 0);
		assert_true(utf8_valid(ja));
		unsigned known = 0, all = 0;
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			unsigned n = count_name(en, slice_of(names[k]));
			if (n != count_name(ja, slice_of(names[k])))
				fail_msg("%s: {%s}", w->name, names[k]);
			known += n;
		}
		for (size_t k = 0; k < en.n; k++) {
			assert_true(en.p[k] >= ' ' && en.p[k] < 0x7f);
			all += en.p[k] == '{';
		}
		assert_int_equal(known, all);
		enum explain_row row;
		assert_true(explain_row_named(w->name, &row));
		assert_int_equal(row, i);
	}
}

/* --- a directory --- */
static void directory(struct build *b)
{
	build_init(b);
	put_customer(b, a_customer(1, "Alpha Inc."));
	put_domain(b, a_domain(1, "alpha.example"));
	struct setting s = a_setting(1, 1, SENDERS_REGISTERED_USERS);
	put_setting(b, s);
	put_entry(b, an_entry(1, 1, 1, "192.0.2.0/28"));
	s = a_setting(2, 1, SENDERS_ANY);
	s.key = SLICE("devices");
	s.description = SLICE("複合機");
	s.ip_only = false;
	s.require_auth = true;
	put_setting(b, s);
	s = a_setting(3, 1, SENDERS_ANY);
	s.key = SLICE("old");
	s.description = SLICE("Old");
	s.enabled = false;
	put_setting(b, s);
	put_user(b, a_user(1, 1, "alice@alpha.example"));
	put_app_password(b, an_app_password("aliceaaaaa", 1, 1));
	build_apply(b);
}

struct told {
	struct facts f;
	struct decision d;
	struct decision_step steps[64];
	struct decision_trace t;
	struct buf out;
};

static void tell(struct told *told, const struct build *b, const char *client,
		 const char *helo, const char *from)
{
	*told = (struct told){ .f = { .client = an_ip(client),
				      .helo = slice_of(helo),
				      .sender = an_address(from) } };
	told->t = (struct decision_trace){ .steps = told->steps, .cap = 64 };
	policy_decide(b->v, &told->f, &told->d, &told->t);
	buf_init(&told->out, 1 << 20);
}

static void s4_explained_in_english(void **state)
{
	(void)state;
	struct build b;
	struct told told;
	directory(&b);
	tell(&told, &b, "192.0.2.7", "mail.alpha.example",
	     "noreply@alpha.example");
	explain_text(&told.out, LANGUAGE_EN, b.v, &told.f, &told.d, &told.t);
	assert_slice_eq(buf_slice(&told.out),
		"It would be refused. noreply@alpha.example is not a "
		"registered user.\n"
		"Reply: 550 5.7.1 Sender address not allowed by this relay "
		"setting\n"
		"\n"
		"What was seen\n"
		"  client address: 192.0.2.7\n"
		"  encryption: none\n"
		"  SMTP AUTH: none\n"
		"  HELO / EHLO name: mail.alpha.example\n"
		"  envelope sender: noreply@alpha.example\n"
		"\n"
		"1. Whose mail is it?\n"
		"   Customer: Alpha Inc.\n"
		"   ✓ 192.0.2.7 is listed, and the sender's domain belongs "
		"to alpha.example.\n"
		"\n"
		"2. Setting by setting\n"
		"   \"Head office\" (came closest)\n"
		"     ✓ TLS: TLS is not required.\n"
		"     ✓ AUTH: SMTP AUTH is not required.\n"
		"     ✓ address: 192.0.2.7 is in the IP entry \"mail "
		"server\".\n"
		"     ✗ sender: noreply@alpha.example is not a registered "
		"user.\n"
		"   \"複合機\"\n"
		"     ✗ TLS: SMTP AUTH is required; it is offered under TLS "
		"only, and the session is not encrypted.\n"
		"     ✗ AUTH: SMTP AUTH is required, and the session is not "
		"authenticated.\n"
		"     ✓ address: Mail may come from any address.\n"
		"     ✓ sender: noreply@alpha.example is in the registered "
		"domain alpha.example.\n"
		"   \"Old\"\n"
		"     ✗ On: The relay setting is off.\n"
		"\n"
		"To have it accepted, do one of these\n"
		"   - Register noreply@alpha.example as a user or alias, or "
		"choose \"Only addresses in my domains\" in the relay "
		"setting.\n");
	assert_int_equal(explain_about(&told.d, &told.t), 1);
	buf_fini(&told.out);
	build_fini(&b);
}

static void s4_explained_in_japanese(void **state)
{
	(void)state;
	struct build b;
	struct told told;
	directory(&b);
	tell(&told, &b, "192.0.2.7", "mail.alpha.example",
	     "Alice@alpha.example");
	explain_text(&told.out, LANGUAGE_JA, b.v, &told.f, &told.d, &told.t);
	assert_slice_eq(buf_slice(&told.out),
		"受け付けられます。Alice@alpha.example は登録済みユーザー"
		"(alice@alpha.example)です。\n"
		"応答: 250 2.1.0 Sender OK\n"
		"\n"
		"判定に使った情報\n"
		"  接続元の IP アドレス: 192.0.2.7\n"
		"  暗号化: なし\n"
		"  SMTP 認証: なし\n"
		"  HELO / EHLO の名前: mail.alpha.example\n"
		"  エンベロープ送信者: Alice@alpha.example\n"
		"\n"
		"1. お客様の特定\n"
		"   お客様:Alpha Inc.\n"
		"   ✓ 192.0.2.7 は登録されており、送信者のドメインは登録"
		"ドメイン alpha.example に属しています。\n"
		"\n"
		"2. 設定ごとの条件\n"
		"   「Head office」(この設定で受け付け)\n"
		"     ✓ TLS: TLS は必須ではありません。\n"
		"     ✓ SMTP 認証: SMTP 認証は必須ではありません。\n"
		"     ✓ IP アドレス: 192.0.2.7 は IP アドレスのエントリ"
		"「mail server」に含まれています。\n"
		"     ✓ 送信者: Alice@alpha.example は登録済みユーザー"
		"(alice@alpha.example)です。\n"
		"   これより下の設定は調べていません。\n"
		"\n"
		"3. そのほかの処理\n"
		"   - ユーザー alice@alpha.example とお客様の送信制限に"
		"数えられます。\n");
	buf_fini(&told.out);
	build_fini(&b);
}

static void s4_stranger_is_told_nothing_of_settings(void **state)
{
	(void)state;
	struct build b;
	struct told told;
	directory(&b);
	tell(&told, &b, "198.51.100.1", "localhost", "alice@alpha.example");
	assert_int_equal(told.d.reply, REPLY_TLS_REQUIRED);
	assert_null(told.d.customer);
	assert_int_equal(explain_about(&told.d, &told.t), 1);
	policy_advice(&told.f, &told.d, SLICE("relay.example.net"),
		      &told.out);
	assert_slice_eq(buf_slice(&told.out),
		"Seen: address 198.51.100.1, HELO name localhost, sender "
		"domain alpha.example.\n"
		"SMTP AUTH is required; it is offered under TLS only, and "
		"the session is not encrypted.\n"
		"Connect to relay.example.net with STARTTLS on port 587, or "
		"with TLS on port 465, and log in with an app password.");
	buf_clear(&told.out);
	told.f.sender = an_address("x@elsewhere.example");
	policy_decide(b.v, &told.f, &told.d, &told.t);
	assert_int_equal(explain_about(&told.d, &told.t), 0);
	policy_advice(&told.f, &told.d, SLICE("relay.example.net"),
		      &told.out);
	assert_slice_eq(buf_slice(&told.out),
		"Seen: address 198.51.100.1, HELO name localhost, sender "
		"domain elsewhere.example.\n"
		"198.51.100.1 is in no IP entry in force, and the session "
		"is not authenticated.\n"
		"An administrator can add 198.51.100.1 to the IP entries of "
		"a relay setting; or log in with SMTP AUTH.");
	buf_fini(&told.out);
	build_fini(&b);
}

static void s4_3_generic_helo_name_is_called_so(void **state)
{
	(void)state;
	struct build b;
	struct told told;
	directory(&b);
	tell(&told, &b, "192.0.2.7", "localhost", "");
	assert_int_equal(told.d.reply, REPLY_INVALID_CREDENTIALS);
	policy_advice(&told.f, &told.d, SLICE("relay.example.net"),
		      &told.out);
	assert_slice_eq(buf_slice(&told.out),
		"Seen: address 192.0.2.7, HELO name localhost, sender domain "
		"<>.\n"
		"192.0.2.7 is listed, but neither the sender's domain nor "
		"the HELO / EHLO name belongs to who lists it.\n"
		"localhost is a generic name: set the server's EHLO name to "
		"its own name in one of your domains.");
	buf_fini(&told.out);
	build_fini(&b);
}

static void s4_json_has_the_agreed_members(void **state)
{
	(void)state;
	struct build b;
	struct told told;
	struct json j;
	directory(&b);
	tell(&told, &b, "192.0.2.7", "mail.alpha.example",
	     "x@elsewhere.example");
	json_init(&j, &told.out);
	explain_json(&j, b.v, &told.f, &told.d, &told.t);
	assert_false(told.out.failed);
	static const char *const parts[] = {
		"{\"verdict\":\"refuse\",\"reply\":\"550 5.7.1 Sender "
		"address not allowed by this relay setting\",\"customer\":"
		"\"Alpha Inc.\",\"setting\":\"head-office\",\"reference\":"
		"null,\"steps\":[{\"setting\":null,\"test\":\"identity\","
		"\"held\":true,",
		"{\"setting\":\"head-office\",\"test\":\"sender\",\"held\":"
		"false,\"why\":\"x@elsewhere.example is in none of your "
		"registered domains.\",",
		"\"code\":\"SENDER_FOREIGN\"}",
		"{\"setting\":\"old\",\"test\":\"enabled\",\"held\":false,",
		"\"identified_by\":\"address_and_helo\",\"sender\":"
		"\"x@elsewhere.example\",\"rewritten\":false,\"user\":null,"
		"\"single_recipient\":false,\"fixes\":[{\"code\":"
		"\"FIX_OWN_SENDER\",",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (slice_find_slice(buf_slice(&told.out),
				     slice_of(parts[i])) == told.out.n)
			fail_msg("no %s in %.*s", parts[i],
				 SLICE_ARG(buf_slice(&told.out)));
	buf_fini(&told.out);
	build_fini(&b);
}

/* --- hostile values --- */
static void r2_9_values_of_strangers_are_escaped(void **state)
{
	(void)state;
	static const char *const hostile[] = {
		"\x1b[2J\x07", "a\r\nb", "%s%n%s%n", "{detail}{address}",
		"\xff\xfe", "\xe2\x80\xae" "txt", "\xc2\x9b" "31m",
		"\xe3\x81\x82", "\"quoted\"", "\xf0\x9f\x98\x80",
	};
	static char long_name[4000];
	memset(long_name, 'y', sizeof(long_name) - 1);
	struct build b;
	struct told told;
	directory(&b);
	for (size_t i = 0; i <= ARRAY_LEN(hostile); i++) {
		const char *bad = i < ARRAY_LEN(hostile) ? hostile[i] :
							   long_name;
		tell(&told, &b, "192.0.2.7", bad, "x@elsewhere.example");
		told.f.sender.local = slice_of(bad);
		explain_text(&told.out, LANGUAGE_JA, b.v, &told.f, &told.d,
			     &told.t);
		assert_true(utf8_valid(buf_slice(&told.out)));
		for (size_t k = 0; k < told.out.n; k++) {
			uint8_t c = (uint8_t)told.out.p[k];
			assert_true(c >= ' ' || c == '\n');
			assert_int_not_equal(c, 0x7f);
		}
		assert_true(slice_find_slice(buf_slice(&told.out),
					     SLICE("\xe2\x80\xae")) ==
			    told.out.n);
		buf_clear(&told.out);
		policy_advice(&told.f, &told.d, slice_of(bad), &told.out);
		slice rest = buf_slice(&told.out);
		int lines = 0;
		for (; rest.n > 0; lines++) {
			slice line = slice_cut(&rest, '\n');
			assert_true(line.n <= POLICY_ADVICE_LINE_MAX);
			for (size_t k = 0; k < line.n; k++)
				assert_true(line.p[k] >= ' ' &&
					    line.p[k] < 0x7f);
		}
		assert_int_equal(lines, POLICY_ADVICE_LINES);
		buf_fini(&told.out);
	}
	build_fini(&b);
}

static void a_trace_without_room_is_cut(void **state)
{
	(void)state;
	struct build b;
	struct told told;
	directory(&b);
	tell(&told, &b, "192.0.2.7", "localhost", "x@alpha.example");
	told.t.cap = 3;
	policy_decide(b.v, &told.f, &told.d, &told.t);
	assert_true(told.t.cut);
	assert_int_equal(told.t.count, 3);
	explain_text(&told.out, LANGUAGE_EN, b.v, &told.f, &told.d, &told.t);
	assert_true(slice_find_slice(buf_slice(&told.out),
				     SLICE("There are more settings")) <
		    told.out.n);
	buf_fini(&told.out);
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_languages_take_the_same_values),
		cmocka_unit_test(s4_explained_in_english),
		cmocka_unit_test(s4_explained_in_japanese),
		cmocka_unit_test(s4_stranger_is_told_nothing_of_settings),
		cmocka_unit_test(s4_3_generic_helo_name_is_called_so),
		cmocka_unit_test(s4_json_has_the_agreed_members),
		cmocka_unit_test(r2_9_values_of_strangers_are_escaped),
		cmocka_unit_test(a_trace_without_room_is_cut),
	};
	return cmocka_run_group_tests_name("policy/explain", tests, NULL,
					   NULL);
}
