/* What relay's answers to calls share. */
#pragma once

#include "wire/json_text.h"

#include "app/relay_calls.h"
#include "wire/say.h"

enum { EXIT_FINE = 0, EXIT_NONE_FOUND = 1, EXIT_USAGE_CODE = 64,
       EXIT_DATA_CODE = 65, EXIT_SOFTWARE_CODE = 70, EXIT_IO_CODE = 74,
       EXIT_TEMPORARY_CODE = 75 };

enum relay_text {
#define TEXT(id, en, ja) RELAY_SAY_##id,
#include "app/relay_text.def"
#undef TEXT
	RELAY_SAY_COUNT,
};
const struct text *relay_text(enum relay_text id);

/* One call: what was asked, and where the answer goes. */
struct relay_ask {
	struct relay_core *core;
	slice name;
	const json_t *args;		/* an object; lent until the return */
	enum language language;
	struct control_answer *answer;
};
/* Ends the answer with words; about: {0}. */
void relay_call_say(const struct relay_ask *ask, int code, enum relay_text id,
		    slice about);

/* queue.list, show, retry, hold, release, remove. False: it is none of
 * these. */
bool relay_call_queue(const struct relay_ask *ask) MUST_USE;
/* queue.destinations. */
void relay_call_destinations(const struct relay_ask *ask);
/* limits.show. */
void relay_call_limits(const struct relay_ask *ask);
/* limits.users: {customer, limit, cursor}; last row {"next": …}. */
void relay_call_limits_users(const struct relay_ask *ask);
