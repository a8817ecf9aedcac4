/*
 * Strings out of JSON that jansson has read. Include it before base/json.h,
 * which has short names of its own.
 */
#pragma once

#include <jansson.h>

#include "base/slice.h"

/* The string under a key; empty when there is none, or something else. Lends
 * from object, which may be NULL. */
static inline slice json_text(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	return json_is_string(v) ? (slice){ json_string_value(v),
					    json_string_length(v) }
				 : (slice){ 0 };
}
