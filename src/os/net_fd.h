/*
 * Descriptors over local sockets (SCM_RIGHTS): how master gives the new end
 * of a channel to a process that runs already.
 */
#pragma once

#include "os/net.h"

/* As os_recv, on a local socket. *passed is the descriptor that came with
 * these bytes (caller's, close-on-exec, not blocking), or -1; further ones
 * are closed. */
enum os_net_result os_recv_with_fd(int fd, void *to, size_t cap, size_t *n,
				   int *passed, struct err *err);
/* As os_send of one piece; `passed` stays the caller's and goes with the
 * first byte. */
enum os_net_result os_send_with_fd(int fd, slice s, int passed, size_t *n,
				   struct err *err);
