/* Server-sent events; see events.h. */
#include "console/events.h"

#include <stdlib.h>

#include "base/list.h"
#include "console/http.h"
#include "os/clock.h"

enum { EVENTS_FRESH_MS = 3000 };

struct event_stream {
	struct events *events;
	struct list node;		/* of the events' streams */
	char session[EVENTS_TOKEN_MAX];
	size_t session_n;
	struct buf pending;
	bool waits;			/* the reader sleeps until `wake` */
	bool over;
	int64_t begun_ns;
	int64_t told_ns;		/* when something went out last */
	void (*wake)(void *ctx);
	void *ctx;
};

struct events {
	struct front *front;
	struct os_mutex *lock;		/* all below but `call`, `args` */
	struct list streams;		/* the last is the next to ask for */
	unsigned count;
	bool stopped;
	struct buf last;		/* the row told last */

	struct front_call call;
	struct buf args;
	char asked_for[EVENTS_TOKEN_MAX];
	size_t asked_for_n;
	bool asking;
	int64_t ask_at_ns;
	int64_t answered_ns;		/* when admin did last */
};

/* --- life ----------------------------------------------------------------- */

bool events_new(struct events **out, struct front *front, struct err *err)
{
	struct events *e = calloc(1, sizeof(*e));
	*out = e;
	if (e == NULL)
		return err_set_memory(err, "events_new");
	e->front = front;
	list_init(&e->streams);
	buf_init(&e->last, EVENTS_PENDING_MAX);
	buf_init(&e->args, 4096);
	front_call_init(&e->call);
	return os_mutex_new(&e->lock, err);
}

void events_free(struct events **events)
{
	struct events *e = *events;
	if (e == NULL)
		return;
	invariant(list_empty(&e->streams) && !e->asking);
	front_call_fini(&e->call);
	buf_fini(&e->args);
	buf_fini(&e->last);
	if (e->lock != NULL)
		os_mutex_free(&e->lock);
	free(e);
	*events = NULL;
}

/* --- streams; under the lock ---------------------------------------------- */

static struct event_stream *stream_of(struct list *node)
{
	return CONTAINER_OF(node, struct event_stream, node);
}

static slice session_of(const struct event_stream *s)
{
	return (slice){ s->session, s->session_n };
}

static void wake(struct event_stream *s)
{
	if (!s->waits)
		return;
	s->waits = false;
	s->wake(s->ctx);
}

/* A reader that is too slow for this is cut off: it comes again. */
static void tell(struct event_stream *s, slice text, int64_t now_ns)
{
	buf_append(&s->pending, text);
	s->over = s->over || s->pending.failed;
	s->told_ns = now_ns;
	wake(s);
}

static void tell_row(struct event_stream *s, slice row, int64_t now_ns)
{
	struct buf text;
	buf_init(&text, EVENTS_PENDING_MAX);
	buf_append(&text, SLICE("event: tick\ndata: "));
	buf_append(&text, row);
	buf_append(&text, SLICE("\n\n"));
	tell(s, buf_slice(&text), now_ns);
	s->over = s->over || text.failed;
	buf_fini(&text);
}

static void end_stream(struct event_stream *s)
{
	s->over = true;
	wake(s);
}

static bool has_room(struct events *e, slice session)
{
	unsigned n = 0;
	list_each(&e->streams, node, after)
		n += slice_eq(session_of(stream_of(node)), session);
	return !e->stopped && http_is_token(session) && e->count < EVENTS_ALL_MAX &&
	       n < EVENTS_SESSION_MAX && session.n <= EVENTS_TOKEN_MAX;
}

struct event_stream *events_open(struct events *e, slice session,
				 slice first_row, void (*wake_reader)(void *),
				 void *ctx)
{
	struct event_stream *s = calloc(1, sizeof(*s));
	int64_t now = os_monotonic_ns();
	if (s == NULL)
		return NULL;
	os_mutex_lock(e->lock);
	bool room = has_room(e, session);
	if (room) {
		s->events = e;
		s->wake = wake_reader;
		s->ctx = ctx;
		s->begun_ns = now;
		memcpy(s->session, session.p, session.n);
		s->session_n = session.n;
		buf_init(&s->pending, EVENTS_PENDING_MAX);
		list_init(&s->node);
		list_prepend(&e->streams, &s->node);
		e->count++;
		/* What it says is true when the page has gone for good. */
		tell(s, SLICE("retry: 2000\n"), now);
		tell_row(s, first_row, now);
	}
	os_mutex_unlock(e->lock);
	if (!room) {
		free(s);
		s = NULL;
	}
	return s;
}

ptrdiff_t events_read(struct event_stream *s, char *to, size_t cap,
		      void (*sleep)(void *ctx))
{
	struct events *e = s->events;
	ptrdiff_t n = 0;
	os_mutex_lock(e->lock);
	if (s->pending.n > 0 && !s->pending.failed) {
		slice some = slice_sub(buf_slice(&s->pending), 0, cap);
		memcpy(to, some.p, some.n);
		n = (ptrdiff_t)some.n;
		buf_consume(&s->pending, some.n);
	} else if (s->over) {
		n = -1;
	} else {
		s->waits = true;
		sleep(s->ctx);
	}
	os_mutex_unlock(e->lock);
	return n;
}

void events_close(struct event_stream **stream)
{
	struct event_stream *s = *stream;
	struct events *e = s->events;
	os_mutex_lock(e->lock);
	list_remove(&s->node);
	e->count--;
	os_mutex_unlock(e->lock);
	buf_fini(&s->pending);
	free(s);
	*stream = NULL;
}

/* --- asking --------------------------------------------------------------- */

static void tell_all(struct events *e, slice row)
{
	int64_t now = os_monotonic_ns();
	if (slice_eq(row, buf_slice(&e->last)))
		return;
	buf_clear(&e->last);
	buf_append(&e->last, row);
	list_each(&e->streams, node, after)
		tell_row(stream_of(node), row, now);
}

static void end_session(struct events *e, slice session)
{
	list_each(&e->streams, node, after) {
		struct event_stream *s = stream_of(node);
		if (slice_eq(session_of(s), session))
			end_stream(s);
	}
}

static void answered(struct front_call *call)
{
	struct events *e = CONTAINER_OF(call, struct events, call);
	slice rows = buf_slice(&call->rows), row;
	os_mutex_lock(e->lock);
	e->asking = false;
	if (call->end == FRONT_ANSWERED && call->code == 0 &&
	    front_row(&rows, &row)) {
		e->answered_ns = os_monotonic_ns();
		tell_all(e, row);
	}
	else if (call->end == FRONT_ANSWERED)
		end_session(e, (slice){ e->asked_for, e->asked_for_n });
	/* Admin is away: streams stay, silent but for their beat. */
	os_mutex_unlock(e->lock);
}

/* The last in the list is asked for, and comes to its front: all in turn. */
static bool next_session(struct events *e)
{
	struct event_stream *s =
		list_last(&e->streams, struct event_stream, node);
	if (s == NULL)
		return false;
	memcpy(e->asked_for, s->session, s->session_n);
	e->asked_for_n = s->session_n;
	list_remove(&s->node);
	list_prepend(&e->streams, &s->node);
	return true;
}

static void ask(struct events *e)
{
	struct buf *args = &e->args;
	buf_clear(args);
	/* A token is of letters and digits (http.c, answer.c). */
	buf_append(args, SLICE("{\"session\":\""));
	buf_append(args, (slice){ e->asked_for, e->asked_for_n });
	buf_append(args, SLICE("\"}"));
	front_call_fini(&e->call);
	front_call_init(&e->call);
	e->call.name = SLICE("changes");
	e->call.args = buf_slice(args);
	e->call.done = answered;
	e->asking = true;
	front_ask(e->front, &e->call);
}

/* A beat says the last news again, while they are true: a page then knows
 * that it is not behind. */
static void beat(struct event_stream *s, int64_t now_ns)
{
	struct events *e = s->events;
	if (e->last.n > 0 && now_ns - e->answered_ns < (int64_t)EVENTS_FRESH_MS * MS)
		tell_row(s, buf_slice(&e->last), now_ns);
	else
		tell(s, SLICE(": admin does not answer\n\n"), now_ns);
}

/* Beats, and streams that have lived long enough. */
static void look_at_streams(struct events *e, int64_t now_ns)
{
	list_each(&e->streams, node, after) {
		struct event_stream *s = stream_of(node);
		if (now_ns - s->begun_ns >= (int64_t)EVENTS_LIFE_MS * MS)
			end_stream(s);
		else if (now_ns - s->told_ns >= (int64_t)EVENTS_BEAT_MS * MS)
			beat(s, now_ns);
	}
}

int64_t events_turn(struct events *e, int64_t now_ns)
{
	if (now_ns < e->ask_at_ns)
		return e->ask_at_ns;
	e->ask_at_ns = now_ns + (int64_t)EVENTS_ASK_MS * MS;
	os_mutex_lock(e->lock);
	bool wanted = !e->asking && !e->stopped && next_session(e);
	look_at_streams(e, now_ns);
	os_mutex_unlock(e->lock);
	if (wanted)
		ask(e);
	return e->ask_at_ns;
}

void events_stop(struct events *e)
{
	os_mutex_lock(e->lock);
	e->stopped = true;
	list_each(&e->streams, node, after)
		end_stream(stream_of(node));
	os_mutex_unlock(e->lock);
}
