/*
 * Memory of a session: what an idle one holds, and what happens when the
 * n-th allocation fails, for n = 1, 2, … until none does: a refusal that
 * says "later" or a close, never a crash, a leak or a cut message that is
 * accepted.
 */
#include "unit/smtp/server_harness.h"

#include <malloc.h>

#include "smtp/server_private.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { CAN_FAIL = false };
static uint64_t fail_at, live;
static bool armed;
static unsigned leaks;
#else
enum { CAN_FAIL = true };
static uint64_t fail_at, live;
static bool armed;		/* the engine is running */
static unsigned leaks;		/* blocks given back with a secret in them */

static bool this_one_fails(void)
{
	return armed && fail_at != 0 && --fail_at == 0;
}

#define NTH_MALLOC_OWN_FREE
#include "unit/nth_malloc.h"

static bool has_secret(const void *p)
{
	static const char plain[] = "c4nary", coded[] = "YzRuYXJ5";
	size_t n = malloc_usable_size((void *)(uintptr_t)p);
	return memmem(p, n, plain, sizeof(plain) - 1) != NULL ||
	       memmem(p, n, coded, sizeof(coded) - 1) != NULL;
}

void free(void *p)
{
	live -= p != NULL;
	if (armed && p != NULL && has_secret(p))
		leaks++;
	__libc_free(p);
}
#endif

static const char dialogue[] =
	"EHLO mail.example.jp\r\n"
	"AUTH SCRAM-SHA-256\r\nbixhPXosbj11c2VyLHI9Qw==\r\n"
	"Yz1iaXhoUFhvcyxyPUNTLHA9WA==\r\n"		/* a bad proof */
	"AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9Qw==\r\n"
	"Yz1iaXdzLHI9Q1MscD1jSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NIQndj"
	"SEJ3Y0hBPQ==\r\n*\r\n"
	"AUTH LOGIN\r\ndXNlcg==\r\ncmlnaHQ=\r\n"
	"MAIL FROM:<a@example.jp> ENVID=abc AUTH=<> BODY=8BITMIME\r\n"
	"RCPT TO:<r1@dest.example> ORCPT=rfc822;r1@dest.example\r\n"
	"RCPT TO:<r2@xn--bcher-kva.example> NOTIFY=NEVER\r\n"
	"DATA\r\nSubject: x\r\n\r\n..x\r\n.\r\n"
	"MAIL FROM:<b@example.jp>\r\nRCPT TO:<r3@dest.example>\r\n"
	"BDAT 5 LAST\r\nx\r\nyzQUIT\r\n";

/* One byte after the other; allocations fail only inside the engine. */
static void run(struct talk *t)
{
	struct smtp_event ev;
	for (size_t i = 0; i < sizeof(dialogue) - 1 && !t->over; i++) {
		slice in = { dialogue + i, 1 };
		do {
			armed = true;
			smtp_server_next(t->server, &in, &t->replies, &ev);
			armed = false;
		} while (talk_event(t, &ev));
	}
}

static bool with_failure(uint64_t n)
{
	struct talk t;
	uint64_t before = live;
	talk_begin(&t, TALK_TLS | TALK_KNOWN);
	assert_non_null(buf_room(&t.replies, 1 << 16));
	fail_at = n;
	run(&t);
	bool failed = n != 0 && fail_at == 0;
	fail_at = 0;
	if (failed)
		assert_true(t.messages <= 2);
	else
		assert_int_equal(t.messages, 2);
	if (t.close == SMTP_CLOSE_OUT_OF_MEMORY)
		talk_expect_reply(&t, "\r\n421 ");
	else
		assert_int_equal(t.close, SMTP_CLOSE_NONE);
	if (t.messages > 0 && talk_has_event(&t, "MAIL <a@"))
		assert_true(talk_has_event(&t, "BODY Subject: x\r\n\r\n.x") ||
			    talk_has_event(&t, "BODY x\r\nyz"));
	talk_end(&t);
	assert_int_equal(live, before);
	return failed;
}

static void the_nth_allocation_fails(void **state)
{
	(void)state;
	uint64_t n = 1;
	if (!CAN_FAIL)
		skip();
	while (with_failure(n))
		n++;
	print_message("%llu allocations failed in turn\n",
		      (unsigned long long)(n - 1));
	assert_true(n > 10);
}

/* One byte after the other, so that the line is kept and grows. */
static void say_and_answer(struct smtp_server *s, struct buf *out,
			   const char *bytes, enum reply_id id)
{
	struct smtp_event ev;
	struct reply r = { .id = id };
	for (size_t i = 0; bytes[i] != '\0'; i++) {
		slice in = { bytes + i, 1 };
		while (smtp_server_next(s, &in, out, &ev) != SMTP_NEED_INPUT &&
		       ev.kind != SMTP_CLOSE)
			if (smtp_server_awaits_answer(s))
				smtp_server_answer(s, out, &r);
	}
}

/* Password and base64 ("c4nary", "YzRuYXJ5") are in no block that was given
 * back, whichever way the exchange ends. */
static void a2_no_secret_stays_in_freed_memory(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		enum reply_id id;
	} cases[] = {
		{ "AUTH LOGIN\r\nYzRuYXJ5\r\nYzRuYXJ5\r\n", REPLY_AUTH_OK },
		{ "AUTH LOGIN YzRuYXJ5\r\nYzRuYXJ5\r\n",
		  REPLY_AUTH_FAILED },
		{ "AUTH PLAIN AAAAYzRuYXJ5\r\n", REPLY_AUTH_BUSY },
		{ "AUTH LOGIN YzRuYXJ5\r\nYzRuYXJ5!\r\n", REPLY_AUTH_OK },
		{ "AUTH LOGIN YzRuYXJ5\r\n*\r\n", REPLY_AUTH_OK },
		{ "AUTH LOGIN YzRuYXJ5\r\nYzRuYXJ5", REPLY_AUTH_OK },
		{ "AUTH LOGIN YzRuYXJ5\r\nYzRuYXJ5\r\n", REPLY_BUSY },
	};
	if (!CAN_FAIL)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		talk_begin(&t, TALK_TLS | TALK_KNOWN);
		talk_say(&t, "EHLO x\r\n");
		leaks = 0;
		armed = true;
		say_and_answer(t.server, &t.replies, cases[i].lines,
			       cases[i].id);
		smtp_server_free(&t.server);
		armed = false;
		assert_int_equal(leaks, 0);
		talk_end(&t);
	}
}

static void an_idle_session_holds_one_kib_at_most(void **state)
{
	(void)state;
	struct talk t;
	assert_true(sizeof(struct smtp_server) <= 1024);
	talk_begin(&t, TALK_TLS | TALK_KNOWN);
	talk_feed_pieces(&t, slice_sub(slice_of(dialogue), 0,
				       sizeof(dialogue) - 7), 3);
	assert_int_equal(t.messages, 2);
	assert_null(t.server->line.p);
	assert_null(t.server->sasl);
	assert_int_equal(t.server->arena.used_bytes, 0);
	assert_null(t.server->arena.pages);
	talk_end(&t);
}

static void a_long_line_is_held_up_to_its_bound_only(void **state)
{
	(void)state;
	struct talk t;
	char part[1000];
	memset(part, 'x', sizeof(part));
	talk_begin(&t, 0);
	for (int i = 0; i < 100; i++) {
		talk_feed(&t, (slice){ part, sizeof(part) });
		assert_true(t.server->line.cap <= 8192);
	}
	assert_null(t.server->line.p);
	talk_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_allocation_fails),
		cmocka_unit_test(a2_no_secret_stays_in_freed_memory),
		cmocka_unit_test(an_idle_session_holds_one_kib_at_most),
		cmocka_unit_test(a_long_line_is_held_up_to_its_bound_only),
	};
	return cmocka_run_group_tests_name("smtp/server_memory", tests, NULL,
					   NULL);
}
