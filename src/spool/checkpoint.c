/*
 * Checkpoints: which messages live and where (from the index), and the state
 * that the queue had for each (from the home shards, in slices). Fuzzy: it
 * holds what was so at `position` or a little later, and the log from
 * `position` on is replayed on top.
 *
 *   IDLE -> STATES (shards hand over) -> PLACES (index walked in slices)
 *        -> WRITE (rest, end block, sync, rename, sync) -> FRAME -> IDLE
 *
 * Full blocks are written by a disk worker while the rest is gathered, so
 * that little memory is needed. The file counts once it has its name; the
 * frame in the log is for readers.
 */
#include "spool/spool_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/clock.h"

static const char file_magic[8] = { 'P', 'R', 'C', 'K', 'P', 'T', '1', '\n' };
static const char block_magic[4] = { '\xf7', 'P', 'R', 'B' };
enum {
	FILE_HEAD = 40,
	BLOCK_HEAD = 20,
	END_BYTES = 32,
	BLOCK_MAX = ENVELOPE_MAX + CHECKPOINT_BLOCK,
	GUESS_BYTES = 256,		/* of a message in a checkpoint */
};

const char *checkpoint_name(uint64_t number, bool temporary,
			    char to[NAME_MAX_BYTES])
{
	snprintf(to, NAME_MAX_BYTES, "ckpt-%08llu%s",
		 (unsigned long long)number, temporary ? ".tmp" : "");
	return to;
}

/* --- shards' side (any thread) -------------------------------------------- */

static void wake_run(struct os_post *post)
{
	struct spool_checkpoint *ck =
		CONTAINER_OF(post, struct spool_checkpoint, wake);
	os_mutex_lock(ck->lock);
	ck->wake_out = false;
	os_mutex_unlock(ck->lock);
	/* The turn that follows looks at it. */
}

/* With the lock held; posts after it is released when it returns true. */
static bool wake_wanted(struct spool_checkpoint *ck)
{
	bool wanted = !ck->wake_out;
	ck->wake_out = true;
	return wanted;
}

static void wake(struct spool_checkpoint *ck)
{
	os_post_init(&ck->wake, wake_run);
	os_thread_post(ck->spool->thread, &ck->wake);
}

static struct block *block_new(enum block_kind kind)
{
	struct block *b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->kind = kind;
	buf_init(&b->payload, BLOCK_MAX);
	return b;
}

static void block_free(struct block **b)
{
	if (*b == NULL)
		return;
	buf_fini(&(*b)->payload);
	free(*b);
	*b = NULL;
}

/* With the lock held. */
static void block_queue(struct spool_checkpoint *ck, struct block **b)
{
	(*b)->next = NULL;
	if (ck->last != NULL)
		ck->last->next = *b;
	else
		ck->first = *b;
	ck->last = *b;
	*b = NULL;
}

/* True when a block is full now. */
static bool add_state(struct spool_checkpoint *ck, struct id id, slice state)
{
	if (ck->open_states == NULL)
		ck->open_states = block_new(BLOCK_STATES);
	struct block *b = ck->open_states;
	if (b == NULL) {
		ck->failed = true;
		return false;
	}
	buf_u64(&b->payload, id.time_ms);
	buf_u64(&b->payload, id.random);
	buf_bytes32(&b->payload, state);
	b->count++;
	ck->failed |= b->payload.failed;
	if (b->payload.n < CHECKPOINT_BLOCK)
		return false;
	block_queue(ck, &ck->open_states);
	return true;
}

void spool_checkpoint_add(struct spool_checkpoint *ck, struct id id,
			  slice state)
{
	os_mutex_lock(ck->lock);
	bool post = add_state(ck, id, state) && wake_wanted(ck);
	os_mutex_unlock(ck->lock);
	if (post)
		wake(ck);
}

void spool_checkpoint_fail(struct spool_checkpoint *ck)
{
	os_mutex_lock(ck->lock);
	ck->failed = true;
	os_mutex_unlock(ck->lock);
}

/* With the lock held: true once. */
static bool now_told(const struct spool_checkpoint *ck)
{
	return ck->parts_said && ck->parts_done == ck->parts;
}

/* A message that no shard named because its done frame was on the way must
 * be gone from the index before that is walked, or it would come back to
 * life without its state. What a shard posted before it said its part has
 * arrived before this post has: all that is answered first. */
static void told_run(struct os_post *post)
{
	struct spool_checkpoint *ck =
		CONTAINER_OF(post, struct spool_checkpoint, told);
	ck->all_told = true;
	ck->barrier = ck->spool->arrived;
}

static void tell(struct spool_checkpoint *ck)
{
	os_post_init(&ck->told, told_run);
	os_thread_post(ck->spool->thread, &ck->told);
}

void spool_checkpoint_parts(struct spool_checkpoint *ck, unsigned parts)
{
	os_mutex_lock(ck->lock);
	invariant(!ck->parts_said);
	ck->parts_said = true;
	ck->parts = parts;
	bool post = now_told(ck);
	os_mutex_unlock(ck->lock);
	if (post)
		tell(ck);
}

void spool_checkpoint_part_done(struct spool_checkpoint *ck)
{
	os_mutex_lock(ck->lock);
	ck->parts_done++;
	invariant(!ck->parts_said || ck->parts_done <= ck->parts);
	bool post = now_told(ck);
	os_mutex_unlock(ck->lock);
	if (post)
		tell(ck);
}

/* --- writing (disk worker) ------------------------------------------------ */

static bool write_at_end(struct spool_checkpoint *ck, slice a, slice b,
			 struct err *err)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)a.p, a.n },
		{ (void *)(uintptr_t)b.p, b.n },
	};
	if (!os_file_write(ck->fd, iov, b.n ? 2 : 1, ck->at, err))
		return false;
	ck->at += a.n + b.n;
	return true;
}

static bool write_block(struct spool_checkpoint *ck, const struct block *b,
			struct err *err)
{
	struct buf head;
	buf_init(&head, BLOCK_HEAD);
	buf_append_bytes(&head, block_magic, sizeof(block_magic));
	buf_u32(&head, b->kind);
	buf_u32(&head, (uint32_t)b->payload.n);
	buf_u32(&head, (uint32_t)b->count);
	uint32_t crc = head.failed ? 0 : crc32c(0, head.p, head.n);
	buf_u32(&head, crc32c(crc, b->payload.p, b->payload.n));
	bool ok = !head.failed && !b->payload.failed;
	if (b->kind != BLOCK_STATES && ck->places_at == 0)
		ck->places_at = ck->at;
	ok = ok ? write_at_end(ck, buf_slice(&head), buf_slice(&b->payload),
			       err) :
	     err_set_memory(err, "spool_checkpoint");
	buf_fini(&head);
	switch (b->kind) {
	case BLOCK_STATES:
		ck->states += b->count;
		break;
	case BLOCK_PLACES:
		ck->places += b->count;
		break;
	case BLOCK_SEGMENTS:
		ck->segments += b->count;
		break;
	case BLOCK_END:
		break;
	}
	return ok;
}

static bool create(struct spool_checkpoint *ck, struct err *err)
{
	struct spool *s = ck->spool;
	char name[NAME_MAX_BYTES];
	if (ck->give_reserve && !os_file_unlink(s->dir, "reserve", err))
		return false;
	checkpoint_name(ck->number, true, name);
	if (!os_file_unlink(s->dir, name, err) ||
	    !os_file_open(s->dir, name, OS_CREATE, &ck->fd, err))
		return false;
	struct buf head;
	buf_init(&head, FILE_HEAD);
	buf_append_bytes(&head, file_magic, sizeof(file_magic));
	buf_u32(&head, FORMAT_VERSION);
	buf_u64(&head, ck->number);
	buf_u64(&head, ck->position);
	buf_u64(&head, (uint64_t)os_wall_ms());
	buf_u32(&head, head.failed ? 0 : crc32c(0, head.p, head.n));
	bool ok = head.failed ? err_set_memory(err, "spool_checkpoint") :
		  write_at_end(ck, buf_slice(&head), SLICE(""), err);
	buf_fini(&head);
	return ok;
}

static struct block *next_block(struct spool_checkpoint *ck)
{
	os_mutex_lock(ck->lock);
	struct block *b = ck->first;
	if (b != NULL) {
		ck->first = b->next;
		if (ck->first == NULL)
			ck->last = NULL;
	}
	os_mutex_unlock(ck->lock);
	return b;
}

static bool finish(struct spool_checkpoint *ck, struct err *err)
{
	struct spool *s = ck->spool;
	char from[NAME_MAX_BYTES], to[NAME_MAX_BYTES];
	struct block *end = block_new(BLOCK_END);
	if (end == NULL)
		return err_set_memory(err, "spool_checkpoint");
	buf_u64(&end->payload, ck->places_at);
	buf_u64(&end->payload, ck->states);
	buf_u64(&end->payload, ck->places);
	buf_u64(&end->payload, ck->segments);
	bool ok = write_block(ck, end, err) && os_file_sync(ck->fd, err) &&
		  os_file_rename(s->dir,
				 checkpoint_name(ck->number, true, from),
				 s->dir,
				 checkpoint_name(ck->number, false, to),
				 err) &&
		  os_dir_sync(s->dir, err);
	block_free(&end);
	return ok;
}

static void work(struct chore *chore)
{
	struct spool_checkpoint *ck =
		CONTAINER_OF(chore, struct spool_checkpoint, chore);
	if (ck->fd < 0)
		chore->ok = create(ck, &chore->err);
	for (struct block *b; chore->ok && (b = next_block(ck)) != NULL;) {
		chore->ok = write_block(ck, b, &chore->err);
		block_free(&b);
	}
	if (chore->ok && ck->last_call)
		chore->ok = finish(ck, &chore->err);
	if ((!chore->ok || ck->last_call) && ck->fd >= 0)
		os_file_close(&ck->fd);
}

/* --- the commit thread's side --------------------------------------------- */

static void reset(struct spool_checkpoint *ck)
{
	for (struct block *b; (b = next_block(ck)) != NULL;)
		block_free(&b);
	block_free(&ck->open_states);
	block_free(&ck->places_open);
	if (ck->fd >= 0)
		os_file_close(&ck->fd);
	ck->walk = 0;
	ck->parts = ck->parts_done = 0;
	ck->parts_said = ck->failed = ck->all_told = false;
	ck->last_call = ck->give_reserve = ck->broken = false;
	ck->at = ck->places_at = 0;
	ck->states = ck->places = ck->segments = 0;
	ck->step = CHECKPOINT_IDLE;
}

bool checkpoint_init(struct spool *s, struct err *err)
{
	s->checkpoint.spool = s;
	s->checkpoint.fd = -1;
	return os_mutex_new(&s->checkpoint.lock, err);
}

void checkpoint_fini(struct spool *s)
{
	if (s->checkpoint.lock == NULL)
		return;
	reset(&s->checkpoint);
	os_mutex_free(&s->checkpoint.lock);
}

/* Only when every shard has said its part: they hold ck. */
static void give_up(struct spool *s)
{
	struct err err;
	err_set(&err, ERR_IO, SCOPE_SELF, "spool_checkpoint",
		"no checkpoint was written");
	log_failure(s->config.log, LOG_WARNING, "spool.checkpoint_failed",
		    &err);
	s->checkpoint_wanted = false;
	s->log_since += s->checkpoint.since;
	s->checkpoint_next_ns = os_monotonic_ns() + 10 * (int64_t)TICK_MS * MS;
	reset(&s->checkpoint);
}

static void done(struct chore *chore)
{
	struct spool_checkpoint *ck =
		CONTAINER_OF(chore, struct spool_checkpoint, chore);
	if (!chore->ok)
		ck->broken = true;
	else if (ck->last_call)
		ck->step = CHECKPOINT_FRAME;
}

static void pump(struct spool_checkpoint *ck)
{
	os_mutex_lock(ck->lock);
	bool wanted = ck->first != NULL;
	os_mutex_unlock(ck->lock);
	if (wanted || ck->step == CHECKPOINT_WRITE) {
		ck->last_call = ck->step == CHECKPOINT_WRITE;
		chore_submit(ck->spool, &ck->chore, work, done);
	}
}

static bool is_due(const struct spool *s)
{
	if (s->checkpoint_ask == NULL || s->closed)
		return false;
	if (s->checkpoint_wanted)
		return true;
	if (os_monotonic_ns() < s->checkpoint_next_ns || s->stop_wanted)
		return false;
	uint64_t least = s->checkpoints[1].bytes * 4;
	if (least < s->config.checkpoint_min_bytes)
		least = s->config.checkpoint_min_bytes;
	if (s->log_since >= least)
		return true;
	if (!s->low_space)
		return false;
	for (size_t i = 0; i < s->segments.count; i++)
		if (segment_waits_for_checkpoint(s, s->segments.at[i]))
			return true;
	return false;
}

/* Only when it is needed: a reserve that was given is hard to get back. */
static bool needs_reserve(const struct spool *s)
{
	uint64_t need = s->checkpoints[1].bytes / 4 * 5;
	uint64_t guess = (s->figures.messages + 16) * GUESS_BYTES;
	if (need < guess)
		need = guess;
	return s->low_space && s->figures.free_bytes < need;
}

static void begin(struct spool *s)
{
	struct spool_checkpoint *ck = &s->checkpoint;
	ck->number = s->next_checkpoint++;
	ck->position = position_of(s->active->number, s->active->synced);
	ck->give_reserve = needs_reserve(s);
	if (ck->give_reserve)
		s->reserve_whole = false;
	ck->step = CHECKPOINT_STATES;
	s->checkpoint_wanted = false;
	ck->since = s->log_since;
	s->log_since = 0;
	s->checkpoint_ask(s->checkpoint_ctx, ck);
}

static void put_place(struct buf *b, const struct place *p)
{
	buf_u64(b, p->time_ms);
	buf_u64(b, p->random);
	buf_u32(b, p->segment);
	buf_u32(b, p->offset);
	buf_u32(b, p->body_bytes);
	buf_u32(b, p->accept_bytes);
	buf_u32(b, p->flags & PLACE_KEPT);
}

static bool add_segments(struct spool *s)
{
	struct block *b = block_new(BLOCK_SEGMENTS);
	if (b == NULL)
		return false;
	for (size_t i = 0; i < s->segments.count; i++) {
		const struct segment *seg = s->segments.at[i];
		if (seg->active || !seg->end_known)
			continue;
		buf_u32(&b->payload, seg->number);
		buf_u32(&b->payload, seg->end);
		b->count++;
	}
	os_mutex_lock(s->checkpoint.lock);
	block_queue(&s->checkpoint, &b);
	os_mutex_unlock(s->checkpoint.lock);
	return true;
}

/* All states are in: what is being filled counts as full. */
static bool begin_places(struct spool *s)
{
	struct spool_checkpoint *ck = &s->checkpoint;
	os_mutex_lock(ck->lock);
	if (ck->open_states != NULL)
		block_queue(ck, &ck->open_states);
	bool ok = !ck->failed;
	os_mutex_unlock(ck->lock);
	ck->step = CHECKPOINT_PLACES;
	return ok && add_segments(s);
}

static bool walk_places(struct spool *s)
{
	struct spool_checkpoint *ck = &s->checkpoint;
	if (ck->places_open == NULL)
		ck->places_open = block_new(BLOCK_PLACES);
	struct block *b = ck->places_open;
	if (b == NULL)
		return false;
	uint32_t end = s->index.high;
	if (end - ck->walk > WALK_SLICE)
		end = ck->walk + WALK_SLICE;
	os_mutex_lock(s->lock);		/* a reader may mark a bad one */
	for (; ck->walk < end; ck->walk++) {
		const struct place *p = index_at(&s->index, ck->walk);
		if (p == NULL)
			continue;
		put_place(&b->payload, p);
		b->count++;
	}
	os_mutex_unlock(s->lock);
	bool over = ck->walk == s->index.high;
	if (over || b->payload.n >= CHECKPOINT_BLOCK) {
		os_mutex_lock(ck->lock);
		block_queue(ck, &ck->places_open);
		os_mutex_unlock(ck->lock);
	}
	if (over)
		ck->step = CHECKPOINT_WRITE;
	return true;
}

/* Those of a cut batch are answered out of turn. */
static bool is_settled(const struct spool *s)
{
	return s->checkpoint.all_told && s->retry.count == 0 &&
	       s->answered >= s->checkpoint.barrier;
}

static void move_on(struct spool *s)
{
	struct spool_checkpoint *ck = &s->checkpoint;
	if (ck->step == CHECKPOINT_STATES && is_settled(s))
		ck->broken = !begin_places(s);
	else if (ck->step == CHECKPOINT_PLACES)
		ck->broken = !walk_places(s);
	if (!ck->broken && !ck->chore.busy)
		pump(ck);
}

void checkpoint_look(struct spool *s)
{
	struct spool_checkpoint *ck = &s->checkpoint;
	if (ck->step == CHECKPOINT_IDLE && s->checkpoint_ask == NULL)
		s->checkpoint_wanted = false;
	if (ck->step == CHECKPOINT_IDLE && is_due(s))
		begin(s);
	if (ck->step == CHECKPOINT_IDLE)
		return;
	if (ck->step == CHECKPOINT_FRAME) {
		if (s->closed)
			checkpoint_committed(s);
		return;
	}
	ck->broken |= s->closed;
	if (!ck->broken)
		move_on(s);
	if (ck->broken && ck->all_told && !ck->chore.busy)
		give_up(s);
}

bool checkpoint_quiet(struct spool *s)
{
	struct spool_checkpoint *ck = &s->checkpoint;
	os_mutex_lock(ck->lock);
	bool quiet = !ck->wake_out;	/* nor about to be posted */
	os_mutex_unlock(ck->lock);
	return quiet && ck->step == CHECKPOINT_IDLE && !s->checkpoint_wanted;
}

bool checkpoint_walks(const struct spool *s)
{
	return s->checkpoint.step == CHECKPOINT_PLACES &&
	       !s->checkpoint.broken;
}

void checkpoint_committed(struct spool *s)
{
	struct spool_checkpoint *ck = &s->checkpoint;
	invariant(ck->step == CHECKPOINT_FRAME);
	if (s->checkpoints[0].number != 0)
		s->checkpoint_gone = s->checkpoints[0].number;
	s->checkpoints[0] = s->checkpoints[1];
	s->checkpoints[1] = (struct checkpoint_known){
		ck->number, ck->position, ck->at
	};
	s->figures.checkpoints++;
	s->dirty = true;
	reset(ck);
}
