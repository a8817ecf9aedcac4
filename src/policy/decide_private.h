/* What the steps of a decision share: decide.c finds whose mail it is and
 * walks the settings, decide_tests.c has the tests of one setting. Private
 * to src/policy. */
#pragma once

#include "policy/explain_text.h"
#include "policy/view_private.h"

enum { WALK_ENTRIES_MAX = 16 };

/* What the facts mean in a view. */
struct walk {
	const struct view *v;
	const struct facts *f;
	struct decision_trace *trace;

	bool null_sender;
	bool helo_generic;
	/* The registered domains in force, of whomever. */
	const struct domain *sender_domain, *helo_domain;
	const struct user *sender_user;		/* of whomever */

	const struct user *login_user;
	bool login_holds;
	enum explain_row login_why;		/* when it doesn't hold */

	/* Enabled entries that hold the client's address. */
	const struct ip_entry *entries[WALK_ENTRIES_MAX];
	uint32_t entry_count;
	bool more_entries;			/* than fit */
	/* Those among them that identify. */
	bool listed, shared;
	uint32_t first_customer;
	bool sender_owner_listed, helo_owner_listed;

	/* Whose settings are judged. */
	const struct customer *judged;
};

struct test_result {
	bool held;
	enum explain_row why;
	slice detail;
};

/* The tests of SPEC 4.2 for one setting of w->judged. */
struct test_result decide_test(const struct walk *w, const struct setting *s,
			       enum test test);
/* Would the setting accept if the session had TLS and a login of its
 * customer? For a sender in one of the customer's domains. */
bool decide_would_accept(const struct walk *w, const struct setting *s);

/* The registered domain that a foreign sender is rewritten to (5.1), NULL if
 * there is none. */
const struct domain *decide_owned(const struct walk *w);
/* Is the domain registered and of the judged customer? */
bool decide_is_own(const struct walk *w, const struct domain *d);
