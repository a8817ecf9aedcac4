/*
 * draft.list, draft.show, draft.save, draft.remove: a relay setting that
 * somebody is editing. It belongs to the setting, not to the person, is never
 * in force, and goes when it is saved (setting.put with `draft`) or after 30
 * days (CONSOLE 6).
 */
#include "admin/calls_setting.h"


static const slice NONE = { 0 };

enum { DRAFTS_MAX = 200,		/* of one customer */
       DRAFT_MAX = 1000000 };		/* bytes: a row of the answer */

static const int64_t KEEP_MS = INT64_C(30) * 86400 * 1000;

static void write_draft(struct admin_call *call, const struct sql *q)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, CALL_ROW_MAX);
	json_member_string(j, "id", sql_peek(q, 0));
	json_member_bool(j, "fresh",
			 slice_starts(sql_peek(q, 0), SLICE("new-")));
	json_member_string(j, "by", sql_peek(q, 1));
	json_key(j, "at");
	json_time_ms(j, sql_get_i64(q, 2));
	json_key(j, "setting");
	json_raw(j, sql_peek(q, 3));
	call_row_end(call, &row);
}

static void end(struct admin_call *call, bool found, slice id)
{
	struct err err;
	if (!store_good(call->admin->store, &err))
		call_fail(call, &err, SAY_STORE_FAILED);
	else if (!found)
		call_say(call, CALL_DATA, SAY_NO_SUCH_DRAFT, id);
	else
		call_end(call, CALL_OK, NONE);
}

void call_draft_list(struct admin_call *call)
{
	slice name;
	uint32_t customer;
	if (!call_one_customer(call, &name, &customer))
		return;
	struct sql q = sql_of(call->admin->store,
			      "SELECT key, who, at, body FROM drafts WHERE "
			      "customer = ? ORDER BY key");
	sql_u64(&q, customer);
	while (sql_row(&q))
		write_draft(call, &q);
	end(call, true, NONE);
}

static bool which(struct admin_call *call, uint32_t *customer, slice *id)
{
	slice name;
	*id = NONE;
	return call_one_customer(call, &name, customer) &&
	       arg_text(call, "id", true, id);
}

void call_draft_show(struct admin_call *call)
{
	slice id;
	uint32_t customer;
	bool found = false;
	if (!which(call, &customer, &id))
		return;
	struct sql q = sql_of(call->admin->store,
			      "SELECT key, who, at, body FROM drafts WHERE "
			      "customer = ? AND key = ?");
	sql_u64(&q, customer);
	sql_text(&q, id);
	while (sql_row(&q)) {
		found = true;
		write_draft(call, &q);
	}
	end(call, found, id);
}

void call_draft_remove(struct admin_call *call)
{
	slice id;
	uint32_t customer;
	if (!which(call, &customer, &id))
		return;
	struct sql q = sql_of(call->admin->store,
			      "DELETE FROM drafts WHERE customer = ? AND "
			      "key = ?");
	sql_u64(&q, customer);
	sql_text(&q, id);
	sql_run(&q);
	end(call, true, id);
}

/* --- saving --------------------------------------------------------------- */

/* One of a setting that there is, or new-… with the letters of an id. */
static bool id_good(struct admin_call *call, uint32_t customer, slice id)
{
	struct sql q = sql_of(call->admin->store,
			      "SELECT 1 FROM settings WHERE customer = ? AND "
			      "key = ?");
	sql_u64(&q, customer);
	sql_text(&q, id);
	if (sql_number(&q, 0) != 0)
		return true;
	bool good = slice_starts(id, SLICE("new-")) && id.n <= ROW_KEY_MAX;
	for (size_t i = 0; i < id.n; i++)
		good = good && (ascii_alnum(id.p[i]) || id.p[i] == '-');
	return good;
}

/* Old ones go when somebody saves another; then there must be room. */
static bool has_room(struct admin_call *call, uint32_t customer)
{
	struct store *store = call->admin->store;
	struct sql old = sql_of(store, "DELETE FROM drafts WHERE customer = ?"
				       " AND at < ?");
	sql_u64(&old, customer);
	sql_i64(&old, admin_wall_ms(call->admin) - KEEP_MS);
	sql_run(&old);
	struct sql q = sql_of(store, "SELECT count(*) FROM drafts WHERE "
				     "customer = ?");
	sql_u64(&q, customer);
	return sql_number(&q, 0) < DRAFTS_MAX;
}

static void save(struct admin_call *call, uint32_t customer, slice id,
		 slice body)
{
	struct sql q = sql_of(call->admin->store,
			      "INSERT INTO drafts (customer, key, body, who, "
			      "at) VALUES (?,?,?,?,?) ON CONFLICT (customer, "
			      "key) DO UPDATE SET body = excluded.body, "
			      "who = excluded.who, at = excluded.at");
	sql_u64(&q, customer);
	sql_text(&q, id);
	sql_text(&q, body);
	sql_text(&q, call_audit_by(call).who);
	sql_i64(&q, admin_wall_ms(call->admin));
	sql_run(&q);
}

void call_draft_save(struct admin_call *call)
{
	struct store *store = call->admin->store;
	struct err err;
	slice id, body = NONE;
	uint32_t customer;
	if (!which(call, &customer, &id))
		return;
	const struct args *setting = args_child(call->args, "setting");
	if (setting == NULL || !id_good(call, customer, id)) {
		arg_bad(call, setting == NULL ? "setting" : "id");
		return;
	}
	if (!args_write(setting, &call->arena, &body)) {
		call_no_memory(call);
		return;
	}
	if (body.n > DRAFT_MAX / 2) {
		arg_bad(call, "setting");
		return;
	}
	store_begin(store);
	bool room = has_room(call, customer);
	if (room)
		save(call, customer, id, body);
	store_commit(store);
	if (!store_good(store, &err)) {
		store_rollback(store);
		call_fail(call, &err, SAY_STORE_FAILED);
	} else if (!room) {
		call_say(call, CALL_TEMPORARY, SAY_TOO_MANY_DRAFTS, NONE);
	} else {
		call_end(call, CALL_OK, NONE);
	}
}
