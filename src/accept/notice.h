/*
 * Mail that Postrider writes to people on its own account: alerts of limits
 * to a customer's administrators, alerts to the operator. A notice is a
 * message at the door like any other, but `own`: no limit counts it, and no
 * report is written about it. Its envelope sender is null, and it says
 * Auto-Submitted: auto-generated (RFC 3834 5.1), so nothing answers it.
 */
#pragma once

#include "accept/door.h"
#include "base/text.h"

enum { NOTICE_TO_MAX = 64, NOTICE_TEXT_MAX = 1 << 20 };

struct notice {
	uint32_t customer;		/* 0: the operator's own */
	enum language language;		/* of subject and text */
	bool in_both;			/* its text is in both */
	/* "local@domain" each; who can't be read, has no route or stands
	 * there twice is left out. */
	const slice *to;
	uint32_t to_count;		/* at most NOTICE_TO_MAX */
	slice subject;			/* UTF-8, one line */
	slice text;			/* UTF-8, '\n' at line ends */
	/* Stands in its accept frame in the place of a booking: a mark that
	 * it was sent (limits/booking.h). May be empty. */
	slice mark;
	/* As of a submission (door.h). */
	void (*done)(void *ctx, bool ok, bool unknown, const struct err *err);
	void *ctx;
};
/* All of `n` is read before it returns. False: done is not called; nobody can
 * be reached (ERR_PERMANENT), or there is no memory. On the door's loop. */
bool notice_send(struct door *d, struct body_budget *budget,
		 const struct notice *n, struct err *err) MUST_USE;

/* A row of a text table with its places filled: arguments become one clean
 * line each. */
void notice_say(struct buf *out, const struct text *t, enum language language,
		const slice *args, size_t count);
/* The message of a notice: what stands in it before the door adds its trace.
 * to: as they are shown. */
void notice_write(struct buf *out, const struct notice *n, struct id id,
		  slice hostname, int64_t now_ms,
		  const struct recipient *to, uint32_t to_count);
