/*
 * The console's HTTP front: libmicrohttpd with one thread and epoll on a
 * socket that master listens with. Bounded in connections, memory and time.
 */
#pragma once

#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"

struct console_config {
	int listen_fd;
	int master_fd;			/* its end is the end of this process */
	const struct counters_page *counters;
	struct log *log;
};
/* Serves until master closes its channel or says drain; the exit code. */
int console_serve(const struct console_config *config);
