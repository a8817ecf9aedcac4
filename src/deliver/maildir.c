/*
 * Delivery into a Maildir (a capture, an archive, a mailbox on this machine):
 * one file a recipient, written to tmp/, synced, renamed into new/, directory
 * synced; all on a disk worker. Return-Path: and Delivered-To: are put on top
 * (RFC 5321 4.4).
 */
#include "deliver/deliver_private.h"

#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 96, HEAD_MAX = 2048, PIECE_BYTES = 65536 };

static const uint8_t delivered_status[3] = { 2, 0, 0 };
static const uint8_t disk_status[3] = { 4, 3, 1 };

struct maildir_job {
	struct os_job job;
	struct attempt *attempt;
	int dir;
	uint16_t index;			/* recipient of the part */
	int tmp, fd;
	uint64_t offset;
	char name[NAME_MAX_BYTES];
	struct buf head;
	/* a big body comes in pieces, read by the spool between jobs */
	struct spool_read_piece piece;
	char *bytes;
	bool ok;
	struct err err;
};

bool maildir_prepare(int dir, struct err *err)
{
	static const char *const folders[] = { "tmp", "new", "cur" };
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		int fd;
		if (!os_dir_open_at(dir, folders[i], &fd, err))
			return false;
		os_file_close(&fd);
	}
	return os_dir_sync(dir, err);
}

/* --- on a disk worker ----------------------------------------------------- */

static bool write_at_end(struct maildir_job *m, slice s)
{
	struct iovec iov = { (void *)(uintptr_t)s.p, s.n };
	if (s.n == 0)
		return true;
	if (!os_file_write(m->fd, &iov, 1, m->offset, &m->err))
		return false;
	m->offset += s.n;
	return true;
}

static bool write_body(struct maildir_job *m)
{
	const struct body *body = m->attempt->body;
	if (body == NULL)
		return true;
	struct body_at at = body_start(body);
	slice piece;
	while (body_next(&at, &piece))
		if (!write_at_end(m, piece))
			return false;
	return true;
}

/* Opens tmp/NAME; a file of the same name is a leftover of an attempt that a
 * crash ended. */
static bool begin_file(struct maildir_job *m)
{
	return os_dir_open_at(m->dir, "tmp", &m->tmp, &m->err) &&
	       os_file_unlink(m->tmp, m->name, &m->err) &&
	       os_file_open(m->tmp, m->name, OS_CREATE, &m->fd, &m->err);
}

static bool end_file(struct maildir_job *m)
{
	int fresh = -1;
	bool ok = os_file_sync(m->fd, &m->err) &&
		  os_dir_open_at(m->dir, "new", &fresh, &m->err) &&
		  os_file_rename(m->tmp, m->name, fresh, m->name, &m->err) &&
		  os_dir_sync(fresh, &m->err);
	if (fresh >= 0)
		os_file_close(&fresh);
	return ok;
}

static void close_file(struct maildir_job *m)
{
	if (m->fd >= 0)
		os_file_close(&m->fd);
	if (m->tmp >= 0)
		os_file_close(&m->tmp);
}

static void work_begin(struct os_job *job)
{
	struct maildir_job *m = CONTAINER_OF(job, struct maildir_job, job);
	m->ok = begin_file(m) && write_at_end(m, buf_slice(&m->head)) &&
		write_body(m);
	if (m->ok && m->attempt->body != NULL)
		m->ok = end_file(m);
}

static void work_piece(struct os_job *job)
{
	struct maildir_job *m = CONTAINER_OF(job, struct maildir_job, job);
	m->ok = write_at_end(m, (slice){ m->bytes, m->piece.n });
	if (m->ok && m->piece.n < PIECE_BYTES)
		m->ok = end_file(m);
}

/* --- on the loop ---------------------------------------------------------- */

static void next_recipient(struct maildir_job *m);

static void file_over(struct maildir_job *m)
{
	struct attempt *a = m->attempt;
	slice none = { 0 };
	close_file(m);
	if (m->ok) {
		attempt_result(a, m->index, RESULT_DELIVERED, 250,
			       delivered_status, SLICE("Stored"), false);
	} else {
		log_failure(a->deliver->config.log, LOG_WARNING,
			    "deliver.maildir", &m->err);
		attempt_rest(a, RESULT_DEFERRED, 0, disk_status,
			     slice_of(m->err.text));
		a->down = true;
	}
	if (m->ok) {
		m->index++;
		next_recipient(m);
		return;
	}
	buf_fini(&m->head);
	free(m->bytes);
	free(m);
	attempt_end(a, none, NULL);
}

static void piece_read(struct spool_read_piece *p);

static void read_piece(struct maildir_job *m, uint64_t offset)
{
	m->piece = (struct spool_read_piece){
		.id = m->attempt->envelope.id,
		.offset = offset,
		.to = m->bytes,
		.cap = PIECE_BYTES,
		.done = piece_read,
	};
	spool_read_piece(m->attempt->deliver->config.spool, &m->piece);
}

static void piece_written(struct os_post *done)
{
	struct maildir_job *m = CONTAINER_OF(done, struct maildir_job,
					     job.done);
	if (!m->ok || m->piece.n < PIECE_BYTES)
		file_over(m);
	else
		read_piece(m, m->piece.offset + m->piece.n);
}

static void piece_read(struct spool_read_piece *p)
{
	struct maildir_job *m = CONTAINER_OF(p, struct maildir_job, piece);
	if (!p->ok) {
		m->ok = false;
		m->err = p->err;
		file_over(m);
		return;
	}
	os_pool_submit(m->attempt->deliver->config.disk, &m->job, work_piece,
		       piece_written);
}

static void begun(struct os_post *done)
{
	struct maildir_job *m = CONTAINER_OF(done, struct maildir_job,
					     job.done);
	if (!m->ok || m->attempt->body != NULL) {
		file_over(m);
		return;
	}
	if (m->bytes == NULL)
		m->bytes = malloc(PIECE_BYTES);
	if (m->bytes == NULL) {
		m->ok = err_set_memory(&m->err, "maildir");
		file_over(m);
		return;
	}
	read_piece(m, 0);
}

/* Name: the message's id and the recipient's number: the same for every
 * attempt, so a second delivery after a crash replaces the first. */
static void make_name(struct maildir_job *m)
{
	char id[ID_TEXT_MAX];
	int n = snprintf(m->name, sizeof(m->name), "%s.%u.postrider",
			 id_text(m->attempt->envelope.id, id),
			 attempt_number(m->attempt, m->index));
	invariant(n > 0 && n < NAME_MAX_BYTES);
}

static bool make_head(struct maildir_job *m)
{
	const struct envelope *e = &m->attempt->envelope;
	uint16_t number = attempt_number(m->attempt, m->index);
	buf_clear(&m->head);
	buf_append(&m->head, SLICE("Return-Path: <"));
	address_write(&m->head, &e->sender);
	buf_append(&m->head, SLICE(">\r\nDelivered-To: "));
	address_write(&m->head, &e->recipients[number].address);
	buf_append(&m->head, SLICE("\r\n"));
	return !m->head.failed || err_set_memory(&m->err, "maildir");
}

static void next_recipient(struct maildir_job *m)
{
	struct attempt *a = m->attempt;
	while (m->index < a->part->count && !attempt_wants(a, m->index))
		m->index++;
	if (m->index == a->part->count) {
		slice none = { 0 };
		buf_fini(&m->head);
		free(m->bytes);
		free(m);
		attempt_end(a, none, NULL);
		return;
	}
	m->tmp = m->fd = -1;
	m->offset = 0;
	make_name(m);
	m->ok = make_head(m);
	if (!m->ok) {
		file_over(m);
		return;
	}
	os_pool_submit(a->deliver->config.disk, &m->job, work_begin, begun);
}

void maildir_send(struct attempt *a, const struct route *route)
{
	struct maildir_job *m = calloc(1, sizeof(*m));
	slice none = { 0 };
	if (m == NULL) {
		attempt_rest(a, RESULT_DEFERRED, 0, disk_status,
			     SLICE("out of memory"));
		attempt_end(a, none, NULL);
		return;
	}
	m->attempt = a;
	m->dir = route->maildir;
	buf_init(&m->head, HEAD_MAX);
	next_recipient(m);
}
