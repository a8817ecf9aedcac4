/*
 * Local sockets between our processes, and waiting on a few of them: for
 * admin, master and the command line, which have no loop of shards. Bytes
 * move by os_recv and os_send (os/net.h).
 */
#pragma once

#include "os/net.h"

/* A connected pair, not blocking, close-on-exec. */
bool os_ipc_pair(int out[2], struct err *err) MUST_USE;
/* Listens at `path`, replacing a socket that nobody serves any more (the
 * caller holds the lock that says so). mode: 0600, 0660. */
bool os_ipc_listen(const char *path, unsigned mode, int *out,
		   struct err *err) MUST_USE;
/* ERR_TEMPORARY when nobody serves it (missing or refused). Not blocking. */
bool os_ipc_connect(const char *path, int *out, struct err *err) MUST_USE;

struct os_ipc_peer {
	uint32_t uid;
	uint32_t pid;
};
/* OS_NET_AGAIN: nobody waits. */
enum os_net_result os_ipc_accept(int listener, int *out,
				 struct os_ipc_peer *peer, struct err *err);
/* Of this process (effective). */
uint32_t os_ipc_uid(void);

struct os_ipc_wait {
	int fd;			/* -1: left out */
	unsigned interest;	/* OS_READABLE | OS_WRITABLE */
	unsigned events;	/* out; an error or hang-up sets both */
};
enum { OS_IPC_WAITS_MAX = 256 };
/* At most timeout_ms (-1: for ever). Interrupted: no events. */
bool os_ipc_poll(struct os_ipc_wait *waits, size_t count, int timeout_ms,
		 struct err *err) MUST_USE;
