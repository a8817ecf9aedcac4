/*
 * What a call's rows and its end become on the way to an HTTP client: a JSON
 * answer, or a problem (RFC 9457). The one place where exit codes meet HTTP.
 * Pure.
 */
#pragma once

#include "console/api_call.h"
#include "console/front.h"

enum { ANSWER_ETAG_MAX = 100, ANSWER_COOKIE_MAX = 256,
       ANSWER_BODY_MAX = FRONT_ROWS_MAX + 65536 };

struct answer {
	unsigned status;		/* HTTP */
	const char *type;		/* media type */
	struct buf body;
	char etag[ANSWER_ETAG_MAX];	/* with quotes; "": none */
	unsigned methods;		/* of a 405: bits of http_method */
	uint64_t retry_after_s;		/* 0: not said */
	bool has_cookie;		/* the session's shall be this */
	char cookie[ANSWER_COOKIE_MAX];	/* "": none any more */
};
void answer_init(struct answer *a);
void answer_fini(struct answer *a);

/* if_none_match: the header as it came, or empty. Of a GET. */
void answer_of_call(struct answer *a, const struct route *route,
		    const struct front_call *call, enum language language,
		    slice if_none_match);
/* What the console says itself. */
void answer_refuse(struct answer *a, unsigned status, enum console_text text,
		   slice about, enum language language);

/* The quoted tag of If-Match as the call knows it: the settings' own member
 * `etag`, or the whole header ETag of an earlier answer, which begins with it.
 * Empty: there is none. */
slice answer_if_match(slice header);
