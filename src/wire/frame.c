/* Frames between processes; see frame.h and docs/formats/frames.md. */
#include "wire/frame.h"

#include "base/cursor.h"

enum {
	FRAME_MAGIC = 0x4d465250,	/* "PRFM" in the order of bytes */
	FRAME_VERSION = 1,
	CALL_NAME_MAX = 64,
};

void frame_write(struct buf *out, enum frame_type type, uint32_t sequence,
		 slice payload)
{
	invariant(type > 0 && type < FRAME_TYPE_COUNT);
	if (payload.n > FRAME_MAX) {
		out->failed = true;
		return;
	}
	char *room = buf_room(out, FRAME_HEADER + payload.n);
	if (room == NULL)
		return;		/* failed is set; nothing was added */
	buf_u32(out, FRAME_MAGIC);
	buf_u8(out, FRAME_VERSION);
	buf_u8(out, (uint8_t)type);
	buf_u16(out, 0);
	buf_u32(out, (uint32_t)payload.n);
	buf_u32(out, sequence);
	buf_append(out, payload);
	invariant(!out->failed);
}

static bool refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "frame_read", "%s", why);
}

static bool header_read(slice bytes, uint32_t allowed, struct frame *out,
			uint32_t *length, struct err *err)
{
	struct cursor c = cursor_of(slice_sub(bytes, 0, FRAME_HEADER));
	uint32_t magic = cursor_u32(&c);
	uint8_t version = cursor_u8(&c);
	uint8_t type = cursor_u8(&c);
	uint16_t reserved = cursor_u16(&c);
	*length = cursor_u32(&c);
	uint32_t sequence = cursor_u32(&c);
	invariant(cursor_done(&c));
	if (magic != FRAME_MAGIC)
		return refuse(err, "bytes are no frame");
	if (version != FRAME_VERSION || reserved != 0)
		return refuse(err, "frame of another version");
	if (type == 0 || type >= FRAME_TYPE_COUNT ||
	    (allowed & FRAME_BIT(type)) == 0)
		return refuse(err, "frame of a type that has no place here");
	if (*length > FRAME_MAX)
		return refuse(err, "frame is too long");
	out->type = (enum frame_type)type;
	out->sequence = sequence;
	return true;
}

bool frame_read(slice *in, uint32_t allowed, bool *got, struct frame *out,
		struct err *err)
{
	*got = false;
	if (in->n < FRAME_HEADER)
		return true;
	uint32_t length;
	if (!header_read(*in, allowed, out, &length, err))
		return false;
	if (in->n - FRAME_HEADER < length)
		return true;
	out->payload = slice_sub(*in, FRAME_HEADER, length);
	invariant(out->payload.n == length);
	*in = slice_skip(*in, FRAME_HEADER + length);
	*got = true;
	return true;
}

/* --- payloads ------------------------------------------------------------- */

/* Writes a payload of two parts through a buffer of its own, so that a
 * failure never leaves half a frame in out. */
static void write_parts(struct buf *out, enum frame_type type,
			uint32_t sequence, struct buf *payload)
{
	if (payload->failed)
		out->failed = true;
	else
		frame_write(out, type, sequence, buf_slice(payload));
	buf_fini(payload);
}

bool frame_call_fits(slice name, slice args)
{
	const size_t lengths = 2 * sizeof(uint32_t);
	return name.n > 0 && name.n <= CALL_NAME_MAX &&
	       args.n <= FRAME_MAX - lengths - name.n;
}

void frame_write_call(struct buf *out, uint32_t sequence, slice name,
		      slice args)
{
	invariant(name.n > 0 && name.n <= CALL_NAME_MAX);
	struct buf payload;
	buf_init(&payload, FRAME_MAX);
	buf_bytes32(&payload, name);
	buf_bytes32(&payload, args);
	write_parts(out, FRAME_CALL, sequence, &payload);
}

bool frame_read_call(slice payload, struct frame_call *out)
{
	struct cursor c = cursor_of(payload);
	out->name = cursor_bytes32(&c, CALL_NAME_MAX);
	out->args = cursor_bytes32(&c, FRAME_MAX);
	return cursor_done(&c) && out->name.n > 0;
}

void frame_write_end(struct buf *out, uint32_t sequence, uint8_t code,
		     slice text)
{
	struct buf payload;
	buf_init(&payload, FRAME_MAX);
	buf_u8(&payload, code);
	buf_bytes32(&payload, slice_sub(text, 0, FRAME_MAX - 64));
	write_parts(out, FRAME_END, sequence, &payload);
}

bool frame_read_end(slice payload, uint8_t *code, slice *text)
{
	struct cursor c = cursor_of(payload);
	*code = cursor_u8(&c);
	*text = cursor_bytes32(&c, FRAME_MAX);
	return cursor_done(&c);
}

void frame_write_live(struct buf *out, uint32_t sequence, uint64_t revision)
{
	struct buf payload;
	buf_init(&payload, 8);
	buf_u64(&payload, revision);
	write_parts(out, FRAME_LIVE, sequence, &payload);
}

bool frame_read_live(slice payload, uint64_t *revision)
{
	struct cursor c = cursor_of(payload);
	*revision = cursor_u64(&c);
	return cursor_done(&c);
}
