/*
 * What processes share: sealed memory, pages, channels of bytes and
 * descriptors; and words to systemd and the terminal. See process.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/os_private.h"
#include "os/process.h"

void os_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- memory --------------------------------------------------------------- */

static bool write_all(int fd, slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = slice_skip(s, (size_t)n);
	}
	return true;
}

bool os_sealed(const char *name, slice content, int *fd, struct err *err)
{
	static const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
				 F_SEAL_WRITE;
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return err_set_os(err, errno, "os_sealed", "memfd_create");
	if (write_all(*fd, content) && lseek(*fd, 0, SEEK_SET) == 0 &&
	    fcntl(*fd, F_ADD_SEALS, seals) == 0)
		return true;
	err_set_os(err, errno, "os_sealed", "write");
	os_close(fd);
	return false;
}

bool os_read_all(int fd, size_t max, struct buf *out, struct err *err)
{
	enum { STEP = 65536 };
	size_t had = out->n;
	for (;;) {
		char *to = buf_room(out, STEP);
		if (to == NULL)
			return err_set(err, ERR_LIMIT, SCOPE_SELF,
				       "os_read_all", "larger than %zu bytes",
				       max);
		ssize_t n = read(fd, to, STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_os(err, errno, "os_read_all", "read");
		if (n == 0)
			return true;
		buf_added(out, (size_t)n);
		if (out->n - had > max)
			return err_set(err, ERR_LIMIT, SCOPE_SELF,
				       "os_read_all", "larger than %zu bytes",
				       max);
	}
}

bool os_page_new(const char *name, size_t bytes, int *fd, void **page,
		 struct err *err)
{
	size_t mapped;
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return err_set_os(err, errno, "os_page_new", "memfd_create");
	/* Of a fixed size, so that a mapping can't lose its ground. */
	if (ftruncate(*fd, (off_t)bytes) == 0 &&
	    fcntl(*fd, F_ADD_SEALS,
		  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0) {
		if (os_page_map(*fd, true, page, &mapped, err))
			return true;
	} else {
		err_set_os(err, errno, "os_page_new", "ftruncate");
	}
	os_close(fd);
	return false;
}

bool os_page_map(int fd, bool writable, void **page, size_t *bytes,
		 struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return err_set_os(err, errno, "os_page_map", "fstat");
	*bytes = (size_t)st.st_size;
	*page = mmap(NULL, *bytes, PROT_READ | (writable ? PROT_WRITE : 0),
		     MAP_SHARED, fd, 0);
	if (*page != MAP_FAILED)
		return true;
	*page = NULL;
	return err_set_os(err, errno, "os_page_map", "mmap");
}

void os_page_unmap(void *page, size_t bytes)
{
	if (page != NULL)
		munmap(page, bytes);
}

/* --- channels ------------------------------------------------------------- */

static ssize_t send_some(int fd, slice s, int with_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	union {
		const char *given;
		char *taken;		/* only read from */
	} base = { .given = s.p };
	struct iovec iov = { .iov_base = base.taken, .iov_len = s.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (with_fd >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &with_fd, sizeof(int));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool os_channel_send(int fd, slice s, int with_fd, int timeout_ms,
		     struct err *err)
{
	invariant(s.n > 0);
	while (s.n > 0) {
		ssize_t n = send_some(fd, s, with_fd);
		if (n > 0) {
			s = slice_skip(s, (size_t)n);
			with_fd = -1;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };
			if (poll(&p, 1, timeout_ms) == 0)
				return err_set(err, ERR_TIMEOUT, SCOPE_SELF,
					       "os_channel_send",
					       "the other process is silent");
		} else if (errno != EINTR) {
			return err_set_os(err, errno, "os_channel_send",
					  "sendmsg");
		}
	}
	return true;
}

bool os_channel_receive(int fd, struct buf *in, bool *open, struct err *err)
{
	enum { STEP = 16384 };
	*open = true;
	char *to = buf_room(in, STEP);
	if (to == NULL)
		return err_set(err, ERR_LIMIT, SCOPE_SELF,
			       "os_channel_receive", "too many bytes");
	ssize_t n = recv(fd, to, STEP, MSG_DONTWAIT);
	if (n > 0)
		buf_added(in, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		*open = false;
	return true;
}

/* --- words ---------------------------------------------------------------- */

void os_notify(const char *state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    !slice_to_cstr(slice_of(path), to.sun_path, sizeof(to.sun_path)))
		return;
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				  strlen(path));
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';	/* abstract */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			      (struct sockaddr *)&to, n);
	(void)sent;			/* nobody to tell */
	close(fd);
}

bool os_write_out(slice s)
{
	return write_all(STDOUT_FILENO, s);
}

bool os_write_error(slice s)
{
	return write_all(STDERR_FILENO, s);
}

bool os_log_line(slice line)
{
	union {
		const char *given;
		char *taken;		/* only read from */
	} base = { .given = line.p };
	struct iovec iov = { .iov_base = base.taken, .iov_len = line.n };
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n = pwritev2(STDERR_FILENO, &iov, 1, -1, RWF_NOWAIT);
	/* Terminals and old kernels don't know how not to wait. */
	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS) &&
	    poll(&ready, 1, 0) == 1)
		n = write(STDERR_FILENO, line.p, line.n);
	return n == (ssize_t)line.n;
}

bool os_out_is_terminal(void)
{
	return isatty(STDOUT_FILENO) == 1;
}

const char *os_environment(const char *name)
{
	return getenv(name);
}
