/* Entries of folders; see tree.h. */
#include "os/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/os_private.h"

static bool is_plain(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void fill(struct os_entry *out, const struct stat *st)
{
	*out = (struct os_entry){
		.kind = S_ISREG(st->st_mode)   ? OS_ENTRY_FILE
			: S_ISDIR(st->st_mode) ? OS_ENTRY_DIR
			: S_ISLNK(st->st_mode) ? OS_ENTRY_LINK
					       : OS_ENTRY_OTHER,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
	};
}

bool os_entry_look(int dir, const char *name, struct os_entry *out,
		   struct err *err)
{
	struct stat st;
	*out = (struct os_entry){ .kind = OS_ENTRY_NONE };
	if (!is_plain(name))
		return os_err(err, EINVAL, "os_entry_look", "stat", name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		fill(out, &st);
	else if (errno != ENOENT)
		return os_err(err, errno, "os_entry_look", "stat", name);
	return true;
}

bool os_path_look(const char *path, struct os_entry *out, struct err *err)
{
	struct stat st;
	*out = (struct os_entry){ .kind = OS_ENTRY_NONE };
	if (stat(path, &st) == 0)
		fill(out, &st);
	else if (errno != ENOENT)
		return os_err(err, errno, "os_path_look", "stat", path);
	return true;
}

bool os_entry_of_file(int fd, struct os_entry *out, struct err *err)
{
	struct stat st;
	*out = (struct os_entry){ .kind = OS_ENTRY_NONE };
	if (fstat(fd, &st) != 0)
		return err_set_os(err, errno, "os_entry_of_file", "fstat");
	fill(out, &st);
	return true;
}

struct looking {
	const char *const *but;
	bool found;
};

static bool look_at_name(void *ctx, const char *name)
{
	struct looking *l = ctx;
	for (const char *const *b = l->but; b != NULL && *b != NULL; b++)
		if (strcmp(*b, name) == 0)
			return true;
	l->found = true;
	return false;
}

bool os_dir_has(int dir, const char *const *but, bool *has, struct err *err)
{
	struct looking l = { .but = but };
	bool ok = os_dir_list(dir, look_at_name, &l, err);
	*has = l.found;
	return ok;
}

bool os_dir_remove(int dir, const char *name, struct err *err)
{
	if (!is_plain(name))
		return os_err(err, EINVAL, "os_dir_remove", "rmdir", name);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
	       os_err(err, errno, "os_dir_remove", "rmdir", name);
}

bool os_file_set_mode(int fd, unsigned mode, struct err *err)
{
	return fchmod(fd, (mode_t)(mode & 07777)) == 0 ||
	       err_set_os(err, errno, "os_file_set_mode", "fchmod");
}

bool os_file_set_owner(int fd, uint32_t uid, uint32_t gid, struct err *err)
{
	return fchown(fd, uid, gid) == 0 ||
	       err_set_os(err, errno, "os_file_set_owner", "fchown");
}
