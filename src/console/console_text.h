/* The console's own words for people, by name; wire/say.h fills the places. */
#pragma once

#include "wire/say.h"

enum console_text {
#define TEXT(id, en, ja) CONSOLE_##id,
#include "console/console_text.def"
#undef TEXT
	CONSOLE_TEXT_COUNT,
};

const struct text *console_text(enum console_text id);
