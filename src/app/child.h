/*
 * The first lines of every child of master: reads its bundle, ties its life
 * to master's, drops what it needn't have, maps the shared pages, and hands
 * plain values to the role's own code.
 */
#pragma once

#include "app/bundle.h"

struct child {
	struct arena arena;		/* for the process's life */
	struct buf bytes;
	struct bundle bundle;
	struct config config;
	struct log log;
	char data_path[3000];
	struct counters_page *counters;	/* NULL: not given */
	struct notes *notes;
};

/* bundle_fd is closed. Writable pages: relay's. */
bool child_begin(struct child *c, enum child_role role, int bundle_fd,
		 struct err *err) MUST_USE;
/* Says the error as a line of log, and gives the exit code for it. */
int child_failed(struct child *c, const struct err *err);
/* "--bundle=N" among the arguments; -1. */
int child_bundle_fd(int argc, char *const *argv);

/* The whole life of relay (src/app/relay.c does the work). */
int child_relay(int bundle_fd);

/* A log that writes to standard error. Relay's has the time that mail goes by,
 * the others' what the machine's clock says (docs/why/clock.md). */
void log_to_stderr(struct log *log, const char *role);
