/*
 * What the parts of journal/ share: names of files, the list of files that
 * retention works on, the position file.
 */
#pragma once

#include "journal/journal.h"

enum {
	JOURNAL_NAME_MAX = 24,		/* "2026112404.jsonl" and NUL */
	JOURNAL_FILES_MAX = 200000,	/* 22 years of hours */
};
static const uint64_t JOURNAL_HOUR_MS = 3600000;

const char *journal_name(uint64_t hour, char to[JOURNAL_NAME_MAX]);
/* False for any other file. */
bool journal_name_parse(const char *name, uint64_t *hour) MUST_USE;

/* The files of a journal, oldest first. */
struct journal_file {
	uint64_t hour;
	uint64_t bytes;
};
struct journal_files {
	struct journal_file *rows;
	size_t count, cap;
	uint64_t total_bytes;
};
void journal_files_fini(struct journal_files *f);
bool journal_files_load(struct journal_files *f, int dir,
			struct err *err) MUST_USE;
/* The row of that hour, which must not be older than the newest one; made
 * when missing. NULL out of memory. */
struct journal_file *journal_files_at(struct journal_files *f, uint64_t hour);
/* Removes files from the front: older than oldest_hour, or while all
 * together have more than max_bytes. Never the newest. */
bool journal_files_trim(struct journal_files *f, int dir, uint64_t oldest_hour,
			uint64_t max_bytes, struct err *err) MUST_USE;

/* The spool position, in two slots written in turn: a torn write costs one
 * second, not the file. A missing or broken file gives 0: all is told again. */
struct journal_mark {
	int fd;
	uint64_t sequence;
	uint64_t position;
};
bool journal_mark_open(struct journal_mark *m, int dir,
		       struct err *err) MUST_USE;
bool journal_mark_write(struct journal_mark *m, uint64_t position,
			struct err *err) MUST_USE;
void journal_mark_close(struct journal_mark *m);
