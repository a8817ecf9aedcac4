/*
 * The admin process: the only one that opens the store. It takes calls on
 * ctl.sock, changes the directory, and brings each change to relay. Also the
 * same without a service: the command line starts it alone under a lock.
 */
#pragma once

#include "base/log.h"

struct admin_config {
	const char *data_dir;		/* path; must exist */
	const char *ctl_path;		/* of ctl.sock; relative: in data_dir */
	const char *journal_dir;	/* relay's journal and its index, for */
	const char *index_dir;		/* trace; NULL: none is kept */
	unsigned ctl_mode;		/* 0: 0600 */
	int relay_fd;			/* channel to relay, or -1: master
					 * brings one */
	int front_fd;			/* channel to console, which brings its
					 * connections on it; the same */
	int master_fd;			/* -1: none */
	bool alone;			/* no relay will come: a change is
					 * done when it is stored */
	uint8_t pepper[32];		/* of app passwords */
	slice hostname;
	slice console_url;		/* of links to sign in by; empty: there
					 * is no console */
	struct log *log;
};

/* Serves until master says so (0), is gone (75), or it can't go on: 78 for a
 * store of a newer version, 75 when another admin holds the lock, 74 for a
 * store or view that can't be read. Takes over both descriptors. */
int admin_serve(const struct admin_config *config);

struct admin_once {
	const char *data_dir;
	const char *call;		/* name */
	slice args;			/* JSON object, may be empty */
	slice text;			/* of calls that read one */
	uint8_t pepper[32];
	slice hostname;
	slice console_url;
	bool front;			/* as the console brings it */
	int64_t at_ms;			/* the time that it is; 0: now */
	struct log *log;		/* NULL: silent */
	bool (*on_row)(void *ctx, slice json_object);	/* may be NULL */
	void *ctx;
};
/* One call without a running service, under the lock. *code and text as
 * ask_admin_call gives them. ERR_TEMPORARY: a service holds the lock. */
bool admin_call_offline(const struct admin_once *once, int *code,
			struct buf *text, struct err *err) MUST_USE;
