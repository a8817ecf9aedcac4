/*
 * Where each live message stands, and what that means for its segment: a
 * place appears, moves or goes by the commit thread (and by recovery).
 */
#include "spool/spool_private.h"

#include "os/clock.h"

static void live_changed(struct spool *s, uint32_t number, int64_t bytes)
{
	struct segment *seg = segments_get(&s->segments, number);
	s->figures.live_bytes += (uint64_t)bytes;
	if (seg == NULL)
		return;
	invariant(bytes >= 0 || seg->live_bytes >= (uint64_t)-bytes);
	seg->live_bytes += (uint64_t)bytes;
	if (seg->live_bytes == 0)
		s->dirty = true;
}

struct place *place_set(struct spool *s, const struct place *p)
{
	os_mutex_lock(s->lock);
	struct place *at = index_get(&s->index, place_id(p));
	struct place old = at ? *at : (struct place){ 0 };
	bool is_new = at == NULL;
	if (is_new)
		at = index_add(&s->index, place_id(p));
	*at = *p;
	os_mutex_unlock(s->lock);
	if (is_new)
		s->figures.messages++;
	else
		live_changed(s, old.segment, -(int64_t)place_log_bytes(&old));
	live_changed(s, p->segment, (int64_t)place_log_bytes(p));
	return at;
}

void place_drop(struct spool *s, struct id id)
{
	os_mutex_lock(s->lock);
	struct place *at = index_get(&s->index, id);
	struct place old = at ? *at : (struct place){ 0 };
	if (at != NULL)
		index_remove(&s->index, at);
	os_mutex_unlock(s->lock);
	if (at == NULL)
		return;
	s->figures.messages--;
	live_changed(s, old.segment, -(int64_t)place_log_bytes(&old));
	if (old.flags & PLACE_BIG)
		big_gone(s, id);
}

static void place_note_state(struct spool *s, struct id id)
{
	os_mutex_lock(s->lock);
	struct place *at = index_get(&s->index, id);
	if (at != NULL)
		at->flags |= PLACE_HAS_STATE;
	os_mutex_unlock(s->lock);
}

static void apply_accept(struct spool *s, const struct spool_commit *c)
{
	struct place p = {
		.time_ms = c->id.time_ms,
		.random = c->id.random,
		.segment = position_segment(c->position),
		.offset = position_offset(c->position),
		.body_bytes = c->body_bytes,
		.accept_bytes = (uint32_t)c->frames.n - FRAME_BYTES,
	};
	if (has_body_frame(c)) {
		p.offset -= FRAME_BYTES + c->body_bytes;
		p.accept_bytes -= FRAME_BYTES;
	} else {
		p.flags = PLACE_BIG;
	}
	place_set(s, &p);
	if (id_is_zero(c->ends_id))
		return;
	if (c->ends_done)
		place_drop(s, c->ends_id);
	else
		place_note_state(s, c->ends_id);
}

void place_apply(struct spool *s, struct spool_commit *c)
{
	switch (c->kind) {
	case SPOOL_ACCEPT:
		apply_accept(s, c);
		segment_book(s->active, c->wall_ms, c->booking);
		break;
	case SPOOL_RELEASE:
		segment_book(s->active, c->wall_ms, c->booking);
		place_note_state(s, c->id);
		break;
	case SPOOL_STATE:
		place_note_state(s, c->id);
		break;
	case SPOOL_DONE:
		place_drop(s, c->id);
		break;
	}
}
