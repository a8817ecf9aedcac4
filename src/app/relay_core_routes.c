/* Routes on their way into the shards; see relay_core.h. Each shard takes them
 * on its own thread; connections under way still hold those before. */
#include "app/relay_core_private.h"

#include <stdlib.h>

static void take_routes(struct relay_job *job, struct shard *s)
{
	const struct relay_core *c = s->owner;
	(void)job;
	shard_set_routes(s, c->routes, &c->retry);
}

static void send_routes(struct relay_core *c);

static void routes_taken(struct relay_job *job)
{
	struct relay_core *c = job->shard->owner;
	invariant(c->routes_wait > 0);
	if (--c->routes_wait == 0 && c->routes_next.routes != NULL)
		send_routes(c);
}

static void send_routes(struct relay_core *c)
{
	struct new_routes *next = &c->routes_next;
	/* Connections under way hold the old ones: kept to the end. */
	next->old->routes = c->routes;
	list_init(&next->old->node);
	list_append(&c->old_routes, &next->old->node);
	c->routes = next->routes;
	c->retry = next->retry;
	*next = (struct new_routes){ 0 };
	c->routes_wait = c->shard_count;
	for (uint32_t i = 0; i < c->shard_count; i++) {
		c->route_jobs[i].work = take_routes;
		c->route_jobs[i].done = routes_taken;
		relay_core_run(c, i, &c->route_jobs[i]);
	}
}

bool relay_core_make_routes(struct relay_core *c, const struct route *specs,
			    size_t count, const struct retry_plan *retry,
			    uint32_t concurrency, struct new_routes *out,
			    struct err *err)
{
	*out = (struct new_routes){ .old = calloc(1, sizeof(*out->old)),
				    .retry = *retry };
	if (out->old == NULL)
		return err_set_memory(err, "relay_core");
	if (routes_new(&c->destinations, specs, count, concurrency,
		       &out->routes, err))
		return true;
	new_routes_drop(out);
	return false;
}

void relay_core_take_routes(struct relay_core *c, struct new_routes *n)
{
	invariant(n->routes != NULL && n->old != NULL);
	new_routes_drop(&c->routes_next);
	c->routes_next = *n;
	*n = (struct new_routes){ 0 };
	if (c->routes_wait == 0)
		send_routes(c);
}

void new_routes_drop(struct new_routes *n)
{
	routes_free(&n->routes);
	free(n->old);
	*n = (struct new_routes){ 0 };
}

void relay_core_free_routes(struct relay_core *c)
{
	routes_free(&c->routes);
	new_routes_drop(&c->routes_next);
	list_each(&c->old_routes, node, after) {
		struct old_routes *old =
			CONTAINER_OF(node, struct old_routes, node);
		routes_free(&old->routes);
		free(old);
	}
}
