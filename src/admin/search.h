/*
 * The index of the journal, and `trace`: an SQLite file per day
 * (index/YYYYMMDD.db) with plain B-trees over who and what, and the lines
 * themselves. Made from the journal's files alone: what is lost of it is
 * indexed again. On admin's thread, in steps.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"

struct search;
/* Paths; both directories must exist. */
bool search_open(const char *journal_dir, const char *index_dir,
		 struct log *log, struct search **out,
		 struct err *err) MUST_USE;
void search_close(struct search **s);

/* Indexes at most max_lines more; *more: there are more now. */
bool search_step(struct search *s, uint32_t max_lines, bool *more,
		 struct err *err) MUST_USE;
/* Wall ms of the last line that was indexed; 0: none. */
int64_t search_indexed_ms(const struct search *s);

enum { SEARCH_LIMIT_DEFAULT = 100, SEARCH_LIMIT_MAX = 1000 };
/* The first that isn't empty is looked for. Addresses without regard to
 * case. */
struct search_query {
	slice id;			/* of a message, or of a session */
	slice reference;
	slice from, to;
	slice message_id;		/* with or without <> */
	slice client_ip;
	uint32_t customer;		/* only of this one; 0: all */
	uint32_t limit;
};
/* Rows as event.h describes, newest first. each: false ends it. */
bool search_find(struct search *s, const struct search_query *q,
		 bool (*each)(void *ctx, slice json_object), void *ctx,
		 struct err *err) MUST_USE;
