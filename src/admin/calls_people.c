/*
 * Who may sign in: operator.add, operator.list, operator.remove; and how
 * somebody comes to it, or back to it: invite.create, sign_in.reset. Each ends
 * with a link that lets in once, within a day, and never with a password that
 * a second person knows.
 */
#include "admin/calls.h"

#include "admin/calls_people.h"
#include "admin/people_link.h"
#include "crypto/password.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 8192 };

/* --- the link ------------------------------------------------------------- */

static void tell_link(struct admin_call *call, const struct person *p,
		      const char *token, int64_t expires_at)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, ROW_MAX);
	struct buf link;
	buf_init(&link, ROW_MAX);
	people_write_link(&link, call->admin, token);
	json_member_string(j, "address", p->address);
	json_member_string(j, "link", buf_slice(&link));
	json_key(j, "expires_at");
	json_time_ms(j, expires_at);
	row.text.failed = row.text.failed || link.failed;
	call_row_end(call, &row);
	if (link.cap > 0)
		secret_wipe(link.p, link.cap);
	buf_fini(&link);
}

bool call_stored(struct admin_call *call)
{
	struct err err;
	store_commit(call->admin->store);
	if (store_good(call->admin->store, &err))
		return true;
	store_rollback(call->admin->store);
	call_fail(call, &err, SAY_STORE_FAILED);
	return false;
}

/* Ends what began with a transaction. */
static void end_with_link(struct admin_call *call, struct person *p)
{
	struct admin *a = call->admin;
	char token[TOKEN_TEXT_MAX] = "";
	int64_t now = admin_wall_ms(a);
	person_note(a->store, p);
	invite_make(a->store, p->id, now, token);
	call_audit(call, call->name, p->customer, p->address, NONE);
	if (call_stored(call)) {
		tell_link(call, p, token, now + INVITE_MS);
		call_end(call, CALL_OK, NONE);
	}
	secret_wipe(token, sizeof(token));
}

/* Undoes, says why, or that the store failed. */
static void refuse(struct admin_call *call, int code, enum admin_text id,
		   slice a)
{
	struct err err;
	store_rollback(call->admin->store);
	if (store_good(call->admin->store, &err))
		call_say(call, code, id, a);
	else
		call_fail(call, &err, SAY_STORE_FAILED);
}

/* --- people of a customer -------------------------------------------------- */

/* Whom the caller may let in: an operator anybody; a super admin those of the
 * own customer who have a role. False: it has ended, and is undone. */
static bool find_for(struct admin_call *call, slice address, struct person *p)
{
	struct store *s = call->admin->store;
	bool found = person_find(s, address, &call->arena, p) &&
		     (p->customer != 0 ? authorise_sees(&call->caller,
							p->customer)
				       : call_is_operator(call));
	if (!found)
		refuse(call, CALL_DATA, SAY_NO_SUCH_USER, address);
	else if (p->role == CALLER_USER)
		refuse(call, CALL_REFUSED, SAY_NO_ROLE, p->address);
	else
		return true;
	return false;
}

void call_invite_create(struct admin_call *call)
{
	struct person p = { 0 };
	slice address;
	if (!arg_address(call, "address", true, &address))
		return;
	store_begin(call->admin->store);
	if (!find_for(call, address, &p))
		return;
	if (person_is_enrolled(&p))
		refuse(call, CALL_REFUSED, SAY_SIGNS_IN_ALREADY, p.address);
	else
		end_with_link(call, &p);
}

/* Neither is said: both were lost. */
void call_sign_in_reset(struct admin_call *call)
{
	struct person p = { 0 };
	bool password = false, factor = false;
	slice address;
	if (!arg_address(call, "address", true, &address) ||
	    !arg_bool(call, "password", &password) ||
	    !arg_bool(call, "factor", &factor))
		return;
	if (!password && !factor)
		password = factor = true;
	store_begin(call->admin->store);
	if (!find_for(call, address, &p))
		return;
	if (p.id != 0)
		person_reset(call->admin->store, p.id, password, factor);
	end_with_link(call, &p);
}

/* --- operators ------------------------------------------------------------ */

/* An operator whom a token made would outlive its end. */
static bool is_in_person(struct admin_call *call)
{
	if (!call->front || call->at.id != 0)
		return true;
	call_say(call, CALL_NOT_ALLOWED, SAY_NOT_BY_TOKEN, NONE);
	return false;
}

void call_operator_add(struct admin_call *call)
{
	struct store *s = call->admin->store;
	struct person p = { 0 };
	slice address;
	if (!is_in_person(call) || !arg_address(call, "address", true, &address))
		return;
	store_begin(s);
	if (person_find(s, address, &call->arena, &p)) {
		refuse(call, CALL_REFUSED, p.operator_id != 0 ?
			       SAY_OPERATOR_ALREADY : SAY_OPERATOR_IS_USER,
		       address);
		return;
	}
	people_add_operator(s, address, admin_wall_ms(call->admin));
	if (person_find(s, address, &call->arena, &p))
		end_with_link(call, &p);
	else
		refuse(call, CALL_INTERNAL, SAY_STORE_FAILED, NONE);
}

static void list_row(struct admin_call *call, const struct sql *q)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, ROW_MAX);
	json_member_string(j, "address", sql_peek(q, 0));
	json_key(j, "created_at");
	json_time_ms(j, sql_get_i64(q, 1));
	json_member_bool(j, "enrolled", sql_get_u64(q, 2) != 0);
	json_member_time_or_null(j, "seen_at", sql_get_i64(q, 3));
	call_row_end(call, &row);
}

void call_operator_list(struct admin_call *call)
{
	struct admin *a = call->admin;
	struct sql q = sql_of(
		a->store,
		"SELECT o.address, o.created_at, p.password <> '' AND p.factor "
		"NOT NULL, (SELECT max(seen_at) FROM sessions s WHERE s.person "
		"= p.id) FROM operators o LEFT JOIN people p ON p.operator = "
		"o.id ORDER BY o.address");
	while (sql_row(&q))
		list_row(call, &q);
	call_end_read(call);
}

void call_operator_remove(struct admin_call *call)
{
	struct store *s = call->admin->store;
	slice address;
	if (!is_in_person(call) || !arg_address(call, "address", true, &address))
		return;
	store_begin(s);
	struct sql q = sql_of(s, "DELETE FROM operators WHERE address = ? "
				 "RETURNING 1");
	sql_text(&q, address);
	bool found = sql_row(&q);
	if (!found) {
		refuse(call, CALL_DATA, SAY_NO_SUCH_OPERATOR, address);
		return;
	}
	sql_run(&q);
	call_audit(call, call->name, 0, address, NONE);
	if (call_stored(call))
		call_end(call, CALL_OK, NONE);
}
