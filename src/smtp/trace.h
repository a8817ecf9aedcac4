/*
 * The trace field that stands on top of what we take: Received: (RFC 5321
 * 4.4, RFC 3848 for the protocol names).
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/ip.h"

struct trace_facts {
	bool from_client;		/* false: written by Postrider itself */
	slice helo;
	struct ip_addr client;
	bool extended;			/* EHLO */
	bool utf8;			/* SMTPUTF8 transaction */
	bool authenticated;
	const char *tls_version;	/* NULL: plain */
	const char *tls_cipher;
	unsigned tls_bits;
	slice only_recipient;		/* "for <…>", empty with several */
};

/* One field with its folding and final CRLF, at most TRACE_MAX bytes; what
 * strangers said is cleaned. */
enum { TRACE_MAX = 2048 };
void trace_write(struct buf *out, const struct trace_facts *f, slice hostname,
		 struct id id, int64_t wall_ms);
