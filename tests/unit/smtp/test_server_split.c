/*
 * The law of the engine: events and replies don't depend on how the input
 * was cut. Each dialogue is fed whole, byte by byte, in two parts at every
 * byte, and in pieces of 2 to 7 bytes, in plain text and under TLS.
 */
#include "unit/smtp/server_dialogues.h"

enum cut { CUT_NONE, CUT_PIECES, CUT_IN_TWO };

struct outcome {
	struct buf replies, events;
};

/* CUT_PIECES: of n bytes; CUT_IN_TWO: group g behind its byte n. */
static void run(const struct dialogue *d, unsigned flags, enum cut cut,
		size_t n, size_t g, struct talk *t)
{
	talk_begin(t, flags);
	for (size_t i = 0; i < DIALOGUE_GROUPS && d->groups[i].n > 0; i++) {
		if (cut == CUT_PIECES) {
			talk_feed_pieces(t, d->groups[i], n);
		} else if (cut == CUT_IN_TWO && i == g) {
			talk_feed(t, slice_sub(d->groups[i], 0, n));
			talk_feed(t, slice_skip(d->groups[i], n));
		} else {
			talk_feed(t, d->groups[i]);
		}
	}
}

static void same(const struct talk *whole, struct talk *cut)
{
	if (!slice_eq(buf_slice(&whole->events), buf_slice(&cut->events)))
		fail_msg("events differ:\n%.*s\n---\n%.*s",
			 SLICE_ARG(buf_slice(&whole->events)),
			 SLICE_ARG(buf_slice(&cut->events)));
	if (!slice_eq(buf_slice(&whole->replies), buf_slice(&cut->replies)))
		fail_msg("replies differ:\n%.*s\n---\n%.*s",
			 SLICE_ARG(buf_slice(&whole->replies)),
			 SLICE_ARG(buf_slice(&cut->replies)));
	assert_int_equal(whole->close, cut->close);
	talk_end(cut);
}

static void all_cuts(const struct dialogue *d, unsigned flags)
{
	struct talk whole, t;
	run(d, flags, CUT_NONE, 0, 0, &whole);
	for (size_t n = 1; n < 8; n++) {
		run(d, flags, CUT_PIECES, n, 0, &t);
		same(&whole, &t);
	}
	for (size_t g = 0; g < DIALOGUE_GROUPS && d->groups[g].n > 0; g++) {
		for (size_t n = 1; n < d->groups[g].n; n++) {
			run(d, flags, CUT_IN_TWO, n, g, &t);
			same(&whole, &t);
		}
	}
	talk_end(&whole);
}

static void law(void **state)
{
	const struct dialogue *d = *state;
	all_cuts(d, d->flags);
	all_cuts(d, d->flags ^ TALK_TLS);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_LEN(dialogues)];
	for (size_t i = 0; i < ARRAY_LEN(dialogues); i++)
		tests[i] = (struct CMUnitTest){
			.name = dialogues[i].name,
			.test_func = law,
			.initial_state = (void *)(uintptr_t)&dialogues[i],
		};
	return cmocka_run_group_tests_name("smtp/server_split", tests, NULL,
					   NULL);
}
