/*
 * Reads checkpoint files: all of it is checked before anything is told.
 */
#include "spool/spool_private.h"

#include "base/crc32c.h"

enum {
	FILE_HEAD = 40,
	BLOCK_HEAD = 20,
	END_BYTES = 32,
	BLOCK_MAX = ENVELOPE_MAX + CHECKPOINT_BLOCK,
};

static bool bad(const struct checkpoint_reader *r, struct err *err,
		const char *what)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "spool_checkpoint",
		       "checkpoint %llu: %s", (unsigned long long)r->number,
		       what);
}

static bool read_head(struct checkpoint_reader *r, struct err *err)
{
	char head[FILE_HEAD];
	size_t n;
	if (!os_file_read(r->fd, head, sizeof(head), 0, &n, err))
		return false;
	struct cursor c = cursor_of((slice){ head, n });
	slice magic = cursor_take(&c, 8);
	uint32_t version = cursor_u32(&c);
	uint64_t number = cursor_u64(&c);
	r->position = cursor_u64(&c);
	(void)cursor_u64(&c);
	uint32_t crc = cursor_u32(&c);
	if (!cursor_done(&c) || !slice_eq(magic, SLICE("PRCKPT1\n")) ||
	    crc != crc32c(0, head, n - 4))
		return bad(r, err, "damaged head");
	if (version != FORMAT_VERSION)
		return bad(r, err, "of another version");
	if (number != r->number)
		return bad(r, err, "has another number");
	return true;
}

/* The block at *at into r->block; moves *at behind it. */
static bool read_block(struct checkpoint_reader *r, uint64_t *at,
		       enum block_kind *kind, uint32_t *count,
		       struct err *err)
{
	char head[BLOCK_HEAD];
	size_t n;
	if (!os_file_read(r->fd, head, sizeof(head), *at, &n, err))
		return false;
	struct cursor c = cursor_of((slice){ head, n });
	slice magic = cursor_take(&c, 4);
	uint32_t said = cursor_u32(&c), bytes = cursor_u32(&c);
	*count = cursor_u32(&c);
	uint32_t crc = cursor_u32(&c);
	if (!cursor_done(&c) || !slice_eq(magic, SLICE("\xf7PRB")) ||
	    said < BLOCK_STATES || said > BLOCK_END || bytes > BLOCK_MAX)
		return bad(r, err, "damaged block");
	*kind = (enum block_kind)said;
	buf_clear(&r->block);
	char *to = bytes ? buf_room(&r->block, bytes) : NULL;
	if (bytes > 0 && to == NULL)
		return err_set_memory(err, "spool_checkpoint");
	n = 0;
	if (bytes > 0 && !os_file_read(r->fd, to, bytes, *at + BLOCK_HEAD,
				       &n, err))
		return false;
	if (n != bytes || crc32c(crc32c(0, head, BLOCK_HEAD - 4), to, n) != crc)
		return bad(r, err, "damaged block");
	buf_added(&r->block, bytes);
	*at += BLOCK_HEAD + bytes;
	return true;
}

static bool read_end(struct checkpoint_reader *r, uint64_t counts[3],
		     struct err *err)
{
	enum block_kind kind;
	uint32_t count;
	if (r->bytes < FILE_HEAD + BLOCK_HEAD + END_BYTES)
		return bad(r, err, "too short");
	uint64_t at = r->bytes - BLOCK_HEAD - END_BYTES;
	if (!read_block(r, &at, &kind, &count, err))
		return false;
	struct cursor c = cursor_of(buf_slice(&r->block));
	r->places_at = cursor_u64(&c);
	for (unsigned i = 0; i < 3; i++)
		counts[i] = cursor_u64(&c);
	if (kind != BLOCK_END || !cursor_done(&c) || at != r->bytes)
		return bad(r, err, "no end");
	return true;
}

static bool check_all(struct checkpoint_reader *r, const uint64_t counts[3],
		      struct err *err)
{
	uint64_t seen[BLOCK_END + 1] = { 0 };
	uint64_t at = FILE_HEAD;
	enum block_kind kind = BLOCK_STATES;
	while (at < r->bytes) {
		uint32_t count;
		uint64_t from = at;
		if (!read_block(r, &at, &kind, &count, err))
			return false;
		if ((kind == BLOCK_STATES) != (from < r->places_at))
			return bad(r, err, "blocks out of order");
		seen[kind] += count;
	}
	if (at != r->bytes || kind != BLOCK_END ||
	    seen[BLOCK_STATES] != counts[0] ||
	    seen[BLOCK_PLACES] != counts[1] ||
	    seen[BLOCK_SEGMENTS] != counts[2])
		return bad(r, err, "incomplete");
	return true;
}

bool checkpoint_open(int dir, uint64_t number, bool whole,
		     struct checkpoint_reader *r, struct err *err)
{
	char name[NAME_MAX_BYTES];
	uint64_t counts[3];
	*r = (struct checkpoint_reader){ .fd = -1, .number = number };
	buf_init(&r->block, BLOCK_MAX);
	if (os_file_open(dir, checkpoint_name(number, false, name), OS_READ,
			 &r->fd, err) &&
	    os_file_size(r->fd, &r->bytes, err) && read_head(r, err) &&
	    read_end(r, counts, err) &&
	    (!whole || check_all(r, counts, err))) {
		r->places = counts[1];
		return true;
	}
	checkpoint_close(r);
	return false;
}

void checkpoint_close(struct checkpoint_reader *r)
{
	buf_fini(&r->block);
	if (r->fd >= 0)
		os_file_close(&r->fd);
}

bool checkpoint_each(struct checkpoint_reader *r, enum block_kind kind,
		     bool (*each)(void *ctx, struct cursor *record,
				  struct err *err),
		     void *ctx, struct err *err)
{
	uint64_t at = kind == BLOCK_STATES ? FILE_HEAD : r->places_at;
	uint64_t end = kind == BLOCK_STATES ? r->places_at : r->bytes;
	while (at < end) {
		enum block_kind is;
		uint32_t count;
		if (!read_block(r, &at, &is, &count, err))
			return false;
		if (is != kind)
			continue;
		struct cursor c = cursor_of(buf_slice(&r->block));
		while (count-- > 0 && !c.failed)
			if (!each(ctx, &c, err))
				return false;
		if (!cursor_done(&c))
			return bad(r, err, "records don't fill a block");
	}
	return true;
}
