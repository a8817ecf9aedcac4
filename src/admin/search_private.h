/* What indexing and searching share: a day's file. */
#pragma once

#include "admin/search.h"
#include "admin/store.h"
#include "journal/journal.h"

enum { SEARCH_PATH_MAX = 4096, SEARCH_DAYS_MAX = 4000,
       ADDRESS_FOLD_MAX = 400 };

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
bool search_day_remove(struct search *s, uint64_t day,
		       struct err *err) MUST_USE;
