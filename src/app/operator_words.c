/* What mail to the operator says; see operator_alerts.h. English, the
 * Japanese text below it, and at the end what needs no language. */
#include "app/operator_alerts.h"

#include <inttypes.h>
#include <stdio.h>

#include "accept/notice.h"

enum say_id {
#define TEXT(id, en, ja) SAY_##id,
#include "app/operator_text.def"
#undef TEXT
	SAY_COUNT,
};
static const struct text texts[SAY_COUNT] = {
#define TEXT(id, en, ja) [SAY_##id] = { en, ja },
#include "app/operator_text.def"
#undef TEXT
};

static const struct {
	enum say_id subject, what, means, next;
	const char *commands;
} kinds[OPERATOR_KINDS] = {
#define OPERATOR(id, number, name, begin, commands)                           \
	[OPERATOR_##id] = { SAY_##id##_SUBJECT, SAY_##id##_WHAT,              \
			    SAY_##id##_MEANS, SAY_##id##_NEXT, commands },
#include "app/operator_kinds.def"
#undef OPERATOR
};

static void say_one(struct buf *out, enum say_id id, enum language language,
		    slice argument)
{
	notice_say(out, &texts[id], language, &argument, 1);
}

static void say_event(struct buf *out, enum say_id id,
		      enum language language, const struct operator_event *e,
		      slice hostname)
{
	const slice args[] = { hostname, e->args[0], e->args[1], e->args[2] };
	_Static_assert(ARRAY_LEN(args) == OPERATOR_ARGS + 1, "one each");
	notice_say(out, &texts[id], language, args, ARRAY_LEN(args));
}

void operator_subject(struct buf *out, const struct operator_event *e,
		      slice hostname, enum language language)
{
	struct buf of_kind;
	invariant(e->kind < OPERATOR_KINDS);
	buf_init(&of_kind, OPERATOR_SUBJECT_MAX);
	say_event(&of_kind, kinds[e->kind].subject, language, e, hostname);
	const slice args[] = { hostname, buf_slice(&of_kind) };
	notice_say(out, &texts[SAY_SUBJECT], language, args, ARRAY_LEN(args));
	out->failed |= of_kind.failed;
	buf_fini(&of_kind);
}

static void say_commands(struct buf *out, slice lines)
{
	while (lines.n > 0) {
		buf_append(out, SLICE("    "));
		buf_append(out, slice_cut(&lines, '\n'));
		buf_append_char(out, '\n');
	}
}

static void say_in(struct buf *out, enum language language,
		   const struct operator_event *e, slice hostname,
		   uint64_t suppressed)
{
	char when[TIME_TEXT_MAX], number[24];
	say_one(out, SAY_INTRO, language, hostname);
	say_one(out, SAY_WHAT, language, (slice){ 0 });
	say_event(out, kinds[e->kind].what, language, e, hostname);
	if (e->since_ms != 0)
		say_one(out, SAY_SINCE, language,
			slice_of(time_text_ms(e->since_ms, when)));
	say_one(out, SAY_MEANS, language, (slice){ 0 });
	say_event(out, kinds[e->kind].means, language, e, hostname);
	say_one(out, SAY_NEXT, language, (slice){ 0 });
	say_event(out, kinds[e->kind].next, language, e, hostname);
	say_one(out, SAY_MORE, language, (slice){ 0 });
	say_commands(out, slice_of(kinds[e->kind].commands));
	if (suppressed == 0)
		return;
	snprintf(number, sizeof(number), "%" PRIu64, suppressed);
	say_one(out, SAY_SUPPRESSED, language, slice_of(number));
}

void operator_text(struct buf *out, const struct operator_event *e,
		   slice hostname, uint64_t suppressed)
{
	invariant(e->kind < OPERATOR_KINDS);
	say_in(out, LANGUAGE_EN, e, hostname, suppressed);
	buf_append(out, SLICE("\n----------\n\n"));
	say_in(out, LANGUAGE_JA, e, hostname, suppressed);
	if (e->detail.n == 0)
		return;
	buf_append(out, SLICE("\n----------\n\n"));
	buf_append(out, e->detail);
}
