/*
 * setting.list, setting.show, setting.put, setting.check, setting.order:
 * relay settings as pages edit them, whole and with their IP entries (SPEC 3,
 * CONSOLE 6). A change goes the way of every file (calls_apply.h).
 */
#include "admin/calls_setting.h"

#include <stdlib.h>

#include "admin/fragment.h"
#include "admin/setting_row.h"

static const slice NONE = { 0 };

enum { SETTING_ARENA_MAX = 1 << 28 };

/* Slices lend from the call. */
struct setting_change {
	slice customer;			/* name */
	uint32_t customer_id;
	slice id;			/* of a new one: may be empty */
	bool fresh;			/* a new one */
	slice draft;			/* that it was made from, or empty */
	const struct args *setting;	/* fields and ip_entries */
	struct directory_one one;	/* by setting_fragment */
};

bool call_one_customer(struct admin_call *call, slice *name, uint32_t *id)
{
	*name = NONE;
	if (!arg_text(call, "customer", false, name) ||
	    !call_find_customer(call, *name, id))
		return false;
	if (*id == 0) {
		call_say(call, CALL_USAGE, SAY_WHICH_CUSTOMER, NONE);
		return false;
	}
	return name->n > 0 || call_own_name(call, name);
}

/* --- looking -------------------------------------------------------------- */

struct looking {
	struct admin_call *call;
	struct customer_row *customer;
	bool whole;
};

/* Who changed it last, and when; null: nobody since the log began. */
static void write_changed(struct json *j, struct store *store,
			  const struct setting_row *s)
{
	struct buf object;
	buf_init(&object, 1024);
	buf_printf(&object, "setting %.*s", SLICE_ARG(s->s.key));
	struct sql q = sql_of(store,
			      "SELECT at, who, revision FROM audit WHERE "
			      "customer = ? AND object = ? ORDER BY id DESC "
			      "LIMIT 1");
	sql_u64(&q, s->s.customer);
	sql_text(&q, buf_slice(&object));
	if (sql_row(&q)) {
		json_key(j, "changed_at");
		json_time_ms(j, sql_get_i64(&q, 0));
		json_member_string(j, "changed_by", sql_peek(&q, 1));
		json_member_u64(j, "revision", sql_get_u64(&q, 2));
		sql_end(&q);
	}
	buf_fini(&object);
}

static void write_draft(struct json *j, struct store *store,
			const struct setting_row *s)
{
	struct sql q = sql_of(store, "SELECT at, who FROM drafts WHERE "
				     "customer = ? AND key = ?");
	json_key(j, "draft");
	sql_u64(&q, s->s.customer);
	sql_text(&q, s->s.key);
	if (!sql_row(&q)) {
		json_null(j);
		return;
	}
	json_object(j);
	json_key(j, "at");
	json_time_ms(j, sql_get_i64(&q, 0));
	json_member_string(j, "by", sql_peek(&q, 1));
	json_object_end(j);
	sql_end(&q);
}

static bool write_setting(struct buf *row, const struct looking *l,
			  struct setting_row *s, bool whole)
{
	struct store *store = l->call->admin->store;
	struct json j;
	buf_clear(row);
	json_init(&j, row);
	json_object(&j);
	setting_members(&j, s, l->customer->c.name, whole);
	write_changed(&j, store, s);
	write_draft(&j, store, s);
	if (l->whole && !whole)
		json_member_bool(&j, "cut", true);
	json_object_end(&j);
	return !row->failed;
}

/* One with more entries than a row holds is told without them. */
static void give_setting(const struct looking *l, struct setting_row *s)
{
	struct buf row;
	buf_init(&row, CALL_ROW_MAX);
	if ((l->whole && write_setting(&row, l, s, true)) ||
	    write_setting(&row, l, s, false))
		call_row(l->call, buf_slice(&row));
	buf_fini(&row);
}

static void look(struct admin_call *call, uint32_t customer, slice id,
		 bool whole)
{
	struct err err;
	struct arena arena;
	bool found = id.n == 0;
	arena_init(&arena, SETTING_ARENA_MAX);
	struct looking l = { .call = call, .whole = whole };
	l.customer = tables_customer(&call->admin->tables, customer,
				     PART_SETTINGS, &arena);
	uint32_t count = l.customer != NULL ? l.customer->settings.count : 0;
	for (uint32_t i = 0; i < count; i++) {
		struct setting_row *s =
			row_setting(l.customer->settings.items[i]);
		if (id.n > 0 && !slice_eq(id, s->s.key))
			continue;
		found = true;
		give_setting(&l, s);
	}
	arena_fini(&arena);
	if (!store_good(call->admin->store, &err))
		call_fail(call, &err, SAY_STORE_READ_FAILED);
	else if (!found)
		apply_say_no_such(call, ROW_SETTING, id, NONE);
	else
		call_end(call, CALL_OK, NONE);
}

void call_setting_list(struct admin_call *call)
{
	slice name;
	uint32_t customer;
	bool whole = false;
	if (!arg_bool(call, "whole", &whole))
		return;
	if (!whole)
		call_list(call);
	else if (call_one_customer(call, &name, &customer))
		look(call, customer, NONE, true);
}

void call_setting_show(struct admin_call *call)
{
	slice name, id = NONE;
	uint32_t customer;
	if (call_one_customer(call, &name, &customer) &&
	    arg_text(call, "id", true, &id))
		look(call, customer, id, true);
}

/* --- changing ------------------------------------------------------------- */

static bool known_members(struct admin_call *call, const struct args *setting)
{
	struct buf known;
	const char *unknown;
	size_t count;
	const struct field *f = row_fields(ROW_SETTING, &count);
	buf_init(&known, 4096);
	buf_append(&known, SLICE("id ip_entries"));
	for (size_t i = 0; i < count; i++)
		if (f[i].group != NULL)
			buf_printf(&known, " %s", field_argument(&f[i]));
	buf_append_char(&known, '\0');
	bool ok = !known.failed && !args_unknown(setting, known.p, &unknown);
	if (known.failed)
		call_no_memory(call);
	else if (!ok)
		call_say(call, CALL_USAGE, SAY_UNKNOWN_ARGUMENT,
			 slice_of(unknown));
	buf_fini(&known);
	return ok;
}

/* customer, id, fresh and setting are set. False: it has ended. */
static bool write_fragment(struct admin_call *call, struct setting_change *c,
			   struct buf *out)
{
	slice entries = NONE;
	if (!known_members(call, c->setting))
		return false;
	buf_append_char(out, '{');
	fragment_open(out, "customers", "name", c->customer);
	fragment_open(out, "relay_settings", "id", c->id);
	bool ok = fragment_fields(out, c->setting, ROW_SETTING,
				  &call->arena) &&
		  args_write_value(c->setting, "ip_entries", &call->arena,
				   &entries);
	if (entries.n > 0)
		fragment_member(out, "ip_entries", entries);
	fragment_close(out, 2);
	buf_append_char(out, '}');
	c->one = (struct directory_one){
		.kind = ROW_SETTING,
		.act = c->fresh ? DIRECTORY_ADD : DIRECTORY_CHANGE,
		.all_entries = entries.n > 0,
	};
	if (!ok || out->failed)
		call_no_memory(call);
	return ok && !out->failed;
}

/* From the arguments customer, id, setting, draft. False: it has ended. */
static bool read_change(struct admin_call *call, struct setting_change *c)
{
	slice draft = NONE;
	uint32_t customer;
	c->id = NONE;
	if (!call_one_customer(call, &c->customer, &customer) ||
	    !arg_text(call, "id", false, &c->id) ||
	    !arg_text(call, "draft", false, &draft))
		return false;
	c->setting = args_child(call->args, "setting");
	if (c->setting == NULL)
		return arg_bad(call, "setting");
	c->fresh = c->id.n == 0;
	/* A new one may bring its id. */
	if (c->fresh && args_text(c->setting, "id", &c->id) == ARGS_MALFORMED)
		return arg_bad(call, "id");
	c->customer_id = customer;
	c->draft = draft;
	return true;
}

static void drop_draft(struct applying *p)
{
	const struct setting_change *c = p->ctx;
	struct sql q = sql_of(p->call->admin->store,
			      "DELETE FROM drafts WHERE customer = ? AND "
			      "key = ?");
	sql_u64(&q, c->customer_id);
	sql_text(&q, c->draft);
	sql_run(&q);
}

static void put(struct admin_call *call, bool dry_run)
{
	struct setting_change c = { 0 };
	struct applying p = { .call = call, .one = &c.one, .problems = true,
			      .dry_run = dry_run, .ctx = &c };
	struct buf fragment;
	if (!read_change(call, &c) ||
	    !arg_text(call, "if_match", false, &p.if_match))
		return;
	if (c.draft.n > 0)
		p.also = drop_draft;
	buf_init(&fragment, YAML_TEXT_MAX);
	if (write_fragment(call, &c, &fragment))
		apply(&p, buf_slice(&fragment), "setting put");
	buf_fini(&fragment);
}

void call_setting_put(struct admin_call *call)
{
	bool dry_run = false;
	if (arg_bool(call, "dry_run", &dry_run))
		put(call, dry_run);
}

void call_setting_check(struct admin_call *call)
{
	put(call, true);
}

/* --- as it would be ------------------------------------------------------- */

static void preview(struct admin_call *call, struct setting_change *c,
		    const struct view **out)
{
	struct applying p = { .call = call, .one = &c->one, .problems = true,
			      .preview = out };
	struct buf fragment;
	buf_init(&fragment, YAML_TEXT_MAX);
	if (write_fragment(call, c, &fragment))
		apply(&p, buf_slice(&fragment), "draft");
	buf_fini(&fragment);
}

/* The draft's JSON; NULL: none, or it has ended for want of memory. */
static struct args *read_draft(struct admin_call *call,
			       const struct setting_change *c)
{
	struct args *body = NULL;
	struct sql q = sql_of(call->admin->store,
			      "SELECT body FROM drafts WHERE customer = ? "
			      "AND key = ?");
	sql_u64(&q, c->customer_id);
	sql_text(&q, c->draft);
	if (sql_row(&q)) {
		body = args_parse(sql_peek(&q, 0));
		sql_end(&q);
	}
	return body;
}

static bool is_fresh(struct admin_call *call, const struct setting_change *c)
{
	struct sql q = sql_of(call->admin->store,
			      "SELECT 1 FROM settings WHERE customer = ? AND "
			      "key = ?");
	sql_u64(&q, c->customer_id);
	sql_text(&q, c->draft);
	return sql_number(&q, 0) == 0;
}

static void preview_draft(struct admin_call *call, struct setting_change *c,
			  const struct view **out)
{
	struct err err;
	struct args *body = read_draft(call, c);
	c->setting = body;
	c->fresh = is_fresh(call, c);
	c->id = c->fresh ? NONE : c->draft;
	if (!store_good(call->admin->store, &err))
		call_fail(call, &err, SAY_STORE_READ_FAILED);
	else if (body == NULL)
		call_say(call, CALL_DATA, SAY_NO_SUCH_DRAFT, c->draft);
	else
		preview(call, c, out);
	if (body != NULL)
		args_free(&body);
}

void setting_preview(struct admin_call *call, const struct view **out)
{
	struct setting_change c = { 0 };
	*out = NULL;
	if (!args_has(call->args, "draft") && !args_has(call->args, "setting")) {
		*out = view_ref(call->admin->view);
	} else if (args_has(call->args, "setting")) {
		if (read_change(call, &c))
			preview(call, &c, out);
	} else if (call_one_customer(call, &c.customer, &c.customer_id) &&
		   arg_text(call, "draft", true, &c.draft)) {
		preview_draft(call, &c, out);
	}
}

/* --- the order ------------------------------------------------------------ */

void call_setting_order(struct admin_call *call)
{
	struct directory_one one = { .kind = ROW_SETTING,
				     .act = DIRECTORY_ORDER };
	struct applying p = { .call = call, .one = &one };
	slice name;
	uint32_t customer;
	size_t count;
	struct buf fragment;
	if (!call_one_customer(call, &name, &customer))
		return;
	if (!args_list(call->args, "ids", &count) ||
	    count > ROW_SETTINGS_MAX) {
		arg_bad(call, "ids");
		return;
	}
	buf_init(&fragment, YAML_TEXT_MAX);
	buf_append_char(&fragment, '{');
	fragment_open(&fragment, "customers", "name", name);
	fragment_member(&fragment, "relay_settings", SLICE("["));
	for (size_t i = 0; i < count; i++) {
		struct json j;
		buf_append(&fragment, i > 0 ? SLICE(", {\"id\": ") :
					      SLICE("{\"id\": "));
		json_init(&j, &fragment);
		json_string(&j, args_item(call->args, "ids", i));
		buf_append_char(&fragment, '}');
	}
	buf_append_char(&fragment, ']');
	fragment_close(&fragment, 1);
	buf_append_char(&fragment, '}');
	if (fragment.failed)
		call_no_memory(call);
	else
		apply(&p, buf_slice(&fragment), "setting order");
	buf_fini(&fragment);
}
