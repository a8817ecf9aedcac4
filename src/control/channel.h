/*
 * One end of a channel of frames (wire/frame.h) on a local socket, without
 * waiting: relay's loop and admin's poll drive it. Private to src/control and
 * its users in admin; the same buffers and the same end of the line.
 */
#pragma once

#include "os/net.h"
#include "wire/frame.h"

enum { CHANNEL_IN_MAX = FRAME_HEADER + FRAME_MAX + 65536,
       CHANNEL_PASSED_MAX = 4 };

struct channel {
	int fd;			/* -1: closed */
	/* descriptors that came and wait for their frames, oldest first; a
	 * read brings one at most, so two may wait while a frame is cut */
	int passed[CHANNEL_PASSED_MAX];
	unsigned passed_count;
	struct buf in, out;
	size_t unread;		/* bytes of in that no frame was taken from */
	size_t sent;		/* of out */
	uint32_t allowed;	/* frames taken: FRAME_BIT each */
};
/* fd may be -1. Takes it over. */
void channel_init(struct channel *c, int fd, uint32_t allowed,
		  size_t out_max);
/* Closes and forgets all; it can be used again after channel_open. */
void channel_close(struct channel *c);
void channel_open(struct channel *c, int fd);
void channel_fini(struct channel *c);

enum channel_result {
	CHANNEL_OPEN,
	CHANNEL_ENDED,		/* the peer closed */
	CHANNEL_BROKEN,		/* err is filled */
};
/* Reads what is there (once, at most 64 KiB: level-triggered). */
enum channel_result channel_receive(struct channel *c, struct err *err);
/* The next whole frame; its payload lends until the next channel_receive. */
bool channel_next(struct channel *c, bool *got, struct frame *out,
		  struct err *err) MUST_USE;
/* After the last frame of a round: drops what was taken. */
void channel_taken(struct channel *c);
/* Sends what it can. */
enum channel_result channel_flush(struct channel *c, struct err *err);
static inline size_t channel_pending(const struct channel *c)
{
	return c->out.n - c->sent;
}
/* The descriptor that came with the frame at hand (FRAME_PEER, FRAME_LISTEN),
 * once; -1: none. */
int channel_take_passed(struct channel *c);
