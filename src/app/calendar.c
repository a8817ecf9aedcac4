/* By the day and by the week; see calendar.h. */
#include "app/calendar.h"

#include "app/operator_alerts.h"

/* Of what is told daily; the look may be a moment early. */
enum { DAILY_MS = CALENDAR_DAY_MS - OPERATOR_EVERY_MS };

void calendar_begin(struct calendar *c, int64_t now_ms)
{
	*c = (struct calendar){ .week_at_ms = now_ms + CALENDAR_WEEK_MS };
}

void calendar_look_again(struct calendar *c)
{
	c->day_at_ms = 0;
}

struct calendar_due calendar_look(struct calendar *c, int64_t now_ms)
{
	struct calendar_due due = {
		.certificate = now_ms >= c->day_at_ms,
		/* those of a certificate that has just come are new */
		.keys = c->day_at_ms != 0 && now_ms >= c->day_at_ms,
		.report = now_ms >= c->week_at_ms,
	};
	if (due.certificate)
		c->day_at_ms = now_ms + CALENDAR_DAY_MS;
	if (due.report)
		c->week_at_ms = now_ms + CALENDAR_WEEK_MS;
	return due;
}

unsigned certificate_step(int64_t left_ms)
{
	static const int days[] = { 30, 14, 7, 3, 1, 0 };
	unsigned step = 0;
	while (step < ARRAY_LEN(days) &&
	       left_ms <= (int64_t)days[step] * CALENDAR_DAY_MS)
		step++;
	return step;
}

bool certificate_is_told(const struct certificate_seen *seen, int64_t ends_ms,
			 int64_t last_ms, int64_t now_ms)
{
	unsigned step = certificate_step(ends_ms - now_ms);
	if (step == 0)
		return false;
	if (seen->ends_ms != 0 && seen->ends_ms != ends_ms)
		return true;
	if (seen->ends_ms != 0 && ends_ms > now_ms)
		return step != seen->step;
	return last_ms == 0 || now_ms < last_ms || now_ms - last_ms >= DAILY_MS;
}
