/*
 * The bytes that master gives to a child in a sealed memory. Encoded by
 * master, decoded by the child; both are of one build, so the form has no
 * versions, only a number that must be the same.
 */
#pragma once

#include "app/start.h"

enum child_role { ROLE_RELAY, ROLE_ADMIN, ROLE_CONSOLE, ROLE_COUNT };
const char *child_role_name(enum child_role role);

enum { BUNDLE_MAX = 4194304, BUNDLE_SECRET_MAX = 4096,
       BUNDLE_PEM_MAX = 262144 };

/* What a configuration needs besides its text: what master alone may read. */
struct config_files {
	slice text;			/* of the configuration, may be empty */
	slice file;			/* its name; empty: there is none */
	slice certificate_pem, key_pem;
	const slice *secrets;		/* a password per route, may be empty */
	size_t secret_count;
};

struct bundle {
	enum child_role role;
	uint32_t master_pid;
	bool change_user;		/* drop to uid, gid (done by exec) */
	uint32_t uid, gid;
	bool alone;			/* admin: no relay will come */
	slice hostname;
	slice data_path;		/* absolute */
	uint32_t shards;
	struct config_files files;	/* certificate, key, secrets: relay */
	slice pepper;			/* relay, admin */
	const struct start_listener *listeners;		/* relay */
	size_t listener_count;
	/* descriptors, -1: none */
	int master_fd, counters_fd, notes_fd, console_fd;
	int peer_fds[ROLE_COUNT];	/* channels to the other roles */
	const struct id *poison;
	size_t poison_count;
	const struct start_refused *refused;
	size_t refused_count;
	struct start_troubles troubles;		/* relay */
};

void bundle_encode(const struct bundle *b, struct buf *out);
/* Slices and lists lend from bytes or lie in the arena. */
bool bundle_decode(slice bytes, struct arena *arena, struct bundle *out,
		   struct err *err) MUST_USE;

/* The payload of FRAME_RELOAD. */
void reload_encode(const struct config_files *f,
		   const struct start_listener *listeners, size_t count,
		   struct buf *out);
/* Parses the text and puts the secrets in. Errors in the text: ERR_PERMANENT
 * with the first of them in detail. */
bool files_to_config(const struct config_files *f, struct arena *arena,
		     struct config *out, struct err *err) MUST_USE;
