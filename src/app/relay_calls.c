/* Calls answered inside relay: who answers which. See relay_calls.h. */
#include "app/relay_calls_private.h"

static const struct text texts[RELAY_SAY_COUNT] = {
#define TEXT(id, en, ja) [RELAY_SAY_##id] = { en, ja },
#include "app/relay_text.def"
#undef TEXT
};

const struct text *relay_text(enum relay_text id)
{
	invariant(id < RELAY_SAY_COUNT);
	return &texts[id];
}

void relay_call_say(const struct relay_ask *ask, int code, enum relay_text id,
		    slice about)
{
	struct buf words;
	buf_init(&words, 65536);
	say(&words, relay_text(id), ask->language, &about, 1);
	control_answer_end(ask->answer, code, buf_slice(&words));
	buf_fini(&words);
}

static void answer(const struct relay_ask *ask)
{
	if (!json_is_object(ask->args))
		relay_call_say(ask, EXIT_USAGE_CODE, RELAY_SAY_BAD_ARGUMENTS,
			       (slice){ 0 });
	else if (slice_eq(ask->name, SLICE("queue.destinations")))
		relay_call_destinations(ask);
	else if (slice_eq(ask->name, SLICE("limits.show")))
		relay_call_limits(ask);
	else if (slice_eq(ask->name, SLICE("limits.users")))
		relay_call_limits_users(ask);
	else if (!relay_call_queue(ask))
		relay_call_say(ask, EXIT_USAGE_CODE, RELAY_SAY_NO_SUCH_CALL,
			       ask->name);
}

void relay_call(struct relay_core *c, slice name, slice args,
		struct control_answer *a)
{
	json_error_t where;
	json_t *json = json_loadb(args.p, args.n, 0, &where);
	struct relay_ask ask = {
		.core = c, .name = name, .args = json, .answer = a,
		.language = language_of(json_text(json, "language")),
	};
	answer(&ask);
	json_decref(json);
}
