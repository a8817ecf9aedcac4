/* See args.h. A struct args is a json_t. */
#include "admin/args.h"

#include <jansson.h>
#include <stdlib.h>

static const json_t *json_of(const struct args *a)
{
	return (const json_t *)(const void *)a;
}

struct args *args_parse(slice text)
{
	json_error_t error;
	json_t *j = text.n == 0 ? json_object() :
				  json_loadb(text.p, text.n,
					     JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return (struct args *)(void *)j;
}

void args_free(struct args **a)
{
	json_decref((json_t *)(void *)*a);
	*a = NULL;
}

bool args_among(const char *words, const char *word)
{
	slice rest = slice_of(words);
	while (rest.n > 0)
		if (slice_eq(slice_cut(&rest, ' '), slice_of(word)))
			return true;
	return false;
}

bool args_unknown(const struct args *a, const char *known, const char **name)
{
	const char *key;
	json_t *value;
	json_t *object = (json_t *)(uintptr_t)json_of(a);
	json_object_foreach(object, key, value) {
		if (args_among(known, key))
			continue;
		*name = key;
		return true;
	}
	return false;
}

enum args_found args_text(const struct args *a, const char *name, slice *out)
{
	const json_t *v = json_object_get(json_of(a), name);
	if (v == NULL || json_is_null(v))
		return ARGS_ABSENT;
	if (!json_is_string(v))
		return ARGS_MALFORMED;
	*out = (slice){ json_string_value(v), json_string_length(v) };
	return ARGS_FOUND;
}

enum args_found args_bool(const struct args *a, const char *name, bool *out)
{
	const json_t *v = json_object_get(json_of(a), name);
	if (v == NULL || json_is_null(v))
		return ARGS_ABSENT;
	if (!json_is_boolean(v))
		return ARGS_MALFORMED;
	*out = json_is_true(v);
	return ARGS_FOUND;
}

enum args_found args_u64(const struct args *a, const char *name, uint64_t max,
			 uint64_t *out)
{
	const json_t *v = json_object_get(json_of(a), name);
	if (v == NULL || json_is_null(v))
		return ARGS_ABSENT;
	json_int_t i = json_integer_value(v);
	if (!json_is_integer(v) || i < 0 || (uint64_t)i > max)
		return ARGS_MALFORMED;
	*out = (uint64_t)i;
	return ARGS_FOUND;
}

const struct args *args_child(const struct args *a, const char *name)
{
	const json_t *v = json_object_get(json_of(a), name);
	return json_is_object(v) ? (const struct args *)(const void *)v : NULL;
}

bool args_list(const struct args *a, const char *name, size_t *count)
{
	const json_t *v = json_object_get(json_of(a), name);
	*count = json_array_size(v);
	for (size_t i = 0; i < *count; i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	return json_is_array(v);
}

slice args_item(const struct args *a, const char *name, size_t i)
{
	const json_t *v = json_array_get(json_object_get(json_of(a), name), i);
	invariant(json_is_string(v));
	return (slice){ json_string_value(v), json_string_length(v) };
}

bool args_has(const struct args *a, const char *name)
{
	const json_t *v = json_object_get(json_of(a), name);
	return v != NULL && !json_is_null(v) && !json_is_false(v);
}

bool args_lift(struct args *a, const char *name)
{
	json_t *all = (json_t *)(void *)a;
	json_t *inner = json_incref(json_object_get(all, name));
	bool ok = json_is_object(inner) && json_object_del(all, name) == 0 &&
		  json_object_update_missing(all, inner) == 0;
	json_decref(inner);
	return ok;
}

void args_remove(struct args *a, const char *name)
{
	json_object_del((json_t *)(void *)a, name);
}

bool args_set_u64(struct args *a, const char *name, uint64_t v)
{
	return json_object_set_new((json_t *)(void *)a, name,
				   json_integer((json_int_t)v)) == 0;
}

bool args_set_text(struct args *a, const char *name, slice v)
{
	return json_object_set_new((json_t *)(void *)a, name,
				   json_stringn(v.p, v.n)) == 0;
}

bool args_write_value(const struct args *a, const char *name,
		      struct arena *arena, slice *out)
{
	const json_t *v = json_object_get(json_of(a), name);
	*out = (slice){ 0 };
	if (v == NULL || json_is_null(v))
		return true;
	char *text = json_dumps(v, JSON_ENCODE_ANY);
	bool ok = text != NULL && arena_copy(arena, slice_of(text), out);
	free(text);
	return ok;
}

bool args_write(const struct args *a, struct arena *arena, slice *out)
{
	char *text = json_dumps(json_of(a), JSON_COMPACT);
	bool ok = text != NULL && arena_copy(arena, slice_of(text), out);
	free(text);
	return ok;
}
