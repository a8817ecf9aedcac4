/* A file of changes, one after the other; each has its own length and
 * checksum, so nothing stands around them. */
#include <inttypes.h>
#include <stdio.h>

#include "control/view_file_private.h"
#include "os/file.h"

enum { READ_BYTES = 262144, DIGITS = 20 };

const char *view_file_name(uint64_t revision, char to[VIEW_NAME_TEXT_MAX])
{
	snprintf(to, VIEW_NAME_TEXT_MAX, "view-%020" PRIu64, revision);
	return to;
}

bool view_file_revision(const char *name, uint64_t *revision)
{
	slice s = slice_of(name);
	return slice_starts(s, SLICE("view-")) && s.n == 5 + DIGITS &&
	       slice_u64(slice_skip(s, 5), UINT64_MAX, revision) &&
	       *revision > 0;
}

bool change_reader_open(struct change_reader *r, int dir, const char *name,
			struct err *err)
{
	*r = (struct change_reader){ .fd = -1 };
	buf_init(&r->bytes, READ_BYTES + CHANGE_MAX);
	return os_file_open(dir, name, OS_READ, &r->fd, err);
}

void change_reader_close(struct change_reader *r)
{
	os_file_close(&r->fd);
	buf_fini(&r->bytes);
}

static slice rest(const struct change_reader *r)
{
	return slice_skip(buf_slice(&r->bytes), r->taken);
}

static bool fill(struct change_reader *r, struct err *err)
{
	buf_consume(&r->bytes, r->taken);
	r->taken = 0;
	char *room = buf_room(&r->bytes, READ_BYTES);
	if (room == NULL)
		return err_set_memory(err, "view_file");
	size_t n;
	if (!os_file_read(r->fd, room, READ_BYTES, r->offset + r->bytes.n, &n,
			  err))
		return false;
	buf_added(&r->bytes, n);
	r->at_end = n < READ_BYTES;
	return true;
}

bool change_reader_next(struct change_reader *r, bool *got,
			struct stored_change *out, struct err *err)
{
	size_t length = 0;
	*got = false;
	for (;;) {
		if (!change_length(rest(r), &length))
			return true;
		if (length > 0 || r->at_end)
			break;
		if (!fill(r, err))
			return false;
	}
	if (length == 0)
		return true;
	out->bytes = slice_sub(rest(r), 0, length);
	if (!change_peek(out->bytes, &out->revision, &out->last))
		return true;
	r->taken += length;
	r->offset += length;
	*got = true;
	return true;
}
