/* Sockets; see net.h. Watches are in watch.c. */
#include "os/net.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os_private.h"

enum {
	LISTEN_BACKLOG = 4096,		/* the kernel cuts it to somaxconn */
	ACCEPT_TRIES = 64,		/* connections that died in the queue */
	IPV4_AT = 12,			/* of the 16 bytes of an address */
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t to_sockaddr(const struct ip_addr *a, uint16_t port,
			     union address *out)
{
	memset(out, 0, sizeof(*out));
	if (ip_is_v4(a)) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, a->bytes + IPV4_AT, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, a->bytes, 16);
	return sizeof(out->v6);
}

static bool from_sockaddr(const union address *a, struct ip_port *out)
{
	if (a->any.sa_family == AF_INET6) {
		memcpy(out->addr.bytes, &a->v6.sin6_addr, 16);
		out->port = ntohs(a->v6.sin6_port);
		return true;
	}
	if (a->any.sa_family != AF_INET)
		return false;
	memset(out->addr.bytes, 0, IPV4_AT);
	out->addr.bytes[10] = out->addr.bytes[11] = 0xff;
	memcpy(out->addr.bytes + IPV4_AT, &a->v4.sin_addr, 4);
	out->port = ntohs(a->v4.sin_port);
	return true;
}

/* What a failure is about: the peer, our source address, or us. */
static bool net_err(struct err *err, int os_error, const char *where,
		    const char *operation)
{
	err_set_os(err, os_error, where, operation);
	if (err == NULL)
		return false;
	switch (os_error) {
	case ECONNREFUSED: case ECONNRESET: case ECONNABORTED: case EPIPE:
	case ETIMEDOUT: case EHOSTUNREACH: case ENETUNREACH: case EHOSTDOWN:
	case EPROTO: case ENOPROTOOPT:
		err->scope = SCOPE_HOST;
		break;
	case EADDRNOTAVAIL:
		err->scope = SCOPE_SOURCE;
		break;
	case EMFILE: case ENFILE:
		err->kind = ERR_LIMIT;
		break;
	default:
		break;
	}
	return false;
}

static bool set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static int new_socket(const union address *a)
{
	return socket(a->any.sa_family,
		      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* --- listening ------------------------------------------------------------ */

static bool listen_options(int fd, bool v6, bool reuse_port)
{
	return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
	       (!reuse_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
	       (!v6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
}

bool os_listen(const struct ip_port *at, bool reuse_port, int *out,
	       struct err *err)
{
	union address a;
	socklen_t n = to_sockaddr(&at->addr, at->port, &a);
	int fd = new_socket(&a);
	*out = -1;
	if (fd < 0)
		return net_err(err, errno, "os_listen", "socket");
	if (listen_options(fd, a.any.sa_family == AF_INET6, reuse_port) &&
	    bind(fd, &a.any, n) == 0 && listen(fd, LISTEN_BACKLOG) == 0) {
		*out = fd;
		return true;
	}
	char text[IP_PORT_TEXT_MAX];
	int why = errno;
	close(fd);
	return os_err(err, why, "os_listen", "listen", ip_port_text(at, text));
}

bool os_local(int fd, struct ip_port *out, struct err *err)
{
	union address a = { 0 };
	socklen_t n = sizeof(a);
	if (getsockname(fd, &a.any, &n) != 0)
		return net_err(err, errno, "os_local", "getsockname");
	if (!from_sockaddr(&a, out))
		return net_err(err, EAFNOSUPPORT, "os_local", "getsockname");
	return true;
}

/* A connection that ended while it waited, or a network error of its own
 * (accept(2)): the next one may be well. */
static bool is_its_own(int os_error)
{
	switch (os_error) {
	case EINTR: case ECONNABORTED: case EPROTO: case ENOPROTOOPT:
	case ENETDOWN: case EHOSTDOWN: case ENONET: case EHOSTUNREACH:
	case ENETUNREACH: case EOPNOTSUPP: case ECONNRESET: case EPERM:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

static bool describe_accepted(int fd, const union address *from,
			      struct ip_port *peer, struct ip_port *local)
{
	/* Replies are written whole: waiting to fill a packet only delays. */
	return from_sockaddr(from, peer) && os_local(fd, local, NULL) &&
	       set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

enum os_net_result os_accept(int listener, int *out, struct ip_port *peer,
			     struct ip_port *local, struct err *err)
{
	*out = -1;
	for (int i = 0; i < ACCEPT_TRIES; i++) {
		union address a = { 0 };
		socklen_t n = sizeof(a);
		int fd = accept4(listener, &a.any, &n,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && describe_accepted(fd, &a, peer, local)) {
			*out = fd;
			return OS_NET_DONE;
		}
		if (fd >= 0) {
			close(fd);
			continue;
		}
		if (errno == EAGAIN)
			return OS_NET_AGAIN;
		if (!is_its_own(errno)) {
			net_err(err, errno, "os_accept", "accept");
			return OS_NET_FAILED;
		}
	}
	return OS_NET_AGAIN;	/* level-triggered: we are told again */
}

bool os_accept_and_drop(int listener, slice farewell)
{
	struct os_thread *t = os_thread_self();
	if (t == NULL)
		return false;
	if (t->reserve >= 0)
		close(t->reserve);
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		/* What doesn't fit into a fresh socket's buffer is lost. */
		(void)!send(fd, farewell.p, farewell.n, MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
		close(fd);
	}
	/* Another thread may take it first: then -1 until the next call. */
	t->reserve = eventfd(0, EFD_CLOEXEC);
	return fd >= 0;
}

/* --- connecting ----------------------------------------------------------- */

static bool bind_source(int fd, const struct ip_addr *from, struct err *err)
{
	union address a;
	socklen_t n = to_sockaddr(from, 0, &a);
	/* The port is chosen by connect, so one address serves 28,000
	 * connections to each host and not in all. */
	if (set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) &&
	    bind(fd, &a.any, n) == 0)
		return true;
	net_err(err, errno, "os_connect", "bind");
	if (err != NULL)
		err->scope = SCOPE_SOURCE;
	return false;
}

static bool start_connect(int fd, const union address *a, socklen_t n,
			  struct err *err)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* Interrupted, it goes on by itself (connect(2)). */
	if (connect(fd, &a->any, n) == 0 || errno == EINPROGRESS ||
	    errno == EINTR)
		return true;
	return net_err(err, errno, "os_connect", "connect");
}

bool os_connect(const struct ip_port *to, const struct ip_addr *from,
		int *out, struct err *err)
{
	union address a;
	socklen_t n = to_sockaddr(&to->addr, to->port, &a);
	*out = -1;
	int fd = new_socket(&a);
	if (fd < 0)
		return net_err(err, errno, "os_connect", "socket");
	if ((from != NULL && !bind_source(fd, from, err)) ||
	    !start_connect(fd, &a, n, err)) {
		close(fd);
		return false;
	}
	*out = fd;
	return true;
}

bool os_connected(int fd, struct ip_port *local, struct err *err)
{
	int failed = 0;
	socklen_t n = sizeof(failed);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) != 0)
		failed = errno;
	if (failed != 0)
		return net_err(err, failed, "os_connected", "connect");
	return os_local(fd, local, err);
}

/* --- bytes ---------------------------------------------------------------- */

enum os_net_result os_recv(int fd, void *to, size_t cap, size_t *n,
			   struct err *err)
{
	ssize_t got;
	invariant(cap > 0);
	*n = 0;
	do
		got = recv(fd, to, cap, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		*n = (size_t)got;
		return OS_NET_DONE;
	}
	if (got == 0)
		return OS_NET_EOF;
	if (errno == EAGAIN)
		return OS_NET_AGAIN;
	net_err(err, errno, "os_recv", "recv");
	return OS_NET_FAILED;
}

enum os_net_result os_send(int fd, const struct iovec *iov, int count,
			   size_t *n, struct err *err)
{
	struct iovec copy[OS_SEND_PIECES_MAX];
	ssize_t sent;
	invariant(count > 0 && count <= OS_SEND_PIECES_MAX);
	memcpy(copy, iov, sizeof(*iov) * (size_t)count);
	struct msghdr message = { .msg_iov = copy,
				  .msg_iovlen = (size_t)count };
	*n = 0;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent > 0) {
		*n = (size_t)sent;
		return OS_NET_DONE;
	}
	invariant(sent < 0);	/* nothing is never sent */
	if (errno == EAGAIN)
		return OS_NET_AGAIN;
	net_err(err, errno, "os_send", "send");
	return OS_NET_FAILED;
}

/* --- the end -------------------------------------------------------------- */

void os_shutdown_output(int fd)
{
	(void)shutdown(fd, SHUT_WR);	/* not connected any more: as well */
}

void os_shutdown_both(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
}

void os_socket_abort(int *fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	if (*fd >= 0)
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	os_socket_close(fd);
}

void os_socket_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
