/* Days and weeks of relay, on a clock of its own: each edge a millisecond
 * before, at it and behind it; and the life of a certificate. */
#include "unit/unit.h"

#include "app/calendar.h"
#include "app/operator_alerts.h"

enum { DAY = CALENDAR_DAY_MS, HOUR = 3600000 };
#define T0 ((int64_t)1700000000 * 1000)

static void looks(struct calendar *c, int64_t at_ms, bool certificate,
		  bool keys, bool report)
{
	struct calendar_due due = calendar_look(c, at_ms);
	if (due.certificate != certificate || due.keys != keys ||
	    due.report != report)
		fail_msg("at T0 + %lld: %d %d %d", (long long)(at_ms - T0),
			 due.certificate, due.keys, due.report);
}

static void by_the_day_and_the_week(void **state)
{
	(void)state;
	struct calendar c;
	calendar_begin(&c, T0);
	looks(&c, T0, true, false, false);
	looks(&c, T0 + 1, false, false, false);
	for (int64_t day = 1; day < 7; day++) {
		looks(&c, T0 + day * DAY - 1, false, false, false);
		looks(&c, T0 + day * DAY, true, true, false);
		looks(&c, T0 + day * DAY + 1, false, false, false);
	}
	looks(&c, T0 + 7 * (int64_t)DAY - 1, false, false, false);
	looks(&c, T0 + 7 * (int64_t)DAY, true, true, true);
	looks(&c, T0 + 7 * (int64_t)DAY + 1, false, false, false);
	/* Another certificate is looked at once; its keys are new. */
	calendar_look_again(&c);
	looks(&c, T0 + 7 * (int64_t)DAY + 2, true, false, false);
	looks(&c, T0 + 8 * (int64_t)DAY + 1, false, false, false);
	looks(&c, T0 + 8 * (int64_t)DAY + 2, true, true, false);
	/* Weeks that nobody looked at are one. */
	looks(&c, T0 + 40 * (int64_t)DAY, true, true, true);
	looks(&c, T0 + 41 * (int64_t)DAY - 1, false, false, false);
	looks(&c, T0 + 47 * (int64_t)DAY - 1, true, true, false);
	looks(&c, T0 + 47 * (int64_t)DAY, false, false, true);
}

static void steps_of_a_certificate(void **state)
{
	(void)state;
	static const int days[] = { 30, 14, 7, 3, 1, 0 };
	for (unsigned i = 0; i < ARRAY_LEN(days); i++) {
		int64_t left = (int64_t)days[i] * DAY;
		assert_int_equal(certificate_step(left + 1), i);
		assert_int_equal(certificate_step(left), i + 1);
		assert_int_equal(certificate_step(left - 1), i + 1);
	}
}

/* --- a certificate's life, with the mails that it causes ------------------ */

struct life {
	struct operator_alerts *alerts;
	struct log log;
	struct calendar calendar;
	struct certificate_seen seen;
	int64_t now_ms, ends_ms;
	int64_t told_ms[16];		/* left, when a mail went */
	unsigned told;
};

static void send(void *ctx, enum operator_kind kind, slice subject, slice text)
{
	struct life *l = ctx;
	(void)subject;
	(void)text;
	assert_int_equal(kind, l->ends_ms > l->now_ms
				       ? OPERATOR_CERTIFICATE_ENDS
				       : OPERATOR_CERTIFICATE_OVER);
	assert_true(l->told < ARRAY_LEN(l->told_ms));
	l->told_ms[l->told++] = l->ends_ms - l->now_ms;
}

static void begin(struct life *l, int64_t left_ms)
{
	struct operator_alerts_config config = {
		.hostname = SLICE("relay.test"), .log = &l->log,
		.send = send, .ctx = l,
	};
	*l = (struct life){ .now_ms = T0, .ends_ms = T0 + left_ms };
	l->alerts = operator_alerts_new(&config);
	assert_non_null(l->alerts);
	operator_alerts_enable(l->alerts, true);
	calendar_begin(&l->calendar, T0);
}

/* As relay does once a second. */
static void look(struct life *l)
{
	enum operator_kind kind = l->ends_ms > l->now_ms
					  ? OPERATOR_CERTIFICATE_ENDS
					  : OPERATOR_CERTIFICATE_OVER;
	struct operator_event e = { .kind = kind };
	if (calendar_look(&l->calendar, l->now_ms).certificate) {
		if (certificate_is_told(
			    &l->seen, l->ends_ms,
			    operator_alerts_last_ms(l->alerts, kind),
			    l->now_ms))
			operator_alerts_tell(l->alerts, &e, l->now_ms);
		l->seen = (struct certificate_seen){
			l->ends_ms, certificate_step(l->ends_ms - l->now_ms),
		};
	}
	operator_alerts_look(l->alerts, l->now_ms);
	if (operator_alerts_busy(l->alerts))
		operator_alerts_sent(l->alerts, OPERATOR_SENT, l->now_ms);
}

static void live_on(struct life *l, int64_t until_left_ms)
{
	for (; l->ends_ms - l->now_ms >= until_left_ms; l->now_ms += 1000)
		look(l);
}

static void s8_2_told_at_each_step_and_daily_when_over(void **state)
{
	(void)state;
	static const int days[] = { 30, 14, 7, 3, 1, 0, -1, -2 };
	struct life l;
	begin(&l, 40 * (int64_t)DAY);
	live_on(&l, -2 * (int64_t)DAY);
	assert_int_equal(l.told, ARRAY_LEN(days));
	for (unsigned i = 0; i < l.told; i++)
		assert_int_equal(l.told_ms[i], (int64_t)days[i] * DAY);
	operator_alerts_free(&l.alerts);
}

/* A day that begins elsewhere sees a step less than a day late. */
static void s8_2_told_at_most_a_day_late(void **state)
{
	(void)state;
	static const int days[] = { 30, 14, 7, 3, 1, 0, -1 };
	struct life l;
	begin(&l, 40 * (int64_t)DAY + 5 * HOUR);
	live_on(&l, -2 * (int64_t)DAY);
	assert_int_equal(l.told, ARRAY_LEN(days));
	for (unsigned i = 0; i < l.told; i++)
		assert_int_equal(l.told_ms[i],
				 (int64_t)days[i] * DAY - 19 * HOUR);
	operator_alerts_free(&l.alerts);
}

/* Nothing is known but when the last mail went (of its accept frame). */
static void s8_2_a_day_of_silence_after_a_start(void **state)
{
	(void)state;
	struct certificate_seen none = { 0 };
	int64_t ends = T0 + 5 * (int64_t)DAY, quiet = 23 * HOUR;
	assert_true(certificate_is_told(&none, ends, 0, T0));
	assert_false(certificate_is_told(&none, ends, T0 - quiet + 1, T0));
	assert_true(certificate_is_told(&none, ends, T0 - quiet, T0));
	assert_true(certificate_is_told(&none, ends, T0 - quiet - 1, T0));
	/* a mail of the future is none */
	assert_true(certificate_is_told(&none, ends, T0 + 1, T0));
	/* another one near its end is told at once, a far one never */
	struct certificate_seen seen = { ends, certificate_step(5 * DAY) };
	assert_false(certificate_is_told(&seen, ends, T0, T0));
	assert_true(certificate_is_told(&seen, ends + 1, T0, T0));
	assert_false(certificate_is_told(&seen, T0 + 31 * (int64_t)DAY, 0,
					 T0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_the_day_and_the_week),
		cmocka_unit_test(steps_of_a_certificate),
		cmocka_unit_test(s8_2_told_at_each_step_and_daily_when_over),
		cmocka_unit_test(s8_2_told_at_most_a_day_late),
		cmocka_unit_test(s8_2_a_day_of_silence_after_a_start),
	};
	return cmocka_run_group_tests_name("app/calendar", tests, NULL, NULL);
}
