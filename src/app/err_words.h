/*
 * Errors (base/err.h) as people read them. Where something fails nobody knows
 * who will read it, so err texts are English; those that the command line may
 * show stand in err_text.def with their Japanese, found by their words.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* One line without its end. Text without a Japanese form stays English. */
void err_words(struct buf *out, const struct err *err,
	       enum language language);

/* The same for a line that another process has said. */
void err_line_words(struct buf *out, slice line, enum language language);

enum err_text {
#define TEXT(id, en, ja) ERR_SAY_##id,
#include "app/err_text.def"
#undef TEXT
	ERR_SAY_COUNT,
};
const struct text *err_text(enum err_text id);
