/* Arguments of a call; see api_call.h. */
#include "console/api_call.h"

#include <jansson.h>
#include <stdlib.h>

/* What only the console itself says. */
static const char OWN_WORDS[] = "session csrf client reader if_match as";

static bool refuse(struct api_refusal *why, unsigned status,
		   enum console_text text, slice about)
{
	*why = (struct api_refusal){ status, text, about };
	return false;
}

static bool no_memory(struct api_refusal *why)
{
	return refuse(why, 503, CONSOLE_NO_MEMORY, (slice){ 0 });
}

void api_call_seed(uint32_t chance)
{
	json_object_seed(chance | 1);
}

/* --- the body ------------------------------------------------------------- */

static bool has_own_word(json_t *object, slice *word)
{
	slice rest = slice_of(OWN_WORDS);
	while (rest.n > 0) {
		char name[32];
		*word = slice_cut(&rest, ' ');
		if (slice_to_cstr(*word, name, sizeof(name)) &&
		    json_object_get(object, name) != NULL)
			return true;
	}
	return false;
}

/* NULL: refused. */
static json_t *read_body(const struct api_request *r, struct arena *arena,
			 struct api_refusal *why)
{
	json_error_t error;
	slice word;
	bool empty = slice_trim(r->body).n == 0;
	if (empty) {
		json_t *none = json_object();
		if (none == NULL)
			no_memory(why);
		return none;
	}
	if (r->match->route->body == NULL) {
		refuse(why, 400, CONSOLE_NO_BODY, (slice){ 0 });
		return NULL;
	}
	json_t *object = json_loadb(r->body.p, r->body.n,
				    JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(object)) {
		slice text = { 0 };
		/* It lies in this frame: keep it for the answer. */
		if (!arena_copy(arena, slice_of(error.text), &text))
			text = (slice){ 0 };
		if (object != NULL)
			text = SLICE("{ } expected");
		json_decref(object);
		refuse(why, 400, CONSOLE_BAD_JSON, text);
		return NULL;
	}
	if (has_own_word(object, &word)) {
		json_decref(object);
		refuse(why, 400, CONSOLE_UNKNOWN_ARGUMENT, word);
		return NULL;
	}
	return object;
}

/* --- values --------------------------------------------------------------- */

static json_t *texts(slice value)
{
	json_t *list = json_array();
	while (list != NULL && value.n > 0) {
		slice one = slice_cut(&value, ',');
		if (json_array_append_new(list, json_stringn(one.p, one.n))
		    != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

/* Text of a query as JSON; NULL: it is none of that type. */
static json_t *typed(enum arg_type type, slice value)
{
	uint64_t number;
	switch (type) {
	case ARG_BOOL:
		if (slice_eq(value, SLICE("true")) ||
		    slice_eq(value, SLICE("1")))
			return json_true();
		if (slice_eq(value, SLICE("false")) ||
		    slice_eq(value, SLICE("0")))
			return json_false();
		return NULL;
	case ARG_NUMBER:
		if (!slice_u64(value, INT64_MAX, &number))
			return NULL;
		return json_integer((json_int_t)number);
	case ARG_TEXTS:
		return texts(value);
	case ARG_TEXT:
	case ARG_TIME:
		return json_stringn(value.p, value.n);
	case ARG_OBJECT:
		return NULL;
	}
	unreachable_state("every type is listed");
}

/* Takes the value over. */
static bool set(json_t *object, slice name, json_t *value,
		struct api_refusal *why)
{
	char key[64];
	if (!slice_to_cstr(name, key, sizeof(key))) {
		json_decref(value);
		return refuse(why, 400, CONSOLE_UNKNOWN_ARGUMENT, name);
	}
	if (json_object_get(object, key) != NULL) {
		json_decref(value);
		return refuse(why, 400, CONSOLE_TWICE, name);
	}
	return json_object_set_new(object, key, value) == 0 ||
	       no_memory(why);
}

static bool add_query(const struct api_request *r, json_t *object,
		      struct api_refusal *why)
{
	for (size_t i = 0; i < r->query_count; i++) {
		const struct route_value *q = &r->query[i];
		const struct route_arg *arg = route_arg(q->name);
		/* The reader's language; serve.c has taken it. */
		if (slice_eq(q->name, SLICE("lang")))
			continue;
		if (arg == NULL ||
		    !route_has_word(r->match->route->query, q->name))
			return refuse(why, 400, CONSOLE_UNKNOWN_ARGUMENT,
				      q->name);
		if (q->value.n == 0)
			continue;
		json_t *value = typed(arg->type, q->value);
		if (value == NULL)
			return refuse(why, 400, CONSOLE_BAD_ARGUMENT, q->name);
		if (!set(object, q->name, value, why))
			return false;
	}
	return true;
}

/* "name?whole=true&…": those of the table. */
static bool add_fixed(const struct route *route, json_t *object,
		      struct api_refusal *why)
{
	slice rest = slice_of(route->call);
	slice_cut(&rest, '?');
	while (rest.n > 0) {
		slice value = slice_cut(&rest, '&');
		slice name = slice_cut(&value, '=');
		const struct route_arg *arg = route_arg(name);
		invariant(arg != NULL);
		json_t *json = typed(arg->type, value);
		if (json == NULL)
			return no_memory(why);
		if (!set(object, name, json, why))
			return false;
	}
	return true;
}

static bool add_text(json_t *object, const char *name, slice value,
		     struct api_refusal *why)
{
	if (value.n == 0)
		return true;
	json_t *text = json_stringn(value.p, value.n);
	if (text == NULL)	/* no UTF-8: nobody's session */
		return refuse(why, 400, CONSOLE_BAD_ARGUMENT, slice_of(name));
	return json_object_set_new(object, name, text) == 0 || no_memory(why);
}

static bool add_all(const struct api_request *r, json_t *object,
		    struct api_refusal *why)
{
	const struct route_match *m = r->match;
	for (size_t i = 0; i < m->value_count; i++) {
		slice value = m->values[i].value;
		json_t *text = json_stringn(value.p, value.n);
		if (text == NULL)
			return no_memory(why);
		if (!set(object, m->values[i].name, text, why))
			return false;
	}
	return add_fixed(m->route, object, why) &&
	       add_query(r, object, why) &&
	       add_text(object, "if_match", r->if_match, why) &&
	       add_text(object, "session", r->session, why) &&
	       add_text(object, "csrf", r->csrf, why) &&
	       add_text(object, "client", r->client, why) &&
	       add_text(object, "reader",
			r->language == LANGUAGE_JA ? SLICE("ja") :
						     SLICE("en"), why);
}

bool api_call_write(const struct api_request *r, struct arena *arena,
		    struct buf *out, struct api_refusal *why)
{
	json_t *object = read_body(r, arena, why);
	if (object == NULL)
		return false;
	bool ok = add_all(r, object, why);
	char *text = ok ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!ok)
		return false;
	if (text != NULL)
		buf_append(out, slice_of(text));
	ok = text != NULL && !out->failed;
	free(text);
	return ok || no_memory(why);
}
