/*
 * Segments: files of one size, allocated ahead, written once from front to
 * end, never appended to again. The head of each is synced before its first
 * frame; its random salt goes into the CRC of every frame head.
 */
#include "spool/spool_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/clock.h"
#include "os/random.h"

static const char head_magic[8] = { 'P', 'R', 'S', 'P', 'O', 'O', 'L', '\n' };

struct segment *segment_new(uint32_t number)
{
	struct segment *seg = calloc(1, sizeof(*seg));
	if (seg == NULL)
		return NULL;
	seg->number = number;
	seg->fd = -1;
	seg->end = seg->synced = SEGMENT_HEAD;
	buf_init(&seg->bookings, 256 << 20);
	return seg;
}

void segment_free(struct segment **seg)
{
	if (*seg == NULL)
		return;
	if ((*seg)->fd >= 0)
		os_file_close(&(*seg)->fd);
	buf_fini(&(*seg)->bookings);
	free(*seg);
	*seg = NULL;
}

/* Index of the first one with that number or a greater one. */
static size_t find(const struct segments *t, uint32_t number)
{
	size_t low = 0, high = t->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (t->at[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool segments_reserve(struct segments *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 64;
	while (cap < t->count + more)
		cap *= 2;
	if (cap == t->cap)
		return true;
	struct segment **at = realloc(t->at, cap * sizeof(*at));
	if (at == NULL)
		return false;
	t->at = at;
	t->cap = cap;
	return true;
}

bool segments_add(struct segments *t, struct segment *seg)
{
	if (!segments_reserve(t, 1))
		return false;
	size_t i = find(t, seg->number);
	invariant(i == t->count || t->at[i]->number != seg->number);
	memmove(&t->at[i + 1], &t->at[i], (t->count - i) * sizeof(*t->at));
	t->at[i] = seg;
	t->count++;
	return true;
}

void segments_remove(struct segments *t, struct segment *seg)
{
	size_t i = find(t, seg->number);
	invariant(i < t->count && t->at[i] == seg);
	t->count--;
	memmove(&t->at[i], &t->at[i + 1], (t->count - i) * sizeof(*t->at));
}

struct segment *segments_get(const struct segments *t, uint32_t number)
{
	size_t i = find(t, number);
	return i < t->count && t->at[i]->number == number ? t->at[i] : NULL;
}

void segments_fini(struct segments *t)
{
	for (size_t i = 0; i < t->count; i++)
		segment_free(&t->at[i]);
	free(t->at);
	*t = (struct segments){ 0 };
}

const char *segment_name(uint32_t number, char to[NAME_MAX_BYTES])
{
	snprintf(to, NAME_MAX_BYTES, "seg-%08u.log", number);
	return to;
}

bool name_number(slice name, slice start, slice end, uint32_t *out)
{
	uint64_t v;
	if (name.n <= start.n + end.n || !slice_starts(name, start) ||
	    !slice_ends_fold(name, end) ||
	    !slice_u64(slice_sub(name, start.n, name.n - start.n - end.n),
		       UINT32_MAX - 16, &v) || v == 0)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool write_head(int fd, const struct segment *seg, uint64_t bytes,
		       struct err *err)
{
	char page[SEGMENT_HEAD] = { 0 };
	struct buf b;
	buf_init(&b, SEGMENT_HEAD_BYTES);
	buf_append_bytes(&b, head_magic, sizeof(head_magic));
	buf_u32(&b, FORMAT_VERSION);
	buf_u32(&b, seg->number);
	buf_u64(&b, seg->salt);
	buf_u64(&b, bytes);
	buf_u64(&b, (uint64_t)os_wall_ms());
	buf_u32(&b, 0);
	buf_u32(&b, b.failed ? 0 : crc32c(0, b.p, b.n));
	if (b.failed) {
		buf_fini(&b);
		return err_set_memory(err, "spool_segment");
	}
	invariant(b.n == SEGMENT_HEAD_BYTES);
	memcpy(page, b.p, b.n);
	memcpy(page + SEGMENT_HEAD_COPY, b.p, b.n);
	buf_fini(&b);
	struct iovec iov = { page, sizeof(page) };
	return os_file_write(fd, &iov, 1, 0, err);
}

/* Out of space halfway: what was made goes again, so that a full disk is not
 * made fuller. */
static bool make_file(int dir, const char *name, struct segment *seg,
		      uint64_t bytes, struct err *err)
{
	if (!os_file_open(dir, name, OS_CREATE, &seg->fd, err))
		return false;
	if (os_file_allocate(seg->fd, 0, bytes, err) &&
	    write_head(seg->fd, seg, bytes, err) &&
	    os_file_sync(seg->fd, err) && os_dir_sync(dir, err))
		return true;
	/* Should that fail too, the next start removes it. */
	struct err second;
	if (!os_file_unlink(dir, name, &second))
		err_detail(err, "not removed either: %s", second.text);
	return false;
}

bool segment_make(int dir, uint32_t number, uint64_t bytes,
		  struct segment **out, struct err *err)
{
	char name[NAME_MAX_BYTES];
	struct segment *seg = segment_new(number);
	if (seg == NULL)
		return err_set_memory(err, "spool_segment");
	seg->salt = os_random_u64();
	seg->file_bytes = (uint32_t)bytes;
	if (!make_file(dir, segment_name(number, name), seg, bytes, err)) {
		segment_free(&seg);
		return false;
	}
	*out = seg;
	return true;
}

static enum head_result parse_head(slice s, uint32_t number, uint64_t *salt)
{
	struct cursor c = cursor_of(slice_sub(s, 0, SEGMENT_HEAD_BYTES));
	slice magic = cursor_take(&c, sizeof(head_magic));
	uint32_t version = cursor_u32(&c);
	uint32_t said = cursor_u32(&c);
	*salt = cursor_u64(&c);
	(void)cursor_take(&c, 8 + 8 + 4);
	uint32_t crc = cursor_u32(&c);
	if (c.failed || crc != crc32c(0, s.p, SEGMENT_HEAD_BYTES - 4) ||
	    memcmp(magic.p, head_magic, sizeof(head_magic)) != 0)
		return HEAD_BAD;
	if (version != FORMAT_VERSION)
		return HEAD_FOREIGN;
	return said == number ? HEAD_GOOD : HEAD_BAD;
}

enum head_result segment_read_head(int fd, uint32_t number, uint64_t *salt,
				   struct err *err)
{
	char page[SEGMENT_HEAD];
	size_t n;
	if (!os_file_read(fd, page, sizeof(page), 0, &n, err))
		return HEAD_FAILED;
	enum head_result r = parse_head((slice){ page, n }, number, salt);
	if (r == HEAD_BAD && n > SEGMENT_HEAD_COPY)
		r = parse_head((slice){ page + SEGMENT_HEAD_COPY,
					n - SEGMENT_HEAD_COPY },
			       number, salt);
	return r;
}

void segment_book(struct segment *seg, int64_t wall_ms, slice booking)
{
	if (slice_empty(booking) || seg->summary_durable)
		return;
	size_t before = seg->bookings.n;
	buf_u64(&seg->bookings, (uint64_t)wall_ms);
	buf_bytes32(&seg->bookings, booking);
	if (seg->bookings.failed) {
		seg->bookings_lost = true;
		seg->bookings.n = before;
		return;
	}
	seg->booking_count++;
	if (wall_ms > seg->newest_ms)
		seg->newest_ms = wall_ms;
}
