/*
 * The arguments of a call: a JSON object, read by jansson, which is strict
 * (duplicate keys, lone surrogates and tails are refused). In a file of its
 * own: base/json.h has functions of the same names.
 */
#pragma once

#include "base/arena.h"

struct args;

/* NULL: no JSON object, or no memory. Empty text is an empty object. */
struct args *args_parse(slice text);
void args_free(struct args **a);
/* The first name that isn't in the space-separated list; false: all are.
 * Lends. */
bool args_unknown(const struct args *a, const char *known, const char **name);

/* An object that is the value of `name`: lends. NULL: absent, or none. */
const struct args *args_child(const struct args *a, const char *name);
/* How many items the list `name` has; false: it is no list of texts, or one
 * is absent. args_item: one of them, lends. */
bool args_list(const struct args *a, const char *name, size_t *count);
slice args_item(const struct args *a, const char *name, size_t i);
/* Is it one of these, which are divided by spaces? */
bool args_among(const char *words, const char *word);

bool args_has(const struct args *a, const char *name);
/* The members of the object of that name become members of a. False: it is
 * none, or no memory. */
bool args_lift(struct args *a, const char *name) MUST_USE;
void args_remove(struct args *a, const char *name);
/* False: no memory. */
bool args_set_u64(struct args *a, const char *name, uint64_t v) MUST_USE;
bool args_set_text(struct args *a, const char *name, slice v) MUST_USE;
/* One value as JSON; empty: absent. False: no memory. */
bool args_write_value(const struct args *a, const char *name,
		      struct arena *arena, slice *out) MUST_USE;
/* As JSON. False: no memory. */
bool args_write(const struct args *a, struct arena *arena, slice *out)
	MUST_USE;

enum args_found {
	ARGS_ABSENT,		/* or null */
	ARGS_FOUND,
	ARGS_MALFORMED,		/* of another type */
};
enum args_found args_text(const struct args *a, const char *name, slice *out);
enum args_found args_bool(const struct args *a, const char *name, bool *out);
enum args_found args_u64(const struct args *a, const char *name, uint64_t max,
			 uint64_t *out);
