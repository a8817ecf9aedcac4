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

/* --- sums (search_counts.c) ------------------------------------------------ */

enum search_sum {			/* in recipients */
	SUM_ACCEPTED,
	SUM_DELIVERED,
	SUM_DEFERRED,			/* attempts that ended so */
	SUM_FAILED,
	SUM_REMOVED,
	SUM_REFUSED,
	SUM_KINDS,
};
const char *search_sum_name(enum search_sum kind);
enum { SEARCH_SLOTS_MAX = 720, SEARCH_CAUSES_MAX = 32,
       SEARCH_TIMES = 16 };		/* classes of how long delivery took */
struct search_sums {
	uint32_t step_s, slots;		/* 300 or 3600 */
	int64_t start_s;
	uint64_t all[SUM_KINDS];
	uint64_t series[SUM_KINDS][SEARCH_SLOTS_MAX];
	uint64_t times[SEARCH_TIMES];
	struct {
		char cause[24];
		uint64_t number;
	} causes[SEARCH_CAUSES_MAX];
	size_t cause_count;
};
/* customer 0: all together. Large: not on the stack. */
bool search_sum(struct search *search, uint32_t customer, uint32_t step_s,
		int64_t start_s, uint32_t slots, struct search_sums *out,
		struct err *err) MUST_USE;
/* How long half of what was delivered took at most; -1: nothing was. */
int64_t search_median_ms(const struct search_sums *s);

/* --- lists: newest first, a page at a time (search_list.c) ----------------- */

enum search_list_of { LIST_MESSAGES = 1, LIST_REFUSALS = 2 };	/* bits */
enum search_state {		/* of a message: one recipient of it is … */
	STATE_ANY,
	STATE_WAITING,			/* not tried yet */
	STATE_DEFERRED,			/* tried, and will be again */
	STATE_HELD,
	STATE_DELIVERED,
	STATE_FAILED,
	STATE_REMOVED,
	STATE_COUNT,
};
/* "waiting" …; NULL for STATE_ANY. */
const char *search_state_name(enum search_state state);

/* What a text that people type may mean (search_text.c). */
enum search_term {
	TERM_NONE,
	TERM_ID,			/* of a message or session */
	TERM_REFERENCE,
	TERM_MESSAGE_ID,		/* <…>, or with what no address has */
	TERM_ADDRESS,			/* sender or recipient */
	TERM_DOMAIN,			/* of one of them */
	TERM_CLIENT,			/* an IP address */
};
enum { SEARCH_TEXT_MAX = 400 };
/* Spaces around it don't matter. *clean: what to look for, in `to`: folded,
 * without <>. */
enum search_term search_text(slice typed, char to[SEARCH_TEXT_MAX],
			     slice *clean);

/* Where a list goes on. day 0: at its newest. */
struct search_cursor {
	uint64_t day, n;
};
enum { SEARCH_CURSOR_MAX = 44 };
void search_cursor_text(struct search_cursor at, char to[SEARCH_CURSOR_MAX]);
bool search_cursor_parse(slice s, struct search_cursor *out) MUST_USE;

struct search_filter {		/* empty, 0: everything */
	unsigned of;			/* of search_list_of */
	uint32_t customer;
	slice text;			/* as typed */
	slice from, to, destination, client;
	enum search_state state;	/* of messages */
	slice cause;			/* of refusals */
	uint32_t setting;
	int64_t since_ms, until_ms;	/* until 0: now */
	struct search_cursor after;
	uint32_t limit;			/* rows of a page */
};
enum { SEARCH_COUNT_MAX = 10000 };	/* counted exactly */

/* A row of a page. Slices lend until `each` returns. */
struct search_row {
	int64_t at_ms;
	slice line;			/* the journal's */
	slice sender;
	/* of a message, in recipients */
	uint32_t total, delivered, failed, removed, held;
	bool tried;
	slice reply;			/* of the last attempt */
	/* of a refusal; how often within 24 h before it, itself included, this
	 * customer's client was refused for this cause */
	bool is_refusal;
	slice cause, client;
	uint64_t times;
	uint32_t customer;
};
enum search_state search_row_state(const struct search_row *row);

/* Who was refused again and again: at least `least` times in hours behind
 * since_ms, most often first. */
struct search_repeat {
	char cause[24], client[48];
	uint64_t times;
	int64_t last_ms;
};
enum { SEARCH_REPEATS_MAX = 20 };
bool search_repeats(struct search *s, uint32_t customer, int64_t since_ms,
		    uint64_t least,
		    struct search_repeat out[SEARCH_REPEATS_MAX],
		    size_t *count, struct err *err) MUST_USE;

/* Alerts of limits, newest first: their lines. */
bool search_alerts(struct search *s, uint32_t customer,
		   struct search_cursor after, uint32_t limit,
		   void (*each)(void *ctx, struct search_cursor at,
				slice line),
		   void *ctx, struct err *err) MUST_USE;

struct search_list;
/* The filter is copied but for its slices, which must outlive the list.
 * sees: whether a row with this sender is there for who asks; NULL: all. */
bool search_list_new(struct search *s, const struct search_filter *f,
		     bool (*sees)(void *ctx, slice sender),
		     void (*each)(void *ctx, const struct search_row *row),
		     void *ctx, struct search_list **out,
		     struct err *err) MUST_USE;
void search_list_free(struct search_list **l);
/* Some milliseconds of work. *done: the page is full or everything was
 * looked at, and the count is as far as it goes. */
bool search_list_step(struct search_list *l, bool *done,
		      struct err *err) MUST_USE;
/* How many match, rows before the page's first not counted; above
 * SEARCH_COUNT_MAX: more. */
uint64_t search_list_count(const struct search_list *l);
/* Where the next page begins; false: there is none, as far as is known. */
bool search_list_next(const struct search_list *l,
		      struct search_cursor *out) MUST_USE;
