/* See calls_index.h. */
#include "admin/calls_index.h"

#include "admin/search.h"
#include "os/clock.h"

static const slice NONE = { 0 };

enum { STEP_LINES = 500, CATCH_UP_MS = 1000 };

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

bool call_has_index(struct admin_call *call)
{
	if (call->admin->search != NULL)
		return true;
	call_say(call, CALL_UNAVAILABLE, SAY_NO_INDEX, NONE);
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

/* --- what is looked for ----------------------------------------------------- */

bool call_client_asked(struct admin_call *call, slice *out)
{
	struct ip_addr a;
	char text[IP_TEXT_MAX];
	if (!arg_text(call, "client", false, out))
		return false;
	if (out->n == 0)
		return true;
	if (!ip_addr_parse(*out, &a))
		return arg_bad(call, "client");
	/* The one form that the journal writes. */
	if (arena_copy(&call->arena, slice_of(ip_addr_text(&a, text)), out))
		return true;
	call_no_memory(call);
	return false;
}

/* A setting by its key, which only says something within a customer. */
bool call_setting_asked(struct admin_call *call, struct search_filter *f)
{
	slice key = NONE;
	const struct customer *c = view_customer(call->admin->view,
						 f->customer);
	if (!arg_text(call, "setting", false, &key))
		return false;
	for (uint32_t i = 0; c != NULL && i < c->setting_count; i++)
		if (slice_eq(c->settings[i]->key, key))
			f->setting = c->settings[i]->id;
	return key.n == 0 || f->setting != 0 || arg_bad(call, "setting");
}
