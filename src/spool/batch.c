/*
 * What goes into the next write: cut and batch frame, moves, states of a cut
 * batch, then what was posted, in order, as far as it fits the segment.
 * Bodies are written straight from their blocks.
 */
#include "spool/spool_private.h"

#include <errno.h>

#include "os/clock.h"

void segment_close(struct spool *s, bool failed)
{
	struct segment *seg = s->active;
	invariant(seg != NULL && seg->active);
	invariant(failed || seg->synced > SEGMENT_HEAD);
	seg->end = seg->synced;
	seg->active = false;
	seg->closed_ns = os_monotonic_ns();
	os_file_close(&seg->fd);
	s->active = NULL;
	s->unmarked = false;
	s->dirty = true;
}

void segment_activate(struct spool *s)
{
	invariant(s->active == NULL && s->spare_count > 0);
	struct segment *seg = s->spares[0];
	for (unsigned i = 1; i < s->spare_count; i++)
		s->spares[i - 1] = s->spares[i];
	s->spare_count--;
	seg->active = true;
	s->active = seg;
	if (!segments_add(&s->segments, seg))
		unreachable_state("room was reserved with the spare");
	s->dirty = true;
}

static void batch_reset(struct batch *b)
{
	invariant(b->commits.count == 0);
	b->open = b->has_checkpoint = b->has_cut = false;
	b->head_bytes = b->bytes = b->written = 0;
	b->iov_count = b->iov_done = 0;
	b->err = (struct err){ .kind = ERR_OK };
}

static void batch_open(struct spool *s)
{
	struct batch *b = s->batch;
	b->open = true;
	b->start = s->active->end;
	if (b->start == SEGMENT_HEAD) {
		b->has_cut = true;
		b->head_bytes = cut_compose(s, s->active, b->head,
					    sizeof(b->head) - 256);
	}
	b->head_bytes += batch_frame_compose(s->active,
					     b->start + b->head_bytes,
					     b->head + b->head_bytes);
	if (s->checkpoint.step == CHECKPOINT_FRAME) {
		b->has_checkpoint = true;
		b->head_bytes += checkpoint_frame_compose(s,
				b->start + b->head_bytes,
				b->head + b->head_bytes);
	}
	invariant(b->head_bytes <= sizeof(b->head));
	b->iov[b->iov_count++] = (struct iovec){ b->head, b->head_bytes };
	b->bytes = b->head_bytes;
}

/* Opens the batch or looks whether so much more fits into it. */
static enum room batch_room(struct spool *s, uint32_t bytes, bool for_mail)
{
	struct batch *b = s->batch;
	if (b->open)
		return b->bytes + bytes <= BATCH_BYTES_MAX &&
		       b->start + b->bytes + bytes <= s->active->file_bytes ?
		       ROOM_THERE : ROOM_NONE;
	enum room r = room_for(s, bytes + BATCH_HEAD_MAX, for_mail);
	if (r == ROOM_THERE)
		batch_open(s);
	return r;
}

static unsigned iov_needed(const struct spool_commit *c)
{
	unsigned n = 1;
	if (!has_body_frame(c) || c->body == NULL)
		return n;
	struct body_at at = body_start(c->body);
	for (slice piece; body_next(&at, &piece);)
		n++;
	return n + 1;
}

static void batch_iov(struct batch *b, const char *p, size_t n)
{
	invariant(b->iov_count < BATCH_IOV_MAX);
	b->iov[b->iov_count++] = (struct iovec){ (void *)(uintptr_t)p, n };
	b->bytes += (uint32_t)n;
}

static void batch_add(struct spool *s, struct spool_commit *c)
{
	struct batch *b = s->batch;
	char *frames = c->frames.p;
	uint32_t at = b->start + b->bytes;
	size_t head = 0;
	if (has_body_frame(c)) {
		frame_place(frames, position_of(s->active->number, at),
			    s->active->salt);
		at += FRAME_BYTES + c->body_bytes;
		head = FRAME_BYTES;
	}
	c->position = position_of(s->active->number, at);
	frame_place(frames + head, c->position, s->active->salt);
	if (c->body != NULL && head > 0) {
		batch_iov(b, frames, head);
		struct body_at pieces = body_start(c->body);
		for (slice piece; body_next(&pieces, &piece);)
			batch_iov(b, piece.p, piece.n);
		batch_iov(b, frames + head, c->frames.n - head);
	} else {
		batch_iov(b, frames, c->frames.n);
	}
	commit_queue_push(&b->commits, c);
}

/* Moves stand before everything else, so that a done frame of the same
 * message always comes later. */
static bool fill_moves(struct spool *s)
{
	struct evacuation *e = &s->evacuation;
	struct batch *b = s->batch;
	e->in_batch = 0;
	if (e->step != EVACUATE_COMMIT)
		return true;
	for (unsigned i = 0; i < e->count; i++) {
		struct move *m = &e->moves[i];
		m->in_batch = false;
		if (!evacuate_current(s, m))
			continue;
		enum room r = batch_room(s, (uint32_t)m->raw.n, true);
		if (r == ROOM_WAIT)
			return false;
		if (r == ROOM_NONE)
			continue;
		uint32_t at = b->start + b->bytes;
		uint64_t position = position_of(s->active->number, at);
		frame_place(m->raw.p, position, s->active->salt);
		if (!(m->from.flags & PLACE_BIG))
			frame_place(m->raw.p + FRAME_BYTES + m->from.body_bytes,
				    position + FRAME_BYTES + m->from.body_bytes,
				    s->active->salt);
		m->in_batch = true;
		m->to = at;
		batch_iov(b, m->raw.p, m->raw.n);
		e->in_batch++;
	}
	if (e->in_batch == 0)
		evacuate_drop(s);
	return true;
}

static void refuse(struct spool *s, struct commit_queue *q,
		   const struct err *err)
{
	log_failure(s->config.log, LOG_WARNING, "spool.refused", err);
	commit_answer(s, commit_queue_pop(q), false, false, err);
}

/* Room in the index before the write: behind the sync nothing may fail. */
static bool index_room(struct spool *s)
{
	os_mutex_lock(s->lock);
	bool ok = index_reserve(&s->index, s->batch->commits.count + 1);
	os_mutex_unlock(s->lock);
	return ok;
}

/* False when it has to wait for a segment: nothing was taken. */
static bool fill_commits(struct spool *s, struct commit_queue *q)
{
	struct batch *b = s->batch;
	while (q->first != NULL && b->commits.count < BATCH_COMMITS_MAX) {
		struct spool_commit *c = q->first;
		unsigned iovs = iov_needed(c);
		if (b->iov_count + iovs > BATCH_IOV_MAX && b->open)
			return true;
		bool was_open = b->open;
		enum room r = batch_room(s, c->log_bytes,
					 c->kind == SPOOL_ACCEPT);
		if (r == ROOM_WAIT)
			return false;
		if (r == ROOM_NONE && was_open)
			return true;
		struct err err;
		if (r == ROOM_NONE) {
			err_set_os(&err, ENOSPC, "spool_commit",
				   "make a segment");
			refuse(s, q, &err);
		} else if (iovs > BATCH_IOV_MAX - 1 || !index_room(s)) {
			err_set_memory(&err, "spool_commit");
			refuse(s, q, &err);
		} else {
			batch_add(s, commit_queue_pop(q));
		}
	}
	return true;
}

void batch_fill(struct spool *s)
{
	struct batch *b = s->batch;
	batch_reset(b);
	if (!fill_moves(s) || !fill_commits(s, &s->retry) ||
	    !fill_commits(s, &s->pending))
		return;
	/* The file is durable; without any room its frame is left out. */
	if (s->checkpoint.step == CHECKPOINT_FRAME && !b->open &&
	    batch_room(s, 0, false) == ROOM_NONE)
		checkpoint_committed(s);
}
