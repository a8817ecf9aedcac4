/*
 * Files, as blocking calls: only on the commit thread and in jobs of a pool.
 * Names are relative to an open directory and can't leave it (openat2 with
 * RESOLVE_BENEATH and NO_SYMLINKS); where one is made, renamed or removed it
 * is a single component (else EINVAL). Simulated in tests/sim by a disk with a
 * volatile and a durable image. A failed call fills err (ERR_IO, os_error).
 */
#pragma once

#include <sys/uio.h>

#include "base/err.h"
#include "base/slice.h"

enum os_open_mode {
	OS_READ,		/* must exist */
	OS_READ_WRITE,		/* must exist */
	OS_CREATE,		/* must not exist; mode 0600 */
	OS_APPEND,		/* made when missing */
};

bool os_dir_open(const char *path, int *out, struct err *err) MUST_USE;
/* Makes it (0700) when missing. */
bool os_dir_open_at(int dir, const char *name, int *out,
		    struct err *err) MUST_USE;
bool os_dir_sync(int dir, struct err *err) MUST_USE;
/* Calls each for every entry but . and .. until it returns false. */
bool os_dir_list(int dir, bool (*each)(void *ctx, const char *name),
		 void *ctx, struct err *err) MUST_USE;

bool os_file_open(int dir, const char *name, enum os_open_mode mode, int *out,
		  struct err *err) MUST_USE;
/* Whole; a short write is an error (ENOSPC). */
bool os_file_write(int fd, const struct iovec *iov, int count,
		   uint64_t offset, struct err *err) MUST_USE;
/* At the end of an OS_APPEND file; whole, as above. */
bool os_file_append(int fd, slice s, struct err *err) MUST_USE;
/* *n may be short only at the end of the file. */
bool os_file_read(int fd, void *to, size_t cap, uint64_t offset, size_t *n,
		  struct err *err) MUST_USE;
bool os_file_allocate(int fd, uint64_t offset, uint64_t length,
		      struct err *err) MUST_USE;
bool os_file_truncate(int fd, uint64_t size, struct err *err) MUST_USE;
bool os_file_size(int fd, uint64_t *out, struct err *err) MUST_USE;
/* fdatasync. After a failure the descriptor must not be used to sync again:
 * the kernel has dropped what it could not write. */
bool os_file_sync(int fd, struct err *err) MUST_USE;
void os_file_close(int *fd);
bool os_file_rename(int from_dir, const char *from, int to_dir,
		    const char *to, struct err *err) MUST_USE;
/* Missing is no error. */
bool os_file_unlink(int dir, const char *name, struct err *err) MUST_USE;
/* Free for us on the disk of dir. Inodes: UINT64_MAX where they are not
 * counted. */
bool os_disk_free(int dir, uint64_t *bytes, uint64_t *inodes,
		  struct err *err) MUST_USE;
/* Exclusive lock of the file until fd is closed; false with ERR_TEMPORARY
 * when another opening of it holds one. */
bool os_file_lock(int fd, struct err *err) MUST_USE;
