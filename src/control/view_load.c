/* Loading the view from its files; see view_file.h. */
#include <errno.h>

#include "control/view_file_private.h"
#include "os/file.h"

enum { FILES_MAX = 64 };

struct files {
	uint64_t revisions[FILES_MAX];	/* newest first */
	uint32_t count;
};

static bool missing(const struct err *err)
{
	return err->kind == ERR_IO && err->os_error == ENOENT;
}

static bool note_file(void *ctx, const char *name)
{
	struct files *f = ctx;
	uint64_t revision;
	if (!view_file_revision(name, &revision))
		return true;
	uint32_t at = f->count < FILES_MAX ? f->count++ : FILES_MAX - 1;
	for (; at > 0 && f->revisions[at - 1] < revision; at--)
		f->revisions[at] = f->revisions[at - 1];
	if (at < FILES_MAX - 1 || f->revisions[at] < revision)
		f->revisions[at] = revision;
	return true;
}

/* --- a view file ---------------------------------------------------------- */

static bool not_good(struct err *err)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "view_load",
		       "view file does not check");
}

static bool apply_all(struct change_reader *r, const struct view **v,
		      uint64_t revision, struct err *err)
{
	for (;;) {
		struct stored_change c;
		bool got;
		if (!change_reader_next(r, &got, &c, err))
			return false;
		if (!got)
			return true;
		if (c.revision != revision ||
		    (view_complete(*v) && view_revision(*v) == revision))
			return not_good(err);
		if (!view_apply_onto(v, c.bytes, err))
			return false;
		if (c.last)
			return true;
	}
}

/* The whole file, one change in parts, of its name's revision. */
static bool load_file(int dir, uint64_t revision, struct view_loaded *out,
		      struct err *err)
{
	char name[VIEW_NAME_TEXT_MAX];
	struct change_reader r;
	const struct view *v = view_new();
	if (v == NULL)
		return err_set_memory(err, "view_load");
	bool ok = change_reader_open(&r, dir,
				     view_file_name(revision, name), err) &&
		  apply_all(&r, &v, revision, err) &&
		  os_file_size(r.fd, &out->file_bytes, err);
	if (ok && (!view_complete(v) || view_revision(v) != revision ||
		   r.offset != out->file_bytes))
		ok = not_good(err);
	change_reader_close(&r);
	if (ok)
		out->view = v;
	else
		view_unref(&v);
	return ok;
}

static bool load_newest(int dir, struct view_loaded *out, struct err *err)
{
	struct files files = { .count = 0 };
	if (!os_dir_list(dir, note_file, &files, err))
		return false;
	for (uint32_t i = 0; i < files.count; i++) {
		struct err why;
		if (load_file(dir, files.revisions[i], out, &why))
			return true;
		if (why.kind == ERR_INTERNAL) {	/* memory: no verdict */
			*err = why;
			return false;
		}
		out->bad_files++;
	}
	out->file_bytes = 0;
	out->view = view_new();
	return out->view != NULL || err_set_memory(err, "view_load");
}

/* --- the log -------------------------------------------------------------- */

/* One change of the log onto out->view; *part is the view while a change of
 * several parts is on its way. False: it does not fit. */
static bool replay(struct view_loaded *out, const struct view **part,
		   const struct stored_change *c, struct err *err)
{
	const struct view *from = *part != NULL ? *part : out->view;
	const struct view *next;
	if (*part == NULL && c->revision != view_revision(out->view) + 1) {
		out->gap = true;
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "view_load",
			       "the log goes on from another revision");
	}
	if (!view_apply(from, c->bytes, &next, err))
		return false;
	view_unref(part);
	if (!view_complete(next)) {
		*part = next;
		return true;
	}
	view_unref(&out->view);
	out->view = next;
	return true;
}

/* *good: offset behind the last whole change. */
static bool replay_all(struct change_reader *r, struct view_loaded *out,
		       uint64_t *good, struct err *err)
{
	const struct view *part = NULL;
	bool got = true, ok = true;
	*good = 0;
	while (ok && got) {
		struct stored_change c;
		ok = change_reader_next(r, &got, &c, err);
		if (!ok || !got)
			break;
		bool old = part == NULL &&
			   c.revision <= view_revision(out->view);
		struct err why;
		if (!old && !replay(out, &part, &c, &why)) {
			ok = why.kind != ERR_INTERNAL;
			if (!ok)
				*err = why;
			break;
		}
		/* An old change of several parts ends with its last one. */
		if (part == NULL && c.last)
			*good = r->offset;
	}
	view_unref(&part);
	return ok;
}

static bool load_log(int dir, const char *name, struct view_loaded *out,
		     struct err *err)
{
	struct change_reader r;
	uint64_t size;
	out->log_bytes = out->torn_bytes = 0;
	if (!change_reader_open(&r, dir, name, err)) {
		change_reader_close(&r);
		return missing(err);
	}
	bool ok = replay_all(&r, out, &out->log_bytes, err) &&
		  os_file_size(r.fd, &size, err);
	if (ok && size > out->log_bytes)
		out->torn_bytes = size - out->log_bytes;
	change_reader_close(&r);
	return ok;
}

bool view_load(int dir, struct view_loaded *out, struct err *err)
{
	struct err local;
	if (err == NULL)
		err = &local;
	*out = (struct view_loaded){ 0 };
	if (!load_newest(dir, out, err))
		return false;
	/* The old log only bridges to the new one when the newest file is
	 * bad; what it says is skipped otherwise. */
	bool ok = load_log(dir, VIEW_LOG_OLD, out, err);
	out->gap = false;
	ok = ok && load_log(dir, VIEW_LOG, out, err);
	if (!ok)
		view_unref(&out->view);
	return ok;
}

/* --- changes since a revision --------------------------------------------- */

struct since {
	uint64_t done;		/* this revision was told whole */
	bool gap;
	bool (*each)(void *ctx, slice change);
	void *ctx;
};

static bool tell_log(int dir, const char *name, struct since *s,
		     struct err *err)
{
	struct change_reader r;
	struct err why;
	bool ok = change_reader_open(&r, dir, name, &why);
	if (!ok && missing(&why)) {
		change_reader_close(&r);
		return true;
	}
	for (bool got = true; ok && got && !s->gap;) {
		struct stored_change c;
		ok = change_reader_next(&r, &got, &c, &why);
		if (!ok || !got || c.revision <= s->done)
			continue;
		if (c.revision != s->done + 1 || !s->each(s->ctx, c.bytes))
			s->gap = true;
		else if (c.last)
			s->done = c.revision;
	}
	change_reader_close(&r);
	if (!ok && err != NULL)
		*err = why;
	return ok;
}

bool view_log_read(int dir, uint64_t after,
		   bool (*each)(void *ctx, slice change), void *ctx,
		   bool *whole, struct err *err)
{
	struct since s = { .done = after, .each = each, .ctx = ctx };
	bool ok = tell_log(dir, VIEW_LOG_OLD, &s, err) &&
		  tell_log(dir, VIEW_LOG, &s, err);
	*whole = ok && !s.gap;
	return ok;
}
