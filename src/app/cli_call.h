/* One call of admin from a command line that was understood. */
#pragma once

#include "app/cli.h"
#include "app/table.h"

/* Its options and argument as a JSON object; caller frees. NULL: no memory. */
char *cli_call_args(const struct cli *cli);
/* The command's call; what admin says at the end goes to standard error. */
int cli_call(const struct cli *cli, slice text,
	     bool (*each)(void *ctx, slice json_object), void *ctx);
/* The same; what admin says at the end goes to `end`. */
int cli_call_end(const struct cli *cli, slice text,
		 bool (*each)(void *ctx, slice json_object), void *ctx,
		 struct buf *end);
/* text and a line end to standard output. */
bool cli_print_line(slice text);
