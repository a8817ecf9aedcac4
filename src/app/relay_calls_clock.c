/* clock.show and clock.accept, answered inside relay: what time it is here,
 * what the machine says, and what to do about it. See relay_calls.h. */
#include "app/relay_calls_private.h"

#include <stdio.h>

#include "os/clock.h"

enum { TEXT_MAX = 65536, SPAN_TEXT_MAX = 48 };

/* "+ 400 d 02:13:05" */
static slice span_text(int64_t ms, bool sign, char to[SPAN_TEXT_MAX])
{
	enum { DAY_S = 86400 };
	int64_t s = (ms < 0 ? -ms : ms) / 1000, days = s / DAY_S;
	const char *front = !sign ? "" : s == 0 ? "" : ms < 0 ? "- " : "+ ";
	char day_text[24] = "";
	if (days > 0)
		snprintf(day_text, sizeof(day_text), "%lld d ",
			 (long long)days);
	int n = snprintf(to, SPAN_TEXT_MAX, "%s%s%02d:%02d:%02d", front,
			 day_text, (int)(s % DAY_S / 3600),
			 (int)(s % 3600 / 60), (int)(s % 60));
	invariant(n > 0 && n < SPAN_TEXT_MAX);
	return (slice){ to, (size_t)n };
}

static enum relay_text words_of(enum clock_state state)
{
	static const enum relay_text words[CLOCK_STATES] = {
		[CLOCK_FINE] = RELAY_SAY_CLOCK_FINE,
		[CLOCK_AHEAD] = RELAY_SAY_CLOCK_AHEAD,
		[CLOCK_DOUBTFUL] = RELAY_SAY_CLOCK_DOUBTFUL,
		[CLOCK_BEHIND] = RELAY_SAY_CLOCK_BEHIND,
		[CLOCK_SLOW] = RELAY_SAY_CLOCK_SLOW,
	};
	return words[state];
}

/* Times in the first lines, then what they mean. */
static void put_words(struct buf *out, enum language language,
		      const struct clock_watch *w, bool taken)
{
	char own[TIME_TEXT_MAX], system[TIME_TEXT_MAX];
	char offset[SPAN_TEXT_MAX], wait[SPAN_TEXT_MAX];
	int64_t wait_ms = w->offset_ms > -INT64_MAX / 4 ? -2 * w->offset_ms
							: INT64_MAX / 2;
	slice args[] = {
		slice_of(time_text_ms(os_wall_ms(), own)),
		slice_of(time_text_ms(os_system_wall_ms(), system)),
		span_text(w->offset_ms, true, offset),
		span_text(wait_ms, false, wait),
	};
	enum relay_text words = taken ? RELAY_SAY_CLOCK_TAKEN :
				words_of(w->state);
	say(out, relay_text(RELAY_SAY_CLOCK_TIMES), language, args,
	    ARRAY_LEN(args));
	buf_append(out, SLICE("\n\n"));
	say(out, relay_text(words), language, args, ARRAY_LEN(args));
}

static void put_row(struct control_answer *a, enum language language,
		    const struct clock_watch *w, bool changed)
{
	struct buf out, words;
	struct json j;
	buf_init(&words, TEXT_MAX);
	buf_init(&out, TEXT_MAX);
	put_words(&words, language, w, changed && w->state == CLOCK_FINE);
	json_init(&j, &out);
	json_object_begin(&j);
	json_key(&j, "own");
	json_time_ms(&j, os_wall_ms());
	json_key(&j, "system");
	json_time_ms(&j, os_system_wall_ms());
	json_key(&j, "offset_ms");
	json_i64(&j, w->offset_ms);
	json_member_cstr(&j, "state", clock_state_name(w->state));
	json_member_bool(&j, "changed", changed);
	json_member_string(&j, "text", buf_slice(&words));
	json_object_end(&j);
	control_answer_row(a, buf_slice(&out));
	buf_fini(&words);
	buf_fini(&out);
}

static void accept_now(struct relay_clock *clock, struct journal *journal,
		       const struct relay_ask *ask)
{
	bool changed;
	struct err err = { 0 };
	if (!relay_clock_accept(clock, journal, &changed, &err)) {
		relay_call_say(ask, EXIT_IO_CODE, RELAY_SAY_CLOCK_UNWRITTEN,
			       slice_of(err.text));
		return;
	}
	put_row(ask->answer, ask->language, &clock->watch, changed);
	control_answer_end(ask->answer, EXIT_FINE, (slice){ 0 });
}

void relay_call_clock(struct relay_clock *clock, struct journal *journal,
		      slice name, slice args, struct control_answer *a)
{
	json_error_t where;
	json_t *json = json_loadb(args.p, args.n, 0, &where);
	struct relay_ask ask = {
		.name = name, .args = json, .answer = a,
		.language = language_of(json_text(json, "language")),
	};
	if (slice_eq(name, SLICE("clock.accept"))) {
		accept_now(clock, journal, &ask);
	} else if (slice_eq(name, SLICE("clock.show"))) {
		put_row(a, ask.language, &clock->watch, false);
		control_answer_end(a, EXIT_FINE, (slice){ 0 });
	} else {
		relay_call_say(&ask, EXIT_USAGE_CODE, RELAY_SAY_NO_SUCH_CALL,
			       name);
	}
	json_decref(json);
}
