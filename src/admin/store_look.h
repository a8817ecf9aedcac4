/*
 * A first look at the store, for `postrider check`: is it there, of which
 * schema, can it be read? Changes nothing; a service may be at work on it.
 */
#pragma once

#include "base/err.h"

enum store_state {
	STORE_GOOD,
	STORE_ABSENT,
	STORE_OLDER,		/* the next start migrates it */
	STORE_NEWER,		/* written by a newer version */
	STORE_DAMAGED,
	STORE_CLOSED,		/* can't be read: why in text */
	STORE_STATE_COUNT,
};
/* "good", "absent", … between the program that looks and the one that asked. */
const char *store_state_name(enum store_state state);

struct store_looked {
	enum store_state state;
	uint32_t schema;	/* of the file; 0: unknown */
	uint32_t known;		/* to this program */
	uint64_t revision;	/* the last one; 0: none, or unknown */
	char text[160];		/* SQLite's or the system's words */
};
/* path: of the folder with directory.db. Pages are checked one by one when the
 * file is at most STORE_LOOK_WHOLE_BYTES long, else its schema only. */
enum { STORE_LOOK_WHOLE_BYTES = 67108864 };
void store_look(const char *path, struct store_looked *out);

/* What SQLite refused, of a look and of a copy: state and text. db: NULL when
 * there was no memory for one. */
struct sqlite3;
void store_look_refused(struct store_looked *out, struct sqlite3 *db);
