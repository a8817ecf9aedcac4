/*
 * Words for people in English and Japanese. Each folder that speaks has a
 * table (NAME_text.def) of rows TEXT(id, english, japanese); a test fails
 * when one is missing or the two take different arguments.
 */
#pragma once

#include "base/slice.h"

enum language { LANGUAGE_EN, LANGUAGE_JA };

/* "ja", "ja_JP.UTF-8" → Japanese; all else English. */
enum language language_of(slice name);

struct text {
	const char *en;
	const char *ja;
};
const char *text_in(const struct text *t, enum language language);

/* For "did you mean …": the candidate (NULL-terminated list) nearest to s by
 * edits, NULL when none is near (more than a third of it differs). */
const char *text_nearest(slice s, const char *const *candidates);
