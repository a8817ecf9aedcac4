/*
 * What lies in a folder, told without following symbolic links; modes and
 * owners of what is made there. For backup and restore: nothing here is for
 * the hot path. Names are single components (else EINVAL). A failed call
 * fills err (ERR_IO, os_error).
 */
#pragma once

#include "base/err.h"

enum os_entry_kind {
	OS_ENTRY_NONE,			/* nothing of that name */
	OS_ENTRY_FILE,
	OS_ENTRY_DIR,
	OS_ENTRY_LINK,			/* a symbolic one */
	OS_ENTRY_OTHER,			/* device, socket, pipe */
};
struct os_entry {
	enum os_entry_kind kind;
	unsigned mode;			/* permission bits */
	uint32_t uid;
	uint64_t size;
};

/* A missing entry is no error. */
bool os_entry_look(int dir, const char *name, struct os_entry *out,
		   struct err *err) MUST_USE;
/* A path of any form, links followed, as os_file_load (process.h) does. */
bool os_path_look(const char *path, struct os_entry *out,
		  struct err *err) MUST_USE;
bool os_entry_of_file(int fd, struct os_entry *out, struct err *err) MUST_USE;
/* Is there any entry but those named (NULL-terminated; NULL: none)? */
bool os_dir_has(int dir, const char *const *but, bool *has,
		struct err *err) MUST_USE;
/* An empty folder; missing is no error. */
bool os_dir_remove(int dir, const char *name, struct err *err) MUST_USE;

/* Of an open file or folder, whatever the umask says. */
bool os_file_set_mode(int fd, unsigned mode, struct err *err) MUST_USE;
bool os_file_set_owner(int fd, uint32_t uid, uint32_t gid,
		       struct err *err) MUST_USE;
