/*
 * The last time that is known: every batch says when it was written, and a
 * small file is noted now and then, since a log without mail has no batches.
 * Read before recovery, which must know what time it is.
 */
#include "spool/spool_private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/crc32c.h"

static const char clock_magic[8] = { 'P', 'R', 'C', 'L', 'O', 'C', 'K', '\n' };
enum {
	CLOCK_VERSION = 1,
	CLOCK_BYTES = 28,
	/* Of the newest segments: the spares have no frames, some before them
	 * may be cut away whole. */
	NEWEST_MAX = 16,
	LOOK_WINDOW = 65536,
	BATCH_BYTES = 12,
};

/* --- the file ------------------------------------------------------------- */

static bool parse(slice s, struct spool_clock *out)
{
	struct cursor c = cursor_of(s);
	slice magic = cursor_take(&c, sizeof(clock_magic));
	uint32_t version = cursor_u32(&c);
	int64_t last_ms = (int64_t)cursor_u64(&c);
	uint32_t mark = cursor_u32(&c), crc = cursor_u32(&c);
	if (!cursor_done(&c) || crc != crc32c(0, s.p, s.n - 4) ||
	    memcmp(magic.p, clock_magic, sizeof(clock_magic)) != 0 ||
	    version != CLOCK_VERSION || last_ms < 0)
		return false;
	*out = (struct spool_clock){ .last_ms = last_ms, .mark = mark };
	return true;
}

static bool read_noted(int dir, struct spool_clock *out, struct err *err)
{
	char bytes[CLOCK_BYTES + 1];
	size_t n;
	int fd;
	if (!os_file_open(dir, "clock", OS_READ, &fd, err))
		return err->os_error == ENOENT;
	bool ok = os_file_read(fd, bytes, sizeof(bytes), 0, &n, err);
	os_file_close(&fd);
	/* A damaged one says nothing; the frames know better. */
	if (ok)
		(void)!parse((slice){ bytes, n }, out);
	return ok;
}

static bool write_file(int dir, const char *name, slice bytes,
		       struct err *err)
{
	struct iovec iov = { (void *)(uintptr_t)bytes.p, bytes.n };
	int fd;
	if (!os_file_unlink(dir, name, err) ||
	    !os_file_open(dir, name, OS_CREATE, &fd, err))
		return false;
	bool ok = os_file_write(fd, &iov, 1, 0, err) && os_file_sync(fd, err);
	os_file_close(&fd);
	return ok;
}

bool spool_clock_write(int dir, const struct spool_clock *clock,
		       struct err *err)
{
	struct buf b;
	invariant(clock->last_ms > 0);
	buf_init(&b, CLOCK_BYTES);
	buf_append_bytes(&b, clock_magic, sizeof(clock_magic));
	buf_u32(&b, CLOCK_VERSION);
	buf_u64(&b, (uint64_t)clock->last_ms);
	buf_u32(&b, clock->mark);
	buf_u32(&b, b.failed ? 0 : crc32c(0, b.p, b.n));
	bool ok = b.failed ? err_set_memory(err, "spool_clock") :
		  write_file(dir, "clock.tmp", buf_slice(&b), err) &&
		  os_file_rename(dir, "clock.tmp", dir, "clock", err) &&
		  os_dir_sync(dir, err);
	buf_fini(&b);
	return ok;
}

/* --- frames --------------------------------------------------------------- */

struct newest {
	uint32_t numbers[NEWEST_MAX];	/* highest first */
	unsigned count;
};

static bool note_number(void *ctx, const char *name)
{
	struct newest *t = ctx;
	uint32_t number;
	if (!name_number(slice_of(name), SLICE("seg-"), SLICE(".log"),
			 &number))
		return true;
	unsigned i = t->count < NEWEST_MAX ? t->count++ : NEWEST_MAX;
	if (i == NEWEST_MAX && t->numbers[--i] > number)
		return true;
	for (; i > 0 && t->numbers[i - 1] < number; i--)
		t->numbers[i] = t->numbers[i - 1];
	t->numbers[i] = number;
	return true;
}

struct looker {
	int fd;
	uint32_t number;
	uint64_t salt;
	char *bytes;			/* LOOK_WINDOW */
	uint64_t at;			/* where they stand in the file */
	size_t n;
};

/* FRAME_BYTES + BATCH_BYTES at that place; fewer at the end of the file. */
static bool look(struct looker *l, uint64_t offset, slice *out,
		 struct err *err)
{
	enum { WANT = FRAME_BYTES + BATCH_BYTES };
	if (offset < l->at || offset + WANT > l->at + l->n) {
		if (!os_file_read(l->fd, l->bytes, LOOK_WINDOW, offset, &l->n,
				  err))
			return false;
		l->at = offset;
	}
	*out = slice_sub((slice){ l->bytes, l->n }, (size_t)(offset - l->at),
			 WANT);
	return true;
}

static void take_batch(const struct frame *f, slice s, int64_t *last_ms)
{
	slice payload = slice_skip(s, FRAME_BYTES);
	struct cursor c = cursor_of(payload);
	(void)cursor_u32(&c);
	int64_t wall_ms = (int64_t)cursor_u64(&c);
	if (f->type == FRAME_BATCH && f->bytes == BATCH_BYTES &&
	    cursor_done(&c) && wall_ms > *last_ms &&
	    crc32c(0, payload.p, payload.n) == f->crc)
		*last_ms = wall_ms;
}

/* To its first bad frame: the torn tail, or damage, behind which times are
 * not worth a search. */
static bool walk(struct looker *l, int64_t *last_ms, struct err *err)
{
	uint64_t offset = SEGMENT_HEAD;
	struct frame f;
	slice s;
	while (offset < SEGMENT_MAX) {
		if (!look(l, offset, &s, err))
			return false;
		if (!frame_get(s, position_of(l->number, (uint32_t)offset),
			       l->salt, &f))
			break;
		take_batch(&f, s, last_ms);
		offset += FRAME_BYTES + (uint64_t)f.bytes;
	}
	return true;
}

static bool walk_segment(struct looker *l, int dir, int64_t *last_ms,
			 struct err *err)
{
	char name[NAME_MAX_BYTES];
	if (!os_file_open(dir, segment_name(l->number, name), OS_READ, &l->fd,
			  err))
		return err->os_error == ENOENT;	/* a service is at work */
	l->at = l->n = 0;
	enum head_result head = segment_read_head(l->fd, l->number, &l->salt,
						  err);
	bool ok = head != HEAD_FAILED &&
		  (head != HEAD_GOOD || walk(l, last_ms, err));
	os_file_close(&l->fd);
	return ok;
}

/* Batches of later segments are later: the newest one that has any. */
static bool read_frames(int dir, int64_t *last_ms, struct err *err)
{
	struct newest t = { .count = 0 };
	struct looker l = { .fd = -1 };
	int64_t found_ms = 0;
	if (!os_dir_list(dir, note_number, &t, err))
		return false;
	if (t.count == 0)
		return true;
	l.bytes = malloc(LOOK_WINDOW);
	if (l.bytes == NULL)
		return err_set_memory(err, "spool_clock");
	bool ok = true;
	for (unsigned i = 0; ok && i < t.count && found_ms == 0; i++) {
		l.number = t.numbers[i];
		ok = walk_segment(&l, dir, &found_ms, err);
	}
	free(l.bytes);
	if (found_ms > *last_ms)
		*last_ms = found_ms;
	return ok;
}

bool spool_clock_read(int dir, struct spool_clock *out, struct err *err)
{
	*out = (struct spool_clock){ 0 };
	return read_noted(dir, out, err) &&
	       read_frames(dir, &out->last_ms, err);
}
