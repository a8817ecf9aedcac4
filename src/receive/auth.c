/*
 * AUTH (SPEC 1.3): the app password itself names its record, so the user name
 * may be the address, the app password's id, or empty. Everything that is
 * wrong gets the same words after the same work (no enumeration).
 */
#include "receive/receive_private.h"

#include "base/arena.h"

static bool name_fits(const struct view *v, const struct app_password *p,
		      slice name, struct arena *scratch, bool *no_memory)
{
	struct address address;
	struct err err;
	if (name.n == 0 ||
	    slice_eq(name, (slice){ p->id, sizeof(p->id) }))
		return true;
	if (!address_parse(name, scratch, &address, &err)) {
		*no_memory |= err.kind == ERR_LIMIT;
		return false;
	}
	const struct user *u = view_user(v, &address);
	return u != NULL && u->id == p->user;
}

/* authzid may be left out or repeat the user; it never switches to another
 * one (RFC 4616 2). */
bool auth_login_fits(const struct view *v, const struct app_password *p,
		     const struct smtp_event *ev, bool *no_memory)
{
	enum { SCRATCH_MAX = 8192 };
	struct arena scratch;
	arena_init(&scratch, SCRATCH_MAX);
	const struct user *u = view_user_by_id(v, p->user);
	bool fits = u != NULL && !u->suspended &&
		    name_fits(v, p, ev->user, &scratch, no_memory) &&
		    name_fits(v, p, ev->authzid, &scratch, no_memory);
	arena_fini(&scratch);
	return fits;
}

/* The password that is right, or NULL; then *tried says why. */
static const struct app_password *check(struct session *s,
					const struct smtp_event *ev,
					struct auth_try *tried,
					bool *no_memory)
{
	const struct view *v = s->receive->view;
	const struct app_password *p = NULL;
	struct app_password_id id;
	if (app_password_id(ev->secret, &id))
		p = view_app_password(v, (slice){ id.text, sizeof(id.text) });
	bool right = app_password_verify(ev->secret, s->receive->config.pepper,
					 p ? p->mac : NULL);
	tried->password = p;
	tried->fault = p == NULL ? AUTH_UNKNOWN :
		       right	 ? AUTH_NOT_IN_FORCE : AUTH_WRONG_SECRET;
	return right && auth_login_fits(v, p, ev, no_memory) ? p : NULL;
}

/* Whose account it was, and what the journal calls it: nothing that the client
 * said unless it is known, since some type the password as the name. */
static slice known_account(const struct view *v, const struct auth_try *tried,
			   uint32_t *customer)
{
	enum { SCRATCH_MAX = 8192 };
	struct arena scratch;
	struct address a;
	*customer = 0;
	if (tried->password != NULL) {
		*customer = tried->password->customer;
		return (slice){ tried->password->id,
				sizeof(tried->password->id) };
	}
	arena_init(&scratch, SCRATCH_MAX);
	const struct user *u = address_parse(tried->user, &scratch, &a, NULL) ?
				       view_user(v, &a) : NULL;
	arena_fini(&scratch);
	if (u == NULL)
		return (slice){ 0 };
	*customer = u->customer;
	return u->address;
}

static void tell_failure(struct session *s, const struct auth_try *tried)
{
	static const char *const why[] = {
		[AUTH_UNKNOWN] = "AUTH_UNKNOWN",
		[AUTH_WRONG_SECRET] = "AUTH_WRONG_SECRET",
		[AUTH_NOT_IN_FORCE] = "AUTH_NOT_IN_FORCE",
	};
	struct facts f = { .client = s->client.addr };
	struct refusal r = {
		.reply = REPLY_AUTH_FAILED,
		.cause = refusal_cause_of_reply(REPLY_AUTH_FAILED),
		.why = slice_of(why[tried->fault]),
	};
	r.login = known_account(s->receive->view, tried, &r.owner);
	if (r.owner == 0)
		r.owner = refusal_owner(s->receive->view, &f);
	tell_refusal(s, &r, refusal_tag(s->reference));
}

/* The answer comes later, and each time later (RELIABILITY A5): what a
 * person mistypes costs nothing, what a program guesses does. */
void auth_punish(struct session *s, const struct auth_try *tried)
{
	struct receive *r = s->receive;
	enum { DOUBLED_MAX = 8 };
	uint32_t times = s->auth_failed < DOUBLED_MAX ? s->auth_failed :
							DOUBLED_MAX;
	int64_t delay_ms = (int64_t)(r->config.limits->auth_delay_ms << times);
	s->auth_failed++;
	counter_add(r->config.counters, COUNTER_auth_failed_total, 1);
	admission_auth_failed(s, tried->account);
	tell_failure(s, tried);
	if (delay_ms == 0) {
		slice none = { 0 };
		session_answer(s, REPLY_AUTH_FAILED, none, none,
			       slice_of(s->reference));
		return;
	}
	s->state = SESSION_PUNISHED;
	loop_timer_set(r->config.loop, &s->timer, delay_ms);
}

void auth_welcome(struct session *s, const struct app_password *p,
		  slice account)
{
	slice none = { 0 };
	admission_auth_good(s, account);
	s->has_login = true;
	memcpy(s->login_id, p->id, sizeof(s->login_id));
	s->login_generation = p->generation;
	s->known = true;
	smtp_server_known_client(s->server);
	counter_add(s->receive->config.counters, COUNTER_auth_success_total,
		    1);
	session_answer(s, REPLY_AUTH_OK, none, none, none);
}

/* What the client names, whether it exists or not: the id in an app password,
 * or the user. */
static slice account_named(const struct smtp_event *ev,
			   struct app_password_id *id)
{
	return app_password_id(ev->secret, id) ?
		       (slice){ id->text, sizeof(id->text) } :
		       ev->user;
}

void session_auth(struct session *s, const struct smtp_event *ev)
{
	slice none = { 0 };
	struct admission_words words;
	struct app_password_id id;
	slice account = account_named(ev, &id);
	struct auth_try tried = { .account = account, .user = ev->user };
	if (!admit_auth(s, account, &words)) {
		session_refuse_busy(s, REPLY_AUTH_BUSY, &words);
		return;
	}
	bool no_memory = false;
	const struct app_password *p = check(s, ev, &tried, &no_memory);
	if (no_memory) {
		session_answer(s, REPLY_AUTH_BUSY, none, none, none);
		return;
	}
	if (p == NULL) {
		auth_punish(s, &tried);
		return;
	}
	auth_welcome(s, p, account);
}

const struct app_password *session_login(struct session *s,
					 const struct view *v)
{
	const struct app_password *login = NULL;
	slice id = { s->login_id, sizeof(s->login_id) };
	if (!s->has_login ||
	    !policy_login_stands(v, id, s->login_generation, &login))
		return NULL;
	return login;
}
