/*
 * The view on disk, in data_dir/view: a compiled file `view-REVISION` and
 * the log `view.log` of the changes since (docs/formats/view_files.md).
 * admin appends each change, synced, before it sends it, so relay, at start
 * or alone, never goes back to an older revision. Only admin writes here;
 * relay and the command line read. Blocking file calls: on the control
 * thread, in admin, at start.
 */
#pragma once

#include "policy/change.h"

enum {
	/* The log is compiled into a new view file when it exceeds a tenth
	 * of the file, at least this. */
	VIEW_LOG_MIN_BYTES = 1048576,
	VIEW_FILES_KEPT = 2,
};

struct view_loaded {
	const struct view *view;	/* the caller's reference */
	uint64_t file_bytes;		/* of the view file it began with */
	uint64_t log_bytes;		/* of view.log, up to the end of the
					 * last whole change */
	uint64_t torn_bytes;		/* behind that: a torn append, or a
					 * broken log */
	uint32_t bad_files;		/* view files that did not check */
	bool gap;			/* the log goes on from a revision
					 * that is not here */
};
/* Newest good view file, then the log. Nothing there: an empty view. */
bool view_load(int dir, struct view_loaded *out, struct err *err) MUST_USE;

/* Calls each for every change (all parts, in order) of the revisions above
 * `after` that stand in the logs. *whole: they go on from after + 1 without
 * a gap up to the end. */
bool view_log_read(int dir, uint64_t after,
		   bool (*each)(void *ctx, slice change), void *ctx,
		   bool *whole, struct err *err) MUST_USE;

/* What a first look tells, for `postrider check`: files that don't begin with
 * a record this program reads. Also while a service is at work. */
struct view_looked {
	uint32_t files, damaged;
};
bool view_look(int dir, struct view_looked *out, struct err *err) MUST_USE;

struct view_writer;
/* Cuts off what is torn. dir stays the caller's. */
bool view_writer_open(int dir, const struct view_loaded *loaded,
		      struct view_writer **out, struct err *err) MUST_USE;
void view_writer_close(struct view_writer **w);
/* All parts of one change; synced when it returns true. After a failure the
 * log is as before, or (view_writer_broken) only view_writer_rewrite helps. */
bool view_writer_append(struct view_writer *w, slice changes,
			struct err *err) MUST_USE;
bool view_writer_broken(const struct view_writer *w);
/* The log is long: time to rewrite. */
bool view_writer_due(const struct view_writer *w);
/* Writes v as a new view file and begins a new log. v is complete and of the
 * last appended revision or a later one. */
bool view_writer_rewrite(struct view_writer *w, const struct view *v,
			 struct err *err) MUST_USE;
