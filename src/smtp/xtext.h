/*
 * xtext (RFC 3461 section 4): how ENVID, ORCPT and AUTH= carry any octet in
 * printable ASCII, "+HH" for what may not stand plainly.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Decodes into the arena. ERR_PROTOCOL when it is no xtext, when the decoded
 * text has a control character (so that no CR or LF ever reaches spool, log
 * or report) or an 8-bit octet although eight_bit is false; ERR_INTERNAL when
 * the arena is full. Hexadecimal digits of either case and a plain '=' are
 * taken, as senders write them. An empty text decodes to an empty text.
 */
bool xtext_decode(slice s, bool eight_bit, struct arena *arena, slice *out,
		  struct err *err) MUST_USE;

/* Appends s encoded. */
void xtext_write(struct buf *out, slice s);
