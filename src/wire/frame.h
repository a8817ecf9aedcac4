/*
 * Frames between processes: a fixed header (magic, version, type, length,
 * sequence), then so many bytes. No text lines. A receiver names the types
 * it takes; anything else ends the channel. The decoder is a fuzz target.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { FRAME_HEADER = 16, FRAME_MAX = 1048576 };

enum frame_type {
	/* command line or console → admin, admin → relay: name of the call
	 * (bytes32) and its arguments as a JSON object (bytes32) */
	FRAME_CALL = 1,
	/* ← one JSON object: a row of the answer */
	FRAME_ROW,
	/* ← the end of the answer: exit code (u8) and a text (bytes32) */
	FRAME_END,
	/* admin → relay: a change of the directory (policy/change.h) */
	FRAME_CHANGE,
	/* relay → admin: revision (u64) that is live in every shard; first
	 * of all on a new channel. With sequence LIVE_REFUSED: the change or
	 * view that came could not be taken, this one is still live */
	FRAME_LIVE,
	/* master → relay, admin, console; PEER also console → admin: an end
	 * of a new connection for calls */
	FRAME_RELOAD,			/* the new configuration (app/start.h) */
	FRAME_DRAIN,
	FRAME_PEER,			/* a descriptor comes with it: the new
					 * end of the channel to the role that
					 * the payload names ("admin") */
	FRAME_READY,			/* child → master: it serves */
	/* admin → relay: the next revision is in the view files, read them
	 * again (nothing follows; used when a change can't be sent) */
	FRAME_VIEW,
	/* master → relay: a listening socket comes with it; its number (u32),
	 * by which a FRAME_RELOAD that follows names it */
	FRAME_LISTEN,
	FRAME_TYPE_COUNT,
};

enum { LIVE_REFUSED = 1 };

struct frame {
	enum frame_type type;
	uint32_t sequence;		/* of the call it belongs to */
	slice payload;			/* lends from the input */
};

/* Bit of a type for `allowed`. */
#define FRAME_BIT(type) (1u << (type))

/* A payload over FRAME_MAX sets out->failed. */
void frame_write(struct buf *out, enum frame_type type, uint32_t sequence,
		 slice payload);
/* Takes one frame off *in when it is whole: *got tells. False: these bytes
 * are no frame, or a type outside `allowed` (bit per type). */
bool frame_read(slice *in, uint32_t allowed, bool *got, struct frame *out,
		struct err *err) MUST_USE;

/* FRAME_CALL, FRAME_END and FRAME_LIVE: what their payloads hold; slices lend
 * from the payload. */
struct frame_call {
	slice name, args;
};
/* Do both go into one frame? */
bool frame_call_fits(slice name, slice args);
void frame_write_call(struct buf *out, uint32_t sequence, slice name,
		      slice args);
bool frame_read_call(slice payload, struct frame_call *out) MUST_USE;
void frame_write_end(struct buf *out, uint32_t sequence, uint8_t code,
		     slice text);
bool frame_read_end(slice payload, uint8_t *code, slice *text) MUST_USE;
void frame_write_live(struct buf *out, uint32_t sequence, uint64_t revision);
bool frame_read_live(slice payload, uint64_t *revision) MUST_USE;
