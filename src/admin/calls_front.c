/*
 * Who makes a call that the console brings: the person whose session it is,
 * or whose API token. What the person may is what his role says now, not when
 * he came in: somebody who was suspended is out with his next call.
 */
#include "admin/calls.h"

#include "crypto/password.h"

static const slice NONE = { 0 };

static bool sign_in(struct admin_call *call)
{
	struct err err;
	if (store_good(call->admin->store, &err))
		call_say(call, CALL_SIGN_IN, SAY_SIGN_IN, NONE);
	else
		call_fail(call, &err, SAY_STORE_FAILED);
	return false;
}

static void is_person(struct admin_call *call, uint32_t scopes)
{
	const struct person *p = &call->person;
	call->who = p->address;
	if (p->has_language)
		call->language = p->language;
	call->caller = (struct caller){
		.role = p->role,
		.customer = p->customer,
		.address = p->address,
		.org_unit = p->org_unit,
		.scopes = scopes,
	};
}

/* --- by API token --------------------------------------------------------- */

static bool by_token(struct admin_call *call, slice text)
{
	struct admin *a = call->admin;
	struct api_token token;
	if (!api_token_take(a->store, text, admin_wall_ms(a), &token) ||
	    !person_load(a->store, token.person, &call->arena,
			 &call->person) ||
	    call->person.role == CALLER_USER)
		return sign_in(call);
	is_person(call, token.scopes & ~(uint32_t)RIGHTS_IN_PERSON);
	return true;
}

/* --- by session ----------------------------------------------------------- */

static bool csrf_fits(struct admin_call *call, slice token, slice csrf)
{
	char want[TOKEN_BODY_LEN + 1];
	return session_csrf(call->admin, token, want) &&
	       keyed_same(slice_of(want), csrf);
}

static bool changes(enum right right)
{
	return right != RIGHT_LOOK && right != RIGHT_LOOK_SERVICE;
}

static bool find_session(struct admin_call *call, slice token)
{
	struct store *s = call->admin->store;
	uint8_t hash[KEYED_LEN];
	if (!token_hash(SESSION_PREFIX, token, hash) ||
	    !session_load(s, hash, &call->arena, &call->at))
		return false;
	if (!session_is_over(&call->at, admin_wall_ms(call->admin)) &&
	    person_load(s, call->at.person, &call->arena, &call->person) &&
	    call->person.role != CALLER_USER)
		return true;
	session_end(s, call->at.id);
	return false;
}

static bool by_session(struct admin_call *call, slice token, slice csrf)
{
	struct admin *a = call->admin;
	if (!find_session(call, token) ||
	    !session_step_allows(call->at.state, call->name))
		return sign_in(call);
	is_person(call, RIGHTS_ALL);
	if (changes(call->right) && !csrf_fits(call, token, csrf)) {
		call_say(call, CALL_NOT_ALLOWED, SAY_FOREIGN_PAGE, NONE);
		return false;
	}
	if (!call->quiet)
		session_seen(a->store, &call->at, admin_wall_ms(a));
	return true;
}

/* --- operators at customers ------------------------------------------------ */

/* A row in the customer's audit log when an operator comes to look at it
 * (CONSOLE 2), once an hour; pages that ask by themselves don't count. */
static void note_visit(struct admin_call *call)
{
	struct admin *a = call->admin;
	slice name = call->about;
	if (call->caller.role != CALLER_OPERATOR || call->quiet)
		return;
	if (name.n == 0 &&
	    args_text(call->args, "customer", &name) != ARGS_FOUND)
		return;
	struct sql q = sql_of(a->store, "SELECT id FROM customers "
					"WHERE name = ?");
	sql_text(&q, name);
	uint32_t customer = (uint32_t)sql_number(&q, 0);
	if (customer != 0 && visits_begin(a->visits, call->person.id, customer,
					  admin_wall_ms(a)))
		call_audit(call, SLICE("visit"), customer, name, NONE);
}

bool call_front_caller(struct admin_call *call, slice session, slice csrf,
		       slice client)
{
	struct err err;
	(void)client;		/* call->client, of the audit rows */
	if (session.n == 0)
		return sign_in(call);
	bool token = slice_starts(session, SLICE(API_TOKEN_PREFIX));
	if (!(token ? by_token(call, session) :
		      by_session(call, session, csrf)))
		return false;
	note_visit(call);
	if (store_good(call->admin->store, &err))
		return true;
	call_fail(call, &err, SAY_STORE_FAILED);
	return false;
}

void call_audit(struct admin_call *call, slice act, uint32_t customer,
		slice object, slice after)
{
	struct audit_by by = call_audit_by(call);
	by.call = act;
	by.revision = 0;
	audit_write(call->admin->store, &by, customer, object, NONE, after);
}
