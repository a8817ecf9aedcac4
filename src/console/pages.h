/*
 * What the console answers: /metrics, /healthz, /readyz, else 404. From the
 * page of counters alone, so also with admin or relay dead. No store, no
 * spool, no keys, no sign-in: nothing private is shown (RELIABILITY L8).
 */
#pragma once

#include "base/buf.h"
#include "base/counters.h"

struct page {
	unsigned status;		/* HTTP */
	const char *type;		/* media type, static */
	struct buf body;		/* caller frees */
};
enum { PAGE_MAX = 262144 };

/* Is the path, without a query, one of the three? */
bool page_exists(slice path);
/* method "GET" or "HEAD" (others 405); path without a query. */
void page_answer(const struct counters_page *counters, slice method,
		 slice path, struct page *out);
