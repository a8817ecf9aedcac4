/*
 * Files of the journal: their names, how many bytes they have, which of them
 * go when the journal is too old or too large; and the small file that keeps
 * the log position of the spool. Used on the journal thread only.
 */
#include "journal/journal_private.h"

#include <stdlib.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "os/file.h"

static const char suffix[] = ".jsonl";
enum { DIGITS = 10 };

const char *journal_name(uint64_t hour, char to[JOURNAL_NAME_MAX])
{
	/* "2026-11-24T04:…" without its punctuation. */
	static const uint8_t from[DIGITS] = { 0, 1, 2, 3, 5, 6, 8, 9, 11, 12 };
	char text[TIME_TEXT_MAX];
	time_text_ms((int64_t)(hour * JOURNAL_HOUR_MS), text);
	for (size_t i = 0; i < DIGITS; i++)
		to[i] = text[from[i]];
	memcpy(to + DIGITS, suffix, sizeof(suffix));
	return to;
}

bool journal_name_parse(const char *name, uint64_t *hour)
{
	slice s = slice_of(name);
	uint64_t year, month, day, hours;
	if (s.n != DIGITS + sizeof(suffix) - 1 ||
	    !slice_eq(slice_skip(s, DIGITS), SLICE(".jsonl")) ||
	    !slice_u64(slice_sub(s, 0, 4), 9999, &year) ||
	    !slice_u64(slice_sub(s, 4, 2), 12, &month) ||
	    !slice_u64(slice_sub(s, 6, 2), 31, &day) ||
	    !slice_u64(slice_sub(s, 8, 2), 23, &hours))
		return false;
	if (year < 1970 || month < 1 || day < 1)
		return false;
	struct tm tm = { .tm_year = (int)year - 1900,
			 .tm_mon = (int)month - 1, .tm_mday = (int)day,
			 .tm_hour = (int)hours };
	*hour = (uint64_t)timegm(&tm) * 1000 / JOURNAL_HOUR_MS;
	/* The 31st of February names no hour. */
	char again[JOURNAL_NAME_MAX];
	return slice_eq(slice_of(journal_name(*hour, again)), s);
}

void journal_files_fini(struct journal_files *f)
{
	free(f->rows);
	*f = (struct journal_files){ 0 };
}

static struct journal_file *add(struct journal_files *f, uint64_t hour)
{
	if (f->count == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		struct journal_file *rows;
		if (f->count >= JOURNAL_FILES_MAX)
			return NULL;
		rows = reallocarray(f->rows, cap, sizeof(*rows));
		if (rows == NULL)
			return NULL;
		f->rows = rows;
		f->cap = cap;
	}
	f->rows[f->count] = (struct journal_file){ .hour = hour };
	return &f->rows[f->count++];
}

struct journal_file *journal_files_at(struct journal_files *f, uint64_t hour)
{
	if (f->count > 0 && f->rows[f->count - 1].hour >= hour) {
		invariant(f->rows[f->count - 1].hour == hour);
		return &f->rows[f->count - 1];
	}
	return add(f, hour);
}

static bool collect(void *ctx, const char *name)
{
	struct journal_files *f = ctx;
	uint64_t hour;
	return !journal_name_parse(name, &hour) || add(f, hour) != NULL;
}

static int by_hour(const void *a, const void *b)
{
	const struct journal_file *x = a, *y = b;
	return x->hour < y->hour ? -1 : x->hour > y->hour;
}

bool journal_files_load(struct journal_files *f, int dir, struct err *err)
{
	char name[JOURNAL_NAME_MAX];
	if (!os_dir_list(dir, collect, f, err))
		return false;
	if (f->count > 0)
		qsort(f->rows, f->count, sizeof(*f->rows), by_hour);
	for (size_t i = 0; i < f->count; i++) {
		int fd;
		journal_name(f->rows[i].hour, name);
		if (!os_file_open(dir, name, OS_READ, &fd, err))
			return false;
		bool sized = os_file_size(fd, &f->rows[i].bytes, err);
		os_file_close(&fd);
		if (!sized)
			return false;
		f->total_bytes += f->rows[i].bytes;
	}
	return true;
}

bool journal_files_trim(struct journal_files *f, int dir, uint64_t oldest_hour,
			uint64_t max_bytes, struct err *err)
{
	char name[JOURNAL_NAME_MAX];
	size_t gone = 0;
	bool ok = true;
	while (ok && gone + 1 < f->count &&
	       (f->rows[gone].hour < oldest_hour ||
		f->total_bytes > max_bytes)) {
		ok = os_file_unlink(dir, journal_name(f->rows[gone].hour, name),
				    err);
		if (ok) {
			invariant(f->total_bytes >= f->rows[gone].bytes);
			f->total_bytes -= f->rows[gone].bytes;
			gone++;
		}
	}
	f->count -= gone;
	if (gone > 0)
		memmove(f->rows, f->rows + gone, f->count * sizeof(*f->rows));
	return ok;
}

/* --- the position: slot = sequence u64, position u64, CRC-32C u32 --------- */

enum { SLOT_BYTES = 20, SLOT_EVERY = 64 };

static void read_slot(struct journal_mark *m, unsigned slot)
{
	char bytes[SLOT_BYTES];
	size_t n = 0;
	if (!os_file_read(m->fd, bytes, sizeof(bytes),
			  (uint64_t)slot * SLOT_EVERY, &n, NULL) ||
	    n != sizeof(bytes))
		return;
	struct cursor c = cursor_of((slice){ bytes, sizeof(bytes) });
	uint64_t sequence = cursor_u64(&c), position = cursor_u64(&c);
	if (cursor_u32(&c) != crc32c(0, bytes, 16) || sequence <= m->sequence)
		return;
	m->sequence = sequence;
	m->position = position;
}

bool journal_mark_open(struct journal_mark *m, int dir, struct err *err)
{
	*m = (struct journal_mark){ .fd = -1 };
	if (!os_file_open(dir, "position", OS_READ_WRITE, &m->fd, NULL) &&
	    !os_file_open(dir, "position", OS_CREATE, &m->fd, err))
		return false;
	read_slot(m, 0);
	read_slot(m, 1);
	return true;
}

bool journal_mark_write(struct journal_mark *m, uint64_t position,
			struct err *err)
{
	char bytes[SLOT_BYTES + 4];
	struct buf b = { .p = bytes, .cap = sizeof(bytes),
			 .max = sizeof(bytes) };
	buf_u64(&b, m->sequence + 1);
	buf_u64(&b, position);
	buf_u32(&b, crc32c(0, bytes, 16));
	invariant(!b.failed && b.n == SLOT_BYTES);
	struct iovec iov = { .iov_base = bytes, .iov_len = SLOT_BYTES };
	if (!os_file_write(m->fd, &iov, 1, ((m->sequence + 1) % 2) * SLOT_EVERY,
			   err))
		return false;
	m->sequence++;
	m->position = position;
	return true;
}

void journal_mark_close(struct journal_mark *m)
{
	if (m->fd >= 0)
		os_file_close(&m->fd);
}
