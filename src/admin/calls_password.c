/* app_password.create, app_password.remove; the list: calls_password_list.c. */
#include <stdio.h>

#include "admin/calls.h"
#include "crypto/scram.h"
#include "os/random.h"

static const slice NONE = { 0 };

struct making {
	struct app_password row;
	slice address;			/* of its user */
	char range[IP_RANGE_TEXT_MAX];
	char secret[APP_PASSWORD_LEN + 1];
};

/* Never the secret, never its MAC. */
static void describe(struct json *j, const struct making *m)
{
	json_member_string(j, "id", (slice){ m->row.id, sizeof(m->row.id) });
	json_member_string(j, "address", m->address);
	json_key(j, "sender");
	if (m->row.sender.n > 0)
		json_string(j, m->row.sender);
	else
		json_null(j);
	json_key(j, "range");
	if (m->row.has_range)
		json_string(j, slice_of(m->range));
	else
		json_null(j);
}

static bool take_args(struct admin_call *call, struct making *m)
{
	slice range = NONE;
	if (!arg_address(call, "address", true, &m->address) ||
	    !arg_address(call, "sender", false, &m->row.sender) ||
	    !arg_text(call, "range", false, &range))
		return false;
	if (range.n == 0)
		return true;
	if (!ip_range_parse(range, &m->row.range) ||
	    ip_range_has_host_bits(&m->row.range)) {
		call_say(call, CALL_USAGE, SAY_BAD_RANGE, range);
		return false;
	}
	m->row.has_range = true;
	ip_range_text(&m->row.range, m->range);
	return true;
}

/* By address or alias; the password belongs to the user, whose own address
 * is shown then. */
static bool find_user(struct admin_call *call, struct making *m)
{
	struct sql q = sql_of(
		call->admin->store,
		"SELECT id, customer, address FROM users WHERE address = ?1 "
		"UNION ALL SELECT u.id, u.customer, u.address FROM aliases a "
		"JOIN users u ON u.id = a.user WHERE a.address = ?1");
	sql_text(&q, m->address);
	if (!sql_row(&q))
		return false;
	m->row.user = (uint32_t)sql_get_u64(&q, 0);
	m->row.customer = (uint32_t)sql_get_u64(&q, 1);
	slice own = sql_copy(&q, 2, &call->arena);
	sql_end(&q);
	/* An alias that isn't there for the caller doesn't lead to a name. */
	if (!call_sees_user(call, m->row.user))
		return false;
	m->address = own;
	return true;
}

/* Each is tried when the user proves one by SCRAM under its address. */
static bool has_too_many(struct admin_call *call, const struct making *m)
{
	struct sql q = sql_of(call->admin->store,
			      "SELECT count(*) FROM app_passwords "
			      "WHERE user = ? AND scram_salt IS NOT NULL");
	sql_u64(&q, m->row.user);
	bool many = sql_row(&q) && sql_get_u64(&q, 0) >= VIEW_SCRAM_MAX;
	sql_end(&q);
	return many;
}

static bool make_scram(struct admin_call *call, struct making *m)
{
	m->row.has_scram =
		scram_salt_of_user(call->admin->pepper, m->row.user,
				   m->row.scram_salt) &&
		scram_keys_make(slice_of(m->secret), m->row.scram_salt,
				m->row.scram_stored, m->row.scram_server);
	return m->row.has_scram;
}

static bool make_secret(struct admin_call *call, struct making *m)
{
	uint8_t random[24];
	struct app_password_id id;
	os_random(random, sizeof(random));
	bool ok = app_password_make(random, m->secret);
	secret_wipe(random, sizeof(random));
	ok = ok && app_password_id(slice_of(m->secret), &id) &&
	     app_password_mac(slice_of(m->secret), call->admin->pepper,
			      m->row.mac) &&
	     make_scram(call, m);
	if (ok)
		memcpy(m->row.id, id.text, sizeof(m->row.id));
	m->row.generation = 1;
	return ok;
}

static void insert(struct admin_call *call, const struct making *m,
		   const struct audit_by *by)
{
	struct sql q = sql_of(call->admin->store,
			      "INSERT INTO app_passwords (id, user, customer, "
			      "mac, sender, range_first, range_bits, "
			      "generation, created_at, scram_salt, "
			      "scram_stored, scram_server) "
			      "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
	sql_text(&q, (slice){ m->row.id, sizeof(m->row.id) });
	sql_u64(&q, m->row.user);
	sql_u64(&q, m->row.customer);
	sql_blob(&q, (slice){ (const char *)m->row.mac, sizeof(m->row.mac) });
	sql_text(&q, m->row.sender);
	if (m->row.has_range) {
		sql_blob(&q, (slice){ (const char *)m->row.range.first.bytes,
				      16 });
		sql_u64(&q, m->row.range.bits);
	} else {
		sql_null(&q);
		sql_null(&q);
	}
	sql_u64(&q, m->row.generation);
	sql_i64(&q, by->at_ms);
	sql_blob(&q, (slice){ (const char *)m->row.scram_salt,
			      sizeof(m->row.scram_salt) });
	sql_blob(&q, (slice){ (const char *)m->row.scram_stored,
			      sizeof(m->row.scram_stored) });
	sql_blob(&q, (slice){ (const char *)m->row.scram_server,
			      sizeof(m->row.scram_server) });
	sql_run(&q);
}

static void audit(struct admin_call *call, const struct making *m,
		  const struct audit_by *by, bool gone)
{
	struct buf object, json;
	struct json j;
	buf_init(&object, 64);
	buf_init(&json, 8192);
	buf_printf(&object, "app-password %.*s", (int)sizeof(m->row.id),
		   m->row.id);
	json_init(&j, &json);
	json_object(&j);
	describe(&j, m);
	json_object_end(&j);
	if (json.failed || object.failed)
		store_fail(call->admin->store, "out of memory");
	audit_write(call->admin->store, by, m->row.customer,
		    buf_slice(&object), gone ? buf_slice(&json) : NONE,
		    gone ? NONE : buf_slice(&json));
	buf_fini(&object);
	buf_fini(&json);
}

/* Both calls end alike: one record, one revision. */
static bool publish(struct admin_call *call, const struct making *m,
		    const struct audit_by *by, bool gone, bool *logged,
		    struct err *err)
{
	struct buf change;
	buf_init(&change, CHANGE_MAX);
	change_begin(&change, by->revision, true);
	if (gone)
		change_remove_app_password(
			&change, (slice){ m->row.id, sizeof(m->row.id) });
	else
		change_put_app_password(&change, &m->row);
	change_end(&change);
	bool ok = !change.failed ? admin_publish(call->admin, by,
						 buf_slice(&change), logged,
						 err) :
				   err_set_memory(err, "app_password");
	if (change.failed)
		store_rollback(call->admin->store);
	buf_fini(&change);
	return ok;
}

static void tell_secret(struct admin_call *call, const struct making *m)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, 8192);
	describe(j, m);
	json_member_cstr(j, "password", m->secret);
	call_row_end(call, &row);
}

static void create(struct admin_call *call, struct making *m)
{
	struct admin *a = call->admin;
	struct err err;
	bool logged;
	store_begin(a->store);
	struct audit_by by = call_audit_by(call);
	bool found = find_user(call, m);
	bool may = found && call_changes_user(call, m->row.user);
	bool many = may && has_too_many(call, m);
	if (!store_good(a->store, &err)) {
		store_rollback(a->store);
		call_fail(call, &err, SAY_STORE_FAILED);
		return;
	}
	if (!found || !may || many || !make_secret(call, m)) {
		store_rollback(a->store);
		if (many)
			call_say(call, CALL_DATA, SAY_TOO_MANY_PASSWORDS,
				 m->address);
		else if (!found)
			call_say(call, CALL_DATA, SAY_NO_SUCH_USER,
				 m->address);
		else if (!may)
			call_say(call, CALL_NOT_ALLOWED, SAY_OTHER_ROLES,
				 m->address);
		else
			call_no_memory(call);
		return;
	}
	admin_note_revision(a, &by);
	insert(call, m, &by);
	audit(call, m, &by, false);
	if (!publish(call, m, &by, false, &logged, &err)) {
		call_fail(call, &err, SAY_STORE_FAILED);
		return;
	}
	tell_secret(call, m);
	call_end_when_live(call, by.revision, logged);
}

void call_app_password_create(struct admin_call *call)
{
	struct making m = { 0 };
	if (take_args(call, &m))
		create(call, &m);
	secret_wipe(&m, sizeof(m));
}

static bool find_password(struct admin_call *call, slice id, struct making *m)
{
	struct sql q = sql_of(call->admin->store,
			      "SELECT p.customer, u.address, p.sender, "
			      "p.range_first, p.range_bits, p.user "
			      "FROM app_passwords p JOIN users u "
			      "ON u.id = p.user WHERE p.id = ?");
	sql_text(&q, id);
	if (id.n != sizeof(m->row.id) || !sql_row(&q)) {
		sql_end(&q);
		return false;
	}
	memcpy(m->row.id, id.p, id.n);
	m->row.customer = (uint32_t)sql_get_u64(&q, 0);
	m->address = sql_copy(&q, 1, &call->arena);
	m->row.sender = sql_copy(&q, 2, &call->arena);
	slice first = sql_peek(&q, 3);
	m->row.has_range = first.n == 16;
	if (m->row.has_range) {
		memcpy(m->row.range.first.bytes, first.p, 16);
		m->row.range.bits = (uint8_t)sql_get_u64(&q, 4);
		ip_range_text(&m->row.range, m->range);
	}
	m->row.user = (uint32_t)sql_get_u64(&q, 5);
	sql_end(&q);
	return call_sees_user(call, m->row.user);
}

void call_app_password_remove(struct admin_call *call)
{
	struct admin *a = call->admin;
	struct making m = { 0 };
	slice id = NONE;
	struct err err;
	bool logged;
	if (!arg_text(call, "id", true, &id))
		return;
	store_begin(a->store);
	struct audit_by by = call_audit_by(call);
	bool found = find_password(call, id, &m);
	bool may = found && call_changes_user(call, m.row.user);
	if (!store_good(a->store, &err)) {
		store_rollback(a->store);
		call_fail(call, &err, SAY_STORE_FAILED);
		return;
	}
	if (!found) {
		store_rollback(a->store);
		call_say(call, CALL_DATA, SAY_NO_SUCH_PASSWORD, id);
		return;
	}
	if (!may) {
		store_rollback(a->store);
		call_say(call, CALL_NOT_ALLOWED, SAY_OTHER_ROLES, m.address);
		return;
	}
	admin_note_revision(a, &by);
	audit(call, &m, &by, true);
	struct sql q = sql_of(a->store,
			      "DELETE FROM app_passwords WHERE id = ?");
	sql_text(&q, id);
	sql_run(&q);
	if (publish(call, &m, &by, true, &logged, &err))
		call_end_when_live(call, by.revision, logged);
	else
		call_fail(call, &err, SAY_STORE_FAILED);
}
