/*
 * A summary: every booking of one segment, so that limits outlive the
 * segment (SPEC 6.8). Written when the segment closes, kept 24 h 10 min.
 * Bookings are opaque here. It also says where the segment ended.
 */
#include "spool/spool_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"

static const char summary_magic[8] = { 'P', 'R', 'S', 'U', 'M', 'M', 'A',
				       '\n' };
enum { SUMMARY_MAX = 256 << 20 };

const char *summary_name(uint32_t number, char to[NAME_MAX_BYTES])
{
	snprintf(to, NAME_MAX_BYTES, "seg-%08u.sum", number);
	return to;
}

bool summaries_add(struct summaries *t, uint32_t number, int64_t newest_ms)
{
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct summary *at = realloc(t->at, cap * sizeof(*at));
		if (at == NULL)
			return false;
		t->at = at;
		t->cap = cap;
	}
	size_t i = t->count;
	while (i > 0 && t->at[i - 1].number > number) {
		t->at[i] = t->at[i - 1];
		i--;
	}
	t->at[i] = (struct summary){ number, newest_ms };
	t->count++;
	return true;
}

void summaries_remove(struct summaries *t, size_t i)
{
	invariant(i < t->count);
	t->count--;
	memmove(&t->at[i], &t->at[i + 1], (t->count - i) * sizeof(*t->at));
}

static void put_head(struct buf *b, uint32_t number, uint32_t end,
		     int64_t newest_ms, uint32_t count, slice entries)
{
	buf_append_bytes(b, summary_magic, sizeof(summary_magic));
	buf_u32(b, FORMAT_VERSION);
	buf_u32(b, number);
	buf_u32(b, end);
	buf_u32(b, count);
	buf_u64(b, (uint64_t)newest_ms);
	buf_u64(b, entries.n);
	buf_u32(b, crc32c(0, entries.p, entries.n));
	buf_u32(b, 0);
	buf_u32(b, 0);
	if (!b->failed)
		buf_u32(b, crc32c(0, b->p, b->n));
}

static bool write_synced(int dir, const char *name, slice head, slice entries,
			 struct err *err)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)head.p, head.n },
		{ (void *)(uintptr_t)entries.p, entries.n },
	};
	int fd;
	if (!os_file_unlink(dir, name, err) ||
	    !os_file_open(dir, name, OS_CREATE, &fd, err))
		return false;
	bool ok = os_file_write(fd, iov, entries.n ? 2 : 1, 0, err) &&
		  os_file_sync(fd, err);
	os_file_close(&fd);
	return ok;
}

bool summary_write(int dir, uint32_t number, uint32_t end, int64_t newest_ms,
		   uint32_t count, slice entries, struct err *err)
{
	char name[NAME_MAX_BYTES], temporary[NAME_MAX_BYTES];
	struct buf head;
	buf_init(&head, SUMMARY_HEAD);
	put_head(&head, number, end, newest_ms, count, entries);
	if (head.failed) {
		buf_fini(&head);
		return err_set_memory(err, "spool_summary");
	}
	invariant(head.n == SUMMARY_HEAD);
	snprintf(temporary, sizeof(temporary), "seg-%08u.sum.tmp", number);
	bool ok = write_synced(dir, temporary, buf_slice(&head), entries,
			       err) &&
		  os_file_rename(dir, temporary, dir,
				 summary_name(number, name), err) &&
		  os_dir_sync(dir, err);
	buf_fini(&head);
	return ok;
}

static bool bad(struct err *err, uint32_t number)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "spool_summary",
		       "summary %u is damaged", number);
}

static bool read_entries(int fd, uint32_t number, uint32_t *end,
			 int64_t *newest_ms, struct buf *entries,
			 struct err *err)
{
	char head[SUMMARY_HEAD];
	size_t n;
	if (!os_file_read(fd, head, sizeof(head), 0, &n, err))
		return false;
	struct cursor c = cursor_of((slice){ head, n });
	slice magic = cursor_take(&c, sizeof(summary_magic));
	uint32_t version = cursor_u32(&c), said = cursor_u32(&c);
	*end = cursor_u32(&c);
	(void)cursor_u32(&c);
	*newest_ms = (int64_t)cursor_u64(&c);
	uint64_t bytes = cursor_u64(&c);
	uint32_t crc = cursor_u32(&c);
	(void)cursor_u64(&c);
	uint32_t head_crc = cursor_u32(&c);
	if (!cursor_done(&c) || head_crc != crc32c(0, head, n - 4) ||
	    memcmp(magic.p, summary_magic, sizeof(summary_magic)) != 0 ||
	    version != FORMAT_VERSION || said != number ||
	    bytes > SUMMARY_MAX)
		return bad(err, number);
	if (bytes == 0)
		return true;
	char *to = buf_room(entries, bytes);
	if (to == NULL)
		return err_set_memory(err, "spool_summary");
	if (!os_file_read(fd, to, bytes, SUMMARY_HEAD, &n, err))
		return false;
	if (n != bytes || crc32c(0, to, bytes) != crc)
		return bad(err, number);
	buf_added(entries, bytes);
	return true;
}

bool summary_read(int dir, uint32_t number, uint32_t *end,
		  int64_t *newest_ms, struct buf *entries, struct err *err)
{
	char name[NAME_MAX_BYTES];
	int fd;
	buf_init(entries, SUMMARY_MAX);
	if (!os_file_open(dir, summary_name(number, name), OS_READ, &fd, err))
		return false;
	bool ok = read_entries(fd, number, end, newest_ms, entries, err);
	os_file_close(&fd);
	if (!ok)
		buf_fini(entries);
	return ok;
}

bool bookings_tell(slice entries, const struct spool_visitor *v,
		   struct err *err)
{
	struct cursor c = cursor_of(entries);
	while (c.rest.n > 0 && !c.failed) {
		int64_t wall_ms = (int64_t)cursor_u64(&c);
		slice booking = cursor_bytes32(&c, ENVELOPE_MAX);
		if (!c.failed && v->booking != NULL &&
		    !v->booking(v->ctx, wall_ms, booking, err))
			return false;
	}
	return true;
}
