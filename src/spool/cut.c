/*
 * The small frames that the spool writes for itself: batch, cut, checkpoint.
 */
#include "spool/spool_private.h"

#include "base/crc32c.h"
#include "os/clock.h"

static uint32_t frame_compose(const struct segment *seg, uint32_t offset,
			      enum frame_type type, slice payload, char *to)
{
	struct frame f = { .type = type, .bytes = (uint32_t)payload.n,
			   .crc = crc32c(0, payload.p, payload.n) };
	frame_put(to, &f);
	frame_place(to, position_of(seg->number, offset), seg->salt);
	memcpy(to + FRAME_BYTES, payload.p, payload.n);
	return FRAME_BYTES + (uint32_t)payload.n;
}

/* A payload of so few bytes that it needs no heap. */
struct small {
	char bytes[16 + CUTS_MAX * 8];
	size_t n;
};

static void small_u32(struct small *b, uint32_t v)
{
	invariant(b->n + 4 <= sizeof(b->bytes));
	for (unsigned i = 0; i < 4; i++)
		b->bytes[b->n++] = (char)(v >> 8 * i);
}

static void small_u64(struct small *b, uint64_t v)
{
	small_u32(b, (uint32_t)v);
	small_u32(b, (uint32_t)(v >> 32));
}

static slice small_slice(const struct small *b)
{
	return (slice){ b->bytes, b->n };
}

/* Also those whose end only a cut has told so far: after a failed sync and
 * a kill that one may have been read from the kernel's cache alone. */
static bool needs_cut(const struct segment *seg)
{
	return !seg->active && !seg->headless &&
	       (!seg->end_known || !seg->summary_durable);
}

uint32_t cut_compose(struct spool *s, const struct segment *seg, char *to,
		     size_t cap)
{
	struct small pairs = { .n = 0 }, payload = { .n = 0 };
	uint32_t count = 0;
	for (size_t i = 0; i < s->segments.count && count < CUTS_MAX; i++) {
		const struct segment *old = s->segments.at[i];
		if (!needs_cut(old))
			continue;
		small_u32(&pairs, old->number);
		small_u32(&pairs, old->end);
		count++;
	}
	small_u32(&payload, count);
	memcpy(payload.bytes + payload.n, pairs.bytes, pairs.n);
	payload.n += pairs.n;
	invariant(FRAME_BYTES + payload.n <= cap);
	return frame_compose(seg, SEGMENT_HEAD, FRAME_CUT,
			     small_slice(&payload), to);
}

void cut_settled(struct spool *s)
{
	uint32_t count = 0;
	for (size_t i = 0; i < s->segments.count && count < CUTS_MAX; i++) {
		struct segment *old = s->segments.at[i];
		if (!needs_cut(old))
			continue;
		old->end_known = true;
		if (s->trim_count < CUTS_MAX && old->file_bytes > old->end)
			s->trims[s->trim_count++] = old->number;
		count++;
	}
	s->dirty = true;
}

uint32_t batch_frame_compose(const struct segment *seg, uint32_t offset,
			     char *to)
{
	struct small payload = { .n = 0 };
	small_u32(&payload, seg->synced);
	small_u64(&payload, (uint64_t)os_wall_ms());
	return frame_compose(seg, offset, FRAME_BATCH, small_slice(&payload),
			     to);
}

uint32_t checkpoint_frame_compose(const struct spool *s,
					 uint32_t offset, char *to)
{
	struct small payload = { .n = 0 };
	small_u64(&payload, s->checkpoint.number);
	small_u64(&payload, s->checkpoint.position);
	return frame_compose(s->active, offset, FRAME_CHECKPOINT,
			     small_slice(&payload), to);
}
