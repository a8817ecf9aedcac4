/*
 * Writes JSON into a buf: logs, journal, --json output, API. No tree, no
 * parsing (jansson does that in admin and console). Strings are escaped;
 * bytes that are no UTF-8 become U+FFFD, so one event is always one line.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
	struct buf *out;
	size_t string_max;		/* longer strings are cut and end in
					 * U+2026; 0: never */
	uint8_t depth;
	bool has_member[JSON_DEPTH_MAX];
	bool after_key;
};

/* Appends to out; out->failed tells of overflow. */
void json_init(struct json *j, struct buf *out);
void json_object_begin(struct json *j);	/* { */
void json_object_end(struct json *j);
void json_array_begin(struct json *j);	/* [ */
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);
void json_put_string(struct json *j, slice s);
void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
void json_bool(struct json *j, bool v);
void json_put_null(struct json *j);
/* RFC 3339 UTC with milliseconds, from wall-clock milliseconds. */
void json_time_ms(struct json *j, int64_t wall_ms);
void json_id(struct json *j, struct id id);
/* Text that is JSON already. */
void json_raw(struct json *j, slice json_text);

/* key and value in one call. */
void json_member_string(struct json *j, const char *key, slice s);
void json_member_cstr(struct json *j, const char *key, const char *s);
void json_member_u64(struct json *j, const char *key, uint64_t v);
/* Null when it is empty; when it is 0. */
void json_member_text_or_null(struct json *j, const char *key, slice s);
void json_member_time_or_null(struct json *j, const char *key,
			      int64_t wall_ms);
void json_member_bool(struct json *j, const char *key, bool v);

/* "2026-11-24T04:30:00.000Z" into to; the one writer of times. */
enum { TIME_TEXT_MAX = 32 };
const char *time_text_ms(int64_t wall_ms, char to[TIME_TEXT_MAX]);
/* "Tue, 24 Nov 2026 04:30:00 +0000" (RFC 5322 3.3), for Received: and Date:. */
const char *time_text_rfc5322(int64_t wall_ms, char to[TIME_TEXT_MAX + 8]);

/* Short names, not for files that also include <jansson.h>: it has functions
 * of these names (so ours must never be symbols of the program, else they
 * would stand in for jansson's). Such a file includes it first, or defines
 * JSON_NO_SHORT_NAMES. */
#if !defined(JANSSON_H) && !defined(JSON_NO_SHORT_NAMES)
static inline void json_object(struct json *j)
{
	json_object_begin(j);
}
static inline void json_array(struct json *j)
{
	json_array_begin(j);
}
static inline void json_string(struct json *j, slice s)
{
	json_put_string(j, s);
}
static inline void json_null(struct json *j)
{
	json_put_null(j);
}
#endif
