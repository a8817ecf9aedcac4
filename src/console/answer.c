/*
 * See answer.h. A row that is no item of a list is known by its first member:
 *   {"error":true, …}     what is wrong with the values; errors of a problem
 *   {"next": …, …}        last of a list: more follows, and what goes beside
 *   {"retry_after": n}    seconds
 *   {"cookie": "…", …}    the session's cookie; the rest is the answer
 * Rows are written by our own writer (base/json.h), which sets no spaces.
 */
#include "console/answer.h"

#include "console/http.h"

#define JSON_NO_SHORT_NAMES
#include "base/json.h"
#include "base/map.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const slice ERROR_ROW = { "{\"error\":true", 13 };
static const slice NEXT_ROW = { "{\"next\":", 8 };
static const slice RETRY_ROW = { "{\"retry_after\":", 15 };
static const slice COOKIE_ROW = { "{\"cookie\":", 10 };

static const char JSON_TYPE[] = "application/json";
static const char PROBLEM_TYPE[] = "application/problem+json";

/* --- titles --------------------------------------------------------------- */

static const struct status_row {
	unsigned status;
	enum console_text title;
} STATUSES[] = {
	{ 400, CONSOLE_TITLE_BAD_REQUEST }, { 401, CONSOLE_TITLE_SIGN_IN },
	{ 403, CONSOLE_TITLE_NOT_ALLOWED }, { 404, CONSOLE_TITLE_NOT_FOUND },
	{ 405, CONSOLE_TITLE_METHOD },	    { 412, CONSOLE_TITLE_CHANGED },
	{ 413, CONSOLE_TITLE_TOO_LARGE },
	{ 415, CONSOLE_TITLE_MEDIA_TYPE },  { 422, CONSOLE_TITLE_REFUSED },
	{ 429, CONSOLE_TITLE_SLOW_DOWN },   { 500, CONSOLE_TITLE_INTERNAL },
	{ 503, CONSOLE_TITLE_UNAVAILABLE },
};

static enum console_text title_of(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++)
		if (STATUSES[i].status == status)
			return STATUSES[i].title;
	return CONSOLE_TITLE_INTERNAL;
}

/* admin/calls.h: enum call_exit. */
static unsigned status_of_code(int code)
{
	static const struct {
		int code;
		unsigned status;
	} CODES[] = {
		{ 1, 404 },  { 2, 401 },  { 3, 412 },  { 4, 429 },
		{ 64, 400 }, { 65, 404 }, { 66, 422 }, { 69, 503 },
		{ 70, 500 }, { 74, 500 }, { 75, 503 }, { 77, 403 },
		{ 78, 422 },
	};
	for (size_t i = 0; i < ARRAY_LEN(CODES); i++)
		if (CODES[i].code == code)
			return CODES[i].status;
	return 500;
}

/* --- life ----------------------------------------------------------------- */

void answer_init(struct answer *a)
{
	*a = (struct answer){ .status = 500, .type = JSON_TYPE };
	buf_init(&a->body, ANSWER_BODY_MAX);
}

void answer_fini(struct answer *a)
{
	buf_fini(&a->body);
}

/* --- problems ------------------------------------------------------------- */

static void write_errors(struct json *j, slice rows)
{
	slice row;
	bool any = false;
	while (front_row(&rows, &row)) {
		if (!slice_starts(row, ERROR_ROW))
			continue;
		if (!any) {
			json_key(j, "errors");
			json_array_begin(j);
		}
		any = true;
		json_raw(j, row);
	}
	if (any)
		json_array_end(j);
}

static void problem(struct answer *a, unsigned status, slice detail,
		    slice rows, enum language language)
{
	struct json j;
	const char *title = text_in(console_text(title_of(status)), language);
	a->status = status;
	a->type = PROBLEM_TYPE;
	buf_clear(&a->body);
	json_init(&j, &a->body);
	json_object_begin(&j);
	json_member_cstr(&j, "type", "about:blank");
	json_member_cstr(&j, "title", title);
	json_member_u64(&j, "status", status);
	json_member_string(&j, "detail", detail);
	write_errors(&j, rows);
	json_object_end(&j);
}

void answer_refuse(struct answer *a, unsigned status, enum console_text text,
		   slice about, enum language language)
{
	struct buf detail;
	buf_init(&detail, 4096);
	say(&detail, console_text(text), language, &about, 1);
	problem(a, status, buf_slice(&detail), (slice){ 0 }, language);
	buf_fini(&detail);
}

/* --- rows that steer ------------------------------------------------------ */

static void take_retry(struct answer *a, slice row)
{
	slice digits = slice_skip(row, RETRY_ROW.n);
	digits = slice_sub(digits, 0, slice_find(digits, '}'));
	if (!slice_u64(digits, 86400, &a->retry_after_s))
		a->retry_after_s = 1;
}

static void take_retries(struct answer *a, slice rows)
{
	slice row;
	while (front_row(&rows, &row))
		if (slice_starts(row, RETRY_ROW))
			take_retry(a, row);
}

/* {"cookie":"…", rest}: keeps the cookie, leaves {rest} in *row. */
static void take_cookie(struct answer *a, slice *row, struct buf *rest)
{
	slice s = slice_skip(*row, COOKIE_ROW.n);
	slice token = { 0 };
	if (slice_starts(s, SLICE("\""))) {
		s = slice_skip(s, 1);
		token = slice_sub(s, 0, slice_find(s, '"'));
		s = slice_skip(s, token.n + 1);
	} else {
		s = slice_skip(s, slice_find(s, ','));
	}
	a->has_cookie = http_is_token(token) &&
			slice_to_cstr(token, a->cookie, sizeof(a->cookie));
	if (slice_starts(s, SLICE(",")))
		s = slice_skip(s, 1);
	buf_append_char(rest, '{');
	buf_append(rest, s.n > 0 ? s : SLICE("}"));
	*row = buf_slice(rest);
}

/* --- good answers --------------------------------------------------------- */

/* The tag of these bytes, behind the object's own, if it has one: the own one
 * alone doesn't change with all that is shown. */
static void tag(struct answer *a, slice own)
{
	if (own.n > ANSWER_ETAG_MAX - 24 || !http_is_token(own))
		own = (slice){ 0 };
	snprintf(a->etag, sizeof(a->etag), "\"%.*s%s%016" PRIx64 "\"",
		 SLICE_ARG(own), own.n > 0 ? "." : "",
		 hash_bytes(buf_slice(&a->body)));
}

/* The object's member `etag`, found by jansson: it may stand anywhere. Most
 * have none, and some are large: no bytes like it, no parsing. */
static void tag_object(struct answer *a)
{
	static const slice member = { "\"etag\":", 7 };
	slice body = buf_slice(&a->body);
	json_error_t error;
	if (slice_find_slice(body, member) == body.n) {
		tag(a, (slice){ 0 });
		return;
	}
	json_t *object = json_loadb(a->body.p, a->body.n, 0, &error);
	json_t *own = json_is_object(object) ? json_object_get(object, "etag")
					     : NULL;
	tag(a, json_is_string(own) ? slice_of(json_string_value(own))
				   : (slice){ 0 });
	json_decref(object);
}

static void write_one(struct answer *a, slice rows, unsigned status)
{
	slice row = { 0 };
	struct buf rest;
	bool found = false;
	buf_init(&rest, ANSWER_BODY_MAX);
	while (!found && front_row(&rows, &row))
		found = !slice_starts(row, ERROR_ROW) &&
			!slice_starts(row, RETRY_ROW);
	if (found && slice_starts(row, COOKIE_ROW))
		take_cookie(a, &row, &rest);
	if (found && row.n > 2)
		buf_append(&a->body, row);
	a->status = a->body.n > 0 ? status : 204;
	a->body.failed |= rest.failed;
	buf_fini(&rest);
}

/* {"items":[…],"next":…} and what else the last row says. */
static void write_list(struct answer *a, slice rows)
{
	slice row, last = SLICE("{\"next\":null}");
	bool first = true;
	buf_append(&a->body, SLICE("{\"items\":["));
	while (front_row(&rows, &row)) {
		if (slice_starts(row, NEXT_ROW)) {
			last = row;
			continue;
		}
		if (!first)
			buf_append_char(&a->body, ',');
		first = false;
		buf_append(&a->body, row);
	}
	buf_append(&a->body, SLICE("],"));
	buf_append(&a->body, slice_skip(last, 1));
	a->status = 200;
}

/* {"items":[…],"text":"…"} */
static void write_act(struct answer *a, slice rows, slice text)
{
	struct json j;
	slice row;
	json_init(&j, &a->body);
	json_object_begin(&j);
	json_key(&j, "items");
	json_array_begin(&j);
	while (front_row(&rows, &row))
		json_raw(&j, row);
	json_array_end(&j);
	json_member_string(&j, "text", text);
	json_object_end(&j);
	a->status = 200;
}

static bool matches(slice header, const char *etag)
{
	while (header.n > 0) {
		slice one = slice_trim(slice_cut(&header, ','));
		if (slice_starts(one, SLICE("W/")))
			one = slice_skip(one, 2);
		if (slice_eq(one, slice_of(etag)) || slice_eq(one, SLICE("*")))
			return true;
	}
	return false;
}

static void good(struct answer *a, const struct route *route,
		 const struct front_call *call, enum language language,
		 slice if_none_match)
{
	slice rows = buf_slice(&call->rows);
	bool list = route->answer == ROUTE_LIST;
	if (list)
		write_list(a, rows);
	else if (route->answer == ROUTE_ACT)
		write_act(a, rows, buf_slice(&call->text));
	else
		write_one(a, rows, route->answer == ROUTE_MADE ? 201 : 200);
	if (a->body.failed) {
		answer_refuse(a, 503, CONSOLE_NO_MEMORY, (slice){ 0 },
			      language);
		return;
	}
	if (route->method != HTTP_GET || a->body.n == 0)
		return;
	if (list)
		tag(a, (slice){ 0 });
	else
		tag_object(a);
	if (if_none_match.n > 0 && matches(if_none_match, a->etag)) {
		a->status = 304;
		buf_clear(&a->body);
	}
}

/* --- all ------------------------------------------------------------------ */

static void bad(struct answer *a, const struct front_call *call,
		enum language language)
{
	slice rows = buf_slice(&call->rows), text = buf_slice(&call->text);
	unsigned status = status_of_code(call->code);
	take_retries(a, rows);
	if (status == 429) {
		char seconds[24];
		if (a->retry_after_s == 0)
			a->retry_after_s = 1;
		snprintf(seconds, sizeof(seconds), "%" PRIu64,
			 a->retry_after_s);
		answer_refuse(a, status, CONSOLE_SLOW_DOWN, slice_of(seconds),
			      language);
		return;
	}
	if (text.n == 0)
		text = slice_of(text_in(
			console_text(status == 404 ? CONSOLE_NOT_FOUND :
				     status == 401 ? CONSOLE_SIGN_IN :
						     title_of(status)),
			language));
	problem(a, status, text, rows, language);
}

void answer_of_call(struct answer *a, const struct route *route,
		    const struct front_call *call, enum language language,
		    slice if_none_match)
{
	const slice nothing = { 0 };
	switch (call->end) {
	case FRONT_ANSWERED:
		if (call->code == 0)
			good(a, route, call, language,
			     if_none_match);
		else
			bad(a, call, language);
		return;
	case FRONT_DOWN:
		a->retry_after_s = 2;
		answer_refuse(a, 503, CONSOLE_ADMIN_DOWN, nothing, language);
		return;
	case FRONT_LOST:
		answer_refuse(a, 503, route->method == HTTP_GET ?
					      CONSOLE_ADMIN_DOWN :
					      CONSOLE_LOST, nothing, language);
		return;
	case FRONT_BUSY:
		a->retry_after_s = 1;
		answer_refuse(a, 503, CONSOLE_BUSY, nothing, language);
		return;
	case FRONT_NOT_ASKED:
		answer_refuse(a, 413, CONSOLE_TOO_LARGE, nothing, language);
		return;
	case FRONT_TOO_LARGE:
		answer_refuse(a, 500, CONSOLE_ANSWER_TOO_LARGE, nothing,
			      language);
		return;
	}
	unreachable_state("every end is listed");
}

slice answer_if_match(slice header)
{
	slice s = slice_trim(header);
	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return s;
	s = slice_sub(s, 1, s.n - 2);
	return slice_sub(s, 0, slice_find(s, '.'));
}
