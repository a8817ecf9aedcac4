/*
 * Reading messages back, on disk workers. A reader looks the place up under
 * the lock and opens the segment by its name: when the message has moved or
 * the segment is gone meanwhile, it looks again. What is read is checked by
 * its CRC before anybody sees it.
 */
#include "spool/spool_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"

enum { LOOKS_MAX = 5, PIECE = 256 << 10 };

bool place_find(struct spool *s, struct id id, struct place *out)
{
	os_mutex_lock(s->lock);
	const struct place *p = index_get(&s->index, id);
	if (p != NULL)
		*out = *p;
	os_mutex_unlock(s->lock);
	return p != NULL;
}

static bool damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_MESSAGE, "spool_read",
		       "the stored message is damaged: %s", what);
}

static bool read_raw(struct spool *s, const struct place *p, uint32_t offset,
		     uint32_t bytes, struct buf *raw, struct err *err)
{
	char name[NAME_MAX_BYTES];
	int fd;
	size_t n = 0;
	buf_clear(raw);
	char *to = buf_room(raw, bytes);
	if (to == NULL)
		return err_set_memory(err, "spool_read");
	if (!os_file_open(s->dir, segment_name(p->segment, name), OS_READ, &fd,
			  err))
		return false;
	bool ok = os_file_read(fd, to, bytes, offset, &n, err);
	os_file_close(&fd);
	if (!ok)
		return false;
	buf_added(raw, n);
	return n == bytes || damaged(err, "segment too short");
}

static bool check_accept(slice s, const struct place *p,
			 struct frame_accept *out, struct err *err)
{
	struct frame f;
	slice payload = slice_skip(s, FRAME_BYTES);
	if (!frame_peek(s, &f) ||
	    (f.type != FRAME_ACCEPT && f.type != FRAME_MOVED) ||
	    f.position != position_of(p->segment, place_accept_offset(p)) ||
	    !id_eq(f.id, place_id(p)) || f.bytes != payload.n)
		return damaged(err, "frame head");
	if (crc32c(0, payload.p, payload.n) != f.crc ||
	    !frame_accept_get(payload, out))
		return damaged(err, "envelope CRC");
	if (out->body_bytes != p->body_bytes ||
	    out->big != ((p->flags & PLACE_BIG) != 0))
		return damaged(err, "body size");
	return true;
}

bool place_read(struct spool *s, const struct place *p, bool want_body,
		struct buf *raw, struct frame_accept *accept, slice *body,
		struct err *err)
{
	bool with_body = want_body && !(p->flags & PLACE_BIG);
	uint32_t accept_bytes = FRAME_BYTES + p->accept_bytes;
	uint32_t offset = with_body ? p->offset : place_accept_offset(p);
	uint32_t bytes = with_body ? place_log_bytes(p) : accept_bytes;
	*body = SLICE("");
	if (!read_raw(s, p, offset, bytes, raw, err))
		return false;
	slice all = buf_slice(raw);
	if (!check_accept(slice_skip(all, bytes - accept_bytes), p, accept,
			  err))
		return false;
	if (!with_body)
		return true;
	*body = slice_sub(all, FRAME_BYTES, p->body_bytes);
	if (crc32c(0, body->p, body->n) != accept->body_crc)
		return damaged(err, "body CRC");
	return true;
}

void place_damaged(struct spool *s, const struct place *p,
		   const struct err *err)
{
	os_mutex_lock(s->lock);
	struct place *now = index_get(&s->index, place_id(p));
	bool first = now != NULL && !(now->flags & PLACE_BAD);
	if (now != NULL)
		now->flags |= PLACE_BAD;
	os_mutex_unlock(s->lock);
	if (first)
		quarantine(s, p->segment, p->offset, place_log_bytes(p),
			   place_id(p), err->text);
}

/* Looks up and reads; again when it moved away under our hands. */
static bool find_and_read(struct spool *s, struct id id, bool want_body,
			  struct place *p, struct buf *raw,
			  struct frame_accept *a, slice *body, struct err *err)
{
	for (unsigned i = 0; i < LOOKS_MAX; i++) {
		if (!place_find(s, id, p))
			return err_set(err, ERR_PERMANENT, SCOPE_MESSAGE,
				       "spool_read", "no such message");
		if (place_read(s, p, want_body, raw, a, body, err))
			return true;
		struct place now;
		if (!place_find(s, id, &now) || now.segment != p->segment ||
		    now.offset != p->offset)
			continue;
		if (err->kind == ERR_PROTOCOL)
			place_damaged(s, p, err);
		return false;
	}
	return err_set(err, ERR_TEMPORARY, SCOPE_MESSAGE, "spool_read",
		       "the message moves about");
}

/* --- whole messages ------------------------------------------------------- */

static bool make_body(struct spool *s, slice bytes, struct body **out,
		      struct err *err)
{
	struct body *b = body_new(s->config.budget);
	if (b == NULL)
		return err_set_memory(err, "spool_read");
	if (!body_append(b, bytes, err)) {
		body_unref(&b);
		return false;
	}
	body_seal(b);
	*out = b;
	return true;
}

static bool read_message(struct spool_read *r, struct buf *raw)
{
	struct place p;
	struct frame_accept a;
	slice body;
	if (!find_and_read(r->spool, r->id, r->want_body, &p, raw, &a, &body,
			   &r->err))
		return false;
	buf_init(&r->envelope, a.envelope.n + 1);
	buf_append(&r->envelope, a.envelope);
	r->body_bytes = a.body_bytes;
	if (r->envelope.failed)
		return err_set_memory(&r->err, "spool_read");
	if (!r->want_body || a.big)
		return true;
	return make_body(r->spool, body, &r->body, &r->err);
}

static void read_work(struct os_job *job)
{
	struct spool_read *r = CONTAINER_OF(job, struct spool_read, job);
	struct buf raw;
	buf_init(&raw, 1 << 30);
	r->ok = read_message(r, &raw);
	if (!r->ok)
		buf_fini(&r->envelope);
	buf_fini(&raw);
}

static void read_done(struct os_post *post)
{
	struct os_job *job = CONTAINER_OF(post, struct os_job, done);
	struct spool_read *r = CONTAINER_OF(job, struct spool_read, job);
	r->done(r);
}

void spool_read(struct spool *s, struct spool_read *r)
{
	invariant(r->done != NULL);
	r->spool = s;
	r->ok = false;
	r->body = NULL;
	r->body_bytes = 0;
	buf_init(&r->envelope, ENVELOPE_MAX);
	os_pool_submit(s->config.disk, &r->job, read_work, read_done);
}

/* --- pieces --------------------------------------------------------------- */

static bool read_big_at(struct spool *s, struct id id, uint64_t offset,
			char *to, size_t cap, size_t *n, struct err *err)
{
	char name[ID_TEXT_MAX];
	int fd;
	if (!os_file_open(s->big_dir, id_text(id, name), OS_READ, &fd, err))
		return false;
	bool ok = os_file_read(fd, to, cap, offset, n, err);
	os_file_close(&fd);
	return ok;
}

static bool copy_piece(struct spool_read_piece *r, struct buf *raw)
{
	struct place p;
	struct frame_accept a;
	slice body;
	if (!find_and_read(r->spool, r->id, true, &p, raw, &a, &body, &r->err))
		return false;
	uint64_t left = r->offset < a.body_bytes ? a.body_bytes - r->offset : 0;
	size_t cap = left < r->cap ? (size_t)left : r->cap;
	if (a.big)
		return read_big_at(r->spool, r->id, SPOOL_BIG_PREFIX_MAX -
				   a.prefix_bytes + r->offset, r->to, cap,
				   &r->n, &r->err) &&
		       (r->n == cap || damaged(&r->err, "file too short"));
	r->n = cap;
	if (cap > 0)
		memcpy(r->to, body.p + r->offset, cap);
	return true;
}

static void piece_work(struct os_job *job)
{
	struct spool_read_piece *r =
		CONTAINER_OF(job, struct spool_read_piece, job);
	struct buf raw;
	buf_init(&raw, 1 << 30);
	r->ok = copy_piece(r, &raw);
	buf_fini(&raw);
}

static void piece_done(struct os_post *post)
{
	struct os_job *job = CONTAINER_OF(post, struct os_job, done);
	struct spool_read_piece *r =
		CONTAINER_OF(job, struct spool_read_piece, job);
	r->done(r);
}

void spool_read_piece(struct spool *s, struct spool_read_piece *r)
{
	invariant(r->done != NULL);
	r->spool = s;
	r->ok = false;
	r->n = 0;
	os_pool_submit(s->config.disk, &r->job, piece_work, piece_done);
}

/* --- without threads ------------------------------------------------------ */

static bool tell_range(struct spool *s, struct id id, uint64_t offset,
		       uint64_t bytes, uint32_t want_crc, char *piece,
		       bool (*body)(void *ctx, slice piece), void *ctx,
		       struct err *err)
{
	uint32_t crc = 0;
	while (bytes > 0) {
		size_t n = bytes < PIECE ? (size_t)bytes : PIECE;
		if (!read_big_at(s, id, offset, piece, n, &n, err))
			return false;
		if (n == 0)
			return damaged(err, "file too short");
		crc = crc32c(crc, piece, n);
		if (body != NULL && !body(ctx, (slice){ piece, n }))
			return err_set(err, ERR_PERMANENT, SCOPE_NONE,
				       "spool_read_now", "stopped");
		offset += n;
		bytes -= n;
	}
	return crc == want_crc || damaged(err, "body CRC");
}

static bool tell_big(struct spool *s, struct id id,
		     const struct frame_accept *a,
		     bool (*body)(void *ctx, slice piece), void *ctx,
		     struct err *err)
{
	char *piece = malloc(PIECE);
	if (piece == NULL)
		return err_set_memory(err, "spool_read_now");
	bool ok = a->prefix_bytes <= a->body_bytes &&
		  a->prefix_bytes <= SPOOL_BIG_PREFIX_MAX;
	if (!ok)
		damaged(err, "prefix");
	ok = ok && tell_range(s, id, SPOOL_BIG_PREFIX_MAX - a->prefix_bytes,
			      a->prefix_bytes, a->prefix_crc, piece, body, ctx,
			      err);
	ok = ok && tell_range(s, id, SPOOL_BIG_PREFIX_MAX,
			      a->body_bytes - a->prefix_bytes, a->body_crc,
			      piece, body, ctx, err);
	free(piece);
	return ok;
}

bool spool_read_now(struct spool *s, struct id id, struct buf *envelope,
		    bool (*body)(void *ctx, slice piece), void *ctx,
		    struct err *err)
{
	struct place p;
	struct frame_accept a;
	struct buf raw;
	slice bytes;
	buf_init(&raw, 1 << 30);
	bool ok = find_and_read(s, id, true, &p, &raw, &a, &bytes, err);
	if (ok) {
		buf_append(envelope, a.envelope);
		if (envelope->failed)
			ok = err_set_memory(err, "spool_read_now");
	}
	if (ok && a.big)
		ok = tell_big(s, id, &a, body, ctx, err);
	else if (ok && bytes.n > 0 && body != NULL && !body(ctx, bytes))
		ok = err_set(err, ERR_PERMANENT, SCOPE_NONE, "spool_read_now",
			     "stopped");
	buf_fini(&raw);
	return ok;
}

void spool_each(struct spool *s,
		bool (*each)(void *ctx, struct id id, uint64_t body_bytes,
			     slice place_text),
		void *ctx)
{
	char text[96], name[ID_TEXT_MAX];
	for (uint32_t i = 0; i < s->index.high; i++) {
		const struct place *p = index_at(&s->index, i);
		if (p == NULL)
			continue;
		bool big = p->flags & PLACE_BIG;
		snprintf(text, sizeof(text), "seg-%08u.log:%u%s%s", p->segment,
			 p->offset, big ? " big/" : "",
			 big ? id_text(place_id(p), name) : "");
		if (!each(ctx, place_id(p), p->body_bytes, slice_of(text)))
			return;
	}
}
