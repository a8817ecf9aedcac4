/*
 * user.list and user.show: the users of a customer by address, a page at a
 * time, for there may be hundreds of thousands. Without a customer, or
 * without a page, all of them stream (calls_list.c).
 */
#include "admin/calls_setting.h"

static const slice NONE = { 0 };

enum { PAGE_DEFAULT = 50, PAGE_MAX = 200, USERS_ARENA_MAX = 67108864,
       USER_ROW_MAX = 262144 };

static void give_user(struct admin_call *call, struct row *r, slice customer)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, USER_ROW_MAX);
	json_member_string(j, "address", row_key(r));
	json_member_string(j, "customer", customer);
	row_fields_json(j, r);
	call_row_end(call, &row);
}

static bool is_there(const struct admin_call *call, uint32_t customer,
		     struct row *r)
{
	return authorise_sees_user(&call->caller, customer,
				   row_user(r)->org_unit);
}

struct page {
	slice customer, prefix, cursor;
	uint32_t id;
	uint64_t limit;
};

static bool read_page(struct admin_call *call, struct page *p)
{
	*p = (struct page){ .limit = PAGE_DEFAULT };
	return call_one_customer(call, &p->customer, &p->id) &&
	       arg_text(call, "prefix", false, &p->prefix) &&
	       arg_text(call, "cursor", false, &p->cursor) &&
	       arg_u64(call, "limit", PAGE_MAX, &p->limit);
}

/* What a unit admin may not see is left out of the page, which is then a
 * shorter one. */
static void list_page(struct admin_call *call, const struct page *p)
{
	struct arena arena;
	struct row_list users = { 0 };
	arena_init(&arena, USERS_ARENA_MAX);
	tables_users(&call->admin->tables, p->id, p->prefix, p->cursor,
		     (uint32_t)p->limit + 1, &users, &arena);
	for (uint32_t i = 0; i < users.count && i < p->limit; i++)
		if (is_there(call, p->id, users.items[i]))
			give_user(call, users.items[i], p->customer);
	if (users.count > p->limit)
		call_next(call, row_key(users.items[p->limit - 1]));
	arena_fini(&arena);
	call_end_read(call);
}

void call_user_list(struct admin_call *call)
{
	struct page p;
	if (!args_has(call->args, "limit") && !args_has(call->args, "prefix"))
		call_list(call);
	else if (!read_page(call, &p))
		return;
	else if (p.limit == 0)
		arg_bad(call, "limit");
	else
		list_page(call, &p);
}

/* By address or alias. */
void call_user_show(struct admin_call *call)
{
	struct err err;
	struct arena arena;
	struct row_list users = { 0 };
	slice given = NONE, address, name = NONE;
	uint32_t customer = 0;
	if (!arg_address(call, "address", true, &given))
		return;
	address = given;
	struct sql q = sql_of(call->admin->store,
			      "SELECT u.address, u.customer, c.name FROM "
			      "users u JOIN customers c ON c.id = u.customer "
			      "WHERE u.address = ?1 OR u.id = (SELECT user "
			      "FROM aliases WHERE address = ?1)");
	sql_text(&q, address);
	if (sql_row(&q)) {
		address = sql_copy(&q, 0, &call->arena);
		customer = (uint32_t)sql_get_u64(&q, 1);
		name = sql_copy(&q, 2, &call->arena);
		sql_end(&q);
	}
	arena_init(&arena, USERS_ARENA_MAX);
	if (customer != 0 && authorise_sees(&call->caller, customer))
		tables_users(&call->admin->tables, customer, address, NONE, 1,
			     &users, &arena);
	bool found = users.count == 1 &&
		     slice_eq(row_key(users.items[0]), address) &&
		     is_there(call, customer, users.items[0]);
	if (found)
		give_user(call, users.items[0], name);
	arena_fini(&arena);
	if (!store_good(call->admin->store, &err))
		call_fail(call, &err, SAY_STORE_READ_FAILED);
	else if (found)
		call_end(call, CALL_OK, NONE);
	else
		call_say(call, CALL_DATA, SAY_NO_SUCH_USER, given);
}
