/*
 * A listening socket on a loop: accepts while there is room, and never
 * spins when descriptors run out. All calls on the loop's thread, or before
 * it runs.
 */
#pragma once

#include "net/loop.h"

struct listener;
/* accepted takes fd. */
typedef void listener_accepted(void *ctx, int fd, const struct ip_port *peer,
			       const struct ip_port *local);
/* Doesn't take fd: master keeps listening sockets open for good. */
bool listener_new(struct listener **out, struct loop *l, int fd,
		  listener_accepted *accepted, void *ctx,
		  struct err *err) MUST_USE;
/* Allowed inside accepted. */
void listener_free(struct listener **l);
/* What a connection is told that comes when no descriptor is left ("421 …"),
 * before it is closed; nothing by default. A string that stays. */
void listener_farewell(struct listener *l, slice words);
/* Connections refused so, for logs and metrics. */
uint64_t listener_refused(const struct listener *l);
/* Stops and starts taking connections (drain, full). Those that come
 * meanwhile wait in the kernel. Allowed inside accepted. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);
