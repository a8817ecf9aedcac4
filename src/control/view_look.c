/* A first look at the view's files for `postrider check`: does each begin
 * with a record that this program reads? Relay, at its start, reads them
 * whole. */
#include <errno.h>

#include "control/view_file_private.h"
#include "os/file.h"

struct looking {
	int dir;
	struct view_looked *out;
	struct err *err;
	bool ok;
};

/* The log is empty until something changes. */
static bool reads(struct change_reader *r, bool may_be_empty, bool *good,
		  struct err *err)
{
	struct stored_change c;
	uint64_t size;
	return change_reader_next(r, good, &c, err) &&
	       (*good || os_file_size(r->fd, &size, err)) &&
	       (*good || ((*good = may_be_empty && size == 0), true));
}

static bool look_at(void *ctx, const char *name)
{
	struct looking *l = ctx;
	struct change_reader r;
	struct err err = { 0 };
	uint64_t revision;
	bool is_log = strcmp(name, VIEW_LOG) == 0, good = false;
	if (!is_log && !view_file_revision(name, &revision))
		return true;
	bool open = change_reader_open(&r, l->dir, name, &err);
	l->ok = open ? reads(&r, is_log, &good, &err)
		     : err.os_error == ENOENT;	/* replaced meanwhile */
	change_reader_close(&r);
	if (open && l->ok) {
		l->out->files++;
		l->out->damaged += !good;
	}
	if (!l->ok && l->err != NULL)
		*l->err = err;
	return l->ok;
}

bool view_look(int dir, struct view_looked *out, struct err *err)
{
	struct looking l = { .dir = dir, .out = out, .err = err, .ok = true };
	*out = (struct view_looked){ 0 };
	return os_dir_list(dir, look_at, &l, err) && l.ok;
}
