/*
 * Calling admin over ctl.sock: for the command line and the console. Waits.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct ask_admin;

/* path: of ctl.sock. ERR_TEMPORARY when no service runs there. */
bool ask_admin_open(const char *path, struct ask_admin **out,
		    struct err *err) MUST_USE;
void ask_admin_close(struct ask_admin **a);

struct ask_admin_call {
	const char *name;	/* "directory.apply" */
	slice args;		/* a JSON object; empty: {} */
	slice text;		/* of calls that read one (a directory file):
				 * at most YAML_TEXT_MAX bytes; else empty */
	int silence_ms;		/* give up when nothing comes for so long;
				 * 0: 60 s */
	/* Each row, a JSON object; may be NULL. False ends the call. */
	bool (*on_row)(void *ctx, slice json_object);
	void *ctx;
};
/*
 * Makes one call. *code: sysexits code that admin answered with; its text for
 * people goes to `text`. False: admin was lost on the way (ERR_TEMPORARY:
 * what it did is unknown; run it again) or answered no frames.
 */
bool ask_admin_call(struct ask_admin *a, const struct ask_admin_call *call,
		    int *code, struct buf *text, struct err *err) MUST_USE;
