/*
 * The listeners of a shard. Sessions hold the one they came by, so one that
 * is taken away (a reload) stays in memory until its last session has ended.
 */
#include "receive/receive_private.h"

#include <stdlib.h>

struct receive_listener *receive_listener_ref(struct receive_listener *l)
{
	invariant(l->refs > 0);
	l->refs++;
	return l;
}

void receive_listener_unref(struct receive_listener **lp)
{
	struct receive_listener *l = *lp;
	*lp = NULL;
	if (l == NULL)
		return;
	invariant(l->refs > 0);
	if (--l->refs > 0)
		return;
	invariant(l->listener == NULL);
	free(l->ranges);
	buf_fini(&l->farewell);
	free(l);
}

/* To those for whom no descriptor is left. Under implicit TLS it would not be
 * read. */
static void set_farewell(struct receive_listener *l)
{
	struct reply reply = { .id = REPLY_BUSY };
	if (l->tls == RECEIVE_IMPLICIT_TLS)
		return;
	reply_write(&l->farewell, &reply);
	if (!l->farewell.failed)
		listener_farewell(l->listener, buf_slice(&l->farewell));
}

static void accepted(void *ctx, int fd, const struct ip_port *peer,
		     const struct ip_port *local)
{
	struct receive_listener *l = ctx;
	struct arrival arrival = { .fd = fd, .peer = *peer, .local = *local };
	if (l->rules.proxies.n > 0)
		proxied_begin(l, fd, peer, local);
	else
		receive_arrived(l->receive, l, &arrival);
}

/* Its own copy of the ranges: the rules given are of a configuration that
 * goes. */
static bool copy_rules(struct receive_listener *l,
		       const struct receive_rules *rules)
{
	size_t proxies = rules->proxies.n, all = proxies + rules->xclients.n;
	l->rules = *rules;
	l->rules.proxies.p = l->rules.xclients.p = NULL;
	if (all == 0)
		return true;
	l->ranges = calloc(all, sizeof(*l->ranges));
	if (l->ranges == NULL)
		return false;
	for (size_t i = 0; i < all; i++)
		l->ranges[i] = i < proxies ? rules->proxies.p[i]
					   : rules->xclients.p[i - proxies];
	l->rules.proxies.p = l->ranges;
	l->rules.xclients.p = l->ranges + proxies;
	return true;
}

static struct receive_listener *listener_of(struct receive *r,
					    const struct receive_listening *of)
{
	struct receive_listener *l = calloc(1, sizeof(*l));
	slice name = slice_sub(of->name, 0, sizeof(l->name) - 1);
	if (l == NULL)
		return NULL;
	l->refs = 1;
	l->receive = r;
	l->fd = of->fd;
	l->tls = of->tls;
	memcpy(l->name, name.p, name.n);
	buf_init(&l->farewell, 512);
	if (!copy_rules(l, &of->rules)) {
		free(l);
		return NULL;
	}
	return l;
}

static bool open_listener(struct receive *r,
			  const struct receive_listening *of,
			  struct receive_listener **out, struct err *err)
{
	struct receive_listener *l = listener_of(r, of);
	if (l == NULL)
		return err_set_memory(err, "receive");
	if (!listener_new(&l->listener, r->config.loop, of->fd, accepted, l,
			  err)) {
		receive_listener_unref(&l);
		return false;
	}
	set_farewell(l);
	if (r->draining)
		listener_pause(l->listener);
	*out = l;
	return true;
}

void receive_listener_close(struct receive_listener **l)
{
	listener_free(&(*l)->listener);
	receive_listener_unref(l);
}

bool receive_listen(struct receive *r, int fd, enum receive_tls tls,
		    slice name, const struct receive_rules *rules,
		    struct err *err)
{
	struct receive_listening of = { .fd = fd, .tls = tls, .name = name };
	if (rules != NULL)
		of.rules = *rules;
	if (r->listener_count == RECEIVE_LISTENERS_MAX)
		return err_set(err, ERR_LIMIT, SCOPE_SELF, "receive",
			       "too many listeners");
	if (!open_listener(r, &of, &r->listeners[r->listener_count], err))
		return false;
	r->listener_count++;
	return true;
}

/* --- other listeners ------------------------------------------------------ */

static bool same_ranges(const struct receive_ranges *a,
			const struct receive_ranges *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (!ip_addr_eq(&a->p[i].first, &b->p[i].first) ||
		    a->p[i].bits != b->p[i].bits)
			return false;
	return a->n == b->n;
}

static bool is_same(const struct receive_listener *l,
		    const struct receive_listening *of)
{
	return l->fd == of->fd && l->tls == of->tls &&
	       slice_eq(slice_of(l->name),
			slice_sub(of->name, 0, sizeof(l->name) - 1)) &&
	       same_ranges(&l->rules.proxies, &of->rules.proxies) &&
	       same_ranges(&l->rules.xclients, &of->rules.xclients) &&
	       l->rules.legacy_until_ms == of->rules.legacy_until_ms &&
	       l->rules.legacy_auth == of->rules.legacy_auth;
}

/* Takes the listener that is the same already out of the old list. */
static struct receive_listener *take_same(struct receive *r,
					  const struct receive_listening *of)
{
	for (size_t i = 0; i < r->listener_count; i++) {
		struct receive_listener *l = r->listeners[i];
		if (l != NULL && is_same(l, of)) {
			r->listeners[i] = NULL;
			return l;
		}
	}
	return NULL;
}

bool receive_set_listeners(struct receive *r,
			   const struct receive_listening *rows, size_t count,
			   struct err *err)
{
	struct receive_listener *next[RECEIVE_LISTENERS_MAX] = { NULL };
	size_t kept = 0;
	bool ok = true;
	invariant(count <= RECEIVE_LISTENERS_MAX);
	for (size_t i = 0; i < count; i++)
		next[i] = take_same(r, &rows[i]);
	/* Before others take their place: one socket, one watch. */
	for (size_t i = 0; i < r->listener_count; i++)
		if (r->listeners[i] != NULL)
			receive_listener_close(&r->listeners[i]);
	for (size_t i = 0; i < count; i++) {
		if (next[i] == NULL && !open_listener(r, &rows[i], &next[i],
						      err)) {
			ok = false;
			continue;
		}
		r->listeners[kept++] = next[i];
	}
	r->listener_count = kept;
	return ok;
}
