/* What real clients and hostile ones say, and every reply to it; the table
 * is in server_dialogues.h. */
#include "unit/smtp/server_dialogues.h"

static void dialogue(void **state)
{
	const struct dialogue *d = *state;
	struct talk t;
	struct buf bodies;
	char codes[512];
	talk_begin(&t, d->flags);
	for (size_t i = 0; i < DIALOGUE_GROUPS && d->groups[i].n > 0; i++)
		talk_feed(&t, d->groups[i]);
	snprintf(codes, sizeof(codes), "220%s%s", *d->codes ? " " : "",
		 d->codes);
	talk_expect_codes(&t, codes);
	buf_init(&bodies, 1 << 20);
	talk_bodies(&t, &bodies);
	slice got = buf_slice(&bodies);
	if (d->bodies != NULL && !slice_ends_fold(slice_of(d->bodies),
						  SLICE("|")))
		got = slice_sub(got, 0, got.n ? got.n - 1 : 0);
	assert_slice_eq(got, d->bodies ? d->bodies : "");
	if (d->event != NULL)
		talk_expect_event(&t, d->event);
	buf_fini(&bodies);
	talk_end(&t);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_LEN(dialogues)];
	for (size_t i = 0; i < ARRAY_LEN(dialogues); i++)
		tests[i] = (struct CMUnitTest){
			.name = dialogues[i].name,
			.test_func = dialogue,
			.initial_state = (void *)(uintptr_t)&dialogues[i],
		};
	return cmocka_run_group_tests_name("smtp/server_dialogues", tests,
					   NULL, NULL);
}
