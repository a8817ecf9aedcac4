/* What the files of the report share. */
#pragma once

#include "base/buf.h"
#include "mail/report.h"
#include "mail/report_encode.h"

enum report_text_id {
#define TEXT(id, en, ja) REPORT_TEXT_##id,
#include "mail/report_text.def"
#undef TEXT
	REPORT_TEXT_COUNT,
};
const struct text *report_text(enum report_text_id id);

/* Part one: the words for people, '\n' at line ends, UTF-8; whole: the
 * original is returned whole. */
void report_write_words(struct buf *out, const struct report *r, bool whole);
