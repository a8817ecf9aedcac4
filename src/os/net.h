/*
 * Sockets, never blocking. A handle is a file descriptor here and a number
 * of its own in tests/sim. Only this folder calls the kernel.
 */
#pragma once

#include <sys/uio.h>

#include "base/err.h"
#include "base/ip.h"
#include "os/thread.h"

/* A failed call fills err: ERR_IO with os_error and what it is about: SCOPE_HOST
 * (the peer or the way to it), SCOPE_SOURCE (our address), SCOPE_SELF; out of
 * descriptors is ERR_LIMIT. */
enum os_net_result {
	OS_NET_DONE,	/* *n bytes moved, n > 0 */
	OS_NET_AGAIN,	/* would block: wait for the watch */
	OS_NET_EOF,	/* the peer closed its side */
	OS_NET_FAILED,	/* err is filled */
};

/* Bound and listening. reuse_port: one such socket per shard. v6 sockets
 * take v6 only: "*" means two sockets. */
bool os_listen(const struct ip_port *at, bool reuse_port, int *out,
	       struct err *err) MUST_USE;
/* OS_NET_AGAIN: nobody waits. local: the address that was connected to.
 * ERR_LIMIT: no descriptor is left, see os_accept_and_drop. */
enum os_net_result os_accept(int listener, int *out, struct ip_port *peer,
			     struct ip_port *local, struct err *err) MUST_USE;
/* The address a socket is bound to: the port that port 0 became. */
bool os_local(int fd, struct ip_port *out, struct err *err) MUST_USE;
/* Starts connecting; writable or failed when done: then os_connected. `from`
 * may be NULL. A failure known at once (refused by this machine) comes from
 * here already. */
bool os_connect(const struct ip_port *to, const struct ip_addr *from,
		int *out, struct err *err) MUST_USE;
bool os_connected(int fd, struct ip_port *local, struct err *err) MUST_USE;
enum os_net_result os_recv(int fd, void *to, size_t cap, size_t *n,
			   struct err *err) MUST_USE;
/* No signal when the peer is gone. Not all bytes may be taken. */
enum { OS_SEND_PIECES_MAX = 16 };
enum os_net_result os_send(int fd, const struct iovec *iov, int count,
			   size_t *n, struct err *err) MUST_USE;
/* No more output from us; the peer sees EOF. */
void os_shutdown_output(int fd);
/* Neither from nor to it: whoever polls it sees the end. It stays open. */
void os_shutdown_both(int fd);
/* The other side sees a reset instead of an orderly end. */
void os_socket_abort(int *fd);
void os_socket_close(int *fd);
/* Each of our threads keeps a descriptor in reserve so that accept at EMFILE
 * can take a connection and refuse it in words: true when one was taken and
 * closed; false: nobody waits, or another thread took the descriptor. On one
 * of our threads. */
bool os_accept_and_drop(int listener, slice farewell);

/* Level-triggered interest in one socket, bound to one thread: all calls on
 * that thread, or before it runs. Without interest nothing is told, not even
 * an error; it shows with the next interest. */
enum { OS_READABLE = 1, OS_WRITABLE = 2 };
struct os_watch {
	int fd;
	unsigned interest;
	/* events: OS_READABLE and OS_WRITABLE; an error or hang-up sets both */
	void (*ready)(struct os_watch *watch, unsigned events);
};
bool os_watch_add(struct os_thread *t, struct os_watch *w, int fd,
		  unsigned interest, void (*ready)(struct os_watch *, unsigned),
		  struct err *err) MUST_USE;
void os_watch_change(struct os_thread *t, struct os_watch *w,
		     unsigned interest);
/* Safe inside any ready callback: the watch is not called again and may be
 * freed. Before its socket is closed. Harmless when not added (fd -1). */
void os_watch_remove(struct os_thread *t, struct os_watch *w);
