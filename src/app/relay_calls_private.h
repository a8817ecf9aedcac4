/* What relay's answers to calls share. */
#pragma once

#include <jansson.h>

#include "app/relay_calls.h"

enum { EXIT_FINE = 0, EXIT_NONE_FOUND = 1, EXIT_USAGE_CODE = 64,
       EXIT_SOFTWARE_CODE = 70, EXIT_TEMPORARY_CODE = 75 };

/* A string among the arguments; empty: none. Lends from args. */
static inline slice relay_call_string(const json_t *args, const char *key)
{
	const json_t *v = json_object_get(args, key);
	return json_is_string(v) ? slice_of(json_string_value(v))
				 : (slice){ 0 };
}
