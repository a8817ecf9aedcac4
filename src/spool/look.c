/* A first look at a spool for `postrider check`: the heads of its segments,
 * while a service may be at work there. Locks nothing, writes nothing. */
#include "spool/spool_private.h"

#include <errno.h>

struct looking {
	int dir;
	struct spool_looked *out;
	struct err *err;
	bool ok;
};

static bool look_at(void *ctx, const char *entry)
{
	struct looking *l = ctx;
	struct err err = { 0 };
	uint32_t number;
	uint64_t salt;
	int fd;
	if (!name_number(slice_of(entry), SLICE("seg-"), SLICE(".log"),
			 &number))
		return true;
	enum head_result head = HEAD_FAILED;
	if (os_file_open(l->dir, entry, OS_READ, &fd, &err)) {
		head = segment_read_head(fd, number, &salt, &err);
		os_file_close(&fd);
	} else if (err.os_error == ENOENT) {
		return true;		/* all of it was delivered meanwhile */
	}
	l->out->segments++;
	l->out->damaged += head == HEAD_BAD;
	l->out->foreign += head == HEAD_FOREIGN;
	if (head == HEAD_FAILED && l->err != NULL)
		*l->err = err;
	l->ok = head != HEAD_FAILED;
	return l->ok;
}

bool spool_look(int dir, struct spool_looked *out, struct err *err)
{
	struct looking l = { .dir = dir, .out = out, .err = err, .ok = true };
	*out = (struct spool_looked){ 0 };
	return os_dir_list(dir, look_at, &l, err) && l.ok;
}
