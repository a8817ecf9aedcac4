/*
 * The console's process: HTTP on a socket that master listens with, calls of
 * admin on connections that it hands over (front.h). It knows no meaning: who
 * may do what, and what there is for him, admin decides. Bounded in
 * connections, memory and time.
 */
#pragma once

#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"

struct console_config {
	int listen_fd;
	int admin_fd;			/* channel to admin; -1: master brings
					 * one */
	int master_fd;			/* its end is the end of this process */
	const struct counters_page *counters;
	struct log *log;
};
/* Closes its sandbox (os_seccomp_console), tells master that it is ready, and
 * serves until master closes its channel or says drain; the exit code. Takes
 * over all descriptors. */
int console_serve(const struct console_config *config);
