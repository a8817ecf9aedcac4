/*
 * The bytes of a frame: a head of 44 bytes with its own CRC, then the
 * payload. See docs/formats/spool.md.
 */
#include "spool/spool_private.h"

#include "base/crc32c.h"

/* No text begins so: 0xf7 is never part of UTF-8. */
const char frame_magic[4] = { '\xf7', 'P', 'R', '1' };

enum {
	AT_TYPE = 4,
	AT_POSITION = 8,
	AT_TIME = 16,
	AT_RANDOM = 24,
	AT_BYTES = 32,
	AT_CRC = 36,
	AT_HEAD_CRC = 40,
};

static void put_u32(char *to, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (char)(v >> 8 * i);
}

static void put_u64(char *to, uint64_t v)
{
	put_u32(to, (uint32_t)v);
	put_u32(to + 4, (uint32_t)(v >> 32));
}

static uint32_t head_crc(const char *head, uint64_t salt)
{
	char bytes[8];
	put_u64(bytes, salt);
	return crc32c(crc32c(0, bytes, sizeof(bytes)), head, AT_HEAD_CRC);
}

void frame_put(char to[FRAME_BYTES], const struct frame *f)
{
	memset(to, 0, FRAME_BYTES);
	memcpy(to, frame_magic, sizeof(frame_magic));
	to[AT_TYPE] = (char)f->type;
	put_u64(to + AT_TIME, f->id.time_ms);
	put_u64(to + AT_RANDOM, f->id.random);
	put_u32(to + AT_BYTES, f->bytes);
	put_u32(to + AT_CRC, f->crc);
}

void frame_place(char head[FRAME_BYTES], uint64_t position, uint64_t salt)
{
	invariant(memcmp(head, frame_magic, sizeof(frame_magic)) == 0);
	put_u64(head + AT_POSITION, position);
	put_u32(head + AT_HEAD_CRC, head_crc(head, salt));
}

bool frame_peek(slice s, struct frame *out)
{
	struct cursor c = cursor_of(s);
	slice magic = cursor_take(&c, sizeof(frame_magic));
	uint8_t type = cursor_u8(&c);
	uint8_t zero = cursor_u8(&c);
	uint16_t zeros = cursor_u16(&c);
	out->position = cursor_u64(&c);
	out->id.time_ms = cursor_u64(&c);
	out->id.random = cursor_u64(&c);
	out->bytes = cursor_u32(&c);
	out->crc = cursor_u32(&c);
	if (c.failed || type < FRAME_BATCH || type > FRAME_CHECKPOINT ||
	    zero != 0 || zeros != 0 || !id_is_possible(out->id) ||
	    memcmp(magic.p, frame_magic, sizeof(frame_magic)) != 0)
		return false;
	out->type = (enum frame_type)type;
	return true;
}

bool frame_get(slice s, uint64_t position, uint64_t salt, struct frame *out)
{
	if (s.n < FRAME_BYTES || !frame_peek(s, out) ||
	    out->position != position)
		return false;
	struct cursor c = cursor_of(slice_skip(s, AT_HEAD_CRC));
	return cursor_u32(&c) == head_crc(s.p, salt);
}

void frame_accept_put(struct buf *b, const struct frame_accept *a)
{
	buf_u8(b, (uint8_t)((a->big ? ACCEPT_BIG : 0) |
			    (a->ends_done ? ACCEPT_ENDS_DONE : 0)));
	buf_u64(b, (uint64_t)a->wall_ms);
	buf_u32(b, a->body_bytes);
	buf_u32(b, a->body_crc);
	buf_u32(b, a->prefix_bytes);
	buf_u32(b, a->prefix_crc);
	buf_bytes32(b, a->envelope);
	buf_bytes32(b, a->state);
	buf_bytes32(b, a->booking);
	buf_bytes32(b, a->archive);
	buf_bytes32(b, a->journal);
	buf_u64(b, a->ends_id.time_ms);
	buf_u64(b, a->ends_id.random);
	buf_bytes32(b, a->ends_state);
}

bool frame_accept_get(slice payload, struct frame_accept *out)
{
	struct cursor c = cursor_of(payload);
	uint8_t flags = cursor_u8(&c);
	*out = (struct frame_accept){
		.big = flags & ACCEPT_BIG,
		.ends_done = flags & ACCEPT_ENDS_DONE,
	};
	out->wall_ms = (int64_t)cursor_u64(&c);
	out->body_bytes = cursor_u32(&c);
	out->body_crc = cursor_u32(&c);
	out->prefix_bytes = cursor_u32(&c);
	out->prefix_crc = cursor_u32(&c);
	out->envelope = cursor_bytes32(&c, ENVELOPE_MAX);
	out->state = cursor_bytes32(&c, ENVELOPE_MAX);
	out->booking = cursor_bytes32(&c, ENVELOPE_MAX);
	out->archive = cursor_bytes32(&c, ENVELOPE_MAX);
	out->journal = cursor_bytes32(&c, ENVELOPE_MAX);
	out->ends_id.time_ms = cursor_u64(&c);
	out->ends_id.random = cursor_u64(&c);
	out->ends_state = cursor_bytes32(&c, ENVELOPE_MAX);
	return cursor_done(&c);
}

void frame_state_put(struct buf *b, const struct frame_state *st)
{
	buf_u64(b, (uint64_t)st->wall_ms);
	buf_bytes32(b, st->state);
	buf_bytes32(b, st->booking);
	buf_bytes32(b, st->journal);
}

bool frame_state_get(slice payload, struct frame_state *out)
{
	struct cursor c = cursor_of(payload);
	out->wall_ms = (int64_t)cursor_u64(&c);
	out->state = cursor_bytes32(&c, ENVELOPE_MAX);
	out->booking = cursor_bytes32(&c, ENVELOPE_MAX);
	out->journal = cursor_bytes32(&c, ENVELOPE_MAX);
	return cursor_done(&c);
}

uint32_t body_crc(const struct body *b)
{
	uint32_t crc = 0;
	struct body_at at = body_start(b);
	for (slice piece; body_next(&at, &piece);)
		crc = crc32c(crc, piece.p, piece.n);
	return crc;
}
