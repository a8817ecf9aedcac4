/*
 * A listening socket on a loop: accepts while there is room, and never
 * spins when descriptors run out.
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
void listener_free(struct listener **l);
/* Stops and starts taking connections (drain, full). */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);
