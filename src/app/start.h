/*
 * What a child gets from master: a sealed bundle of bytes behind an inherited
 * descriptor, and more descriptors whose numbers stand in it. main decodes
 * it before the role's own code runs; nothing else is read from files
 * or the environment.
 */
#pragma once

#include "app/config.h"
#include "base/counters.h"
#include "base/id.h"
#include "base/log.h"
#include "base/notes.h"
#include "crypto/password.h"

enum { START_POISON_MAX = 1000, START_REFUSED_MAX = 1000 };

/* A listening socket of one shard. */
struct start_listener {
	uint32_t shard;
	uint32_t listener;		/* index in config->listeners */
	struct ip_port at;
	uint32_t number;		/* master's name for the socket */
	int fd;
};

/* An address on which relay crashed three times: refused for a while. */
struct start_refused {
	struct ip_addr address;
	int64_t left_ms;		/* clocks of processes differ */
};

/* What master saw of earlier relays, for the operator's mail. */
struct start_troubles {
	uint32_t crashes;		/* since the service was started */
	int64_t crashed_ms;		/* wall clock; 0: the last one ended
					 * in order */
	int64_t spool_closed_ms;	/* 0: it didn't */
};

struct relay_start {
	const struct config *config;	/* secrets are filled in */
	slice hostname;			/* never empty */
	uint32_t shards;
	const struct start_listener *listeners;
	size_t listener_count;
	slice certificate_pem, key_pem;
	const uint8_t *pepper;		/* PEPPER_LEN */
	/* Open directories, of os_dir_open. */
	int data_dir, spool_dir, view_dir, journal_dir;
	const int *maildir_dirs;	/* by route; -1: none of Maildir */
	int admin_fd, master_fd;	/* channels of frames */
	struct counters_page *counters;	/* shards + COUNTERS_OTHERS slots */
	struct notes *notes;		/* a note per shard */
	const struct id *poison;	/* messages to hold */
	size_t poison_count;
	const struct start_refused *refused;
	size_t refused_count;
	struct start_troubles troubles;
	struct log *log;
	/* for start_close_sandbox */
	const char *data_path;
};

/* The relay process (src/app/relay.c): returns its exit code. */
int relay_main(const struct relay_start *start);

/*
 * Closes the sandbox of relay: seccomp and Landlock, no exec, no core. To be
 * called once, by the only thread there is yet, after libraries have loaded
 * what they need (trust anchors, resolv.conf) and before threads start.
 */
bool start_close_sandbox(const struct relay_start *start,
			 struct err *err) MUST_USE;

/*
 * The payload of FRAME_RELOAD (control_handlers.reload): a configuration
 * that master has found good, its secrets, the certificate as it is now, and
 * the sockets to listen on. Those that relay has not yet came by FRAME_LISTEN
 * before. What can't change without a new start (app/config_change.h) stays
 * as it was: relay ignores it.
 */
struct start_reload {
	struct config config;
	slice certificate_pem, key_pem;	/* in the arena */
	const struct start_listener *listeners;	/* fd: -1 */
	size_t listener_count;
};
bool start_reload_decode(slice payload, struct arena *arena,
			 struct start_reload *out, struct err *err) MUST_USE;
