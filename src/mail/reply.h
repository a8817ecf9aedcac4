/*
 * The table of all SMTP replies of ours (SPEC 14, RFC 5321 4.2, RFC 2034):
 * one row makes the enum, the words on the wire, the journal's name and the
 * page in docs/replies.md.
 */
#pragma once

#include "base/buf.h"

enum reply_id {
#define REPLY(id, code, enhanced, text) REPLY_##id,
#include "mail/reply.def"
#undef REPLY
	REPLY_COUNT,
};

struct reply_row {
	const char *name;		/* "RELAY_DENIED" */
	uint16_t code;
	const char *enhanced;		/* "5.7.1" or "" */
	const char *text;
};
const struct reply_row *reply_row(enum reply_id id);

/* One reply to be given. Slices must live until it is written. */
struct reply {
	enum reply_id id;
	slice detail;			/* for %s */
	slice advice;			/* what to do; own lines, may be empty,
					 * ASCII, '\n' between lines */
	slice tag;			/* reference or id at the end, or empty */
};

static inline bool reply_positive(enum reply_id id)
{
	return reply_row(id)->code < 400;
}

/*
 * Writes it as one or several lines, each at most 512 bytes with CRLF
 * (RFC 5321 4.5.3.1.5); bytes outside printable ASCII become '?'. HELO_OK
 * with extensions is written by smtp/extensions.
 */
void reply_write(struct buf *out, const struct reply *r);
