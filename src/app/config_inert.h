/*
 * Keys of the configuration that are read and checked and have no effect yet.
 * Who sets one is told so, by `check` and at the start. A key that gets its
 * effect loses its row in config_inert.c.
 */
#pragma once

#include "app/config.h"

enum { CONFIG_INERT_MAX = 16 };
/* Names of those that are set, NULL-terminated; how many. */
size_t config_inert(const struct config *c,
		    const char *names[CONFIG_INERT_MAX]);
/* Is it in the table? */
bool config_is_inert(const char *name);
