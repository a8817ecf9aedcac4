/*
 * Delivery reports (RFC 3461 section 6, RFC 3464, RFC 6522; RFC 6533 where an
 * address is UTF-8) as the text of a message: words for people in English or
 * Japanese, a part for machines, and the header of the original or all of it.
 *
 * Everything that others wrote (replies of hosts, ORCPT, ENVID, the original)
 * is cleaned, folded or encoded, so that none of it becomes a field, a line
 * or a part of the report. Pure: who gets a report and when is decided
 * elsewhere; never call it for a message from the null sender.
 */
#pragma once

#include "base/text.h"
#include "mail/body.h"
#include "mail/envelope.h"

enum report_kind { REPORT_FAILURE, REPORT_DELAY, REPORT_SUCCESS };

/* RFC 3464 2.3.3. RELAYED: handed to a system that makes no reports. */
enum report_action {
	REPORT_FAILED, REPORT_DELAYED, REPORT_DELIVERED, REPORT_RELAYED,
};

enum {
	REPORT_REPLY_MAX = 1024,	/* of a reply; the rest is cut */
	REPORT_LISTED_MAX = 50,		/* recipients named to people */
};

struct report_recipient {
	const struct recipient *recipient;
	enum report_action action;
	uint8_t status[3];		/* zeros: x.0.0 by the action */
	slice host;			/* that gave the reply, or empty */
	slice reply;			/* its words with the code, '\n'
					 * between lines; or our own reason */
	uint32_t tries;
	int64_t last_attempt_ms;	/* 0: none */
	int64_t retry_until_ms;		/* DELAY; 0: not said */
};

struct report {
	enum report_kind kind;
	enum language language;
	slice hostname;			/* ours, folded */
	struct id id;			/* of the report */
	const struct envelope *original;
	int64_t now_ms;
	const struct report_recipient *recipients;
	uint32_t count;			/* one at least */
	/* Bytes of the original from its beginning: of the header at least
	 * what returned_max_bytes allows, of the body what the caller has. */
	slice returned;
	bool returned_whole;		/* that is all of it */
	uint64_t returned_max_bytes;	/* limits.report_body_bytes */
};

/*
 * The message, not sealed, without a Received: field; the caller's reference.
 * *eight_bit: it needs 8BITMIME (the original is returned whole and has
 * 8-bit, or the sender's address is UTF-8). NULL with ERR_LIMIT or
 * ERR_INTERNAL.
 */
struct body *report_compose(const struct report *r, struct body_budget *budget,
			    bool *eight_bit, struct err *err) MUST_USE;
