/*
 * session.begin, session.code, session.password: coming in, step by step
 * (CONSOLE 13); the rest of session.* is in calls_session_show.c. Whoever fails
 * learns one text, whatever was wrong, after the same work.
 */
#include "admin/calls.h"

#include "admin/calls_people.h"
#include "admin/tries.h"
#include "crypto/login.h"
#include "crypto/password.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 8192, AUDIT_TENFOLD = 10 };

/* --- failing -------------------------------------------------------------- */

static void slow_down(struct admin_call *call, int64_t wait_ms)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, ROW_MAX);
	char seconds[24];
	uint64_t s = (uint64_t)(wait_ms + 999) / 1000;
	snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)s);
	json_member_u64(j, "retry_after", s);
	call_row_end(call, &row);
	call_say(call, CALL_SLOW_DOWN, SAY_SLOW_DOWN, slice_of(seconds));
}

/* A client's neighbours in its /64 are the client. */
static slice client_name(struct admin_call *call, char text[IP_RANGE_TEXT_MAX])
{
	struct ip_range r = { .bits = 64 };
	if (!ip_addr_parse(call->client, &r.first))
		return call->client;
	if (ip_is_v4(&r.first))
		r.bits = 128;
	r = ip_range_network(&r);
	return slice_of(ip_range_text(&r, text));
}

bool call_may_try(struct admin_call *call, slice person)
{
	struct tries *t = call->admin->tries;
	int64_t now = admin_monotonic_ms(call->admin);
	char text[IP_RANGE_TEXT_MAX];
	int64_t wait = tries_wait_ms(t, TRIES_PERSON, person, now);
	slice client = client_name(call, text);
	/* Without one (a proxy that doesn't tell) it would be everybody. */
	int64_t of_client = client.n > 0 ? tries_wait_ms(t, TRIES_CLIENT,
							 client, now) : 0;
	if (of_client > wait)
		wait = of_client;
	if (wait == 0)
		wait = tries_take_turn(t, now);
	if (wait == 0)
		return true;
	slow_down(call, wait);
	return false;
}

static bool is_tenfold(uint32_t count)
{
	while (count >= AUDIT_TENFOLD && count % AUDIT_TENFOLD == 0)
		count /= AUDIT_TENFOLD;
	return count == 1;
}

/* One row for many: at the first try that fails, the tenth, the hundredth. */
static void audit_failure(struct admin_call *call, slice object,
			  uint32_t customer, uint32_t count)
{
	char text[40];
	if (!is_tenfold(count))
		return;
	int n = snprintf(text, sizeof(text), "{\"tries\":%u}", count);
	invariant(n > 0 && (size_t)n < sizeof(text));
	call->who = NONE;
	call_audit(call, SLICE("session.failed"), customer, object,
		   (slice){ text, (size_t)n });
}

/* What the tries are counted by: the address, known or not, folded. */
void call_try_failed(struct admin_call *call, slice address, int code,
		     enum admin_text text)
{
	struct admin *a = call->admin;
	struct err err;
	char client[IP_RANGE_TEXT_MAX];
	slice name = client_name(call, client);
	int64_t now = admin_monotonic_ms(a);
	uint32_t count = tries_failed(a->tries, TRIES_PERSON, address, now);
	uint32_t of_client = tries_failed(a->tries, TRIES_CLIENT, name, now);
	/* Names that nobody has don't fill the log. */
	if (call->person.id != 0)
		audit_failure(call, call->person.address,
			      call->person.customer, count);
	else
		audit_failure(call, name, 0, of_client);
	if (store_good(a->store, &err))
		call_say(call, code, text, NONE);
	else
		call_fail(call, &err, SAY_STORE_FAILED);
}

/* --- coming in ------------------------------------------------------------ */

/* Commits; {cookie, state} ends each step. token: of the cookie, or NULL: it stays. */
static void tell_state(struct admin_call *call, enum session_state state,
		       const char *token,
		       void (*extra)(void *ctx, struct json *j), void *ctx)
{
	struct call_object row;
	if (!call_stored(call))
		return;
	struct json *j = call_row_begin(&row, ROW_MAX);
	if (token != NULL)	/* the console looks for it in front */
		json_member_cstr(j, "cookie", token);
	json_member_cstr(j, "state", session_state_name(state));
	if (extra != NULL)
		extra(ctx, j);
	call_row_end(call, &row);
	call_end(call, CALL_OK, NONE);
}

static void audit_in(struct admin_call *call)
{
	call_audit(call, SLICE("session.in"), call->person.customer,
		   call->person.address, NONE);
	tries_succeeded(call->admin->tries, TRIES_PERSON,
			call->person.address);
}

/* The person is who he says; `by_code`: so his factor says too. */
static void begin_for(struct admin_call *call, bool by_code)
{
	struct admin *a = call->admin;
	char token[TOKEN_TEXT_MAX] = "";
	enum session_state state = session_next_state(&call->person, by_code);
	session_begin(a->store, call->person.id, state, call->client,
		      admin_wall_ms(a), token);
	if (state == SESSION_IN)
		audit_in(call);
	tell_state(call, state, token, NULL, NULL);
	secret_wipe(token, sizeof(token));
}

/* So that audit rows say who it was. */
static void is_now(struct admin_call *call, const struct person *p)
{
	call->person = *p;
	call->who = p->address;
	call->caller = (struct caller){ .role = p->role,
					.customer = p->customer,
					.address = p->address };
}

static void begin_by_link(struct admin_call *call, slice link)
{
	struct admin *a = call->admin;
	struct person p = { 0 };
	struct err err;
	if (!call_may_try(call, link))
		return;
	store_begin(a->store);
	uint32_t id = invite_take(a->store, link, admin_wall_ms(a));
	bool found = id != 0 &&
		     person_load(a->store, id, &call->arena, &p) &&
		     p.role != CALLER_USER && !person_is_enrolled(&p);
	if (found) {
		is_now(call, &p);
		call_audit(call, SLICE("session.link"), p.customer, p.address,
			   NONE);
		begin_for(call, false);
		return;
	}
	store_commit(a->store);
	if (store_good(a->store, &err))
		call_say(call, CALL_REFUSED, SAY_LINK_OVER, NONE);
	else
		call_fail(call, &err, SAY_STORE_FAILED);
}

/* Addresses at providers that let anybody have one (SPEC 12.3). */
static bool is_private(slice address)
{
	static const char *const domains[] = {
		"gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.jp",
		"ymail.ne.jp", "outlook.com", "outlook.jp", "hotmail.com",
		"hotmail.co.jp", "live.com", "live.jp", "msn.com",
		"icloud.com", "me.com", "mac.com", "aol.com", "gmx.net",
		"gmx.de", "web.de", "proton.me", "protonmail.com",
		"docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp",
		"i.softbank.jp",
	};
	slice domain = slice_skip(address, slice_rfind(address, '@') + 1);
	for (size_t i = 0; i < ARRAY_LEN(domains); i++)
		if (slice_eq(domain, slice_of(domains[i])))
			return true;
	return false;
}

static void begin_by_password(struct admin_call *call, slice given,
			      slice password)
{
	struct admin *a = call->admin;
	struct person p = { 0 };
	slice address;
	if (!directory_address(given, &call->arena, &address, NULL))
		address = slice_sub(given, 0, 320);
	if (!call_may_try(call, address))
		return;
	bool found = person_find(a->store, address, &call->arena, &p);
	bool same = login_verify(password, found ? p.password : NONE);
	if (found)
		is_now(call, &p);
	if (!same || p.role == CALLER_USER) {
		call_try_failed(call, address, CALL_SIGN_IN,
				is_private(address) ? SAY_PRIVATE_ADDRESS :
						      SAY_WRONG_SIGN_IN);
		return;
	}
	store_begin(a->store);
	begin_for(call, false);
}

/* Whoever signs in anew leaves what he had. */
static void leave_old(struct admin_call *call)
{
	uint8_t hash[KEYED_LEN];
	struct session old;
	if (token_hash(SESSION_PREFIX, call->session, hash) &&
	    session_load(call->admin->store, hash, &call->arena, &old))
		session_end(call->admin->store, old.id);
}

/* Only the console makes sessions: who has the shell needs none. */
bool call_is_front(struct admin_call *call)
{
	if (call->front)
		return true;
	call_say(call, CALL_USAGE, SAY_ONLY_CONSOLE, NONE);
	return false;
}

void call_session_begin(struct admin_call *call)
{
	slice address = NONE, password = NONE, link = NONE;
	if (!call_is_front(call) || !arg_text(call, "address", false, &address) ||
	    !arg_text(call, "password", false, &password) ||
	    !arg_text(call, "invite", false, &link))
		return;
	leave_old(call);
	if (link.n > 0)
		begin_by_link(call, link);
	else
		begin_by_password(call, address, password);
}

/* From one step to the next; at the end of them under a new token. */
void call_session_go_on(struct admin_call *call, bool by_code,
			void (*extra)(void *ctx, struct json *j), void *ctx)
{
	struct admin *a = call->admin;
	char token[TOKEN_TEXT_MAX] = "";
	enum session_state state = session_next_state(&call->person, by_code);
	bool goes_on = state > call->at.state;
	if (goes_on)
		session_advance(a->store, &call->at, state, admin_wall_ms(a),
				token);
	if (goes_on && state == SESSION_IN)
		audit_in(call);
	tell_state(call, call->at.state, goes_on ? token : NULL, extra, ctx);
	secret_wipe(token, sizeof(token));
}

/* For another step than the one that is due. */
static bool is_at(struct admin_call *call, enum session_state state)
{
	if (!call_is_front(call))
		return false;
	if (call->at.id != 0 && call->at.state == state)
		return true;
	call_say(call, CALL_REFUSED, SAY_NOT_THIS_STEP, NONE);
	return false;
}

void call_session_code(struct admin_call *call)
{
	struct admin *a = call->admin;
	slice code = NONE, recovery = NONE;
	if (!is_at(call, SESSION_CODE) ||
	    !arg_text(call, "code", false, &code) ||
	    !arg_text(call, "recovery", false, &recovery) ||
	    !call_may_try(call, call->person.address))
		return;
	store_begin(a->store);
	bool by_recovery = recovery.n > 0;
	bool ok = by_recovery ?
			  person_takes_recovery(a, &call->person, recovery) :
			  person_takes_code(a, &call->person, code,
					    admin_wall_ms(a));
	if (!ok) {
		session_was_wrong(a->store, &call->at);
		store_commit(a->store);
		call_try_failed(call, call->person.address, CALL_SIGN_IN,
				SAY_WRONG_SIGN_IN);
		return;
	}
	if (by_recovery)
		call_audit(call, SLICE("session.recovery"),
			   call->person.customer, call->person.address, NONE);
	call_session_go_on(call, true, NULL, NULL);
}

/* --- password ------------------------------------------------------------- */

bool call_new_password(struct admin_call *call, slice password)
{
	static const enum admin_text texts[] = {
		[LOGIN_SHORT] = SAY_PASSWORD_SHORT,
		[LOGIN_LONG] = SAY_PASSWORD_LONG,
		[LOGIN_MALFORMED] = SAY_PASSWORD_MALFORMED,
		[LOGIN_GUESSABLE] = SAY_PASSWORD_GUESSABLE,
	};
	char hash[LOGIN_HASH_TEXT];
	enum login_fault fault = login_check(password, call->person.address);
	if (fault != LOGIN_GOOD) {
		call_say(call, CALL_REFUSED, texts[fault], NONE);
		return false;
	}
	if (!login_hash(password, hash)) {
		call_no_memory(call);
		return false;
	}
	store_begin(call->admin->store);
	person_set_password(call->admin->store, call->person.id,
			    slice_of(hash));
	sessions_end(call->admin->store, call->person.id, call->at.id);
	call_audit(call, SLICE("password.change"), call->person.customer,
		   call->person.address, NONE);
	call->person.password = SLICE("set");
	return true;
}

/* After a link: the first one, or one in place of one that was lost. */
void call_session_password(struct admin_call *call)
{
	slice password = NONE;
	if (!is_at(call, SESSION_ENROL) ||
	    !arg_text(call, "password", true, &password))
		return;
	if (call->person.password.n > 0) {
		call_say(call, CALL_REFUSED, SAY_NOT_THIS_STEP, NONE);
		return;
	}
	/* Whoever is here and has a factor came by a code of it. */
	if (call_new_password(call, password))
		call_session_go_on(call, true, NULL, NULL);
}
