/*
 * Group commit. Callers make their frames on their own core and post them;
 * the commit thread gathers everything that waits into one write and one
 * sync, then answers. It blocks in os_file_write and os_file_sync only.
 *
 *   COLLECT --something due--> WRITE -> SYNC -> RELEASE -> COLLECT
 *                                 \      |
 *                        failure   v     v
 *                                  CUT -> CUT_SYNC -> CUT_TELL -> COLLECT
 *                                    \       |            \
 *                                     v      v             v (3 in a minute)
 *                                      CLOSE -----------> CLOSED -> ENDED
 *
 * One step a turn. A failed write or sync ends the segment at its last
 * synced offset; nobody is told before a cut frame that says so is synced
 * in the next segment, through a new descriptor. The failed sync is never
 * tried again: the kernel has dropped what it could not write.
 */
#include "spool/spool_private.h"

#include "os/clock.h"

/* --- COLLECT -------------------------------------------------------------- */

/* Whether a batch should be made now; else the time to look again. */
static bool batch_due(const struct spool *s, int64_t now, int64_t *when)
{
	if (s->retry.count > 0 || s->pending.urgent > 0 ||
	    s->checkpoint.step == CHECKPOINT_FRAME ||
	    s->evacuation.step == EVACUATE_COMMIT)
		return true;
	if (s->pending.count == 0)
		return false;
	int64_t due = s->lazy_since_ns + (int64_t)LAZY_MS * MS;
	if (due <= now || s->stop_wanted)
		return true;
	if (due < *when)
		*when = due;
	return false;
}

/* An idle log says up to where it is synced, so that damage to its last
 * batch is told from a torn tail. Need not be synced: when it is lost, only
 * that knowledge is. */
static void write_mark(struct spool *s)
{
	struct segment *seg = s->active;
	char frame[128];
	struct err ignored;
	if (!s->unmarked || seg->end != seg->synced ||
	    seg->end + BATCH_HEAD_MAX > seg->file_bytes)
		return;
	s->unmarked = false;
	struct iovec iov = { frame,
			     batch_frame_compose(seg, seg->end, frame) };
	if (os_file_write(seg->fd, &iov, 1, seg->end, &ignored))
		seg->end += (uint32_t)iov.iov_len;
}

static int64_t stopped(struct spool *s)
{
	struct err err;
	if (s->active != NULL) {
		if (!s->closed && s->active->end > s->active->synced &&
		    !os_file_sync(s->active->fd, &err))
			log_failure(s->config.log, LOG_WARNING,
				    "spool.last_sync", &err);
		os_file_close(&s->active->fd);
	}
	s->step = STEP_ENDED;
	os_thread_stop(s->thread);
	/* Last: its receiver may close the spool. */
	if (s->stop_home != NULL)
		os_thread_post(s->stop_home, s->stopped);
	return OS_NEVER;
}

/* Nobody works for it any more: files of big bodies may still be on their way
 * out when all who made them are gone. */
static bool is_quiet(struct spool *s)
{
	return s->chores_out == 0 && atomic_load(&s->bigs) == 0 &&
	       checkpoint_quiet(s);
}

/* A big body's end is no post to this thread. */
static int64_t look_soon(const struct spool *s, int64_t when)
{
	int64_t soon = os_monotonic_ns() + (int64_t)LAZY_MS * MS;
	return s->stop_wanted && atomic_load(&s->bigs) > 0 && soon < when
		       ? soon
		       : when;
}

static bool may_stop(struct spool *s)
{
	return s->stop_wanted && is_quiet(s) && s->pending.count == 0 &&
	       s->retry.count == 0 && s->evacuation.step == EVACUATE_IDLE;
}

static int64_t step_collect(struct spool *s)
{
	int64_t now = os_monotonic_ns();
	chores_look(s, now);
	int64_t when = s->tick_ns;
	if (batch_due(s, now, &when)) {
		batch_fill(s);
		if (s->batch->open) {
			s->step = STEP_WRITE;
			return OS_AGAIN;
		}
		/* Waits for a chore, whose end is a post, or for the tick. */
		return when;
	}
	if (checkpoint_walks(s) || evacuate_walks(s))
		return OS_AGAIN;
	write_mark(s);
	if (may_stop(s))
		return stopped(s);
	return look_soon(s, when);
}

/* --- WRITE, SYNC, RELEASE ------------------------------------------------- */

static int64_t batch_failed(struct spool *s)
{
	log_failure(s->config.log, LOG_ALARM, "spool.write_failed",
		    &s->batch->err);
	memmove(&s->failures_ns[1], &s->failures_ns[0],
		sizeof(s->failures_ns) - sizeof(s->failures_ns[0]));
	s->failures_ns[0] = os_monotonic_ns();
	segment_close(s, true);
	s->step = STEP_CUT;
	return OS_AGAIN;
}

static int64_t step_write(struct spool *s)
{
	struct batch *b = s->batch;
	unsigned n = b->iov_count - b->iov_done;
	if (n > WRITE_IOV_MAX)
		n = WRITE_IOV_MAX;
	uint32_t bytes = 0;
	for (unsigned i = 0; i < n; i++)
		bytes += (uint32_t)b->iov[b->iov_done + i].iov_len;
	if (!os_file_write(s->active->fd, b->iov + b->iov_done, (int)n,
			   b->start + b->written, &b->err))
		return batch_failed(s);
	b->iov_done += n;
	b->written += bytes;
	if (b->iov_done == b->iov_count)
		s->step = STEP_SYNC;
	return OS_AGAIN;
}

static int64_t step_sync(struct spool *s)
{
	struct batch *b = s->batch;
	invariant(b->written == b->bytes);
	if (!os_file_sync(s->active->fd, &b->err))
		return batch_failed(s);
	s->figures.syncs++;
	s->step = STEP_RELEASE;
	return OS_AGAIN;
}

static int64_t step_release(struct spool *s)
{
	struct batch *b = s->batch;
	struct segment *seg = s->active;
	seg->end = seg->synced = b->start + b->bytes;
	s->unmarked = true;
	s->log_since += b->bytes;
	space_note(s);
	s->figures.position = position_of(seg->number, seg->end);
	if (b->has_cut)
		cut_settled(s);
	if (b->has_checkpoint)
		checkpoint_committed(s);
	if (s->evacuation.in_batch > 0)
		evacuate_committed(s, seg->number);
	s->figures.frames += b->commits.count;
	for (struct spool_commit *c; (c = commit_queue_pop(&b->commits));) {
		place_apply(s, c);
		s->figures.commits++;
		commit_answer(s, c, true, false, NULL);
	}
	s->step = STEP_COLLECT;
	return OS_AGAIN;
}

/* --- CUT ------------------------------------------------------------------ */

static int64_t step_cut(struct spool *s)
{
	struct batch *b = s->batch;
	struct err err;
	enum room r = room_for_cut(s);
	if (r == ROOM_WAIT)
		return OS_NEVER;	/* the chore's end is a post */
	s->step = STEP_CLOSE;
	if (r == ROOM_NONE)
		return OS_AGAIN;
	segment_activate(s);
	b->head_bytes = cut_compose(s, s->active, b->head, sizeof(b->head));
	struct iovec iov = { b->head, b->head_bytes };
	if (os_file_write(s->active->fd, &iov, 1, SEGMENT_HEAD, &err))
		s->step = STEP_CUT_SYNC;
	else
		log_failure(s->config.log, LOG_ALARM, "spool.cut_failed", &err);
	return OS_AGAIN;
}

static int64_t step_cut_sync(struct spool *s)
{
	struct err err;
	if (!os_file_sync(s->active->fd, &err)) {
		log_failure(s->config.log, LOG_ALARM, "spool.cut_failed", &err);
		s->step = STEP_CLOSE;
		return OS_AGAIN;
	}
	s->active->end += s->batch->head_bytes;
	s->active->synced = s->active->end;
	s->figures.cuts++;
	cut_settled(s);
	s->step = STEP_CUT_TELL;
	return OS_AGAIN;
}

static void close_for_good(struct spool *s)
{
	struct err err;
	err_set(&err, ERR_IO, SCOPE_SELF, "spool", "the spool is closed");
	log_failure(s->config.log, LOG_ALARM, "spool.closed", &err);
	s->closed = true;
	s->step = STEP_CLOSED;
	evacuate_drop(s);
}

/* Mail of the batch is refused; its states and dones come again, in front
 * of those that had not fitted into it. */
static int64_t step_cut_tell(struct spool *s)
{
	struct batch *b = s->batch;
	struct commit_queue again = { 0 };
	for (struct spool_commit *c; (c = commit_queue_pop(&b->commits));) {
		if (c->kind == SPOOL_ACCEPT)
			commit_answer(s, c, false, false, &b->err);
		else
			commit_queue_push(&again, c);
	}
	for (struct spool_commit *c; (c = commit_queue_pop(&s->retry));)
		commit_queue_push(&again, c);
	s->retry = again;
	s->evacuation.in_batch = 0;
	int64_t oldest = s->failures_ns[FAILURES_MAX - 1];
	s->step = STEP_COLLECT;
	if (oldest != 0 && s->failures_ns[0] - oldest <
			   (int64_t)FAILURE_WINDOW_MS * MS)
		close_for_good(s);
	return OS_AGAIN;
}

static int64_t step_close(struct spool *s)
{
	struct batch *b = s->batch;
	for (struct spool_commit *c; (c = commit_queue_pop(&b->commits));)
		commit_answer(s, c, false, true, &b->err);
	close_for_good(s);
	return OS_AGAIN;
}

static int64_t step_closed(struct spool *s)
{
	struct err err;
	err_set(&err, ERR_IO, SCOPE_SELF, "spool_commit",
		"the spool is closed");
	for (struct spool_commit *c; (c = commit_queue_pop(&s->retry));)
		commit_answer(s, c, false, false, &err);
	for (struct spool_commit *c; (c = commit_queue_pop(&s->pending));)
		commit_answer(s, c, false, false, &err);
	s->checkpoint_wanted = false;
	checkpoint_look(s);
	if (s->stop_wanted && is_quiet(s))
		return stopped(s);
	return look_soon(s, OS_NEVER);
}

/* --- the turn ------------------------------------------------------------- */

void spool_check(const struct spool *s)
{
	invariant(s->spare_count <= SPARES);
	invariant(s->active == NULL || s->active->active);
	switch (s->step) {
	case STEP_COLLECT:
		invariant(s->active != NULL && s->batch->commits.count == 0);
		invariant(!s->closed);
		break;
	case STEP_WRITE:
	case STEP_SYNC:
	case STEP_RELEASE:
		invariant(s->active != NULL && s->batch->open);
		invariant(s->batch->start == s->active->end);
		break;
	case STEP_CUT:
		invariant(s->active == NULL);
		break;
	case STEP_CUT_SYNC:
	case STEP_CUT_TELL:
		invariant(s->active != NULL);
		break;
	case STEP_CLOSE:
		break;
	case STEP_CLOSED:
		invariant(s->closed && s->batch->commits.count == 0);
		break;
	case STEP_ENDED:
		invariant(s->stop_wanted && s->chores_out == 0);
		break;
	}
}

int64_t commit_turn(void *ctx)
{
	struct spool *s = ctx;
	spool_check(s);
	switch (s->step) {
	case STEP_COLLECT:
		return step_collect(s);
	case STEP_WRITE:
		return step_write(s);
	case STEP_SYNC:
		return step_sync(s);
	case STEP_RELEASE:
		return step_release(s);
	case STEP_CUT:
		return step_cut(s);
	case STEP_CUT_SYNC:
		return step_cut_sync(s);
	case STEP_CUT_TELL:
		return step_cut_tell(s);
	case STEP_CLOSE:
		return step_close(s);
	case STEP_CLOSED:
		return step_closed(s);
	case STEP_ENDED:
		return OS_NEVER;
	}
	unreachable_state("every step is listed");
}
