/*
 * The store as a command sees it that has no SQL: postrider-admin, started for
 * one thing (store_tool.h) as the user that serves, says it.
 */
#pragma once

#include "app/layout.h"

struct store_asked {
	char state[16];			/* "good", "older", … (store_look.h);
					 * cut when it is something else */
	uint32_t schema, known;
	uint64_t revision;
	char text[200];			/* why, in SQLite's words */
};

enum store_asking { STORE_ASK_LOOK, STORE_ASK_COPY, STORE_ASK_ADOPT };
/* folder: with directory.db. above: see store_adopt. False: no answer. */
bool store_ask(const struct layout *l, enum store_asking what,
	       const char *folder, uint64_t above, struct store_asked *out,
	       struct err *err) MUST_USE;
