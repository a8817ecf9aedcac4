/*
 * One call being answered. A function of calls.def looks at its arguments,
 * gives rows and one end: at once, or later
 *   - piece by piece, when the reader keeps up: call->more;
 *   - when a revision is live in relay: call_end_when_live;
 *   - when relay has answered (calls_relay.c).
 * After call_end the call is its owner's again and must not be touched.
 *
 * All calls run on admin's one thread; a call that may take long (a search)
 * works in pieces by `more`.
 */
#pragma once

#include "admin/args.h"
#include "admin/core.h"

struct admin_call {
	struct admin *admin;
	slice name;
	struct args *args;
	slice text;			/* gathered by text.append */
	slice who;			/* "uid 0", for the audit */
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
};

enum call_exit {
	CALL_OK = 0,
	CALL_USAGE = 64,
	CALL_DATA = 65,			/* no such customer, user, … */
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
void call_end(struct admin_call *call, int code, slice text);
/* With a text out of the table. */
void call_say(struct admin_call *call, int code, enum admin_text id, slice a);
void call_no_memory(struct admin_call *call);
void call_fail(struct admin_call *call, const struct err *err,
	       enum admin_text id);
void call_end_when_live(struct admin_call *call, uint64_t revision,
			bool logged);

/* Arguments. Absent ones leave *out. False: malformed or missing; the call
 * has ended then. */
bool arg_text(struct admin_call *call, const char *name, bool required,
	      slice *out) MUST_USE;
bool arg_bool(struct admin_call *call, const char *name, bool *out) MUST_USE;
bool arg_u64(struct admin_call *call, const char *name, uint64_t max,
	     uint64_t *out) MUST_USE;
/* Ends with "argument … is missing or malformed". Returns false. */
bool arg_bad(struct admin_call *call, const char *name);

struct audit_by call_audit_by(struct admin_call *call);

void call_relay(struct admin_call *call, slice args_text);
#define CALL(name, function, who, args) void function(struct admin_call *call);
#include "admin/calls.def"
#undef CALL
