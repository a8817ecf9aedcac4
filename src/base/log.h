/*
 * One event, one line of JSON on stderr (or the descriptor that master
 * gave): {"at":…,"level":…,"event":"…", fields…}. Strings of strangers are
 * escaped and cut; a line that would grow beyond its cap loses its last
 * members and says "cut":true. Never bodies, never secrets.
 *
 * A log is a value that each thread holds by pointer; its sink is a
 * function, so base/ does no I/O itself. A line that can't be written is
 * counted, never waited for. So is a line past LOG_LINES_A_SECOND: a failing
 * disk is told of often enough, and the log doesn't fill another one. (Of one
 * client far fewer are written: receive/log_sources.)
 */
#pragma once

#include <stdatomic.h>

#include "base/err.h"
#include "base/json.h"

enum {
	LOG_LINE_MAX = 8192,		/* the default */
	LOG_STRING_MAX = 2048,
	LOG_LINES_A_SECOND = 1000,	/* the rest is counted as lost */
};

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_ALARM };

struct log {
	enum log_level level;		/* below it nothing is written */
	/* Writes one whole line, newline included; false: lost. Thread-safe. */
	bool (*write)(void *ctx, slice line);
	int64_t (*wall_ms)(void *ctx);
	void *ctx;
	const char *role;		/* "relay", "admin", … */
	_Atomic uint64_t lost;
	_Atomic int64_t second;		/* of the wall clock, and … */
	_Atomic uint32_t in_second;	/* … lines begun in it */
	uint32_t line_max;		/* limits.log_line; 0: LOG_LINE_MAX */
};

/* An event being put together on the stack:
 *	struct log_event e;
 *	log_begin(&e, log, LOG_INFO, "spool.segment_closed");
 *	json_member_u64(&e.json, "segment", n);
 *	log_end(&e);
 */
struct log_event {
	struct log *log;
	struct buf line;
	struct json json;
	bool wanted;
};
void log_begin(struct log_event *e, struct log *log, enum log_level level,
	       const char *event);
/* kind, scope, where, text, detail of an error as members. */
void log_err(struct log_event *e, const struct err *err);
void log_end(struct log_event *e);

/* An event that is only an error. */
void log_failure(struct log *log, enum log_level level, const char *event,
		 const struct err *err);
