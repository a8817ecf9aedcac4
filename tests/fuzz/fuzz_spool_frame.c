/*
 * A spool's files from any bytes. The first byte chooses: 0, the rest is the
 * payload of an accept or state frame; 1, the rest describes files:
 *
 *   0xff                 a new segment (the first begins by itself)
 *   0xfe                 a checkpoint: what follows are its blocks
 *   type id u16 bytes    in a segment: a frame with a right head; bit 0x10
 *                        of type spoils its CRC; in an accept or moved frame
 *                        bit 0x20 puts in the size and CRC of the body frame
 *                        before it; bit 0x40: no frame, the bytes as they are
 *   kind count u16 bytes in a checkpoint: a block with a right CRC
 *
 * The files lie in a directory of their own and are opened as `postrider
 * spool` does. Held on every input: it opens or says why; whatever lives has
 * a place, can be read or says why, and what was read has its size; a second
 * opening (of every fourth length: it takes time) tells the same.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "spool/spool_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum {
	NEW_SEGMENT = 0xff, NEW_CHECKPOINT = 0xfe,
	BAD_CRC = 0x10, FIX_BODY = 0x20, AS_IS = 0x40,
	SEGMENTS_MAX = 4, FILE_MAX = 1 << 20, SALT = 7, TELL_MAX = 1 << 22,
	END_RECORD = 32, CHECKPOINT_HEAD = 40, BLOCK_HEAD = 20,
};

static char path[128];
static int dir;

/* --- payloads ---------------------------------------------------------------- */

static bool same_accept(const struct frame_accept *a,
			const struct frame_accept *b)
{
	return a->big == b->big && a->ends_done == b->ends_done &&
	       a->wall_ms == b->wall_ms && a->body_bytes == b->body_bytes &&
	       a->body_crc == b->body_crc &&
	       a->prefix_bytes == b->prefix_bytes &&
	       a->prefix_crc == b->prefix_crc &&
	       slice_eq(a->envelope, b->envelope) &&
	       slice_eq(a->state, b->state) &&
	       slice_eq(a->booking, b->booking) &&
	       slice_eq(a->archive, b->archive) &&
	       slice_eq(a->journal, b->journal) &&
	       id_eq(a->ends_id, b->ends_id) &&
	       slice_eq(a->ends_state, b->ends_state);
}

static void check_payload(slice s)
{
	struct frame_accept a, again;
	struct frame_state st, twice;
	struct frame f;
	struct buf b;
	buf_init(&b, s.n + 64);
	if (frame_accept_get(s, &a)) {
		frame_accept_put(&b, &a);
		invariant(!b.failed && b.n == s.n);
		invariant(frame_accept_get(buf_slice(&b), &again));
		invariant(same_accept(&a, &again));
	}
	buf_clear(&b);
	if (frame_state_get(s, &st)) {
		frame_state_put(&b, &st);
		invariant(slice_eq(buf_slice(&b), s));
		invariant(frame_state_get(buf_slice(&b), &twice));
	}
	if (frame_peek(s, &f))
		invariant(f.type >= FRAME_BATCH && f.type <= FRAME_CHECKPOINT);
	/* Nobody guesses the CRC of a head by chance. */
	invariant(!frame_get(slice_sub(s, 0, FRAME_BYTES - 1), 0, SALT, &f));
	buf_fini(&b);
}

/* --- files from a description -------------------------------------------------- */

struct files {
	slice rest;
	struct buf file;
	uint32_t segments;
	uint32_t body_bytes, body_crc;	/* of the last body frame */
	bool checkpoint;
};

static void put_at(struct buf *b, size_t at, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		b->p[at + i] = (char)(v >> 8 * i);
}

static void save(struct buf *b, const char *name)
{
	struct err err;
	int fd;
	if (b->failed)
		return;
	invariant(os_file_unlink(dir, name, &err));
	invariant(os_file_open(dir, name, OS_CREATE, &fd, &err));
	invariant(os_file_append(fd, buf_slice(b), &err));
	os_file_close(&fd);
}

static void segment_head(struct files *f)
{
	struct buf *b = &f->file;
	static const char zeros[SEGMENT_HEAD];
	buf_clear(b);
	buf_append(b, SLICE("PRSPOOL\n"));
	buf_u32(b, FORMAT_VERSION);
	buf_u32(b, f->segments);
	buf_u64(b, SALT);
	buf_u64(b, FILE_MAX);
	buf_u64(b, 0);
	buf_u32(b, 0);
	buf_u32(b, crc32c(0, b->p, b->n));
	buf_append_bytes(b, zeros, SEGMENT_HEAD - b->n);
}

/* Type or kind, id or count, payload of the next record; false: none. */
static bool take(struct files *f, uint8_t *type, uint8_t *id, slice *payload)
{
	struct cursor c = cursor_of(f->rest);
	*type = cursor_u8(&c);
	if (c.failed || *type >= NEW_CHECKPOINT)
		return false;
	*id = cursor_u8(&c);
	size_t n = cursor_u16(&c);
	if (n > c.rest.n)
		n = c.rest.n;
	*payload = cursor_take(&c, n);
	f->rest = c.rest;
	return !c.failed;
}

/* The payload of an accept frame with size and CRC of the body before it. */
static void fix_body(struct files *f, size_t at)
{
	enum { BODY_BYTES_AT = 9, BODY_CRC_AT = 13 };
	if (f->file.n - at < BODY_CRC_AT + 4)
		return;
	put_at(&f->file, at + BODY_BYTES_AT, f->body_bytes);
	put_at(&f->file, at + BODY_CRC_AT, f->body_crc);
}

static void frame_add(struct files *f, uint8_t type, uint8_t id, slice payload)
{
	struct buf *b = &f->file;
	size_t at = b->n;
	char head[FRAME_BYTES] = { 0 };
	buf_append_bytes(b, head, sizeof(head));
	buf_append(b, payload);
	if (b->failed)
		return;
	if (type & FIX_BODY)
		fix_body(f, at + FRAME_BYTES);
	struct frame frame = {
		.type = (enum frame_type)(type & 0xf),
		.id = { .time_ms = id, .random = id },
		.bytes = (uint32_t)payload.n,
		.crc = crc32c(type & BAD_CRC ? 1 : 0, b->p + at + FRAME_BYTES,
			      payload.n),
	};
	frame_put(head, &frame);
	frame_place(head, position_of(f->segments, (uint32_t)at), SALT);
	memcpy(b->p + at, head, sizeof(head));
	if (frame.type == FRAME_BODY) {
		f->body_bytes = frame.bytes;
		f->body_crc = frame.crc;
	}
}

static void segment_add(struct files *f)
{
	char name[NAME_MAX_BYTES];
	uint8_t type, id;
	slice payload;
	f->segments++;
	segment_head(f);
	while (take(f, &type, &id, &payload))
		if (type & AS_IS)
			buf_append(&f->file, payload);
		else
			frame_add(f, type, id, payload);
	save(&f->file, segment_name(f->segments, name));
}

static void block_add(struct buf *b, uint32_t kind, uint32_t count,
		      slice payload)
{
	size_t at = b->n;
	buf_append(b, SLICE("\xf7PRB"));
	buf_u32(b, kind);
	buf_u32(b, (uint32_t)payload.n);
	buf_u32(b, count);
	if (!b->failed)
		buf_u32(b, crc32c(crc32c(0, b->p + at, BLOCK_HEAD - 4),
				  payload.p, payload.n));
	buf_append(b, payload);
}

static void checkpoint_add(struct files *f)
{
	struct buf *b = &f->file, end;
	uint64_t places_at = 0, counts[4] = { 0 };
	uint8_t kind, count;
	slice payload;
	buf_clear(b);
	buf_append(b, SLICE("PRCKPT1\n"));
	buf_u32(b, FORMAT_VERSION);
	buf_u64(b, 1);
	/* Always in the second segment: some frames before, some behind. */
	buf_u64(b, position_of(2, SEGMENT_HEAD));
	buf_u64(b, 0);
	buf_u32(b, crc32c(0, b->p, b->n));
	invariant(b->n == CHECKPOINT_HEAD);
	while (take(f, &kind, &count, &payload)) {
		kind = kind % 3 + 1;
		if (kind != 1 && places_at == 0)
			places_at = b->n;
		counts[kind] += count;
		block_add(b, kind, count, payload);
	}
	buf_init(&end, END_RECORD);
	buf_u64(&end, places_at ? places_at : b->n);
	for (int i = 1; i < 4; i++)
		buf_u64(&end, counts[i]);
	block_add(b, 4, 1, buf_slice(&end));
	buf_fini(&end);
	save(b, "ckpt-00000001");
	f->checkpoint = true;
}

static void files_make(struct files *f, slice description)
{
	*f = (struct files){ .rest = description };
	buf_init(&f->file, FILE_MAX);
	do {
		bool checkpoint = f->rest.n > 0 &&
				  (uint8_t)f->rest.p[0] == NEW_CHECKPOINT;
		if (f->rest.n > 0 && (uint8_t)f->rest.p[0] >= NEW_CHECKPOINT)
			f->rest = slice_skip(f->rest, 1);
		if (!checkpoint)
			segment_add(f);
		else if (!f->checkpoint)
			checkpoint_add(f);
	} while (f->rest.n > 0 && f->segments < SEGMENTS_MAX);
	buf_fini(&f->file);
}

static bool remove_one(void *ctx, const char *name)
{
	struct err err;
	(void)ctx;
	return os_file_unlink(dir, name, &err);
}

/* --- opening them --------------------------------------------------------------- */

static void tell(struct buf *told, char what, struct id id, slice a, slice b)
{
	buf_append_char(told, what);
	buf_u64(told, id.time_ms);
	buf_bytes32(told, a);
	buf_bytes32(told, b);
}
static bool on_message(void *ctx, struct id id, slice envelope, slice state,
		       struct err *err)
{
	(void)err;
	tell(ctx, 'm', id, envelope, state);
	return true;
}
static bool on_state(void *ctx, struct id id, slice state, struct err *err)
{
	(void)err;
	tell(ctx, 's', id, state, SLICE(""));
	return true;
}
static bool on_done(void *ctx, struct id id, struct err *err)
{
	(void)err;
	tell(ctx, 'd', id, SLICE(""), SLICE(""));
	return true;
}
static bool on_booking(void *ctx, int64_t wall_ms, slice booking,
		       struct err *err)
{
	(void)wall_ms, (void)err;
	tell(ctx, 'b', (struct id){ 0 }, booking, SLICE(""));
	return true;
}

struct reading {
	struct spool *spool;
	struct buf *told;
	uint64_t bytes, count;
};

static bool count_piece(void *ctx, slice piece)
{
	struct reading *r = ctx;
	r->bytes += piece.n;
	return true;
}

static bool read_one(void *ctx, struct id id, uint64_t body_bytes,
		     slice place)
{
	struct reading *r = ctx;
	struct buf envelope;
	struct err err = { 0 };
	buf_init(&envelope, FILE_MAX);
	r->bytes = 0;
	r->count++;
	bool ok = spool_read_now(r->spool, id, &envelope, count_piece, r, &err);
	invariant(ok ? r->bytes == body_bytes : err.kind != ERR_OK);
	tell(r->told, ok ? 'r' : 'x', id, place, buf_slice(&envelope));
	buf_fini(&envelope);
	return true;
}

static bool drop_line(void *ctx, slice line)
{
	(void)ctx, (void)line;
	return true;
}
static int64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static void open_and_read(struct buf *told)
{
	struct log log = { .level = LOG_DEBUG, .write = drop_line,
			   .wall_ms = no_time, .role = "fuzz" };
	struct spool_config config = {
		.dir = dir, .log = &log, .segment_bytes = FILE_MAX,
		.body_log_max_bytes = 65536, .read_only = true,
	};
	struct spool_visitor visitor = { told, on_message, on_state, on_done,
					 on_booking, NULL, NULL };
	struct reading r = { .told = told };
	struct spool_figures figures;
	struct err err = { 0 };
	buf_init(told, TELL_MAX);
	if (!spool_open(&config, &visitor, &r.spool, &err)) {
		invariant(err.kind != ERR_OK);
		return;
	}
	spool_each(r.spool, read_one, &r);
	spool_figures(r.spool, &figures);
	invariant(figures.messages == r.count);
	spool_close(&r.spool);
}

static void check_files(slice description)
{
	struct files files;
	struct buf once, twice;
	struct err err;
	invariant(os_dir_list(dir, remove_one, NULL, &err));
	files_make(&files, description);
	open_and_read(&once);
	if (description.n % 4 == 0) {
		open_and_read(&twice);
		invariant(slice_eq(buf_slice(&once), buf_slice(&twice)));
		buf_fini(&twice);
	}
	buf_fini(&once);
}

/* --- ------------------------------------------------------------------------------ */

static void clean_up(void)
{
	struct err err;
	if (os_dir_list(dir, remove_one, NULL, &err))
		rmdir(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *tmp = getenv("TMPDIR");
	struct err err;
	(void)argc, (void)argv;
	snprintf(path, sizeof(path), "%s/postrider-fuzz-XXXXXX",
		 tmp ? tmp : "/tmp");
	invariant(mkdtemp(path) != NULL && os_dir_open(path, &dir, &err));
	atexit(clean_up);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	slice rest = { (const char *)data + 1, size - 1 };
	if (data[0] == 0)
		check_payload(rest);
	else
		check_files(rest);
	return 0;
}
