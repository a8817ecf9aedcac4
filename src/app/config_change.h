/*
 * What differs between two configurations, and what that needs. Pure. What is
 * not named here takes effect while the service runs.
 */
#pragma once

#include "app/config.h"

/* The first key that differs and that everything hangs on (where data lies,
 * who serves, sockets of commands): nothing of the new configuration may count
 * without a new start. NULL: none. */
const char *config_change_fixed(const struct config *old,
				const struct config *new);
/* Calls each for the keys that differ and count from the next start on, while
 * the rest of the configuration counts at once. */
void config_change_waiting(const struct config *old, const struct config *new,
			   void (*each)(void *ctx, const char *key),
			   void *ctx);
