/* find: what was typed into the search at the top, recognised. */
#include <stdlib.h>

#include "admin/calls_index.h"
#include "admin/event.h"
#include "admin/mail_row.h"
#include "admin/search.h"
#include "base/json.h"
#include "os/clock.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 65536, HITS_MAX = 10 };

static void put_hit(struct json *j, const char *kind, slice id, slice title)
{
	json_object(j);
	json_member_cstr(j, "kind", kind);
	json_member_string(j, "id", id);
	json_member_string(j, "title", title);
	json_object_end(j);
}

static void find_domain(struct admin_call *call, struct json *j, slice name)
{
	const struct domain *d = view_domain(call->admin->view, name);
	if (d != NULL && authorise_sees(&call->caller, d->customer))
		put_hit(j, "domain", d->name, d->name);
}

static void find_user(struct admin_call *call, struct json *j, slice address)
{
	struct address a;
	const struct user *u =
		address_parse(address, &call->arena, &a, NULL) ?
			view_user(call->admin->view, &a) : NULL;
	if (u != NULL && call_sees_user(call, u->id))
		put_hit(j, "user", u->address, u->address);
}

struct entry_hits {
	struct admin_call *call;
	struct json *json;
	unsigned count;
};

static bool find_entry(void *ctx, const struct ip_entry *e)
{
	struct entry_hits *h = ctx;
	char range[IP_RANGE_TEXT_MAX];
	if (!authorise_sees(&h->call->caller, e->customer))
		return true;
	put_hit(h->json, "ip_entry",
		slice_of(ip_range_text(&e->range, range)), e->description);
	return ++h->count < HITS_MAX;
}

static void find_entries(struct admin_call *call, struct json *j, slice text)
{
	struct entry_hits h = { .call = call, .json = j };
	struct ip_addr a;
	if (ip_addr_parse(text, &a))
		view_entries_of(call->admin->view, &a, find_entry, &h);
}

/* By its name: the operator's own search. */
static void find_customer(struct admin_call *call, struct json *j, slice name)
{
	const struct customer *c =
		view_customer_named(call->admin->view, slice_trim(name));
	if (call_is_operator(call) && c != NULL)
		put_hit(j, "customer", c->name, c->name);
}

/* What mail there is, the list says that the console opens with the text. */
void call_find(struct admin_call *call)
{
	static const char *const kinds[] = {
		[TERM_NONE] = "none", [TERM_ID] = "message",
		[TERM_REFERENCE] = "reference",
		[TERM_MESSAGE_ID] = "message_id", [TERM_ADDRESS] = "address",
		[TERM_DOMAIN] = "domain", [TERM_CLIENT] = "client",
	};
	char room[SEARCH_TEXT_MAX];
	uint32_t customer;
	slice q = NONE, clean;
	struct call_object row;
	if (!call_customer_asked(call, &customer) ||
	    !arg_text(call, "q", true, &q))
		return;
	enum search_term term = search_text(q, room, &clean);
	struct json *j = call_row_begin(&row, ROW_MAX);
	json_member_cstr(j, "kind", kinds[term]);
	json_key(j, "text");
	json_string(j, term == TERM_NONE ? slice_trim(q) : clean);
	json_key(j, "hits");
	json_array(j);
	find_customer(call, j, q);
	if (term == TERM_ID)
		put_hit(j, "message", clean, clean);
	else if (term == TERM_REFERENCE)
		put_hit(j, "refusal", clean, clean);
	else if (term == TERM_ADDRESS)
		find_user(call, j, clean);
	else if (term == TERM_DOMAIN)
		find_domain(call, j, clean);
	else if (term == TERM_CLIENT)
		find_entries(call, j, clean);
	json_array_end(j);
	call_row_end(call, &row);
	call_end(call, CALL_OK, NONE);
}
