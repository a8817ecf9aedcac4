/*
 * Processes: how master starts, watches and ends the others, and what they
 * share (sealed bundles, pages, channels). Only master and the first lines
 * of each role use it; nothing here is for the hot path.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* --- who we are ----------------------------------------------------------- */

/* Path of this program's own file. */
bool os_own_path(char *to, size_t cap, struct err *err) MUST_USE;
/* The machine's full name, from the kernel and /etc/hosts, never by asking
 * the network; "localhost.localdomain" if it has none. */
void os_hostname(char *to, size_t cap);
unsigned os_cores(void);
bool os_is_root(void);
/* The uid of this process. */
uint32_t os_user_id(void);
/* ERR_PERMANENT when there is no such user. */
bool os_user_find(const char *name, uint32_t *uid, uint32_t *gid,
		  struct err *err) MUST_USE;
/* For good: groups, gid, uid and all capabilities. uid 0, or no root: keeps
 * the user and drops capabilities only. */
bool os_drop_privileges(uint32_t uid, uint32_t gid, struct err *err) MUST_USE;
/* Dies when its parent does; parent: its pid as the parent said it. */
bool os_die_with_parent(pid_t parent, struct err *err) MUST_USE;
pid_t os_process_id(void);
bool os_working_dir(char *to, size_t cap, struct err *err) MUST_USE;
/* Only where waiting is all there is to do. */
void os_sleep_ms(unsigned ms);
/* As many descriptors as the hard limit allows; what that is now. */
uint64_t os_descriptors_raise(void);
/* From now on free() gives the kernel back only what was mapped by itself
 * (OS_PIECE_BYTES and more); all else is kept and used again. Otherwise the
 * one free() that makes the end of a heap free gives all of that back: 100 MB
 * take tens of ms, in which nobody else may use that heap. To be called before
 * there are threads. False: this allocator can't. */
bool os_memory_keep(void);
enum { OS_PIECE_BYTES = 4 << 20 };

/* --- children ------------------------------------------------------------- */

enum { OS_SPAWN_FDS_MAX = 2048 };
struct os_spawn {
	const char *program;		/* path */
	const char *const *arguments;	/* NULL-terminated, [0] first */
	/* Only these stay open, under their numbers, besides 0, 1, 2. */
	const int *keep;
	size_t keep_count;
	bool change_user;
	uint32_t uid, gid;
};
/* The child has an empty environment but for PATH, LANG and TZ, default
 * signals, and its stdin is /dev/null. exec failing is told here. */
bool os_spawn(const struct os_spawn *how, pid_t *pid, struct err *err) MUST_USE;

/* How a child ended. */
struct os_end {
	pid_t pid;
	bool by_signal;
	int code;			/* exit code or signal */
};
/* False: none has ended (now). */
bool os_child_ended(struct os_end *out);
/* SEGV, BUS, ILL, FPE, ABRT, SYS: a fault of the program itself. */
bool os_end_is_crash(const struct os_end *end);
void os_kill_hard(pid_t pid);
void os_kill_gently(pid_t pid);

/* --- waiting (master's loop) ---------------------------------------------- */

enum os_signal { OS_SIGNAL_RELOAD, OS_SIGNAL_STOP, OS_SIGNAL_CHILD,
		 OS_SIGNAL_NONE };
/* HUP, TERM, INT, CHLD from now on by this descriptor; PIPE is ignored. */
bool os_signals_open(int *fd, struct err *err) MUST_USE;
/* The next one that came, OS_SIGNAL_NONE when there is none. */
enum os_signal os_signals_next(int fd);
/* Waits for input on any of them, or timeout_ms; ready[i] tells. */
bool os_wait_input(const int *fds, bool *ready, size_t count, int timeout_ms);
/* A socket takes output, or has failed; false: not within timeout_ms. */
bool os_wait_output(int fd, int timeout_ms);

/* --- what processes share ------------------------------------------------- */

/* Sealed: nobody can change it any more. The offset is at its start. */
bool os_sealed(const char *name, slice content, int *fd,
	       struct err *err) MUST_USE;
/* All of a file, a sealed memory or a pipe, at most max bytes. */
bool os_read_all(int fd, size_t max, struct buf *out, struct err *err) MUST_USE;
/* A zeroed page set in memory, writable by those who map it so. */
bool os_page_new(const char *name, size_t bytes, int *fd, void **page,
		 struct err *err) MUST_USE;
bool os_page_map(int fd, bool writable, void **page, size_t *bytes,
		 struct err *err) MUST_USE;
void os_page_unmap(void *page, size_t bytes);
/* Writes all of s to a channel (os/ipc.h), waiting at most timeout_ms; with_fd >= 0
 * goes along with the first byte. */
bool os_channel_send(int fd, slice s, int with_fd, int timeout_ms,
		     struct err *err) MUST_USE;
/* What has come, appended to `in`; *open false at the peer's end. */
bool os_channel_receive(int fd, struct buf *in, bool *open,
			struct err *err) MUST_USE;
void os_close(int *fd);

/* --- files as master and the command line see them ------------------------ */

/* A file of any path, whole. */
bool os_file_load(const char *path, size_t max, struct buf *out,
		  struct err *err) MUST_USE;
/* Standard input, whole. */
bool os_stdin_load(size_t max, struct buf *out, struct err *err) MUST_USE;
/* May group or others read it? Missing: ERR_IO. */
bool os_file_is_private(const char *path, bool *is_private,
			struct err *err) MUST_USE;
bool os_path_exists(const char *path);
/* Makes a directory (also parents; durably) and gives it to uid:gid when owner is
 * set; an existing one keeps what it has but its owner. */
bool os_dir_make(const char *path, unsigned mode, bool owner, uint32_t uid,
		 uint32_t gid, struct err *err) MUST_USE;
/* A new file with this content, synced, by rename. */
bool os_file_save(const char *path, slice content, unsigned mode,
		  struct err *err) MUST_USE;
void os_file_remove(const char *path);
bool os_file_give(const char *path, uint32_t uid, uint32_t gid,
		  struct err *err) MUST_USE;
/* Can that user enter every folder on the way to path? Else `blocked` names
 * the first that it can't. */
bool os_path_passable(const char *path, uint32_t uid, uint32_t gid,
		      char *blocked, size_t cap) MUST_USE;
/* Locks a file for this process's life; ERR_TEMPORARY: another one has it,
 * *holder is its pid if known (else 0). */
bool os_lock_path(const char *path, int *fd, pid_t *holder,
		  struct err *err) MUST_USE;

/* --- words to and from the outside ---------------------------------------- */

/* To systemd's NOTIFY_SOCKET, if there is one. */
void os_notify(const char *state);
/* All of s to standard output / error; false: it could not be written. */
bool os_write_out(slice s);
bool os_write_error(slice s);
/* One line to standard error without waiting; false: it is lost. */
bool os_log_line(slice line);
bool os_out_is_terminal(void);
/* A variable of the environment; NULL. */
const char *os_environment(const char *name);
