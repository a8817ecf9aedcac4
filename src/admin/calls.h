/*
 * One call being answered. A function of calls.def looks at its arguments,
 * gives rows and one end: at once, or later
 *   - piece by piece, when the reader keeps up: call->more;
 *   - when a revision is live in relay: call_end_when_live;
 *   - when relay has answered (calls_relay.c).
 * Whether the caller may make the call at all is judged before the function
 * runs; what it finds, the function judges itself (call_sees_…): what is not
 * there for the caller is answered like what is not there.
 *
 * After call_end the call is its owner's again and must not be touched.
 *
 * All calls run on admin's one thread; a call that may take long (a search)
 * works in pieces by `more`.
 */
#pragma once

#include "admin/args.h"
#include "admin/authorise.h"
#include "admin/core.h"
#include "admin/people.h"

struct admin_call {
	struct admin *admin;
	slice name;
	struct args *args;
	slice text;			/* gathered by text.append */
	slice who;			/* for the audit: "uid 0", "operator as
					 * alice@example.com" */
	struct caller caller;		/* judged before the function runs */
	enum right right;		/* the one that the call needs */
	/* A front connection's (serve.c): the peer's uid gives no right, the
	 * session does. As they came, for PUBLIC calls; absent: NULL, 0. */
	bool front;
	bool quiet;			/* no sign of a person at work */
	slice session, csrf, client;
	struct person person;		/* of a front call; id 0: nobody */
	struct session at;		/* id 0: an API token's, or none */
	slice about;			/* the customer of a front call that
					 * names its thing by another key */
	enum language language;
	struct arena arena;		/* until the end */

	/* The owner's: where the answer goes. */
	void (*row)(struct admin_call *call, slice json_object);
	void (*end)(struct admin_call *call, int code, slice text);
	bool offline;			/* no service, no relay */

	/* Set by the function: the next rows, then true, or an end. */
	void (*more)(struct admin_call *call);
	/* Frees what the function holds, when the asker is gone. */
	void (*cancel)(struct admin_call *call);
	void *state;

	uint64_t wait_revision;		/* 0: not waiting */
	int64_t wait_until_ms;		/* monotonic */
	struct ask_call relay;
	bool left_out;			/* rows that the caller may not see */
};

enum call_exit {
	CALL_OK = 0,
	CALL_NONE_FOUND = 1,
	CALL_SIGN_IN = 2,		/* front: no session, or it is over */
	CALL_CHANGED = 3,		/* not what if_match says any more */
	CALL_SLOW_DOWN = 4,		/* a row {"retry_after": seconds} */
	CALL_USAGE = 64,
	CALL_DATA = 65,			/* no such customer, user, … */
	CALL_REFUSED = 66,		/* the values are not acceptable; rows
					 * {"error":true,"field":…} say which */
	CALL_UNAVAILABLE = 69,
	CALL_INTERNAL = 70,
	CALL_IO = 74,
	CALL_TEMPORARY = 75,
	CALL_NOT_ALLOWED = 77,
	CALL_CONFIG = 78,
};

enum { CALL_LIVE_MS = 5000, CALL_ROW_MAX = 1000000 };

/* Finds the function, checks arguments' names, and runs it. The call is
 * filled but for name and args; args_text: a JSON object, or empty. */
void call_start(struct admin_call *call, slice name, slice args_text);
/* Owner: frees args and arena. After the end, or in place of it with
 * cancel. */
void call_fini(struct admin_call *call);
/* Waiting calls: the revision is live, or the time is up. */
void call_look(struct admin_call *call, int64_t now_ms);

void call_row(struct admin_call *call, slice json_object);
/* A row being put together: its members are written between begin and end, at
 * most max bytes in all. */
struct call_object {
	struct buf text;
	struct json json;
};
struct json *call_row_begin(struct call_object *row, size_t max);
/* Gives it, unless it didn't fit or there was no memory, and wipes it: some
 * hold what is shown once. */
void call_row_end(struct admin_call *call, struct call_object *row);
/* The last row of a page: where the next one begins. Empty: null, there is
 * none. */
void call_next(struct admin_call *call, slice cursor);
void call_end(struct admin_call *call, int code, slice text);
/* With a text out of the table. */
void call_say(struct admin_call *call, int code, enum admin_text id, slice a);
void call_say2(struct admin_call *call, int code, enum admin_text id, slice a,
	       slice b);
void call_no_memory(struct admin_call *call);
void call_fail(struct admin_call *call, const struct err *err,
	       enum admin_text id);
/* The end of a call that only read the store: well, or by its failure. */
void call_end_read(struct admin_call *call);
void call_end_when_live(struct admin_call *call, uint64_t revision,
			bool logged);

/* Arguments. Absent ones leave *out. False: malformed or missing; the call
 * has ended then. */
bool arg_text(struct admin_call *call, const char *name, bool required,
	      slice *out) MUST_USE;
bool arg_bool(struct admin_call *call, const char *name, bool *out) MUST_USE;
bool arg_u64(struct admin_call *call, const char *name, uint64_t max,
	     uint64_t *out) MUST_USE;
/* A mail address, folded as users are kept, in the call's arena. */
bool arg_address(struct admin_call *call, const char *name, bool required,
		 slice *out) MUST_USE;
/* Ends with "argument … is missing or malformed". Returns false. */
bool arg_bad(struct admin_call *call, const char *name);

struct audit_by call_audit_by(struct admin_call *call);

/* --- who calls, and what there is for him (calls_caller.c) ----------------- */

/* Fills call->caller, and call->who if the operator stands in for somebody.
 * False: it has ended. */
bool call_caller(struct admin_call *call, slice as) MUST_USE;
/* False: the role may not; it has ended, and a unit admin was told whom to
 * ask. */
bool call_authorise(struct admin_call *call, enum right right) MUST_USE;

/* The same for a front call that isn't PUBLIC: who has this session (the
 * value of the cookie, or a bearer token), is csrf its token (empty: none is
 * needed, the call looks only or the session came as a bearer token), and,
 * unless call->quiet, it was at work now. client: the address of whoever
 * speaks HTTP, for the audit and for slowing down. Fills call->caller and
 * call->who. False: it has ended, with CALL_SIGN_IN or worse. */
bool call_front_caller(struct admin_call *call, slice session, slice csrf,
		       slice client) MUST_USE;

/* Writes an audit row of an act of the person that makes no revision, about
 * `object` of the customer (0: none). Failures are the store's. */
void call_audit(struct admin_call *call, slice act, uint32_t customer,
		slice object, slice after);

bool call_is_operator(const struct admin_call *call);
/* The only customer that is there for the caller; 0: all are (operator). */
uint32_t call_own_customer(const struct admin_call *call);
/* Its name. False: the store failed, and it has ended. */
bool call_own_name(struct admin_call *call, slice *name) MUST_USE;
/* The customer of this name, if it is there for the caller; without a name
 * his own, or 0: all (operator). False: it has ended. */
bool call_find_customer(struct admin_call *call, slice name,
			uint32_t *only) MUST_USE;
/* The same of the argument "customer". */
bool call_customer_asked(struct admin_call *call, uint32_t *only) MUST_USE;
/* Is the user there for the caller? Failures are the store's. */
bool call_sees_user(struct admin_call *call, uint32_t user) MUST_USE;
/* May the caller change the user, who is there for him? Failures are the
 * store's. */
bool call_changes_user(struct admin_call *call, uint32_t user) MUST_USE;
/* Mail of the own customer from this sender, or a row {"from": …} about it:
 * unit admins see that of their unit's users. */
bool call_sees_sender(struct admin_call *call, slice address) MUST_USE;
bool call_sees_mail(struct admin_call *call, slice json_object) MUST_USE;

/* For relay, which knows numbers: the argument "customer", a name or a number,
 * becomes the number of one that is there for the caller, or of none. False: it
 * has ended. (calls_relay.c) */
bool call_bind_customer(struct admin_call *call) MUST_USE;

/* calls.def as a table. */
enum call_manner {
	CALL_SIGNED_IN,
	CALL_PUBLIC,			/* also for a front call of nobody */
	CALL_QUIET,			/* signed in, but it prolongs nothing */
};
struct call_kind {
	enum call_manner manner;
	const char *name;
	void (*run)(struct admin_call *call);
	enum right right;
	const char *args;		/* NULL: relay knows them */
};
const struct call_kind *call_kinds(size_t *count);

#define CALL(name, function, right, args) \
	CALL_AS(SIGNED_IN, name, function, right, args)
#define CALL_AS(manner, name, function, right, args) \
	void function(struct admin_call *call);
#include "admin/calls.def"
#undef CALL_AS
#undef CALL
