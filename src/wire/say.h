/*
 * Words for people out of a table (base/text.h), with places for what they
 * are about: "{0}" is the first argument. Arguments come from files and
 * sockets: control characters and bytes that are no UTF-8 are shown as "?",
 * long ones are cut, so one message stays one line.
 */
#pragma once

#include "base/buf.h"
#include "base/text.h"

enum { SAY_ARGUMENT_MAX = 200, SAY_ARGUMENTS_MAX = 10 };

void say(struct buf *out, const struct text *t, enum language language,
	 const slice *args, size_t count);
/* "out of memory", which everybody may have to say. */
const struct text *say_no_memory(void);
/* The argument alone, as above. */
void say_plain(struct buf *out, slice s);
