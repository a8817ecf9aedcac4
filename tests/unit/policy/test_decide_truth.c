/*
 * Every combination of facts, settings and flags of a customer, against a
 * small model that restates SPEC 2, 4 and 5 in its own way: as sets and
 * conditions over the cases below, with no view, no addresses, no names.
 */
#include "unit/policy/build.h"

#include <stdio.h>

/* --- the cases --- */
enum login { L_NONE, L_OWN, L_OTHER, L_SUSPENDED, L_OUT_OF_RANGE, L_BOUND,
	     L_COUNT };
enum place { P_NOWHERE, P_HERE, P_OTHER_SETTING, P_SHARED, P_INERT, P_B_ONLY,
	     P_OFF, P_COUNT };
enum sender { S_NULL, S_ALICE, S_UNREGISTERED, S_SUSPENDED, S_SUBDOMAIN,
	      S_FOREIGN, S_OTHERS, S_COUNT };
enum helo { H_OWN, H_OWN_SUB, H_FOREIGN, H_GENERIC, H_LITERAL, H_OTHERS,
	    H_COUNT };
enum auth { A_IP, A_AUTH, A_BOTH, A_COUNT };

struct flags {
	bool suspended, without_plan, closing, null_many, must_match;
};
static const struct flags all_flags[] = {
	{ 0 },
	{ .suspended = true },
	{ .without_plan = true },
	{ .closing = true },
	{ .null_many = true },
	{ .must_match = true },
	{ .suspended = true, .closing = true },
	{ .null_many = true, .must_match = true },
};

struct rule {			/* a relay setting */
	enum allowed_senders senders;
	enum auth auth;
	bool tls, enabled;
};

struct world {
	struct flags flags;
	struct rule rule;
	enum place place;
};

struct session {
	bool tls;
	enum login login;
	enum sender sender;
	enum helo helo;
};

/* --- the model --- */
enum who { NOBODY, CUSTOMER_A, CUSTOMER_B };

struct expected {
	enum reply_id reply;
	enum who customer;
	int setting;			/* 1: the rule, 2: A's second, 3: B's */
	bool rewritten, single;
};

/* B relays its own domain from its own address; A's second setting exists
 * where the address is listed there. */
static struct rule rule_of(const struct world *w, int setting)
{
	if (setting == 1)
		return w->rule;
	if (setting == 2)
		return (struct rule){ SENDERS_REGISTERED_USERS, A_IP, true,
				      true };
	return (struct rule){ SENDERS_OWN_DOMAINS, A_IP, false, true };
}

static bool in_list(const struct world *w, int setting)
{
	switch (w->place) {
	case P_HERE: return setting == 1;
	case P_OTHER_SETTING: return setting == 2;
	case P_SHARED: return setting == 1 || setting == 3;
	case P_INERT: return setting == 1 || setting == 3;
	case P_B_ONLY: return setting == 3;
	case P_NOWHERE:
	case P_OFF:
	case P_COUNT:
		break;
	}
	return false;
}

static bool awaits_sharing(const struct world *w, int setting)
{
	return w->place == P_INERT && setting == 1;
}

static enum who sender_owner(enum sender s)
{
	switch (s) {
	case S_ALICE: case S_UNREGISTERED: case S_SUSPENDED: case S_SUBDOMAIN:
		return CUSTOMER_A;
	case S_OTHERS:
		return CUSTOMER_B;
	case S_NULL: case S_FOREIGN: case S_COUNT:
		break;
	}
	return NOBODY;
}

static enum who helo_owner(enum helo h)
{
	return h == H_OWN || h == H_OWN_SUB ? CUSTOMER_A :
	       h == H_OTHERS ? CUSTOMER_B : NOBODY;
}

static bool logged_in(const struct session *s)
{
	return s->tls && (s->login == L_OWN || s->login == L_OTHER ||
			  s->login == L_BOUND);
}

static bool is_candidate(const struct world *w, enum who who)
{
	if (who == CUSTOMER_B)
		return in_list(w, 3);
	if (who != CUSTOMER_A || w->flags.closing)
		return false;
	for (int n = 1; n <= 2; n++) {
		struct rule r = rule_of(w, n);
		if (r.enabled && r.auth != A_AUTH && in_list(w, n) &&
		    !awaits_sharing(w, n))
			return true;
	}
	return false;
}

static enum who identify(const struct world *w, const struct session *s)
{
	if (s->login == L_OTHER)
		return CUSTOMER_B;
	if (s->login != L_NONE)
		return w->flags.closing ? NOBODY : CUSTOMER_A;
	if (is_candidate(w, sender_owner(s->sender)))
		return sender_owner(s->sender);
	if (is_candidate(w, helo_owner(s->helo)))
		return helo_owner(s->helo);
	return NOBODY;
}

static bool registered(enum sender s, enum who of)
{
	return (of == CUSTOMER_A && s == S_ALICE) ||
	       (of == CUSTOMER_B && s == S_OTHERS);
}

static bool sender_allowed(const struct world *w, const struct session *s,
			   enum who who, struct rule r)
{
	bool proven = logged_in(s) || helo_owner(s->helo) == who;
	if (logged_in(s) && s->login == L_BOUND && s->sender != S_ALICE)
		return false;
	if (s->sender == S_NULL)
		return proven;
	if (logged_in(s) && who == CUSTOMER_A && w->flags.must_match &&
	    s->sender != S_ALICE)
		return false;
	if (r.senders == SENDERS_REGISTERED_USERS)
		return registered(s->sender, who);
	if (sender_owner(s->sender) == who)
		return true;
	return r.senders == SENDERS_ANY && proven;
}

static bool address_allowed(const struct world *w, const struct session *s,
			    int setting, bool with_login)
{
	(void)s;
	if (rule_of(w, setting).auth == A_AUTH)
		return true;
	return in_list(w, setting) &&
	       (with_login || !awaits_sharing(w, setting));
}

/* How many of the four tests hold, from the left. */
static int progress(const struct world *w, const struct session *s,
		    enum who who, int setting)
{
	struct rule r = rule_of(w, setting);
	bool holds[4] = {
		s->tls || (!r.tls && r.auth == A_IP),
		r.auth == A_IP || logged_in(s),
		address_allowed(w, s, setting, logged_in(s)),
		sender_allowed(w, s, who, r),
	};
	int n = 0;
	while (n < 4 && holds[n])
		n++;
	return n;
}

static int settings_of(const struct world *w, enum who who, int list[2])
{
	if (who == CUSTOMER_B) {
		list[0] = 3;
		return 1;
	}
	list[0] = 1;
	list[1] = 2;
	return w->place == P_OTHER_SETTING ? 2 : 1;
}

/* The closest setting, 0 if none is enabled. */
static int closest(const struct world *w, const struct session *s,
		   enum who who, int *best)
{
	int list[2], found = 0;
	int n = settings_of(w, who, list);
	*best = -1;
	for (int i = 0; i < n; i++) {
		if (!rule_of(w, list[i]).enabled)
			continue;
		int passed = progress(w, s, who, list[i]);
		if (passed > *best) {
			*best = passed;
			found = list[i];
		}
		if (passed == 4)
			break;
	}
	return found;
}

static bool login_would_help(const struct world *w, const struct session *s,
			     enum who who)
{
	int list[2];
	int n = settings_of(w, who, list);
	for (int i = 0; i < n; i++) {
		struct rule r = rule_of(w, list[i]);
		bool user = r.senders == SENDERS_REGISTERED_USERS ||
			    (who == CUSTOMER_A && w->flags.must_match);
		if (r.enabled && address_allowed(w, s, list[i], true) &&
		    (!user || registered(s->sender, who)))
			return true;
	}
	return false;
}

static struct expected for_stranger(const struct world *w,
				    const struct session *s)
{
	struct expected e = { .reply = REPLY_RELAY_DENIED };
	if (s->login != L_NONE)
		return e;
	if (is_candidate(w, CUSTOMER_A) || is_candidate(w, CUSTOMER_B))
		e.reply = REPLY_INVALID_CREDENTIALS;
	enum who owner = sender_owner(s->sender);
	bool relays = owner == CUSTOMER_B ||
		      (owner == CUSTOMER_A && !w->flags.suspended &&
		       !w->flags.without_plan && !w->flags.closing);
	if (!relays)
		return e;
	int best;
	e.setting = closest(w, s, owner, &best);
	if (login_would_help(w, s, owner))
		e.reply = s->tls ? REPLY_AUTH_REQUIRED : REPLY_TLS_REQUIRED;
	else if (best == 0)
		e.reply = REPLY_TLS_REQUIRED;
	return e;
}

static struct expected model(const struct world *w, const struct session *s)
{
	static const enum reply_id replies[] = {
		REPLY_TLS_REQUIRED, REPLY_AUTH_REQUIRED, REPLY_RELAY_DENIED,
		REPLY_SENDER_NOT_ALLOWED, REPLY_SENDER_OK,
	};
	enum who who = identify(w, s);
	if (who == NOBODY)
		return for_stranger(w, s);
	struct expected e = { .customer = who };
	if (who == CUSTOMER_A && w->flags.suspended) {
		e.reply = REPLY_CUSTOMER_SUSPENDED;
		return e;
	}
	if (who == CUSTOMER_A && w->flags.without_plan) {
		e.reply = REPLY_PLAN_WITHOUT_RELAY;
		return e;
	}
	int best;
	e.setting = closest(w, s, who, &best);
	e.reply = e.setting == 0 ? REPLY_RELAY_DENIED : replies[best];
	if (best != 4)
		return e;
	bool many = who == CUSTOMER_A && w->flags.null_many;
	e.single = s->sender == S_NULL && !many;
	e.rewritten = s->sender != S_NULL && sender_owner(s->sender) != who;
	return e;
}

/* --- the same world as a directory --- */
static void add_setting(struct build *b, uint32_t id, uint32_t customer,
			struct rule r)
{
	struct setting s = a_setting(id, customer, r.senders);
	s.ip_only = r.auth != A_AUTH;
	s.require_auth = r.auth != A_IP;
	s.require_tls = r.tls;
	s.enabled = r.enabled;
	put_setting(b, s);
}

static void add_entries(struct build *b, const struct world *w)
{
	for (uint32_t n = 1; n <= 3; n++) {
		bool off = w->place == P_OFF && n == 1;
		if (!in_list(w, (int)n) && !off)
			continue;
		struct ip_entry e = an_entry(n, n == 3 ? 2 : 1, n,
					     "192.0.2.0/24");
		e.inert = awaits_sharing(w, (int)n);
		e.enabled = !off;
		put_entry(b, e);
	}
}

static void build_world(struct build *b, const struct world *w)
{
	struct customer a = a_customer(1, "alpha");
	a.suspended = w->flags.suspended;
	a.plan = w->flags.without_plan ? VIEW_PLAN_WITHOUT_RELAY :
					 VIEW_PLAN_STANDARD;
	a.closing = w->flags.closing;
	a.null_sender_many = w->flags.null_many;
	a.sender_must_match_login = w->flags.must_match;
	build_init(b);
	put_customer(b, a);
	put_customer(b, a_customer(2, "beta"));
	add_setting(b, 1, 1, w->rule);
	if (w->place == P_OTHER_SETTING)
		add_setting(b, 2, 1, rule_of(w, 2));
	add_setting(b, 3, 2, rule_of(w, 3));
	add_entries(b, w);
	put_domain(b, a_domain(1, "alpha.example"));
	put_domain(b, a_domain(2, "beta.example"));
	put_user(b, a_user(1, 1, "alice@alpha.example"));
	struct user suspended = a_user(2, 1, "sue@alpha.example");
	suspended.suspended = true;
	put_user(b, suspended);
	put_user(b, a_user(3, 2, "bob@beta.example"));
	put_app_password(b, an_app_password("ownownowno", 1, 1));
	put_app_password(b, an_app_password("otherother", 3, 2));
	put_app_password(b, an_app_password("suspendeda", 2, 1));
	struct app_password p = an_app_password("outofrange", 1, 1);
	p.has_range = true;
	p.range = a_range("198.51.100.0/24");
	put_app_password(b, p);
	p = an_app_password("boundbound", 1, 1);
	p.sender = SLICE("Alice@alpha.example");
	put_app_password(b, p);
	build_apply(b);
}

static void facts_of(const struct view *v, const struct session *s,
		     struct facts *f)
{
	static const char *const logins[L_COUNT] = {
		NULL, "ownownowno", "otherother", "suspendeda", "outofrange",
		"boundbound",
	};
	static const char *const senders[S_COUNT] = {
		"", "alice@alpha.example", "nobody@alpha.example",
		"sue@alpha.example", "alice@sub.alpha.example",
		"x@elsewhere.example", "bob@beta.example",
	};
	static const char *const helos[H_COUNT] = {
		"Alpha.Example", "mail.alpha.example.", "mail.elsewhere.example",
		"localhost", "[192.0.2.7]", "mx.beta.example",
	};
	*f = (struct facts){
		.client = an_ip("192.0.2.7"),
		.tls = s->tls,
		.helo = slice_of(helos[s->helo]),
		.sender = an_address(senders[s->sender]),
	};
	if (logins[s->login] != NULL)
		f->login = login_of(v, logins[s->login]);
}

/* --- comparing --- */
static const char *describe(const struct world *w, const struct session *s)
{
	static char text[300];
	snprintf(text, sizeof(text),
		 "tls %d login %d sender %d helo %d; place %d senders %d auth "
		 "%d require_tls %d enabled %d; suspended %d no-plan %d "
		 "closing %d many %d match %d",
		 s->tls, (int)s->login, (int)s->sender, (int)s->helo,
		 (int)w->place, (int)w->rule.senders, (int)w->rule.auth,
		 w->rule.tls, w->rule.enabled, w->flags.suspended,
		 w->flags.without_plan, w->flags.closing, w->flags.null_many,
		 w->flags.must_match);
	return text;
}

static void compare(const struct world *w, const struct session *s,
		    const struct decision *d)
{
	struct expected e = model(w, s);
	enum who customer = d->customer ? (enum who)d->customer->id : NOBODY;
	int setting = d->setting ? (int)d->setting->id : 0;
	if (d->reply != e.reply || customer != e.customer ||
	    setting != e.setting || d->rewritten != e.rewritten ||
	    d->single_recipient != e.single)
		fail_msg("reply %d customer %d setting %d rewritten %d single "
			 "%d, not %d %d %d %d %d: %s (%s)",
			 (int)d->reply, (int)customer, setting, d->rewritten,
			 d->single_recipient, (int)e.reply, (int)e.customer,
			 e.setting, e.rewritten, e.single, describe(w, s),
			 d->why);
}

/* What must hold whatever the model says. */
static void check_invariants(const struct world *w, const struct session *s,
			     const struct facts *f, const struct decision *d)
{
	bool accepted = d->reply == REPLY_SENDER_OK;
	bool listed = w->place != P_NOWHERE && w->place != P_OFF;
	if (accepted && d->setting->ip_only)
		assert_true(listed);
	if (accepted && d->setting->require_auth)
		assert_true(f->login != NULL && f->tls);
	if (accepted && d->setting->require_tls)
		assert_true(f->tls);
	if (accepted)
		assert_true(d->customer != NULL && d->setting->enabled &&
			    d->setting->customer == d->customer->id &&
			    (f->login != NULL || listed));
	if (d->rewritten) {
		assert_true(accepted && s->sender != S_NULL);
		assert_int_equal(d->setting->allowed_senders, SENDERS_ANY);
		assert_slice_eq(d->sender.local, "postmaster");
		assert_slice_eq(d->sender.domain,
				d->customer->id == 1 ? "alpha.example" :
						       "beta.example");
		assert_null(d->user);
	} else {
		assert_true(slice_eq(d->sender.local, f->sender.local));
		assert_true(slice_eq(d->sender.domain, f->sender.domain));
	}
	if (d->user != NULL)
		assert_true(d->sender_domain != NULL &&
			    d->user->customer == d->customer->id);
	assert_int_equal(d->failed_test == TEST_COUNT && !accepted &&
			 d->setting != NULL, false);
}

static void check_advice(const struct facts *f, const struct decision *d,
			 struct buf *out)
{
	buf_clear(out);
	policy_advice(f, d, SLICE("relay.example.net"), out);
	assert_false(out->failed);
	assert_int_equal(out->n == 0, d->reply == REPLY_SENDER_OK);
	slice rest = buf_slice(out);
	int lines = 0;
	while (rest.n > 0) {
		slice line = slice_cut(&rest, '\n');
		assert_true(line.n > 0 && line.n <= POLICY_ADVICE_LINE_MAX);
		for (size_t i = 0; i < line.n; i++)
			assert_true(line.p[i] >= ' ' && line.p[i] < 0x7f);
		lines++;
	}
	assert_true(lines <= POLICY_ADVICE_LINES);
	if (d->customer == NULL)
		assert_true(slice_find_slice(buf_slice(out),
					     SLICE("head-office")) == out->n);
}

static void same_decision(const struct decision *a, const struct decision *b)
{
	assert_int_equal(a->reply, b->reply);
	assert_ptr_equal(a->setting, b->setting);
	assert_ptr_equal(a->customer, b->customer);
	assert_int_equal(a->failed_test, b->failed_test);
	assert_string_equal(a->why, b->why);
	assert_true(slice_eq(a->why_detail, b->why_detail));
}

static uint64_t try_sessions(const struct world *w, struct buf *out)
{
	struct build b;
	uint64_t n = 0;
	build_world(&b, w);
	struct decision_step steps[32];
	struct decision_trace trace = { .steps = steps, .cap = 32 };
	for (int i = 0; i < 2 * L_COUNT * S_COUNT * H_COUNT; i++) {
		struct session s = {
			.tls = i % 2, .login = (enum login)(i / 2 % L_COUNT),
			.sender = (enum sender)(i / 2 / L_COUNT % S_COUNT),
			.helo = (enum helo)(i / 2 / L_COUNT / S_COUNT),
		};
		struct facts f;
		struct decision d, traced;
		facts_of(b.v, &s, &f);
		policy_decide(b.v, &f, &d, NULL);
		compare(w, &s, &d);
		check_invariants(w, &s, &f, &d);
		if (n++ % 3 == 0) {
			policy_decide(b.v, &f, &traced, &trace);
			assert_false(trace.cut);
			same_decision(&d, &traced);
			check_advice(&f, &d, out);
		}
	}
	build_fini(&b);
	return n;
}

static void s4_truth_table(void **state)
{
	(void)state;
	uint64_t n = 0;
	struct buf out;
	buf_init(&out, 4096);
	enum { RULES = 3 * A_COUNT * 2 * 2 };
	for (size_t flags = 0; flags < ARRAY_LEN(all_flags); flags++)
		for (int place = 0; place < P_COUNT; place++)
			for (int i = 0; i < RULES; i++) {
				struct world w = {
					.flags = all_flags[flags],
					.place = (enum place)place,
					.rule = {
						(enum allowed_senders)(i % 3),
						(enum auth)(i / 3 % A_COUNT),
						i / 9 % 2, i / 18 % 2,
					},
				};
				n += try_sessions(&w, &out);
			}
	buf_fini(&out);
	print_message("%llu combinations\n", (unsigned long long)n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s4_truth_table),
	};
	return cmocka_run_group_tests_name("policy/decide truth table", tests,
					   NULL, NULL);
}
