/*
 * Files; see file.h. Opening goes through openat2 (Linux 5.6), which keeps
 * inside the directory for us; where it is missing, we walk ourselves.
 */
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/os_private.h"

enum {
	OPEN_TRIES = 8,			/* EINTR, EAGAIN of openat2 */
	IOV_ONCE = 1024,		/* IOV_MAX of the kernel */
	PATH_COMPONENTS_MAX = 16,
	COMPONENT_MAX = 256,		/* NAME_MAX and NUL */
};

/* --- names ---------------------------------------------------------------- */

/* One component: what mkdir, rename and unlink take, for which the kernel
 * has no RESOLVE_BENEATH. */
static bool is_plain(slice name)
{
	return name.n > 0 && name.n < COMPONENT_MAX &&
	       slice_find(name, '/') == name.n &&
	       !slice_eq(name, SLICE(".")) && !slice_eq(name, SLICE(".."));
}

/* openat2 without openat2: each component in turn, no symbolic links. */
static int walk_open(int dir, const char *path, int flags, mode_t mode)
{
	slice rest = slice_of(path);
	int at = dir;
	for (int i = 0; i < PATH_COMPONENTS_MAX; i++) {
		bool last = slice_find(rest, '/') == rest.n;
		slice part = slice_cut(&rest, '/');
		char name[COMPONENT_MAX];
		int how = last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC;
		int fd = -1;
		errno = EXDEV;
		if (is_plain(part) && slice_to_cstr(part, name, sizeof(name)))
			fd = openat(at, name, how | O_NOFOLLOW, mode);
		int why = errno;
		if (at != dir)
			close(at);
		errno = why;
		if (fd < 0 || last)
			return fd;
		at = fd;
	}
	close(at);
	errno = ENAMETOOLONG;
	return -1;
}

static int beneath_open(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOCTTY),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;
	for (int i = 0; i < OPEN_TRIES && fd < 0; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd < 0 && errno == ENOSYS)
			return walk_open(dir, path, (int)how.flags, mode);
		if (fd < 0 && errno != EINTR && errno != EAGAIN)
			break;
	}
	return (int)fd;
}

/* --- directories ---------------------------------------------------------- */

bool os_dir_open(const char *path, int *out, struct err *err)
{
	*out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return os_err(err, errno, "os_dir_open", "open", path);
	return true;
}

bool os_dir_open_at(int dir, const char *name, int *out, struct err *err)
{
	*out = -1;
	if (!is_plain(slice_of(name)))
		return os_err(err, EINVAL, "os_dir_open_at", "mkdir", name);
	if (mkdirat(dir, name, 0700) != 0 && errno != EEXIST)
		return os_err(err, errno, "os_dir_open_at", "mkdir", name);
	*out = beneath_open(dir, name, O_RDONLY | O_DIRECTORY, 0);
	if (*out < 0)
		return os_err(err, errno, "os_dir_open_at", "open", name);
	return true;
}

bool os_dir_sync(int dir, struct err *err)
{
	int failed;
	do
		failed = fsync(dir);
	while (failed != 0 && errno == EINTR);
	if (failed != 0)
		return err_set_os(err, errno, "os_dir_sync", "fsync");
	return true;
}

static bool list_entries(DIR *d, bool (*each)(void *ctx, const char *name),
			 void *ctx, struct err *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(d);
		if (entry == NULL && errno != 0)
			return err_set_os(err, errno, "os_dir_list", "readdir");
		if (entry == NULL)
			return true;
		slice name = slice_of(entry->d_name);
		if (is_plain(name) && !each(ctx, entry->d_name))
			return true;
	}
}

bool os_dir_list(int dir, bool (*each)(void *ctx, const char *name),
		 void *ctx, struct err *err)
{
	/* A descriptor of its own: readdir moves its offset and closes it. */
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_os(err, errno, "os_dir_list", "open");
	DIR *d = fdopendir(fd);
	if (d == NULL) {
		int why = errno;
		close(fd);
		return err_set_os(err, why, "os_dir_list", "fdopendir");
	}
	bool ok = list_entries(d, each, ctx, err);
	closedir(d);
	return ok;
}

bool os_disk_free(int dir, uint64_t *bytes, uint64_t *inodes, struct err *err)
{
	struct statvfs s;
	int failed;
	do
		failed = fstatvfs(dir, &s);
	while (failed != 0 && errno == EINTR);
	if (failed != 0)
		return err_set_os(err, errno, "os_disk_free", "fstatvfs");
	if (__builtin_mul_overflow((uint64_t)s.f_bavail, (uint64_t)s.f_frsize,
				   bytes))
		*bytes = UINT64_MAX;
	/* Some file systems have no fixed number of inodes (btrfs). */
	*inodes = s.f_files == 0 ? UINT64_MAX : s.f_favail;
	return true;
}

/* --- files ---------------------------------------------------------------- */

static int open_flags(enum os_open_mode mode)
{
	switch (mode) {
	case OS_READ:
		return O_RDONLY;
	case OS_READ_WRITE:
		return O_RDWR;
	case OS_CREATE:
		return O_RDWR | O_CREAT | O_EXCL;
	case OS_APPEND:
		return O_WRONLY | O_APPEND | O_CREAT;
	}
	unreachable_state("open mode");
}

bool os_file_open(int dir, const char *name, enum os_open_mode mode, int *out,
		  struct err *err)
{
	*out = beneath_open(dir, name, open_flags(mode), 0600);
	if (*out < 0)
		return os_err(err, errno, "os_file_open", "open", name);
	return true;
}

static size_t iov_bytes(const struct iovec *iov, int count)
{
	size_t n = 0;
	for (int i = 0; i < count; i++)
		invariant(!__builtin_add_overflow(n, iov[i].iov_len, &n));
	return n;
}

static bool write_once(int fd, const struct iovec *iov, int count,
		       uint64_t offset, struct err *err)
{
	ssize_t n;
	do
		n = pwritev(fd, iov, count, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_os(err, errno, "os_file_write", "write");
	if ((size_t)n != iov_bytes(iov, count))
		return err_set_os(err, ENOSPC, "os_file_write", "write");
	return true;
}

bool os_file_write(int fd, const struct iovec *iov, int count,
		   uint64_t offset, struct err *err)
{
	invariant(count >= 0 && offset <= INT64_MAX);
	while (count > 0) {
		int n = count < IOV_ONCE ? count : IOV_ONCE;
		if (!write_once(fd, iov, n, offset, err))
			return false;
		offset += iov_bytes(iov, n);
		iov += n;
		count -= n;
	}
	return true;
}

bool os_file_append(int fd, slice s, struct err *err)
{
	ssize_t n;
	if (s.n == 0)
		return true;
	do
		n = write(fd, s.p, s.n);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_os(err, errno, "os_file_append", "write");
	if ((size_t)n != s.n)
		return err_set_os(err, ENOSPC, "os_file_append", "write");
	return true;
}

bool os_file_read(int fd, void *to, size_t cap, uint64_t offset, size_t *n,
		  struct err *err)
{
	char *p = to;
	invariant(offset <= INT64_MAX && cap <= INT64_MAX - offset);
	for (*n = 0; *n < cap; ) {
		ssize_t got = pread(fd, p + *n, cap - *n,
				    (off_t)(offset + *n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_os(err, errno, "os_file_read", "read");
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return true;
}

bool os_file_allocate(int fd, uint64_t offset, uint64_t length,
		      struct err *err)
{
	int failed;
	invariant(offset <= INT64_MAX && length <= INT64_MAX - offset);
	if (length == 0)
		return true;
	/* Writes zeros itself where the file system can't allocate. */
	do
		failed = posix_fallocate(fd, (off_t)offset, (off_t)length);
	while (failed == EINTR);
	if (failed != 0)
		return err_set_os(err, failed, "os_file_allocate", "fallocate");
	return true;
}

bool os_file_truncate(int fd, uint64_t size, struct err *err)
{
	int failed;
	invariant(size <= INT64_MAX);
	do
		failed = ftruncate(fd, (off_t)size);
	while (failed != 0 && errno == EINTR);
	if (failed != 0)
		return err_set_os(err, errno, "os_file_truncate", "ftruncate");
	return true;
}

bool os_file_size(int fd, uint64_t *out, struct err *err)
{
	struct stat s;
	if (fstat(fd, &s) != 0)
		return err_set_os(err, errno, "os_file_size", "fstat");
	*out = (uint64_t)s.st_size;
	return true;
}

bool os_file_sync(int fd, struct err *err)
{
	int failed;
	do
		failed = fdatasync(fd);
	while (failed != 0 && errno == EINTR);
	if (failed != 0)
		return err_set_os(err, errno, "os_file_sync", "fdatasync");
	return true;
}

void os_file_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool os_file_rename(int from_dir, const char *from, int to_dir,
		    const char *to, struct err *err)
{
	if (!is_plain(slice_of(from)) || !is_plain(slice_of(to)))
		return os_err(err, EINVAL, "os_file_rename", "rename", from);
	if (renameat(from_dir, from, to_dir, to) != 0)
		return os_err(err, errno, "os_file_rename", "rename", from);
	return true;
}

bool os_file_unlink(int dir, const char *name, struct err *err)
{
	if (!is_plain(slice_of(name)))
		return os_err(err, EINVAL, "os_file_unlink", "unlink", name);
	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return os_err(err, errno, "os_file_unlink", "unlink", name);
	return true;
}

bool os_file_lock(int fd, struct err *err)
{
	int failed;
	do
		failed = flock(fd, LOCK_EX | LOCK_NB);
	while (failed != 0 && errno == EINTR);
	if (failed == 0)
		return true;
	int why = errno;
	err_set_os(err, why, "os_file_lock", "flock");
	if (err != NULL && why == EWOULDBLOCK)
		err->kind = ERR_TEMPORARY;
	return false;
}
