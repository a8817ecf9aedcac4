/*
 * What happened, for people: an append-only file per hour of JSON lines that
 * admin indexes and `trace` shows (SPEC 11.7): sessions, refused ones too,
 * and every step of a message. Never bodies, never secrets.
 *
 * A thread hands over whole lines; one journal thread writes them. Events of
 * accept, outcome and release are never dropped (they are in the spool until
 * the journal is synced past them); others may be, counted, when the journal
 * is over its budget or can't keep up.
 */
#pragma once

#include "base/json.h"
#include "base/log.h"
#include "os/thread.h"

struct journal;
struct journal_config {
	int dir;			/* of os_dir_open; stays the caller's */
	struct log *log;
	uint64_t keep_ms;		/* 30 days */
	uint64_t max_bytes;		/* 20 GiB */
	uint64_t queue_max_bytes;	/* lines waiting to be written: 16 MiB */
};
bool journal_open(const struct journal_config *config, struct journal **out,
		  struct err *err) MUST_USE;
bool journal_start(struct journal *j, struct err *err) MUST_USE;
/* Writes what waits, syncs, ends its thread. */
void journal_close(struct journal **j);

/* Log position of the spool up to which this journal is synced: what lies
 * behind is told again by recovery. */
uint64_t journal_position(const struct journal *j);

enum journal_weight {
	JOURNAL_MAY_DROP,
	JOURNAL_KEEP,			/* accept, outcome, release */
};

/* An event being put together; `at`, `event` and the ids stand first.
 *	struct journal_event e;
 *	journal_begin(&e, j, "session.end", wall_ms);
 *	json_member_string(&e.json, "helo", helo);
 *	journal_end(&e, JOURNAL_MAY_DROP, 0);
 */
struct journal_event {
	struct journal *journal;
	struct buf line;
	struct json json;
};
void journal_begin(struct journal_event *e, struct journal *j,
		   const char *event, int64_t wall_ms);
/* position: of the spool frame this event comes from, 0 if none. Any
 * thread; copies. */
void journal_end(struct journal_event *e, enum journal_weight weight,
		 uint64_t position);
/* For recovery: `line` is what stood in journal_event.line before journal_end
 * (an object that is still open); it is told once more, marked "again". */
void journal_again(struct journal *j, slice line, uint64_t position);
uint64_t journal_dropped(const struct journal *j);

/* When the hour of the newest file began, ms; 0: there is none. */
bool journal_last_ms(int dir, int64_t *out, struct err *err) MUST_USE;

/* --- reading (admin) ------------------------------------------------------ */

struct journal_cursor {			/* where a reader is */
	uint64_t hour;			/* hours since 1970, the file's name */
	uint64_t offset;
};
/* Calls each for every complete line behind *at and moves *at, at most
 * max_lines; *more tells whether there is more now. */
bool journal_read(int dir, struct journal_cursor *at, uint32_t max_lines,
		  bool (*each)(void *ctx, slice line), void *ctx, bool *more,
		  struct err *err) MUST_USE;
