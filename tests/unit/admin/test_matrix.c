/*
 * SPEC 12.3: every call of calls.def, made by the operator, a super admin, a
 * unit admin, an auditor, a user, and a super admin of another customer;
 * about something of the own customer, of the other one, and of one that
 * isn't. A call without a row here fails.
 *
 * Besides: what is another's is answered word for word like what is not
 * there, and no answer to a person names anything of another customer.
 */
#include "unit/admin/harness.h"

#include "admin/calls.h"

enum who { OPERATOR, SUPER, UNIT, AUDITOR, USER, OTHERS, WHO_COUNT };
enum about { OWN, OTHER, GUESSED, ABOUT_COUNT };

static const char *const names[WHO_COUNT] = {
	"operator", "super", "unit", "auditor", "user", "others",
};
static const char *const as[WHO_COUNT] = {
	[SUPER] = "super@minor.test", [UNIT] = "unit@minor.test",
	[AUDITOR] = "audit@minor.test", [USER] = "user@minor.test",
	[OTHERS] = "super@other.test",
};

static const char DIRECTORY[] =
	"customers:\n"
	"- name: minor\n"
	"  org_units: [ sales, sales/tokyo ]\n"
	"  domains: [ { name: minor.test, verified: operator } ]\n"
	"  users:\n"
	"  - { address: super@minor.test, role: super-admin }\n"
	"  - { address: super2@minor.test, role: super-admin }\n"
	"  - { address: unit@minor.test, role: unit-admin, org_unit: sales }\n"
	"  - { address: audit@minor.test, role: auditor }\n"
	"  - { address: user@minor.test, org_unit: sales/tokyo }\n"
	"  - { address: far@minor.test }\n"
	"  - { address: gone@minor.test, role: super-admin, suspended: true }\n"
	"  relay_settings: [ { description: d, allowed_senders: own-domains,\n"
	"    authentication: { ip_only: true }, ip_entries:\n"
	"    [ { range: 11.0.0.1, description: d } ] } ]\n"
	"- name: other\n"
	"  domains: [ { name: other.test, verified: operator } ]\n"
	"  users:\n"
	"  - { address: super@other.test, role: super-admin }\n"
	"  - { address: user@other.test }\n"
	"  relay_settings: [ { description: d, allowed_senders: own-domains,\n"
	"    authentication: { ip_only: true }, ip_entries:\n"
	"    [ { range: 12.0.0.1, description: d } ] } ]\n";

/* $N name of the customer, $C its number, $I an address of it, $P the id of
 * an app password of its user, $D a dry run. Answers: y done, a no such thing
 * (65), ? wrongly asked (64), n not
 * allowed (77), e errors in a file (78), r would have been asked of relay
 * (75: none runs), u no index of the journal is kept here (69). In the order
 * of enum who. */
static const struct asked {
	const char *call, *args;
	const char *want[ABOUT_COUNT];
} ROWS[] = {
	{ "directory.apply", "\"dry_run\":true",
	  { "yynnne", "yennny", "yennne" } },
	{ "directory.export", "\"customer\":\"$N\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "customer.list", "\"language\":\"ja\"",
	  { "yyyyny", "yyyyny", "yyyyny" } },
	{ "customer.show", "\"name\":\"$N\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "customer.add", "\"name\":\"new-$N\",\"dry_run\":true",
	  { "ynnnnn", "ynnnnn", "ynnnnn" } },
	{ "customer.change", "\"name\":\"$N\",\"language\":\"ja\",$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "customer.remove", "\"name\":\"$N\",$D",
	  { "ynnnnn", "ynnnnn", "annnnn" } },
	{ "domain.list", "\"customer\":\"$N\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "domain.add", "\"name\":\"new.$N.test\",\"customer\":\"$N\",$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "domain.change", "\"name\":\"$N.test\",\"kind\":\"primary\",$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "domain.remove", "\"name\":\"$N.test\",$D",
	  { "eennna", "eannne", "aannna" } },
	{ "user.list", "\"customer\":\"$N\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "user.show", "\"address\":\"user@$N.test\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "user.add", "\"address\":\"new@$N.test\",\"org_unit\":\"sales\",$D",
	  { "yyynne", "eeenne", "?eenne" } },
	{ "user.change", "\"address\":\"user@$N.test\",\"suspended\":true,$D",
	  { "yyynna", "yaanny", "aaanna" } },
	{ "user.remove", "\"address\":\"user@$N.test\",$D",
	  { "yyynna", "yaanny", "aaanna" } },
	{ "setting.list", "\"customer\":\"$N\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "setting.add", "\"customer\":\"$N\",\"description\":\"more\","
			 "\"ip_only\":true,$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "setting.change", "\"customer\":\"$N\",\"id\":\"d\","
			    "\"require_tls\":true,$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "setting.remove", "\"customer\":\"$N\",\"id\":\"d\",$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "setting.show", "\"customer\":\"$N\",\"id\":\"d\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "setting.put", "\"customer\":\"$N\",\"id\":\"d\",\"setting\":"
			 "{\"require_tls\":true},$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "setting.check", "\"customer\":\"$N\",\"setting\":"
			   "{\"description\":\"e\",\"ip_only\":true}",
	  { "yynnna", "yannny", "aannna" } },
	{ "setting.order", "\"customer\":\"$N\",\"ids\":[\"d\"]",
	  { "yynnna", "yannny", "aannna" } },
	{ "draft.list", "\"customer\":\"$N\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "draft.save", "\"customer\":\"$N\",\"id\":\"d\",\"setting\":{}",
	  { "yynnna", "yannny", "aannna" } },
	{ "draft.show", "\"customer\":\"$N\",\"id\":\"d\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "replay", "\"customer\":\"$N\"",
	  { "uunnna", "uannnu", "aannna" } },
	{ "draft.remove", "\"customer\":\"$N\",\"id\":\"d\"",
	  { "yynnna", "yannny", "aannna" } },
	{ "ip.list", "\"customer\":\"$N\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "ip.add", "\"customer\":\"$N\",\"range\":\"9.9.9.9\","
		    "\"description\":\"d\",$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "ip.change", "\"customer\":\"$N\",\"range\":\"$I\","
		       "\"enabled\":false,$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "ip.remove", "\"customer\":\"$N\",\"range\":\"$I\",$D",
	  { "yynnna", "yannny", "aannna" } },
	{ "ip.share", "\"customer\":\"$N\",\"range\":\"$I\",$D",
	  { "ynnnnn", "ynnnnn", "annnnn" } },
	{ "ip.request_sharing", "\"customer\":\"$N\",\"range\":\"$I\",$D",
	  { "aannna", "aannna", "aannna" } },
	{ "app_password.create", "\"address\":\"user@$N.test\"",
	  { "yyynna", "yaanny", "aaanna" } },
	{ "app_password.list", "\"address\":\"user@$N.test\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "app_password.remove", "\"id\":\"$P\"",
	  { "yyynna", "yaanny", "aaanna" } },
	{ "audit.list", "\"customer\":\"$N\"",
	  { "yyyyny", "yyyyny", "yyyyny" } },
	{ "trace", "\"customer\":$C,\"from\":\"user@$N.test\"",
	  { "uuuunu", "uuuunu", "uuuunu" } },
	{ "message.list", "\"customer\":\"$N\"",
	  { "uuuuna", "uaaanu", "aaaana" } },
	{ "message.show", "\"customer\":\"$N\",\"id\":"
			  "\"00000000000000000000\"",
	  { "uuuuna", "uaaanu", "aaaana" } },
	{ "refusal.list", "\"customer\":\"$N\"",
	  { "uuuuna", "uaaanu", "aaaana" } },
	{ "refusal.show", "\"customer\":\"$N\",\"reference\":"
			  "\"0000000000000000000000000\"",
	  { "uuuuna", "uaaanu", "aaaana" } },
	{ "reference.show", "\"reference\":\"0000000000000000000000000\"",
	  { "uuuunu", "uuuunu", "uuuunu" } },
	{ "overview", "\"customer\":\"$N\"",
	  { "uununa", "uaaanu", "aaaana" } },
	{ "needs", "\"customer\":\"$N\"",
	  { "uuyuna", "uaaanu", "aaaana" } },
	{ "changes", "\"language\":\"en\"", { "yyyyny", "yyyyny", "yyyyny" } },
	{ "find", "\"customer\":\"$N\",\"q\":\"user@$N.test\"",
	  { "yyyyna", "yaaany", "aaaana" } },
	{ "alert.list", "\"customer\":\"$N\"",
	  { "uuuuna", "uaaanu", "aaaana" } },
	{ "watch", "\"customer\":\"$N\",\"setting\":\"d\"",
	  { "uuuuna", "uaaanu", "aaaana" } },
	{ "queue.matrix", "\"customer\":\"$N\"",
	  { "rrnrna", "rananr", "aanana" } },
	{ "queue.preview", "\"customer\":\"$N\",\"act\":\"hold\","
			   "\"selection\":{\"ids\":"
			   "[\"00000000000000000000\"]}",
	  { "rrrrna", "raaanr", "aaaana" } },
	{ "queue.act", "\"customer\":\"$N\",\"act\":\"hold\","
		       "\"selection\":{\"ids\":[\"00000000000000000000\"]}",
	  { "rrnnna", "rannnr", "aannna" } },
	{ "explain", "\"client_ip\":\"$I\",\"from\":\"user@$N.test\","
		     "\"helo\":\"mx.$N.test\"",
	  { "yyyyny", "yyyyny", "yyyyny" } },
	{ "queue.list", "\"customer\":$C", { "rrrrnr", "rrrrnr", "rrrrnr" } },
	{ "queue.show", "\"id\":\"00000000000000000000\"",
	  { "rrrrnr", "rrrrnr", "rrrrnr" } },
	{ "queue.retry", "\"customer\":$C", { "rrnnnr", "rrnnnr", "rrnnnr" } },
	{ "queue.hold", "\"customer\":$C", { "rrnnnr", "rrnnnr", "rrnnnr" } },
	{ "queue.release", "\"customer\":$C",
	  { "rrnnnr", "rrnnnr", "rrnnnr" } },
	{ "queue.remove", "\"all\":true", { "rrnnnr", "rrnnnr", "rrnnnr" } },
	{ "queue.destinations", "\"language\":\"en\"",
	  { "rnnnnn", "rnnnnn", "rnnnnn" } },
	{ "clock.show", "\"language\":\"en\"",
	  { "rnnnnn", "rnnnnn", "rnnnnn" } },
	{ "clock.accept", "\"language\":\"ja\"",
	  { "rnnnnn", "rnnnnn", "rnnnnn" } },
	{ "limits.show", "\"customer\":\"$N\"",
	  { "rrrrna", "raaanr", "raaana" } },
	{ "limits.users", "\"customer\":\"$N\"",
	  { "rrrrna", "raaanr", "raaana" } },
	{ "status", "\"language\":\"en\"", { "ynnnnn", "ynnnnn", "ynnnnn" } },
	{ "version", "\"language\":\"en\"", { "yyyyny", "yyyyny", "yyyyny" } },
	/* The console's alone; test_sign_in.c makes them there. */
	{ "session.begin", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "session.code", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "session.password", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "session.show", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "session.end", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "session.list", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "session.end_others", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "account.change", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "factor.begin", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "factor.confirm", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "token.create", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "token.list", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "token.remove", "\"language\":\"en\"",
	  { "????n?", "????n?", "????n?" } },
	{ "invite.create", "\"address\":\"super@$N.test\"",
	  { "yynnna", "yannny", "aannna" } },
	{ "sign_in.reset", "\"address\":\"super@$N.test\"",
	  { "yynnna", "yannny", "aannna" } },
	{ "operator.add", "\"address\":\"new@$N.test\"",
	  { "ynnnnn", "ynnnnn", "ynnnnn" } },
	{ "operator.list", "\"language\":\"en\"",
	  { "ynnnnn", "ynnnnn", "ynnnnn" } },
	{ "operator.remove", "\"address\":\"new@$N.test\"",
	  { "ynnnnn", "ynnnnn", "ynnnnn" } },
};

static const struct asked *row_of(const char *call)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		if (strcmp(ROWS[i].call, call) == 0)
			return &ROWS[i];
	return NULL;
}

static const char *const customers[ABOUT_COUNT] = { "minor", "other", "guess" };

/* The id in "id":"…" of a new app password. */
static void new_password(const char *dir, enum about about, char id[11])
{
	char args[200];
	snprintf(id, 11, "aaaaaaaaaa");
	if (about == GUESSED)
		return;
	snprintf(args, sizeof(args), "{\"address\":\"user@%s.test\"}",
		 customers[about]);
	struct answer a = call(dir, "app_password.create", args);
	slice found = buf_slice(&a.rows);
	found = slice_skip(found, slice_find_slice(found, SLICE("\"id\":\"")));
	assert_true(slice_to_cstr(slice_sub(found, 6, 10), id, 11));
	answer_free(&a);
}

static void fill_in(struct buf *out, const char *text, enum about about,
		    const char *password)
{
	for (; *text; text++) {
		if (*text != '$') {
			buf_append_char(out, *text);
			continue;
		}
		text++;
		if (*text == 'N')
			buf_append(out, slice_of(customers[about]));
		else if (*text == 'C')
			buf_printf(out, "%u", (unsigned)about + 1);
		else if (*text == 'I')
			buf_printf(out, "1%u.0.0.1", (unsigned)about + 1);
		else if (*text == 'D')
			buf_append(out, SLICE("\"dry_run\":true"));
		else
			buf_append(out, slice_of(password));
	}
}

/* So that answers about the other and about nobody can be compared. */
static void forget_names(struct buf *b, enum about about,
			 const char *password)
{
	char ip[16];
	snprintf(ip, sizeof(ip), "1%u.0.0.1", (unsigned)about + 1);
	const char *words[] = { customers[about], ip, password };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		slice word = slice_of(words[i]);
		for (size_t at = 0; at + word.n <= b->n; at++)
			if (memcmp(b->p + at, word.p, word.n) == 0)
				memset(b->p + at, '#', word.n);
	}
}

static char letter_of(int code)
{
	switch (code) {
	case 0: return 'y';
	case 65: return 'a';
	case 69: return 'u';
	case 75: return 'r';
	case 77: return 'n';
	case 78: return 'e';
	default: return '?';
	}
}

static struct answer ask(const char *dir, const struct asked *r, enum who who,
			 enum about about, char password[11])
{
	struct buf args, text;
	buf_init(&args, 4096);
	buf_init(&text, 4096);
	snprintf(password, 11, "----------");
	if (strstr(r->args, "$P") != NULL)
		new_password(dir, about, password);
	buf_append_char(&args, '{');
	fill_in(&args, r->args, about, password);
	if (as[who] != NULL)
		buf_printf(&args, ",\"as\":\"%s\"", as[who]);
	buf_append_char(&args, '}');
	buf_append_char(&args, '\0');
	fill_in(&text, "customers: [ { name: $N, language: ja } ]\n", about,
		password);
	struct answer a = call_with_text(dir, r->call, args.p,
					 buf_slice(&text));
	buf_fini(&args);
	buf_fini(&text);
	return a;
}

static bool same_answer(const struct answer *a, const struct answer *b)
{
	return a->code == b->code &&
	       slice_eq(buf_slice(&a->text), buf_slice(&b->text)) &&
	       slice_eq(buf_slice(&a->rows), buf_slice(&b->rows));
}

static unsigned try_call(const char *dir, const struct asked *r, enum who who)
{
	struct answer answers[ABOUT_COUNT];
	unsigned wrong = 0;
	for (enum about k = 0; k < ABOUT_COUNT; k++) {
		char password[11];
		struct answer *a = &answers[k];
		*a = ask(dir, r, who, k, password);
		char want = r->want[k][who];
		if (letter_of(a->code) != want) {
			print_error("%s by %s about %s: %d, not %c: %.*s\n",
				    r->call, names[who], customers[k], a->code,
				    want, SLICE_ARG(buf_slice(&a->text)));
			wrong++;
		}
		forget_names(&a->text, k, password);
		forget_names(&a->rows, k, password);
	}
	/* Whose is what: the foreign one looks like the one that isn't. */
	enum about foreign = who == OTHERS ? OWN : OTHER;
	if (who != OPERATOR &&
	    !same_answer(&answers[foreign], &answers[GUESSED])) {
		print_error("%s by %s: another's differs from nobody's\n%.*s\n"
			    "%.*s\n%.*s\n%.*s\n", r->call, names[who],
			    SLICE_ARG(buf_slice(&answers[foreign].text)),
			    SLICE_ARG(buf_slice(&answers[GUESSED].text)),
			    SLICE_ARG(buf_slice(&answers[foreign].rows)),
			    SLICE_ARG(buf_slice(&answers[GUESSED].rows)));
		wrong++;
	}
	const char *never = who == OTHERS ? "minor" : "other";
	for (enum about k = 0; who != OPERATOR && k < ABOUT_COUNT; k++)
		if (k != foreign && (has(&answers[k].rows, never) ||
				     has(&answers[k].text, never))) {
			print_error("%s by %s names %s:\n%.*s\n", r->call,
				    names[who], never,
				    SLICE_ARG(buf_slice(&answers[k].rows)));
			wrong++;
		}
	for (enum about k = 0; k < ABOUT_COUNT; k++)
		answer_free(&answers[k]);
	return wrong;
}

static void s12_3_every_call_by_everybody(void **state)
{
	size_t count;
	unsigned wrong = 0;
	const struct call_kind *calls = call_kinds(&count);
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < count; i++) {
		const struct asked *r = row_of(calls[i].name);
		if (r == NULL)
			fail_msg("%s has no row here", calls[i].name);
		for (enum who w = 0; w < WHO_COUNT; w++)
			wrong += try_call(*state, r, w);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(count, ARRAY_LEN(ROWS));
}

/* --- what unit admins and auditors see and may ------------------------------ */

static struct answer ask_as(const char *dir, const char *who,
			    const char *name, const char *more)
{
	char args[600];
	snprintf(args, sizeof(args), "{\"as\":\"%s\"%s}", who, more);
	return call(dir, name, args);
}

static int code_as(const char *dir, const char *who, const char *name,
		   const char *more)
{
	struct answer a = ask_as(dir, who, name, more);
	answer_free(&a);
	return a.code;
}

static void s3_1_a_unit_admin_is_told_whom_to_ask(void **state)
{
	apply_good(*state, DIRECTORY);
	struct answer a = ask_as(*state, "unit@minor.test", "directory.apply",
				 "");
	assert_int_equal(a.code, 77);
	assert_slice_eq(buf_slice(&a.text),
		"Relay settings can be made only for the top-level "
		"organisation. Administrators of lower units can see them but "
		"not add, edit or delete them. To have something changed, ask "
		"a super admin (super@minor.test, super2@minor.test).");
	answer_free(&a);
	a = ask_as(*state, "unit@minor.test", "directory.apply",
		   ",\"language\":\"ja\"");
	assert_has(&a.text, "最上位の組織に対してのみ設定できます。");
	assert_has(&a.text, "特権管理者(super@minor.test、super2@minor.test)");
	answer_free(&a);
	a = ask_as(*state, "unit@minor.test", "queue.remove", "");
	assert_has(&a.text, "ask a super admin (super@minor.test");
	answer_free(&a);
}

static void s12_3_a_unit_admin_sees_the_own_unit(void **state)
{
	apply_good(*state, DIRECTORY);
	const char *unit = "unit@minor.test";
	struct answer a = ask_as(*state, unit, "directory.export", "");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "user@minor.test");
	assert_has(&a.rows, "relay_settings");
	assert_false(has(&a.rows, "far@minor.test"));
	assert_false(has(&a.rows, "super@minor.test"));
	answer_free(&a);
	assert_int_equal(code_as(*state, unit, "app_password.create",
				 ",\"address\":\"user@minor.test\""), 0);
	assert_int_equal(code_as(*state, unit, "app_password.create",
				 ",\"address\":\"far@minor.test\""), 65);
	assert_int_equal(code_as(*state, unit, "limits.show",
				 ",\"customer\":\"minor\",\"user\":"
				 "\"far@minor.test\""), 65);
	assert_int_equal(code_as(*state, unit, "limits.show",
				 ",\"customer\":\"minor\",\"user\":"
				 "\"user@minor.test\""), 75);
	assert_int_equal(code_as(*state, "super@minor.test",
				 "app_password.create",
				 ",\"address\":\"far@minor.test\""), 0);
	a = ask_as(*state, unit, "app_password.list", "");
	assert_int_equal(a.row_count, 1);
	answer_free(&a);
	a = ask_as(*state, "audit@minor.test", "app_password.list", "");
	assert_int_equal(a.row_count, 2);
	answer_free(&a);
	/* Own acts only, and said who did them. */
	a = ask_as(*state, unit, "audit.list", "");
	assert_int_equal(a.row_count, 1);
	assert_has(&a.rows, "\"who\":\"operator as unit@minor.test\"");
	answer_free(&a);
	a = ask_as(*state, "audit@minor.test", "audit.list", "");
	assert_has(&a.rows, "operator as super@minor.test");
	assert_has(&a.rows, "\"uid 0\"");
	answer_free(&a);
}

static void s12_3_who_may_not_sign_in_may_nothing(void **state)
{
	apply_good(*state, DIRECTORY);
	assert_int_equal(code_as(*state, "gone@minor.test", "version", ""), 77);
	assert_int_equal(code_as(*state, "no@minor.test", "version", ""), 65);
	assert_int_equal(code_as(*state, "no address", "version", ""), 64);
	assert_int_equal(code_as(*state, "Super@Minor.test", "version", ""), 0);
}

static struct answer apply_as(const char *dir, const char *text)
{
	return apply(dir, text, "{\"as\":\"super@minor.test\",\"file\":\"f\"}");
}

static void s12_3_what_a_super_admin_changes(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "customers: [ { name: minor, language: ja } ]\n", NULL },
		{ "customers: [ { name: minor, over_limit: { user: defer } } ]"
		  "\n", NULL },
		{ "customers: [ { name: minor, users: [ { address: "
		  "new@minor.test, role: auditor } ] } ]\n", NULL },
		{ "customers: [ { name: minor, domains: [ { name: new.test } "
		  "] } ]\n", NULL },
		{ "customers: [ { name: minor, relay_settings: [ { id: d, "
		  "require_tls: true, ip_entries: [ { range: 11.0.0.2, "
		  "description: d } ] } ] } ]\n", NULL },
		{ "customers: [ { name: minor, licences: 9 } ]\n", "licences" },
		{ "customers: [ { name: minor, billing: paid } ]\n",
		  "billing" },
		{ "customers: [ { name: minor, plan: legacy-free } ]\n",
		  "plan" },
		{ "customers: [ { name: minor, suspended: true } ]\n",
		  "suspended" },
		{ "customers: [ { name: minor, allow_private_addresses: true } "
		  "]\n", "allow_private_addresses" },
		{ "customers: [ { name: minor, null_sender_recipients: many } "
		  "]\n", "null_sender_recipients" },
		{ "customers: [ { name: minor, sender_must_match_login: true } "
		  "]\n", "sender_must_match_login" },
		{ "customers: [ { name: minor, domains: [ { name: own.test, "
		  "verified: operator } ] } ]\n", "verified" },
		{ "customers: [ { name: minor, relay_settings: [ { id: d, "
		  "ip_entries: [ { range: 11.0.0.3, description: d, shared: "
		  "true } ] } ] } ]\n", "shared" },
		{ "customers: [ { name: minor, relay_settings: [ { id: d, "
		  "ip_entries: [ { range: 11.0.0.3, description: d, "
		  "legacy_tls_until: 2099-12-31 } ] } ] } ]\n",
		  "legacy_tls_until" },
	};
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char want[100];
		struct answer a = apply_as(*state, cases[i].text);
		snprintf(want, sizeof(want), "only the operator changes '%s'",
			 cases[i].error ? cases[i].error : "");
		if (a.code != (cases[i].error ? 78 : 0) ||
		    (cases[i].error && !has(&a.text, want)))
			show(cases[i].text, &a);
		answer_free(&a);
	}
	struct answer a = apply_as(*state, "plans: [ { name: gold } ]\n");
	assert_has(&a.text, "f:1:8: error: only the operator changes plans");
	answer_free(&a);
	a = apply_as(*state, "customers: [ { name: other, language: ja } ]\n");
	assert_has(&a.text, "f:1:22: error: there is no customer 'other'");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s12_3_every_call_by_everybody),
		TEST(s3_1_a_unit_admin_is_told_whom_to_ask),
		TEST(s12_3_a_unit_admin_sees_the_own_unit),
		TEST(s12_3_who_may_not_sign_in_may_nothing),
		TEST(s12_3_what_a_super_admin_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
