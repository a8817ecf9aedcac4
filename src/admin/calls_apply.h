/*
 * What directory.apply and the calls about one thing (calls_verb.c) share:
 * the one way of a change into the directory.
 */
#pragma once

#include "admin/calls.h"
#include "admin/directory.h"

struct applying {
	struct admin_call *call;
	const struct directory_one *one;	/* NULL: a file */
	struct directory d;
	bool prune, dry_run;
	bool problems;			/* errors as rows, too (problem.h) */
	slice if_match;			/* tag of the setting as it was, or
					 * empty */
	/* Not NULL: nothing is stored or said; the view as it would be goes
	 * here, and the call goes on. NULL in it: it has ended. */
	const struct view **preview;
	/* Within the transaction, after all else is stored; may be NULL. */
	void (*also)(struct applying *p);
	void *ctx;			/* the caller's */
};

/* Load, merge, check, authorise, store, publish; the call has ended then, or
 * will when the revision is live (but for a preview). file: the name in
 * messages. All but d is set before. */
void apply(struct applying *p, slice text, const char *file);
/* Ends the call: there is no such thing; near: perhaps this was meant, or
 * empty. */
void apply_say_no_such(struct admin_call *call, enum row_kind kind, slice key,
		       slice near);
