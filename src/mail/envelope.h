/*
 * The envelope: from whom, to whom, and what was asked for the way (RFC 5321
 * 2.3.1, RFC 3461). This is what an accept frame holds; envelope_write and
 * envelope_read are its byte form (docs/formats/envelope.md).
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/ip.h"
#include "mail/address.h"

enum dsn_notify {		/* bits; 0: nothing was said */
	DSN_NEVER = 1,
	DSN_SUCCESS = 2,
	DSN_FAILURE = 4,
	DSN_DELAY = 8,
};
enum dsn_return { DSN_RET_UNSAID, DSN_RET_FULL, DSN_RET_HDRS };
enum body_type { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };

struct recipient {
	struct address address;
	uint8_t notify;			/* dsn_notify */
	slice orcpt;			/* "rfc822;…" decoded, empty if none */
};

struct envelope {
	struct id id;			/* of the message */
	struct id session;		/* zero: written by Postrider itself */
	int64_t accepted_ms;		/* wall clock */
	uint32_t customer;		/* 0: the operator's own */
	uint32_t setting;		/* relay setting that took it, or 0 */
	uint32_t user;			/* counted sender, or 0 */
	struct address sender;		/* after SPEC 5.1 */
	struct address original_sender;	/* as presented; null if the same */
	struct ip_addr client;
	slice helo;
	slice envid;			/* decoded */
	enum dsn_return ret;
	enum body_type body_type;
	bool smtputf8;
	bool bare_line_ends;		/* body has CR or LF outside CRLF (BDAT) */
	bool own;			/* report or alert: not counted, no report */
	uint64_t body_bytes;		/* with our trace fields */
	uint32_t trace_bytes;		/* of them, on top: Received: */
	slice message_id;		/* header field, cut at 255, for search */
	struct recipient *recipients;
	uint32_t recipient_count;
};

enum { ENVELOPE_RECIPIENTS_MAX = 50000 };

/* out->failed tells of overflow, and of a text that is longer than its place
 * (address parts, 255 of message_id, 65,535 of the others). */
void envelope_write(struct buf *out, const struct envelope *e);
/* Slices lend from `bytes`; recipients live in arena. ERR_PROTOCOL for
 * anything but exactly one envelope. */
bool envelope_read(slice bytes, struct arena *arena, struct envelope *out,
		   struct err *err) MUST_USE;
