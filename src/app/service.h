/*
 * How a subcommand finds the configuration, the data directory and the
 * running service; and how it starts admin alone, under the lock, when no
 * service runs.
 */
#pragma once

#include "app/cli.h"
#include "app/layout.h"
#include "control/ask_admin.h"

struct setup {
	struct arena arena;
	struct config config;
	struct layout layout;		/* path only */
	const char *file;		/* NULL: none */
	slice text;			/* of the file */
};
/* The file to read: --config, else the default ones that exist; NULL. */
const char *setup_config_file(const struct cli *cli);
/* Configuration and where its data lies. False: said; *code to exit with. */
bool setup_open(struct setup *s, const struct cli *cli, int *code) MUST_USE;
void setup_close(struct setup *s);

/* A call to the service; when none runs and `alone` is set, admin is started
 * for it. Rows go to each. The exit code; problems have been said. */
struct service_call {
	const char *name;
	slice args, text;
	bool alone;
	bool (*each)(void *ctx, slice json_object);
	void *ctx;
};
int service_call(const struct cli *cli, const struct service_call *call,
		 struct buf *end_text);

/* --- admin alone (solo.c) ------------------------------------------------- */
struct solo;
bool solo_begin(const struct cli *cli, const char *config_file,
		struct solo **out, struct err *err) MUST_USE;
void solo_end(struct solo **s);
/* Waits until admin answers on ctl.sock: it has the store and has made the
 * view by then. ERR_PERMANENT when it ended instead (it said why). */
bool solo_wait(struct solo *s, int64_t wait_ms, struct err *err) MUST_USE;
