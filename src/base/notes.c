/* Poison notes; see notes.h. */
#include "base/notes.h"

enum { MAGIC = 0x4e745031 };	/* "NtP1" */

size_t notes_bytes(uint32_t shards)
{
	invariant(shards > 0 && shards <= NOTES_SHARDS_MAX);
	return sizeof(struct notes) + shards * sizeof(struct note);
}

void notes_init(struct notes *n, uint32_t shards)
{
	memset(n, 0, notes_bytes(shards));
	n->magic = MAGIC;
	n->shards = shards;
}

bool notes_valid(const struct notes *n, size_t bytes)
{
	return bytes >= sizeof(*n) && n->magic == MAGIC && n->shards > 0 &&
	       n->shards <= NOTES_SHARDS_MAX &&
	       bytes >= notes_bytes(n->shards);
}

static void copy_step(char to[NOTE_STEP_MAX], const char *step)
{
	size_t n = strnlen(step, NOTE_STEP_MAX - 1);
	memcpy(to, step, n);
	to[n] = '\0';
}

void note_message(struct note *note, struct id id, const char *step)
{
	if (note == NULL)
		return;
	note->message = id;
	copy_step(note->message_step, step);
}

void note_client(struct note *note, const struct ip_addr *client,
		 const char *step)
{
	if (note == NULL)
		return;
	note->client = *client;
	note->has_client = true;
	copy_step(note->client_step, step);
}
