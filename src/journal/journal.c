/*
 * The writing end of the journal. Any thread appends whole lines to
 * `waiting` under a mutex; the journal thread takes them over into `tail`,
 * writes tail to the file of the hour and syncs once a second.
 *
 * tail holds what stands behind the synced part of the current file, written
 * or not. After a failed sync the file is opened anew and all of tail is
 * written again at the same place, so nothing depends on pages that the
 * kernel may have dropped. While the disk fails lines pile up to a bound;
 * then those that may be dropped are, counted, and for those that must not be
 * the position stops growing: recovery tells them again.
 *
 * A file is written to only while it is the newest one; readers rely on it.
 */
#include "journal/journal_private.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/file.h"

enum {
	KEEP_FACTOR = 4,		/* KEEP lines may use so many times
					 * queue_max_bytes */
	TAIL_FILL_BYTES = 1048576,	/* one write */
	LINE_MAX_BYTES = 262144,
	SYNC_EVERY_MS = 1000,
	AHEAD_MAX_HOURS = 24 * 7,
};

struct journal {
	struct journal_config config;
	struct os_thread *thread;
	struct os_post wake;
	_Atomic bool woken;
	_Atomic uint64_t dropped;
	_Atomic uint64_t synced_position;
	/* under the mutex */
	struct os_mutex *mutex;
	struct buf waiting;
	uint64_t waiting_position;	/* largest of waiting's lines */
	bool kept_lost;			/* a KEEP line found no room */
	bool over_budget;
	/* the journal thread's */
	struct buf tail;
	size_t written;			/* of tail */
	uint64_t synced_offset;		/* of the file: where tail begins */
	uint64_t tail_position;		/* largest taken over */
	uint64_t last_position;		/* the same one sync earlier */
	int fd;
	uint64_t hour;
	struct journal_files files;
	struct journal_mark mark;
	int64_t synced_at_ms, failed_at_ms;
	bool failing;
	bool frozen;			/* a line was lost: the position stays */
};

static void journal_check(const struct journal *j)
{
	invariant(j->written <= j->tail.n);
	invariant(j->last_position <= j->tail_position);
	invariant(j->fd >= 0 || j->written == 0);
	invariant(j->files.count == 0 || j->fd < 0 ||
		  j->files.rows[j->files.count - 1].hour == j->hour);
}

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

static void say_failure(struct journal *j, const struct err *err)
{
	j->failed_at_ms = now_ms();
	if (!j->failing)
		log_failure(j->config.log, LOG_ALARM, "journal.failing", err);
	j->failing = true;
}

static void say_works(struct journal *j)
{
	struct log_event e;
	if (!j->failing)
		return;
	j->failing = false;
	log_begin(&e, j->config.log, LOG_INFO, "journal.works");
	json_member_u64(&e.json, "dropped", atomic_load(&j->dropped));
	log_end(&e);
}

/* --- the file of the hour ------------------------------------------------- */

/* The current hour; never before the newest file, so that no file is written
 * to again after a later one exists, unless that one is of a clock that was
 * wrong by more than a week. */
static uint64_t hour_now(const struct journal *j)
{
	uint64_t hour = (uint64_t)os_wall_ms() / JOURNAL_HOUR_MS;
	uint64_t newest = j->files.count
		? j->files.rows[j->files.count - 1].hour : 0;
	return newest > hour && newest - hour < AHEAD_MAX_HOURS ? newest : hour;
}

/* Where the last whole line of an old file ends: a crash may have left half
 * a line. Longer than LINE_MAX_BYTES there is none. */
static bool whole_lines(int fd, uint64_t size, uint64_t *end, struct err *err)
{
	size_t cap = size < LINE_MAX_BYTES ? (size_t)size : LINE_MAX_BYTES, n;
	*end = size;
	if (cap == 0)
		return true;
	char *bytes = malloc(cap);
	if (bytes == NULL)
		return err_set_memory(err, "journal_open");
	bool ok = os_file_read(fd, bytes, cap, size - cap, &n, err);
	if (ok) {
		size_t at = slice_rfind((slice){ bytes, n }, '\n');
		*end = at < n ? size - cap + at + 1 : size - cap;
	}
	free(bytes);
	return ok;
}

static bool open_file(struct journal *j, struct err *err)
{
	char name[JOURNAL_NAME_MAX];
	uint64_t size;
	struct journal_file *row = journal_files_at(&j->files, j->hour);
	invariant(j->fd < 0 && j->written == 0);
	if (row == NULL)
		return err_set_memory(err, "journal_open");
	journal_name(j->hour, name);
	if (!os_file_open(j->config.dir, name, OS_READ_WRITE, &j->fd, NULL)) {
		if (!os_file_open(j->config.dir, name, OS_CREATE, &j->fd, err))
			return false;
		j->synced_offset = 0;
		return os_dir_sync(j->config.dir, err);
	}
	/* After a failed sync the place to write at is known. */
	if (j->synced_offset > 0 || j->tail.n > 0)
		return true;
	if (!os_file_size(j->fd, &size, err) ||
	    !whole_lines(j->fd, size, &j->synced_offset, err))
		return false;
	return size == j->synced_offset ||
	       os_file_truncate(j->fd, j->synced_offset, err);
}

static void close_file(struct journal *j)
{
	if (j->fd >= 0)
		os_file_close(&j->fd);
	j->written = 0;
}

static void count_bytes(struct journal *j)
{
	struct journal_file *row = journal_files_at(&j->files, j->hour);
	uint64_t bytes = j->synced_offset + j->written;
	if (row == NULL || bytes <= row->bytes)
		return;
	j->files.total_bytes += bytes - row->bytes;
	row->bytes = bytes;
}

static void trim(struct journal *j)
{
	struct err err = { 0 };
	uint64_t keep_hours = j->config.keep_ms / JOURNAL_HOUR_MS + 1;
	uint64_t oldest = j->hour > keep_hours ? j->hour - keep_hours : 0;
	if (!journal_files_trim(&j->files, j->config.dir, oldest,
				j->config.max_bytes, &err))
		say_failure(j, &err);
	os_mutex_lock(j->mutex);
	j->over_budget = j->files.total_bytes > j->config.max_bytes;
	os_mutex_unlock(j->mutex);
}

/* --- taking over, writing, syncing ---------------------------------------- */

/* False: no memory; what waits stays where it is. */
static bool take_over(struct journal *j)
{
	os_mutex_lock(j->mutex);
	buf_append(&j->tail, buf_slice(&j->waiting));
	bool taken = !j->tail.failed;
	j->tail.failed = false;
	if (taken) {
		buf_clear(&j->waiting);
		if (j->waiting_position > j->tail_position)
			j->tail_position = j->waiting_position;
	}
	os_mutex_unlock(j->mutex);
	return taken;
}

static bool write_tail(struct journal *j, struct err *err)
{
	if (j->fd < 0 && !open_file(j, err)) {
		close_file(j);
		return false;
	}
	if (j->written == j->tail.n)
		return true;
	struct iovec iov = { .iov_base = j->tail.p + j->written,
			     .iov_len = j->tail.n - j->written };
	if (!os_file_write(j->fd, &iov, 1, j->synced_offset + j->written, err))
		return false;
	j->written = j->tail.n;
	count_bytes(j);
	return true;
}

/* What was journalled one sync ago is surely whole: lines of one frame may
 * come from several threads, the earlier position a moment later. */
static void publish(struct journal *j, bool last)
{
	struct err err = { 0 };
	uint64_t position = last ? j->tail_position : j->last_position;
	os_mutex_lock(j->mutex);
	j->frozen = j->frozen || j->kept_lost;
	os_mutex_unlock(j->mutex);
	j->last_position = j->tail_position;
	if (j->frozen || position <= atomic_load(&j->synced_position))
		return;
	if (!journal_mark_write(&j->mark, position, &err))
		say_failure(j, &err);
	atomic_store(&j->synced_position, position);
}

static bool sync_tail(struct journal *j, bool last, struct err *err)
{
	j->synced_at_ms = now_ms();
	if (j->written > 0 && !os_file_sync(j->fd, err)) {
		/* Never the same descriptor again: see os/file.h. */
		close_file(j);
		return false;
	}
	j->synced_offset += j->written;
	buf_consume(&j->tail, j->written);
	j->written = 0;
	publish(j, last);
	return true;
}

/* A new hour begins a new file when the old one is synced. */
static bool roll(struct journal *j, struct err *err)
{
	uint64_t hour = hour_now(j);
	if (hour == j->hour)
		return true;
	if (j->tail.n > 0 && (!write_tail(j, err) || !sync_tail(j, false, err)))
		return false;
	close_file(j);
	j->hour = hour;
	j->synced_offset = 0;
	return true;
}

/* Something written is not synced, or something synced not published. */
static bool is_dirty(const struct journal *j)
{
	return j->tail.n > 0 || j->last_position < j->tail_position ||
	       (!j->frozen &&
		atomic_load(&j->synced_position) < j->last_position);
}

static bool work(struct journal *j, bool last, struct err *err)
{
	uint64_t old_hour = j->hour;
	if (j->tail.n > TAIL_FILL_BYTES &&
	    (!write_tail(j, err) || !sync_tail(j, false, err)))
		return false;
	if (!take_over(j))
		return err_set_memory(err, "journal_work");
	if (!roll(j, err) || (j->tail.n > 0 && !write_tail(j, err)))
		return false;
	if (is_dirty(j) && (last || now_ms() - j->synced_at_ms >= SYNC_EVERY_MS) &&
	    !sync_tail(j, last, err))
		return false;
	if (old_hour != j->hour || j->files.total_bytes > j->config.max_bytes)
		trim(j);
	return true;
}

static int64_t turn(void *ctx)
{
	struct journal *j = ctx;
	struct err err = { 0 };
	int64_t now = now_ms();
	journal_check(j);
	if (j->failing && now - j->failed_at_ms < SYNC_EVERY_MS)
		return (j->failed_at_ms + SYNC_EVERY_MS) * MS;
	if (!work(j, false, &err)) {
		say_failure(j, &err);
		return (now + SYNC_EVERY_MS) * MS;
	}
	say_works(j);
	journal_check(j);
	return is_dirty(j) ? (j->synced_at_ms + SYNC_EVERY_MS) * MS : OS_NEVER;
}

static void woken(struct os_post *post)
{
	struct journal *j = CONTAINER_OF(post, struct journal, wake);
	atomic_store(&j->woken, false);
}

/* --- opening and closing -------------------------------------------------- */

bool journal_open(const struct journal_config *config, struct journal **out,
		  struct err *err)
{
	struct journal *j = calloc(1, sizeof(*j));
	if (j == NULL)
		return err_set_memory(err, "journal_open");
	invariant(config->queue_max_bytes > 0 && config->max_bytes > 0);
	j->config = *config;
	j->fd = -1;
	j->mark.fd = -1;
	buf_init(&j->waiting, config->queue_max_bytes * KEEP_FACTOR);
	buf_init(&j->tail, config->queue_max_bytes * KEEP_FACTOR +
				   TAIL_FILL_BYTES);
	os_post_init(&j->wake, woken);
	*out = j;
	if (os_mutex_new(&j->mutex, err) &&
	    journal_files_load(&j->files, config->dir, err) &&
	    journal_mark_open(&j->mark, config->dir, err)) {
		j->hour = hour_now(j);
		atomic_store(&j->synced_position, j->mark.position);
		j->tail_position = j->last_position = j->mark.position;
		if (open_file(j, err)) {
			trim(j);
			return true;
		}
	}
	journal_close(out);
	return false;
}

bool journal_start(struct journal *j, struct err *err)
{
	invariant(j->thread == NULL);
	return os_thread_new(&j->thread, "journal", turn, j, err) &&
	       os_thread_start(j->thread, err);
}

void journal_close(struct journal **out)
{
	struct journal *j = *out;
	struct err err = { 0 };
	*out = NULL;
	if (j == NULL)
		return;
	if (j->thread != NULL) {
		os_thread_stop(j->thread);
		os_thread_join(&j->thread);
	}
	if (j->mark.fd >= 0 && !work(j, true, &err))
		say_failure(j, &err);
	if (j->mark.fd >= 0 && !os_file_sync(j->mark.fd, &err))
		say_failure(j, &err);
	close_file(j);
	journal_mark_close(&j->mark);
	journal_files_fini(&j->files);
	buf_fini(&j->waiting);
	buf_fini(&j->tail);
	if (j->mutex != NULL)
		os_mutex_free(&j->mutex);
	free(j);
}

uint64_t journal_position(const struct journal *j)
{
	return atomic_load(&j->synced_position);
}

uint64_t journal_dropped(const struct journal *j)
{
	return atomic_load(&j->dropped);
}

/* --- one event ------------------------------------------------------------ */

void journal_begin(struct journal_event *e, struct journal *j,
		   const char *event, int64_t wall_ms)
{
	e->journal = j;
	buf_init(&e->line, LINE_MAX_BYTES);
	json_init(&e->json, &e->line);
	e->json.string_max = LOG_STRING_MAX;
	json_object(&e->json);
	json_key(&e->json, "at");
	json_time_ms(&e->json, wall_ms);
	json_member_cstr(&e->json, "event", event);
}

/* Under the mutex. */
static bool has_room(const struct journal *j, enum journal_weight weight,
		     size_t n)
{
	size_t max = (size_t)j->config.queue_max_bytes;
	if (weight == JOURNAL_KEEP)
		max *= KEEP_FACTOR;
	else if (j->over_budget)
		return false;
	return j->waiting.n + n <= max;
}

/* Takes a whole line, or drops and counts it. */
static void hand_over(struct journal *j, const struct buf *line,
		      enum journal_weight weight, uint64_t position)
{
	bool taken = false;
	os_mutex_lock(j->mutex);
	if (!line->failed && has_room(j, weight, line->n)) {
		buf_append(&j->waiting, buf_slice(line));
		taken = !j->waiting.failed;
		j->waiting.failed = false;
	}
	if (!taken && weight == JOURNAL_KEEP)
		j->kept_lost = true;
	if (taken && position > j->waiting_position)
		j->waiting_position = position;
	os_mutex_unlock(j->mutex);
	if (!taken)
		atomic_fetch_add(&j->dropped, 1);
	else if (j->thread != NULL && !atomic_exchange(&j->woken, true))
		os_thread_post(j->thread, &j->wake);
}

void journal_end(struct journal_event *e, enum journal_weight weight,
		 uint64_t position)
{
	if (position > 0)
		json_member_u64(&e->json, "position", position);
	json_object_end(&e->json);
	buf_append_char(&e->line, '\n');
	hand_over(e->journal, &e->line, weight, position);
	buf_fini(&e->line);
}

void journal_again(struct journal *j, slice line, uint64_t position)
{
	struct buf whole;
	buf_init(&whole, LINE_MAX_BYTES);
	buf_append(&whole, line);
	buf_printf(&whole, ",\"position\":%llu,\"again\":true}\n",
		   (unsigned long long)position);
	hand_over(j, &whole, JOURNAL_KEEP, position);
	buf_fini(&whole);
}
