/*
 * Server-sent events: each page that is open hears once when something new
 * can be looked at. The console asks admin once a second for all (the call
 * `changes`), each time with the session of the next listener in turn: so a
 * session that is over is found, and its stream ends. A stream gets what has
 * changed, a comment when nothing did for EVENTS_BEAT_MS, and ends after
 * EVENTS_LIFE_MS: the page then asks again.
 *
 * Streams belong to libmicrohttpd's thread, all else to the front's; a mutex
 * stands between.
 */
#pragma once

#include "console/front.h"

enum {
	EVENTS_ALL_MAX = 1000,
	EVENTS_SESSION_MAX = 10,
	EVENTS_PENDING_MAX = 16384,	/* bytes that wait for a slow reader */
	EVENTS_ASK_MS = 1000,
	EVENTS_BEAT_MS = 8000,
	EVENTS_LIFE_MS = 600000,
	EVENTS_TOKEN_MAX = 256,
};

struct events;
struct event_stream;

bool events_new(struct events **out, struct front *front,
		struct err *err) MUST_USE;
/* After all streams are gone and no call is under way. */
void events_free(struct events **e);

/* A stream for this session, whose call of `changes` gave first_row. wake:
 * called when there is something for a reader that was told to wait. NULL:
 * too many, or no memory. */
struct event_stream *events_open(struct events *e, slice session,
				 slice first_row, void (*wake)(void *ctx),
				 void *ctx);
/* Copies what waits; 0: wait, `wake` will come (sleep was called under the
 * lock); -1: the stream ends. */
ptrdiff_t events_read(struct event_stream *s, char *to, size_t cap,
		      void (*sleep)(void *ctx));
void events_close(struct event_stream **s);

/* On the front's thread: asks when it is time; ns when to come again. */
int64_t events_turn(struct events *e, int64_t now_ns);
/* Ends all streams, and those that come yet. */
void events_stop(struct events *e);
