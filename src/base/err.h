/*
 * One value for everything that can go wrong. A function that can fail
 * returns bool (true: done) and takes a struct err * last; it fills the
 * struct only when it fails. No allocation, no errno across files.
 *
 * `text` may be shown to strangers (ASCII, no secrets, no paths); `detail`
 * goes to the log only. The scope says what the failure is about and so
 * what is retried, paused or reported.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

enum err_kind {
	ERR_OK,
	ERR_TEMPORARY,	/* trying again later may help */
	ERR_PERMANENT,	/* trying again will not help */
	ERR_PROTOCOL,	/* the peer broke the protocol or a format */
	ERR_LIMIT,	/* a bound of ours was reached */
	ERR_TIMEOUT,
	ERR_IO,		/* a system call failed */
	ERR_INTERNAL,	/* ours; includes out of memory */
};

enum err_scope {
	SCOPE_NONE,
	SCOPE_RECIPIENT,
	SCOPE_MESSAGE,
	SCOPE_SESSION,
	SCOPE_HOST,
	SCOPE_DESTINATION,
	SCOPE_SOURCE,
	SCOPE_CUSTOMER,
	SCOPE_SELF,
};

struct err {
	enum err_kind kind;
	enum err_scope scope;
	int code;		/* SMTP reply code, or 0 */
	int os_error;		/* errno of an ERR_IO, or 0: for the log and
				 * for telling ENOSPC; not for control flow
				 * elsewhere */
	uint8_t enhanced[3];	/* RFC 3463, zeros if none */
	const char *where;	/* static: "spool_commit" */
	char text[160];
	char detail[160];
};

/* Fills *e and returns false, so that `return err_set(…)` reads well. The
 * format makes `text`; over-long texts are cut. e may be NULL. */
bool err_set(struct err *e, enum err_kind kind, enum err_scope scope,
	     const char *where, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* As err_set for a failed system call: `what` is the operation ("write
 * seg-3.log"), errno the code. Kind is ERR_IO. */
bool err_set_os(struct err *e, int os_error, const char *where,
		const char *what);

/* Out of memory: ERR_INTERNAL, scope self. */
bool err_set_memory(struct err *e, const char *where);

/* Adds to `detail` (log only). Returns false. */
bool err_detail(struct err *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "temporary", "permanent", … for logs. */
const char *err_kind_name(enum err_kind kind);
const char *err_scope_name(enum err_scope scope);
