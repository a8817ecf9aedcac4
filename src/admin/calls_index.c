/* See calls_index.h. */
#include "admin/calls_index.h"

#include "admin/search.h"
#include "os/clock.h"

enum { STEP_LINES = 500, CATCH_UP_MS = 1000 };

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

bool call_has_index(struct admin_call *call)
{
	if (call->admin->search != NULL)
		return true;
	call_say(call, CALL_UNAVAILABLE, SAY_NO_INDEX, (slice){ 0 });
	return false;
}

bool call_index_step(struct admin_call *call, bool *behind, struct err *err)
{
	return search_step(call->admin->search, STEP_LINES, behind, err);
}

void catching_up_begin(struct catching_up *c)
{
	*c = (struct catching_up){ .until_ms = now_ms() + CATCH_UP_MS };
}

bool catching_up_step(struct catching_up *c, struct admin_call *call,
		      bool *ready, struct err *err)
{
	if (!call_index_step(call, &c->behind, err))
		return false;
	*ready = !c->behind || now_ms() >= c->until_ms;
	return true;
}
