/* Which mail to the operator is due (SPEC 8.2, docs/why/operator_alerts.md),
 * on a clock of its own, and what it says. */
#include "app/operator_alerts.h"

#include <string.h>

#include "unit/unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { CAN_FAIL = false };
static uint64_t fail_at;
static bool fired;
#else
enum { CAN_FAIL = true };
static uint64_t fail_at, live;
static bool fired;

static bool this_one_fails(void)
{
	if (fail_at == 0 || --fail_at > 0)
		return false;
	fired = true;
	return true;
}

#include "unit/nth_malloc.h"
#endif

enum { MINUTE = 60000, HOUR = 3600000, START = 1700000000 };
#define T0 ((int64_t)START * 1000)

/* The door, as the alerts see it. */
struct world {
	struct operator_alerts *alerts;
	struct log log;
	struct counters counters;
	unsigned mails[OPERATOR_KINDS];
	char text[8192];		/* of the last one */
	bool answers;			/* at once, with `what` */
	enum operator_sent what;
	unsigned log_lines;
};

static void send(void *ctx, enum operator_kind kind, slice subject,
		 slice text)
{
	struct world *w = ctx;
	assert_true(subject.n > 0);
	assert_true(slice_to_cstr(text, w->text, sizeof(w->text)));
	w->mails[kind]++;
}

static bool count_line(void *ctx, slice line)
{
	struct world *w = ctx;
	(void)line;
	w->log_lines++;
	return true;
}

static int64_t no_time(void *ctx)
{
	(void)ctx;
	return T0;
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->log = (struct log){ .write = count_line, .wall_ms = no_time,
			       .ctx = w, .role = "test" };
	struct operator_alerts_config config = {
		.hostname = SLICE("relay.test"), .log = &w->log,
		.counters = &w->counters, .send = send, .ctx = w,
	};
	w->answers = true;
	w->alerts = operator_alerts_new(&config);
	assert_non_null(w->alerts);
	operator_alerts_enable(w->alerts, true);
}

/* The door's answer comes later. */
static void settle(struct world *w, int64_t now_ms)
{
	while (w->answers && operator_alerts_busy(w->alerts))
		operator_alerts_sent(w->alerts, w->what, now_ms);
}

static void tell(struct world *w, enum operator_kind kind, int64_t now_ms)
{
	struct operator_event e = { .kind = kind, .since_ms = now_ms };
	operator_alerts_tell(w->alerts, &e, now_ms);
	settle(w, now_ms);
}

static void look(struct world *w, int64_t now_ms)
{
	operator_alerts_look(w->alerts, now_ms);
	settle(w, now_ms);
}

static void disk(struct world *w, bool is_low, int64_t now_ms)
{
	struct operator_event low = { .kind = OPERATOR_DISK_LOW,
				      .since_ms = now_ms };
	struct operator_event again = { .kind = OPERATOR_DISK_AGAIN };
	operator_alerts_state(w->alerts, is_low, &low, &again, now_ms);
	look(w, now_ms);
}

static uint64_t suppressed(struct world *w)
{
	return w->counters.values[COUNTER_operator_alerts_suppressed_total];
}

static void s8_2_one_mail_a_kind_and_hour(void **state)
{
	(void)state;
	struct world w;
	begin(&w);
	for (int64_t at = 0; at < 10 * HOUR; at += MINUTE)
		tell(&w, OPERATOR_CRASHED, T0 + at);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 10);
	/* the others that the text of the last one names, and the counter */
	assert_int_equal(suppressed(&w), 9 * 59 + 58);
	assert_non_null(strstr(w.text, "last mail of this kind: 59."));
	/* the newest waits, and comes when its hour is over */
	look(&w, T0 + 10 * HOUR);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 11);
	assert_non_null(strstr(w.text, "Since: 2023-11-15T08:12:20"));
	look(&w, T0 + 11 * HOUR);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 11);
	/* no other kind waits for it */
	tell(&w, OPERATOR_POISON, T0 + 11 * HOUR);
	assert_int_equal(w.mails[OPERATOR_POISON], 1);
	assert_null(strstr(w.text, "last mail of this kind"));
	operator_alerts_free(&w.alerts);
}

static void a_trouble_and_its_end_are_told_once(void **state)
{
	(void)state;
	struct world w;
	begin(&w);
	disk(&w, false, T0);
	assert_int_equal(w.mails[OPERATOR_DISK_AGAIN], 0);
	for (int i = 1; i < 10; i++)
		disk(&w, true, T0 + i * 1000);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 1);
	disk(&w, false, T0 + MINUTE);
	disk(&w, false, T0 + MINUTE + 1000);
	assert_int_equal(w.mails[OPERATOR_DISK_AGAIN], 1);
	/* since when: when its begin was told */
	assert_non_null(strstr(w.text, "Since: 2023-11-14T22:13:21"));
	/* low and well again within the hour: nobody needs to know */
	disk(&w, true, T0 + 2 * MINUTE);
	disk(&w, false, T0 + 3 * MINUTE);
	disk(&w, false, T0 + 2 * HOUR);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 1);
	assert_int_equal(w.mails[OPERATOR_DISK_AGAIN], 1);
	assert_int_equal(suppressed(&w), 1);
	/* low for longer than the rest of the hour */
	disk(&w, true, T0 + 3 * HOUR);
	disk(&w, false, T0 + 3 * HOUR + MINUTE);
	disk(&w, true, T0 + 3 * HOUR + 2 * MINUTE);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 2);
	disk(&w, true, T0 + 4 * HOUR);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 3);
	operator_alerts_free(&w.alerts);
}

static void no_storm_when_it_starts_again_and_again(void **state)
{
	(void)state;
	struct world w;
	unsigned mails = 0;
	int64_t sent_ms = 0;
	for (int64_t at = 0; at < 2 * HOUR; at += 5 * MINUTE) {
		begin(&w);
		if (sent_ms != 0)
			operator_alerts_restore(
				w.alerts,
				operator_kind_number(OPERATOR_CRASHED),
				sent_ms);
		operator_alerts_restore(w.alerts, 200, T0);	/* unknown */
		tell(&w, OPERATOR_CRASHED, T0 + at);
		if (w.mails[OPERATOR_CRASHED] > 0)
			sent_ms = T0 + at;
		mails += w.mails[OPERATOR_CRASHED];
		operator_alerts_free(&w.alerts);
	}
	assert_int_equal(mails, 2);
}

static void an_end_is_told_after_a_start(void **state)
{
	(void)state;
	struct world w;
	begin(&w);
	operator_alerts_restore(w.alerts, 2, T0 - MINUTE);	/* low */
	disk(&w, true, T0);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 0);
	disk(&w, false, T0);
	assert_int_equal(w.mails[OPERATOR_DISK_AGAIN], 1);
	operator_alerts_free(&w.alerts);
	begin(&w);
	operator_alerts_restore(w.alerts, 2, T0 - MINUTE);
	operator_alerts_restore(w.alerts, 3, T0 - 1000);	/* its end */
	disk(&w, false, T0);
	assert_int_equal(w.mails[OPERATOR_DISK_AGAIN], 0);
	operator_alerts_free(&w.alerts);
}

static void what_is_not_stored_is_tried_again(void **state)
{
	(void)state;
	struct world w;
	begin(&w);
	w.what = OPERATOR_NOT_SENT;
	tell(&w, OPERATOR_CRASHED, T0);
	for (int i = 0; i < 60; i++)
		look(&w, T0 + i * 1000);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 1);
	for (int i = 1; i <= 5; i++)
		look(&w, T0 + i * MINUTE);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 6);
	assert_int_equal(w.log_lines, 1);
	w.what = OPERATOR_SENT;
	look(&w, T0 + 6 * MINUTE);
	look(&w, T0 + 7 * MINUTE);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 7);
	assert_int_equal(w.counters.values[COUNTER_operator_alerts_total], 1);
	/* what comes while one is on its way waits */
	w.answers = false;
	tell(&w, OPERATOR_POISON, T0 + 8 * MINUTE);
	tell(&w, OPERATOR_CLOCK, T0 + 8 * MINUTE);
	disk(&w, true, T0 + 8 * MINUTE);
	assert_int_equal(w.mails[OPERATOR_CLOCK], 0);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 0);
	w.answers = true;
	look(&w, T0 + 8 * MINUTE);
	assert_int_equal(w.mails[OPERATOR_CLOCK], 1);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 1);
	operator_alerts_free(&w.alerts);
}

static void without_an_address_nothing_is_kept(void **state)
{
	(void)state;
	struct world w;
	begin(&w);
	operator_alerts_enable(w.alerts, false);
	tell(&w, OPERATOR_CRASHED, T0);
	disk(&w, true, T0);
	operator_alerts_enable(w.alerts, true);
	look(&w, T0 + 1000);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 0);
	/* but what is so still is so */
	disk(&w, true, T0 + 2000);
	assert_int_equal(w.mails[OPERATOR_DISK_LOW], 1);
	operator_alerts_free(&w.alerts);
}

static void a_clock_put_back_stops_nothing_for_long(void **state)
{
	(void)state;
	struct world w;
	begin(&w);
	tell(&w, OPERATOR_CRASHED, T0 + 1000 * (int64_t)HOUR);
	tell(&w, OPERATOR_CRASHED, T0);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 1);
	look(&w, T0 + HOUR);
	assert_int_equal(w.mails[OPERATOR_CRASHED], 2);
	operator_alerts_free(&w.alerts);
}

static const struct text texts[] = {
#define TEXT(id, en, ja) { en, ja },
#include "app/operator_text.def"
#undef TEXT
};

static void texts_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct text *t = &texts[i];
		assert_true(t->en[0] != '\0' && t->ja[0] != '\0');
		assert_true(utf8_valid(slice_of(t->ja)));
		for (unsigned place = 0; place <= 9; place++) {
			assert_int_equal(text_uses(t->en, place),
					 text_uses(t->ja, place));
			assert_true(place <= OPERATOR_ARGS ||
				    text_uses(t->en, place) == 0);
		}
		for (const char *c = t->en; *c != '\0'; c++)
			assert_true((uint8_t)*c < 0x80);
	}
}

static void every_kind_says_what_to_do(void **state)
{
	(void)state;
	for (enum operator_kind k = 0; k < OPERATOR_KINDS; k++) {
		struct operator_event e = {
			.kind = k, .since_ms = T0,
			.args = { SLICE("A-1\n."), SLICE("A-2"),
				  SLICE("A-3") },
			.detail = SLICE("the list\n"),
		};
		struct buf subject, text;
		buf_init(&subject, OPERATOR_SUBJECT_MAX);
		buf_init(&text, OPERATOR_TEXT_MAX);
		operator_subject(&subject, &e, SLICE("relay.test"),
				 LANGUAGE_EN);
		operator_text(&text, &e, SLICE("relay.test"), 3);
		assert_false(subject.failed || text.failed);
		slice s = buf_slice(&subject), t = buf_slice(&text);
		assert_int_equal(slice_find(s, '\n'), s.n);
		const char *const wanted[] = {
			"relay.test", "What happened:", "Since: 2023-11-14",
			"What to do next:", "To see more:\n    ", "kind: 3.",
			"\n----------\n", "状況:", "発生時刻:", "3 件",
			"\n----------\n\nthe list\n",
		};
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
			if (slice_find_slice(t, slice_of(wanted[i])) == t.n)
				fail_msg("%s: no '%s'", operator_kind_name(k),
					 wanted[i]);
		for (enum operator_kind o = 0; o < k; o++)
			assert_int_not_equal(operator_kind_number(o),
					     operator_kind_number(k));
		buf_fini(&subject);
		buf_fini(&text);
	}
}

static void no_memory_loses_no_alert(void **state)
{
	(void)state;
	for (uint64_t n = 1; n < 200; n++) {
		struct world w;
		begin(&w);
		fired = false;
		fail_at = n;
		struct operator_event e = { .kind = OPERATOR_POISON,
					    .detail = SLICE("list\n") };
		operator_alerts_tell(w.alerts, &e, T0);
		fail_at = 0;
		settle(&w, T0);
		look(&w, T0 + 2 * MINUTE);
		assert_int_equal(w.mails[OPERATOR_POISON], 1);
		operator_alerts_free(&w.alerts);
		if (!CAN_FAIL || !fired)
			return;
	}
	fail_msg("memory never sufficed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s8_2_one_mail_a_kind_and_hour),
		cmocka_unit_test(a_trouble_and_its_end_are_told_once),
		cmocka_unit_test(no_storm_when_it_starts_again_and_again),
		cmocka_unit_test(an_end_is_told_after_a_start),
		cmocka_unit_test(what_is_not_stored_is_tried_again),
		cmocka_unit_test(without_an_address_nothing_is_kept),
		cmocka_unit_test(a_clock_put_back_stops_nothing_for_long),
		cmocka_unit_test(texts_are_complete),
		cmocka_unit_test(every_kind_says_what_to_do),
		cmocka_unit_test(no_memory_loses_no_alert),
	};
	return cmocka_run_group_tests_name("app/operator_alerts", tests, NULL,
					   NULL);
}
