/*
 * The store for `postrider backup` and `restore`: a whole copy of it at one
 * moment, also while a service writes; and what makes a copy that was put
 * back the store of a service.
 */
#pragma once

#include "admin/store_look.h"

#define STORE_COPY_FILE "backup.db"

/*
 * Writes path/STORE_COPY_FILE (path: of the folder with directory.db), over
 * an older one; synced. SQLite's own means (VACUUM INTO): one transaction
 * reads, nobody who writes waits for it. As store_look; on STORE_GOOD and
 * STORE_OLDER the copy is there, else it isn't.
 */
void store_copy(const char *path, struct store_looked *out);

/* Numbers of revisions left free: those of changes that the lost machine may
 * have made after the backup never stand for something else. */
enum { STORE_REVISIONS_LEFT = 1000 };

struct store_adopt {
	uint64_t above;			/* revision of the store that was there
					 * before; 0: none */
	uint32_t uid;			/* who restores */
	int64_t at_ms;
};
/*
 * Adds a revision STORE_REVISIONS_LEFT above the store's and `above`, and its
 * row in the audit log. Its call is "restore": the next start makes the view
 * from all of the store (core.c). ERR_IO, or ERR_PERMANENT when this is no
 * store.
 */
bool store_adopt(const char *path, const struct store_adopt *how,
		 uint64_t *revision, struct err *err) MUST_USE;
