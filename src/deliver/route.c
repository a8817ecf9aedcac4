/* Routes; see route.h. */
#include "deliver/route.h"

#include "mail/address.h"

#include <stdlib.h>

enum { ROUTES_ARENA_MAX = 8388608 };

static bool covers(const struct route *r, slice domain)
{
	return slice_eq(r->domain, SLICE("*")) ||
	       domain_within(domain, r->domain);
}

static struct destination *route_domain(const struct router *router,
					slice domain)
{
	const struct routes *r =
		CONTAINER_OF((struct router *)(uintptr_t)router,
			     struct routes, router);
	for (size_t i = 0; i < r->count; i++)
		if (covers(&r->all[i], domain))
			return r->all[i].destination;
	return NULL;
}

static const char *const kind_names[] = {
	[DELIVER_SMTP] = "smart_host",
	[DELIVER_LMTP] = "lmtp",
	[DELIVER_MAILDIR] = "maildir",
};

static const char *const tls_names[] = {
	[SMTP_TLS_NEVER] = " tls=never",
	[SMTP_TLS_OPPORTUNISTIC] = "",
	[SMTP_TLS_REQUIRED] = " tls=required",
};

/* Two routes are one destination when they are reached in the same way. */
static void name_of(const struct route *r, char name[DESTINATION_NAME_MAX])
{
	struct buf text;
	buf_init(&text, DESTINATION_NAME_MAX - 1);
	buf_printf(&text, "%s ", kind_names[r->kind]);
	if (r->kind == DELIVER_MAILDIR) {
		buf_append(&text, r->maildir_name);
	} else {
		bool v6 = slice_find(r->host, ':') < r->host.n;
		buf_printf(&text, v6 ? "[%.*s]:%u%s" : "%.*s:%u%s",
			   SLICE_ARG(r->host), r->port, tls_names[r->tls]);
		if (r->user.n > 0)
			buf_printf(&text, " user=%.*s", SLICE_ARG(r->user));
	}
	memcpy(name, text.p, text.n);
	name[text.n] = '\0';
	buf_fini(&text);
}

static bool copy_route(struct routes *r, struct route *to,
		       const struct route *from)
{
	*to = *from;
	return arena_copy(&r->arena, from->domain, &to->domain) &&
	       arena_copy(&r->arena, from->host, &to->host) &&
	       arena_copy(&r->arena, from->user, &to->user) &&
	       arena_copy(&r->arena, from->password, &to->password) &&
	       arena_copy(&r->arena, from->maildir_name, &to->maildir_name);
}

static bool add_route(struct routes *r, struct destinations *all,
		      const struct route *spec, uint32_t concurrency_max,
		      struct err *err)
{
	char name[DESTINATION_NAME_MAX];
	struct route *route = &r->all[r->count];
	if (!copy_route(r, route, spec))
		return err_set_memory(err, "routes");
	name_of(route, name);
	route->destination = destinations_named(all, slice_of(name),
						concurrency_max);
	if (route->destination == NULL)
		return err_set(err, ERR_LIMIT, SCOPE_SELF, "routes",
			       "too many destinations");
	r->by_destination[route->destination->index] = route;
	r->count++;
	return true;
}

bool routes_new(struct destinations *all, const struct route *specs,
		size_t count, uint32_t concurrency_max, struct routes **out,
		struct err *err)
{
	struct routes *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set_memory(err, "routes");
	r->router.route = route_domain;
	arena_init(&r->arena, ROUTES_ARENA_MAX);
	r->all = arena_alloc(&r->arena, (count + 1) * sizeof(struct route));
	bool ok = r->all != NULL;
	if (!ok)
		err_set_memory(err, "routes");
	for (size_t i = 0; i < count && ok; i++)
		ok = add_route(r, all, &specs[i], concurrency_max, err);
	if (!ok)
		routes_free(&r);
	*out = r;
	return ok;
}

void routes_free(struct routes **r)
{
	if (*r == NULL)
		return;
	arena_fini(&(*r)->arena);
	free(*r);
	*r = NULL;
}

const struct route *routes_of(const struct routes *r,
			      const struct destination *d)
{
	return r->by_destination[d->index];
}
