/*
 * Recovery: what lives, found again after any end of the last run.
 *
 * 1. List the directory; read heads of segments, summaries, the newest good
 *    checkpoint. 2. Collect where segments end. 3. Messages of the
 * checkpoint. 4. Segments in order: bookings of those without a summary,
 * and from the checkpoint's position on every frame, applied on top.
 * An accept frame older than the checkpoint and not named in it is dead.
 * 5. Orphans among the big files. Then spool.c closes the old segment by a
 * cut in a new one.
 */
#include "spool/recovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/clock.h"

/* --- 1. what is there ----------------------------------------------------- */

static void note_checkpoint(struct recovery *r, uint64_t number)
{
	uint64_t *at = r->checkpoints;
	unsigned n = r->checkpoint_count;
	if (number >= r->s->next_checkpoint)
		r->s->next_checkpoint = number + 1;
	if (n == CHECKPOINTS_SEEN && at[n - 1] > number)
		return;
	if (n == CHECKPOINTS_SEEN)
		n--;
	unsigned i = n;
	while (i > 0 && at[i - 1] < number) {
		at[i] = at[i - 1];
		i--;
	}
	at[i] = number;
	r->checkpoint_count = n + 1;
}

void recovery_note_number(struct spool *s, uint32_t number)
{
	if (number >= s->next_number)
		s->next_number = number + 1;
}

static bool note_segment(struct recovery *r, uint32_t number)
{
	struct segment *seg = segment_new(number);
	recovery_note_number(r->s, number);
	if (seg != NULL && segments_add(&r->s->segments, seg))
		return true;
	segment_free(&seg);
	r->no_memory = true;
	return false;
}

static bool note_entry(void *ctx, const char *entry)
{
	struct recovery *r = ctx;
	slice name = slice_of(entry);
	uint32_t number;
	if (name_number(name, SLICE("seg-"), SLICE(".log"), &number))
		return note_segment(r, number);
	if (name_number(name, SLICE("seg-"), SLICE(".sum"), &number)) {
		recovery_note_number(r->s, number);
		r->no_memory = !summaries_add(&r->s->summaries, number, 0);
		return !r->no_memory;
	}
	if (name_number(name, SLICE("ckpt-"), SLICE(""), &number))
		note_checkpoint(r, number);
	else if (slice_ends_fold(name, SLICE(".tmp")) &&
		 name.n < NAME_MAX_BYTES &&
		 r->temporary_count < TEMPORARIES_MAX)
		snprintf(r->temporaries[r->temporary_count++],
			 NAME_MAX_BYTES, "%s", entry);
	return true;
}

static bool list(struct recovery *r, struct err *err)
{
	if (!os_dir_list(r->s->dir, note_entry, r, err))
		return false;
	return !r->no_memory || err_set_memory(err, "spool_recover");
}

static bool read_head(struct recovery *r, struct segment *seg,
		      struct err *err)
{
	char name[NAME_MAX_BYTES];
	uint64_t bytes;
	int fd;
	if (!os_file_open(r->s->dir, segment_name(seg->number, name), OS_READ,
			  &fd, err))
		return false;
	enum head_result h = HEAD_FAILED;
	if (os_file_size(fd, &bytes, err))
		h = segment_read_head(fd, seg->number, &seg->salt, err);
	os_file_close(&fd);
	if (h == HEAD_FAILED)
		return false;
	if (h == HEAD_FOREIGN)
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "spool_recover",
			       "segment %u is of another format version",
			       seg->number);
	seg->headless = h == HEAD_BAD;
	seg->file_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
	seg->closed_ns = os_monotonic_ns();
	return true;
}

/* A damaged summary goes; its segment, if there, is read again. */
static bool read_summaries(struct recovery *r, struct err *err)
{
	struct spool *s = r->s;
	char name[NAME_MAX_BYTES];
	for (size_t i = s->summaries.count; i > 0; i--) {
		struct summary *sum = &s->summaries.at[i - 1];
		struct segment *seg = segments_get(&s->segments, sum->number);
		struct buf entries;
		uint32_t end;
		if (summary_read(s->dir, sum->number, &end, &sum->newest_ms,
				 &entries, err)) {
			buf_fini(&entries);
			if (seg != NULL) {
				seg->summary_durable = seg->end_known = true;
				seg->end = seg->synced = end;
			}
			continue;
		}
		if (err->kind != ERR_PROTOCOL)
			return false;
		s->figures.quarantined++;
		log_failure(s->config.log, LOG_ALARM, "spool.summary_damaged",
			    err);
		if (!s->config.read_only &&
		    !os_file_unlink(s->dir, summary_name(sum->number, name),
				    err))
			return false;
		summaries_remove(&s->summaries, i - 1);
	}
	return true;
}

/* --- 2. where segments end ------------------------------------------------ */

void recovery_note_end(struct spool *s, uint32_t number, uint32_t end)
{
	struct segment *seg = segments_get(&s->segments, number);
	if (seg == NULL || seg->end_known || end < SEGMENT_HEAD)
		return;
	seg->end_known = true;
	seg->end = seg->synced = end;
}

static bool read_cut(struct spool *s, const struct segment *seg, int fd,
		     struct err *err)
{
	char bytes[FRAME_BYTES + 4 + CUTS_MAX * 8];
	size_t n;
	struct frame f;
	if (!os_file_read(fd, bytes, sizeof(bytes), SEGMENT_HEAD, &n, err))
		return false;
	if (!frame_get((slice){ bytes, n },
		       position_of(seg->number, SEGMENT_HEAD), seg->salt, &f) ||
	    f.type != FRAME_CUT || f.bytes > n - FRAME_BYTES ||
	    crc32c(0, bytes + FRAME_BYTES, f.bytes) != f.crc)
		return true;
	struct cursor c = cursor_of((slice){ bytes + FRAME_BYTES, f.bytes });
	for (uint32_t count = cursor_u32(&c); count > 0 && !c.failed; count--) {
		uint32_t number = cursor_u32(&c), end = cursor_u32(&c);
		if (!c.failed && number < seg->number)
			recovery_note_end(s, number, end);
	}
	return true;
}

/* Newest first: a segment that was cut away whole says nothing. */
static bool read_cuts(struct spool *s, struct err *err)
{
	char name[NAME_MAX_BYTES];
	for (size_t i = s->segments.count; i > 0; i--) {
		struct segment *seg = s->segments.at[i - 1];
		int fd;
		if (seg->headless ||
		    (seg->end_known && seg->end <= SEGMENT_HEAD))
			continue;
		if (!os_file_open(s->dir, segment_name(seg->number, name),
				  OS_READ, &fd, err))
			return false;
		bool ok = read_cut(s, seg, fd, err);
		os_file_close(&fd);
		if (!ok)
			return false;
	}
	return true;
}

static bool recover_all(struct recovery *r, struct err *err)
{
	struct spool *s = r->s;
	if (!list(r, err))
		return false;
	for (size_t i = 0; i < s->segments.count; i++)
		if (!read_head(r, s->segments.at[i], err))
			return false;
	if (!read_summaries(r, err))
		return false;
	orphans_set_headless_aside(s);
	return read_cuts(s, err) && replay_checkpoint(r, err) &&
	       replay_segments(r, err) &&
	       (s->config.read_only || orphans_clear(r, err));
}

bool spool_recover(struct spool *s, const struct spool_visitor *visitor,
		   struct err *err)
{
	struct recovery *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set_memory(err, "spool_recover");
	r->s = s;
	r->v = visitor;
	if (s->config.journal_synced != NULL)
		r->journal_from =
			s->config.journal_synced(s->config.journal_ctx);
	bool ok = recover_all(r, err);
	free(r->orphans);
	free(r);
	return ok;
}
