/*
 * The console's way to admin: calls on front connections (docs/formats/
 * frames.md). Master made a channel to admin; on it go the ends of socket
 * pairs made here, so nothing is ever connected to. At most FRONT_CONNS_MAX
 * connections, each with one call at a time; further calls wait in order.
 *
 * All on one thread, but for front_ask. When admin has gone, what was asked
 * of it ends at once, and so does what is asked until master brings the new
 * channel.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "os/thread.h"

enum {
	FRONT_CONNS_MAX = 16,
	FRONT_WAITING_MAX = 512,
	FRONT_SILENCE_MS = 60000,	/* of admin, during a call */
	FRONT_ROWS_MAX = 33554432,	/* bytes of one answer */
};

enum front_end {
	FRONT_ANSWERED,			/* code and text are admin's */
	FRONT_DOWN,			/* admin isn't there: nothing was asked */
	FRONT_LOST,			/* it went, or fell silent, meanwhile */
	FRONT_BUSY,			/* too many wait */
	FRONT_TOO_LARGE,		/* the rows are */
	FRONT_NOT_ASKED,		/* name and arguments are too large */
};

/* Whoever asks owns it, and leaves it alone from front_ask until done. */
struct front_call {
	slice name;			/* of calls.def; lives until done */
	slice args;			/* JSON object; lives until done */
	/* On the front's thread. */
	void (*done)(struct front_call *call);

	enum front_end end;
	int code;			/* admin/calls.h: enum call_exit */
	struct buf text;		/* for people */
	struct buf rows;		/* each a bytes32 (base/buf.h) */

	struct os_post post;		/* the front's */
	struct front *front;
	struct list node;
};
void front_call_init(struct front_call *call);
void front_call_fini(struct front_call *call);
/* The next row; false: there is none. rest begins as the rows. */
bool front_row(slice *rest, slice *row);

struct front;
/* On `thread`, which is the caller's. */
bool front_new(struct front **out, struct os_thread *thread,
	       struct err *err) MUST_USE;
/* After front_close, with the thread at its end. */
void front_free(struct front **front);
/* The channel to a new admin; taken over. */
void front_attach(struct front *f, int fd);
/* Any thread. */
void front_ask(struct front *f, struct front_call *call);
/* Ends what has fallen silent; ns when to look again. */
int64_t front_turn(struct front *f, int64_t now_ns);
/* Ends all calls, and all that come yet, as FRONT_DOWN. */
void front_close(struct front *f);
