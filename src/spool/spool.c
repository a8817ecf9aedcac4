/*
 * A spool from its opening to its end: lock, recovery, a new segment whose
 * first frame cuts the old one, the commit thread, the orderly stop.
 */
#include "spool/spool_private.h"

#include <stdlib.h>

#include "os/clock.h"

static bool open_dirs(struct spool *s, struct err *err)
{
	if (s->config.read_only)
		return true;
	return os_dir_open_at(s->dir, "big", &s->big_dir, err) &&
	       os_dir_open_at(s->dir, "quarantine", &s->quarantine_dir, err) &&
	       os_dir_open_at(s->dir, "lost+found", &s->lost_dir, err) &&
	       os_dir_sync(s->dir, err);
}

static bool note_big(void *ctx, const char *name)
{
	bool *found = ctx;
	*found = *found || slice_eq(slice_of(name), SLICE("big"));
	return true;
}

/* A reader makes nothing: without a directory there are no big ones. */
static bool open_big_for_reading(struct spool *s, struct err *err)
{
	bool found = false;
	if (!s->config.read_only)
		return true;
	if (!os_dir_list(s->dir, note_big, &found, err))
		return false;
	return !found || os_dir_open_at(s->dir, "big", &s->big_dir, err);
}

static bool take_lock(struct spool *s, struct err *err)
{
	if (s->config.read_only)
		return true;
	return os_file_open(s->dir, "lock", OS_APPEND, &s->lock_fd, err) &&
	       os_file_lock(s->lock_fd, err);
}

/* What was read of it may so far only be in the kernel's cache: it must be
 * on the disk before a cut says that all below its end was synced. */
static bool sync_old(struct spool *s, struct err *err)
{
	char name[NAME_MAX_BYTES];
	for (size_t i = 0; i < s->segments.count; i++) {
		const struct segment *seg = s->segments.at[i];
		int fd;
		if (seg->end_known || seg->headless)
			continue;
		if (!os_file_open(s->dir, segment_name(seg->number, name),
				  OS_READ_WRITE, &fd, err))
			return false;
		bool ok = os_file_sync(fd, err);
		os_file_close(&fd);
		if (!ok)
			return false;
	}
	return true;
}

/* It may be whole even if there is no room for spares. */
static bool look_for_reserve(struct spool *s, struct err *err)
{
	struct space_chore *c = &s->space;
	*c = (struct space_chore){ .want_reserve = true,
				   .reserve_bytes = reserve_bytes(s) };
	c->chore.spool = s;
	if (!space_chore_now(s, c))
		*err = c->chore.err;
	c->chore.ok = false;		/* spares are still missing */
	space_settled(s, c);
	return true;
}

/* The first segment must be there; spares and reserve are wanted: without
 * them the space is low, but mail still goes out. */
static bool make_segments(struct spool *s, struct err *err)
{
	struct space_chore *c = &s->space;
	for (unsigned i = 0; i < 1 + SPARES; i++) {
		*c = (struct space_chore){
			.number = s->next_number++,
			.want_reserve = i == SPARES,
			.reserve_bytes = reserve_bytes(s),
		};
		c->chore.spool = s;
		c->chore.ok = space_chore_now(s, c);
		if (i == 0 && !c->chore.ok && c->made == NULL) {
			c->give_reserve = true;
			c->chore.ok = space_chore_now(s, c);
		}
		*err = c->chore.err;
		bool ok = c->chore.ok;
		space_settled(s, c);
		if (i == 0 && s->spare_count == 0)
			return false;
		if (i == 0)
			segment_activate(s);
		if (!ok)
			return look_for_reserve(s, err);
	}
	return true;
}

static bool cut_old(struct spool *s, struct err *err)
{
	struct segment *seg = s->active;
	char *to = s->batch->head;
	uint32_t n = cut_compose(s, seg, to, sizeof(s->batch->head) - 128);
	n += batch_frame_compose(seg, SEGMENT_HEAD + n, to + n);
	struct iovec iov = { to, n };
	if (!os_file_write(seg->fd, &iov, 1, SEGMENT_HEAD, err) ||
	    !os_file_sync(seg->fd, err))
		return false;
	seg->end = seg->synced = SEGMENT_HEAD + n;
	cut_settled(s);
	return true;
}

static bool begin(struct spool *s, struct err *err)
{
	if (s->config.read_only)
		return true;
	if (!sync_old(s, err) || !make_segments(s, err) || !cut_old(s, err))
		return false;
	trim_now(s);
	return true;
}

static struct spool *make(const struct spool_config *config, struct err *err)
{
	struct spool *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->config = *config;
	s->dir = config->dir;
	s->big_dir = s->quarantine_dir = s->lost_dir = s->lock_fd = -1;
	s->segment_bytes = (uint32_t)config->segment_bytes;
	s->next_number = 1;
	s->next_checkpoint = 1;
	s->step = STEP_COLLECT;
	index_init(&s->index);
	s->batch = calloc(1, sizeof(*s->batch));
	if (s->batch == NULL || !os_mutex_new(&s->lock, err) ||
	    !checkpoint_init(s, err) ||
	    !os_thread_new(&s->thread, "spool", commit_turn, s, err)) {
		spool_close(&s);
		return NULL;
	}
	return s;
}

bool spool_open(const struct spool_config *config,
		const struct spool_visitor *visitor, struct spool **out,
		struct err *err)
{
	invariant(config->segment_bytes >= SEGMENT_MIN &&
		  config->segment_bytes <= SEGMENT_MAX);
	err_set_memory(err, "spool_open");
	struct spool *s = make(config, err);
	if (s == NULL)
		return false;
	if (!take_lock(s, err) || !open_dirs(s, err) ||
	    !open_big_for_reading(s, err) || !spool_recover(s, visitor, err) ||
	    !begin(s, err)) {
		spool_close(&s);
		return false;
	}
	*out = s;
	return true;
}

bool spool_start(struct spool *s,
		 void (*checkpoint)(void *ctx, struct spool_checkpoint *ck),
		 void *ctx, struct err *err)
{
	invariant(!s->started && !s->config.read_only);
	s->checkpoint_ask = checkpoint;
	s->checkpoint_ctx = ctx;
	s->dirty = true;
	s->started = true;		/* before the thread can look */
	if (!os_thread_start(s->thread, err))
		s->started = false;
	return s->started;
}

struct os_thread *spool_thread(struct spool *s)
{
	return s->thread;
}

static void stop_arrived(struct os_post *post)
{
	struct spool *s = CONTAINER_OF(post, struct spool, stop_post);
	s->stop_wanted = true;
	s->checkpoint_wanted = s->stop_checkpoint;
	s->dirty = true;
}

void spool_stop(struct spool *s, bool with_checkpoint, struct os_post *stopped)
{
	invariant(s->started && s->stop_home == NULL);
	s->stop_home = os_thread_self();
	invariant(s->stop_home != NULL);
	s->stop_checkpoint = with_checkpoint;
	s->stopped = stopped;
	os_post_init(&s->stop_post, stop_arrived);
	os_thread_post(s->thread, &s->stop_post);
}

void spool_close(struct spool **spool)
{
	struct spool *s = *spool;
	*spool = NULL;
	if (s == NULL)
		return;
	if (s->started && s->stop_home == NULL) {
		os_post_init(&s->stop_post, stop_arrived);
		os_thread_post(s->thread, &s->stop_post);
	}
	/* A copy: the thread itself reads s->thread until its end. */
	struct os_thread *thread = s->thread;
	os_thread_join(&thread);
	invariant(s->chores_out == 0);
	evacuate_drop(s);
	checkpoint_fini(s);
	for (unsigned i = 0; i < s->spare_count; i++)
		segment_free(&s->spares[i]);
	segments_fini(&s->segments);
	free(s->summaries.at);
	free(s->big_gone);
	buf_fini(&s->summary.entries);
	index_fini(&s->index);
	free(s->batch);
	int *const fds[] = { &s->big_dir, &s->quarantine_dir, &s->lost_dir,
			     &s->lock_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (*fds[i] >= 0)
			os_file_close(fds[i]);
	if (s->lock != NULL)
		os_mutex_free(&s->lock);
	free(s);
}

bool spool_is_closed(const struct spool *s)
{
	return s->closed;
}

void spool_figures(const struct spool *s, struct spool_figures *out)
{
	*out = (struct spool_figures){
		.messages = s->figures.messages,
		.live_bytes = s->figures.live_bytes,
		.segments = s->figures.segments,
		.log_bytes = s->figures.log_bytes,
		.free_bytes = s->figures.free_bytes,
		.syncs = s->figures.syncs,
		.commits = s->figures.commits,
		.frames = s->figures.frames,
		.quarantined = s->figures.quarantined,
		.cuts = s->figures.cuts,
		.evacuated = s->figures.evacuated,
		.checkpoints = s->figures.checkpoints,
		.position = s->figures.position,
		.low_space = s->low_space,
		.closed = s->closed,
	};
}
