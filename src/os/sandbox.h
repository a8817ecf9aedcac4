/*
 * What a process may still do once it has started: seccomp (which calls) and
 * Landlock (which files). Both hold for good and for all threads made later;
 * to be called by the only thread there is.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

/* No new privileges by exec, no core, not traceable, memory unreadable to
 * others of the same user. */
bool os_sandbox_begin(struct err *err) MUST_USE;

/* Files below these directories only; nothing is ever executed. */
struct os_landlock_dir {
	const char *path;
	bool writable;
	bool sockets_only;	/* Unix sockets may be made here, that's all */
};
enum { OS_LANDLOCK_DIRS_MAX = 1100 };
enum os_landlock_net {
	OS_LANDLOCK_NET,
	OS_LANDLOCK_NO_NET,		/* no TCP connect or bind (version 4) */
};
/* *version: of the kernel's Landlock, 0 when it has none: then nothing is
 * closed and true is returned (best effort). A missing directory is left
 * out. */
bool os_landlock(const struct os_landlock_dir *dirs, size_t count,
		 enum os_landlock_net net, int *version,
		 struct err *err) MUST_USE;

/* The calls that relay makes; any other ends the process (SIGSYS). */
bool os_seccomp_relay(struct err *err) MUST_USE;
/* Before any thread of console: libc shall open no file later on. */
void os_seccomp_console_prepare(void);
/* The same for console: no file is opened and no socket made but pairs; also
 * for threads that run already. */
bool os_seccomp_console(struct err *err) MUST_USE;
