/*
 * Room on the disk: two spare segments and a reserve file are kept as
 * allocated files, made ahead by disk workers. When they can't be kept
 * whole, or keep_free is touched, the space is low: no mail comes in (452),
 * while states, delivery, checkpoints and evacuation go on; it ends by
 * itself. Also the way of a segment after its end: trim, summary, unlink.
 */
#include "spool/spool_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"

static const char reserve_name[] = "reserve";

/* Segments, summaries, checkpoints and quarantine need some of their own;
 * looked at once a second, so a burst of big files fits as well. */
enum { KEEP_INODES = 64 };

/* --- chores --------------------------------------------------------------- */

static void chore_work(struct os_job *job)
{
	struct chore *c = CONTAINER_OF(job, struct chore, job);
	c->work(c);
}

static void chore_over(struct os_post *post)
{
	struct os_job *job = CONTAINER_OF(post, struct os_job, done);
	struct chore *c = CONTAINER_OF(job, struct chore, job);
	struct spool *s = c->spool;
	invariant(c->busy && s->chores_out > 0);
	c->busy = false;
	s->chores_out--;
	s->dirty = true;
	if (!c->ok)
		log_failure(s->config.log, LOG_WARNING, "spool.chore_failed",
			    &c->err);
	c->done(c);
}

void chore_submit(struct spool *s, struct chore *c,
		  void (*work)(struct chore *), void (*done)(struct chore *))
{
	invariant(!c->busy);
	c->spool = s;
	c->busy = true;
	c->ok = true;
	c->work = work;
	c->done = done;
	s->chores_out++;
	os_pool_submit(s->config.disk, &c->job, chore_work, chore_over);
}

/* --- spares, reserve, free space ------------------------------------------ */

uint64_t reserve_bytes(const struct spool *s)
{
	uint64_t bytes = s->checkpoints[1].bytes / 4 * 5;
	return bytes > s->segment_bytes ? bytes : s->segment_bytes;
}

static bool give_reserve(struct spool *s, struct err *err)
{
	return os_file_unlink(s->dir, reserve_name, err) &&
	       os_dir_sync(s->dir, err);
}

static bool make_reserve(struct spool *s, uint64_t bytes, struct err *err)
{
	int fd;
	uint64_t now;
	if (!os_file_open(s->dir, reserve_name, OS_APPEND, &fd, err))
		return false;
	bool ok = os_file_size(fd, &now, err) &&
		  (now >= bytes ||
		   (os_file_allocate(fd, 0, bytes, err) &&
		    os_file_sync(fd, err) && os_dir_sync(s->dir, err)));
	os_file_close(&fd);
	return ok;
}

/* In need a smaller one will do: states must be written somewhere. */
static bool make_segment(struct spool *s, struct space_chore *c,
			 struct err *err)
{
	uint64_t bytes = s->segment_bytes;
	bool ok = segment_make(s->dir, c->number, bytes, &c->made, err);
	while (!ok && c->give_reserve && bytes / 2 >= SEGMENT_MIN) {
		bytes /= 2;
		ok = segment_make(s->dir, c->number, bytes, &c->made, err);
	}
	return ok;
}

bool space_chore_now(struct spool *s, struct space_chore *c)
{
	struct err *err = &c->chore.err, second;
	bool ok = true;
	c->made = NULL;
	if (c->give_reserve && !give_reserve(s, err))
		return false;
	if (c->number != 0)
		ok = make_segment(s, c, err);
	if (c->want_reserve)
		c->reserve_whole = make_reserve(s, c->reserve_bytes,
						ok ? err : &second);
	ok = ok && (c->reserve_whole || !c->want_reserve);
	c->big_allocated = s->big_allocated;
	c->free_known = os_disk_free(s->dir, &c->free_bytes, &c->free_inodes,
				     ok ? err : &second);
	return ok && c->free_known;
}

/* Silent while the spool opens: then it is not whole yet. */
static void note_room(struct spool *s)
{
	bool low = s->space_failed || !s->reserve_whole || s->few_inodes ||
		   s->figures.free_bytes < s->config.keep_free_bytes;
	uint64_t keep = s->config.keep_free_bytes;
	s->room_free = s->figures.free_bytes > keep ?
		       s->figures.free_bytes - keep : 0;
	space_note(s);
	if (low == s->low_space)
		return;
	s->low_space = low;
	if (!s->started)
		return;
	struct log_event e;
	log_begin(&e, s->config.log, low ? LOG_ALARM : LOG_INFO,
		  low ? "spool.low_space" : "spool.space_again");
	json_member_u64(&e.json, "free_bytes", s->figures.free_bytes);
	json_member_bool(&e.json, "few_inodes", s->few_inodes);
	log_end(&e);
}

void space_settled(struct spool *s, struct space_chore *c)
{
	if (c->made != NULL && !segments_reserve(&s->segments,
						  s->spare_count + 2)) {
		segment_free(&c->made);	/* found and removed at next start */
		c->chore.ok = false;
	}
	if (c->made != NULL) {
		invariant(s->spare_count < SPARES);
		s->spares[s->spare_count++] = c->made;
		c->made = NULL;
	}
	s->space_failed = !c->chore.ok;
	s->reserve_whole = c->reserve_whole;
	if (c->free_known) {
		s->figures.free_bytes = c->free_bytes;
		s->few_inodes = c->free_inodes < KEEP_INODES;
	}
	s->space_next_ns = os_monotonic_ns() + (int64_t)TICK_MS * MS;
	note_room(s);
	/* After room_disk: in between less is promised, never more. */
	if (c->free_known)
		s->big_seen = c->big_allocated;
}

static void space_work(struct chore *chore)
{
	struct space_chore *c = CONTAINER_OF(chore, struct space_chore, chore);
	chore->ok = space_chore_now(chore->spool, c);
}

static void space_done(struct chore *chore)
{
	space_settled(chore->spool,
		      CONTAINER_OF(chore, struct space_chore, chore));
}

static void space_submit(struct spool *s, bool give)
{
	struct space_chore *c = &s->space;
	c->number = s->spare_count < SPARES ? s->next_number++ : 0;
	c->give_reserve = give;
	/* A checkpoint under way may just be using that room. */
	c->want_reserve = !give && s->checkpoint.step == CHECKPOINT_IDLE;
	c->reserve_bytes = reserve_bytes(s);
	c->reserve_whole = s->reserve_whole && !give;
	chore_submit(s, &c->chore, space_work, space_done);
	space_note(s);
}

static void space_look(struct spool *s, int64_t now)
{
	if (s->space.chore.busy || s->stop_wanted)
		return;
	if ((s->spare_count < SPARES && !s->space_failed) ||
	    now >= s->space_next_ns)
		space_submit(s, false);
}

enum room room_for(struct spool *s, uint32_t bytes, bool for_mail)
{
	if (s->active->end + bytes <= s->active->file_bytes)
		return ROOM_THERE;
	if (s->spare_count > 0 &&
	    s->spares[0]->file_bytes < SEGMENT_HEAD + bytes)
		return ROOM_NONE;	/* a small one, made in need */
	if (s->spare_count > (for_mail ? 1 : 0)) {
		segment_close(s, false);
		segment_activate(s);
		return ROOM_THERE;
	}
	if (s->space.chore.busy)
		return ROOM_WAIT;
	if (s->space_failed && (for_mail || !s->reserve_whole))
		return ROOM_NONE;
	space_submit(s, s->space_failed);
	return ROOM_WAIT;
}

enum room room_for_cut(struct spool *s)
{
	if (s->spare_count > 0)
		return ROOM_THERE;
	if (s->space.chore.busy)
		return ROOM_WAIT;
	if (s->space_failed && !s->reserve_whole)
		return ROOM_NONE;
	space_submit(s, s->space_failed);
	return ROOM_WAIT;
}

/* What is left of the active segment and spares but the last; and the free
 * disk, without the segment that is just being made of it. A sixteenth of a
 * segment is for envelopes. */
void space_note(struct spool *s)
{
	uint64_t size = s->segment_bytes, used = size / 16;
	uint64_t disk = s->room_free;
	uint64_t log = 0;
	if (s->active != NULL)
		log += s->active->file_bytes - s->active->end;
	for (unsigned i = 1; i < s->spare_count; i++)
		log += s->spares[i]->file_bytes;
	if (s->space.chore.busy && s->space.number != 0)
		disk = disk > size ? disk - size : 0;
	s->room_log = log > used ? log - used : 0;
	s->room_disk = disk;
}

/* Whether all that was promised fits: big messages on the disk, the others in
 * the log and then in whole segments. Big files grow all the time, while the
 * disk is looked at once a second: what they took since then is not free. */
static bool room_suffices(const struct spool *s)
{
	uint64_t size = s->segment_bytes, log = s->room_log;
	uint64_t small = s->room_taken, need = s->room_taken_big;
	uint64_t seen = s->big_seen, unseen = s->big_allocated - seen;
	uint64_t disk = s->room_disk > unseen ? s->room_disk - unseen : 0;
	if (small > log)
		need += (small - log + size - 1) / size * size;
	return need <= disk && (log > 0 || disk >= size);
}

/* A big message takes its prefix as well, and a block that isn't full. */
static _Atomic uint64_t *room_ledger(struct spool *s, uint64_t *bytes)
{
	if (*bytes <= s->config.body_log_max_bytes)
		return &s->room_taken;
	*bytes += 2 * SPOOL_BIG_PREFIX_MAX;
	return &s->room_taken_big;
}

bool spool_room_take(struct spool *s, uint64_t bytes)
{
	if (s->closed || s->low_space)
		return false;
	_Atomic uint64_t *taken = room_ledger(s, &bytes);
	atomic_fetch_add(taken, bytes);
	if (room_suffices(s))
		return true;
	atomic_fetch_sub(taken, bytes);
	return false;
}

void spool_room_give(struct spool *s, uint64_t bytes)
{
	_Atomic uint64_t *taken = room_ledger(s, &bytes);
	uint64_t before = atomic_fetch_sub(taken, bytes);
	invariant(before >= bytes);
}

/* --- trim: what is behind a cut, or never was used ------------------------ */

static void trim_work(struct chore *chore)
{
	struct trim_chore *c = CONTAINER_OF(chore, struct trim_chore, chore);
	char name[NAME_MAX_BYTES];
	int fd;
	chore->ok = os_file_open(chore->spool->dir,
				 segment_name(c->number, name), OS_READ_WRITE,
				 &fd, &chore->err);
	if (!chore->ok)
		return;
	chore->ok = os_file_truncate(fd, c->end, &chore->err);
	os_file_close(&fd);
}

static void trim_done(struct chore *chore)
{
	struct trim_chore *c = CONTAINER_OF(chore, struct trim_chore, chore);
	struct segment *seg = segments_get(&chore->spool->segments, c->number);
	if (seg != NULL && chore->ok)
		seg->file_bytes = c->end;
}

static bool trim_next(struct spool *s)
{
	while (s->trim_count > 0) {
		uint32_t number = s->trims[--s->trim_count];
		struct segment *seg = segments_get(&s->segments, number);
		if (seg == NULL || seg->leaving)
			continue;
		invariant(seg->end_known && !seg->active);
		s->trim.number = number;
		s->trim.end = seg->end;
		return true;
	}
	return false;
}

static void trim_look(struct spool *s)
{
	if (!s->trim.chore.busy && trim_next(s))
		chore_submit(s, &s->trim.chore, trim_work, trim_done);
}

void trim_now(struct spool *s)
{
	while (trim_next(s)) {
		s->trim.chore.spool = s;
		s->trim.chore.ok = true;
		trim_work(&s->trim.chore);
		trim_done(&s->trim.chore);
	}
}

/* --- summaries ------------------------------------------------------------ */

static void summary_work(struct chore *chore)
{
	struct summary_chore *c =
		CONTAINER_OF(chore, struct summary_chore, chore);
	chore->ok = summary_write(chore->spool->dir, c->number, c->end,
				  c->newest_ms, c->count,
				  buf_slice(&c->entries), &chore->err);
}

static void summary_done(struct chore *chore)
{
	struct summary_chore *c =
		CONTAINER_OF(chore, struct summary_chore, chore);
	struct spool *s = chore->spool;
	struct segment *seg = segments_get(&s->segments, c->number);
	invariant(seg != NULL && !seg->summary_durable);
	chore->ok = chore->ok && summaries_add(&s->summaries, c->number,
					       c->newest_ms);
	if (chore->ok) {
		seg->summary_durable = true;
		buf_fini(&c->entries);
		buf_release(&seg->bookings);
		return;
	}
	/* A new file at the next tick. */
	buf_fini(&seg->bookings);
	seg->bookings = c->entries;
	c->entries = (struct buf){ 0 };
}

static void summary_look(struct spool *s)
{
	struct summary_chore *c = &s->summary;
	if (c->chore.busy)
		return;
	for (size_t i = 0; i < s->segments.count; i++) {
		struct segment *seg = s->segments.at[i];
		if (seg->active || seg->summary_durable || !seg->end_known ||
		    seg->bookings_lost || seg->headless)
			continue;
		c->number = seg->number;
		c->end = seg->end;
		c->count = seg->booking_count;
		c->newest_ms = seg->newest_ms;
		c->entries = seg->bookings;
		buf_init(&seg->bookings, c->entries.max);
		chore_submit(s, &c->chore, summary_work, summary_done);
		return;
	}
}

/* --- what may go ---------------------------------------------------------- */

void big_gone(struct spool *s, struct id id)
{
	if (s->big_gone_count == s->big_gone_cap) {
		size_t cap = s->big_gone_cap ? s->big_gone_cap * 2 : 64;
		struct id *p = realloc(s->big_gone, cap * sizeof(*p));
		if (p == NULL)
			return;		/* an orphan: the next start removes it */
		s->big_gone = p;
		s->big_gone_cap = cap;
	}
	s->big_gone[s->big_gone_count++] = id;
	s->dirty = true;
}

static uint64_t segment_last(const struct segment *seg)
{
	return position_of(seg->number, seg->end);
}

static bool journal_has(const struct spool *s, const struct segment *seg)
{
	return s->config.journal_synced == NULL ||
	       s->config.journal_synced(s->config.journal_ctx) >=
	       segment_last(seg);
}

static bool nothing_lives(const struct segment *seg)
{
	return !seg->active && !seg->leaving && seg->live_bytes == 0 &&
	       seg->end_known && !seg->headless;
}

bool segment_waits_for_checkpoint(const struct spool *s,
				  const struct segment *seg)
{
	return nothing_lives(seg) && s->checkpoints[0].position <
				     segment_last(seg);
}

static bool removal_add(struct removal_chore *c, const char *name, bool big)
{
	if (c->count == REMOVALS_MAX)
		return false;
	snprintf(c->names[c->count].name, NAME_MAX_BYTES, "%s", name);
	c->names[c->count].big = big;
	c->count++;
	return true;
}

static void removal_work(struct chore *chore)
{
	struct removal_chore *c =
		CONTAINER_OF(chore, struct removal_chore, chore);
	struct spool *s = chore->spool;
	for (unsigned i = 0; i < c->count && chore->ok; i++)
		chore->ok = os_file_unlink(c->names[i].big ? s->big_dir :
					   s->dir, c->names[i].name,
					   &chore->err);
}

/* After a failure the segments are tried again; a big file then waits for
 * the next start. */
static void removal_done(struct chore *chore)
{
	struct spool *s = chore->spool;
	for (size_t i = s->segments.count; i > 0; i--) {
		struct segment *seg = s->segments.at[i - 1];
		if (!seg->leaving)
			continue;
		seg->leaving = false;
		invariant(seg->live_bytes == 0);
		if (!chore->ok)
			continue;
		segments_remove(&s->segments, seg);
		segment_free(&seg);
	}
}

/* In order: a lower segment must have its summary first, which says where
 * it ends, because the next one's cut goes with the next one. */
static void removal_segments(struct spool *s)
{
	char name[NAME_MAX_BYTES];
	for (size_t i = 0; i < s->segments.count; i++) {
		struct segment *seg = s->segments.at[i];
		if (!seg->active && !seg->summary_durable && !seg->headless)
			return;
		if (!nothing_lives(seg) || !journal_has(s, seg) ||
		    segment_waits_for_checkpoint(s, seg))
			continue;
		if (!removal_add(&s->removal, segment_name(seg->number, name),
				 false))
			return;
		seg->leaving = true;
	}
}

static void removal_summaries(struct spool *s)
{
	char name[NAME_MAX_BYTES];
	int64_t old = os_wall_ms() - (int64_t)s->config.summary_keep_ms;
	for (size_t i = s->summaries.count; i > 0; i--) {
		const struct summary *sum = &s->summaries.at[i - 1];
		if (sum->newest_ms >= old ||
		    segments_get(&s->segments, sum->number) != NULL)
			continue;
		if (!removal_add(&s->removal, summary_name(sum->number, name),
				 false))
			return;
		summaries_remove(&s->summaries, i - 1);
	}
}

static void removal_look(struct spool *s)
{
	struct removal_chore *c = &s->removal;
	char name[NAME_MAX_BYTES];
	if (c->chore.busy)
		return;
	c->count = 0;
	while (s->big_gone_count > 0 && c->count < REMOVALS_MAX / 2)
		removal_add(c, id_text(s->big_gone[--s->big_gone_count], name),
			    true);
	if (s->checkpoint_gone != 0) {
		removal_add(c, checkpoint_name(s->checkpoint_gone, false,
					       name), false);
		s->checkpoint_gone = 0;
	}
	removal_segments(s);
	removal_summaries(s);
	if (c->count > 0)
		chore_submit(s, &c->chore, removal_work, removal_done);
}

static void note_figures(struct spool *s)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < s->segments.count; i++)
		bytes += s->segments.at[i]->file_bytes;
	s->figures.segments = s->segments.count;
	s->figures.log_bytes = bytes;
}

void chores_look(struct spool *s, int64_t now_ns)
{
	if (now_ns >= s->tick_ns) {
		s->tick_ns = now_ns + (int64_t)TICK_MS * MS;
		s->dirty = true;
	}
	if (s->checkpoint.step != CHECKPOINT_IDLE)
		checkpoint_look(s);
	evacuate_look(s, now_ns);
	if (!s->dirty)
		return;
	s->dirty = false;
	if (s->checkpoint.step == CHECKPOINT_IDLE)
		checkpoint_look(s);
	if (s->stop_wanted)
		return;
	space_look(s, now_ns);
	summary_look(s);
	trim_look(s);
	removal_look(s);
	note_figures(s);
}
