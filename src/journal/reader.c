/*
 * The reading end of the journal: whole lines behind a cursor, file after
 * file. A file is done when it is read to its end and a later one existed
 * before that end was looked for: writers never come back to an old file.
 */
#include "journal/journal_private.h"

#include <stdlib.h>

#include "os/file.h"

enum { CHUNK_BYTES = 262144 };	/* also the longest line */

struct search {
	uint64_t at;
	uint64_t found;			/* smallest hour >= at; UINT64_MAX */
};

static bool look(void *ctx, const char *name)
{
	struct search *s = ctx;
	uint64_t hour;
	if (journal_name_parse(name, &hour) && hour >= s->at &&
	    hour < s->found)
		s->found = hour;
	return true;
}

static bool find_file(int dir, uint64_t at, uint64_t *found, struct err *err)
{
	struct search s = { .at = at, .found = UINT64_MAX };
	if (!os_dir_list(dir, look, &s, err))
		return false;
	*found = s.found;
	return true;
}

/* Gives whole lines of one chunk to each. False when each stopped it. */
static bool give_lines(slice chunk, struct journal_cursor *at,
		       uint32_t *lines_left,
		       bool (*each)(void *ctx, slice line), void *ctx)
{
	while (*lines_left > 0) {
		size_t end = slice_find(chunk, '\n');
		if (end == chunk.n) {
			/* No line is so long: what is there isn't ours. */
			if (chunk.n == CHUNK_BYTES)
				at->offset += chunk.n;
			return true;
		}
		slice line = slice_sub(chunk, 0, end);
		at->offset += end + 1;
		chunk = slice_skip(chunk, end + 1);
		--*lines_left;
		if (line.n > 0 && !each(ctx, line))
			return false;
	}
	return true;
}

/* To the end of the file of at->hour; *ended when that was reached. */
static bool read_file(int fd, char *bytes, struct journal_cursor *at,
		      uint32_t *lines_left,
		      bool (*each)(void *ctx, slice line), void *ctx,
		      bool *ended, struct err *err)
{
	*ended = false;
	while (*lines_left > 0) {
		size_t n;
		uint64_t before = at->offset;
		if (!os_file_read(fd, bytes, CHUNK_BYTES, at->offset, &n, err))
			return false;
		if (!give_lines((slice){ bytes, n }, at, lines_left, each, ctx))
			return true;
		if (at->offset == before) {
			*ended = true;
			return true;
		}
	}
	return true;
}

static bool read_from(int dir, char *bytes, struct journal_cursor *at,
		      uint32_t *lines_left,
		      bool (*each)(void *ctx, slice line), void *ctx,
		      bool *more, struct err *err)
{
	char name[JOURNAL_NAME_MAX];
	uint64_t hour, next;
	bool ended = false;
	int fd;
	if (!find_file(dir, at->hour, &hour, err) ||
	    (hour != UINT64_MAX && !find_file(dir, hour + 1, &next, err)))
		return false;
	*more = false;
	if (hour == UINT64_MAX)
		return true;
	/* The one it was in may have been removed for its age. */
	if (hour != at->hour)
		*at = (struct journal_cursor){ .hour = hour };
	if (!os_file_open(dir, journal_name(hour, name), OS_READ, &fd, err))
		return false;
	bool ok = read_file(fd, bytes, at, lines_left, each, ctx, &ended, err);
	os_file_close(&fd);
	if (!ok)
		return false;
	*more = !ended || next != UINT64_MAX;
	if (ended && next != UINT64_MAX)
		*at = (struct journal_cursor){ .hour = next };
	return true;
}

bool journal_read(int dir, struct journal_cursor *at, uint32_t max_lines,
		  bool (*each)(void *ctx, slice line), void *ctx, bool *more,
		  struct err *err)
{
	char *bytes = malloc(CHUNK_BYTES);
	if (bytes == NULL)
		return err_set_memory(err, "journal_read");
	invariant(max_lines > 0);
	bool ok = read_from(dir, bytes, at, &max_lines, each, ctx, more, err);
	free(bytes);
	return ok;
}

static bool note_newest(void *ctx, const char *name)
{
	uint64_t *newest = ctx, hour;
	if (journal_name_parse(name, &hour) && hour > *newest)
		*newest = hour;
	return true;
}

bool journal_last_ms(int dir, int64_t *out, struct err *err)
{
	uint64_t newest = 0;
	if (!os_dir_list(dir, note_newest, &newest, err))
		return false;
	*out = (int64_t)(newest * JOURNAL_HOUR_MS);
	return true;
}
