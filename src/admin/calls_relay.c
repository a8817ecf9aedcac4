/*
 * Calls that relay answers: queue.*, limits.*, clock.*. Relay knows no roles, so
 * the caller is judged here, what is asked is bound to his customer, and rows
 * that are not there for him are left out of the answer.
 */
#include "admin/calls.h"

static const slice NONE = { 0 };

static struct admin_call *call_of(struct ask_call *relay)
{
	return CONTAINER_OF(relay, struct admin_call, relay);
}

static void relay_row(struct ask_call *relay, slice json_object)
{
	struct admin_call *call = call_of(relay);
	bool mail = slice_starts(call->name, SLICE("queue."));
	if (mail && !call_sees_mail(call, json_object)) {
		call->left_out = true;
		return;
	}
	call_row(call, json_object);
}

static void relay_end(struct ask_call *relay, int code, slice text, bool gone)
{
	struct admin_call *call = call_of(relay);
	call->cancel = NULL;
	if (gone)
		call_say(call, CALL_TEMPORARY, SAY_RELAY_DOWN, NONE);
	else if (call->left_out && slice_eq(call->name, SLICE("queue.show")))
		call_say(call, CALL_NONE_FOUND, SAY_NO_SUCH_MESSAGE, NONE);
	else
		call_end(call, code, text);
}

static void relay_cancel(struct admin_call *call)
{
	ask_forget(call->admin->ask, &call->relay);
}

static void pass_on(struct admin_call *call)
{
	struct admin *a = call->admin;
	slice args;
	if (!args_write(call->args, &call->arena, &args)) {
		call_no_memory(call);
		return;
	}
	call->relay = (struct ask_call){ .row = relay_row, .end = relay_end };
	if (a->ask != NULL && ask_call(a->ask, &call->relay, call->name, args))
		call->cancel = relay_cancel;
	else
		call_say(call, CALL_TEMPORARY, SAY_RELAY_DOWN, NONE);
}

/* --- the queue ------------------------------------------------------------ */

/* Relay takes a customer for a choice; the caller must have made one. */
static bool has_chosen(const struct admin_call *call)
{
	static const char *const words[] = { "id", "from", "destination",
					     "state", "customer", "all" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (args_has(call->args, words[i]))
			return true;
	return false;
}

void call_queue(struct admin_call *call)
{
	uint64_t asked = 0;
	uint32_t own = call_own_customer(call);
	if (call_is_operator(call)) {
		pass_on(call);
		return;
	}
	if (!arg_u64(call, "customer", UINT32_MAX, &asked))
		return;
	if (call->right == RIGHT_CHANGE_QUEUE && !has_chosen(call)) {
		arg_bad(call, "id");
		return;
	}
	/* Another's is asked for as one that never is; and what the operator
	 * holds is not theirs to release (SPEC 9.4). */
	if (args_set_u64(call->args, "customer",
			 asked == 0 || asked == own ? own : UINT32_MAX) &&
	    args_set_u64(call->args, "by_customer", 1))
		pass_on(call);
	else
		call_no_memory(call);
}

/* --- limits --------------------------------------------------------------- */

/* A user elsewhere in the organisation is none for a unit admin; who he is
 * in another one, relay looks up. */
static bool sees_asked_user(struct admin_call *call)
{
	slice user = NONE;
	if (!arg_text(call, "user", false, &user))
		return false;
	if (user.n == 0 || call_sees_sender(call, user))
		return true;
	call_say(call, CALL_DATA, SAY_NO_SUCH_USER, user);
	return false;
}

void call_limits(struct admin_call *call)
{
	slice asked = NONE, own = NONE;
	if (call_is_operator(call)) {
		pass_on(call);
		return;
	}
	if (!arg_text(call, "customer", true, &asked) ||
	    !call_own_name(call, &own))
		return;
	if (!slice_eq(asked, own))
		call_say(call, CALL_DATA, SAY_NO_SUCH_CUSTOMER, asked);
	else if (sees_asked_user(call))
		pass_on(call);
}

/* --- the clock ------------------------------------------------------------ */

void call_clock(struct admin_call *call)
{
	pass_on(call);
}

/* The row says who said so and when, by the clock that was accepted; what
 * became of it, relay tells the journal. */
static bool audit_accept(struct admin_call *call, struct err *err)
{
	struct store *s = call->admin->store;
	store_begin(s);
	struct audit_by by = call_audit_by(call);
	by.revision--;			/* the directory stays as it is */
	audit_write(s, &by, 0, SLICE("clock"), NONE, NONE);
	store_commit(s);
	if (store_good(s, err))
		return true;
	store_rollback(s);
	return false;
}

void call_clock_accept(struct admin_call *call)
{
	struct admin *a = call->admin;
	struct err err;
	if (a->ask == NULL || !ask_up(a->ask))
		call_say(call, CALL_TEMPORARY, SAY_RELAY_DOWN, NONE);
	else if (!audit_accept(call, &err))
		call_fail(call, &err, SAY_STORE_FAILED);
	else
		pass_on(call);
}
