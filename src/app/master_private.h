/*
 * Inside of master.
 *
 *   STARTING ── relay says ready ──> SERVING ── SIGTERM ──> DRAINING
 *       └──────────── SIGTERM ───────────────────────────────^ │ relay ended
 *                                        ENDING <──────────────┘ or 30 s
 *
 * Children are started again in STARTING and SERVING only.
 */
#pragma once

#include "app/layout.h"
#include "app/master.h"
#include "app/poison.h"
#include "app/restart.h"
#include "os/process.h"
#include "wire/frame.h"

enum {
	MASTER_DRAIN_MS = 30000,
	MASTER_END_MS = 3000,		/* admin and console, after relay */
	MASTER_SILENCE_MS = 60000,	/* of a shard's heart */
	MASTER_FAINT_MS = 15000,	/* no longer ready then */
	MASTER_LOOK_MS = 1000,		/* at hearts and deadlines */
	MASTER_LOCK_WAIT_MS = 10000,
	MASTER_SEND_MS = 1000,
	MASTER_LISTENERS_MAX = 2000,	/* sockets */
};

struct master_child {
	pid_t pid;			/* 0: not running */
	int channel;			/* -1 */
	struct buf in;
	bool ready;
	bool killed;			/* by us, for its silence */
	int64_t started_ms;
	int64_t start_at_ms;		/* when not running */
	struct restart restart;
};

enum master_state { MASTER_STARTING, MASTER_SERVING, MASTER_DRAINING,
		    MASTER_ENDING };

/* A configuration in force, with all that came from files. */
struct master_config {
	struct arena arena;
	struct config config;
	struct config_files files;
};

/* Listening sockets; numbers are never used twice. */
struct master_sockets {
	struct start_listener *rows;
	size_t count;
};

struct master {
	struct master_options options;
	struct log log;
	enum master_state state;
	bool alone;			/* only admin is started: solo.c */
	int64_t deadline_ms;		/* of DRAINING and ENDING */
	int exit_code;
	struct master_config *now;
	struct layout layout;
	char hostname[256];
	char program_dir[2048];
	char own_path[2048];
	uint32_t shards;
	struct master_sockets sockets;
	uint32_t last_socket;		/* number given last */
	int console_fd;			/* listening; -1 */
	int counters_fd, notes_fd;
	struct counters_page *counters;
	struct notes *notes;
	struct {
		uint64_t beats;
		int64_t changed_ms;
	} hearts[CONFIG_SHARDS_MAX];
	uint8_t pepper[PEPPER_LEN];
	struct poison *poison;
	struct start_troubles troubles;
	int signals;
	struct master_child children[ROLE_COUNT];
};

/* master.c */
void master_init(struct master *m, const struct master_options *options);
void master_fini(struct master *m);
int64_t master_now_ms(void);
int master_exit_code(const struct err *err);

/* master_setup.c */
/* Reads and checks the configuration and its files. False: errors are in
 * the buffer, a line each; nothing is left behind. */
struct master_config *master_config_read(struct master *m,
					 enum language language,
					 struct buf *errors);
void master_config_free(struct master_config **c);
/* All that must stand before children start. */
bool master_setup(struct master *m, struct err *err) MUST_USE;
/* The part of it that admin alone needs; waits for no lock. */
bool master_setup_admin(struct master *m, struct err *err) MUST_USE;
void master_teardown(struct master *m);
/* The socket of an admin that is gone. */
void master_remove_control(struct master *m);

/* master_listen.c */
/* A socket for each shard at each address of the configuration: those that m
 * has already, and new ones. False: nothing is left behind; err's detail names
 * the address. */
bool master_listen(struct master *m, const struct config *c,
		   struct master_sockets *out, struct err *err) MUST_USE;
/* Frees the list, and closes its sockets but those that `but` has as well
 * (NULL: none). */
void master_sockets_close(struct master_sockets *s,
			  const struct master_sockets *but);
bool master_has_socket(const struct master_sockets *s, uint32_t number);
/* Waits a moment for an address that somebody is about to leave. */
bool master_listen_patiently(const struct ip_port *at, int *fd,
			     struct err *err) MUST_USE;

/* master_reload.c */
/* SIGHUP: takes the configuration anew, all of it or nothing. */
void master_reload(struct master *m);
/* The gauge of the certificate in force. */
void master_count_certificate(struct master *m);

/* master_child.c */
bool master_child_start(struct master *m, enum child_role role,
			struct err *err) MUST_USE;
void master_child_ended(struct master *m, const struct os_end *end);
/* A frame without or with a payload; a child that takes none is left to its
 * end. */
void master_child_tell(struct master *m, enum child_role role, unsigned type,
		       slice payload);
/* The same with a descriptor, which stays ours. */
void master_child_pass(struct master *m, enum child_role role, unsigned type,
		       slice payload, int fd);
/* What came on a channel: READY, or its end. */
void master_child_hear(struct master *m, enum child_role role);
/* master_troubles.c: what a later relay shall tell the operator. */
/* A spool that had closed itself when the service ended. */
void master_troubles_read(struct master *m);
void master_troubles_crashed(struct master *m);
/* Once a second: has the spool closed? */
void master_troubles_watch(struct master *m);
/* Relay serves, and so has told. */
void master_troubles_told(struct master *m);
/* Kills a relay whose shard has been silent for too long. */
void master_watch_hearts(struct master *m);
