/*
 * Big bodies: a file big/<id>, written while the message comes in, one job
 * at a time. The first 4096 bytes are kept free; trace fields go right in
 * front of the rest, so the body begins at 4096 - prefix. File and directory
 * are synced before the accept frame is made, so an accept frame is never
 * without its file.
 *
 *   OPEN -> (jobs write what was appended) -> FINISHING -> FINISHED
 *     any -> DROPPED: the last job unlinks, then the object goes
 *
 * Its thread: the one that made it; fields below `at work` are the job's
 * while one is out.
 */
#include "spool/spool_private.h"

#include <stdlib.h>

#include "base/crc32c.h"

enum {
	OUTSTANDING_MAX = 256 << 10,
	DRAINED = OUTSTANDING_MAX / 2,
	ALLOCATE_STEP = 1 << 20,
	IOV_MAX_PIECES = 64,
};

struct piece {
	struct piece *next;
	size_t n;
	char bytes[];
};

enum big_state { BIG_OPEN, BIG_FINISHING, BIG_FINISHED, BIG_DROPPED };

struct spool_big {
	struct spool *spool;
	struct id id;
	enum big_state state;
	uint64_t appended;		/* bytes behind the prefix */
	uint64_t outstanding;
	uint32_t crc;
	uint32_t prefix_crc;
	struct buf prefix;
	struct piece *first, *last;	/* not yet with a job */
	bool paused;
	bool working;
	bool broken;
	bool keep_file;
	struct err err;
	void (*drained)(void *ctx);
	void *drained_ctx;
	void (*finished)(void *ctx, bool ok, const struct err *err);
	void *finished_ctx;
	uint64_t size_hint;
	/* at work */
	struct os_job job;
	struct piece *writing;
	uint64_t writing_bytes;
	bool last_call;
	bool remove;
	bool work_ok;
	struct err work_err;
	int fd;
	uint64_t written, allocated;
};

static void start(struct spool_big *b);

/* --- on a disk worker ----------------------------------------------------- */

static void big_grown(struct spool_big *b, uint64_t bytes)
{
	b->allocated += bytes;
	atomic_fetch_add(&b->spool->big_allocated, bytes);
}

static bool big_create(struct spool_big *b, struct err *err)
{
	char name[ID_TEXT_MAX];
	if (!os_file_open(b->spool->big_dir, id_text(b->id, name), OS_CREATE,
			  &b->fd, err))
		return false;
	if (b->size_hint == 0)
		return true;
	uint64_t bytes = SPOOL_BIG_PREFIX_MAX + b->size_hint;
	if (!os_file_allocate(b->fd, 0, bytes, err))
		return false;
	big_grown(b, bytes);
	return true;
}

static bool big_allocate(struct spool_big *b, uint64_t end, struct err *err)
{
	if (end <= b->allocated)
		return true;
	uint64_t more = end - b->allocated;
	if (more < ALLOCATE_STEP)
		more = ALLOCATE_STEP;
	if (!os_file_allocate(b->fd, b->allocated, more, err))
		return false;
	big_grown(b, more);
	return true;
}

static bool write_pieces(struct spool_big *b, struct err *err)
{
	uint64_t end = SPOOL_BIG_PREFIX_MAX + b->written + b->writing_bytes;
	if (!big_allocate(b, end, err))
		return false;
	for (struct piece *p = b->writing; p != NULL;) {
		struct iovec iov[IOV_MAX_PIECES];
		int count = 0;
		uint64_t bytes = 0;
		for (; p != NULL && count < IOV_MAX_PIECES; p = p->next) {
			iov[count++] = (struct iovec){ p->bytes, p->n };
			bytes += p->n;
		}
		if (!os_file_write(b->fd, iov, count,
				   SPOOL_BIG_PREFIX_MAX + b->written, err))
			return false;
		b->written += bytes;
	}
	return true;
}

static bool big_complete(struct spool_big *b, struct err *err)
{
	struct iovec iov = { b->prefix.p, b->prefix.n };
	uint64_t size = SPOOL_BIG_PREFIX_MAX + b->written;
	if (b->prefix.n > 0 &&
	    !os_file_write(b->fd, &iov, 1, SPOOL_BIG_PREFIX_MAX - b->prefix.n,
			   err))
		return false;
	if (b->allocated > size && !os_file_truncate(b->fd, size, err))
		return false;
	return os_file_sync(b->fd, err) && os_dir_sync(b->spool->big_dir, err);
}

static void big_work(struct os_job *job)
{
	struct spool_big *b = CONTAINER_OF(job, struct spool_big, job);
	struct err *err = &b->work_err;
	char name[ID_TEXT_MAX];
	b->work_ok = true;
	if (b->remove) {
		if (b->fd >= 0)
			os_file_close(&b->fd);
		b->work_ok = os_file_unlink(b->spool->big_dir,
					    id_text(b->id, name), err);
		return;
	}
	/* A broken one writes no more; what waits is thrown away. */
	if (b->broken)
		return;
	if (b->fd < 0)
		b->work_ok = big_create(b, err);
	b->work_ok = b->work_ok && write_pieces(b, err);
	if (b->work_ok && b->last_call)
		b->work_ok = big_complete(b, err);
	if (b->last_call && b->fd >= 0)
		os_file_close(&b->fd);
}

/* --- on its own thread ---------------------------------------------------- */

static void free_pieces(struct piece **first)
{
	for (struct piece *p = *first; p != NULL;) {
		struct piece *next = p->next;
		free(p);
		p = next;
	}
	*first = NULL;
}

static void big_free(struct spool_big *b)
{
	invariant(!b->working);
	free_pieces(&b->first);
	free_pieces(&b->writing);
	buf_fini(&b->prefix);
	if (b->fd >= 0)
		os_file_close(&b->fd);
	atomic_fetch_sub(&b->spool->bigs, 1);
	free(b);
}

static void tell_finished(struct spool_big *b)
{
	b->state = BIG_FINISHED;
	b->finished(b->finished_ctx, !b->broken, &b->err);
}

static void big_worked(struct os_post *post)
{
	struct os_job *job = CONTAINER_OF(post, struct os_job, done);
	struct spool_big *b = CONTAINER_OF(job, struct spool_big, job);
	b->working = false;
	free_pieces(&b->writing);
	b->outstanding -= b->writing_bytes;
	b->writing_bytes = 0;
	if (!b->work_ok && !b->broken) {
		b->broken = true;
		b->err = b->work_err;
	}
	if (b->remove) {
		big_free(b);
		return;
	}
	if (b->state == BIG_DROPPED || b->first != NULL ||
	    (b->state == BIG_FINISHING && !b->last_call)) {
		start(b);
	} else if (b->state == BIG_FINISHING) {
		tell_finished(b);
		return;
	}
	if (b->paused && (b->outstanding <= DRAINED || b->broken)) {
		b->paused = false;
		if (b->drained != NULL)
			b->drained(b->drained_ctx);
	}
}

/* The next job: what waits, or the end, or the removal. */
static void start(struct spool_big *b)
{
	invariant(!b->working && b->writing == NULL);
	if (b->state == BIG_DROPPED && b->keep_file) {
		big_free(b);
		return;
	}
	b->remove = b->state == BIG_DROPPED;
	b->last_call = b->state == BIG_FINISHING;
	b->writing = b->first;
	b->first = b->last = NULL;
	b->writing_bytes = 0;
	for (struct piece *p = b->writing; p != NULL; p = p->next)
		b->writing_bytes += p->n;
	b->working = true;
	os_pool_submit(b->spool->config.disk, &b->job, big_work, big_worked);
}

struct spool_big *spool_big_new(struct spool *s, struct id id,
				uint64_t size_hint,
				void (*drained)(void *ctx), void *ctx)
{
	struct spool_big *b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->spool = s;
	b->id = id;
	b->size_hint = size_hint;
	b->drained = drained;
	b->drained_ctx = ctx;
	b->fd = -1;
	buf_init(&b->prefix, SPOOL_BIG_PREFIX_MAX);
	atomic_fetch_add(&s->bigs, 1);
	return b;
}

bool spool_big_append(struct spool_big *b, slice bytes, struct err *err)
{
	invariant(b->state == BIG_OPEN);
	if (b->broken) {
		*err = b->err;
		return false;
	}
	if (bytes.n == 0)
		return true;
	/* What misses a piece must never be finished. */
	if (b->appended + bytes.n > UINT32_MAX - SPOOL_BIG_PREFIX_MAX) {
		b->broken = true;
		err_set(&b->err, ERR_LIMIT, SCOPE_MESSAGE, "spool_big",
			"message too large");
		*err = b->err;
		return false;
	}
	struct piece *p = malloc(sizeof(*p) + bytes.n);
	if (p == NULL) {
		b->broken = true;
		err_set_memory(&b->err, "spool_big");
		*err = b->err;
		return false;
	}
	p->next = NULL;
	p->n = bytes.n;
	memcpy(p->bytes, bytes.p, bytes.n);
	if (b->last != NULL)
		b->last->next = p;
	else
		b->first = p;
	b->last = p;
	b->appended += bytes.n;
	b->outstanding += bytes.n;
	b->crc = crc32c(b->crc, bytes.p, bytes.n);
	if (b->outstanding >= OUTSTANDING_MAX)
		b->paused = true;
	if (!b->working)
		start(b);
	return true;
}

uint64_t spool_big_outstanding(const struct spool_big *b)
{
	return b->outstanding;
}

void spool_big_finish(struct spool_big *b, slice prefix,
		      void (*finished)(void *finished_ctx, bool ok,
				       const struct err *err),
		      void *finished_ctx)
{
	invariant(b->state == BIG_OPEN && prefix.n <= SPOOL_BIG_PREFIX_MAX);
	b->finished = finished;
	b->finished_ctx = finished_ctx;
	b->state = BIG_FINISHING;
	b->prefix_crc = crc32c(0, prefix.p, prefix.n);
	buf_append(&b->prefix, prefix);
	if (b->prefix.failed && !b->broken) {
		b->broken = true;
		err_set_memory(&b->err, "spool_big");
	}
	if (!b->working)
		start(b);
}

uint64_t spool_big_size(const struct spool_big *b)
{
	return b->prefix.n + b->appended;
}

void big_describe(const struct spool_big *b, struct frame_accept *a)
{
	invariant(b->state == BIG_FINISHED && !b->broken);
	a->big = true;
	a->body_bytes = (uint32_t)spool_big_size(b);
	a->body_crc = b->crc;
	a->prefix_bytes = (uint32_t)b->prefix.n;
	a->prefix_crc = b->prefix_crc;
}

void big_keep(struct spool_big *b)
{
	invariant(b->state == BIG_FINISHED);
	b->keep_file = true;
}

void spool_big_drop(struct spool_big **b)
{
	struct spool_big *big = *b;
	*b = NULL;
	if (big == NULL)
		return;
	invariant(big->state != BIG_DROPPED);
	big->state = BIG_DROPPED;
	big->drained = NULL;
	if (!big->working)
		start(big);
}
