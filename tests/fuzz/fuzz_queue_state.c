/*
 * The state of a queue entry from any bytes, as a state frame or a checkpoint
 * could hold them: what is read holds together (entry_check) and is written
 * so that it reads back the same. The first byte chooses whether the
 * destinations that the corpus names are known.
 */
#include <stdlib.h>

#include "queue/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STATE_BYTES_MAX = 16 << 20, KNOWN = 1 };

static void check_read(const struct queue_entry *e)
{
	uint32_t first = 0;
	entry_check(e);
	for (uint16_t i = 0; i < e->part_count; i++) {
		const struct queue_part *p = &e->parts[i];
		invariant(p->first == first && p->count > 0);
		invariant(p->destination != NULL && p->entry == e);
		invariant(p->next_ms >= 0 && p->state != PART_LEASED);
		first += p->count;
	}
	invariant(first == e->recipient_count);
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		const struct queue_recipient *r = &e->recipients[i];
		invariant(r->state < RECIPIENT_STATE_COUNT &&
			  r->held < HELD_REASON_COUNT);
		invariant(slice_of(r->reply).n <= ENTRY_REPLY_MAX);
	}
}

static struct queue_entry *read_state(struct destinations *all, slice state)
{
	static const struct id id = { 1, 2 };
	struct err err;
	struct queue_entry *e = entry_from_state(NULL, id, all, state, &err);
	if (e == NULL)
		invariant(err.kind == ERR_PROTOCOL ||
			  err.kind == ERR_INTERNAL);
	else
		check_read(e);
	return e;
}

static void check_state(struct destinations *all, slice state)
{
	struct queue_entry *e = read_state(all, state);
	struct buf once, twice;
	if (e == NULL)
		return;
	buf_init(&once, STATE_BYTES_MAX);
	buf_init(&twice, STATE_BYTES_MAX);
	entry_state_write(&once, e);
	entry_free(&e);
	/* Words longer than we keep were cut: never more than came in. */
	invariant(!once.failed && once.n <= state.n);
	e = read_state(all, buf_slice(&once));
	invariant(e != NULL);
	entry_state_write(&twice, e);
	invariant(slice_eq(buf_slice(&once), buf_slice(&twice)));
	entry_free(&e);
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct destinations *all = calloc(1, sizeof(*all));
	invariant(all != NULL && destinations_init(all));
	if (data[0] & KNOWN)
		invariant(destinations_named(all, SLICE("maildir capture"),
					     5) != NULL);
	check_state(all, (slice){ (const char *)data + 1, size - 1 });
	destinations_fini(all);
	free(all);
	return 0;
}
