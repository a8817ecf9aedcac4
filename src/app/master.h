/*
 * `postrider serve`: the process that binds the ports, reads keys and
 * configuration, starts the others and starts them again. It never reads a
 * byte from the network.
 */
#pragma once

#include "app/config.h"

struct master_options {
	const char *config_file;	/* NULL: none, defaults serve */
	const char *data_dir;		/* --data-dir; NULL: the file's */
	/* Of what a person at the terminal reads; the log is English. */
	enum language language;
};
/* Serves until SIGTERM or SIGINT; returns the exit code (sysexits). */
int master_run(const struct master_options *options);
