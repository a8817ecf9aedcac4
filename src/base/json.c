/* Writing JSON (RFC 8259), and times as text; see json.h. */
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

/* The comma before a value or key, where one is due. */
static void separate(struct json *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->depth > 0 && j->has_member[j->depth])
		buf_append_char(j->out, ',');
	j->has_member[j->depth] = true;
}

static void open_with(struct json *j, char c)
{
	separate(j);
	invariant(j->depth + 1 < JSON_DEPTH_MAX);
	j->depth++;
	j->has_member[j->depth] = false;
	buf_append_char(j->out, c);
}

static void close_with(struct json *j, char c)
{
	invariant(j->depth > 0 && !j->after_key);
	j->depth--;
	buf_append_char(j->out, c);
}

void json_object_begin(struct json *j)
{
	open_with(j, '{');
}

void json_object_end(struct json *j)
{
	close_with(j, '}');
}

void json_array_begin(struct json *j)
{
	open_with(j, '[');
}

void json_array_end(struct json *j)
{
	close_with(j, ']');
}

static bool is_plain(char c)
{
	return (uint8_t)c >= 0x20 && (uint8_t)c < 0x7f && c != '"' &&
	       c != '\\';
}

/* One character that is_plain can't take; returns its bytes. */
static size_t append_escaped(struct buf *out, slice s)
{
	uint8_t c = (uint8_t)s.p[0];
	size_t n = utf8_length(s);
	if (n == 0)
		buf_append(out, SLICE("\xef\xbf\xbd"));	/* U+FFFD */
	else if (n > 1)
		buf_append_bytes(out, s.p, n);
	else if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", c);
	else
		buf_printf(out, "\\u%04x", c);
	return n == 0 ? 1 : n;
}

static void append_string(struct buf *out, slice s)
{
	while (s.n > 0) {
		size_t plain = 0;
		while (plain < s.n && is_plain(s.p[plain]))
			plain++;
		buf_append_bytes(out, s.p, plain);
		s = slice_skip(s, plain);
		if (s.n > 0)
			s = slice_skip(s, append_escaped(out, s));
	}
}

void json_key(struct json *j, const char *key)
{
	invariant(!j->after_key);
	separate(j);
	buf_append_char(j->out, '"');
	append_string(j->out, slice_of(key));
	buf_append(j->out, SLICE("\":"));
	j->after_key = true;
}

void json_put_string(struct json *j, slice s)
{
	bool cut = j->string_max > 0 && s.n > j->string_max;
	separate(j);
	buf_append_char(j->out, '"');
	append_string(j->out, cut ? utf8_cut(s, j->string_max) : s);
	if (cut)
		buf_append(j->out, SLICE("\xe2\x80\xa6"));	/* U+2026 */
	buf_append_char(j->out, '"');
}

void json_u64(struct json *j, uint64_t v)
{
	separate(j);
	buf_printf(j->out, "%" PRIu64, v);
}

void json_i64(struct json *j, int64_t v)
{
	separate(j);
	buf_printf(j->out, "%" PRId64, v);
}

void json_bool(struct json *j, bool v)
{
	json_raw(j, v ? SLICE("true") : SLICE("false"));
}

void json_put_null(struct json *j)
{
	json_raw(j, SLICE("null"));
}

void json_time_ms(struct json *j, int64_t wall_ms)
{
	char text[TIME_TEXT_MAX];
	json_put_string(j, slice_of(time_text_ms(wall_ms, text)));
}

void json_id(struct json *j, struct id id)
{
	char text[ID_TEXT_MAX];
	json_put_string(j, slice_of(id_text(id, text)));
}

void json_raw(struct json *j, slice json_text)
{
	separate(j);
	buf_append(j->out, json_text);
}

void json_member_string(struct json *j, const char *key, slice s)
{
	json_key(j, key);
	json_put_string(j, s);
}

void json_member_cstr(struct json *j, const char *key, const char *s)
{
	json_member_string(j, key, slice_of(s));
}

void json_member_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

void json_member_text_or_null(struct json *j, const char *key, slice s)
{
	json_key(j, key);
	if (s.n > 0)
		json_put_string(j, s);
	else
		json_put_null(j);
}

void json_member_time_or_null(struct json *j, const char *key,
			      int64_t wall_ms)
{
	json_key(j, key);
	if (wall_ms != 0)
		json_time_ms(j, wall_ms);
	else
		json_put_null(j);
}

void json_member_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

/* --- times ---------------------------------------------------------------- */

struct moment {
	unsigned year, month, day, weekday;	/* month 1–12, Sunday 0 */
	unsigned hour, minute, second, ms;
};

/* Gregorian calendar, years counted from 1 March so that the leap day is the
 * last of them; a cycle of 400 years has 146,097 days. */
static void fill_date(struct moment *m, unsigned days)
{
	unsigned since = days + 719468;		/* since 0000-03-01 */
	unsigned cycle = since / 146097;
	unsigned day = since % 146097;
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned of_year = day - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;	/* March 0 */
	m->day = of_year - (153 * month + 2) / 5 + 1;
	m->month = month < 10 ? month + 3 : month - 9;
	m->year = 400 * cycle + year + (month >= 10);
	m->weekday = (days + 4) % 7;
}

/* Kept between 1970 and 9999, which all text forms can say. */
static struct moment moment_of(int64_t wall_ms)
{
	const int64_t end = 253402300799999;
	uint64_t ms = (uint64_t)(wall_ms < 0 ? 0 : wall_ms > end ? end :
								   wall_ms);
	unsigned of_day = (unsigned)(ms % 86400000);
	struct moment m = {
		.hour = of_day / 3600000,
		.minute = of_day / 60000 % 60,
		.second = of_day / 1000 % 60,
		.ms = of_day % 1000,
	};
	fill_date(&m, (unsigned)(ms / 86400000));
	return m;
}

const char *time_text_ms(int64_t wall_ms, char to[TIME_TEXT_MAX])
{
	struct moment m = moment_of(wall_ms);
	snprintf(to, TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 m.year % 10000, m.month % 100, m.day % 100, m.hour % 100,
		 m.minute % 100, m.second % 100, m.ms % 1000);
	return to;
}

const char *time_text_rfc5322(int64_t wall_ms, char to[TIME_TEXT_MAX + 8])
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed",
					 "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr",
					    "May", "Jun", "Jul", "Aug",
					    "Sep", "Oct", "Nov", "Dec" };
	struct moment m = moment_of(wall_ms);
	invariant(m.month >= 1 && m.month <= 12);
	snprintf(to, TIME_TEXT_MAX + 8, "%s, %u %s %04u %02u:%02u:%02u +0000",
		 days[m.weekday], m.day % 100, months[m.month - 1],
		 m.year % 10000, m.hour % 100, m.minute % 100, m.second % 100);
	return to;
}
