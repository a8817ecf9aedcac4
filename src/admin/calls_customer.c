/*
 * customer.list and customer.show. There may be 100,000 customers: whoever
 * shows them to people asks for a page, by name; without `limit` all stream.
 */
#include "admin/calls_setting.h"

static const slice NONE = { 0 };

enum { CUSTOMER_PAGE_MAX = 200, CUSTOMER_ARENA_MAX = 67108864,
       CUSTOMER_ROW_MAX = 4194304 };

/* What both tell; the rest is of one alone. */
#define COUNTS                                                               \
	" (SELECT count(*) FROM domains d WHERE d.customer = c.id),"         \
	" (SELECT count(*) FROM users u WHERE u.customer = c.id),"           \
	" (SELECT count(*) FROM settings s WHERE s.customer = c.id)"

/* --- the list ------------------------------------------------------------- */

static void give_customer(struct admin_call *call, const struct sql *q)
{
	static const char *const billing[] = { "trial", "unpaid", "paid" };
	struct call_object row;
	struct json *j = call_row_begin(&row, 16384);
	json_member_u64(j, "id", sql_get_u64(q, 0));
	json_member_string(j, "name", sql_peek(q, 1));
	json_member_u64(j, "licences", sql_get_u64(q, 2));
	json_member_cstr(j, "billing", billing[sql_get_u64(q, 3) % 3]);
	json_member_bool(j, "suspended", sql_get_u64(q, 4) != 0);
	json_member_bool(j, "closing", sql_get_u64(q, 5) != 0);
	json_member_u64(j, "domains", sql_get_u64(q, 6));
	json_member_u64(j, "users", sql_get_u64(q, 7));
	json_member_u64(j, "settings", sql_get_u64(q, 8));
	call_row_end(call, &row);
}

/* limit 0: all. search: part of the name, or how a domain of it begins. */
void call_customer_list(struct admin_call *call)
{
	slice search = NONE, cursor = NONE, last = NONE;
	uint64_t limit = 0, n = 0;
	if (!arg_text(call, "search", false, &search) ||
	    !arg_text(call, "cursor", false, &cursor) ||
	    !arg_u64(call, "limit", CUSTOMER_PAGE_MAX, &limit))
		return;
	struct sql q = sql_of(
		call->admin->store,
		"SELECT id, name, licences, billing, suspended, closing,"
		COUNTS
		" FROM customers c WHERE (?1 = 0 OR id = ?1) AND name > ?2"
		" AND (?3 = '' OR instr(lower(name), lower(?3)) > 0 OR id IN"
		" (SELECT customer FROM domains WHERE"
		" substr(name, 1, length(?3)) = lower(?3)))"
		" ORDER BY name LIMIT ?4");
	sql_u64(&q, call_own_customer(call));
	sql_text(&q, cursor);
	sql_text(&q, search);
	sql_u64(&q, limit > 0 ? limit + 1 : INT64_MAX);
	while (sql_row(&q)) {
		if (limit > 0 && n++ == limit) {
			sql_end(&q);
			call_next(call, last);
			break;
		}
		give_customer(call, &q);
		if (limit > 0)
			last = sql_copy(&q, 1, &call->arena);
	}
	call_end_read(call);
}

/* --- one ------------------------------------------------------------------ */

static void give_whole(struct admin_call *call, struct customer_row *c)
{
	struct call_object row;
	struct sql q = sql_of(call->admin->store,
			      "SELECT" COUNTS " FROM customers c "
			      "WHERE id = ?");
	sql_u64(&q, c->c.id);
	if (!sql_row(&q))
		return;
	struct json *j = call_row_begin(&row, CUSTOMER_ROW_MAX);
	json_member_u64(j, "id", c->c.id);
	json_member_string(j, "name", c->c.name);
	row_fields_json(j, &c->row);
	json_member_u64(j, "domains", sql_get_u64(&q, 0));
	json_member_u64(j, "users", sql_get_u64(&q, 1));
	json_member_u64(j, "settings", sql_get_u64(&q, 2));
	sql_end(&q);
	call_row_end(call, &row);
}

void call_customer_show(struct admin_call *call)
{
	struct arena arena;
	slice name = NONE;
	uint32_t id = 0;
	if (!arg_text(call, "name", true, &name) ||
	    !call_find_customer(call, name, &id))
		return;
	arena_init(&arena, CUSTOMER_ARENA_MAX);
	struct customer_row *c = tables_customer(&call->admin->tables, id, 0,
						 &arena);
	if (c != NULL)
		give_whole(call, c);
	arena_fini(&arena);
	call_end_read(call);
}
