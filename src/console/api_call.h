/*
 * An HTTP request into the arguments of a call of admin: the JSON object of
 * the body, with the values of the path and the query, and who asks. Strict:
 * what is said twice, or not known, is refused and not guessed at. Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/text.h"
#include "console/console_text.h"
#include "console/routes.h"

/* What came besides the path; all slices lend. */
struct api_request {
	const struct route_match *match;
	const struct route_value *query;	/* decoded */
	size_t query_count;
	slice body;
	slice session, csrf, client;	/* empty: none */
	slice if_match;			/* without quotes; empty: none */
	enum language language;
};
enum { API_QUERY_MAX = 24 };

/* Why there is no call. */
struct api_refusal {
	unsigned status;		/* HTTP */
	enum console_text text;
	slice about;			/* fills its {0}; lends */
};

/* Before the sandbox is closed: jansson would fetch a seed of its hash tables
 * from a file at its first object. */
void api_call_seed(uint32_t chance);
/* The arguments as a JSON object, appended to out. */
bool api_call_write(const struct api_request *r, struct arena *arena,
		    struct buf *out, struct api_refusal *why) MUST_USE;
