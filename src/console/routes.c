/* The tables and their look-ups; see routes.h. */
#include "console/routes.h"

#include <stdio.h>

#include "base/text.h"

static const struct route ROUTES[] = {
#define SIGNED_IN false
#define PUBLIC true
#define ROUTE(method, path, call, answer, access, query, body, row, summary) \
	{ HTTP_##method, path, call, ROUTE_##answer, access, query, body, row, \
	  summary },
#include "console/api.def"
#undef ROUTE
#undef PUBLIC
#undef SIGNED_IN
};

static const struct route_arg ARGS[] = {
#define ARG(name, type, summary) { #name, ARG_##type, summary },
#include "console/api_args.def"
#undef ARG
};

static const char *const METHODS[HTTP_METHOD_COUNT] = {
	[HTTP_GET] = "GET",	[HTTP_POST] = "POST",	  [HTTP_PUT] = "PUT",
	[HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
};

const char *http_method_name(enum http_method m)
{
	invariant(m < HTTP_METHOD_COUNT);
	return METHODS[m];
}

const char *http_methods_text(unsigned methods, char to[HTTP_METHODS_TEXT_MAX])
{
	size_t n = 0;
	to[0] = '\0';
	for (enum http_method m = 0; m < HTTP_METHOD_COUNT; m++)
		if (methods & (1u << m))
			n += (size_t)snprintf(to + n, HTTP_METHODS_TEXT_MAX - n,
					      "%s%s", n > 0 ? ", " : "",
					      METHODS[m]);
	invariant(n < HTTP_METHODS_TEXT_MAX);
	return to;
}

bool http_method_of(slice name, enum http_method *out)
{
	if (slice_eq(name, SLICE("HEAD")))
		name = SLICE("GET");
	for (enum http_method m = 0; m < HTTP_METHOD_COUNT; m++) {
		*out = m;
		if (slice_eq(name, slice_of(METHODS[m])))
			return true;
	}
	return false;
}

const struct route *routes(size_t *count)
{
	*count = ARRAY_LEN(ROUTES);
	return ROUTES;
}

const struct route_arg *route_arg(slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(ARGS); i++)
		if (slice_eq(name, slice_of(ARGS[i].name)))
			return &ARGS[i];
	return NULL;
}

bool route_has_word(const char *words, slice word)
{
	slice rest = slice_of(words);
	while (rest.n > 0)
		if (slice_eq(slice_cut(&rest, ' '), word))
			return true;
	return false;
}

/* --- escapes -------------------------------------------------------------- */

bool http_unescape(slice in, struct arena *arena, slice *out)
{
	char *to = arena_alloc(arena, in.n + 1);
	size_t n = 0;
	if (to == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];
		if (c == '%') {
			if (in.n - i < 3)
				return false;
			int high = ascii_hex(in.p[i + 1]);
			int low = ascii_hex(in.p[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0')
			return false;
		to[n++] = c;
	}
	*out = (slice){ to, n };
	return utf8_valid(*out);
}

/* --- finding -------------------------------------------------------------- */

static bool is_value(slice segment)
{
	return segment.n > 2 && segment.p[0] == '{';
}

/* Fits the path the template? values: how many segments are values. */
static bool fits(const char *path_template, slice path, size_t *values)
{
	slice t = slice_of(path_template);
	*values = 0;
	while (t.n > 0 && path.n > 0) {
		if (t.p[0] != '/' || path.p[0] != '/')
			return false;
		t = slice_skip(t, 1);
		path = slice_skip(path, 1);
		slice want = slice_sub(t, 0, slice_find(t, '/'));
		slice have = slice_sub(path, 0, slice_find(path, '/'));
		if (have.n == 0 ||
		    (!is_value(want) && !slice_eq(want, have)))
			return false;
		*values += is_value(want);
		t = slice_skip(t, want.n);
		path = slice_skip(path, have.n);
	}
	return t.n == 0 && path.n == 0;
}

static void take_values(struct route_match *m, slice path,
			struct arena *arena)
{
	slice t = slice_of(m->route->path);
	while (t.n > 0) {
		slice name, have;
		t = slice_skip(t, 1);
		path = slice_skip(path, 1);
		name = slice_sub(t, 0, slice_find(t, '/'));
		have = slice_sub(path, 0, slice_find(path, '/'));
		t = slice_skip(t, name.n);
		path = slice_skip(path, have.n);
		if (!is_value(name))
			continue;
		invariant(m->value_count < ROUTE_VALUES_MAX);
		struct route_value *v = &m->values[m->value_count++];
		v->name = slice_sub(name, 1, name.n - 2);
		if (!http_unescape(have, arena, &v->value))
			m->malformed = true;
	}
}

void route_find(enum http_method method, slice path, struct arena *arena,
		struct route_match *out)
{
	size_t fewest = SIZE_MAX;
	*out = (struct route_match){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(ROUTES); i++) {
		size_t values;
		if (!fits(ROUTES[i].path, path, &values))
			continue;
		out->methods |= 1u << ROUTES[i].method;
		if (ROUTES[i].method != method || values >= fewest)
			continue;
		fewest = values;
		out->route = &ROUTES[i];
	}
	if (out->route != NULL)
		take_values(out, path, arena);
}
