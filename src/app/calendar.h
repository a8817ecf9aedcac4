/*
 * What relay does by the day and by the week: a look at the certificate, new
 * keys of TLS tickets, the report of old TLS; and when the operator is told of
 * a certificate's end. Pure: the time is given (wall clock, ms), so that years
 * pass in a test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CALENDAR_DAY_MS = 86400000, CALENDAR_WEEK_MS = 7 * 86400000 };

struct calendar {
	int64_t day_at_ms;		/* 0: a look at the certificate is due */
	int64_t week_at_ms;
};
void calendar_begin(struct calendar *c, int64_t now_ms);
/* There is another certificate. */
void calendar_look_again(struct calendar *c);

struct calendar_due {
	bool certificate, keys, report;
};
/* What is due now; each is told once. Days that nobody looked at are one. */
struct calendar_due calendar_look(struct calendar *c, int64_t now_ms);

/* How near a certificate's end is: 0 far, then one more at 30, 14, 7, 3 and 1
 * days, and when it is over. */
unsigned certificate_step(int64_t left_ms);

/* The certificate of the last look; ends_ms 0: there was none. */
struct certificate_seen {
	int64_t ends_ms;
	unsigned step;
};
/* Is the operator told? At each step, of one that is over daily, and of
 * another one near its end. last_ms: the last mail of this kind (near its end,
 * or over), 0 for none: after a start it isn't known which step it told, so
 * there is a day of silence at most. */
bool certificate_is_told(const struct certificate_seen *seen, int64_t ends_ms,
			 int64_t last_ms, int64_t now_ms);
