/*
 * Poison notes: what each shard works on, in a page that master holds too,
 * so that after a crash it is known which message or client did it. Plain
 * stores; nobody reads them while the writer lives, but for the heartbeat.
 *
 *	note_message(note, id, "deliver.data");  … note_message_clear(note);
 */
#pragma once

#include <stdatomic.h>

#include "base/id.h"
#include "base/ip.h"

enum { NOTE_STEP_MAX = 24, NOTES_SHARDS_MAX = 1024 };

/* One shard's. Steps are cut to NOTE_STEP_MAX - 1 characters. */
struct note {
	_Alignas(64) _Atomic uint64_t beats;	/* 0: not begun */
	struct id message;			/* zero: none */
	struct ip_addr client;
	bool has_client;
	char message_step[NOTE_STEP_MAX];
	char client_step[NOTE_STEP_MAX];
};
struct notes {
	uint32_t magic, shards;
	struct note shard[];
};

size_t notes_bytes(uint32_t shards);
/* `n` is zeroed memory of that size, or a page used before: all is blank. */
void notes_init(struct notes *n, uint32_t shards);
bool notes_valid(const struct notes *n, size_t bytes);

/* note may be NULL (tests). */
void note_message(struct note *note, struct id id, const char *step);
void note_client(struct note *note, const struct ip_addr *client,
		 const char *step);

static inline void note_message_clear(struct note *note)
{
	if (note != NULL)
		note->message = (struct id){ 0 };
}
static inline void note_client_clear(struct note *note)
{
	if (note != NULL)
		note->has_client = false;
}
/* At least every 10 s, also by an idle shard: silent for 60 s, master kills
 * the process. Watched from the first beat on. */
static inline void note_beat(struct note *note)
{
	if (note != NULL)
		atomic_fetch_add_explicit(&note->beats, 1,
					  memory_order_relaxed);
}
