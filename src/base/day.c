/* Days and their ends; see day.h. */
#include "base/day.h"

#include <stdio.h>

#include "base/check.h"

enum { YEAR_MIN = 1970, YEAR_MAX = 9999 };

static uint32_t year_days(uint64_t year)
{
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return leap ? 366 : 365;
}

static uint32_t month_days(uint64_t year, uint64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };
	invariant(month >= 1 && month <= 12);
	return month == 2 ? year_days(year) - 337 : days[month - 1];
}

bool day_parse(slice s, uint32_t *ends)
{
	uint64_t year, month, day;
	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' ||
	    !slice_u64(slice_sub(s, 0, 4), YEAR_MAX, &year) ||
	    !slice_u64(slice_sub(s, 5, 2), 12, &month) ||
	    !slice_u64(slice_sub(s, 8, 2), 31, &day) ||
	    year < YEAR_MIN || month == 0 || day == 0 ||
	    day > month_days(year, month))
		return false;
	uint32_t days = (uint32_t)day;
	for (uint64_t y = YEAR_MIN; y < year; y++)
		days += year_days(y);
	for (uint64_t m = 1; m < month; m++)
		days += month_days(year, m);
	*ends = days;
	return true;
}

const char *day_text(uint32_t ends, char to[DAY_TEXT_MAX])
{
	uint32_t year = YEAR_MIN, month = 1, left = ends;
	to[0] = '\0';
	if (ends == 0)
		return to;
	for (; left > year_days(year); year++)
		left -= year_days(year);
	for (; left > month_days(year, month); month++)
		left -= month_days(year, month);
	invariant(year <= YEAR_MAX);
	snprintf(to, DAY_TEXT_MAX, "%04u-%02u-%02u", year, month, left);
	return to;
}

int64_t day_end_ms(uint32_t ends)
{
	return (int64_t)ends * DAY_IN_MS;
}
