/*
 * The callers' side of a commit: frames are made here, on the caller's own
 * core, body CRC included; the commit thread only says where they stand.
 */
#include "spool/spool_private.h"

#include "base/crc32c.h"
#include "os/clock.h"

static void commit_told(struct os_post *post)
{
	struct spool_commit *c = CONTAINER_OF(post, struct spool_commit, post);
	buf_fini(&c->frames);
	if (c->big != NULL && (c->ok || c->unknown))
		big_keep(c->big);
	if (c->big != NULL && c->ok)
		spool_big_drop(&c->big);
	c->done(c);
}

void commit_tell(struct spool_commit *c, bool ok, bool unknown,
		 const struct err *err)
{
	invariant(!(ok && unknown) && (ok || err != NULL));
	c->ok = ok;
	c->unknown = unknown;
	if (!ok)
		c->err = *err;
	os_post_init(&c->post, commit_told);
	os_thread_post(c->home, &c->post);
}

void commit_answer(struct spool *s, struct spool_commit *c, bool ok,
		   bool unknown, const struct err *err)
{
	s->answered++;
	invariant(s->answered <= s->arrived);
	commit_tell(c, ok, unknown, err);
}

static void put_accept(struct spool_commit *c)
{
	struct frame_accept a = {
		.wall_ms = c->wall_ms,
		.envelope = c->envelope,
		.state = c->state,
		.booking = c->booking,
		.archive = c->archive,
		.journal = c->journal,
		.ends_id = c->ends_id,
		.ends_state = c->ends_state,
		.ends_done = c->ends_done,
	};
	if (c->big != NULL) {
		big_describe(c->big, &a);
	} else if (c->body != NULL) {
		a.body_bytes = (uint32_t)c->body->size;
		a.body_crc = body_crc(c->body);
	}
	c->body_bytes = a.body_bytes;
	if (c->big == NULL) {
		struct frame f = { .type = FRAME_BODY, .id = c->id,
				   .bytes = a.body_bytes, .crc = a.body_crc };
		char *to = buf_room(&c->frames, FRAME_BYTES);
		if (to != NULL) {
			frame_put(to, &f);
			buf_added(&c->frames, FRAME_BYTES);
		}
	}
	char *head = buf_room(&c->frames, FRAME_BYTES);
	if (head != NULL)
		buf_added(&c->frames, FRAME_BYTES);
	frame_accept_put(&c->frames, &a);
}

static void put_state(struct spool_commit *c)
{
	struct frame_state st = {
		.wall_ms = c->wall_ms,
		.state = c->kind == SPOOL_DONE ? SLICE("") : c->state,
		.booking = c->kind == SPOOL_RELEASE ? c->booking : SLICE(""),
		.journal = c->journal,
	};
	char *head = buf_room(&c->frames, FRAME_BYTES);
	if (head != NULL)
		buf_added(&c->frames, FRAME_BYTES);
	frame_state_put(&c->frames, &st);
}

/* Body head (if any) and the other frame, with its CRC; places come later. */
static bool make_frames(struct spool *s, struct spool_commit *c)
{
	static const enum frame_type types[] = {
		[SPOOL_ACCEPT] = FRAME_ACCEPT,
		[SPOOL_STATE] = FRAME_STATE,
		[SPOOL_RELEASE] = FRAME_STATE,
		[SPOOL_DONE] = FRAME_DONE,
	};
	buf_init(&c->frames, ENVELOPE_MAX + SEGMENT_HEAD);
	c->body_bytes = 0;
	if (c->kind == SPOOL_ACCEPT)
		put_accept(c);
	else
		put_state(c);
	if (c->frames.failed)
		return err_set_memory(&c->err, "spool_commit");
	size_t head = has_body_frame(c) ? FRAME_BYTES : 0;
	slice payload = slice_skip(buf_slice(&c->frames), head + FRAME_BYTES);
	struct frame f = { .type = types[c->kind], .id = c->id,
			   .bytes = (uint32_t)payload.n,
			   .crc = crc32c(0, payload.p, payload.n) };
	frame_put(c->frames.p + head, &f);
	uint64_t bytes = c->frames.n;
	if (has_body_frame(c))
		bytes += c->body_bytes;
	if (bytes + SEGMENT_HEAD + BATCH_HEAD_MAX > s->segment_bytes)
		return err_set(&c->err, ERR_LIMIT, SCOPE_MESSAGE,
			       "spool_commit",
			       "message too large for the spool's log");
	c->log_bytes = (uint32_t)bytes;
	return true;
}

static void commit_arrived(struct os_post *post)
{
	struct spool_commit *c = CONTAINER_OF(post, struct spool_commit, post);
	struct spool *s = c->spool;
	if (s->pending.count == 0)
		s->lazy_since_ns = os_monotonic_ns();
	s->arrived++;
	commit_queue_push(&s->pending, c);
}

void spool_commit(struct spool *s, struct spool_commit *c)
{
	invariant(c->done != NULL && !id_is_zero(c->id));
	invariant(c->body == NULL || c->body->sealed);
	invariant(c->body == NULL || c->body->size <= UINT32_MAX);
	invariant(c->big == NULL || c->kind == SPOOL_ACCEPT);
	c->home = os_thread_self();
	c->spool = s;
	c->next = NULL;
	c->ok = c->unknown = false;
	c->position = 0;
	invariant(c->home != NULL);
	if (!make_frames(s, c)) {
		struct err err = c->err;
		commit_tell(c, false, false, &err);
		return;
	}
	os_post_init(&c->post, commit_arrived);
	os_thread_post(s->thread, &c->post);
}

/* --- queues --------------------------------------------------------------- */

static bool is_urgent(const struct spool_commit *c)
{
	return c->kind == SPOOL_ACCEPT || c->kind == SPOOL_RELEASE;
}

void commit_queue_push(struct commit_queue *q, struct spool_commit *c)
{
	c->next = NULL;
	if (q->last != NULL)
		q->last->next = c;
	else
		q->first = c;
	q->last = c;
	q->count++;
	q->urgent += is_urgent(c);
}

struct spool_commit *commit_queue_pop(struct commit_queue *q)
{
	struct spool_commit *c = q->first;
	if (c == NULL)
		return NULL;
	q->first = c->next;
	if (q->first == NULL)
		q->last = NULL;
	q->count--;
	q->urgent -= is_urgent(c);
	c->next = NULL;
	return c;
}
