/*
 * A day as operators write it, "2027-06-30" (RFC 3339 full-date, UTC), that
 * something lasts to the end of: kept as the days from 1970 to that end, so
 * that 0 is no day.
 */
#pragma once

#include "base/slice.h"

enum { DAY_TEXT_MAX = 32, DAY_IN_MS = 86400000 };

/* Of the years 1970 to 9999; false: it is none. */
bool day_parse(slice s, uint32_t *ends) MUST_USE;
/* "2027-06-30"; "" for 0. ends: as day_parse gives it. */
const char *day_text(uint32_t ends, char to[DAY_TEXT_MAX]);
/* The moment behind its last one, Unix time. */
int64_t day_end_ms(uint32_t ends);
