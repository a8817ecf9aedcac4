/*
 * The rows of explain_text.def as a table, and the writer that fills them
 * in. Private to src/policy.
 */
#pragma once

#include "base/text.h"
#include "policy/decide.h"

enum explain_row {
#define TEXT(id, en, ja) SAY_##id,
#include "policy/explain_text.def"
#undef TEXT
	SAY_COUNT,
};

struct explain_words {
	const char *name;
	struct text text;
};
const struct explain_words *explain_words(enum explain_row row);
/* The row of that name; false when there is none. */
bool explain_row_named(const char *name, enum explain_row *out) MUST_USE;

/* What the words in braces stand for. */
struct explain_values {
	const struct facts *facts;
	const struct setting *setting;	/* may be NULL */
	slice detail;
	slice hostname;
	bool reply;		/* for an SMTP reply: English, printable
				 * ASCII, long values cut, the setting by its
				 * key; else UTF-8 with control characters
				 * shown as \xNN */
};

/* Appends the row's sentence. */
void explain_say(struct buf *out, enum language language,
		 enum explain_row row, const struct explain_values *values);
/* One value in the same careful way. */
void explain_value(struct buf *out, slice value, bool reply);

/* What to do about a refusal, best first; returns how many, at most
 * EXPLAIN_FIXES_MAX; 0 when it is accepted. (advice.c) */
enum { EXPLAIN_FIXES_MAX = 3 };
uint32_t explain_fixes(const struct facts *f, const struct decision *d,
		       enum explain_row out[EXPLAIN_FIXES_MAX]);
