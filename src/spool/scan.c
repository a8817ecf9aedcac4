/*
 * Reads the frames of a segment in order. What counts as damage and what as
 * a torn tail:
 *
 * - The end is known (a later cut, a summary or a checkpoint says it): all
 *   below it was synced. A bad frame there is damage: its bytes go to
 *   quarantine/, and reading goes on with the next good frame.
 * - The end is not known (the last segment of a crash): a batch frame says
 *   up to where the log was synced before it. A bad frame below the highest
 *   such offset is damage; above it the torn tail begins, and nothing
 *   behind counts, even if it reads well.
 *
 * Bodies below a known end are skipped by their length; whoever reads them
 * later checks them.
 */
#include "spool/spool_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"

enum { WINDOW_SKIPPING = 4096, SKIP_FAR = 4096 };

bool scan_open(struct scan *c, struct spool *s, struct segment *seg,
	       struct err *err)
{
	char name[NAME_MAX_BYTES];
	*c = (struct scan){
		.s = s,
		.seg = seg,
		.fd = -1,
		.offset = SEGMENT_HEAD,
		.end_known = seg->end_known,
		.limit = seg->end_known ? seg->end : seg->file_bytes,
		.check_bodies = !seg->end_known,
		.window_cap = SCAN_WINDOW,
	};
	c->window = malloc(c->window_cap);
	if (c->window == NULL)
		return err_set_memory(err, "spool_scan");
	if (!os_file_open(s->dir, segment_name(seg->number, name), OS_READ,
			  &c->fd, err)) {
		scan_close(c);
		return false;
	}
	return true;
}

void scan_close(struct scan *c)
{
	free(c->window);
	c->window = NULL;
	if (c->fd >= 0)
		os_file_close(&c->fd);
}

static bool window_grow(struct scan *c, size_t n, struct err *err)
{
	if (n <= c->window_cap)
		return true;
	char *p = realloc(c->window, n);
	if (p == NULL)
		return err_set_memory(err, "spool_scan");
	c->window = p;
	c->window_cap = n;
	return true;
}

/* Lends up to n bytes at offset; fewer only at the end of the file. */
static bool look(struct scan *c, uint64_t offset, size_t n, slice *out,
		 struct err *err)
{
	bool inside = offset >= c->window_at &&
		      offset + n <= c->window_at + c->window_n;
	if (!inside) {
		if (!window_grow(c, n, err))
			return false;
		size_t want = c->skipped ? WINDOW_SKIPPING : c->window_cap;
		if (want < n)
			want = n;
		if (!os_file_read(c->fd, c->window, want, offset,
				  &c->window_n, err))
			return false;
		c->window_at = offset;
	}
	c->skipped = false;
	size_t at = (size_t)(offset - c->window_at);
	size_t there = c->window_n - at;
	*out = (slice){ c->window + at, there < n ? there : n };
	return true;
}

/* --- finding good frames again -------------------------------------------- */

/* The next good frame head at or behind `from`; limit when there is none. */
static bool find_head(struct scan *c, uint64_t from, uint64_t limit,
		      struct frame *f, uint64_t *at, struct err *err)
{
	slice magic = { frame_magic, sizeof(frame_magic) };
	while (from + FRAME_BYTES <= limit) {
		slice s;
		size_t n = SCAN_WINDOW / 2;
		if (n > limit - from)
			n = (size_t)(limit - from);
		if (!look(c, from, n, &s, err))
			return false;
		if (s.n < FRAME_BYTES)
			break;
		size_t hit = slice_find_slice(s, magic);
		if (hit + FRAME_BYTES > s.n) {
			/* The last bytes may be half a head. */
			from += s.n - FRAME_BYTES + 1;
			continue;
		}
		from += hit;
		if (frame_get(slice_skip(s, hit),
			      position_of(c->seg->number, (uint32_t)from),
			      c->seg->salt, f) &&
		    from + FRAME_BYTES + f->bytes <= limit) {
			*at = from;
			return true;
		}
		from++;
	}
	*at = limit;
	return true;
}

static bool payload_of(struct scan *c, uint64_t at, const struct frame *f,
		       slice *payload, bool *good, struct err *err)
{
	slice s;
	if (!look(c, at, FRAME_BYTES + (size_t)f->bytes, &s, err))
		return false;
	*payload = slice_skip(s, FRAME_BYTES);
	*good = s.n == FRAME_BYTES + (size_t)f->bytes &&
		crc32c(0, payload->p, payload->n) == f->crc;
	return true;
}

/* Up to where good batch frames behind `from` say that all was synced. */
static bool find_evidence(struct scan *c, uint64_t from, struct err *err)
{
	struct frame f;
	uint64_t at;
	if (c->evidence_known)
		return true;
	for (;;) {
		if (!find_head(c, from, c->limit, &f, &at, err))
			return false;
		if (at >= c->limit)
			break;
		from = at + FRAME_BYTES;
		slice payload;
		bool good;
		if (f.type != FRAME_BATCH)
			continue;
		if (!payload_of(c, at, &f, &payload, &good, err))
			return false;
		struct cursor p = cursor_of(payload);
		uint32_t synced = cursor_u32(&p);
		if (good && !p.failed && synced <= at && synced > c->evidence)
			c->evidence = synced;
	}
	c->evidence_known = true;
	return true;
}

/* --- damage --------------------------------------------------------------- */

static bool copy_bytes(struct spool *s, uint32_t segment, uint32_t offset,
		       uint32_t bytes, int to, struct err *err)
{
	char name[NAME_MAX_BYTES], chunk[8192];
	int from;
	if (!os_file_open(s->dir, segment_name(segment, name), OS_READ, &from,
			  err))
		return false;
	bool ok = true;
	for (uint32_t done = 0; ok && done < bytes;) {
		size_t n = bytes - done < sizeof(chunk) ? bytes - done :
			   sizeof(chunk);
		ok = os_file_read(from, chunk, n, offset + (uint64_t)done, &n,
				  err);
		if (!ok || n == 0)
			break;
		struct iovec iov = { chunk, n };
		ok = os_file_write(to, &iov, 1, done, err);
		done += (uint32_t)n;
	}
	os_file_close(&from);
	return ok && os_file_sync(to, err);
}

static bool report(struct spool *s, const char *line, struct err *err)
{
	int fd;
	if (!os_file_open(s->quarantine_dir, "report", OS_APPEND, &fd, err))
		return false;
	bool ok = os_file_append(fd, slice_of(line), err) &&
		  os_file_sync(fd, err);
	os_file_close(&fd);
	return ok && os_dir_sync(s->quarantine_dir, err);
}

static void quarantine_copy(struct spool *s, const char *name,
			    const char *line, uint32_t segment,
			    uint32_t offset, uint32_t bytes)
{
	struct err err;
	int to;
	/* There already: an earlier start found the same. */
	if (os_file_open(s->quarantine_dir, name, OS_READ, &to, &err)) {
		os_file_close(&to);
		return;
	}
	bool ok = os_file_open(s->quarantine_dir, name, OS_CREATE, &to, &err);
	if (ok) {
		ok = copy_bytes(s, segment, offset, bytes, to, &err);
		os_file_close(&to);
	}
	if (!ok || !report(s, line, &err))
		log_failure(s->config.log, LOG_ALARM,
			    "spool.quarantine_failed", &err);
}

void quarantine(struct spool *s, uint32_t segment, uint32_t offset,
		uint32_t bytes, struct id id, const char *why)
{
	char name[NAME_MAX_BYTES], line[160], text[ID_TEXT_MAX] = "-";
	s->figures.quarantined++;
	if (!id_is_zero(id))
		id_text(id, text);
	struct log_event e;
	log_begin(&e, s->config.log, LOG_ALARM, "spool.quarantined");
	json_member_u64(&e.json, "segment", segment);
	json_member_u64(&e.json, "offset", offset);
	json_member_u64(&e.json, "bytes", bytes);
	json_member_cstr(&e.json, "id", text);
	json_member_cstr(&e.json, "why", why);
	log_end(&e);
	if (s->config.read_only)
		return;
	snprintf(name, sizeof(name), "seg-%08u-%08x.bin", segment, offset);
	snprintf(line, sizeof(line), "%s %u bytes, message %s: %s\n", name,
		 bytes, text, why);
	quarantine_copy(s, name, line, segment, offset, bytes);
}

/* --- the frames in order -------------------------------------------------- */

/* A bad frame at c->offset; known_next: where the next one starts, when its
 * head is good, else 0. */
static enum scan_event bad_frame(struct scan *c, const struct frame *f,
				 uint32_t known_next, struct err *err)
{
	struct frame next;
	uint64_t at = known_next;
	if (!c->end_known) {
		if (!find_evidence(c, c->offset, err))
			return SCAN_FAILED;
		if (c->offset >= c->evidence) {
			c->limit = c->offset;
			return SCAN_END;
		}
	}
	if (known_next == 0 &&
	    !find_head(c, c->offset + 1, c->limit, &next, &at, err))
		return SCAN_FAILED;
	/* No good frame behind it: below the evidence all is damage. */
	if (at >= c->limit && !c->end_known)
		at = c->limit = c->evidence;
	uint32_t from = c->offset;
	if (f != NULL && f->type == FRAME_BODY)
		c->body_at = c->offset;	/* its accept frame may be good */
	else if (c->body_at != 0)
		from = c->body_at;	/* a body without its envelope */
	quarantine(c->s, c->seg->number, from, (uint32_t)at - from,
		   f != NULL ? f->id : (struct id){ 0 },
		   f != NULL ? "payload CRC" : "frame head");
	if (f == NULL || f->type != FRAME_BODY)
		c->body_at = 0;
	c->offset = (uint32_t)at;
	return SCAN_FRAME;
}

enum scan_event scan_next(struct scan *c, struct err *err)
{
	while ((uint64_t)c->offset + FRAME_BYTES <= c->limit) {
		slice s;
		bool good = true;
		struct frame *f = &c->frame;
		if (!look(c, c->offset, FRAME_BYTES, &s, err))
			return SCAN_FAILED;
		uint64_t position = position_of(c->seg->number, c->offset);
		if (!frame_get(s, position, c->seg->salt, f) ||
		    c->offset + FRAME_BYTES + (uint64_t)f->bytes > c->limit) {
			enum scan_event e = bad_frame(c, NULL, 0, err);
			if (e != SCAN_FRAME)
				return e;
			continue;
		}
		uint32_t next = c->offset + FRAME_BYTES + f->bytes;
		c->payload = SLICE("");
		if (f->type == FRAME_BODY && !c->check_bodies)
			c->skipped = f->bytes > SKIP_FAR;
		else if (!payload_of(c, c->offset, f, &c->payload, &good, err))
			return SCAN_FAILED;
		if (!good) {
			enum scan_event e = bad_frame(c, f, next, err);
			if (e != SCAN_FRAME)
				return e;
			continue;
		}
		c->at = c->offset;
		c->before = c->body_at ? c->body_at : c->at;
		c->body_at = f->type == FRAME_BODY ? c->at : 0;
		c->offset = next;
		return SCAN_FRAME;
	}
	if (c->end_known && c->offset < c->limit)
		quarantine(c->s, c->seg->number, c->offset,
			   c->limit - c->offset, (struct id){ 0 },
			   "rest of a segment");
	c->limit = c->offset;
	return SCAN_END;
}
