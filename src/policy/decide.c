/*
 * May this message be relayed, and for whom; see decide.h.
 *
 * In order: what the facts mean in this view (look), whose mail it is
 * (identify), the customer's settings from the first to the last (walk), and
 * when nobody is identified the settings of the sender's owner, only for the
 * reply. Nothing here allocates; all loops run over the customer's settings
 * (VIEW_SETTINGS_MAX) or the entries of one address.
 */
#include "policy/decide.h"

#include "policy/decide_private.h"

/* --- HELO names ----------------------------------------------------------- */

/* As sent, folded as far as ASCII goes: lower case, without a final dot. No
 * name of a domain (a literal, 8-bit, too long): empty. */
static slice helo_fold(slice helo, char room[ADDRESS_DOMAIN_MAX])
{
	helo = slice_trim(helo);
	if (helo.n > 0 && helo.p[helo.n - 1] == '.')
		helo.n--;
	if (helo.n > ADDRESS_DOMAIN_MAX)
		return (slice){ 0 };
	for (size_t i = 0; i < helo.n; i++)
		room[i] = ascii_lower(helo.p[i]);
	slice name = { room, helo.n };
	return edit_domain_valid(name) ? name : (slice){ 0 };
}

static bool is_loopback_text(slice s)
{
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = slice_sub(s, 1, s.n - 2);
	if (slice_starts_fold(s, SLICE("IPv6:")))
		s = slice_skip(s, 5);
	struct ip_addr a;
	return ip_addr_parse(s, &a) && ip_addr_class(&a) == IP_LOOPBACK;
}

bool policy_helo_generic(slice helo, slice hostname)
{
	static const char *const names[] = {
		"localhost", "localhost.localdomain", "smtp-relay.gmail.com",
		"smtp-relay.google.com", "smtp.gmail.com",
	};
	helo = slice_trim(helo);
	if (helo.n > 0 && helo.p[helo.n - 1] == '.')
		helo.n--;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (slice_eq_fold(helo, slice_of(names[i])))
			return true;
	return (hostname.n > 0 && slice_eq_fold(helo, hostname)) ||
	       is_loopback_text(helo);
}

/* --- the trace ------------------------------------------------------------ */
static void note(const struct walk *w, const struct setting *setting,
		 enum test test, struct test_result r)
{
	struct decision_trace *t = w->trace;
	if (t == NULL)
		return;
	if (t->count == t->cap) {
		t->cut = true;
		return;
	}
	t->steps[t->count++] = (struct decision_step){
		.setting = setting,
		.test = test,
		.held = r.held,
		.why = explain_words(r.why)->name,
		.detail = r.detail,
	};
}

static void note_identity(const struct walk *w, bool held,
			  enum explain_row why, slice detail)
{
	note(w, NULL, TEST_ENABLED,
	     (struct test_result){ held, why, detail });
}

/* --- what the facts mean -------------------------------------------------- */
static void look_at_login(struct walk *w)
{
	const struct app_password *login = w->f->login;
	if (login == NULL)
		return;
	const struct user *u = view_user_by_id(w->v, login->user);
	w->login_user = u;
	if (u == NULL || u->customer != login->customer)
		w->login_why = SAY_LOGIN_USER_GONE;
	else if (u->suspended)
		w->login_why = SAY_LOGIN_USER_SUSPENDED;
	else if (!w->f->tls)
		w->login_why = SAY_LOGIN_WITHOUT_TLS;
	else if (login->has_range &&
		 !ip_range_holds(&login->range, &w->f->client))
		w->login_why = SAY_LOGIN_OUT_OF_RANGE;
	else
		w->login_holds = true;
}

static bool look_at_entry(void *ctx, const struct ip_entry *e)
{
	struct walk *w = ctx;
	if (!e->enabled)
		return true;
	if (w->entry_count < WALK_ENTRIES_MAX)
		w->entries[w->entry_count++] = e;
	else
		w->more_entries = true;
	if (!view_entry_identifies(w->v, e))
		return true;
	if (!w->listed)
		w->first_customer = e->customer;
	else if (w->first_customer != e->customer)
		w->shared = true;
	w->listed = true;
	if (w->sender_domain && w->sender_domain->customer == e->customer)
		w->sender_owner_listed = true;
	if (w->helo_domain && w->helo_domain->customer == e->customer)
		w->helo_owner_listed = true;
	return true;
}

static void look(struct walk *w)
{
	const struct facts *f = w->f;
	char room[ADDRESS_DOMAIN_MAX];
	w->null_sender = address_is_null(&f->sender);
	w->helo_generic = policy_helo_generic(f->helo, (slice){ 0 });
	struct seek seek = { .client = &f->client };
	if (!w->null_sender)
		seek.sender = &f->sender;
	if (!w->helo_generic)
		seek.helo = helo_fold(f->helo, room);
	view_seek(w->v, &seek);
	w->sender_domain = seek.sender_domain;
	w->helo_domain = seek.helo_domain;
	w->sender_user = seek.sender_user;
	look_at_login(w);
	view_ranges_of(w->v, &f->client, look_at_entry, w);
}

/* --- whose mail it is (SPEC 2) -------------------------------------------- */
static const struct customer *open_customer(const struct view *v, uint32_t id)
{
	const struct customer *c = view_customer(v, id);
	return c != NULL && !c->closing ? c : NULL;
}

static void identified(const struct walk *w, struct decision *d,
		       enum identified_by by, uint32_t customer,
		       enum explain_row why, slice detail)
{
	d->customer = open_customer(w->v, customer);
	if (d->customer == NULL)
		return;
	d->identified_by = by;
	note_identity(w, true, why, detail);
}

static void identify(const struct walk *w, struct decision *d)
{
	if (w->helo_generic)
		note_identity(w, false, SAY_HELO_GENERIC, (slice){ 0 });
	if (w->f->login != NULL) {
		slice user = w->login_user ? w->login_user->address :
					     (slice){ 0 };
		identified(w, d, BY_LOGIN, w->f->login->customer,
			   SAY_BY_LOGIN, user);
		if (!w->login_holds)
			note_identity(w, false, w->login_why, user);
		return;
	}
	if (w->shared)
		note_identity(w, true, SAY_ADDRESS_SHARED, (slice){ 0 });
	if (w->sender_owner_listed)
		identified(w, d, BY_ADDRESS_AND_SENDER,
			   w->sender_domain->customer,
			   SAY_BY_ADDRESS_AND_SENDER, w->sender_domain->name);
	else if (w->helo_owner_listed)
		identified(w, d, BY_ADDRESS_AND_HELO,
			   w->helo_domain->customer, SAY_BY_ADDRESS_AND_HELO,
			   w->helo_domain->name);
}

/* --- the settings (SPEC 4) ------------------------------------------------ */

/* Judges one setting: the first test that failed, TEST_COUNT when all held.
 * With a trace all tests are made, without one only those that count. */
static enum test judge(const struct walk *w, const struct setting *s,
		       struct test_result *decisive)
{
	enum test first = TEST_COUNT;
	for (enum test t = TEST_ENABLED; t < TEST_COUNT; t++) {
		struct test_result r = decide_test(w, s, t);
		if (t != TEST_ENABLED || !r.held)
			note(w, s, t, r);
		if (first == TEST_COUNT)
			*decisive = r;
		if (first == TEST_COUNT && !r.held)
			first = t;
		if (t == TEST_ENABLED && !r.held)
			break;
		if (first != TEST_COUNT && w->trace == NULL)
			break;
	}
	return first;
}

struct closest {
	const struct setting *setting;	/* NULL: none is enabled */
	enum test failed;		/* TEST_COUNT: it accepts */
	struct test_result decisive;
};

/* In order; the first whose tests all hold ends the walk. Else the one that
 * passes most from the left, the first among equals. */
static struct closest walk_settings(const struct walk *w)
{
	struct closest best = {
		.failed = TEST_ENABLED,
		.decisive = { false, SAY_NO_SETTING_ON, { 0 } },
	};
	for (uint32_t i = 0; i < w->judged->setting_count; i++) {
		const struct setting *s = w->judged->settings[i];
		struct test_result decisive = { 0 };
		enum test failed = judge(w, s, &decisive);
		if (failed <= best.failed)
			continue;
		best = (struct closest){ s, failed, decisive };
		if (failed == TEST_COUNT)
			break;
	}
	return best;
}

static enum reply_id reply_of(enum test failed)
{
	switch (failed) {
	case TEST_TLS:
		return REPLY_TLS_REQUIRED;
	case TEST_AUTH:
		return REPLY_AUTH_REQUIRED;
	case TEST_ENABLED:
	case TEST_ADDRESS:
		return REPLY_RELAY_DENIED;
	case TEST_SENDER:
		return REPLY_SENDER_NOT_ALLOWED;
	case TEST_COUNT:
		return REPLY_SENDER_OK;
	}
	unreachable_state("every test is listed");
}

static void conclude(struct decision *d, enum reply_id reply,
		     enum explain_row why, slice detail)
{
	d->reply = reply;
	d->why = explain_words(why)->name;
	d->why_detail = detail;
}

/* --- a customer is identified --------------------------------------------- */

/* SPEC 5, and whom it counts for (6.1): the user of the sender presented,
 * suspended or not; nobody for a foreign one. */
static void accept_sender(const struct walk *w, struct decision *d)
{
	d->single_recipient =
		w->null_sender && !d->customer->null_sender_many;
	if (w->null_sender || d->sender_domain != NULL)
		return;
	const struct domain *owned = decide_owned(w);
	invariant(d->setting->allowed_senders == SENDERS_ANY);
	invariant(owned != NULL && owned->customer == d->customer->id);
	d->rewritten = true;
	d->sender = (struct address){ .local = SLICE("postmaster"),
				      .domain = owned->name };
}

static void fill_in(const struct walk *w, struct decision *d)
{
	if (decide_is_own(w, w->sender_domain))
		d->sender_domain = w->sender_domain;
	if (decide_is_own(w, w->helo_domain))
		d->helo_domain = w->helo_domain;
	if (d->sender_domain != NULL && w->sender_user != NULL &&
	    w->sender_user->customer == d->customer->id)
		d->user = w->sender_user;
}

static void decide_for_customer(struct walk *w, struct decision *d)
{
	w->judged = d->customer;
	fill_in(w, d);
	if (d->customer->suspended) {
		note_identity(w, false, SAY_CUSTOMER_SUSPENDED, (slice){ 0 });
		conclude(d, REPLY_CUSTOMER_SUSPENDED, SAY_CUSTOMER_SUSPENDED,
			 (slice){ 0 });
		return;
	}
	if (!view_plan_of(w->v, d->customer)->relay) {
		note_identity(w, false, SAY_PLAN_WITHOUT_RELAY, (slice){ 0 });
		conclude(d, REPLY_PLAN_WITHOUT_RELAY, SAY_PLAN_WITHOUT_RELAY,
			 (slice){ 0 });
		return;
	}
	struct closest best = walk_settings(w);
	d->setting = best.setting;
	d->failed_test = best.failed;
	conclude(d, reply_of(best.failed), best.decisive.why,
		 best.decisive.detail);
	if (best.failed == TEST_COUNT)
		accept_sender(w, d);
}

/* --- nobody is identified ------------------------------------------------- */
static void note_owner_entries(const struct walk *w);

/* 4.2: the settings of the owner of the sender's domain choose the reply.
 * True when they ask for TLS or AUTH. */
static bool reply_of_owner(struct walk *w, struct decision *d)
{
	const struct customer *owner = NULL;
	if (w->sender_domain != NULL)
		owner = open_customer(w->v, w->sender_domain->customer);
	if (owner == NULL || owner->suspended ||
	    !view_plan_of(w->v, owner)->relay)
		return false;
	w->judged = owner;
	note_owner_entries(w);
	note_identity(w, true, SAY_OWNER_JUDGED, w->sender_domain->name);
	struct closest best = walk_settings(w);
	invariant(best.failed != TEST_COUNT);
	d->setting = best.setting;
	d->failed_test = best.failed;
	bool login_helps = false;
	for (uint32_t i = 0; i < owner->setting_count && !login_helps; i++)
		login_helps = decide_would_accept(w, owner->settings[i]);
	if (login_helps)
		conclude(d, w->f->tls ? REPLY_AUTH_REQUIRED :
					REPLY_TLS_REQUIRED,
			 w->f->tls ? SAY_AUTH_MISSING :
				     SAY_TLS_MISSING_FOR_AUTH, (slice){ 0 });
	else if (best.failed == TEST_TLS)
		conclude(d, REPLY_TLS_REQUIRED, best.decisive.why,
			 (slice){ 0 });
	else
		return false;
	return true;
}

static void decide_for_nobody(struct walk *w, struct decision *d)
{
	bool login = w->f->login != NULL;
	enum explain_row why = login	   ? SAY_NOBODY_LOGIN_GONE :
			       w->listed ? SAY_NOBODY_NEITHER :
					     SAY_NOBODY_UNLISTED;
	note_identity(w, false, why, (slice){ 0 });
	if (!login && reply_of_owner(w, d))
		return;
	conclude(d, !login && w->listed ? REPLY_INVALID_CREDENTIALS :
					  REPLY_RELAY_DENIED,
		 why, (slice){ 0 });
}

/* Why an entry of the owner's own didn't identify it: for its people. */
static bool note_owner_entry(void *ctx, const struct ip_entry *e)
{
	const struct walk *w = ctx;
	if (e->customer != w->judged->id)
		return true;
	note_identity(w, false, e->inert && e->enabled ?
				SAY_OWNER_ENTRY_INERT : SAY_OWNER_ENTRY_OFF,
		      e->description);
	return true;
}

static void note_owner_entries(const struct walk *w)
{
	if (w->trace != NULL)
		view_ranges_of(w->v, &w->f->client, note_owner_entry,
			       (void *)(uintptr_t)w);
}

/* --- all ------------------------------------------------------------------ */
void policy_decide(const struct view *v, const struct facts *f,
		   struct decision *out, struct decision_trace *trace)
{
	invariant(view_complete(v));
	struct walk w = { .v = v, .f = f, .trace = trace };
	if (trace != NULL) {
		trace->count = 0;
		trace->cut = false;
	}
	*out = (struct decision){ .failed_test = TEST_COUNT,
				  .sender = f->sender };
	look(&w);
	out->address_shared = w.shared;
	identify(&w, out);
	if (out->customer != NULL)
		decide_for_customer(&w, out);
	else
		decide_for_nobody(&w, out);
	/* Never an open relay. */
	invariant(out->reply != REPLY_SENDER_OK ||
		  (out->customer != NULL && out->setting != NULL &&
		   out->setting->customer == out->customer->id &&
		   out->identified_by != BY_NOTHING));
	invariant(out->why != NULL);
}

bool policy_login_stands(const struct view *v, slice credential_id,
			 uint32_t generation,
			 const struct app_password **login)
{
	*login = NULL;
	const struct app_password *p = view_app_password(v, credential_id);
	if (p == NULL || p->generation != generation)
		return false;
	const struct user *u = view_user_by_id(v, p->user);
	if (u == NULL || u->suspended || u->customer != p->customer ||
	    open_customer(v, p->customer) == NULL)
		return false;
	*login = p;
	return true;
}
