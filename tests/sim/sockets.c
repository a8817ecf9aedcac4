/* Sockets of the program on the virtual network; see src/os/net.h. */
#include "os/net.h"

#include <errno.h>

#include "sim/net_private.h"

/* --- readiness ------------------------------------------------------------ */

size_t net_room(const struct net_end *e)
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
	if (!e->shut && net_room(e) > 0)
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

void socket_settle(struct net_end *e)
{
	if (e->fd < 0 || e->watch == NULL)
		return;
	if (told(e) == 0)
		list_remove(&e->ready);
	else if (list_empty(&e->ready))
		list_append(sim_ready_sockets(e->thread), &e->ready);
}

void listener_settle(struct listening *l)
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

void sockets_begin(void)
{
	sim->tell_sockets = tell_sockets;
	sim->forget_sockets = forget_sockets;
}

/* --- sockets -------------------------------------------------------------- */

static bool net_err(struct err *err, int os_error, const char *where)
{
	err_set_os(err, os_error, where, where);
	if (err == NULL)
		return false;
	switch (os_error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		err->scope = SCOPE_HOST;
		break;
	case EADDRNOTAVAIL:
		err->scope = SCOPE_SOURCE;
		break;
	case EMFILE:
		err->kind = ERR_LIMIT;
		break;
	default:
		break;
	}
	return false;
}

/* The call that is to fail (sim_fail_at); *error is set then. */
static bool fails(const char *where, int usual, int other, int *error)
{
	*error = sim_call_error(&sim->sockets, where, usual, other);
	return *error != 0;
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

static struct net_end *next_waiting(struct listening *l)
{
	struct net_end *e = l->backlog[0];
	for (unsigned i = 1; i < l->waiting; i++)
		l->backlog[i - 1] = l->backlog[i];
	l->waiting--;
	listener_settle(l);
	return e;
}

enum os_net_result os_accept(int fd, int *out, struct ip_port *peer,
			     struct ip_port *local, struct err *err)
{
	struct listening *l = listener_of(fd);
	int error;
	sim_call();
	invariant(l != NULL);
	if (l->waiting == 0)
		return OS_NET_AGAIN;
	if (fails("os_accept", EMFILE, ECONNABORTED, &error)) {
		net_err(err, error, "os_accept");
		if (error == ECONNABORTED)
			net_let_go(next_waiting(l), true);
		return OS_NET_FAILED;
	}
	struct net_end *e = next_waiting(l);
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
	int error;
	sim_call();
	*out = -1;
	if (fails("os_connect", EADDRNOTAVAIL, EMFILE, &error))
		return net_err(err, error, "os_connect");
	if (sim_chance(&net->draw, net->faults.refuse_local))
		return net_err(err, ENETUNREACH, "os_connect");
	*out = socket_new(net_begin_call(from ? from : &ours, to));
	return true;
}

bool os_connected(int fd, struct ip_port *local, struct err *err)
{
	const struct net_end *e = socket_of(fd);
	int error;
	if (e->state == END_DEAD)
		return net_err(err, e->why, "os_connected");
	if (fails("os_connected", ETIMEDOUT, EHOSTUNREACH, &error))
		return net_err(err, error, "os_connected");
	invariant(e->state == END_OPEN);
	*local = e->local;
	return true;
}

enum os_net_result os_recv(int fd, void *to, size_t cap, size_t *n,
			   struct err *err)
{
	struct net_end *e = socket_of(fd);
	int error;
	sim_call();
	*n = 0;
	if (e->state == END_DEAD) {
		net_err(err, e->why, "os_recv");
		return OS_NET_FAILED;
	}
	if (fails("os_recv", ECONNRESET, ETIMEDOUT, &error)) {
		net_break(e, error);
		net_err(err, error, "os_recv");
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
	socket_settle(e);
	return OS_NET_DONE;
}

enum os_net_result os_send(int fd, const struct iovec *iov, int count,
			   size_t *n, struct err *err)
{
	struct net_end *e = socket_of(fd);
	int error;
	sim_call();
	*n = 0;
	if (e->state == END_DEAD || e->shut) {
		net_err(err, e->state == END_DEAD ? e->why : EPIPE, "os_send");
		return OS_NET_FAILED;
	}
	if (fails("os_send", ECONNRESET, ETIMEDOUT, &error)) {
		net_break(e, error);
		net_err(err, error, "os_send");
		return OS_NET_FAILED;
	}
	size_t room = net_room(e);
	if (room == 0)
		return OS_NET_AGAIN;
	if (sim_chance(&net->draw, net->faults.cut_sends))
		room = 1 + sim_below(&net->draw, room);
	for (int i = 0; i < count && room > 0; i++) {
		size_t some = iov[i].iov_len < room ? iov[i].iov_len : room;
		if (some > 0)
			net_send_bytes(e, (slice){ iov[i].iov_base, some });
		room -= some;
		*n += some;
	}
	socket_settle(e);
	sim_call();
	return OS_NET_DONE;
}

void os_shutdown_output(int fd)
{
	struct net_end *e = socket_of(fd);
	if (e->shut || e->state != END_OPEN)
		return;
	e->shut = true;
	net_send_fin(e);
	socket_settle(e);
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
	net_let_go(e, reset);
}

void os_socket_abort(int *fd)
{
	close_socket(fd, true);
}

void os_socket_close(int *fd)
{
	close_socket(fd, false);
}

/* --- watches -------------------------------------------------------------- */

bool os_watch_add(struct os_thread *t, struct os_watch *w, int fd,
		  unsigned interest, void (*ready)(struct os_watch *, unsigned),
		  struct err *err)
{
	struct listening *l = listener_of(fd);
	int error;
	*w = (struct os_watch){ .fd = -1 };
	if (fails("os_watch_add", ENOSPC, ENOMEM, &error))
		return net_err(err, error, "os_watch_add");
	*w = (struct os_watch){ .fd = fd, .interest = interest,
				.ready = ready };
	if (l != NULL) {
		l->watch = w;
		l->thread = t;
		listener_settle(l);
		return true;
	}
	struct net_end *e = socket_of(fd);
	invariant(e->watch == NULL);
	e->watch = w;
	e->thread = t;
	socket_settle(e);
	return true;
}

void os_watch_change(struct os_thread *t, struct os_watch *w,
		     unsigned interest)
{
	struct listening *l = listener_of(w->fd);
	(void)t;
	w->interest = interest;
	if (l != NULL)
		listener_settle(l);
	else
		socket_settle(socket_of(w->fd));
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
