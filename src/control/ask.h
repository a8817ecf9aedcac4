/*
 * Admin's end of the channel to relay: changes go out, live revisions come
 * back, calls about the queue are passed on. Never waits; its owner polls
 * ask_fd for ask_interest and calls ask_ready.
 */
#pragma once

#include "os/net.h"
#include "wire/frame.h"

struct ask;
struct ask_handlers {
	void *ctx;
	/* Relay told a live revision; refused: what it was sent last could
	 * not be taken. The first one on a channel says where relay is. */
	void (*live)(void *ctx, uint64_t revision, bool refused);
	/* The channel ended (after the calls on it did). */
	void (*gone)(void *ctx);
};
/* NULL: out of memory. */
struct ask *ask_new(const struct ask_handlers *handlers);
void ask_free(struct ask **a);

/* A new end of the channel, taken over; what hung on the old one ends. */
void ask_attach(struct ask *a, int fd);
bool ask_up(const struct ask *a);
/* -1 when not up. */
int ask_fd(const struct ask *a);
unsigned ask_interest(const struct ask *a);
void ask_ready(struct ask *a, unsigned events);

enum { ASK_OUT_MAX = 33554432, ASK_CALLS_MAX = 64 };
/* Parts of changes, one after the other (policy/change.h). False: relay is
 * not there, or too much waits for it already; nothing was sent then. */
bool ask_change(struct ask *a, slice changes) MUST_USE;
/* Relay shall read the view files. */
bool ask_view(struct ask *a) MUST_USE;

/* Rows and the end of a call; code 75 with gone true when the channel ended
 * before. */
struct ask_call {
	void (*row)(struct ask_call *call, slice json_object);
	void (*end)(struct ask_call *call, int code, slice text, bool gone);
	uint32_t sequence;	/* ask's own */
	struct ask_call *next;
};
/* The call stays the caller's and must live until its end or ask_forget.
 * False: not up, or too many calls; end is not called then. */
bool ask_call(struct ask *a, struct ask_call *call, slice name,
	      slice args) MUST_USE;
/* Whoever asked is gone. */
void ask_forget(struct ask *a, struct ask_call *call);
