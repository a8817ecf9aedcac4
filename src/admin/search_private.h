/* What indexing and searching share: a day's file, what is counted. */
#pragma once

#include "admin/event.h"
#include "admin/search.h"
#include "admin/store.h"
#include "journal/journal.h"

enum {
	SEARCH_PATH_MAX = 4096,
	SEARCH_DAYS_MAX = 4000,
	ADDRESS_FOLD_MAX = 400,
	SEARCH_COUNTS_MAX = 512,
	SEARCH_WHAT_MAX = 32,		/* "refused:limit_day" */
	SEARCH_EARLIER_MAX = 7,		/* 5 days of tries, and the ends */
};

/* Whose part in a message or refusal: parties.kind. */
enum search_party {
	PARTY_SENDER,			/* the original one too */
	PARTY_RECIPIENT,
	PARTY_SENDER_DOMAIN,
	PARTY_RECIPIENT_DOMAIN,
};

/* What a batch adds to `counts`, gathered in memory. */
struct search_count {
	uint32_t customer, step_s;
	int64_t slot;			/* seconds since 1970 */
	char what[SEARCH_WHAT_MAX];
	uint64_t number;
};
struct search_counts {
	struct search_count rows[SEARCH_COUNTS_MAX];
	size_t count;
};

/* The file of an earlier day that is open because a message of it changed;
 * its transaction ends with the batch. */
struct search_earlier {
	uint64_t day;
	struct store *store;		/* NULL: free */
	uint64_t used;			/* the later, the greater */
	bool in_batch;
};

struct search {
	int journal_dir, index_dir;
	char index_path[SEARCH_PATH_MAX];
	struct log *log;
	struct journal_cursor at;
	struct store *day;		/* being written; NULL */
	uint64_t day_number;		/* days since 1970 */
	bool in_batch;			/* a transaction is open in day */
	bool broken;			/* the batch failed */
	struct err err;			/* why */
	struct search_earlier earlier[SEARCH_EARLIER_MAX];
	uint64_t uses;			/* of them, so far */
	struct search_counts counts;
	int64_t indexed_ms;
};

struct search_days {
	uint64_t days[SEARCH_DAYS_MAX];	/* oldest first */
	size_t count;
};
/* Days that have a file. */
bool search_days(struct search *s, struct search_days *out,
		 struct err *err) MUST_USE;
/* Made when missing. */
bool search_day_open(struct search *s, uint64_t day, struct store **out,
		     struct err *err) MUST_USE;
/* One that is there, to be asked. */
bool search_day_look(struct search *s, uint64_t day, struct store **out,
		     struct err *err) MUST_USE;
/* Has it the form that this version writes? */
bool search_day_known(struct search *s, uint64_t day, bool *known,
		      struct err *err) MUST_USE;
bool search_day_remove(struct search *s, uint64_t day,
		       struct err *err) MUST_USE;

/* An address or domain as parties have it: lower case, cut to fit. */
slice search_fold(slice s, char to[ADDRESS_FOLD_MAX]);

/* --- search_mail.c: what a line means for messages, refusals and counts ---- */

/* A frame told again after a crash, whose first telling lies in the file of an
 * earlier day (in that of today the index `once` finds it). */
bool search_mail_told_before(struct search *s, const struct event *e);
/* The line e was inserted as row n of s->day. Within the batch. */
void search_mail_note(struct search *s, const struct event *e, uint64_t n);
/* Until how many ms after acceptance class i of "took:I" reaches. */
int64_t search_time_ms(size_t i);
/* Writes what was counted. */
void search_mail_flush(struct search *s);
/* Ends the transactions of earlier days: before that of s->day, and on the
 * disk, so that a crash between the two makes a line be taken again and never
 * be left out (messages.seen says which were). */
bool search_mail_commit(struct search *s, struct err *err) MUST_USE;
void search_mail_rollback(struct search *s);
void search_mail_close(struct search *s);
