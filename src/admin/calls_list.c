/*
 * domain.list, user.list, setting.list, ip.list: what customers have, a row
 * each with the names of fields that add and change take. One customer at a
 * time, as fast as the reader takes them.
 */
#include "admin/calls.h"
#include "admin/directory.h"

#include <stdlib.h>

static const slice NONE = { 0 };

enum { LIST_ROW_MAX = 2097152 };

struct listing {
	enum row_kind kind;
	uint32_t at;			/* id of the customer told last */
	uint32_t only;			/* this customer; 0: all */
	slice setting;			/* of entries; empty: of all */
	bool requests;			/* entries that wait for the operator */
	uint64_t revision;
};

static enum row_kind kind_of(slice name)
{
	return slice_starts(name, SLICE("domain")) ? ROW_DOMAIN :
	       slice_starts(name, SLICE("user"))   ? ROW_USER :
	       slice_starts(name, SLICE("ip"))	   ? ROW_ENTRY :
						     ROW_SETTING;
}

/* --- rows ----------------------------------------------------------------- */

static void give_row(struct admin_call *call, struct row *r,
		     const struct customer_row *c, const struct setting_row *s)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, LIST_ROW_MAX);
	json_member_string(j, row_key_name(r->kind), row_key(r));
	json_member_string(j, "customer", c->c.name);
	if (s != NULL)
		json_member_string(j, "setting", s->s.key);
	row_fields_json(j, r);
	if (r->kind == ROW_SETTING)
		json_member_u64(j, "entries", row_setting(r)->entries.count);
	if (r->kind == ROW_ENTRY)
		json_member_bool(j, "inert", row_entry(r)->e.inert);
	call_row_end(call, &row);
}

/* A request is over when the other entry is gone. */
static bool is_wanted(struct admin_call *call, struct row *r,
		      const struct customer_row *c)
{
	const struct listing *l = call->state;
	if (r->kind == ROW_USER)
		return authorise_sees_user(&call->caller, c->c.id,
					   row_user(r)->org_unit);
	return !l->requests || (row_entry(r)->sharing_requested &&
				row_entry(r)->e.inert);
}

static void give_all(struct admin_call *call, const struct row_list *l,
		     const struct customer_row *c, const struct setting_row *s)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (is_wanted(call, l->items[i], c))
			give_row(call, l->items[i], c, s);
}

static void give_entries(struct admin_call *call, const struct listing *l,
			 struct customer_row *c)
{
	for (uint32_t i = 0; i < c->settings.count; i++) {
		struct setting_row *s = row_setting(c->settings.items[i]);
		if (l->setting.n == 0 || slice_eq(l->setting, s->s.key))
			give_all(call, &s->entries, c, s);
	}
}

static void give_customer(struct admin_call *call, const struct listing *l,
			  struct customer_row *c)
{
	if (l->kind == ROW_DOMAIN)
		give_all(call, &c->domains, c, NULL);
	else if (l->kind == ROW_USER)
		give_all(call, &c->users, c, NULL);
	else if (l->kind == ROW_SETTING)
		give_all(call, &c->settings, c, NULL);
	else
		give_entries(call, l, c);
}

/* --- the walk ------------------------------------------------------------- */

static void list_fini(struct admin_call *call)
{
	free(call->state);
	call->state = NULL;
}

static void list_end(struct admin_call *call, bool changed)
{
	struct err err;
	list_fini(call);
	call->cancel = NULL;
	if (!store_good(call->admin->store, &err))
		call_fail(call, &err, SAY_STORE_READ_FAILED);
	else if (changed)
		call_say(call, CALL_TEMPORARY, SAY_CHANGED_MEANWHILE, NONE);
	else
		call_end(call, CALL_OK, NONE);
}

static enum customer_part part_of(enum row_kind kind)
{
	return kind == ROW_DOMAIN ? PART_DOMAINS :
	       kind == ROW_USER	  ? PART_USERS :
				    PART_SETTINGS;
}

static void list_more(struct admin_call *call)
{
	struct listing *l = call->state;
	struct admin *a = call->admin;
	struct arena arena;
	if (l->revision != view_revision(a->view)) {
		list_end(call, true);
		return;
	}
	arena_init(&arena, (size_t)1 << 30);
	struct customer_row *c = tables_customer_after(
		&a->tables, l->only ? l->only - 1 : l->at, part_of(l->kind),
		&arena);
	bool last = c == NULL || l->only != 0;
	if (c != NULL && (l->only == 0 || c->c.id == l->only)) {
		l->at = c->c.id;
		if (!c->c.closing)
			give_customer(call, l, c);
	}
	arena_fini(&arena);
	if (last)
		list_end(call, false);
}

void call_list(struct admin_call *call)
{
	slice customer = NONE, setting = NONE;
	uint32_t only;
	bool requests = false;
	if (!arg_text(call, "customer", false, &customer) ||
	    !arg_bool(call, "requests", &requests) ||
	    !arg_text(call, "setting", false, &setting) ||
	    !call_find_customer(call, customer, &only))
		return;
	struct listing *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		call_no_memory(call);
		return;
	}
	*l = (struct listing){ .kind = kind_of(call->name), .only = only,
			       .setting = setting, .requests = requests,
			       .revision = view_revision(call->admin->view) };
	call->state = l;
	call->cancel = list_fini;
	call->more = list_more;
}
