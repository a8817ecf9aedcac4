/*
 * Recovery, the clearing up: segments that can't be read or were never used,
 * files of unfinished work, big files without an accept frame.
 */
#include "spool/recovery.h"

#include <stdlib.h>

/* --- segments without a readable head ------------------------------------- */

static bool is_blank(struct spool *s, struct segment *seg)
{
	char name[NAME_MAX_BYTES], chunk[8192];
	struct err err;
	int fd;
	if (!os_file_open(s->dir, segment_name(seg->number, name), OS_READ, &fd,
			  &err))
		return false;
	bool blank = true;
	for (uint64_t at = SEGMENT_HEAD; blank; ) {
		size_t n;
		if (!os_file_read(fd, chunk, sizeof(chunk), at, &n, &err))
			blank = false;
		else if (n == 0)
			break;
		for (size_t i = 0; blank && i < n; i++)
			blank = chunk[i] == 0;
		at += n;
	}
	os_file_close(&fd);
	return blank;
}

/* One that died while it was made goes; one with bytes in it goes to
 * quarantine/ whole: without its salt no frame can be told from a forgery. */
void orphans_set_headless_aside(struct spool *s)
{
	for (size_t i = s->segments.count; i > 0; i--) {
		struct segment *seg = s->segments.at[i - 1];
		char name[NAME_MAX_BYTES];
		struct err err;
		if (!seg->headless)
			continue;
		segment_name(seg->number, name);
		bool ok = true;
		if (is_blank(s, seg)) {
			if (!s->config.read_only)
				ok = os_file_unlink(s->dir, name, &err);
		} else {
			s->figures.quarantined++;
			err_set(&err, ERR_PROTOCOL, SCOPE_SELF,
				"spool_recover", "head of %s is damaged",
				name);
			log_failure(s->config.log, LOG_ALARM,
				    "spool.segment_quarantined", &err);
			if (!s->config.read_only)
				ok = os_file_rename(s->dir, name,
						    s->quarantine_dir, name,
						    &err) &&
				     os_dir_sync(s->quarantine_dir, &err);
		}
		if (!ok) {
			log_failure(s->config.log, LOG_ALARM,
				    "spool.quarantine_failed", &err);
			continue;
		}
		segments_remove(&s->segments, seg);
		segment_free(&seg);
	}
}

/* --- 5. big files --------------------------------------------------------- */

static bool note_orphan(void *ctx, const char *name)
{
	struct recovery *r = ctx;
	struct id id;
	if (!id_parse(slice_of(name), &id) ||
	    index_get(&r->s->index, id) != NULL)
		return true;
	if (r->orphan_count == r->orphan_cap) {
		size_t cap = r->orphan_cap ? r->orphan_cap * 2 : 64;
		struct id *p = realloc(r->orphans, cap * sizeof(*p));
		if (p == NULL)
			return false;	/* the rest: next start */
		r->orphans = p;
		r->orphan_cap = cap;
	}
	r->orphans[r->orphan_count++] = id;
	return true;
}

static bool note_used(void *ctx, const char *name)
{
	(void)name;
	*(bool *)ctx = true;
	return false;
}

/* Removed, or kept in lost+found while anything is in quarantine: its accept
 * frame may be among that. */
static bool clear_big(struct recovery *r, struct err *err)
{
	struct spool *s = r->s;
	char name[ID_TEXT_MAX];
	bool keep = s->figures.quarantined > 0;
	if (!os_dir_list(s->big_dir, note_orphan, r, err) ||
	    !os_dir_list(s->quarantine_dir, note_used, &keep, err))
		return false;
	for (size_t i = 0; i < r->orphan_count; i++) {
		id_text(r->orphans[i], name);
		bool ok = keep ? os_file_rename(s->big_dir, name, s->lost_dir,
						name, err) :
				 os_file_unlink(s->big_dir, name, err);
		if (!ok)
			return false;
	}
	s->big_gone_count = 0;		/* they were orphans */
	return true;
}

static bool clear_temporaries(struct recovery *r, struct err *err)
{
	for (unsigned i = 0; i < r->temporary_count; i++)
		if (!os_file_unlink(r->s->dir, r->temporaries[i], err))
			return false;
	for (unsigned i = 0; i < r->checkpoint_count; i++) {
		char name[NAME_MAX_BYTES];
		uint64_t number = r->checkpoints[i];
		if (number == r->s->checkpoints[0].number ||
		    number == r->s->checkpoints[1].number)
			continue;
		if (!os_file_unlink(r->s->dir,
				    checkpoint_name(number, false, name), err))
			return false;
	}
	return true;
}

/* A segment that never got a whole batch is of no use any more. */
static bool clear_unused(struct spool *s, struct err *err)
{
	char name[NAME_MAX_BYTES];
	for (size_t i = s->segments.count; i > 0; i--) {
		struct segment *seg = s->segments.at[i - 1];
		if (seg->used || seg->end_known || seg->headless)
			continue;
		invariant(seg->live_bytes == 0);
		if (!os_file_unlink(s->dir, segment_name(seg->number, name),
				    err))
			return false;
		segments_remove(&s->segments, seg);
		segment_free(&seg);
	}
	return true;
}

bool orphans_clear(struct recovery *r, struct err *err)
{
	return clear_temporaries(r, err) && clear_unused(r->s, err) &&
	       clear_big(r, err);
}
