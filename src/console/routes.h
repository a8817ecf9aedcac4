/*
 * The table of the API (api.def) and finding a route in it. Pure.
 */
#pragma once

#include "base/arena.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE,
		   HTTP_METHOD_COUNT };
const char *http_method_name(enum http_method m);
/* "GET, POST": bits of http_method, for people and Allow; returns `to`. */
enum { HTTP_METHODS_TEXT_MAX = 40 };
const char *http_methods_text(unsigned methods, char to[HTTP_METHODS_TEXT_MAX]);
/* HEAD is GET. False: none that is answered here. */
bool http_method_of(slice name, enum http_method *out) MUST_USE;

enum route_answer { ROUTE_ONE, ROUTE_LIST, ROUTE_MADE, ROUTE_ACT,
		    ROUTE_EVENTS, ROUTE_OPENAPI };

struct route {
	enum http_method method;
	const char *path;		/* "/customers/{name}" */
	const char *call;		/* NULL: no call is made; fixed
					 * arguments behind "?" */
	enum route_answer answer;
	bool is_public;
	const char *query;		/* names, divided by spaces */
	const char *body;		/* the same; NULL: there is none */
	const char *row;		/* of api_rows.def, or "" */
	const char *summary;
};
const struct route *routes(size_t *count);

struct route_value {
	slice name, value;		/* value: decoded, in the arena */
};
enum { ROUTE_VALUES_MAX = 4 };

struct route_match {
	const struct route *route;	/* NULL: the path or method is none */
	unsigned methods;		/* of the path: bit of each */
	bool malformed;			/* escapes that are none */
	struct route_value values[ROUTE_VALUES_MAX];
	size_t value_count;
};
/* path: behind /api/v1, as it came (escaped). A segment that is said beats
 * one that is a value. */
void route_find(enum http_method method, slice path, struct arena *arena,
		struct route_match *out);

/* %XX decoded. False: no memory, a malformed escape, a NUL, or no UTF-8. */
bool http_unescape(slice in, struct arena *arena, slice *out) MUST_USE;

/* --- arguments ------------------------------------------------------------ */

enum arg_type { ARG_TEXT, ARG_BOOL, ARG_NUMBER, ARG_TIME, ARG_TEXTS,
		ARG_OBJECT };
struct route_arg {
	const char *name;
	enum arg_type type;
	const char *summary;
};
/* NULL: no such argument. */
const struct route_arg *route_arg(slice name);
/* Is it among these words? */
bool route_has_word(const char *words, slice word);
