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
#include "spool/spool_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/clock.h"

enum { CHECKPOINTS_SEEN = 16, TEMPORARIES_MAX = 64 };

struct recovery {
	struct spool *s;
	const struct spool_visitor *v;
	struct err *err;		/* of the listing */
	uint64_t from;			/* the checkpoint's position */
	uint64_t journal_from;
	uint64_t checkpoints[CHECKPOINTS_SEEN];	/* newest first */
	unsigned checkpoint_count;
	char temporaries[TEMPORARIES_MAX][NAME_MAX_BYTES];
	unsigned temporary_count;
	bool no_memory;
	bool foreign;
	struct id *orphans;
	size_t orphan_count, orphan_cap;
	bool quarantine_used;
};

/* --- 1. what is there ---------------------------------------------------------------- */

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

static void note_number(struct spool *s, uint32_t number)
{
	if (number >= s->next_number)
		s->next_number = number + 1;
}

static bool note_segment(struct recovery *r, uint32_t number)
{
	struct segment *seg = segment_new(number);
	note_number(r->s, number);
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
		note_number(r->s, number);
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

/* A bad summary goes; its segment, if there, is read again. */
static void read_summaries(struct recovery *r)
{
	struct spool *s = r->s;
	char name[NAME_MAX_BYTES];
	for (size_t i = s->summaries.count; i > 0; i--) {
		struct summary *sum = &s->summaries.at[i - 1];
		struct segment *seg = segments_get(&s->segments, sum->number);
		struct buf entries;
		struct err err;
		uint32_t end;
		if (summary_read(s->dir, sum->number, &end, &sum->newest_ms,
				 &entries, &err)) {
			buf_fini(&entries);
			if (seg != NULL) {
				seg->summary_durable = seg->end_known = true;
				seg->end = seg->synced = end;
			}
			continue;
		}
		s->figures.quarantined++;
		log_failure(s->config.log, LOG_ALARM, "spool.summary_damaged",
			    &err);
		if (!s->config.read_only &&
		    !os_file_unlink(s->dir, summary_name(sum->number, name),
				    &err))
			log_failure(s->config.log, LOG_WARNING,
				    "spool.unlink_failed", &err);
		summaries_remove(&s->summaries, i - 1);
	}
}

/* --- 2. where segments end ------------------------------------------------------------- */

static void note_end(struct spool *s, uint32_t number, uint32_t end)
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
			note_end(s, number, end);
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

/* --- 3. the checkpoint --------------------------------------------------------------------- */

static bool load_segment(void *ctx, struct cursor *c, struct err *err)
{
	struct recovery *r = ctx;
	(void)err;
	uint32_t number = cursor_u32(c), end = cursor_u32(c);
	if (!c->failed)
		note_end(r->s, number, end);
	return true;
}

static bool load_place(void *ctx, struct cursor *c, struct err *err)
{
	struct recovery *r = ctx;
	struct place p = { .time_ms = cursor_u64(c), .random = cursor_u64(c) };
	p.segment = cursor_u32(c);
	p.offset = cursor_u32(c);
	p.body_bytes = cursor_u32(c);
	p.accept_bytes = cursor_u32(c);
	p.flags = cursor_u32(c) | PLACE_UNTOLD;
	if (c->failed || (p.time_ms == 0 && p.random == 0))
		return true;
	if (!index_reserve(&r->s->index, 1))
		return err_set_memory(err, "spool_recover");
	note_number(r->s, p.segment);
	place_set(r->s, &p);
	return true;
}

static bool tell_state(void *ctx, struct cursor *c, struct err *err)
{
	struct recovery *r = ctx;
	struct id id = { cursor_u64(c), cursor_u64(c) };
	slice state = cursor_bytes32(c, ENVELOPE_MAX);
	struct place *p = c->failed ? NULL : index_get(&r->s->index, id);
	if (p == NULL)
		return true;		/* done meanwhile */
	p->flags &= ~(uint32_t)PLACE_UNTOLD;
	return r->v->message(r->v->ctx, id, SLICE(""), state, err);
}

static bool load(struct recovery *r, struct checkpoint_reader *ck,
		 struct err *err)
{
	r->from = ck->position;
	note_number(r->s, position_segment(ck->position));
	return checkpoint_each(ck, BLOCK_SEGMENTS, load_segment, r, err) &&
	       checkpoint_each(ck, BLOCK_PLACES, load_place, r, err) &&
	       checkpoint_each(ck, BLOCK_STATES, tell_state, r, err);
}

static void checkpoint_damaged(struct recovery *r, const struct err *err)
{
	r->s->figures.quarantined++;
	log_failure(r->s->config.log, LOG_ALARM, "spool.checkpoint_damaged",
		    err);
}

/* The newest good one is loaded; the one before it is kept too. */
static bool load_checkpoint(struct recovery *r, struct err *err)
{
	struct spool *s = r->s;
	struct checkpoint_known *older = &s->checkpoints[0];
	struct checkpoint_known *newer = &s->checkpoints[1];
	for (unsigned i = 0; i < r->checkpoint_count && older->number == 0;
	     i++) {
		struct checkpoint_reader ck;
		struct err why;
		if (!checkpoint_open(s->dir, r->checkpoints[i], &ck, &why)) {
			checkpoint_damaged(r, &why);
			continue;
		}
		struct checkpoint_known known = { ck.number, ck.position,
						  ck.bytes };
		bool ok = true;
		if (newer->number == 0) {
			*newer = known;
			ok = load(r, &ck, err);
		} else {
			*older = known;
		}
		checkpoint_close(&ck);
		if (!ok)
			return false;
	}
	return true;
}

static bool tell_archive(struct recovery *r, struct id id, slice archive,
			 struct err *err)
{
	return r->v->archive == NULL || slice_empty(archive) ||
	       r->v->archive(r->v->ctx, id, archive, err);
}

static bool tell_untold(struct recovery *r, struct place *p, struct buf *raw,
			struct err *err)
{
	struct frame_accept a;
	slice body;
	struct err why;
	if (!place_read(r->s, p, false, raw, &a, &body, &why)) {
		if (why.kind == ERR_IO && why.os_error == ENOENT)
			return true;	/* moved since: told then */
		if (why.kind != ERR_PROTOCOL) {
			*err = why;
			return false;
		}
		return true;		/* said at the end */
	}
	if (p->flags & PLACE_HAS_STATE)
		log_failure(r->s->config.log, LOG_WARNING, "spool.state_lost",
			    &why);
	p->flags &= ~(uint32_t)PLACE_UNTOLD;
	return r->v->message(r->v->ctx, place_id(p), a.envelope, a.state,
			     err) &&
	       tell_archive(r, place_id(p), a.archive, err);
}

/* Named in the checkpoint, but no shard had it yet: just accepted then. */
static bool tell_all_untold(struct recovery *r, struct err *err)
{
	struct buf raw;
	bool ok = true;
	buf_init(&raw, 1 << 30);
	for (uint32_t i = 0; ok && i < r->s->index.high; i++) {
		struct place *p = index_at(&r->s->index, i);
		if (p != NULL && (p->flags & PLACE_UNTOLD))
			ok = tell_untold(r, p, &raw, err);
	}
	buf_fini(&raw);
	return ok;
}

/* --- 4. frames ----------------------------------------------------------------------------------- */

static bool apply_ends(struct recovery *r, const struct frame_accept *a,
		       struct err *err)
{
	struct spool *s = r->s;
	if (id_is_zero(a->ends_id))
		return true;
	struct place *p = index_get(&s->index, a->ends_id);
	if (p == NULL)
		return true;
	if (a->ends_done) {
		place_drop(s, a->ends_id);
		return r->v->done(r->v->ctx, a->ends_id, err);
	}
	p->flags |= PLACE_HAS_STATE;
	return r->v->state(r->v->ctx, a->ends_id, a->ends_state, err);
}

static bool apply_accept(struct recovery *r, const struct scan *c,
			 const struct frame_accept *a, struct err *err)
{
	struct spool *s = r->s;
	const struct frame *f = &c->frame;
	const struct place *old = index_get(&s->index, f->id);
	bool told = old != NULL && !(old->flags & PLACE_UNTOLD);
	struct place p = {
		.time_ms = f->id.time_ms,
		.random = f->id.random,
		.segment = c->seg->number,
		.offset = c->at,
		.body_bytes = a->body_bytes,
		.accept_bytes = f->bytes,
		.flags = (a->big ? PLACE_BIG : 0) |
			 (old ? old->flags & PLACE_HAS_STATE : 0),
	};
	if (!a->big) {
		if (c->at < SEGMENT_HEAD + FRAME_BYTES + a->body_bytes) {
			quarantine(s, c->seg->number, c->at,
				   FRAME_BYTES + f->bytes, f->id, "no body");
			return true;
		}
		p.offset -= FRAME_BYTES + a->body_bytes;
	}
	if (!index_reserve(&s->index, 1))
		return err_set_memory(err, "spool_recover");
	place_set(s, &p);
	if (!(f->type == FRAME_MOVED && told) &&
	    (!r->v->message(r->v->ctx, f->id, a->envelope, a->state, err) ||
	     !tell_archive(r, f->id, a->archive, err)))
		return false;
	return apply_ends(r, a, err);
}

static bool tell_booking(struct recovery *r, struct segment *seg,
			 int64_t wall_ms, slice booking, struct err *err)
{
	if (seg->summary_durable || slice_empty(booking))
		return true;
	segment_book(seg, wall_ms, booking);
	return r->v->booking == NULL ||
	       r->v->booking(r->v->ctx, wall_ms, booking, err);
}

static bool tell_journal(struct recovery *r, const struct scan *c,
			 slice journal, struct err *err)
{
	uint64_t position = position_of(c->seg->number, c->at);
	if (r->v->journal == NULL || slice_empty(journal) ||
	    position <= r->journal_from)
		return true;
	return r->v->journal(r->v->ctx, position, c->frame.id, journal, err);
}

static bool apply_state(struct recovery *r, const struct scan *c, bool counts,
			struct err *err)
{
	struct id id = c->frame.id;
	struct frame_state st;
	if (!frame_state_get(c->payload, &st)) {
		quarantine(r->s, c->seg->number, c->at,
			   FRAME_BYTES + c->frame.bytes, id, "payload");
		return true;
	}
	struct place *p = counts ? index_get(&r->s->index, id) : NULL;
	bool ok = true;
	if (p != NULL && c->frame.type == FRAME_DONE) {
		place_drop(r->s, id);
		ok = r->v->done(r->v->ctx, id, err);
	} else if (p != NULL) {
		p->flags |= PLACE_HAS_STATE;
		ok = r->v->state(r->v->ctx, id, st.state, err);
	}
	return ok && tell_booking(r, c->seg, st.wall_ms, st.booking, err) &&
	       tell_journal(r, c, st.journal, err);
}

static bool apply_message(struct recovery *r, const struct scan *c,
			  bool counts, struct err *err)
{
	struct frame_accept a;
	if (!frame_accept_get(c->payload, &a)) {
		quarantine(r->s, c->seg->number, c->before,
			   c->at - c->before + FRAME_BYTES + c->frame.bytes,
			   c->frame.id, "payload");
		return true;
	}
	return (!counts || apply_accept(r, c, &a, err)) &&
	       tell_booking(r, c->seg, a.wall_ms, a.booking, err) &&
	       (c->frame.type == FRAME_MOVED ||
		tell_journal(r, c, a.journal, err));
}

static bool apply_frame(struct recovery *r, const struct scan *c,
			struct err *err)
{
	bool counts = position_of(c->seg->number, c->at) >= r->from;
	switch (c->frame.type) {
	case FRAME_ACCEPT:
	case FRAME_MOVED:
		return apply_message(r, c, counts, err);
	case FRAME_STATE:
	case FRAME_DONE:
		return apply_state(r, c, counts, err);
	case FRAME_BODY:
	case FRAME_BATCH:
	case FRAME_CUT:
	case FRAME_CHECKPOINT:
		return true;
	}
	return true;
}

static bool walk(struct recovery *r, struct segment *seg, struct err *err)
{
	struct scan c;
	if (!scan_open(&c, r->s, seg, err))
		return false;
	enum scan_event e;
	bool ok = true;
	while (ok && (e = scan_next(&c, err)) == SCAN_FRAME)
		ok = apply_frame(r, &c, err);
	if (ok && e == SCAN_END && !seg->end_known)
		seg->end = seg->synced = c.limit;
	seg->used = c.limit > SEGMENT_HEAD;
	scan_close(&c);
	return ok && e == SCAN_END;
}

static bool must_walk(const struct recovery *r, const struct segment *seg)
{
	return !seg->end_known || !seg->summary_durable ||
	       seg->number >= position_segment(r->from) ||
	       (r->v->journal != NULL &&
		seg->number >= position_segment(r->journal_from));
}

static bool tell_summary(struct recovery *r, uint32_t number, struct err *err)
{
	struct buf entries;
	uint32_t end;
	int64_t newest_ms;
	if (r->v->booking == NULL)
		return true;
	if (!summary_read(r->s->dir, number, &end, &newest_ms, &entries, err))
		return err->kind == ERR_PROTOCOL;
	bool ok = bookings_tell(buf_slice(&entries), r->v, err);
	buf_fini(&entries);
	return ok;
}

/* Segments and summaries, merged by number. */
static bool walk_all(struct recovery *r, struct err *err)
{
	struct spool *s = r->s;
	size_t i = 0, k = 0;
	while (i < s->segments.count || k < s->summaries.count) {
		struct segment *seg = i < s->segments.count ?
				      s->segments.at[i] : NULL;
		bool summary = k < s->summaries.count &&
			       (seg == NULL || s->summaries.at[k].number <=
					       seg->number);
		if (summary) {
			if (!tell_summary(r, s->summaries.at[k].number, err))
				return false;
			k++;
			continue;
		}
		i++;
		seg->used = seg->end_known && seg->end > SEGMENT_HEAD;
		if (seg->headless || !must_walk(r, seg))
			continue;
		if (!walk(r, seg, err))
			return false;
		uint64_t first = position_of(seg->number, SEGMENT_HEAD);
		if (first < r->from)
			first = r->from;
		if (position_of(seg->number, seg->end) > first)
			s->log_since += position_of(seg->number, seg->end) -
					first;
	}
	return true;
}

/* Named in a checkpoint and nowhere to be found: damage, said aloud. Its big
 * file, if any, becomes an orphan and so goes to lost+found. */
static void lost_ones(struct recovery *r)
{
	for (uint32_t i = 0; i < r->s->index.high; i++) {
		struct place *p = index_at(&r->s->index, i);
		if (p == NULL || !(p->flags & PLACE_UNTOLD))
			continue;
		quarantine(r->s, p->segment, p->offset, place_log_bytes(p),
			   place_id(p), "named in a checkpoint, not readable");
		struct segment *seg = segments_get(&r->s->segments,
						    p->segment);
		uint32_t bytes = place_log_bytes(p);
		if (seg != NULL)
			seg->live_bytes -= bytes;
		r->s->figures.live_bytes -= bytes;
		r->s->figures.messages--;
		index_remove(&r->s->index, p);
	}
}

/* --- segments without a readable head -------------------------------------------------------------- */

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
static void set_headless_aside(struct spool *s)
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

/* --- 5. big files ------------------------------------------------------------------------------------ */

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
static bool clear_orphans(struct recovery *r, struct err *err)
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

static bool recover_all(struct recovery *r, struct err *err)
{
	struct spool *s = r->s;
	if (!list(r, err))
		return false;
	for (size_t i = 0; i < s->segments.count; i++)
		if (!read_head(r, s->segments.at[i], err))
			return false;
	read_summaries(r);
	set_headless_aside(s);
	if (!read_cuts(s, err) || !load_checkpoint(r, err) ||
	    !tell_all_untold(r, err) || !walk_all(r, err))
		return false;
	lost_ones(r);
	return s->config.read_only ||
	       (clear_temporaries(r, err) && clear_unused(s, err) &&
		clear_orphans(r, err));
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
