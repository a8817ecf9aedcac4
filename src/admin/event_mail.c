/* What a line of the journal counts for; see event.h. */
#include "wire/json_text.h"

#include "admin/event.h"

#include <stdio.h>

static uint32_t number(const json_t *object, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(object, key));
	return v > 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static uint32_t length(const json_t *object, const char *key)
{
	size_t n = json_array_size(json_object_get(object, key));
	return n <= UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* "250 2.0.0 ok"; what is longer is cut. */
static void take_reply(struct event_mail *m, const json_t *result)
{
	slice text = json_text(result, "reply");
	uint32_t code = number(result, "code");
	int max = (int)sizeof(m->reply) - 16;
	int n = text.n < (size_t)max ? (int)text.n : max;
	if (code == 0)
		snprintf(m->reply, sizeof(m->reply), "%.*s", n,
			 text.n > 0 ? text.p : "");
	else
		snprintf(m->reply, sizeof(m->reply), "%u%s%.*s", code,
			 n > 0 ? " " : "", n, text.n > 0 ? text.p : "");
}

static void take_attempt(struct event_mail *m, const json_t *line)
{
	size_t i;
	json_t *result;
	json_array_foreach(json_object_get(line, "recipients"), i, result) {
		slice state = json_text(result, "state");
		m->delivered += slice_eq(state, SLICE("delivered"));
		m->deferred += slice_eq(state, SLICE("deferred"));
		m->failed += slice_eq(state, SLICE("failed"));
		take_reply(m, result);
	}
}

static enum event_kind kind_of(slice name)
{
	static const struct {
		const char *name;
		enum event_kind kind;
	} kinds[] = {
		{ "accepted", EVENT_ACCEPTED }, { "delivery", EVENT_DELIVERY },
		{ "queue.held", EVENT_HELD }, { "refused", EVENT_REFUSED },
		{ "queue.released", EVENT_RELEASED },
		{ "queue.removed", EVENT_REMOVED },
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (slice_eq(name, slice_of(kinds[i].name)))
			return kinds[i].kind;
	return EVENT_OTHER;
}

void event_mail(const struct event *e, struct event_mail *out)
{
	const json_t *line = e->json;
	*out = (struct event_mail){
		.kind = kind_of(e->name),
		.customer = e->owner <= UINT32_MAX ? (uint32_t)e->owner : 0,
		.setting = number(line, "setting"),
		.sender = json_text(line, "from"),
		.cause = json_text(line, "cause"),
		.recipients = number(line, "recipients"),
		.goes_on = json_is_true(json_object_get(line, "goes_on")),
	};
	switch (out->kind) {
	case EVENT_ACCEPTED:
		/* Of very many only the first are named. */
		out->recipients = number(line, "recipient_count");
		if (out->recipients == 0)
			out->recipients = length(line, "recipients");
		out->held = length(line, "held_recipients");
		break;
	case EVENT_DELIVERY:
		take_attempt(out, line);
		break;
	case EVENT_REFUSED:
		if (out->recipients == 0)
			out->recipients = 1;
		break;
	case EVENT_HELD:
	case EVENT_RELEASED:
	case EVENT_REMOVED:
	case EVENT_OTHER:
		break;
	}
}
