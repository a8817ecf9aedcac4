/* Admin's words for people, by name; wire/say.h fills the places. */
#pragma once

#include "wire/say.h"

enum admin_text {
#define TEXT(id, en, ja) SAY_##id,
#include "admin/admin_text.def"
#undef TEXT
	SAY_COUNT,
};

const struct text *admin_text(enum admin_text id);
/* "RANGE_OVERLAPS": what a program knows it by. */
const char *admin_text_name(enum admin_text id);
/* At most three arguments; those without a place are left out. */
void admin_say(struct buf *out, enum language language, enum admin_text id,
	       slice a, slice b, slice c);
