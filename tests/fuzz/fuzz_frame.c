/* Frames from another process: any bytes, and in any pieces the same. */
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned frames_in(slice in, bool *good)
{
	unsigned n = 0;
	for (;;) {
		struct frame f;
		struct err err;
		bool got;
		*good = frame_read(&in, FRAME_BIT(FRAME_CALL) |
				   FRAME_BIT(FRAME_END) | FRAME_BIT(FRAME_ROW) |
				   FRAME_BIT(FRAME_LIVE), &got, &f, &err);
		if (!*good || !got)
			return n;
		n++;
		struct frame_call call;
		uint8_t code;
		slice text;
		uint64_t revision;
		if (frame_read_call(f.payload, &call))
			invariant(call.name.n > 0 && call.name.n <= 64);
		if (frame_read_end(f.payload, &code, &text))
			invariant(text.n + 5 == f.payload.n);
		if (frame_read_live(f.payload, &revision))
			invariant(f.payload.n == 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slice all = { (const char *)data, size };
	bool good, part_good;
	unsigned whole = frames_in(all, &good);
	unsigned part = frames_in(slice_sub(all, 0, size / 2), &part_good);
	invariant(part <= whole && (part_good || !good));
	return 0;
}
