/*
 * `postrider restore`: cmd_restore.c reads and judges the backup and the
 * place, restore_place.c writes.
 *
 *   verified ── staged in data_dir/restore.new ── store judged there ──
 *   old folders aside (--force) ── keys, certs, named files, configuration,
 *   store in place ── restore.new removed ── view made by admin
 *
 * Nothing but restore.new is touched before the store in it has been judged.
 * While restore.new is there no service starts (layout_make).
 */
#pragma once

#include "app/backup_private.h"
#include "app/service.h"

enum { RESTORE_KEPT_MAX = BACKUP_NAMED_MAX + 8, STAMP_MAX = 64 };

struct restore {
	const struct cli *cli;
	bool force;
	int from;			/* the backup's folder */
	struct backup_manifest m;
	struct arena arena;
	struct config config;
	const char *config_file;	/* where it goes, or lies; NULL: none */
	slice config_text;		/* to go there; empty: it stays */
	const char *named[BACKUP_NAMED_MAX];	/* to be put back */
	size_t named_count;
	struct layout layout;
	int lock;
	uint64_t revision;
	char stamp[STAMP_MAX];		/* ".before-restore-…" */
	slice kept[RESTORE_KEPT_MAX];	/* old things, under their new names */
	size_t kept_count;
	int code;			/* to end with */
};

/* False, for `return`. */
bool restore_ends(struct restore *r, int code);
bool restore_fails(struct restore *r, const char *place,
		   const struct err *err);
/* A file of the backup, open; links are not followed. */
bool restore_open_file(struct restore *r, const struct backup_file *f, int *fd,
		       struct err *err) MUST_USE;
/* What is there already is in the way (said), unless --force. */
bool restore_is_free(struct restore *r) MUST_USE;
/* Puts everything in place. False: said; r->code. */
bool restore_place(struct restore *r) MUST_USE;
