/*
 * A segment that is mostly dead is emptied: what still lives in it is read
 * back by a disk worker and written to the end of the log as `moved` frames
 * (body, envelope, first state; no booking: the summary has it), so that it
 * can go. Old ones only: most mail is gone after seconds.
 *
 *   IDLE -> WALK (index in slices) -> READ (worker) -> COMMIT (next batch)
 *             ^--------------------------------------------'
 */
#include "spool/spool_private.h"

#include "base/crc32c.h"
#include "os/clock.h"

static void forget(struct evacuation *e)
{
	for (unsigned i = 0; i < e->count; i++)
		buf_fini(&e->moves[i].raw);
	e->count = e->in_batch = 0;
	e->bytes = 0;
}

void evacuate_drop(struct spool *s)
{
	struct evacuation *e = &s->evacuation;
	if (e->chore.busy)
		return;		/* when it comes back */
	forget(e);
	e->step = EVACUATE_IDLE;
}

static bool may_run(const struct spool *s)
{
	unsigned spares = s->low_space ? 1 : SPARES;
	return !s->closed && !s->stop_wanted && s->spare_count >= spares;
}

static bool is_sparse(const struct spool *s, const struct segment *seg,
		      int64_t now)
{
	int64_t age = s->low_space ? 0 : (int64_t)EVACUATE_AGE_MS * MS;
	return !seg->active && !seg->leaving && !seg->evacuated &&
	       !seg->headless && seg->end_known && seg->live_bytes > 0 &&
	       seg->live_bytes * 4 < seg->end - SEGMENT_HEAD &&
	       now - seg->closed_ns >= age;
}

static void pick(struct spool *s, int64_t now)
{
	struct evacuation *e = &s->evacuation;
	for (size_t i = 0; i < s->segments.count; i++) {
		const struct segment *seg = s->segments.at[i];
		if (!is_sparse(s, seg, now))
			continue;
		forget(e);
		e->segment = seg->number;
		e->walk = 0;
		e->step = EVACUATE_WALK;
		return;
	}
}

/* The same message as a moved frame behind the same body frame. */
static bool rewrite(struct move *m, const struct frame_accept *a,
		    slice body_frame, struct err *err)
{
	struct buf b;
	struct frame_accept moved = *a;
	moved.booking = moved.ends_state = SLICE("");
	moved.ends_id = (struct id){ 0 };
	moved.ends_done = false;
	buf_init(&b, 1 << 30);
	buf_append(&b, body_frame);
	char *head = buf_room(&b, FRAME_BYTES);
	if (head != NULL)
		buf_added(&b, FRAME_BYTES);
	frame_accept_put(&b, &moved);
	if (b.failed) {
		buf_fini(&b);
		return err_set_memory(err, "spool_evacuate");
	}
	slice payload = slice_skip(buf_slice(&b), body_frame.n + FRAME_BYTES);
	struct frame f = { .type = FRAME_MOVED, .id = place_id(&m->from),
			   .bytes = (uint32_t)payload.n,
			   .crc = crc32c(0, payload.p, payload.n) };
	frame_put(b.p + body_frame.n, &f);
	if (body_frame.n > 0) {
		f.type = FRAME_BODY;
		f.bytes = a->body_bytes;
		f.crc = a->body_crc;
		frame_put(b.p, &f);
	}
	buf_fini(&m->raw);
	m->raw = b;
	m->accept_bytes = (uint32_t)payload.n;
	return true;
}

static bool read_one(struct spool *s, struct move *m, struct err *err)
{
	struct frame_accept a;
	slice body;
	if (!place_read(s, &m->from, true, &m->raw, &a, &body, err))
		return false;
	slice body_frame = slice_sub(buf_slice(&m->raw), 0,
				     a.big ? 0 : FRAME_BYTES + body.n);
	return rewrite(m, &a, body_frame, err);
}

static void read_work(struct chore *chore)
{
	struct evacuation *e = CONTAINER_OF(chore, struct evacuation, chore);
	for (unsigned i = 0; i < e->count; i++) {
		struct move *m = &e->moves[i];
		struct err err;
		m->bad = !read_one(chore->spool, m, &err);
		if (m->bad && err.kind == ERR_PROTOCOL)
			place_damaged(chore->spool, &m->from, &err);
	}
}

static void read_done(struct chore *chore)
{
	struct evacuation *e = CONTAINER_OF(chore, struct evacuation, chore);
	e->step = EVACUATE_COMMIT;
	if (chore->spool->closed || chore->spool->stop_wanted)
		evacuate_drop(chore->spool);
}

static void walk(struct spool *s)
{
	struct evacuation *e = &s->evacuation;
	uint32_t end = s->index.high;
	if (end - e->walk > WALK_SLICE)
		end = e->walk + WALK_SLICE;
	os_mutex_lock(s->lock);		/* a reader may mark a bad one */
	for (; e->walk < end && e->count < EVACUATE_MOVES &&
	       e->bytes < EVACUATE_BYTES; e->walk++) {
		const struct place *p = index_at(&s->index, e->walk);
		if (p == NULL || p->segment != e->segment ||
		    (p->flags & PLACE_BAD))
			continue;
		e->moves[e->count] = (struct move){ .from = *p };
		buf_init(&e->moves[e->count].raw, 1 << 30);
		e->count++;
		e->bytes += place_log_bytes(p);
	}
	os_mutex_unlock(s->lock);
	bool over = e->walk >= s->index.high;
	bool full = e->count == EVACUATE_MOVES || e->bytes >= EVACUATE_BYTES;
	if (e->count > 0 && (over || full)) {
		e->step = EVACUATE_READ;
		chore_submit(s, &e->chore, read_work, read_done);
	} else if (over) {
		struct segment *seg = segments_get(&s->segments, e->segment);
		if (seg != NULL)
			seg->evacuated = true;
		e->step = EVACUATE_IDLE;
	}
}

void evacuate_look(struct spool *s, int64_t now_ns)
{
	struct evacuation *e = &s->evacuation;
	switch (e->step) {
	case EVACUATE_IDLE:
		if (s->dirty && may_run(s))
			pick(s, now_ns);
		break;
	case EVACUATE_WALK:
		if (may_run(s))
			walk(s);
		else
			evacuate_drop(s);
		break;
	case EVACUATE_READ:
	case EVACUATE_COMMIT:
		break;
	}
}

bool evacuate_walks(const struct spool *s)
{
	return s->evacuation.step == EVACUATE_WALK;
}

bool evacuate_current(struct spool *s, const struct move *m)
{
	struct place now;
	return !m->bad && place_find(s, place_id(&m->from), &now) &&
	       now.segment == m->from.segment && now.offset == m->from.offset;
}

void evacuate_committed(struct spool *s, uint32_t segment)
{
	struct evacuation *e = &s->evacuation;
	unsigned left = 0;
	for (unsigned i = 0; i < e->count; i++) {
		struct move *m = &e->moves[i];
		if (!m->in_batch) {
			e->moves[left++] = *m;
			continue;
		}
		struct place p = m->from;
		struct place now;
		if (place_find(s, place_id(&p), &now))
			p.flags = now.flags;
		p.segment = segment;
		p.offset = m->to;
		p.accept_bytes = m->accept_bytes;
		place_set(s, &p);
		s->figures.evacuated++;
		buf_fini(&m->raw);
	}
	e->count = left;
	e->in_batch = 0;
	e->bytes = 0;
	if (left == 0)
		e->step = EVACUATE_WALK;
}
