/*
 * Troubles that a relay can't tell itself: its crash, and a spool that closed,
 * which takes no mail any more. The next relay is told (start.h) and writes to
 * the operator. A closed spool is also noted in a file beside it, since the
 * next relay is mostly one of the next service. The file is not synced: master
 * waits for no disk that may be failing.
 */
#include "app/master_private.h"
#include "os/clock.h"
#include "os/file.h"

static const char file_name[] = "spool.closed";
enum { FILE_BYTES = 32 };

/* The file; -1: it isn't there, or can't be made. */
static int open_note(const struct master *m, enum os_open_mode mode, int *dir)
{
	struct err err = { 0 };
	int fd = -1;
	*dir = -1;
	if (os_dir_open(m->layout.path, dir, &err) &&
	    !os_file_open(*dir, file_name, mode, &fd, &err))
		fd = -1;
	return fd;
}

void master_troubles_read(struct master *m)
{
	char bytes[FILE_BYTES];
	struct err err = { 0 };
	uint64_t at_ms;
	size_t n = 0;
	int dir, fd = open_note(m, OS_READ, &dir);
	if (fd >= 0 && os_file_read(fd, bytes, sizeof(bytes), 0, &n, &err) &&
	    slice_u64((slice){ bytes, n }, INT64_MAX, &at_ms))
		m->troubles.spool_closed_ms = (int64_t)at_ms;
	if (fd >= 0)
		os_file_close(&fd);
	os_close(&dir);
}

static void note_closed(struct master *m)
{
	struct err err = { 0 };
	struct buf text;
	int dir, fd = open_note(m, OS_APPEND, &dir);
	buf_init(&text, FILE_BYTES);
	buf_printf(&text, "%lld", (long long)m->troubles.spool_closed_ms);
	if (fd < 0 || text.failed || !os_file_truncate(fd, 0, &err) ||
	    !os_file_append(fd, buf_slice(&text), &err)) {
		struct log_event e;
		log_begin(&e, &m->log, LOG_ERROR, "serve.closed_not_noted");
		log_end(&e);
	}
	buf_fini(&text);
	if (fd >= 0)
		os_file_close(&fd);
	os_close(&dir);
}

void master_troubles_crashed(struct master *m)
{
	m->troubles.crashes++;
	m->troubles.crashed_ms = os_wall_ms();
}

void master_troubles_watch(struct master *m)
{
	if (m->troubles.spool_closed_ms != 0 ||
	    counters_sum(m->counters, COUNTER_spool_closed) == 0)
		return;
	m->troubles.spool_closed_ms = os_wall_ms();
	note_closed(m);
}

void master_troubles_told(struct master *m)
{
	struct err err = { 0 };
	int dir;
	m->troubles.crashed_ms = 0;
	if (m->troubles.spool_closed_ms == 0)
		return;
	m->troubles.spool_closed_ms = 0;
	if (os_dir_open(m->layout.path, &dir, &err)) {
		bool gone = os_file_unlink(dir, file_name, &err);
		(void)gone;		/* told twice at worst */
		os_close(&dir);
	}
}
