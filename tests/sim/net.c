/* The virtual network: wires and the world's ends; see net.h. */
#include "sim/net.h"

#include <errno.h>
#include <stdlib.h>

#include "sim/net_private.h"

/* One world at a time, as `sim`. */
struct net *net;

static void arrive(struct sim_event *event);

void net_begin(const struct net_faults *faults)
{
	net = calloc(1, sizeof(*net));
	invariant(net != NULL);
	net->draw.state = sim->seed * 5 + 3;
	net->faults = *faults;
	list_init(&net->ends);
	list_init(&net->packets);
	for (int i = 0; i < LISTENERS_MAX; i++)
		net->listeners[i].fd = -1;
	net->next_port = 20000;
	sockets_begin();
}

void net_set_faults(const struct net_faults *faults)
{
	net->faults = *faults;
}

static void free_end(struct net_end *e)
{
	list_remove(&e->node);
	if (e->peer != NULL)
		e->peer->peer = NULL;
	free(e->in);
	free(e);
}

static void free_packet(struct packet *p)
{
	sim_cancel(&p->event);
	list_remove(&p->node);
	free(p);
}

void net_end_world(void)
{
	list_each(&net->packets, node, after)
		free_packet(CONTAINER_OF(node, struct packet, node));
	list_each(&net->ends, node, after)
		free_end(CONTAINER_OF(node, struct net_end, node));
	free(net);
	net = NULL;
}

/* --- packets -------------------------------------------------------------- */

static struct net_end *end_new(const struct ip_port *local,
			       const struct ip_port *remote)
{
	struct net_end *e = calloc(1, sizeof(*e));
	invariant(e != NULL);
	e->local = *local;
	e->remote = *remote;
	e->fd = -1;
	list_init(&e->ready);
	list_init(&e->node);
	list_append(&net->ends, &e->node);
	return e;
}

/* Ends that nobody knows any more; never from inside tell_sockets. */
static void sweep(struct net_end *e)
{
	if (e->gone && e->packets == 0 && !sim->inside)
		free_end(e);
}

static int64_t draw_delay(void)
{
	/* Mostly quick, at times slow. */
	int64_t max = net->faults.delay_max_ns;
	if (sim_chance(&net->draw, 80))
		max /= 16;
	return 20000 + (int64_t)sim_below(&net->draw, (uint64_t)max + 1);
}

static void send_packet_at(struct net_end *from, struct net_end *to,
			   enum packet_kind kind, slice bytes, int64_t at_ns)
{
	struct packet *p = calloc(1, sizeof(*p) + bytes.n);
	invariant(p != NULL);
	sim_event_init(&p->event, arrive);
	list_init(&p->node);
	list_append(&net->packets, &p->node);
	p->kind = kind;
	p->to = to;
	p->n = bytes.n;
	if (bytes.n > 0)
		memcpy(p->bytes, bytes.p, bytes.n);
	to->packets++;
	to->flying += bytes.n;
	if (from != NULL && at_ns <= from->last_ns)
		at_ns = from->last_ns + 1;
	if (from != NULL)
		from->last_ns = at_ns;
	sim_at(&p->event, at_ns);
}

static void send_packet(struct net_end *from, struct net_end *to,
			enum packet_kind kind, slice bytes)
{
	send_packet_at(from, to, kind, bytes, sim->now_ns + draw_delay());
}

void net_send_bytes(struct net_end *from, slice bytes)
{
	from->said += bytes.n;
	if (from->peer == NULL)
		return;
	if (bytes.n > 1 && sim_chance(&net->draw, net->faults.split)) {
		size_t n = 1 + sim_below(&net->draw, bytes.n - 1);
		send_packet(from, from->peer, PACKET_BYTES,
			    slice_sub(bytes, 0, n));
		bytes = slice_skip(bytes, n);
	}
	send_packet(from, from->peer, PACKET_BYTES, bytes);
}

static void die(struct net_end *e, int why)
{
	if (e->state == END_DEAD)
		return;
	e->state = END_DEAD;
	e->why = why;
	e->in_n = 0;
	socket_settle(e);
	if (e->fd < 0 && !e->gone && e->user != NULL &&
	    e->user->closed != NULL)
		e->user->closed(e->ctx, true);
}

void net_break(struct net_end *e, int why)
{
	if (e->peer != NULL && e->peer->state != END_DEAD)
		send_packet(e, e->peer, PACKET_RESET, SLICE(""));
	die(e, why);
}

/* To a user: all that is there, or kept while it pauses. */
static void show(struct net_end *e)
{
	if (e->in_n > 0 && !e->paused && e->user != NULL) {
		slice bytes = { e->in, e->in_n };
		e->in = NULL;
		e->read += bytes.n;
		e->in_n = e->in_cap = 0;
		if (e->peer != NULL)
			socket_settle(e->peer);
		e->user->input(e->ctx, bytes);
		free((char *)(uintptr_t)bytes.p);
	}
	if (e->eof && e->in_n == 0 && !e->paused && !e->gone &&
	    e->user != NULL && e->user->closed != NULL) {
		const struct net_user *user = e->user;
		e->eof = false;		/* told once */
		user->closed(e->ctx, false);
	}
}

static void take_bytes(struct net_end *e, const struct packet *p)
{
	e->flying -= p->n;
	if (e->gone) {
		/* Nobody is there: the sender learns it. */
		if (e->peer != NULL && e->peer->state != END_DEAD)
			send_packet(e, e->peer, PACKET_RESET, SLICE(""));
		return;
	}
	if (e->state == END_DEAD)
		return;
	if (e->in_n + p->n > e->in_cap) {
		e->in_cap = (e->in_n + p->n) * 2;
		e->in = realloc(e->in, e->in_cap);
		invariant(e->in != NULL);
	}
	memcpy(e->in + e->in_n, p->bytes, p->n);
	e->in_n += p->n;
	socket_settle(e);
	if (e->fd < 0)
		show(e);
}

static void answer_call(struct net_end *caller, const struct ip_port *at);

static void arrive(struct sim_event *event)
{
	struct packet *p = CONTAINER_OF(event, struct packet, event);
	struct net_end *e = p->to;	/* stays: p is on its way to it */
	sim_note("packet", p->kind, p->n);
	switch (p->kind) {
	case PACKET_BYTES:
		take_bytes(e, p);
		if (net->faults.resets > 0 && e->peer != NULL &&
		    sim_below(&net->draw, 100000) < net->faults.resets) {
			struct net_end *peer = e->peer;
			die(e, ECONNRESET);
			die(peer, ECONNRESET);
		}
		break;
	case PACKET_FIN:
		if (e->state != END_DEAD && !e->gone) {
			e->eof = true;
			socket_settle(e);
			if (e->fd < 0)
				show(e);
		}
		break;
	case PACKET_RESET:
		die(e, ECONNRESET);
		break;
	case PACKET_REFUSED:
		die(e, ECONNREFUSED);
		break;
	case PACKET_OPENED:
		if (e->state != END_CALLING)
			break;
		e->state = END_OPEN;
		socket_settle(e);
		if (e->fd < 0 && !e->gone && e->user->opened != NULL)
			e->user->opened(e->ctx);
		break;
	case PACKET_CALL:
		answer_call(e, &p->at);
		break;
	}
	free_packet(p);
	e->packets--;
	sweep(e);
}

/* --- calling -------------------------------------------------------------- */

void net_send_fin(struct net_end *from)
{
	if (from->peer != NULL)
		send_packet(from, from->peer, PACKET_FIN, SLICE(""));
}

static bool same_place(const struct ip_port *a, const struct ip_port *b)
{
	return a->port == b->port && ip_addr_eq(&a->addr, &b->addr);
}

static struct net_end *make_peer(struct net_end *caller)
{
	struct net_end *e = end_new(&caller->remote, &caller->local);
	e->state = END_OPEN;
	e->peer = caller;
	caller->peer = e;
	return e;
}

/* One of the program's listening sockets at that address, by chance. */
static struct listening *listener_at(const struct ip_port *at)
{
	struct listening *found[LISTENERS_MAX];
	unsigned n = 0;
	for (int i = 0; i < LISTENERS_MAX; i++) {
		struct listening *l = &net->listeners[i];
		if (l->fd >= 0 && same_place(&l->at, at))
			found[n++] = l;
	}
	return n > 0 ? found[sim_below(&net->draw, n)] : NULL;
}

static void answer_call(struct net_end *caller, const struct ip_port *at)
{
	if (caller->gone || caller->state != END_CALLING)
		return;
	struct net_server *s = net->servers;
	while (s != NULL && !same_place(&s->at, at))
		s = s->next;
	struct listening *l = s ? NULL : listener_at(at);
	if (s != NULL && s->answer == NET_SILENT)
		return;
	bool full = l != NULL && l->waiting == ARRAY_LEN(l->backlog);
	if ((s == NULL && l == NULL) || full ||
	    (s != NULL && s->answer == NET_REFUSES)) {
		send_packet(NULL, caller, PACKET_REFUSED, SLICE(""));
		return;
	}
	struct net_end *e = make_peer(caller);
	send_packet(e, caller, PACKET_OPENED, SLICE(""));
	if (l != NULL) {
		e->fd = 0;		/* until it is accepted */
		l->backlog[l->waiting++] = e;
		listener_settle(l);
	} else {
		s->called(s->ctx, e);
	}
}

struct net_end *net_begin_call(const struct ip_addr *from,
			       const struct ip_port *to)
{
	struct ip_port local = { *from, net->next_port++ };
	struct net_end *e = end_new(&local, to);
	struct packet *p = calloc(1, sizeof(*p));
	invariant(p != NULL);
	sim_event_init(&p->event, arrive);
	list_init(&p->node);
	list_append(&net->packets, &p->node);
	p->kind = PACKET_CALL;
	p->to = e;
	p->at = *to;
	e->packets++;
	sim_after(&p->event, draw_delay());
	return e;
}

void net_serve(struct net_server *s)
{
	s->next = net->servers;
	net->servers = s;
}

struct net_end *net_call(const struct ip_port *from, const struct ip_port *to,
			 const struct net_user *user, void *ctx)
{
	struct net_end *e = net_begin_call(&from->addr, to);
	net_set_user(e, user, ctx);
	return e;
}

void net_set_user(struct net_end *e, const struct net_user *user, void *ctx)
{
	e->user = user;
	e->ctx = ctx;
}

/* --- the world's ends ----------------------------------------------------- */

void net_say(struct net_end *e, slice bytes)
{
	invariant(e->fd < 0 && !e->gone);
	if (e->state != END_DEAD && bytes.n > 0)
		net_send_bytes(e, bytes);
}

uint64_t net_said(const struct net_end *e)
{
	return e->said;
}

uint64_t net_heard(const struct net_end *e)
{
	return e->heard;
}

bool net_is_orphan(const struct net_end *e)
{
	return e->peer == NULL || e->peer->gone;
}

void net_pause(struct net_end *e)
{
	e->paused = true;
}

void net_resume(struct net_end *e)
{
	e->paused = false;
	e->packets++;			/* stays while it is shown */
	show(e);
	e->packets--;
	sweep(e);
}

void net_let_go(struct net_end *e, bool reset)
{
	struct net_end *peer = e->peer;
	bool unread = e->in_n > 0;
	if (e->state == END_OPEN && peer != NULL && peer->state != END_DEAD) {
		if (reset || unread)
			send_packet(e, peer, PACKET_RESET, SLICE(""));
		else if (!e->shut)
			send_packet(e, peer, PACKET_FIN, SLICE(""));
	}
	e->gone = true;
	e->shut = true;
	e->user = NULL;
	sim_note("close", e->fd >= 0, reset);
	sweep(e);
}

void net_close(struct net_end **end)
{
	struct net_end *e = *end;
	*end = NULL;
	if (e != NULL)
		net_let_go(e, false);
}

void net_abort(struct net_end **end)
{
	struct net_end *e = *end;
	*end = NULL;
	if (e != NULL)
		net_let_go(e, true);
}

unsigned net_sockets(void)
{
	unsigned n = 0;
	for (int i = 0; i < SOCKETS_MAX; i++)
		n += net->sockets[i] != NULL;
	return n;
}

/* --- the end of a process ------------------------------------------------- */

static void forget_backlog(struct listening *l)
{
	for (unsigned i = 0; i < l->waiting; i++) {
		l->backlog[i]->fd = -1;
		net_let_go(l->backlog[i], true);
	}
	l->waiting = 0;
}

static void drop_socket(struct net_end *e, bool power_cut)
{
	list_remove(&e->ready);
	e->watch = NULL;
	net->sockets[e->fd - FIRST_SOCKET] = NULL;
	e->fd = -1;
	if (!power_cut || e->peer == NULL || e->state != END_OPEN) {
		net_let_go(e, false);
		return;
	}
	int64_t late = (int64_t)sim_below(&net->draw, NEWS_OF_DEATH_MS) * MS_NS;
	send_packet_at(e, e->peer, PACKET_RESET, SLICE(""),
		       sim->now_ns + late);
	e->gone = e->shut = true;
	sweep(e);
}

void net_process_died(bool power_cut)
{
	invariant(!sim->inside);
	for (int i = 0; i < SOCKETS_MAX; i++)
		if (net->sockets[i] != NULL)
			drop_socket(net->sockets[i], power_cut);
	for (int i = 0; i < LISTENERS_MAX; i++) {
		net->listeners[i].watch = NULL;
		if (net->listeners[i].fd >= 0)
			list_remove(&net->listeners[i].ready);
	}
	if (power_cut)
		net_close_listeners();
	/* Closed by the program while it ran. */
	list_each(&net->ends, node, after)
		sweep(CONTAINER_OF(node, struct net_end, node));
}

void net_close_listeners(void)
{
	for (int i = 0; i < LISTENERS_MAX; i++) {
		if (net->listeners[i].fd < 0)
			continue;
		forget_backlog(&net->listeners[i]);
		net->listeners[i].fd = -1;
	}
}
