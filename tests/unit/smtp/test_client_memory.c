/*
 * Memory of a client: what an idle one holds, and what happens when the n-th
 * allocation fails, for n = 1, 2, … until none does: FAILED (ours, nothing
 * delivered), never a crash, a leak or half a message with a dot behind it.
 */
#include "unit/smtp/client_script.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { CAN_FAIL = false };
static uint64_t fail_at, live;
#else
enum { CAN_FAIL = true };
static uint64_t fail_at, live;

static bool this_one_fails(void)
{
	return fail_at != 0 && --fail_at == 0;
}

#include "unit/nth_malloc.h"
#endif

static const char *const replies[] = {
	"220-hello there\r\n220 x\r\n", "250-x\r\n250 STARTTLS\r\n",
	"220 go\r\n", "250-x\r\n250-DSN\r\n250-AUTH PLAIN\r\n250 SIZE\r\n",
	"235 ok\r\n", "250 ok\r\n", "25", "0 ok\r\n", "550 5.1.1 no\r\n",
	"354 go\r\n", "250 2.0.0 queued\r\n", "221 bye\r\n",
};

static const struct script script = {
	.name = "memory", .recipients = 2, .transactions = 1,
	.body = "Subject: x\r\n\r\n.\r\n", .tls = SMTP_TLS_REQUIRED,
	.user = "u", .password = "p",
	.first = { .orcpt = SLICE("rfc822;a@b") },
	.envelope = { .envid = SLICE("x"), .ret = DSN_RET_HDRS },
};

/* The output buffer is the caller's: it has its memory already. */
static bool reserve(struct buf *b)
{
	return buf_room(b, 65536) != NULL;
}

static void every_failed_allocation_is_survived(void **state)
{
	(void)state;
	struct limits limits;
	bool delivered = false;
	limits_defaults(&limits);
	for (uint64_t n = CAN_FAIL; n < 1000 && !delivered; n++) {
		static struct player p;
		player_init(&p, &script, &limits, 3);
		assert_true(reserve(&p.out) && reserve(&p.said) &&
			    reserve(&p.events));
		fail_at = n;
		for (size_t i = 0; i < ARRAY_LEN(replies) && !p.over; i++)
			player_feed(&p, slice_of(replies[i]));
		bool none_failed = fail_at > 0 || !CAN_FAIL;
		fail_at = 0;
		slice said = buf_slice(&p.said);
		bool dot = slice_find_slice(said, SLICE("\r\n.\r\n")) < said.n;
		delivered = p.outcomes[0].done && p.outcomes[0].code == 250;
		assert_int_equal(delivered, dot);
		if (!delivered) {
			assert_true(p.over);
			assert_int_equal(p.err.kind, ERR_INTERNAL);
			assert_int_equal(p.outcomes[0].code, 0);
			assert_int_equal(p.err.scope, SCOPE_SELF);
			(void)smtp_client_lost(p.client, &p.err);
		} else {
			/* The peer's words may be missing, or its reply to
			 * QUIT was lost: go on until nothing fails. */
			delivered = none_failed;
		}
		player_fini(&p);
	}
	assert_true(delivered);
}

static void an_idle_client_is_one_small_block(void **state)
{
	(void)state;
	struct limits limits;
	static struct player p;
	if (!CAN_FAIL)
		skip();		/* nobody counts here */
	limits_defaults(&limits);
	uint64_t before = live;
	player_init(&p, &script, &limits, 3);
	assert_true(reserve(&p.out) && reserve(&p.said) && reserve(&p.events));
	p.left = 0;
	uint64_t begun = live;
	for (size_t i = 0; i < 4; i++)
		player_feed(&p, slice_of(replies[i]));
	assert_true(live > begun);	/* buffers of the reply parser */
	player_feed(&p, slice_of(replies[4]));
	assert_slice_eq(buf_slice(&p.events), "READY");
	assert_int_equal(live, begun);
	player_fini(&p);
	assert_int_equal(live, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failed_allocation_is_survived),
		cmocka_unit_test(an_idle_client_is_one_small_block),
	};
	return cmocka_run_group_tests_name("smtp/client_memory", tests, NULL,
					   NULL);
}
