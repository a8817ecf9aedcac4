/* See text.h. */
#include "admin/text.h"

static const struct text TEXTS[] = {
#define TEXT(id, en, ja) { en, ja },
#include "admin/admin_text.def"
#undef TEXT
};

static const char *const NAMES[] = {
#define TEXT(id, en, ja) #id,
#include "admin/admin_text.def"
#undef TEXT
};

const char *admin_text_name(enum admin_text id)
{
	invariant(id < SAY_COUNT);
	return NAMES[id];
}

const struct text *admin_text(enum admin_text id)
{
	invariant(id < SAY_COUNT);
	return &TEXTS[id];
}

void admin_say(struct buf *out, enum language language, enum admin_text id,
	       slice a, slice b, slice c)
{
	slice args[] = { a, b, c };
	say(out, admin_text(id), language, args, ARRAY_LEN(args));
}
