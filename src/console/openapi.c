/* The document, out of the tables; see openapi.h. The tables are trusted:
 * what is malformed in them ends the process, at the first test. */
#include "console/openapi.h"

#include <stdio.h>

#include "base/json.h"
#include "console/routes.h"

static const struct row_shape {
	const char *name, *members;
} SHAPES[] = {
#define ROW(name, members) { #name, members },
#include "console/api_rows.def"
#undef ROW
};

enum { REF_MAX = 100 };

static bool is(slice s, const char *word)
{
	return slice_eq(s, slice_of(word));
}

static const struct row_shape *shape_of(slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(SHAPES); i++)
		if (is(name, SHAPES[i].name))
			return &SHAPES[i];
	return NULL;
}

/* --- types ---------------------------------------------------------------- */

static void ref(struct json *j, slice name)
{
	char text[REF_MAX];
	invariant(shape_of(name) != NULL || is(name, "problem"));
	snprintf(text, sizeof(text), "#/components/schemas/%.*s",
		 SLICE_ARG(name));
	json_member_cstr(j, "$ref", text);
}

/* "type": one, or with null. */
static void plain_type(struct json *j, const char *type, bool or_null)
{
	json_key(j, "type");
	if (!or_null) {
		json_string(j, slice_of(type));
		return;
	}
	json_array(j);
	json_string(j, slice_of(type));
	json_string(j, SLICE("null"));
	json_array_end(j);
}

static void ref_or_null(struct json *j, slice name)
{
	json_key(j, "anyOf");
	json_array(j);
	json_object(j);
	ref(j, name);
	json_object_end(j);
	json_object(j);
	plain_type(j, "null", false);
	json_object_end(j);
	json_array_end(j);
}

/* A name of api_rows.def: text, number, a row. */
static void simple_schema(struct json *j, slice type, bool or_null)
{
	json_object(j);
	if (is(type, "text")) {
		plain_type(j, "string", or_null);
	} else if (is(type, "bool")) {
		plain_type(j, "boolean", or_null);
	} else if (is(type, "number")) {
		plain_type(j, "number", or_null);
	} else if (is(type, "time")) {
		plain_type(j, "string", or_null);
		json_member_cstr(j, "format", "date-time");
	} else if (is(type, "object")) {
		plain_type(j, "object", or_null);
	} else if (!is(type, "any")) {
		if (or_null)
			ref_or_null(j, type);
		else
			ref(j, type);
	}
	json_object_end(j);
}

static void schema(struct json *j, slice type)
{
	bool or_null = type.n > 0 && type.p[type.n - 1] == '?';
	type.n -= or_null;
	invariant(type.n > 0);
	if (type.p[0] != '[') {
		simple_schema(j, type, or_null);
		return;
	}
	json_object(j);
	plain_type(j, "array", or_null);
	json_key(j, "items");
	simple_schema(j, slice_sub(type, 1, type.n - 2), false);
	json_object_end(j);
}

/* --- rows ----------------------------------------------------------------- */

/* "name?:type" apart; true: it may be absent. */
static bool member_of(slice word, slice *name, slice *type)
{
	*type = word;
	*name = slice_cut(type, ':');
	bool optional = name->n > 0 && name->p[name->n - 1] == '?';
	name->n -= optional;
	invariant(name->n > 0 && type->n > 0);
	return optional;
}

static void key(struct json *j, slice name)
{
	char text[REF_MAX];
	bool fits = slice_to_cstr(name, text, sizeof(text));
	invariant(fits);
	json_key(j, text);
}

static void properties(struct json *j, const char *members)
{
	slice rest = slice_of(members), name, type;
	while (rest.n > 0) {
		member_of(slice_cut(&rest, ' '), &name, &type);
		key(j, name);
		schema(j, type);
	}
}

static void row_schema(struct json *j, const struct row_shape *shape)
{
	slice rest = slice_of(shape->members), name, type;
	json_object(j);
	plain_type(j, "object", false);
	json_key(j, "properties");
	json_object(j);
	properties(j, shape->members);
	json_object_end(j);
	json_key(j, "required");
	json_array(j);
	while (rest.n > 0)
		if (!member_of(slice_cut(&rest, ' '), &name, &type))
			json_string(j, name);
	json_array_end(j);
	json_object_end(j);
}

static void problem_schema(struct json *j)
{
	json_object(j);
	json_member_cstr(j, "description", "RFC 9457");
	plain_type(j, "object", false);
	json_key(j, "properties");
	json_object(j);
	properties(j, "type:text title:text status:number detail:text "
		      "errors:[any]");
	json_object_end(j);
	json_object_end(j);
}

/* --- what is asked -------------------------------------------------------- */

/* Type names of arguments are those of rows. */
static const char *arg_type_name(enum arg_type type)
{
	static const char *const NAMES[] = {
		[ARG_TEXT] = "text",   [ARG_BOOL] = "bool",
		[ARG_NUMBER] = "number", [ARG_TIME] = "time",
		[ARG_TEXTS] = "[text]", [ARG_OBJECT] = "object",
	};
	return NAMES[type];
}

static void parameter(struct json *j, slice name, const char *place)
{
	const struct route_arg *arg = route_arg(name);
	invariant(arg != NULL);
	json_object(j);
	json_member_string(j, "name", name);
	json_member_cstr(j, "in", place);
	json_member_bool(j, "required", strcmp(place, "path") == 0);
	json_member_cstr(j, "description", arg->summary);
	json_key(j, "schema");
	schema(j, slice_of(arg_type_name(arg->type)));
	if (arg->type == ARG_TEXTS) {
		json_member_cstr(j, "style", "form");
		json_member_bool(j, "explode", false);
	}
	json_object_end(j);
}

static void parameters(struct json *j, const struct route *r)
{
	slice path = slice_of(r->path), query = slice_of(r->query);
	json_key(j, "parameters");
	json_array(j);
	while (path.n > 0) {
		slice part = slice_cut(&path, '/');
		if (part.n > 2 && part.p[0] == '{')
			parameter(j, slice_sub(part, 1, part.n - 2), "path");
	}
	while (query.n > 0)
		parameter(j, slice_cut(&query, ' '), "query");
	json_array_end(j);
}

/* A word of a body: "name", "name:type", "=row". */
static void body_word(struct json *j, slice word)
{
	slice type = word, name = slice_cut(&type, ':');
	if (slice_starts(word, SLICE("="))) {
		const struct row_shape *shape = shape_of(slice_skip(word, 1));
		invariant(shape != NULL);
		properties(j, shape->members);
		return;
	}
	if (type.n == 0) {
		const struct route_arg *arg = route_arg(name);
		invariant(arg != NULL);
		type = slice_of(arg_type_name(arg->type));
	}
	key(j, name);
	schema(j, type);
}

static void request_body(struct json *j, const struct route *r)
{
	slice words = slice_of(r->body);
	json_key(j, "requestBody");
	json_object(j);
	json_key(j, "content");
	json_object(j);
	json_key(j, "application/json");
	json_object(j);
	json_key(j, "schema");
	json_object(j);
	plain_type(j, "object", false);
	json_key(j, "properties");
	json_object(j);
	while (words.n > 0)
		body_word(j, slice_cut(&words, ' '));
	json_object_end(j);
	json_member_bool(j, "additionalProperties", false);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
}

/* --- what is answered ----------------------------------------------------- */

static void row_or_any(struct json *j, const char *row)
{
	schema(j, *row ? slice_of(row) : SLICE("any"));
}

static void list_schema(struct json *j, const struct route *r)
{
	bool act = r->answer == ROUTE_ACT;
	json_object(j);
	plain_type(j, "object", false);
	json_key(j, "properties");
	json_object(j);
	json_key(j, "items");
	json_object(j);
	plain_type(j, "array", false);
	json_key(j, "items");
	row_or_any(j, r->row);
	json_object_end(j);
	properties(j, act ? "text:text" :
			    "next:text? count:any incomplete:bool as_of:time?");
	json_object_end(j);
	json_key(j, "required");
	json_array(j);
	json_string(j, SLICE("items"));
	json_string(j, act ? SLICE("text") : SLICE("next"));
	json_array_end(j);
	json_object_end(j);
}

static void content(struct json *j, const char *type)
{
	json_key(j, "content");
	json_object(j);
	json_key(j, type);
	json_object(j);
	json_key(j, "schema");
}

static void content_end(struct json *j)
{
	json_object_end(j);
	json_object_end(j);
}

static void good_response(struct json *j, const struct route *r)
{
	bool made = r->answer == ROUTE_MADE;
	json_key(j, made ? "201" : "200");
	json_object(j);
	json_member_cstr(j, "description", made ? "Made" : "Done");
	content(j, r->answer == ROUTE_EVENTS ? "text/event-stream"
					     : "application/json");
	if (r->answer == ROUTE_LIST || r->answer == ROUTE_ACT)
		list_schema(j, r);
	else if (r->answer == ROUTE_EVENTS)
		schema(j, SLICE("text"));
	else
		row_or_any(j, r->row);
	content_end(j);
	json_object_end(j);
	if (r->answer != ROUTE_ONE && !made)
		return;
	json_key(j, "204");
	json_object(j);
	json_member_cstr(j, "description", "Done; there is nothing to say");
	json_object_end(j);
}

/* All problems look alike; their meaning is their status. */
static void bad_response(struct json *j)
{
	json_key(j, "4XX");
	json_object(j);
	json_member_cstr(j, "description", "Not done; `detail` says why, and "
			 "what to do");
	content(j, "application/problem+json");
	json_object(j);
	ref(j, SLICE("problem"));
	json_object_end(j);
	content_end(j);
	json_object_end(j);
}

/* --- operations ----------------------------------------------------------- */

/* "get_customers_customer_settings": unique, as routes are. */
static void operation_id(struct json *j, const struct route *r)
{
	char id[200];
	size_t n = (size_t)snprintf(id, sizeof(id), "%s",
				    http_method_name(r->method));
	for (size_t i = 0; i < n; i++)
		id[i] = ascii_lower(id[i]);
	for (const char *p = r->path; *p && n < sizeof(id) - 1; p++)
		if (*p != '{' && *p != '}')
			id[n++] = ascii_alnum(*p) ? *p : '_';
	json_member_string(j, "operationId", (slice){ id, n });
}

static void tags(struct json *j, const struct route *r)
{
	slice rest = slice_skip(slice_of(r->path), 1);
	json_key(j, "tags");
	json_array(j);
	json_string(j, slice_cut(&rest, '/'));
	json_array_end(j);
}

static void operation(struct json *j, const struct route *r)
{
	static const char *const KEYS[HTTP_METHOD_COUNT] = {
		"get", "post", "put", "patch", "delete" };
	json_key(j, KEYS[r->method]);
	json_object(j);
	operation_id(j, r);
	tags(j, r);
	json_member_cstr(j, "summary", r->summary);
	if (r->call != NULL)
		json_member_cstr(j, "x-call", r->call);
	parameters(j, r);
	if (r->body != NULL)
		request_body(j, r);
	if (r->is_public) {
		json_key(j, "security");
		json_array(j);
		json_array_end(j);
	}
	json_key(j, "responses");
	json_object(j);
	good_response(j, r);
	bad_response(j);
	json_object_end(j);
	json_object_end(j);
}

/* Each path once, with all its methods. */
static void paths(struct json *j)
{
	size_t count;
	const struct route *r = routes(&count);
	json_key(j, "paths");
	json_object(j);
	for (size_t i = 0; i < count; i++) {
		bool told = false;
		for (size_t k = 0; k < i && !told; k++)
			told = strcmp(r[k].path, r[i].path) == 0;
		if (told)
			continue;
		json_key(j, r[i].path);
		json_object(j);
		for (size_t k = i; k < count; k++)
			if (strcmp(r[k].path, r[i].path) == 0)
				operation(j, &r[k]);
		json_object_end(j);
	}
	json_object_end(j);
}

static void components(struct json *j)
{
	json_key(j, "components");
	json_object(j);
	json_key(j, "schemas");
	json_object(j);
	for (size_t i = 0; i < ARRAY_LEN(SHAPES); i++) {
		json_key(j, SHAPES[i].name);
		row_schema(j, &SHAPES[i]);
	}
	json_key(j, "problem");
	problem_schema(j);
	json_object_end(j);
	json_key(j, "securitySchemes");
	json_raw(j, SLICE("{\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\","
			  "\"name\":\"__Host-postrider\",\"description\":"
			  "\"What changes something needs X-CSRF-Token too: "
			  "GET /session tells it\"},"
			  "\"token\":{\"type\":\"http\",\"scheme\":\"bearer\","
			  "\"description\":\"An API token, pr_api_…\"}}"));
	json_object_end(j);
}

void openapi_write(struct buf *out)
{
	struct json j;
	json_init(&j, out);
	json_object(&j);
	json_member_cstr(&j, "openapi", "3.1.0");
	json_key(&j, "info");
	json_raw(&j, SLICE("{\"title\":\"Postrider\",\"version\":\""
			   POSTRIDER_VERSION "\",\"description\":\"What the "
			   "console does, and the command line. Times are RFC "
			   "3339 UTC, null is not known; lists give `next` for "
			   "`cursor`; errors are RFC 9457.\"}"));
	json_key(&j, "servers");
	json_raw(&j, SLICE("[{\"url\":\"/api/v1\"}]"));
	json_key(&j, "security");
	json_raw(&j, SLICE("[{\"cookie\":[]},{\"token\":[]}]"));
	paths(&j);
	components(&j);
	json_object_end(&j);
}
