/*
 * What postrider-admin does for a command that has no SQL (check, backup,
 * restore), instead of serving: one thing with the store, its answer as one
 * JSON object on an inherited channel, and the end.
 *
 *   --look=FOLDER   what check is told of it (admin/store_look.h)
 *   --copy=FOLDER   a copy beside it (admin/store_copy.h)
 *   --adopt=FOLDER  a copy was put there; --above=REVISION --uid=WHO
 *
 * and with each --answer=DESCRIPTOR --parent=PID. FOLDER has directory.db.
 */
#pragma once

#include <stdbool.h>

/* Do the arguments ask for it? */
bool store_tool_wanted(int argc, char *const *argv);
int store_tool(int argc, char *const *argv);	/* exit code */
