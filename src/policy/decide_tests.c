/*
 * The tests of one relay setting: TLS, AUTH, address, sender, in the order
 * of SPEC 4.2; see decide.h. Each says whether it held and why.
 */
#include "policy/decide_private.h"

static struct test_result held(enum explain_row why, slice detail)
{
	return (struct test_result){ true, why, detail };
}

static struct test_result failed(enum explain_row why, slice detail)
{
	return (struct test_result){ false, why, detail };
}

static const slice nothing = { 0 };

/* --- TLS, AUTH ------------------------------------------------------------ */

/* AUTH is offered under TLS only (1.3), so a setting that requires it needs
 * TLS by nature. */
static struct test_result test_tls(const struct walk *w,
				   const struct setting *s)
{
	if (w->f->tls)
		return held(SAY_TLS_USED, nothing);
	if (s->require_tls)
		return failed(SAY_TLS_MISSING, nothing);
	if (s->require_auth)
		return failed(SAY_TLS_MISSING_FOR_AUTH, nothing);
	return held(SAY_TLS_NOT_NEEDED, nothing);
}

static struct test_result test_auth(const struct walk *w,
				    const struct setting *s)
{
	if (w->login_holds)
		return held(SAY_AUTH_HELD, w->login_user->address);
	if (!s->require_auth)
		return held(SAY_AUTH_NOT_NEEDED, nothing);
	if (w->f->login == NULL)
		return failed(SAY_AUTH_MISSING, nothing);
	return failed(w->login_why,
		      w->login_user ? w->login_user->address : nothing);
}

/* --- address -------------------------------------------------------------- */
struct entry_search {
	const struct walk *w;
	uint32_t setting;
	bool login;			/* entries that await sharing count */
	const struct ip_entry *found;
	/* For the reason why none was found. */
	const struct ip_entry *off, *inert, *elsewhere;
};

static bool search_entry(void *ctx, const struct ip_entry *e)
{
	struct entry_search *search = ctx;
	if (e->setting != search->setting) {
		if (e->customer == search->w->judged->id)
			search->elsewhere = e;
		return true;
	}
	if (!e->enabled)
		search->off = e;
	else if (e->inert && !search->login)
		search->inert = e;
	else
		search->found = e;
	return search->found == NULL;
}

static void search_entries(struct entry_search *search)
{
	const struct walk *w = search->w;
	for (uint32_t i = 0; i < w->entry_count && !search->found; i++)
		search_entry(search, w->entries[i]);
	if (search->found == NULL && w->more_entries)
		view_ranges_of(w->v, &w->f->client, search_entry, search);
}

static bool address_in(const struct walk *w, const struct setting *s,
		       bool login)
{
	struct entry_search search = { .w = w, .setting = s->id,
				       .login = login };
	search_entries(&search);
	return search.found != NULL;
}

/* Entries that are off were not kept, so they are looked for again. */
static struct test_result why_not_listed(struct entry_search *search)
{
	const struct walk *w = search->w;
	view_ranges_of(w->v, &w->f->client, search_entry, search);
	invariant(search->found == NULL);
	if (search->inert != NULL)
		return failed(SAY_ADDRESS_ENTRY_INERT,
			      search->inert->description);
	if (search->off != NULL)
		return failed(SAY_ADDRESS_ENTRY_OFF,
			      search->off->description);
	if (search->elsewhere == NULL)
		return failed(SAY_ADDRESS_NOT_LISTED, nothing);
	const struct setting *other =
		view_setting(w->v, search->elsewhere->setting);
	invariant(other != NULL);
	return failed(SAY_ADDRESS_IN_OTHER_SETTING,
		      other->description.n ? other->description : other->key);
}

static struct test_result test_address(const struct walk *w,
				       const struct setting *s)
{
	if (!s->ip_only)
		return held(SAY_ADDRESS_ANY, nothing);
	struct entry_search search = { .w = w, .setting = s->id,
				       .login = w->login_holds };
	search_entries(&search);
	if (search.found != NULL)
		return held(SAY_ADDRESS_LISTED, search.found->description);
	return why_not_listed(&search);
}

/* --- sender --------------------------------------------------------------- */
bool decide_is_own(const struct walk *w, const struct domain *d)
{
	return d != NULL && d->customer == w->judged->id;
}

/* The registered domain of a user's primary address, in force and of the
 * judged customer; NULL if it is not. */
static const struct domain *domain_of_user(const struct walk *w,
					   const struct user *u)
{
	slice address = u->address;
	slice name = slice_skip(address, slice_rfind(address, '@') + 1);
	const struct domain *d = view_domain_of(w->v, name);
	return decide_is_own(w, d) ? d : NULL;
}

const struct domain *decide_owned(const struct walk *w)
{
	const struct domain *d = NULL;
	if (w->login_holds)
		d = domain_of_user(w, w->login_user);
	if (d == NULL && decide_is_own(w, w->helo_domain))
		d = w->helo_domain;
	return d;
}

/* <> needs AUTH or a HELO name of the customer's, whatever the setting
 * allows (5.2). */
static struct test_result test_null_sender(const struct walk *w)
{
	if (w->login_holds)
		return held(SAY_SENDER_NULL_LOGIN, w->login_user->address);
	if (decide_is_own(w, w->helo_domain))
		return held(SAY_SENDER_NULL_HELO, w->helo_domain->name);
	return failed(SAY_SENDER_NULL_UNPROVEN, nothing);
}

static struct test_result test_foreign_sender(const struct walk *w)
{
	const struct domain *owned = decide_owned(w);
	if (owned == NULL && w->login_holds)
		return failed(SAY_SENDER_FOREIGN_LOGIN_DOMAIN,
			      w->login_user->address);
	if (owned == NULL)
		return failed(SAY_SENDER_FOREIGN_UNPROVEN, nothing);
	return held(owned == w->helo_domain && !w->login_holds ?
			    SAY_SENDER_REWRITTEN_HELO :
			    SAY_SENDER_REWRITTEN_LOGIN,
		    owned->name);
}

static struct test_result sender_is_foreign(const struct walk *w)
{
	const struct domain *d = view_domain(w->v, w->f->sender.domain);
	if (decide_is_own(w, d) && !d->verified)
		return failed(SAY_SENDER_DOMAIN_UNVERIFIED, d->name);
	return failed(SAY_SENDER_FOREIGN, nothing);
}

static struct test_result test_registered(const struct walk *w)
{
	const struct user *u = w->sender_user;
	if (u == NULL || u->customer != w->judged->id)
		return failed(SAY_SENDER_UNREGISTERED, nothing);
	if (u->suspended)
		return failed(SAY_SENDER_USER_SUSPENDED, u->address);
	return held(SAY_SENDER_REGISTERED, u->address);
}

/* A bound app password speaks for its sender alone (1.3). */
static bool bound_elsewhere(const struct walk *w)
{
	if (!w->login_holds || w->f->login->sender.n == 0)
		return false;
	struct address_key bound, sender;
	address_key_of_text(&bound, w->f->login->sender);
	address_key_of_parts(&sender, w->f->sender.local,
			     w->f->sender.domain);
	return bound.s.n == 0 || !slice_eq(bound.s, sender.s);
}

/* 4.5: when the operator asks for it. */
static bool not_the_login(const struct walk *w)
{
	return w->login_holds && w->judged->sender_must_match_login &&
	       w->sender_user != w->login_user;
}

static struct test_result test_sender(const struct walk *w,
				      const struct setting *s)
{
	if (bound_elsewhere(w))
		return failed(SAY_SENDER_NOT_BOUND, w->f->login->sender);
	if (w->null_sender)
		return test_null_sender(w);
	if (not_the_login(w))
		return failed(SAY_SENDER_NOT_LOGIN, w->login_user->address);
	if (!decide_is_own(w, w->sender_domain))
		return s->allowed_senders == SENDERS_ANY ?
			       test_foreign_sender(w) :
			       sender_is_foreign(w);
	if (s->allowed_senders == SENDERS_REGISTERED_USERS)
		return test_registered(w);
	return held(SAY_SENDER_IN_OWN_DOMAIN, w->sender_domain->name);
}

/* --- all ------------------------------------------------------------------ */
struct test_result decide_test(const struct walk *w, const struct setting *s,
			       enum test test)
{
	invariant(s->customer == w->judged->id);
	invariant(s->ip_only || s->require_auth);
	switch (test) {
	case TEST_ENABLED:
		return s->enabled ? held(SAY_SETTING_ON, nothing) :
				    failed(SAY_SETTING_OFF, nothing);
	case TEST_TLS:
		return test_tls(w, s);
	case TEST_AUTH:
		return test_auth(w, s);
	case TEST_ADDRESS:
		return test_address(w, s);
	case TEST_SENDER:
		return test_sender(w, s);
	case TEST_COUNT:
		break;
	}
	unreachable_state("every test is listed");
}

bool decide_would_accept(const struct walk *w, const struct setting *s)
{
	invariant(decide_is_own(w, w->sender_domain));
	if (!s->enabled || (s->ip_only && !address_in(w, s, true)))
		return false;
	bool must_be_user =
		s->allowed_senders == SENDERS_REGISTERED_USERS ||
		w->judged->sender_must_match_login;
	return !must_be_user || test_registered(w).held;
}
