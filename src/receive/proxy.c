/*
 * Connections that a proxy hands on (SPEC 1.4): listeners with `proxy:` take
 * connections from those addresses only, and only with a PROXY v2 header in
 * front; everything else is closed without a byte. The session begins when
 * the header has named the client, so budgets, policy, Received and journal
 * see him and never the proxy. (A proxy's own address may be a customer's:
 * falling back to it would be an open relay.)
 *
 *	accepted → (header) → session
 *	accepted → closed	not of the list, no such header, too late
 */
#include "receive/receive_private.h"

#include <stdlib.h>

#include "smtp/proxy_header.h"

enum { WAITING_MAX = 4096 };		/* on one shard */

struct proxied {
	struct receive *receive;
	struct receive_listener *listener;	/* a reference */
	struct list node;		/* in receive.proxied */
	struct conn *conn;
	struct timer timer;
};

static void tell(struct receive *r, const struct ip_addr *proxy,
		 const char *why)
{
	char text[IP_TEXT_MAX];
	struct log_event e;
	counter_add(r->config.counters, COUNTER_sessions_refused_total, 1);
	log_begin(&e, log_about(r, proxy, true, LOG_WARNING), LOG_WARNING,
		  "receive.proxy_refused");
	json_member_cstr(&e.json, "proxy", ip_addr_text(proxy, text));
	json_member_cstr(&e.json, "text", why);
	log_end(&e);
}

static void free_proxied(struct proxied *p)
{
	struct receive *r = p->receive;
	loop_timer_cancel(r->config.loop, &p->timer);
	list_remove(&p->node);
	invariant(r->proxied_count > 0);
	r->proxied_count--;
	conn_free(&p->conn);
	receive_listener_unref(&p->listener);
	free(p);
}

static void refuse(struct proxied *p, const char *why)
{
	tell(p->receive, &conn_peer(p->conn)->addr, why);
	free_proxied(p);
}

static void hand_over(struct proxied *p, const struct proxy_header *header,
		      bool is_client)
{
	struct receive *r = p->receive;
	struct arrival arrival = {
		.fd = -1,
		.conn = p->conn,
		.peer = is_client ? header->client : *conn_peer(p->conn),
		.local = is_client ? header->local : *conn_local(p->conn),
		.by_proxy = true,
		.proxy = conn_peer(p->conn)->addr,
	};
	struct receive_listener *l = receive_listener_ref(p->listener);
	p->conn = NULL;
	free_proxied(p);
	receive_arrived(r, l, &arrival);
	receive_listener_unref(&l);
}

static void on_input(void *ctx, slice *in)
{
	struct proxied *p = ctx;
	struct proxy_header header;
	enum proxy_result result = proxy_header_read(*in, &header);
	switch (result) {
	case PROXY_MORE:
		break;
	case PROXY_BAD:
		refuse(p, "no PROXY v2 header that names a client");
		break;
	case PROXY_LOCAL:
	case PROXY_CLIENT:
		*in = slice_skip(*in, header.length);
		hand_over(p, &header, result == PROXY_CLIENT);
		break;
	}
}

static void on_closed(void *ctx, const struct err *why)
{
	(void)why;
	free_proxied(ctx);
}

static const struct conn_user proxied_user = {
	.input = on_input,
	.closed = on_closed,
};

static void too_late(struct timer *timer)
{
	refuse(CONTAINER_OF(timer, struct proxied, timer),
	       "the PROXY header did not come in time");
}

void proxied_begin(struct receive_listener *l, int fd,
		   const struct ip_port *peer, const struct ip_port *local)
{
	struct receive *r = l->receive;
	struct proxied *p = NULL;
	if (!ranges_hold(&l->rules.proxies, &peer->addr)) {
		tell(r, &peer->addr, "not one of the listener's proxies");
	} else if (r->proxied_count == WAITING_MAX) {
		tell(r, &peer->addr, "too many connections without a header");
	} else {
		p = calloc(1, sizeof(*p));
	}
	if (p == NULL) {
		os_socket_close(&fd);
		return;
	}
	p->receive = r;
	p->conn = conn_accepted(r->config.loop, fd, peer, local,
				&proxied_user, p);
	if (p->conn == NULL) {
		free(p);
		return;
	}
	p->listener = receive_listener_ref(l);
	timer_init(&p->timer, too_late);
	list_init(&p->node);
	list_append(&r->proxied, &p->node);
	r->proxied_count++;
	loop_timer_set(r->config.loop, &p->timer,
		       (int64_t)r->config.limits->greeting_ms);
	conn_resume(p->conn);
}

void proxied_end_all(struct receive *r)
{
	list_each(&r->proxied, node, after)
		free_proxied(CONTAINER_OF(node, struct proxied, node));
	invariant(r->proxied_count == 0);
}
