/*
 * Recovery, second half: the messages of the checkpoint, then bookings and
 * frames of the segments in order, told to the visitor and put into the
 * index. See recover.c.
 */
#include "spool/recovery.h"

#include <errno.h>

/* --- 3. the checkpoint ---------------------------------------------------- */

static bool load_segment(void *ctx, struct cursor *c, struct err *err)
{
	struct recovery *r = ctx;
	(void)err;
	uint32_t number = cursor_u32(c), end = cursor_u32(c);
	if (!c->failed)
		recovery_note_end(r->s, number, end);
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
	if (c->failed || (p.time_ms == 0 && p.random == 0) ||
	    !id_is_possible(place_id(&p)))
		return true;
	if (!index_reserve(&r->s->index, 1))
		return err_set_memory(err, "spool_recover");
	recovery_note_number(r->s, p.segment);
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
	recovery_note_number(r->s, position_segment(ck->position));
	if (ck->places > UINT32_MAX / 4 ||
	    !index_reserve(&r->s->index, (uint32_t)ck->places))
		return err_set_memory(err, "spool_recover");
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
		if (!checkpoint_open(s->dir, r->checkpoints[i],
				     newer->number == 0, &ck, &why)) {
			if (why.kind != ERR_PROTOCOL) {
				*err = why;
				return false;
			}
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
		p->flags |= PLACE_STATELESS;
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

/* --- 4. frames ------------------------------------------------------------ */

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
	p->flags &= ~(uint32_t)PLACE_STATELESS;
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
		p->flags &= ~(uint32_t)PLACE_STATELESS;
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
		return err->kind == ERR_PROTOCOL;	/* said before */
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

/* It had a state, but neither the checkpoint nor the log behind it has one:
 * its recipients may get it again. A shard left it out by mistake. */
static void say_stateless(struct recovery *r, struct place *p)
{
	struct err err;
	char id[ID_TEXT_MAX];
	p->flags &= ~(uint32_t)PLACE_STATELESS;
	err_set(&err, ERR_PROTOCOL, SCOPE_MESSAGE, "spool_recover",
		"no state for a message of the checkpoint");
	err_detail(&err, "message %s", id_text(place_id(p), id));
	log_failure(r->s->config.log, LOG_WARNING, "spool.state_lost", &err);
}

/* Named in a checkpoint and nowhere to be found: damage, said aloud. Its big
 * file, if any, becomes an orphan and so goes to lost+found. */
static void lost_ones(struct recovery *r)
{
	for (uint32_t i = 0; i < r->s->index.high; i++) {
		struct place *p = index_at(&r->s->index, i);
		if (p != NULL && (p->flags & PLACE_STATELESS))
			say_stateless(r, p);
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

bool replay_checkpoint(struct recovery *r, struct err *err)
{
	return load_checkpoint(r, err) && tell_all_untold(r, err);
}

bool replay_segments(struct recovery *r, struct err *err)
{
	if (!walk_all(r, err))
		return false;
	lost_ones(r);
	return true;
}
