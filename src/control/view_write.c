/*
 * Writing the view's files; see view_file.h. A new view file is written
 * under another name, synced and renamed, and only then the log begins
 * anew: whatever stands in the folder at a crash, view_load finds the last
 * appended revision in it.
 */
#include <stdlib.h>

#include "control/view_file_private.h"
#include "os/file.h"

#define VIEW_NEW "view.new"

struct view_writer {
	int dir;
	int log;			/* -1: broken */
	uint64_t log_bytes;
	uint64_t file_bytes;
};

/* Appending, and the folder knows it. */
static bool open_log(struct view_writer *w, struct err *err)
{
	return os_file_open(w->dir, VIEW_LOG, OS_APPEND, &w->log, err) &&
	       os_dir_sync(w->dir, err);
}

static bool cut_torn(int dir, uint64_t good, struct err *err)
{
	int fd;
	bool ok = os_file_open(dir, VIEW_LOG, OS_READ_WRITE, &fd, err) &&
		  os_file_truncate(fd, good, err) && os_file_sync(fd, err);
	os_file_close(&fd);
	return ok;
}

bool view_writer_open(int dir, const struct view_loaded *loaded,
		      struct view_writer **out, struct err *err)
{
	struct view_writer *w = calloc(1, sizeof(*w));
	*out = NULL;
	if (w == NULL)
		return err_set_memory(err, "view_writer_open");
	*w = (struct view_writer){ .dir = dir, .log = -1,
				   .log_bytes = loaded->log_bytes,
				   .file_bytes = loaded->file_bytes };
	if ((loaded->torn_bytes > 0 &&
	     !cut_torn(dir, loaded->log_bytes, err)) ||
	    !open_log(w, err)) {
		view_writer_close(&w);
		return false;
	}
	*out = w;
	return true;
}

void view_writer_close(struct view_writer **w)
{
	if (*w == NULL)
		return;
	os_file_close(&(*w)->log);
	free(*w);
	*w = NULL;
}

bool view_writer_broken(const struct view_writer *w)
{
	return w->log < 0;
}

bool view_writer_due(const struct view_writer *w)
{
	uint64_t tenth = w->file_bytes / 10;
	return w->log < 0 ||
	       w->log_bytes > (tenth > VIEW_LOG_MIN_BYTES ? tenth :
						VIEW_LOG_MIN_BYTES);
}

bool view_writer_append(struct view_writer *w, slice changes, struct err *err)
{
	if (w->log < 0)
		return err_set(err, ERR_IO, SCOPE_SELF, "view_writer_append",
			       "view.log is broken and was not yet rewritten");
	if (os_file_append(w->log, changes, err) &&
	    os_file_sync(w->log, err)) {
		w->log_bytes += changes.n;
		return true;
	}
	/* The kernel may have dropped what it could not write: this
	 * descriptor is not synced again, and what stands there is cut. */
	os_file_close(&w->log);
	if (cut_torn(w->dir, w->log_bytes, NULL) && !open_log(w, NULL))
		os_file_close(&w->log);
	return false;
}

/* --- a new view file ------------------------------------------------------ */

struct output {
	int fd;
	uint64_t bytes;
};

static bool write_change(void *ctx, slice change, struct err *err)
{
	struct output *o = ctx;
	o->bytes += change.n;
	return os_file_append(o->fd, change, err);
}

static bool write_file(int dir, const struct view *v, uint64_t *bytes,
		       struct err *err)
{
	char name[VIEW_NAME_TEXT_MAX];
	struct output o = { .fd = -1 };
	bool ok = os_file_unlink(dir, VIEW_NEW, err) &&
		  os_file_open(dir, VIEW_NEW, OS_APPEND, &o.fd, err) &&
		  view_export(v, write_change, &o, err) &&
		  os_file_sync(o.fd, err);
	os_file_close(&o.fd);
	ok = ok &&
	     os_file_rename(dir, VIEW_NEW, dir,
			    view_file_name(view_revision(v), name), err) &&
	     os_dir_sync(dir, err);
	if (!ok)
		(void)!os_file_unlink(dir, VIEW_NEW, NULL);
	*bytes = o.bytes;
	return ok;
}

struct old_files {
	int dir;
	uint64_t newest[VIEW_FILES_KEPT];
	bool remove;		/* second round */
};

static bool sort_out(void *ctx, const char *name)
{
	struct old_files *o = ctx;
	uint64_t revision;
	if (!view_file_revision(name, &revision))
		return true;
	if (o->remove && revision < o->newest[VIEW_FILES_KEPT - 1])
		(void)!os_file_unlink(o->dir, name, NULL);
	for (size_t i = 0; !o->remove && i < VIEW_FILES_KEPT; i++)
		if (revision > o->newest[i]) {
			uint64_t less = o->newest[i];
			o->newest[i] = revision;
			revision = less;
		}
	return true;
}

/* What can't be removed now is removed the next time. */
static void remove_old(int dir)
{
	struct old_files o = { .dir = dir };
	if (!os_dir_list(dir, sort_out, &o, NULL))
		return;
	o.remove = true;
	(void)!os_dir_list(dir, sort_out, &o, NULL);
}

static bool log_renew(struct view_writer *w, struct err *err)
{
	os_file_close(&w->log);
	struct err why;
	if (!os_file_rename(w->dir, VIEW_LOG, w->dir, VIEW_LOG_OLD, &why)) {
		/* Renaming fails when it is not there, which is fine. */
		int fd;
		if (os_file_open(w->dir, VIEW_LOG, OS_READ, &fd, NULL)) {
			os_file_close(&fd);
			if (err != NULL)
				*err = why;
			return false;
		}
	}
	w->log_bytes = 0;
	if (open_log(w, err))
		return true;
	os_file_close(&w->log);
	return false;
}

bool view_writer_rewrite(struct view_writer *w, const struct view *v,
			 struct err *err)
{
	uint64_t bytes;
	invariant(view_complete(v) && view_revision(v) > 0);
	if (!write_file(w->dir, v, &bytes, err) || !log_renew(w, err))
		return false;
	w->file_bytes = bytes;
	remove_old(w->dir);
	return true;
}
