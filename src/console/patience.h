/*
 * How long a client may take to send a request, whatever it drips meanwhile
 * (libmicrohttpd ends silence only). A connection is waited for from its begin,
 * and again from each answer, until the request is whole.
 *
 * begin, whole, again, end: on libmicrohttpd's thread; turn on another.
 */
#pragma once

#include "base/err.h"

enum { PATIENCE_MS = 30000, PATIENCE_LOOK_MS = 1000 };

struct patience;
struct patient;				/* of one connection */

bool patience_new(struct patience **out, struct err *err) MUST_USE;
/* After all connections have ended. */
void patience_free(struct patience **p);

/* NULL: no memory; the connection is not waited for then. */
struct patient *patience_begin(struct patience *p, int fd, int64_t now_ns);
/* NULL is none, here and below. */
void patience_whole(struct patience *p, struct patient *c);
void patience_again(struct patience *p, struct patient *c, int64_t now_ns);
/* Before its descriptor is closed. */
void patience_end(struct patience *p, struct patient **c);
/* stop(fd) for each that took too long; ns when to look again. */
int64_t patience_turn(struct patience *p, int64_t now_ns,
		      void (*stop)(int fd));
