/* Envelopes from any bytes: what is read is written to the same bytes. */
#include "mail/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slice all = { (const char *)data, size };
	struct arena arena;
	struct envelope e;
	struct err err;
	struct buf b;
	arena_init(&arena, 16 << 20);
	buf_init(&b, 16 << 20);
	if (envelope_read(all, &arena, &e, &err)) {
		char text[ID_TEXT_MAX];
		invariant(id_text(e.id, text) == text);
		envelope_write(&b, &e);
		invariant(!b.failed && slice_eq(buf_slice(&b), all));
		for (uint32_t i = 0; i < e.recipient_count; i++)
			address_write(&b, &e.recipients[i].address);
	} else {
		invariant(err.kind == ERR_PROTOCOL);
	}
	buf_fini(&b);
	arena_fini(&arena);
	return 0;
}
