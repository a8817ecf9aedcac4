/* The pace of a body; see pace.h. */
#include "receive/pace.h"

void pace_begin(struct pace *p, int64_t now_ms)
{
	*p = (struct pace){ .from_ms = now_ms };
}

bool pace_more(struct pace *p, int64_t now_ms, size_t bytes, uint64_t rate)
{
	p->bytes += bytes;
	int64_t took_ms = now_ms - p->from_ms;
	if (took_ms < PACE_WINDOW_MS)
		return true;
	bool enough = p->bytes >= rate * (uint64_t)took_ms / 1000;
	pace_begin(p, now_ms);
	return enough;
}
