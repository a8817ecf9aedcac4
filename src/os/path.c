/*
 * Files by path, as master and the command line need them: configuration,
 * keys, the layout of the data directory. Everything else works below an
 * open directory (file.h). See process.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_private.h"
#include "os/process.h"

enum { PATH_LEN_MAX = 4096 };

bool os_file_load(const char *path, size_t max, struct buf *out,
		  struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0)
		return os_err(err, errno, "os_file_load", "open", path);
	bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!ok)
		err_set(err, ERR_PERMANENT, SCOPE_SELF, "os_file_load",
			"not a file: %s", path);
	else
		ok = os_read_all(fd, max, out, err);
	close(fd);
	return ok;
}

bool os_stdin_load(size_t max, struct buf *out, struct err *err)
{
	return os_read_all(STDIN_FILENO, max, out, err);
}

bool os_file_is_private(const char *path, bool *is_private, struct err *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return os_err(err, errno, "os_file_is_private", "stat", path);
	*is_private = (st.st_mode & (S_IRWXO | S_IWGRP)) == 0;
	return true;
}

bool os_path_exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

static bool sync_parent(const char *path)
{
	char parent[PATH_LEN_MAX];
	if (!slice_to_cstr(slice_of(path), parent, sizeof(parent)))
		return false;
	for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--)
		parent[n - 1] = '\0';
	char *slash = strrchr(parent, '/');
	if (slash != NULL)
		slash[slash == parent ? 1 : 0] = '\0';
	int fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool make_one(const char *path, unsigned mode, struct err *err)
{
	struct stat st;
	if (mkdir(path, (mode_t)mode) == 0)
		return sync_parent(path) ||
		       os_err(err, errno, "os_dir_make", "sync", path);
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	return os_err(err, errno == EEXIST ? ENOTDIR : errno, "os_dir_make",
		      "mkdir", path);
}

bool os_dir_make(const char *path, unsigned mode, bool owner, uint32_t uid,
		 uint32_t gid, struct err *err)
{
	char part[PATH_LEN_MAX];
	struct stat st;
	if (!slice_to_cstr(slice_of(path), part, sizeof(part)) || !part[0])
		return err_set_os(err, ENAMETOOLONG, "os_dir_make", "mkdir");
	for (char *at = strchr(part + 1, '/'); at != NULL;
	     at = strchr(at + 1, '/')) {
		*at = '\0';
		/* What leads there may be passed by everybody. */
		if (stat(part, &st) != 0 && !make_one(part, 0755, err))
			return false;
		*at = '/';
	}
	if (!make_one(path, mode, err))
		return false;
	if (!owner || stat(path, &st) != 0 ||
	    (st.st_uid == uid && st.st_gid == gid))
		return true;
	return lchown(path, uid, gid) == 0 ||
	       os_err(err, errno, "os_dir_make", "chown", path);
}

bool os_file_save(const char *path, slice content, unsigned mode,
		  struct err *err)
{
	char temporary[PATH_LEN_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(temporary))
		return err_set_os(err, ENAMETOOLONG, "os_file_save", "open");
	unlink(temporary);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
		      O_NOFOLLOW, (mode_t)mode);
	if (fd < 0)
		return os_err(err, errno, "os_file_save", "create", temporary);
	bool ok = fchmod(fd, (mode_t)mode) == 0;
	while (ok && content.n > 0) {
		ssize_t written = write(fd, content.p, content.n);
		ok = written > 0 || (written < 0 && errno == EINTR);
		if (written > 0)
			content = slice_skip(content, (size_t)written);
	}
	ok = ok && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (ok && rename(temporary, path) == 0 && sync_parent(path))
		return true;
	os_err(err, errno, "os_file_save", "write", path);
	unlink(temporary);
	return false;
}

void os_file_remove(const char *path)
{
	unlink(path);
}

bool os_file_give(const char *path, uint32_t uid, uint32_t gid,
		  struct err *err)
{
	return lchown(path, uid, gid) == 0 ||
	       os_err(err, errno, "os_file_give", "chown", path);
}

static bool may_pass(const struct stat *st, uint32_t uid, uint32_t gid)
{
	if (uid == 0)
		return true;
	if (st->st_uid == uid)
		return (st->st_mode & S_IXUSR) != 0;
	if (st->st_gid == gid)
		return (st->st_mode & S_IXGRP) != 0;
	return (st->st_mode & S_IXOTH) != 0;
}

static bool says_blocked(const char *folder, char *blocked, size_t cap)
{
	snprintf(blocked, cap, "%s", folder);
	return false;
}

bool os_path_passable(const char *path, uint32_t uid, uint32_t gid,
		      char *blocked, size_t cap)
{
	char whole[PATH_LEN_MAX], *real = realpath(path, NULL);
	struct stat st;
	bool ok = real != NULL &&
		  slice_to_cstr(slice_of(real), whole, sizeof(whole));
	free(real);
	if (!ok)
		return says_blocked(path, blocked, cap);
	if (stat("/", &st) != 0 || !may_pass(&st, uid, gid))
		return says_blocked("/", blocked, cap);
	for (char *at = strchr(whole + 1, '/'); at != NULL;
	     at = strchr(at + 1, '/')) {
		*at = '\0';
		if (stat(whole, &st) != 0 || !may_pass(&st, uid, gid))
			return says_blocked(whole, blocked, cap);
		*at = '/';
	}
	return true;
}

bool os_lock_path(const char *path, int *fd, pid_t *holder, struct err *err)
{
	char text[16] = "";
	*holder = 0;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return os_err(err, errno, "os_lock_path", "open", path);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
		int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
		ssize_t w = ftruncate(*fd, 0) == 0
			? pwrite(*fd, text, (size_t)n, 0) : -1;
		(void)w;	/* the pid is only for a message */
		return true;
	}
	bool held = errno == EWOULDBLOCK;
	int why = errno;
	ssize_t n = pread(*fd, text, sizeof(text) - 1, 0);
	uint64_t pid;
	if (n > 1 && slice_u64((slice){ text, (size_t)n - 1 }, 1 << 30, &pid))
		*holder = (pid_t)pid;
	os_close(fd);
	if (!held)
		return os_err(err, why, "os_lock_path", "lock", path);
	return err_set(err, ERR_TEMPORARY, SCOPE_SELF, "os_lock_path",
		       "another process holds %s", path);
}
