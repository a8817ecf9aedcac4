/*
 * The data directory: what lies in it, whose it is, who holds it. And what
 * master alone reads for the others: pepper, certificate, key, passwords.
 *
 *   spool/ journal/          relay's (admin reads the journal)
 *   store/ index/            admin's: directory.db, and the index of journals
 *   store/view/              admin writes, relay reads
 *   keys/ certs/             of whoever starts master, closed to the others
 *   ctl.sock  lock  backup.lock  spool.closed (master_troubles.c)
 *   restore.new/             while postrider restore works, or was killed
 *
 * What one role may touch lies in folders of its own, because sandboxes open
 * folders.
 */
#pragma once

#include "app/bundle.h"

enum { LAYOUT_PATH_MAX = 3000 };
#define LAYOUT_RESTORE "restore.new"

struct layout {
	char path[LAYOUT_PATH_MAX];	/* absolute */
	bool change_user;		/* children run as uid, gid */
	uint32_t uid, gid;
	bool as_root;			/* root for want of another user */
	int lock_fd;
};

/* Below the data directory, or as it is when absolute. False: too long. */
bool layout_path(const struct layout *l, const char *name, char *to,
		 size_t cap) MUST_USE;
bool layout_control_path(const struct layout *l, const struct config *c,
			 char *to, size_t cap) MUST_USE;

/* Only where: path. ERR_PERMANENT: too long. */
bool layout_where(struct layout *l, const struct config *c,
		  struct err *err) MUST_USE;
/* Who the service runs as, and where. Makes nothing. ERR_PERMANENT is an
 * error of the configuration. */
bool layout_find(struct layout *l, const struct config *c,
		 struct err *err) MUST_USE;
/* Makes what is missing. ERR_PERMANENT as above, and for a data directory
 * that is half restored. */
bool layout_make(struct layout *l, const struct config *c,
		 struct err *err) MUST_USE;
/* Takes the lock: one service for one data directory. Waits up to wait_ms;
 * ERR_TEMPORARY names who has it. */
bool layout_lock(struct layout *l, int64_t wait_ms, struct log *log,
		 struct err *err) MUST_USE;

/* keys/pepper, made at the very first start. to: PEPPER_LEN bytes. */
bool layout_pepper(const struct layout *l, uint8_t *to,
		   struct err *err) MUST_USE;
/* Certificate and key as configured, else a self-signed pair in keys/ and
 * certs/ that is made when missing; passwords of routes. In the arena.
 * Problems go to errors, a line each: "error: …", with "FILE:line:col: "
 * before it when out->file is set and a key of it names what is wrong. */
bool layout_files(const struct layout *l, const struct config *c,
		  slice hostname, enum language language, struct arena *arena,
		  struct config_files *out, struct buf *errors) MUST_USE;
/* The configured certificate is over, which is told as above. */
bool layout_certificate_over(const struct config *c,
			     const struct config_files *files,
			     int64_t now_wall_ms, enum language language,
			     struct buf *errors);
/* The passwords alone. */
bool layout_passwords(const struct config *c, enum language language,
		      struct arena *arena, struct config_files *out,
		      struct buf *errors);
