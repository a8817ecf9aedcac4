/*
 * Signing in to the console (SPEC 12.3, CONSOLE 13, RELIABILITY L3, L9):
 * links, passwords, codes, sessions, API tokens; each rule at its edge. The
 * time is passed in.
 */
#include <jansson.h>

#include "unit/admin/harness.h"

#include "admin/calls.h"
#include "admin/store_copy.h"

#define ADDRESS "super@minor.test"
#define PASSWORD "correct horse battery"

static const char DIRECTORY[] =
	"customers:\n"
	"- name: minor\n"
	"  org_units: [ sales ]\n"
	"  domains: [ { name: minor.test, verified: operator } ]\n"
	"  users:\n"
	"  - { address: super@minor.test, role: super-admin }\n"
	"  - { address: audit@minor.test, role: auditor }\n"
	"  - { address: unit@minor.test, role: unit-admin, org_unit: sales }\n"
	"  - { address: user@minor.test }\n"
	"- name: other\n"
	"  domains: [ { name: other.test, verified: operator } ]\n"
	"  users: [ { address: super@other.test, role: super-admin } ]\n";

static const int64_t NOW = 1800000000000;

struct browser {
	const char *dir;
	int64_t now;
	char cookie[TOKEN_TEXT_MAX];
	char csrf[TOKEN_BODY_LEN + 1];
	char secret[TOTP_SECRET_LEN];
	const char *client;
};

static struct answer ask_at(const char *dir, int64_t now, bool front,
			    const char *name, const char *args)
{
	struct answer a = { 0 };
	struct err err;
	buf_init(&a.text, 1 << 20);
	buf_init(&a.rows, 1 << 20);
	struct admin_once once = { .data_dir = dir, .call = name,
				   .args = slice_of(args),
				   .pepper = { 1, 2, 3 },
				   .hostname = SLICE("relay.test"),
				   .console_url = SLICE("http://127.0.0.1:8025"),
				   .front = front, .at_ms = now,
				   .on_row = harness_row, .ctx = &a };
	if (!admin_call_offline(&once, &a.code, &a.text, &err))
		fail_msg("%s: %s (%s)", name, err.text, err.detail);
	return a;
}

/* A member of the first row as text; the caller frees. NULL: none. */
static char *member(const struct answer *a, const char *name)
{
	json_t *row = json_loadb(a->rows.p, a->rows.n, JSON_DISABLE_EOF_CHECK,
				 NULL);
	const json_t *v = json_object_get(row, name);
	char *out = json_is_string(v) ? strdup(json_string_value(v)) : NULL;
	json_decref(row);
	return out;
}

static bool take_member(const struct answer *a, const char *name, char *to,
			size_t cap)
{
	char *s = member(a, name);
	if (s == NULL)
		return false;
	snprintf(to, cap, "%s", s);
	free(s);
	return true;
}

/* With the cookie and what belongs to it; a new cookie is taken. */
static struct answer click(struct browser *b, const char *name,
			   const char *args)
{
	char text[2000];
	snprintf(text, sizeof(text),
		 "{\"session\":\"%s\",\"csrf\":\"%s\",\"client\":\"%s\"%s%s}",
		 b->cookie, b->csrf, b->client ? b->client : "192.0.2.1",
		 args[0] ? "," : "", args);
	struct answer a = ask_at(b->dir, b->now, true, name, text);
	if (take_member(&a, "cookie", b->cookie, sizeof(b->cookie)) &&
	    b->cookie[0] != '\0') {
		struct browser peek = *b;
		peek.csrf[0] = '\0';
		struct answer show_it = click(&peek, "session.show", "");
		assert_int_equal(show_it.code, 0);
		assert_true(take_member(&show_it, "csrf", b->csrf,
					sizeof(b->csrf)));
		answer_free(&show_it);
	}
	return a;
}

static int code_of(struct browser *b, const char *name, const char *args)
{
	struct answer a = click(b, name, args);
	int code = a.code;
	answer_free(&a);
	return code;
}

static void expect_state(struct browser *b, const char *name,
			 const char *args, const char *state)
{
	struct answer a = click(b, name, args);
	char got[20] = "";
	if (a.code != 0 || !take_member(&a, "state", got, sizeof(got)) ||
	    strcmp(got, state) != 0)
		show(name, &a);
	answer_free(&a);
}

/* --- steps ---------------------------------------------------------------- */

static void begin_with(struct browser *b, const char *dir)
{
	*b = (struct browser){ .dir = dir, .now = NOW };
}

static void link_for(const char *dir, const char *call_name,
		     const char *address, char link[TOKEN_TEXT_MAX])
{
	char args[300];
	snprintf(args, sizeof(args), "{\"address\":\"%s\"}", address);
	struct answer a = ask_at(dir, NOW, false, call_name, args);
	char *url = a.code == 0 ? member(&a, "link") : NULL;
	if (url == NULL)
		show(call_name, &a);
	char *at = strstr(url, "http://127.0.0.1:8025/login#invite=pr_inv_");
	assert_ptr_equal(at, url);
	snprintf(link, TOKEN_TEXT_MAX, "%s", strchr(url, '=') + 1);
	free(url);
	answer_free(&a);
}

static int follow(struct browser *b, const char *link)
{
	char args[200];
	snprintf(args, sizeof(args), "\"invite\":\"%s\"", link);
	return code_of(b, "session.begin", args);
}

/* Base32 back to bytes: what an app does with it. */
static void take_secret(const char *text, char secret[TOTP_SECRET_LEN])
{
	for (size_t bit = 0; bit < 160; bit++) {
		char c = text[bit / 5];
		unsigned five = (unsigned)(c >= 'A' ? c - 'A' : c - '2' + 26);
		unsigned one = five >> (4 - bit % 5) & 1;
		if (bit % 8 == 0)
			secret[bit / 8] = 0;
		secret[bit / 8] = (char)((unsigned char)secret[bit / 8] |
					 one << (7 - bit % 8));
	}
}

static const char *code_arg(const struct browser *b, char args[40])
{
	char code[TOTP_DIGITS + 1];
	assert_true(totp_code((const uint8_t *)b->secret,
			      (uint64_t)b->now / 30000, code));
	snprintf(args, 40, "\"code\":\"%s\"", code);
	return args;
}

static void set_factor(struct browser *b, const char *args)
{
	char text[TOTP_SECRET_TEXT];
	struct answer a = click(b, "factor.begin", args);
	if (a.code != 0)
		show("factor.begin", &a);
	assert_true(take_member(&a, "secret", text, sizeof(text)));
	assert_int_equal(strlen(text), 32);
	assert_has(&a.rows, "otpauth://totp/Postrider:");
	answer_free(&a);
	take_secret(text, b->secret);
}

static void enrol(struct browser *b, const char *dir, const char *address)
{
	char link[TOKEN_TEXT_MAX], args[40];
	begin_with(b, dir);
	link_for(dir, "invite.create", address, link);
	assert_int_equal(follow(b, link), 0);
	expect_state(b, "session.password", "\"password\":\"" PASSWORD "\"",
		     "enrol");
	set_factor(b, "");
	expect_state(b, "factor.confirm", code_arg(b, args), "in");
}

static void sign_in(struct browser *b, const char *address)
{
	char args[300], code[40];
	/* A code works once: the next one. */
	b->now += 60000;
	b->cookie[0] = '\0';
	snprintf(args, sizeof(args),
		 "\"address\":\"%s\",\"password\":\"" PASSWORD "\"", address);
	expect_state(b, "session.begin", args, "code");
	expect_state(b, "session.code", code_arg(b, code), "in");
}

/* --- coming in ------------------------------------------------------------ */

static void s12_3_from_the_link_to_the_inside(void **state)
{
	struct browser b;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	struct answer a = click(&b, "session.show", "");
	assert_has(&a.rows, "\"address\":\"super@minor.test\"");
	assert_has(&a.rows, "\"role\":\"super-admin\"");
	assert_has(&a.rows, "\"customer\":\"minor\"");
	assert_has(&a.rows, "\"state\":\"in\"");
	assert_has(&a.rows, "\"needs_password\":false");
	answer_free(&a);
	assert_int_equal(code_of(&b, "user.list", ""), 0);
	sign_in(&b, ADDRESS);
	assert_int_equal(code_of(&b, "user.list", ""), 0);
	assert_int_equal(code_of(&b, "session.end", ""), 0);
	assert_string_equal(b.cookie, "");
}

static void a_link_works_once_and_for_a_day(void **state)
{
	struct browser b;
	char link[TOKEN_TEXT_MAX], newer[TOKEN_TEXT_MAX];
	apply_good(*state, DIRECTORY);
	begin_with(&b, *state);
	link_for(*state, "invite.create", ADDRESS, link);
	assert_int_equal(follow(&b, link), 0);
	assert_int_equal(follow(&b, link), 66);
	link_for(*state, "invite.create", ADDRESS, link);
	b.now = NOW + INVITE_MS - 1;
	assert_int_equal(follow(&b, link), 0);
	link_for(*state, "invite.create", ADDRESS, link);
	b.now = NOW + INVITE_MS;
	assert_int_equal(follow(&b, link), 66);
	/* A newer one ends the older one. */
	b.now = NOW;
	link_for(*state, "invite.create", ADDRESS, link);
	link_for(*state, "invite.create", ADDRESS, newer);
	assert_int_equal(follow(&b, link), 66);
	assert_int_equal(follow(&b, newer), 0);
	assert_int_equal(follow(&b, "pr_inv_"), 66);
}

static void s12_3_who_may_be_let_in(void **state)
{
	apply_good(*state, DIRECTORY);
	static const struct {
		const char *args;
		int code;
	} rows[] = {
		{ "{\"address\":\"user@minor.test\"}", 66 },
		{ "{\"address\":\"nobody@minor.test\"}", 65 },
		{ "{\"address\":\"no address\"}", 64 },
		{ "{\"address\":\"audit@minor.test\"}", 0 },
		{ "{\"address\":\"audit@minor.test\",\"as\":"
		  "\"super@minor.test\"}", 0 },
		{ "{\"address\":\"super@other.test\",\"as\":"
		  "\"super@minor.test\"}", 65 },
		{ "{\"address\":\"unit@minor.test\",\"as\":"
		  "\"unit@minor.test\"}", 77 },
		{ "{\"address\":\"unit@minor.test\",\"as\":"
		  "\"audit@minor.test\"}", 77 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer a = ask_at(*state, NOW, false, "invite.create",
					 rows[i].args);
		if (a.code != rows[i].code)
			show(rows[i].args, &a);
		answer_free(&a);
	}
	/* Who signs in already gets no link around his password. */
	struct browser b;
	enrol(&b, *state, ADDRESS);
	struct answer a = ask_at(*state, NOW, false, "invite.create",
				 "{\"address\":\"" ADDRESS "\"}");
	assert_int_equal(a.code, 66);
	answer_free(&a);
}

static void a6_one_answer_for_all_failures(void **state)
{
	static const char *const rows[] = {
		"\"address\":\"" ADDRESS "\",\"password\":\"wrong horse batt\"",
		"\"address\":\"" ADDRESS "\"",
		"\"address\":\"nobody@minor.test\",\"password\":\"" PASSWORD
		"\"",
		"\"address\":\"user@minor.test\",\"password\":\"" PASSWORD "\"",
		"\"address\":\"audit@minor.test\",\"password\":\"\"",
		"\"address\":\"no address\",\"password\":\"" PASSWORD "\"",
		"",
	};
	struct browser b;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct browser c = { .dir = *state, .now = NOW };
		struct answer a = click(&c, "session.begin", rows[i]);
		if (a.code != 2 || a.row_count != 0)
			show(rows[i], &a);
		assert_slice_eq(buf_slice(&a.text),
				"Address, password or code is wrong.");
		answer_free(&a);
	}
	struct browser c = { .dir = *state, .now = NOW };
	struct answer a = click(&c, "session.begin",
				"\"language\":\"ja\",\"address\":"
				"\"me@gmail.com\",\"password\":\"x\"");
	assert_int_equal(a.code, 2);
	answer_free(&a);
}

static void l9_codes_work_once(void **state)
{
	struct browser b;
	char args[40];
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	/* That of the enrolment is used. */
	b.cookie[0] = '\0';
	expect_state(&b, "session.begin", "\"address\":\"" ADDRESS "\","
		     "\"password\":\"" PASSWORD "\"", "code");
	assert_int_equal(code_of(&b, "session.code", code_arg(&b, args)), 2);
	b.now += 60000;
	expect_state(&b, "session.code", code_arg(&b, args), "in");
}

static void after_five_wrong_codes_it_is_over(void **state)
{
	struct browser b;
	char args[40];
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	b.now += 60000;
	b.cookie[0] = '\0';
	expect_state(&b, "session.begin", "\"address\":\"" ADDRESS "\","
		     "\"password\":\"" PASSWORD "\"", "code");
	for (int i = 0; i < SESSION_WRONG_MAX; i++)
		assert_int_equal(code_of(&b, "session.code",
					 "\"code\":\"00000x\""), 2);
	assert_int_equal(code_of(&b, "session.code", code_arg(&b, args)), 2);
	assert_int_equal(code_of(&b, "session.show", ""), 2);
}

static void a_recovery_code_works_once(void **state)
{
	struct browser b;
	char link[TOKEN_TEXT_MAX], args[60];
	apply_good(*state, DIRECTORY);
	begin_with(&b, *state);
	link_for(*state, "invite.create", ADDRESS, link);
	assert_int_equal(follow(&b, link), 0);
	expect_state(&b, "session.password", "\"password\":\"" PASSWORD "\"",
		     "enrol");
	set_factor(&b, "");
	struct answer a = click(&b, "factor.confirm", code_arg(&b, args));
	json_t *row = json_loadb(a.rows.p, a.rows.n, JSON_DISABLE_EOF_CHECK,
				 NULL);
	const json_t *codes = json_object_get(row, "recovery");
	assert_int_equal(json_array_size(codes), RECOVERY_CODES);
	for (int turn = 0; turn < 2; turn++) {
		b.cookie[0] = '\0';
		expect_state(&b, "session.begin", "\"address\":\"" ADDRESS
			     "\",\"password\":\"" PASSWORD "\"", "code");
		snprintf(args, sizeof(args), "\"recovery\":\"%s\"",
			 json_string_value(json_array_get(codes, 3)));
		if (turn == 0)
			expect_state(&b, "session.code", args, "in");
		else
			assert_int_equal(code_of(&b, "session.code", args), 2);
	}
	/* As people type it. */
	char upper[90];
	snprintf(args, sizeof(args), "%s",
		 json_string_value(json_array_get(codes, 4)));
	for (char *p = args; *p; p++)
		*p = (char)(*p == '-' ? ' ' : *p >= 'a' ? *p - 32 : *p);
	snprintf(upper, sizeof(upper), "\"recovery\":\" %s \"", args);
	expect_state(&b, "session.code", upper, "in");
	json_decref(row);
	answer_free(&a);
}

/* --- steps and states ------------------------------------------------------ */

static void before_one_is_in_only_the_step_is_open(void **state)
{
	size_t count;
	const struct call_kind *calls = call_kinds(&count);
	struct browser b;
	char link[TOKEN_TEXT_MAX];
	apply_good(*state, DIRECTORY);
	begin_with(&b, *state);
	link_for(*state, "invite.create", ADDRESS, link);
	assert_int_equal(follow(&b, link), 0);
	for (size_t i = 0; i < count; i++) {
		bool open = session_step_allows(SESSION_ENROL,
						slice_of(calls[i].name));
		if (open || calls[i].manner == CALL_PUBLIC)
			continue;
		if (code_of(&b, calls[i].name, "") != 2)
			fail_msg("%s", calls[i].name);
	}
	assert_int_equal(code_of(&b, "session.code", "\"code\":\"000000\""), 2);
	assert_int_equal(code_of(&b, "session.show", ""), 0);
}

static void s12_3_without_a_factor_only_enrolment_opens(void **state)
{
	struct browser b, c;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	struct answer a = ask_at(*state, NOW, false, "sign_in.reset",
				 "{\"address\":\"" ADDRESS "\","
				 "\"factor\":true}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	assert_int_equal(code_of(&b, "session.show", ""), 2);
	begin_with(&c, *state);
	expect_state(&c, "session.begin", "\"address\":\"" ADDRESS "\","
		     "\"password\":\"" PASSWORD "\"", "enrol");
	assert_int_equal(code_of(&c, "user.list", ""), 2);
	/* Nor is a new password set here: he has one. */
	assert_int_equal(code_of(&c, "session.password",
				 "\"password\":\"another password\""), 66);
}

static void a_lost_password_needs_link_and_factor(void **state)
{
	struct browser b, c;
	char args[40], link[TOKEN_TEXT_MAX];
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	struct answer a = ask_at(*state, NOW, false, "sign_in.reset",
				 "{\"address\":\"" ADDRESS "\","
				 "\"password\":true}");
	char *url = member(&a, "link");
	snprintf(link, sizeof(link), "%s", strchr(url, '=') + 1);
	free(url);
	answer_free(&a);
	begin_with(&c, *state);
	c.now += 60000;
	memcpy(c.secret, b.secret, sizeof(c.secret));
	snprintf(args, sizeof(args), "%s", "");
	char follow_args[200];
	snprintf(follow_args, sizeof(follow_args), "\"invite\":\"%s\"", link);
	expect_state(&c, "session.begin", follow_args, "code");
	assert_int_equal(code_of(&c, "session.password",
				 "\"password\":\"another password\""), 2);
	expect_state(&c, "session.code", code_arg(&c, args), "enrol");
	expect_state(&c, "session.password",
		     "\"password\":\"another password\"", "in");
}

/* --- sessions ------------------------------------------------------------- */

static void l3_idle_for_half_an_hour(void **state)
{
	static const struct {
		int64_t after_ms;
		int code;
	} rows[] = {
		{ SESSION_IDLE_MS - 1, 0 },
		{ SESSION_IDLE_MS, 2 },
		{ SESSION_IDLE_MS + 1, 2 },
		{ -SESSION_BEHIND_MS, 0 },
		{ -SESSION_BEHIND_MS - 1, 2 },
	};
	struct browser b;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sign_in(&b, ADDRESS);
		int64_t then = b.now;
		b.now += rows[i].after_ms;
		if (code_of(&b, "session.show", "") != rows[i].code)
			fail_msg("row %zu", i);
		b.now = then;
		/* What is over stays so. */
		if (rows[i].code != 0)
			assert_int_equal(code_of(&b, "session.show", ""), 2);
	}
}

static void l3_twelve_hours_at_most(void **state)
{
	struct browser b;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	sign_in(&b, ADDRESS);
	int64_t begun = b.now;
	for (; b.now < begun + SESSION_MOST_MS - 1; b.now += 20 * 60000)
		assert_int_equal(code_of(&b, "session.show", ""), 0);
	b.now = begun + SESSION_MOST_MS - 1;
	assert_int_equal(code_of(&b, "session.show", ""), 0);
	b.now = begun + SESSION_MOST_MS;
	assert_int_equal(code_of(&b, "session.show", ""), 2);
}

static void l3_changes_need_the_token_of_the_session(void **state)
{
	struct browser b, other;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	enrol(&other, *state, "audit@minor.test");
	static const char name[] = "user.change";
	static const char args[] = "\"address\":\"user@minor.test\","
				   "\"suspended\":true,\"dry_run\":true";
	assert_int_equal(code_of(&b, name, args), 0);
	struct browser c = b;
	c.csrf[0] = '\0';
	assert_int_equal(code_of(&c, name, args), 77);
	/* Looking needs none. */
	assert_int_equal(code_of(&c, "user.list", ""), 0);
	memcpy(c.csrf, other.csrf, sizeof(c.csrf));
	assert_int_equal(code_of(&c, name, args), 77);
	memcpy(c.csrf, b.csrf, sizeof(c.csrf));
	c.csrf[51] = c.csrf[51] == 'a' ? 'b' : 'a';
	assert_int_equal(code_of(&c, name, args), 77);
}

static void l3_no_session_is_fixed_beforehand(void **state)
{
	struct browser b, before;
	char args[40];
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	b.now += 60000;
	b.cookie[0] = '\0';
	expect_state(&b, "session.begin", "\"address\":\"" ADDRESS "\","
		     "\"password\":\"" PASSWORD "\"", "code");
	before = b;
	expect_state(&b, "session.code", code_arg(&b, args), "in");
	assert_string_not_equal(before.cookie, b.cookie);
	assert_int_equal(code_of(&before, "session.show", ""), 2);
	/* Nor is one made of what a client brings. */
	struct browser c = { .dir = *state, .now = NOW };
	memset(c.cookie, 'a', sizeof(c.cookie) - 1);
	memcpy(c.cookie, SESSION_PREFIX, 7);
	assert_int_equal(code_of(&c, "session.show", ""), 2);
}

static void l3_a_new_password_ends_the_others(void **state)
{
	struct browser b, c;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	c = b;
	sign_in(&c, ADDRESS);
	b.now = c.now;
	assert_int_equal(code_of(&b, "account.change", "\"password_old\":"
		"\"wrong horse batt\",\"password_new\":\"another password\""),
		66);
	assert_int_equal(code_of(&b, "account.change", "\"password_old\":\""
		PASSWORD "\",\"password_new\":\"short\""), 66);
	assert_int_equal(code_of(&c, "session.show", ""), 0);
	assert_int_equal(code_of(&b, "account.change", "\"password_old\":\""
		PASSWORD "\",\"password_new\":\"another password\""), 0);
	assert_int_equal(code_of(&c, "session.show", ""), 2);
	assert_int_equal(code_of(&b, "session.show", ""), 0);
	struct browser d = { .dir = *state, .now = b.now };
	assert_int_equal(code_of(&d, "session.begin", "\"address\":\"" ADDRESS
		"\",\"password\":\"" PASSWORD "\""), 2);
}

static void l3_signing_out_ends_it_on_the_server(void **state)
{
	struct browser b, c;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	c = b;
	assert_int_equal(code_of(&b, "session.end", ""), 0);
	assert_int_equal(code_of(&c, "session.show", ""), 2);
	enrol(&b, *state, "audit@minor.test");
	c = b;
	sign_in(&c, "audit@minor.test");
	b.now = c.now;
	struct answer a = click(&b, "session.list", "");
	assert_int_equal(a.row_count, 2);
	answer_free(&a);
	assert_int_equal(code_of(&b, "session.end_others", ""), 0);
	assert_int_equal(code_of(&c, "session.show", ""), 2);
	assert_int_equal(code_of(&b, "session.show", ""), 0);
}

static void s12_3_who_is_suspended_is_out_at_once(void **state)
{
	struct browser b;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	assert_int_equal(code_of(&b, "user.list", ""), 0);
	struct answer a = call(*state, "user.change",
			       "{\"address\":\"" ADDRESS "\",\"suspended\":"
			       "true}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	assert_int_equal(code_of(&b, "user.list", ""), 2);
	enrol(&b, *state, "audit@minor.test");
	a = call(*state, "user.change",
		 "{\"address\":\"audit@minor.test\",\"role\":\"user\"}");
	answer_free(&a);
	assert_int_equal(code_of(&b, "user.list", ""), 2);
	enrol(&b, *state, "super@other.test");
	a = call(*state, "customer.remove", "{\"name\":\"other\"}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	assert_int_equal(code_of(&b, "user.list", ""), 2);
}

/* --- the account ----------------------------------------------------------- */

static void the_account_keeps_what_it_likes(void **state)
{
	struct browser b;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	assert_int_equal(code_of(&b, "account.change",
		"\"language\":\"ja\",\"time_zone\":\"Asia/Tokyo\","
		"\"scheme\":\"dark\",\"shortcuts\":false"), 0);
	assert_int_equal(code_of(&b, "account.change", "\"scheme\":\"pink\""),
			 64);
	assert_int_equal(code_of(&b, "account.change",
				 "\"time_zone\":\"../etc\\\"\""), 64);
	/* L5: nothing else is there to be set. */
	assert_int_equal(code_of(&b, "account.change",
				 "\"role\":\"operator\""), 64);
	assert_int_equal(code_of(&b, "account.change", "\"customer_id\":2"),
			 64);
	struct answer a = click(&b, "session.show", "");
	assert_has(&a.rows, "\"language\":\"ja\"");
	assert_has(&a.rows, "\"time_zone\":\"Asia/Tokyo\"");
	assert_has(&a.rows, "\"scheme\":\"dark\"");
	assert_has(&a.rows, "\"shortcuts\":false");
	answer_free(&a);
}

static void a_new_factor_asks_for_the_password(void **state)
{
	struct browser b;
	char args[40];
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	assert_int_equal(code_of(&b, "factor.begin", ""), 66);
	set_factor(&b, "\"password\":\"" PASSWORD "\"");
	assert_int_equal(code_of(&b, "factor.confirm", "\"code\":\"00000x\""),
			 66);
	expect_state(&b, "factor.confirm", code_arg(&b, args), "in");
	sign_in(&b, ADDRESS);
}

/* --- API tokens ------------------------------------------------------------ */

static void make_token(struct browser *b, const char *args,
		       struct browser *bearer)
{
	struct answer a = click(b, "token.create", args);
	*bearer = (struct browser){ .dir = b->dir, .now = b->now };
	if (a.code != 0 ||
	    !take_member(&a, "token", bearer->cookie, sizeof(bearer->cookie)))
		show("token.create", &a);
	answer_free(&a);
}

static void tokens_do_what_they_are_for(void **state)
{
	struct browser b, look, users;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	make_token(&b, "\"name\":\"watch\",\"scopes\":[\"look\"]", &look);
	make_token(&b, "\"name\":\"hr\",\"scopes\":[\"look\",\"users\"]",
		   &users);
	static const char change[] = "\"address\":\"user@minor.test\","
				     "\"suspended\":true,\"dry_run\":true";
	assert_int_equal(code_of(&look, "user.list", ""), 0);
	assert_int_equal(code_of(&look, "user.change", change), 77);
	/* No page sends it by itself: it needs no CSRF token. */
	assert_int_equal(code_of(&users, "user.change", change), 0);
	assert_int_equal(code_of(&users, "setting.add", ""), 77);
	assert_int_equal(code_of(&users, "token.create", "\"name\":\"x\","
				 "\"scopes\":[\"look\"]"), 77);
	assert_int_equal(code_of(&users, "invite.create",
				 "\"address\":\"audit@minor.test\""), 77);
	assert_int_equal(code_of(&b, "token.create", "\"name\":\"x\","
				 "\"scopes\":[\"operate\"]"), 66);
	assert_int_equal(code_of(&b, "token.create", "\"name\":\"x\","
				 "\"scopes\":[\"all\"]"), 64);
	assert_int_equal(code_of(&b, "token.create", "\"name\":\"x\","
				 "\"scopes\":[]"), 64);
	/* Never more than the person's role, as it is now. */
	struct answer a = call(*state, "user.change",
			       "{\"address\":\"" ADDRESS "\",\"role\":"
			       "\"auditor\"}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	assert_int_equal(code_of(&users, "user.list", ""), 0);
	assert_int_equal(code_of(&users, "user.change", change), 77);
}

static void tokens_end(void **state)
{
	struct browser b, t;
	char text[100], time[TIME_TEXT_MAX], *id;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	snprintf(text, sizeof(text), "\"name\":\"t\",\"scopes\":[\"look\"],"
		 "\"expires_at\":\"%s\"", time_text_ms(NOW + 5000, time));
	make_token(&b, text, &t);
	t.now = NOW + 4999;
	assert_int_equal(code_of(&t, "user.list", ""), 0);
	t.now = NOW + 5000;
	assert_int_equal(code_of(&t, "user.list", ""), 2);
	assert_int_equal(code_of(&b, "token.create", "\"name\":\"t\","
		"\"scopes\":[\"look\"],\"expires_at\":"
		"\"2020-01-01T00:00:00.000Z\""), 64);
	make_token(&b, "\"name\":\"t\",\"scopes\":[\"look\"]", &t);
	struct answer a = click(&b, "token.list", "");
	assert_int_equal(a.row_count, 2);
	assert_false(has(&a.rows, "pr_api_"));
	id = member(&a, "id");
	answer_free(&a);
	snprintf(text, sizeof(text), "\"id\":\"%s\"", id);
	free(id);
	assert_int_equal(code_of(&b, "token.remove", text), 0);
	assert_int_equal(code_of(&b, "token.remove", text), 65);
	/* Another's is none. */
	struct browser c;
	enrol(&c, *state, "audit@minor.test");
	a = click(&b, "token.list", "");
	id = member(&a, "id");
	answer_free(&a);
	snprintf(text, sizeof(text), "\"id\":\"%s\"", id);
	free(id);
	assert_int_equal(code_of(&c, "token.remove", text), 65);
}

/* --- what is kept ----------------------------------------------------------- */

static void nothing_secret_lies_in_the_store(void **state)
{
	struct browser b, t;
	char path[300];
	struct buf file;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	make_token(&b, "\"name\":\"t\",\"scopes\":[\"look\"]", &t);
	static const char *const names[] = { "directory.db",
					     "directory.db-wal" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int fd, dir;
		uint64_t size = 0;
		snprintf(path, sizeof(path), "%s", (const char *)*state);
		assert_true(os_dir_open(path, &dir, NULL));
		if (!os_file_open(dir, names[i], OS_READ, &fd, NULL)) {
			os_file_close(&dir);
			continue;
		}
		buf_init(&file, 1 << 26);
		assert_true(os_file_size(fd, &size, NULL));
		char *p = buf_room(&file, size + 1);
		assert_int_equal(pread(fd, p, size, 0), size);
		buf_added(&file, size);
		assert_false(has(&file, PASSWORD));
		assert_false(has(&file, b.cookie));
		assert_false(has(&file, t.cookie));
		assert_false(has(&file, b.csrf));
		assert_int_equal(slice_find_slice(buf_slice(&file),
						  (slice){ b.secret, 20 }),
				 file.n);
		buf_fini(&file);
		os_file_close(&fd);
		os_file_close(&dir);
	}
}

static void s11_sign_ins_are_in_the_audit_log(void **state)
{
	struct browser b;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	struct browser c = { .dir = *state, .now = NOW,
			     .client = "192.0.2.77" };
	assert_int_equal(code_of(&c, "session.begin", "\"address\":\"" ADDRESS
		"\",\"password\":\"wrong horse batt\""), 2);
	assert_int_equal(code_of(&b, "session.end", ""), 0);
	struct answer a = ask_at(*state, NOW, false, "audit.list",
				 "{\"customer\":\"minor\"}");
	assert_has(&a.rows, "\"who\":\"super@minor.test\",\"role\":"
			    "\"super-admin\",\"client\":\"192.0.2.1\","
			    "\"call\":\"session.in\",\"revision\":null");
	assert_has(&a.rows, "\"client\":\"192.0.2.77\","
			    "\"call\":\"session.failed\"");
	assert_has(&a.rows, "{\"tries\":1}");
	assert_has(&a.rows, "\"call\":\"session.end\"");
	assert_has(&a.rows, "\"call\":\"invite.create\"");
	assert_has(&a.rows, "\"call\":\"factor.change\"");
	answer_free(&a);
}

static void an_operators_visit_is_in_the_audit_log(void **state)
{
	struct browser b;
	apply_good(*state, DIRECTORY);
	struct answer a = ask_at(*state, NOW, false, "operator.add",
				 "{\"address\":\"op@relay.test\"}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	enrol(&b, *state, "op@relay.test");
	assert_int_equal(code_of(&b, "user.list", "\"customer\":\"minor\""), 0);
	a = ask_at(*state, NOW, false, "audit.list", "{\"customer\":"
						     "\"minor\"}");
	assert_has(&a.rows, "\"who\":\"op@relay.test\",\"role\":\"operator\"");
	assert_has(&a.rows, "\"call\":\"visit\"");
	answer_free(&a);
	/* The customer sees it; another one doesn't. */
	a = call(*state, "audit.list", "{\"as\":\"super@other.test\"}");
	assert_false(has(&a.rows, "visit"));
	answer_free(&a);
}

static void a_restored_store_ends_all_sessions(void **state)
{
	struct browser b, c;
	char link[TOKEN_TEXT_MAX];
	struct store_adopt how = { .at_ms = NOW };
	uint64_t revision;
	apply_good(*state, DIRECTORY);
	enrol(&b, *state, ADDRESS);
	link_for(*state, "invite.create", "audit@minor.test", link);
	assert_true(store_adopt(*state, &how, &revision, NULL));
	assert_int_equal(code_of(&b, "session.show", ""), 2);
	begin_with(&c, *state);
	assert_int_equal(follow(&c, link), 66);
	sign_in(&b, ADDRESS);
}

static void operators_come_and_go(void **state)
{
	struct browser b;
	apply_good(*state, DIRECTORY);
	static const struct {
		const char *call, *args;
		int code;
	} rows[] = {
		{ "operator.add", "{\"address\":\"op@relay.test\"}", 0 },
		{ "operator.add", "{\"address\":\"OP@relay.test\"}", 66 },
		{ "operator.add", "{\"address\":\"user@minor.test\"}", 66 },
		{ "operator.add", "{\"address\":\"op2@relay.test\",\"as\":"
				  "\"super@minor.test\"}", 77 },
		{ "invite.create", "{\"address\":\"op@relay.test\"}", 0 },
		{ "invite.create", "{\"address\":\"op@relay.test\",\"as\":"
				   "\"super@minor.test\"}", 65 },
		{ "sign_in.reset", "{\"address\":\"op@relay.test\",\"as\":"
				   "\"super@minor.test\"}", 65 },
		{ "operator.list", "{}", 0 },
		{ "operator.remove", "{\"address\":\"no@relay.test\"}", 65 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer a = ask_at(*state, NOW, false, rows[i].call,
					 rows[i].args);
		if (a.code != rows[i].code)
			show(rows[i].args, &a);
		answer_free(&a);
	}
	enrol(&b, *state, "op@relay.test");
	struct browser looking = b;
	looking.csrf[0] = '\0';
	assert_int_equal(code_of(&looking, "status", ""), 0);
	assert_int_equal(code_of(&looking, "operator.list", ""), 0);
	assert_int_equal(code_of(&looking, "operator.add",
				 "\"address\":\"x@relay.test\""), 77);
	struct browser token;
	make_token(&b, "\"name\":\"t\",\"scopes\":[\"look\",\"operate\"]",
		   &token);
	assert_int_equal(code_of(&token, "status", ""), 0);
	assert_int_equal(code_of(&token, "operator.add",
				 "\"address\":\"x@relay.test\""), 77);
	assert_int_equal(code_of(&b, "operator.remove",
				 "\"address\":\"op@relay.test\""), 0);
	assert_int_equal(code_of(&b, "status", ""), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(s12_3_from_the_link_to_the_inside),
		harness_test(a_link_works_once_and_for_a_day),
		harness_test(s12_3_who_may_be_let_in),
		harness_test(a6_one_answer_for_all_failures),
		harness_test(l9_codes_work_once),
		harness_test(after_five_wrong_codes_it_is_over),
		harness_test(a_recovery_code_works_once),
		harness_test(before_one_is_in_only_the_step_is_open),
		harness_test(s12_3_without_a_factor_only_enrolment_opens),
		harness_test(a_lost_password_needs_link_and_factor),
		harness_test(l3_idle_for_half_an_hour),
		harness_test(l3_twelve_hours_at_most),
		harness_test(l3_changes_need_the_token_of_the_session),
		harness_test(l3_no_session_is_fixed_beforehand),
		harness_test(l3_a_new_password_ends_the_others),
		harness_test(l3_signing_out_ends_it_on_the_server),
		harness_test(s12_3_who_is_suspended_is_out_at_once),
		harness_test(the_account_keeps_what_it_likes),
		harness_test(a_new_factor_asks_for_the_password),
		harness_test(tokens_do_what_they_are_for),
		harness_test(tokens_end),
		harness_test(nothing_secret_lies_in_the_store),
		harness_test(s11_sign_ins_are_in_the_audit_log),
		harness_test(an_operators_visit_is_in_the_audit_log),
		harness_test(a_restored_store_ends_all_sessions),
		harness_test(operators_come_and_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
