/* app_password.list: whose, from where and since when; never the secret and
 * nothing that is made from it. */
#include "admin/calls.h"

static const slice NONE = { 0 };

enum { PAGE_ROWS = 500, ID_LEN = 10 };

struct listing {
	char last[ID_LEN];		/* the id that was told last */
	size_t last_len;
};

/* Columns: id, address, customer, sender, range_first, range_bits,
 * created_at, id of the customer, org unit. */
static void row(struct admin_call *call, const struct sql *q)
{
	char text[IP_RANGE_TEXT_MAX] = "";
	slice first = sql_peek(q, 4);
	struct ip_range range = { 0 };
	struct call_object out;
	if (!authorise_sees_user(&call->caller, (uint32_t)sql_get_u64(q, 7),
				 sql_peek(q, 8)))
		return;
	struct json *j = call_row_begin(&out, 65536);
	if (first.n == sizeof(range.first.bytes)) {
		memcpy(range.first.bytes, first.p, first.n);
		range.bits = (uint8_t)sql_get_u64(q, 5);
		ip_range_text(&range, text);
	}
	json_member_string(j, "id", sql_peek(q, 0));
	json_member_string(j, "address", sql_peek(q, 1));
	json_member_string(j, "customer", sql_peek(q, 2));
	json_member_text_or_null(j, "sender", sql_peek(q, 3));
	json_member_text_or_null(j, "range", slice_of(text));
	json_key(j, "created_at");
	json_time_ms(j, sql_get_i64(q, 6));
	call_row_end(call, &out);
}

#define COLUMNS                                                           \
	"SELECT p.id, u.address, c.name, p.sender, p.range_first, "       \
	"p.range_bits, p.created_at, c.id, u.org_unit FROM app_passwords p "                \
	"JOIN users u ON u.id = p.user JOIN customers c ON c.id = p.customer "

static void end(struct admin_call *call)
{
	call_end_read(call);
}

/* All, a page at a time: there may be millions. */
static void next_page(struct admin_call *call)
{
	struct listing *l = call->state;
	uint64_t rows = 0;
	struct sql q = sql_of(call->admin->store,
			      COLUMNS "WHERE p.id > ? ORDER BY p.id LIMIT ?");
	sql_text(&q, (slice){ l->last, l->last_len });
	sql_u64(&q, PAGE_ROWS);
	while (sql_row(&q)) {
		slice id = sql_peek(&q, 0);
		rows++;
		row(call, &q);
		l->last_len = id.n < ID_LEN ? id.n : ID_LEN;
		memcpy(l->last, id.p, l->last_len);
	}
	if (rows < PAGE_ROWS)
		end(call);
}

static bool find_user(struct admin_call *call, slice address, uint64_t *user)
{
	struct sql q = sql_of(
		call->admin->store,
		"SELECT id FROM users WHERE address = ?1 UNION ALL "
		"SELECT user FROM aliases WHERE address = ?1");
	sql_text(&q, address);
	*user = sql_number(&q, 0);
	return *user != 0 && call_sees_user(call, (uint32_t)*user);
}

/* Those of one user, newest last: a few. */
static void list_of_user(struct admin_call *call, slice address)
{
	uint64_t user;
	struct err err;
	bool found = find_user(call, address, &user);
	if (!store_good(call->admin->store, &err)) {
		call_fail(call, &err, SAY_STORE_READ_FAILED);
		return;
	}
	if (!found) {
		call_say(call, CALL_DATA, SAY_NO_SUCH_USER, address);
		return;
	}
	struct sql q = sql_of(call->admin->store, COLUMNS
			      "WHERE p.user = ? ORDER BY p.created_at, p.id");
	sql_u64(&q, user);
	while (sql_row(&q))
		row(call, &q);
	end(call);
}

void call_app_password_list(struct admin_call *call)
{
	slice address = NONE;
	if (!arg_address(call, "address", false, &address))
		return;
	if (address.n > 0) {
		list_of_user(call, address);
		return;
	}
	struct listing *l = arena_alloc(&call->arena, sizeof(*l));
	if (l == NULL) {
		call_no_memory(call);
		return;
	}
	call->state = l;
	call->more = next_page;
	next_page(call);
}
