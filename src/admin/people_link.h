/* Links that let somebody into the console once, and the first of them: for
 * the operator of a service that nobody can sign in to yet. */
#pragma once

#include "admin/people.h"

/* "http://127.0.0.1:8025/login#invite=…": behind "#", so that no log and no
 * Referer has it. */
void people_write_link(struct buf *out, const struct admin *a,
		       const char *token);
void people_add_operator(struct store *s, slice address, int64_t now);
/*
 * If there is a console and no operator who can sign in: makes a link for one
 * (operator@HOSTNAME, added when there is none at all), in place of the one of
 * the start before, and appends what to tell whoever started the service.
 * False: the store failed, or no memory.
 */
bool people_first_link(struct admin *a, struct buf *out, struct err *err)
	MUST_USE;
