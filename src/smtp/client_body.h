/*
 * How a body goes out by DATA (RFC 5321 4.5.2): a dot at the front of a line
 * is doubled, and the end is CRLF "." CRLF. Nothing is mended here: a CR or
 * LF outside CRLF is refused, so that no server that takes it for a line end
 * can find a command in the body (RELIABILITY 2.1).
 */
#pragma once

#include "base/buf.h"

struct smtp_stuffer {
	bool line_open;		/* bytes behind the last CRLF were written */
	bool held_cr;		/* a CR ended the last piece: not written */
};

/* Appends the piece, stuffed. False at a bare CR or LF: neither it nor what
 * follows was written, and the body must not be ended. */
bool smtp_stuffer_feed(struct smtp_stuffer *s, struct buf *out,
		       slice piece) MUST_USE;
/* Appends the final dot; before it CRLF, if the body didn't end with one. */
bool smtp_stuffer_end(struct smtp_stuffer *s, struct buf *out) MUST_USE;
