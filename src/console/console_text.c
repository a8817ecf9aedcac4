/* See console_text.h. */
#include "console/console_text.h"

static const struct text TEXTS[] = {
#define TEXT(id, en, ja) { en, ja },
#include "console/console_text.def"
#undef TEXT
};

const struct text *console_text(enum console_text id)
{
	invariant(id < CONSOLE_TEXT_COUNT);
	return &TEXTS[id];
}
