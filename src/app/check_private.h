/* What the parts of `postrider check` share: cmd_check.c looks at the
 * configuration and this machine, check_data.c into the data directory. */
#pragma once

#include "app/cli.h"
#include "app/layout.h"

enum check_text {
#define TEXT(id, en, ja) CHECK_##id,
#include "app/check_text.def"
#undef TEXT
	CHECK_TEXT_COUNT,
};
const struct text *check_text(enum check_text id);

struct check {
	const struct cli *cli;
	const char *file;		/* of the configuration; "-": none */
	unsigned errors, warnings;
};

enum severity { WARNING, ERROR };
/* A finding about a place (a file, an address), about a and b. */
void check_tell(struct check *k, enum severity severity, const char *place,
		enum check_text id, slice a, slice b);
void check_tell_err(struct check *k, const char *place, const struct err *err);

/* Store, view and spool, read-only, also while a service runs. */
void check_data(struct check *k, const struct layout *l);
