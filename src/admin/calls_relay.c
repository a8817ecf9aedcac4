/*
 * Calls that relay answers: queue.*, limits.*, clock.*. Relay knows no roles, so
 * the caller is judged here, what is asked is bound to his customer, and rows
 * that are not there for him are left out of the answer.
 */
#include "admin/calls.h"

#include <stdio.h>

static const slice NONE = { 0 };

static struct admin_call *call_of(struct ask_call *relay)
{
	return CONTAINER_OF(relay, struct admin_call, relay);
}

static void relay_row(struct ask_call *relay, slice json_object)
{
	struct admin_call *call = call_of(relay);
	bool mail = slice_starts(call->name, SLICE("queue."));
	slice user = NONE;
	if (slice_eq(call->name, SLICE("limits.users")) &&
	    call->caller.role == CALLER_UNIT_ADMIN) {
		struct args *row = args_parse(json_object);
		bool sees = row != NULL &&
			    (args_text(row, "user", &user) != ARGS_FOUND ||
			     call_sees_sender(call, user));
		if (row != NULL)
			args_free(&row);
		if (!sees)
			return;
	}
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
	/* The reader's was taken off as `reader`. */
	if (!args_set_text(call->args, "language",
			   call->language == LANGUAGE_JA ? SLICE("ja") :
							   SLICE("en"))) {
		call_no_memory(call);
		return;
	}
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
					     "state", "customer", "all",
					     "cells", "ids", "age" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (args_has(call->args, words[i]))
			return true;
	return false;
}

bool call_bind_customer(struct admin_call *call)
{
	slice name = NONE;
	uint32_t id = 0;
	uint64_t asked = 0;
	uint32_t own = call_own_customer(call);
	if (args_text(call->args, "customer", &name) == ARGS_FOUND) {
		if (!call_find_customer(call, name, &id))
			return false;
		args_remove(call->args, "customer");
		if (id == 0 || args_set_u64(call->args, "customer", id))
			return true;
		call_no_memory(call);
		return false;
	}
	if (own == 0)
		return true;
	if (!arg_u64(call, "customer", UINT32_MAX, &asked))
		return false;
	/* Another's is asked for as one that never is. */
	if (args_set_u64(call->args, "customer",
			 asked == 0 || asked == own ? own : UINT32_MAX))
		return true;
	call_no_memory(call);
	return false;
}

void call_queue(struct admin_call *call)
{
	bool chosen = has_chosen(call);
	/* Relay counts whole customers; a unit is less than one. */
	if (call->caller.role == CALLER_UNIT_ADMIN &&
	    slice_eq(call->name, SLICE("queue.matrix"))) {
		call_say(call, CALL_NOT_ALLOWED, SAY_NOT_ALLOWED, NONE);
		return;
	}
	if (!call_bind_customer(call))
		return;
	if (call_is_operator(call)) {
		pass_on(call);
		return;
	}
	if (call->right == RIGHT_CHANGE_QUEUE && !chosen)
		arg_bad(call, "id");
	/* What the operator holds is not theirs to release (SPEC 9.4). */
	else if (args_set_u64(call->args, "by_customer", 1))
		pass_on(call);
	else
		call_no_memory(call);
}

/* queue.act: the console's form, {act, selection: {cells|ids, from, state}}. */
void call_queue_act(struct admin_call *call)
{
	static const char *const acts[] = { "retry", "hold", "release",
					    "remove" };
	slice act = NONE;
	char name[24] = "";
	if (!arg_text(call, "act", true, &act))
		return;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (slice_eq(act, slice_of(acts[i])))
			snprintf(name, sizeof(name), "queue.%s", acts[i]);
	if (name[0] == '\0') {
		arg_bad(call, "act");
		return;
	}
	if (args_child(call->args, "selection") == NULL ||
	    args_has(args_child(call->args, "selection"), "customer") ||
	    !args_lift(call->args, "selection")) {
		arg_bad(call, "selection");
		return;
	}
	args_remove(call->args, "act");
	args_remove(call->args, "snapshot");
	if (arena_copy(&call->arena, slice_of(name), &call->name))
		call_queue(call);
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
