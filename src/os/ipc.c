/* Local sockets; see ipc.h. */
#include "os/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, FOLDER_MAX = 4096 };

bool os_ipc_pair(int out[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       out) == 0)
		return true;
	return err_set_os(err, errno, "os_ipc_pair", "socketpair");
}

/* A path may be longer than the 107 bytes of an address: then it goes by way
 * of its open folder. *folder is that one (-1: not needed), to be closed. */
static bool address_of(const char *path, struct sockaddr_un *out, int *folder)
{
	slice p = slice_of(path);
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*folder = -1;
	if (p.n > 0 && slice_to_cstr(p, out->sun_path, sizeof(out->sun_path)))
		return true;
	char to[FOLDER_MAX];
	size_t at = slice_rfind(p, '/');
	errno = ENAMETOOLONG;
	if (at == p.n || at == 0 ||
	    !slice_to_cstr(slice_sub(p, 0, at), to, sizeof(to)))
		return false;
	*folder = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder < 0)
		return false;
	int n = snprintf(out->sun_path, sizeof(out->sun_path),
			 "/proc/self/fd/%d/%s", *folder, path + at + 1);
	if (n > 0 && (size_t)n < sizeof(out->sun_path))
		return true;
	close(*folder);
	errno = ENAMETOOLONG;
	return false;
}

static void close_if(int fd)
{
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
}

static int local_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Bound first and given its mode before anybody can connect: connecting to
 * a socket that doesn't listen is refused. */
static bool serve_at(int fd, const struct sockaddr_un *a, unsigned mode)
{
	struct stat s;
	if (lstat(a->sun_path, &s) == 0) {
		errno = EADDRINUSE;
		if (!S_ISSOCK(s.st_mode) || unlink(a->sun_path) != 0)
			return false;
	}
	return bind(fd, (const struct sockaddr *)(const void *)a,
		    sizeof(*a)) == 0 &&
	       chmod(a->sun_path, (mode_t)mode) == 0 &&
	       listen(fd, BACKLOG) == 0;
}

bool os_ipc_listen(const char *path, unsigned mode, int *out, struct err *err)
{
	struct sockaddr_un a;
	int folder;
	*out = -1;
	if (!address_of(path, &a, &folder))
		return err_set_os(err, errno, "os_ipc_listen", "socket path");
	int fd = local_socket();
	bool ok = fd >= 0 && serve_at(fd, &a, mode);
	close_if(folder);
	if (ok) {
		*out = fd;
		return true;
	}
	close_if(fd);
	err_set_os(err, errno, "os_ipc_listen", "listen");
	return err_detail(err, "%s", path);
}

bool os_ipc_connect(const char *path, int *out, struct err *err)
{
	struct sockaddr_un a;
	int folder;
	*out = -1;
	if (!address_of(path, &a, &folder))
		return err_set_os(err, errno, "os_ipc_connect", "socket path");
	int fd = local_socket();
	bool ok = fd >= 0 && connect(fd,
				     (struct sockaddr *)(void *)&a,
				     sizeof(a)) == 0;
	close_if(folder);
	if (ok) {
		*out = fd;
		return true;
	}
	close_if(fd);
	int why = errno;
	err_set_os(err, why, "os_ipc_connect", "connect");
	if (err != NULL && (why == ENOENT || why == ECONNREFUSED))
		err->kind = ERR_TEMPORARY;
	return err_detail(err, "%s", path);
}

enum os_net_result os_ipc_accept(int listener, int *out,
				 struct os_ipc_peer *peer, struct err *err)
{
	*out = -1;
	int fd;
	do
		fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED))
		return OS_NET_AGAIN;
	struct ucred who;
	socklen_t n = sizeof(who);
	if (fd < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0) {
		close_if(fd);
		err_set_os(err, errno, "os_ipc_accept", "accept");
		return OS_NET_FAILED;
	}
	*peer = (struct os_ipc_peer){ .uid = who.uid,
				      .pid = (uint32_t)who.pid };
	*out = fd;
	return OS_NET_DONE;
}

uint32_t os_ipc_uid(void)
{
	return geteuid();
}

static unsigned events_of(short bits)
{
	unsigned events = 0;
	if (bits & (POLLERR | POLLHUP | POLLNVAL))
		return OS_READABLE | OS_WRITABLE;
	if (bits & POLLIN)
		events |= OS_READABLE;
	if (bits & POLLOUT)
		events |= OS_WRITABLE;
	return events;
}

bool os_ipc_poll(struct os_ipc_wait *waits, size_t count, int timeout_ms,
		 struct err *err)
{
	struct pollfd fds[OS_IPC_WAITS_MAX];
	invariant(count <= OS_IPC_WAITS_MAX);
	for (size_t i = 0; i < count; i++) {
		short want = 0;
		if (waits[i].interest & OS_READABLE)
			want |= POLLIN;
		if (waits[i].interest & OS_WRITABLE)
			want |= POLLOUT;
		fds[i] = (struct pollfd){ .fd = waits[i].fd, .events = want };
		waits[i].events = 0;
	}
	int ready = poll(fds, count, timeout_ms);
	if (ready < 0 && errno != EINTR)
		return err_set_os(err, errno, "os_ipc_poll", "poll");
	for (size_t i = 0; i < count && ready > 0; i++)
		waits[i].events = events_of(fds[i].revents);
	return true;
}
