/*
 * Words for people in English and Japanese. Each folder that speaks has a
 * table (NAME_text.def) of rows TEXT(id, english, japanese); a test fails
 * when one is missing or the two take different arguments.
 */
#pragma once

#include "base/buf.h"

enum language { LANGUAGE_EN, LANGUAGE_JA };

/* "ja", "ja_JP.UTF-8" → Japanese; all else English. */
enum language language_of(slice name);

struct text {
	const char *en;
	const char *ja;
};
const char *text_in(const struct text *t, enum language language);
/* Its places filled: "{0}" is the first argument, put there by `write`, which
 * knows what may stand where the words go (a terminal, a message). */
void text_fill(struct buf *out, const struct text *t, enum language language,
	       const slice *args, size_t count,
	       void (*write)(struct buf *out, slice argument));

/* For "did you mean …": the candidate (NULL-terminated list) nearest to s by
 * edits, NULL when none is near (more than a third of it differs). */
const char *text_nearest(slice s, const char *const *candidates);

/* Bytes of the one UTF-8 character at the front of s (RFC 3629: no
 * surrogates, nothing over-long, at most U+10FFFF); 0 when it is none. */
size_t utf8_length(slice s);
bool utf8_valid(slice s);
/* The longest front of s that is at most max bytes and cuts no character. */
slice utf8_cut(slice s, size_t max);
