/* session.show, session.end, session.list, session.end_others: what a page
 * needs to know of who is in, and going out. */
#include "admin/calls.h"

#include "admin/calls_people.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 8192 };

/* --- looking, going ------------------------------------------------------- */

static void show_person(struct admin_call *call, struct json *j, slice customer)
{
	const struct person *p = &call->person;
	json_key(j, "person");
	json_object(j);
	json_member_string(j, "address", p->address);
	/* The directory knows addresses, no names. */
	json_member_string(j, "name", p->address);
	json_member_string(j, "role", caller_role_name(p->role));
	json_member_text_or_null(j, "customer", customer);
	json_member_text_or_null(j, "org_unit", p->org_unit);
	json_object_end(j);
}

static uint64_t count_customers(struct admin_call *call)
{
	if (call->person.role != CALLER_OPERATOR)
		return 1;
	struct sql q = sql_of(call->admin->store, "SELECT count(*) FROM "
						  "customers WHERE closing = 0");
	return sql_number(&q, 0);
}

static void show(struct admin_call *call, struct json *j, slice customer,
		 const char *csrf)
{
	const struct person *p = &call->person;
	bool by_session = call->at.id != 0;
	json_object(j);
	show_person(call, j, customer);
	json_member_cstr(j, "state", session_state_name(
			 by_session ? call->at.state : SESSION_IN));
	json_member_bool(j, "needs_password", p->password.n == 0);
	json_member_bool(j, "needs_factor", p->factor.n == 0);
	json_member_cstr(j, "csrf", csrf);
	json_member_cstr(j, "language", (p->has_language ? p->language :
			 call->language) == LANGUAGE_JA ? "ja" : "en");
	json_member_text_or_null(j, "time_zone", p->time_zone);
	json_member_text_or_null(j, "scheme", p->scheme);
	json_member_bool(j, "shortcuts", p->shortcuts);
	json_key(j, "idle_ends_at");
	if (by_session)
		json_time_ms(j, session_ends_at(&call->at));
	else
		json_null(j);
	json_member_u64(j, "customers_count", count_customers(call));
	json_member_text_or_null(j, "relay_host", call->admin->hostname);
	json_object_end(j);
}

void call_session_show(struct admin_call *call)
{
	char csrf[TOKEN_BODY_LEN + 1] = "";
	struct buf row;
	struct json j;
	struct err err;
	slice customer = NONE;
	if (!call_is_front(call))
		return;
	if (call->person.customer != 0 && !call_own_name(call, &customer))
		return;
	if (call->at.id != 0 &&
	    !session_csrf(call->admin, call->session, csrf)) {
		call_no_memory(call);
		return;
	}
	buf_init(&row, ROW_MAX);
	json_init(&j, &row);
	show(call, &j, customer, csrf);
	bool good = store_good(call->admin->store, &err);
	if (good && !row.failed)
		call_row(call, buf_slice(&row));
	buf_fini(&row);
	if (good)
		call_end(call, CALL_OK, NONE);
	else
		call_fail(call, &err, SAY_STORE_READ_FAILED);
}

void call_session_end(struct admin_call *call)
{
	struct admin *a = call->admin;
	if (!call_is_front(call))
		return;
	store_begin(a->store);
	session_end(a->store, call->at.id);
	if (call->at.state == SESSION_IN)
		call_audit(call, SLICE("session.end"), call->person.customer,
			   call->person.address, NONE);
	if (!call_stored(call))
		return;
	call_row(call, SLICE("{\"cookie\":\"\"}"));
	call_end(call, CALL_OK, NONE);
}

/* --- all of the person's --------------------------------------------------- */

static void list_row(struct admin_call *call, const struct sql *q)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, ROW_MAX);
	json_member_u64(j, "id", sql_get_u64(q, 0));
	json_key(j, "begun_at");
	json_time_ms(j, sql_get_i64(q, 1));
	json_key(j, "seen_at");
	json_time_ms(j, sql_get_i64(q, 2));
	json_member_string(j, "client", sql_peek(q, 3));
	json_member_bool(j, "current", sql_get_u64(q, 0) == call->at.id);
	call_row_end(call, &row);
}

void call_session_list(struct admin_call *call)
{
	struct admin *a = call->admin;
	int64_t now = admin_wall_ms(a);
	if (!call_is_front(call))
		return;
	struct sql q = sql_of(a->store, "SELECT id, begun_at, seen_at, client "
					"FROM sessions WHERE person = ? AND "
					"seen_at > ? AND begun_at > ? AND "
					"state = ? ORDER BY seen_at DESC");
	sql_u64(&q, call->person.id);
	sql_i64(&q, now - SESSION_IDLE_MS);
	sql_i64(&q, now - SESSION_MOST_MS);
	sql_u64(&q, SESSION_IN);
	while (sql_row(&q))
		list_row(call, &q);
	call_end_read(call);
}

void call_session_end_others(struct admin_call *call)
{
	struct admin *a = call->admin;
	if (!call_is_front(call))
		return;
	store_begin(a->store);
	sessions_end(a->store, call->person.id, call->at.id);
	call_audit(call, SLICE("session.end_others"), call->person.customer,
		   call->person.address, NONE);
	if (call_stored(call))
		call_end(call, CALL_OK, NONE);
}
