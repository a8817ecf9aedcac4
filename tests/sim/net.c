/* The virtual network; see net.h and src/os/net.h. */
#include "sim/net.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "os/net.h"
#include "sim/sim.h"

enum { SOCKETS_MAX = 2048, FIRST_SOCKET = 100000, LISTENERS_MAX = 64,
       WINDOW = 32768, NEWS_OF_DEATH_MS = 5000, MS_NS = 1000000 };

enum end_state {
	END_CALLING,		/* the answer is not here yet */
	END_OPEN,
	END_DEAD,		/* reset or refused */
};

/* One end of a connection. It lives as long as somebody holds it (a socket
 * or a user) or a packet is on its way to it. */
struct net_end {
	struct list node;		/* all ends */
	struct net_end *peer;		/* NULL: nobody is there any more */
	struct ip_port local, remote;
	enum end_state state;
	unsigned packets;		/* on their way here */
	size_t flying;			/* bytes in them */
	char *in;			/* arrived, not read */
	size_t in_n, in_cap;
	bool eof;			/* behind `in` */
	bool shut;			/* we have closed our side */
	bool gone;			/* nobody holds it */
	int why;			/* errno of a dead one */
	int64_t last_ns;		/* the last packet sent arrives then */
	uint64_t said, read, heard;	/* bytes; heard: read by the peer */
	/* a socket of the program */
	int fd;				/* -1: the world's */
	struct os_thread *thread;
	struct os_watch *watch;
	struct list ready;		/* in its thread's list */
	bool accepted;			/* or still in the backlog */
	/* the world's */
	const struct net_user *user;
	void *ctx;
	bool paused;
};

enum packet_kind { PACKET_BYTES, PACKET_FIN, PACKET_RESET, PACKET_OPENED,
		   PACKET_REFUSED, PACKET_CALL };
struct packet {
	struct sim_event event;
	struct list node;
	enum packet_kind kind;
	struct net_end *to;
	struct ip_port at;		/* CALL: who is meant */
	size_t n;
	char bytes[];
};

struct listening {
	int fd;				/* -1: free */
	struct ip_port at;
	struct os_thread *thread;
	struct os_watch *watch;
	struct list ready;
	struct net_end *backlog[256];
	unsigned waiting;
};

struct net {
	struct sim_random draw;
	struct net_faults faults;
	struct list ends, packets;
	struct net_end *sockets[SOCKETS_MAX];
	struct listening listeners[LISTENERS_MAX];
	struct net_server *servers;
	int next_socket;
	uint16_t next_port;
};

/* One world at a time, as `sim`. */
static struct net *net;

static void tell_sockets(struct list *ready);
static void forget_sockets(const struct os_thread *t);
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
	sim->tell_sockets = tell_sockets;
	sim->forget_sockets = forget_sockets;
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

/* --- readiness ----------------------------------------------------------------- */

static size_t room_of(const struct net_end *e)
{
	size_t used = e->peer ? e->peer->in_n + e->peer->flying : 0;
	return used < WINDOW ? WINDOW - used : 0;
}

static unsigned events_of(const struct net_end *e)
{
	unsigned events = 0;
	if (e->state == END_CALLING)
		return 0;
	if (e->state == END_DEAD || (e->eof && e->shut))
		return OS_READABLE | OS_WRITABLE;
	if (e->in_n > 0 || e->eof)
		events |= OS_READABLE;
	if (!e->shut && room_of(e) > 0)
		events |= OS_WRITABLE;
	return events;
}

/* A hang-up is told with any interest. */
static unsigned told(const struct net_end *e)
{
	unsigned events = events_of(e), interest = e->watch->interest;
	if (interest == 0)
		return 0;
	if (e->state == END_DEAD || (e->eof && e->shut))
		return events;
	return events & interest;
}

static void settle(struct net_end *e)
{
	if (e->fd < 0 || e->watch == NULL)
		return;
	if (told(e) == 0)
		list_remove(&e->ready);
	else if (list_empty(&e->ready))
		list_append(sim_ready_sockets(e->thread), &e->ready);
}

static void settle_listener(struct listening *l)
{
	if (l->watch == NULL)
		return;
	if (l->waiting == 0 || !(l->watch->interest & OS_READABLE))
		list_remove(&l->ready);
	else if (list_empty(&l->ready))
		list_append(sim_ready_sockets(l->thread), &l->ready);
}

static bool is_listener(const struct list *node)
{
	const char *p = (const char *)node;
	return p >= (const char *)net->listeners &&
	       p < (const char *)(net->listeners + LISTENERS_MAX);
}

/* Those that are ready now, each once, beginning anywhere. */
static void tell_sockets(struct list *ready)
{
	struct list *nodes[256];
	unsigned n = 0;
	list_each(ready, node, after)
		if (n < ARRAY_LEN(nodes))
			nodes[n++] = node;
	unsigned first = (unsigned)sim_below(&net->draw, n);
	/* Whoever is removed meanwhile is in no list any more; memory of ends
	 * stays until they are swept. */
	for (unsigned i = 0; i < n; i++) {
		struct list *node = nodes[(first + i) % n];
		if (list_empty(node))
			continue;
		if (is_listener(node)) {
			struct listening *l = CONTAINER_OF(
				node, struct listening, ready);
			l->watch->ready(l->watch, OS_READABLE);
			continue;
		}
		struct net_end *e = CONTAINER_OF(node, struct net_end, ready);
		unsigned events = told(e);
		if (events != 0)
			e->watch->ready(e->watch, events);
	}
}

/* A poller goes with its thread; sockets may stay. */
static void forget_sockets(const struct os_thread *t)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		struct net_end *e = net->sockets[i];
		if (e == NULL || e->thread != t)
			continue;
		list_remove(&e->ready);
		e->watch = NULL;
	}
}

/* --- packets ------------------------------------------------------------------- */

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

static void send_bytes(struct net_end *from, slice bytes)
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
	settle(e);
	if (e->fd < 0 && !e->gone && e->user != NULL &&
	    e->user->closed != NULL)
		e->user->closed(e->ctx, true);
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
			settle(e->peer);
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
	settle(e);
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
			settle(e);
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
		settle(e);
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

/* --- calling ------------------------------------------------------------------- */

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
		settle_listener(l);
	} else {
		s->called(s->ctx, e);
	}
}

static struct net_end *begin_call(const struct ip_addr *from,
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
	struct net_end *e = begin_call(&from->addr, to);
	net_set_user(e, user, ctx);
	return e;
}

void net_set_user(struct net_end *e, const struct net_user *user, void *ctx)
{
	e->user = user;
	e->ctx = ctx;
}

/* --- the world's ends ----------------------------------------------------------- */

void net_say(struct net_end *e, slice bytes)
{
	invariant(e->fd < 0 && !e->gone);
	if (e->state != END_DEAD && bytes.n > 0)
		send_bytes(e, bytes);
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

/* The last of it is said; the other side may read on. */
static void let_go(struct net_end *e, bool reset)
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
		let_go(e, false);
}

void net_abort(struct net_end **end)
{
	struct net_end *e = *end;
	*end = NULL;
	if (e != NULL)
		let_go(e, true);
}

/* --- the end of a process -------------------------------------------------------- */

static void forget_backlog(struct listening *l)
{
	for (unsigned i = 0; i < l->waiting; i++) {
		l->backlog[i]->fd = -1;
		let_go(l->backlog[i], true);
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
		let_go(e, false);
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

/* --- src/os/net.h ---------------------------------------------------------------- */

static bool net_err(struct err *err, int os_error, const char *where)
{
	err_set_os(err, os_error, where, where);
	if (err != NULL && (os_error == ECONNREFUSED ||
			    os_error == ECONNRESET || os_error == EPIPE))
		err->scope = SCOPE_HOST;
	return false;
}

static struct net_end *socket_of(int fd)
{
	invariant(fd >= FIRST_SOCKET && fd < FIRST_SOCKET + SOCKETS_MAX);
	struct net_end *e = net->sockets[fd - FIRST_SOCKET];
	invariant(e != NULL && e->fd == fd);
	return e;
}

static struct listening *listener_of(int fd)
{
	int i = fd - FIRST_SOCKET - SOCKETS_MAX;
	if (i < 0 || i >= LISTENERS_MAX || net->listeners[i].fd != fd)
		return NULL;
	return &net->listeners[i];
}

static int socket_new(struct net_end *e)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		int at = (net->next_socket + i) % SOCKETS_MAX;
		if (net->sockets[at] != NULL)
			continue;
		net->sockets[at] = e;
		net->next_socket = at + 1;
		e->fd = FIRST_SOCKET + at;
		return e->fd;
	}
	unreachable_state("too many sockets");
}

bool os_listen(const struct ip_port *at, bool reuse_port, int *out,
	       struct err *err)
{
	(void)reuse_port;
	for (int i = 0; i < LISTENERS_MAX; i++) {
		struct listening *l = &net->listeners[i];
		if (l->fd >= 0)
			continue;
		*l = (struct listening){ .at = *at };
		list_init(&l->ready);
		*out = l->fd = FIRST_SOCKET + SOCKETS_MAX + i;
		return true;
	}
	return net_err(err, EMFILE, "os_listen");
}

enum os_net_result os_accept(int fd, int *out, struct ip_port *peer,
			     struct ip_port *local, struct err *err)
{
	struct listening *l = listener_of(fd);
	(void)err;
	sim_call();
	invariant(l != NULL);
	if (l->waiting == 0)
		return OS_NET_AGAIN;
	struct net_end *e = l->backlog[0];
	for (unsigned i = 1; i < l->waiting; i++)
		l->backlog[i - 1] = l->backlog[i];
	l->waiting--;
	settle_listener(l);
	e->accepted = true;
	*out = socket_new(e);
	*peer = e->remote;
	*local = e->local;
	return OS_NET_DONE;
}

bool os_accept_and_drop(int listener, slice farewell)
{
	(void)listener;
	(void)farewell;
	return false;
}

bool os_local(int fd, struct ip_port *out, struct err *err)
{
	const struct listening *l = listener_of(fd);
	(void)err;
	*out = l ? l->at : socket_of(fd)->local;
	return true;
}

bool os_connect(const struct ip_port *to, const struct ip_addr *from,
		int *out, struct err *err)
{
	static const struct ip_addr ours = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					       0xff, 0xff, 10, 0, 0, 1 } };
	sim_call();
	*out = -1;
	if (sim_chance(&net->draw, net->faults.refuse_local))
		return net_err(err, ENETUNREACH, "os_connect");
	*out = socket_new(begin_call(from ? from : &ours, to));
	return true;
}

bool os_connected(int fd, struct ip_port *local, struct err *err)
{
	const struct net_end *e = socket_of(fd);
	if (e->state == END_DEAD)
		return net_err(err, e->why, "os_connected");
	invariant(e->state == END_OPEN);
	*local = e->local;
	return true;
}

enum os_net_result os_recv(int fd, void *to, size_t cap, size_t *n,
			   struct err *err)
{
	struct net_end *e = socket_of(fd);
	sim_call();
	*n = 0;
	if (e->state == END_DEAD) {
		net_err(err, e->why, "os_recv");
		return OS_NET_FAILED;
	}
	if (e->in_n == 0)
		return e->eof ? OS_NET_EOF : OS_NET_AGAIN;
	*n = e->in_n < cap ? e->in_n : cap;
	if (*n > 1 && sim_chance(&net->draw, net->faults.cut_sends))
		*n = 1 + sim_below(&net->draw, *n);
	memcpy(to, e->in, *n);
	memmove(e->in, e->in + *n, e->in_n - *n);
	e->in_n -= *n;
	e->read += *n;
	if (e->peer != NULL)
		e->peer->heard = e->read;
	settle(e);
	return OS_NET_DONE;
}

enum os_net_result os_send(int fd, const struct iovec *iov, int count,
			   size_t *n, struct err *err)
{
	struct net_end *e = socket_of(fd);
	sim_call();
	*n = 0;
	if (e->state == END_DEAD || e->shut) {
		net_err(err, e->state == END_DEAD ? e->why : EPIPE, "os_send");
		return OS_NET_FAILED;
	}
	size_t room = room_of(e);
	if (room == 0)
		return OS_NET_AGAIN;
	if (sim_chance(&net->draw, net->faults.cut_sends))
		room = 1 + sim_below(&net->draw, room);
	for (int i = 0; i < count && room > 0; i++) {
		size_t some = iov[i].iov_len < room ? iov[i].iov_len : room;
		if (some > 0)
			send_bytes(e, (slice){ iov[i].iov_base, some });
		room -= some;
		*n += some;
	}
	settle(e);
	sim_call();
	return OS_NET_DONE;
}

void os_shutdown_output(int fd)
{
	struct net_end *e = socket_of(fd);
	if (e->shut || e->state != END_OPEN)
		return;
	e->shut = true;
	if (e->peer != NULL)
		send_packet(e, e->peer, PACKET_FIN, SLICE(""));
	settle(e);
}

static void close_socket(int *fd, bool reset)
{
	if (*fd < 0)
		return;
	struct net_end *e = socket_of(*fd);
	/* Its poller may be gone with its thread. */
	list_remove(&e->ready);
	e->watch = NULL;
	net->sockets[*fd - FIRST_SOCKET] = NULL;
	e->fd = -1;
	*fd = -1;
	let_go(e, reset);
}

void os_socket_abort(int *fd)
{
	close_socket(fd, true);
}

void os_socket_close(int *fd)
{
	close_socket(fd, false);
}

/* --- watches --------------------------------------------------------------------- */

bool os_watch_add(struct os_thread *t, struct os_watch *w, int fd,
		  unsigned interest, void (*ready)(struct os_watch *, unsigned),
		  struct err *err)
{
	struct listening *l = listener_of(fd);
	(void)err;
	*w = (struct os_watch){ .fd = fd, .interest = interest,
				.ready = ready };
	if (l != NULL) {
		l->watch = w;
		l->thread = t;
		settle_listener(l);
		return true;
	}
	struct net_end *e = socket_of(fd);
	invariant(e->watch == NULL);
	e->watch = w;
	e->thread = t;
	settle(e);
	return true;
}

void os_watch_change(struct os_thread *t, struct os_watch *w,
		     unsigned interest)
{
	struct listening *l = listener_of(w->fd);
	(void)t;
	w->interest = interest;
	if (l != NULL)
		settle_listener(l);
	else
		settle(socket_of(w->fd));
}

void os_watch_remove(struct os_thread *t, struct os_watch *w)
{
	(void)t;
	if (w->fd < 0)
		return;
	struct listening *l = listener_of(w->fd);
	if (l != NULL) {
		list_remove(&l->ready);
		l->watch = NULL;
	} else {
		struct net_end *e = socket_of(w->fd);
		list_remove(&e->ready);
		e->watch = NULL;
	}
	w->fd = -1;
	w->interest = 0;
}
