/*
 * Reads the replies of a stranger's server (RFC 5321 4.2), one at a time,
 * from input cut anywhere. Bounded by limits reply_line, reply_lines and
 * reply_bytes.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits_table.h"

struct smtp_reply {
	const struct limits *limits;
	struct buf line;	/* begin of a line that is cut in two */
	struct buf text;	/* lines without code, '\n' between them;
				 * control characters are '?' */
	uint64_t bytes;		/* so far, codes and line ends included */
	uint32_t lines;
	uint16_t code;		/* 200 to 599; 0 before the first line */
	bool whole;
	uint8_t enhanced[3];	/* RFC 2034; zeros without one */
};

/* limits must outlive it. */
void smtp_reply_init(struct smtp_reply *r, const struct limits *limits);
void smtp_reply_fini(struct smtp_reply *r);
/* Ready for the next one; memory is kept, or given back. */
void smtp_reply_reset(struct smtp_reply *r);
void smtp_reply_release(struct smtp_reply *r);

/* Some bytes of a reply were read, but not all. */
bool smtp_reply_begun(const struct smtp_reply *r);

/*
 * Takes bytes of *in up to the end of one reply, and no further: r->whole
 * tells. False for what is no reply: NUL, bare CR or LF, no code, different
 * codes in one reply, a bound passed (ERR_PROTOCOL, scope session), or out
 * of memory (ERR_INTERNAL).
 */
bool smtp_reply_feed(struct smtp_reply *r, slice *in,
		     struct err *err) MUST_USE;

static inline unsigned smtp_reply_class(const struct smtp_reply *r)
{
	return r->code / 100;
}

enum { SMTP_REPLY_KEPT_MAX = 1024 };
/* The words, cut at SMTP_REPLY_KEPT_MAX, in the arena; empty when that is
 * full. */
slice smtp_reply_words(const struct smtp_reply *r, struct arena *arena);

/* The reply as an error: kind from its class (4yz temporary, 5yz permanent,
 * else protocol), code, enhanced, text "550 5.1.1 words" in ASCII. Returns
 * false. */
bool smtp_reply_err(const struct smtp_reply *r, struct err *err,
		    enum err_scope scope, const char *where);
