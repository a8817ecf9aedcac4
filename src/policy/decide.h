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
	/* That accepted, or came closest, or NULL. When nobody is identified:
	 * the closest of the owner of the sender's domain, whose settings
	 * only choose the reply (4.2); never to be shown to the client. */
	const struct setting *setting;
	const struct domain *sender_domain;	/* registered, of customer */
	const struct domain *helo_domain;	/* registered, of customer */
	const struct user *user;	/* counted sender, SPEC 6.1; or NULL */
	enum test failed_test;		/* of the closest setting; TEST_COUNT:
					 * none was judged, or it accepted */
	const char *why;		/* the decisive condition: row of
					 * explain_text.def, by name */
	slice why_detail;		/* what that row names; lends as sender */
	bool rewritten;			/* SPEC 5.1 */
	struct address sender;		/* envelope sender to use; slices lend
					 * from the view or the facts */
	bool single_recipient;		/* null sender, SPEC 5.3 */
	bool address_shared;		/* address listed by several customers,
					 * by entries that identify */
};

/* One step of the walk, for people. */
struct decision_step {
	const struct setting *setting;	/* NULL: about identification */
	enum test test;			/* when setting is not NULL; all tests
					 * of a setting are recorded, also
					 * behind the first that failed */
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

/*
 * trace may be NULL: then nothing is recorded. What SPEC leaves open:
 * - A login holds while it is under TLS, its user is there and not
 *   suspended, and the client is in the app password's range. One that does
 *   not hold still says whose the session is (2.1), but counts as missing in
 *   every test. Bound senders and sender-must-match-login are part of the
 *   sender test, in all settings; the null sender is exempt from the latter
 *   only.
 * - A login of a closing customer identifies nobody, and nothing else is
 *   tried.
 * - An entry that awaits sharing counts for the address test of a session
 *   whose login holds (2.2: inert for identification without AUTH).
 * - A generic HELO name (7.2) never belongs to a customer.
 * - A customer without an enabled setting gets RELAY_DENIED, failed_test
 *   TEST_ENABLED.
 * - With nobody identified and no AUTH: if a setting of the sender's owner
 *   would accept with TLS and a login of that owner, 530 for TLS, then for
 *   AUTH; else if the closest setting lacks TLS, 530 for that; else 550:
 *   INVALID_CREDENTIALS when the address is listed by anybody, else
 *   RELAY_DENIED. An owner who may not relay at all is not judged.
 */
void policy_decide(const struct view *v, const struct facts *f,
		   struct decision *out, struct decision_trace *trace);

/* Once more with the sender's login: does the login still stand (SPEC 3.6)?
 * Called at each MAIL with a fresh view: credential id + generation. False
 * when the app password is gone or changed, its user is gone or suspended,
 * or its customer is closing; *login is NULL then. */
bool policy_login_stands(const struct view *v, slice credential_id,
			 uint32_t generation,
			 const struct app_password **login);

/* A HELO name that is not the client's own (SPEC 7.2): localhost and the
 * like, well-known relays, loopback addresses, and this service's own
 * `hostname` (may be empty). */
bool policy_helo_generic(slice helo, slice hostname);

/* What to do, in words for the reply (printable ASCII English): SPEC 4.2 "a
 * refusal always says what to change". At most 3 lines of at most 200
 * bytes, '\n' between them; nothing for an acceptance. Safe to show to the
 * client: names a setting only when its customer is identified. To out. */
enum { POLICY_ADVICE_LINES = 3, POLICY_ADVICE_LINE_MAX = 200 };
void policy_advice(const struct facts *f, const struct decision *d,
		   slice hostname, struct buf *out);
