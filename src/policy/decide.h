/*
 * May this message be relayed, and for whom (SPEC 2, 4, 5): one pure
 * function over a view and the facts of a session, asked at MAIL. The hot
 * path, `postrider explain` and the console call this same function.
 * Allocates nothing.
 */
#pragma once

#include "mail/reply.h"
#include "policy/view.h"

struct facts {
	struct ip_addr client;
	bool tls;
	slice helo;			/* as sent */
	const struct app_password *login;	/* NULL: not authenticated; of
					 * the same view */
	struct address sender;
};

enum test {			/* in the order of SPEC 4.2 */
	TEST_ENABLED,
	TEST_TLS,
	TEST_AUTH,
	TEST_ADDRESS,
	TEST_SENDER,
	TEST_COUNT,
};

/* How the customer was found. */
enum identified_by {
	BY_NOTHING,
	BY_LOGIN,
	BY_ADDRESS_AND_SENDER,
	BY_ADDRESS_AND_HELO,
};

struct decision {
	enum reply_id reply;		/* SENDER_OK, or the refusal */
	enum identified_by identified_by;
	const struct customer *customer;	/* NULL: nobody identified */
	const struct setting *setting;	/* that accepted, or came closest */
	const struct domain *sender_domain;	/* registered, of customer */
	const struct domain *helo_domain;	/* registered, of customer */
	const struct user *user;	/* counted sender, SPEC 6.1; or NULL */
	enum test failed_test;		/* of the closest setting */
	bool rewritten;			/* SPEC 5.1 */
	struct address sender;		/* envelope sender to use; slices lend
					 * from the view or the facts */
	bool single_recipient;		/* null sender, SPEC 5.3 */
	bool address_shared;		/* address listed by several customers */
};

/* One step of the walk, for people. */
struct decision_step {
	const struct setting *setting;	/* NULL: about identification */
	enum test test;			/* when setting is not NULL */
	bool held;
	const char *why;		/* row of explain_text.def, by name */
	slice detail;			/* address, domain, … */
};
enum { DECISION_STEPS_MAX = 512 };
struct decision_trace {
	struct decision_step *steps;	/* caller's room */
	uint32_t cap, count;
	bool cut;			/* there were more */
};

/* trace may be NULL: then nothing is recorded. */
void policy_decide(const struct view *v, const struct facts *f,
		   struct decision *out, struct decision_trace *trace);

/* Once more with the sender's login: does the login still stand (SPEC 3.6)?
 * Called at each MAIL with a fresh view: credential id + generation. */
bool policy_login_stands(const struct view *v, slice credential_id,
			 uint32_t generation,
			 const struct app_password **login);

/* What to do, in words for the reply (ASCII English): SPEC 4.2 "a refusal
 * always says what to change". Lines by '\n'. To out. */
void policy_advice(const struct facts *f, const struct decision *d,
		   slice hostname, struct buf *out);
