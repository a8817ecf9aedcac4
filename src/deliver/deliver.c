/*
 * Dispatch: as long as a lane has mail that is due and the destination has
 * room for a connection, begin attempts; reuse idle connections first.
 */
#include "deliver/deliver_private.h"

#include <stdlib.h>

static void dispatch(struct loop_task *task);

bool deliver_new(const struct deliver_config *config, struct deliver **out,
		 struct err *err)
{
	struct deliver *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return err_set_memory(err, "deliver");
	d->config = *config;
	d->config.tls = config->tls ? tls_context_ref(config->tls) : NULL;
	list_init(&d->hops);
	*out = d;
	return true;
}

void deliver_free(struct deliver **deliver)
{
	struct deliver *d = *deliver;
	if (d == NULL)
		return;
	invariant(d->attempts == 0 && list_empty(&d->hops));
	for (size_t i = 0; i < DESTINATIONS_MAX; i++) {
		if (d->lanes[i] == NULL)
			continue;
		loop_task_cancel(&d->lanes[i]->dispatch);
		lane_fini_sharing(d->lanes[i]);
		free(d->lanes[i]);
	}
	tls_context_unref(&d->config.tls);
	free(d);
	*deliver = NULL;
}

static struct deliver_lane *lane_of(struct deliver *d, struct destination *to)
{
	struct deliver_lane *l = d->lanes[to->index];
	if (l != NULL)
		return l;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;	/* the queue pokes again in a minute */
	l->deliver = d;
	l->destination = to;
	loop_task_init(&l->dispatch, dispatch);
	list_init(&l->idle);
	lane_init_sharing(l);
	d->lanes[to->index] = l;
	return l;
}

void lane_dispatch_later(struct deliver_lane *lane)
{
	loop_task_post(lane->deliver->config.loop, &lane->dispatch);
}

void deliver_ready(struct deliver *d, struct destination *destination)
{
	struct deliver_lane *l = lane_of(d, destination);
	if (l != NULL)
		lane_dispatch_later(l);
}

/* One more attempt that needs a connection. False: none is to be had. */
static bool begin_with_hop(struct deliver_lane *l, const struct route *route)
{
	struct hop *h = hop_take_idle(l);
	if (h == NULL) {
		if (!lane_enter(l))
			return false;
		h = hop_open(l, route);
		if (h == NULL) {
			lane_leave(l);
			return false;
		}
	}
	if (attempt_begin(l, h))
		return true;
	hop_idle(h);
	return false;
}

static void dispatch(struct loop_task *task)
{
	struct deliver_lane *l =
		CONTAINER_OF(task, struct deliver_lane, dispatch);
	struct deliver *d = l->deliver;
	enum { ATTEMPTS_A_TURN = 64 };
	for (int i = 0; i < ATTEMPTS_A_TURN; i++) {
		if (d->draining || !queue_has_ready(d->config.queue,
						    l->destination)) {
			lane_wait_over(l);
			return;
		}
		const struct route *route =
			routes_of(d->config.routes, l->destination);
		/* Without a route the attempt itself says so; Maildir needs no
		 * connection. */
		bool plain = route == NULL || route->kind == DELIVER_MAILDIR;
		if (plain && !lane_enter(l))
			return;
		bool begun = plain ? attempt_begin(l, NULL)
				   : begin_with_hop(l, route);
		if (plain && !begun)
			lane_leave(l);
		if (!begun) {
			if (!l->waiting)
				lane_rest(l);
			return;
		}
	}
	lane_dispatch_later(l);
}

/* --- routes and end ------------------------------------------------------- */

void deliver_set_limits(struct deliver *d, const struct limits *limits)
{
	d->config.limits = limits;
}

void deliver_set_routes(struct deliver *d, const struct routes *routes)
{
	d->config.routes = routes;
	for (size_t i = 0; i < DESTINATIONS_MAX; i++) {
		struct hop *h;
		if (d->lanes[i] == NULL)
			continue;
		while ((h = hop_take_idle(d->lanes[i])) != NULL)
			hop_close(h);
	}
}

uint32_t deliver_open_count(const struct deliver *d)
{
	return d->attempts;
}

static void maybe_empty(struct deliver *d)
{
	if (!d->draining || d->attempts > 0 || d->empty == NULL)
		return;
	void (*empty)(void *) = d->empty;
	d->empty = NULL;
	empty(d->empty_ctx);
}

void deliver_attempt_over(struct deliver *d)
{
	invariant(d->attempts > 0);
	d->attempts--;
	maybe_empty(d);
}

void deliver_drain(struct deliver *d, void (*empty)(void *ctx), void *ctx)
{
	d->draining = true;
	d->empty = empty;
	d->empty_ctx = ctx;
	for (size_t i = 0; i < DESTINATIONS_MAX; i++) {
		struct hop *h;
		if (d->lanes[i] == NULL)
			continue;
		while ((h = hop_take_idle(d->lanes[i])) != NULL)
			hop_close(h);
	}
	maybe_empty(d);
}
