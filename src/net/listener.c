/*
 * Accepting; see listener.h. Without descriptors each connection is taken
 * with the thread's reserve, told and closed; when even that fails, the
 * listener rests a moment instead of being told about it all the time.
 */
#include "net/listener.h"

#include <stdlib.h>

#include "net/net_private.h"

enum {
	ACCEPTS_MAX = 64,	/* a turn: sessions get theirs as well */
	REST_MS = 100,
};

struct listener {
	struct loop *loop;
	int fd;
	struct os_watch watch;
	struct timer rest;
	listener_accepted *accepted;
	void *ctx;
	slice farewell;
	uint64_t refused;
	bool paused;
	bool accepting;		/* inside accept_all */
	bool freed;		/* there */
};

static bool is_resting(const struct listener *l)
{
	return l->rest.due_ms != 0;
}

static void set_interest(struct listener *l)
{
	os_watch_change(loop_thread(l->loop), &l->watch,
			l->paused || is_resting(l) ? 0 : OS_READABLE);
}

static void rested(struct timer *timer)
{
	set_interest(CONTAINER_OF(timer, struct listener, rest));
}

/* Whether to go on. */
static bool refuse_one(struct listener *l, const struct err *err)
{
	if (err->kind == ERR_LIMIT &&
	    os_accept_and_drop(l->fd, l->farewell)) {
		l->refused++;
		return true;
	}
	loop_timer_set(l->loop, &l->rest, REST_MS);
	set_interest(l);
	return false;
}

static void accept_all(struct listener *l)
{
	for (int i = 0; i < ACCEPTS_MAX && !l->freed && !l->paused; i++) {
		struct ip_port peer, local;
		struct err err;
		int fd;
		switch (os_accept(l->fd, &fd, &peer, &local, &err)) {
		case OS_NET_DONE:
			l->accepted(l->ctx, fd, &peer, &local);
			break;
		case OS_NET_FAILED:
			if (!refuse_one(l, &err))
				return;
			break;
		case OS_NET_AGAIN:
		case OS_NET_EOF:
			return;
		}
	}
}

static void ready(struct os_watch *watch, unsigned events)
{
	struct listener *l = CONTAINER_OF(watch, struct listener, watch);
	(void)events;
	invariant(!l->accepting && !l->freed);
	l->accepting = true;
	accept_all(l);
	l->accepting = false;
	if (l->freed)
		free(l);
}

bool listener_new(struct listener **out, struct loop *loop, int fd,
		  listener_accepted *accepted, void *ctx, struct err *err)
{
	struct listener *l = calloc(1, sizeof(*l));
	*out = NULL;
	if (l == NULL)
		return err_set_memory(err, "listener_new");
	l->loop = loop;
	l->fd = fd;
	l->accepted = accepted;
	l->ctx = ctx;
	timer_init(&l->rest, rested);
	if (!os_watch_add(loop_thread(loop), &l->watch, fd, OS_READABLE, ready,
			  err)) {
		free(l);
		return false;
	}
	*out = l;
	return true;
}

void listener_free(struct listener **lp)
{
	struct listener *l = *lp;
	*lp = NULL;
	if (l == NULL)
		return;
	os_watch_remove(loop_thread(l->loop), &l->watch);
	loop_timer_cancel(l->loop, &l->rest);
	l->freed = true;
	if (!l->accepting)
		free(l);
}

void listener_farewell(struct listener *l, slice words)
{
	l->farewell = words;
}

uint64_t listener_refused(const struct listener *l)
{
	return l->refused;
}

void listener_pause(struct listener *l)
{
	l->paused = true;
	set_interest(l);
}

void listener_resume(struct listener *l)
{
	l->paused = false;
	set_interest(l);
}
