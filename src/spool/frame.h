/*
 * Bytes and places: frames as they stand in a segment, and the index that
 * says where the frames of a message are. See docs/formats/spool.md.
 */
#pragma once

#include "base/cursor.h"
#include "os/file.h"
#include "spool/spool.h"

enum {
	FORMAT_VERSION = 1,
	FRAME_BYTES = 44,		/* head of every frame */
	SEGMENT_HEAD = 4096,		/* then frames */
	SEGMENT_HEAD_COPY = 2048,	/* the head stands there once more */
	SEGMENT_HEAD_BYTES = 48,
	ENVELOPE_MAX = 24 << 20,	/* of all parts of one frame together */
	BATCH_BYTES_MAX = 8 << 20,
	BATCH_COMMITS_MAX = 1024,
	BATCH_IOV_MAX = 4096,
	BATCH_HEAD_MAX = 1024,		/* cut, batch and checkpoint frames */
	WRITE_IOV_MAX = 1024,		/* of one call: IOV_MAX */
	SEGMENT_MIN = 64 << 10,
	SEGMENT_MAX = 1 << 30,
	SPARES = 2,
	CUTS_MAX = 64,			/* pairs in one cut frame */
	LAZY_MS = 20,			/* STATE and DONE in an idle log */
	TICK_MS = 1000,			/* chores look around so often */
	FAILURES_MAX = 3,		/* in FAILURE_WINDOW_MS close the spool */
	FAILURE_WINDOW_MS = 60000,
	WALK_SLICE = 4096,		/* index entries a turn */
	EVACUATE_AGE_MS = 60000,
	EVACUATE_BYTES = 4 << 20,	/* read back at once */
	EVACUATE_MOVES = 64,
	NAME_MAX_BYTES = 40,
	SCAN_WINDOW = 1 << 20,
	CHECKPOINT_BLOCK = 256 << 10,
	PLACE_BYTES = 36,		/* in a checkpoint */
	SUMMARY_HEAD = 56,
	REMOVALS_MAX = 64,
};

/* --- frames (frame.c) ----------------------------------------------------- */

enum frame_type {
	FRAME_BATCH = 1,
	FRAME_BODY,
	FRAME_ACCEPT,
	FRAME_STATE,
	FRAME_DONE,
	FRAME_MOVED,
	FRAME_CUT,
	FRAME_CHECKPOINT,
};

struct frame {
	enum frame_type type;
	uint64_t position;
	struct id id;
	uint32_t bytes;			/* of the payload */
	uint32_t crc;			/* of the payload */
};

/* Writes the head of a frame; frame_place then says where it stands. */
void frame_put(char to[FRAME_BYTES], const struct frame *f);
/* The salt of the segment and the position go into the head's own CRC, so
 * that bytes of a body, or a frame somewhere else, never pass for a frame. */
void frame_place(char head[FRAME_BYTES], uint64_t position, uint64_t salt);
/* False unless s begins with a good head of that position and salt. */
bool frame_get(slice s, uint64_t position, uint64_t salt,
	       struct frame *out) MUST_USE;
/* Without the head's CRC: for readers that know the place. */
bool frame_peek(slice s, struct frame *out) MUST_USE;
extern const char frame_magic[4];

enum { ACCEPT_BIG = 1, ACCEPT_ENDS_DONE = 2 };
struct frame_accept {			/* of accept and moved frames */
	bool big, ends_done;
	int64_t wall_ms;
	uint32_t body_bytes;		/* with the prefix of a big one */
	uint32_t body_crc;		/* of a big one: behind the prefix */
	uint32_t prefix_bytes, prefix_crc;
	slice envelope, state, booking, archive, journal;
	struct id ends_id;
	slice ends_state;
};
void frame_accept_put(struct buf *b, const struct frame_accept *a);
bool frame_accept_get(slice payload, struct frame_accept *out) MUST_USE;

struct frame_state {			/* of state and done frames */
	int64_t wall_ms;
	slice state, booking, journal;
};
void frame_state_put(struct buf *b, const struct frame_state *st);
bool frame_state_get(slice payload, struct frame_state *out) MUST_USE;

static inline uint64_t position_of(uint32_t segment, uint32_t offset)
{
	return (uint64_t)segment << 32 | offset;
}
static inline uint32_t position_segment(uint64_t position)
{
	return (uint32_t)(position >> 32);
}
static inline uint32_t position_offset(uint64_t position)
{
	return (uint32_t)position;
}
/* CRC of a whole body in memory. */
uint32_t body_crc(const struct body *b);

/* --- index (index.c): id -> place; 36 bytes a message and its slot -------- */

enum {
	PLACE_BIG = 1,			/* the body is a file of its own */
	PLACE_HAS_STATE = 2,		/* a state frame came after it */
	PLACE_BAD = 4,			/* its CRC failed; told once */
	PLACE_UNTOLD = 8,		/* recovery: not yet shown */
	PLACE_STATELESS = 16,		/* recovery: had a state, none seen */
	PLACE_KEPT = PLACE_BIG | PLACE_HAS_STATE | PLACE_BAD,
};

struct place {
	uint64_t time_ms, random;	/* the id; both 0: free */
	uint32_t segment;
	uint32_t offset;		/* of its first frame: the body's, or the
					 * accept frame of a big one */
	uint32_t body_bytes;
	uint32_t accept_bytes;		/* payload */
	uint32_t flags;
} __attribute__((packed, aligned(4)));

static inline struct id place_id(const struct place *p)
{
	return (struct id){ p->time_ms, p->random };
}
/* Bytes of its frames in the log. */
static inline uint32_t place_log_bytes(const struct place *p)
{
	return p->flags & PLACE_BIG ?
	       FRAME_BYTES + p->accept_bytes :
	       2 * FRAME_BYTES + p->body_bytes + p->accept_bytes;
}
static inline uint32_t place_accept_offset(const struct place *p)
{
	return p->flags & PLACE_BIG ? p->offset :
	       p->offset + FRAME_BYTES + p->body_bytes;
}

struct index {
	struct place **blocks;
	uint32_t block_count;
	uint32_t high;			/* entries ever used */
	uint32_t free;			/* first free entry + 1, 0: none */
	uint32_t free_count;
	uint32_t count;
	uint32_t *slots;		/* entry + 1, 0: free */
	uint32_t slot_count;		/* power of two or 0 */
};
void index_init(struct index *x);
void index_fini(struct index *x);
/* Room for so many more, so that index_add can't fail. */
bool index_reserve(struct index *x, uint32_t more) MUST_USE;
struct place *index_get(const struct index *x, struct id id);
/* Not in it yet; room is reserved. Only the id is set. */
struct place *index_add(struct index *x, struct id id);
void index_remove(struct index *x, struct place *p);
/* Entry n < high in storage order, NULL when free: for walks that may be
 * interrupted by changes. */
struct place *index_at(const struct index *x, uint32_t n);
