/* Descriptors over local sockets; see net_fd.h. */
#include "os/net_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PASSED_MAX = 4 };	/* room for more than we want, to close them */

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(PASSED_MAX * sizeof(int))];
};

static int take_passed(struct msghdr *m)
{
	int kept = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count && i < PASSED_MAX; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			       sizeof(fd));
			if (kept < 0)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

/* O_NONBLOCK belongs to the open socket, not to the descriptor: whoever made
 * the pair may have left it out. */
static void prepare(int fd)
{
	int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

enum os_net_result os_recv_with_fd(int fd, void *to, size_t cap, size_t *n,
				   int *passed, struct err *err)
{
	struct iovec iov = { to, cap };
	union control control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;
	invariant(cap > 0);
	*n = 0;
	*passed = -1;
	do {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return OS_NET_AGAIN;
	if (got < 0) {
		err_set_os(err, errno, "os_recv_with_fd", "recvmsg");
		return OS_NET_FAILED;
	}
	*passed = take_passed(&m);
	prepare(*passed);
	*n = (size_t)got;
	return got == 0 ? OS_NET_EOF : OS_NET_DONE;
}

enum os_net_result os_send_with_fd(int fd, slice s, int passed, size_t *n,
				   struct err *err)
{
	struct iovec iov = { (void *)(uintptr_t)s.p, s.n };
	union control control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control.room,
			    .msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t sent;
	invariant(s.n > 0 && c != NULL);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &passed, sizeof(int));
	*n = 0;
	do
		sent = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent > 0) {
		*n = (size_t)sent;
		return OS_NET_DONE;
	}
	if (sent < 0 && errno == EAGAIN)
		return OS_NET_AGAIN;
	err_set_os(err, errno, "os_send_with_fd", "sendmsg");
	return OS_NET_FAILED;
}
