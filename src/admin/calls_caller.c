/*
 * Who makes a call: the seam between connections and authorise.h. Today it
 * is the operator (the peer of ctl.sock is root or the service itself), or,
 * with the argument "as", a person whom the operator stands in for. Front
 * calls are made by whoever their session belongs to (calls_front.c).
 */
#include "admin/calls.h"

static const slice NONE = { 0 };

enum { NAMED_MAX = 4 };

/* By address or alias. False: there is nobody of the kind, or the store
 * failed. */
static bool find_person(struct admin_call *call, slice address,
			enum role *role, struct caller *out)
{
	struct sql q = sql_of(
		call->admin->store,
		"SELECT u.customer, u.role, u.suspended, u.address, "
		"u.org_unit, c.closing FROM users u JOIN customers c "
		"ON c.id = u.customer WHERE u.address = ?1 OR u.id = "
		"(SELECT user FROM aliases WHERE address = ?1)");
	sql_text(&q, address);
	if (!sql_row(&q))
		return false;
	out->customer = (uint32_t)sql_get_u64(&q, 0);
	*role = (enum role)sql_get_u64(&q, 1);
	/* Whoever may not sign in may nothing. */
	if (sql_get_u64(&q, 2) != 0 || sql_get_u64(&q, 5) != 0)
		*role = ROLE_USER;
	out->address = sql_copy(&q, 3, &call->arena);
	out->org_unit = sql_copy(&q, 4, &call->arena);
	sql_end(&q);
	return true;
}

static bool bad_person(struct admin_call *call, slice as)
{
	call_say(call, CALL_USAGE, SAY_BAD_ADDRESS, as);
	return false;
}

static bool stand_in(struct admin_call *call, slice as)
{
	struct err err;
	struct buf who;
	enum role role = ROLE_USER;
	slice address;
	if (!directory_address(as, &call->arena, &address, NULL))
		return bad_person(call, as);
	bool found = find_person(call, address, &role, &call->caller);
	if (!store_good(call->admin->store, &err)) {
		call_fail(call, &err, SAY_STORE_READ_FAILED);
		return false;
	}
	if (!found) {
		call_say(call, CALL_DATA, SAY_NO_SUCH_USER, as);
		return false;
	}
	call->caller.role = caller_role_of(role);
	buf_init(&who, 1024);
	buf_printf(&who, "operator as %.*s",
		   SLICE_ARG(call->caller.address));
	bool ok = !who.failed &&
		  arena_copy(&call->arena, buf_slice(&who), &call->who);
	buf_fini(&who);
	if (!ok)
		call_no_memory(call);
	return ok;
}

bool call_caller(struct admin_call *call, slice as)
{
	call->caller = (struct caller){ .role = CALLER_OPERATOR,
					.scopes = RIGHTS_ALL };
	return as.n == 0 || stand_in(call, as);
}

/* --- refusing ------------------------------------------------------------- */

/* "alice@example.com, bob@example.com", at most NAMED_MAX. */
static slice super_admins(struct admin_call *call)
{
	struct buf names;
	slice out = NONE;
	buf_init(&names, 4096);
	struct sql q = sql_of(call->admin->store,
			      "SELECT address FROM users WHERE customer = ? "
			      "AND role = ? AND suspended = 0 ORDER BY id "
			      "LIMIT ?");
	sql_u64(&q, call->caller.customer);
	sql_u64(&q, ROLE_SUPER_ADMIN);
	sql_u64(&q, NAMED_MAX);
	while (sql_row(&q)) {
		if (names.n > 0)
			buf_append(&names, call->language == LANGUAGE_JA ?
						   SLICE("、") : SLICE(", "));
		buf_append(&names, sql_peek(&q, 0));
	}
	if (names.n == 0)
		buf_append_char(&names, '-');
	if (names.failed || !store_good(call->admin->store, NULL) ||
	    !arena_copy(&call->arena, buf_slice(&names), &out))
		out = SLICE("-");
	buf_fini(&names);
	return out;
}

/* What the API token was not made for. */
static bool scope_lacks(struct admin_call *call, enum right right)
{
	static const char *const names[RIGHT_COUNT] = {
		[RIGHT_OPERATE] = "operate",
		[RIGHT_LOOK] = "look",
		[RIGHT_LOOK_SERVICE] = "look",
		[RIGHT_CHANGE_SETTINGS] = "settings",
		[RIGHT_CHANGE_USERS] = "users",
		[RIGHT_CHANGE_QUEUE] = "queue",
	};
	if (call->caller.scopes & RIGHT_BIT(right))
		return false;
	if (names[right] != NULL)
		call_say(call, CALL_NOT_ALLOWED, SAY_SCOPE_LACKS,
			 slice_of(names[right]));
	else
		call_say(call, CALL_NOT_ALLOWED, SAY_NOT_BY_TOKEN, NONE);
	return true;
}

bool call_authorise(struct admin_call *call, enum right right)
{
	if (scope_lacks(call, right))
		return false;
	switch (authorise_call(call->caller.role, right)) {
	case AUTHORISE_MAY:
		return true;
	case AUTHORISE_NOT:
		call_say(call, CALL_NOT_ALLOWED, SAY_NOT_ALLOWED, NONE);
		return false;
	case AUTHORISE_ASK:
		call_say(call, CALL_NOT_ALLOWED,
			 right == RIGHT_CHANGE_QUEUE ? SAY_ASK_FOR_QUEUE :
			 right == RIGHT_LET_IN ? SAY_ASK_TO_LET_IN :
						 SAY_ASK_FOR_SETTINGS,
			 super_admins(call));
		return false;
	}
	unreachable_state("every verdict is listed");
}

/* --- what there is for the caller ----------------------------------------- */

bool call_is_operator(const struct admin_call *call)
{
	return call->caller.role == CALLER_OPERATOR;
}

uint32_t call_own_customer(const struct admin_call *call)
{
	return call_is_operator(call) ? 0 : call->caller.customer;
}

bool call_own_name(struct admin_call *call, slice *name)
{
	struct err err;
	struct sql q = sql_of(call->admin->store,
			      "SELECT name FROM customers WHERE id = ?");
	*name = NONE;
	sql_u64(&q, call->caller.customer);
	if (sql_row(&q)) {
		*name = sql_copy(&q, 0, &call->arena);
		sql_end(&q);
	}
	if (store_good(call->admin->store, &err))
		return true;
	call_fail(call, &err, SAY_STORE_READ_FAILED);
	return false;
}

bool call_find_customer(struct admin_call *call, slice name, uint32_t *only)
{
	struct err err;
	*only = call_own_customer(call);
	if (name.n == 0)
		return true;
	struct sql q = sql_of(call->admin->store,
			      "SELECT id FROM customers WHERE name = ? AND "
			      "closing = 0");
	sql_text(&q, name);
	uint32_t id = (uint32_t)sql_number(&q, 0);
	if (!store_good(call->admin->store, &err)) {
		call_fail(call, &err, SAY_STORE_READ_FAILED);
		return false;
	}
	if (id == 0 || !authorise_sees(&call->caller, id)) {
		call_say(call, CALL_DATA, SAY_NO_SUCH_CUSTOMER, name);
		return false;
	}
	*only = id;
	return true;
}

bool call_customer_asked(struct admin_call *call, uint32_t *only)
{
	slice name = NONE;
	return arg_text(call, "customer", false, &name) &&
	       call_find_customer(call, name, only);
}

bool call_sees_user(struct admin_call *call, uint32_t user)
{
	struct sql q = sql_of(call->admin->store,
			      "SELECT customer, org_unit FROM users "
			      "WHERE id = ?");
	sql_u64(&q, user);
	if (!sql_row(&q))
		return false;
	bool sees = authorise_sees_user(&call->caller,
					(uint32_t)sql_get_u64(&q, 0),
					sql_peek(&q, 1));
	sql_end(&q);
	return sees;
}

bool call_changes_user(struct admin_call *call, uint32_t user)
{
	struct sql q = sql_of(call->admin->store,
			      "SELECT role FROM users WHERE id = ?");
	sql_u64(&q, user);
	return authorise_changes_user(&call->caller,
				      (enum role)sql_number(&q, ROLE_USER));
}

bool call_sees_sender(struct admin_call *call, slice address)
{
	struct arena scratch;
	struct address a;
	if (call->caller.role != CALLER_UNIT_ADMIN)
		return true;
	arena_init(&scratch, 16384);
	const struct user *u =
		address_parse(address, &scratch, &a, NULL) ?
			view_user(call->admin->view, &a) : NULL;
	bool sees = u != NULL && call_sees_user(call, u->id);
	arena_fini(&scratch);
	return sees;
}

bool call_sees_mail(struct admin_call *call, slice json_object)
{
	slice from = NONE;
	if (call->caller.role != CALLER_UNIT_ADMIN)
		return true;
	struct args *row = args_parse(json_object);
	bool sees = row != NULL &&
		    args_text(row, "from", &from) == ARGS_FOUND &&
		    call_sees_sender(call, from);
	if (row != NULL)
		args_free(&row);
	return sees;
}
