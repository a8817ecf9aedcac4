/*
 * What the notes of crashed relays add up to: a message noted in two crashes
 * is held, an address noted in three within 10 min is refused for an hour.
 * Pure; master's. Tables are bounded: the oldest entry gives way.
 */
#pragma once

#include "app/start.h"

enum {
	POISON_MESSAGE_CRASHES = 2,
	POISON_ADDRESS_CRASHES = 3,
	POISON_ADDRESS_WINDOW_MS = 600000,
	POISON_REFUSED_MS = 3600000,
};

struct poison {
	struct {
		struct id id;
		unsigned crashes;
		int64_t last_ms;
	} messages[START_POISON_MAX];
	size_t message_count;
	struct {
		struct ip_addr address;
		int64_t crashed_ms[POISON_ADDRESS_CRASHES];	/* newest first */
		int64_t refused_until_ms;
	} addresses[START_REFUSED_MAX];
	size_t address_count;
};

/* A relay crashed while these notes stood. Times are wall milliseconds. */
void poison_crash(struct poison *p, const struct notes *notes,
		  int64_t wall_ms);
/* What the next relay is told: to arrays of START_…_MAX rows. */
size_t poison_messages(const struct poison *p, struct id *out);
size_t poison_refused(const struct poison *p, int64_t wall_ms,
		      struct start_refused *out);
