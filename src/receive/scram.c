/*
 * AUTH SCRAM-SHA-256 (SPEC 1.3; RFC 5802), for app passwords only. The client
 * proves a password without telling it, so the user name alone must lead to
 * it: the app password's id, or the user's own address, under which each of
 * the user's app passwords is tried.
 *
 * Whoever asks learns nothing about who there is (RELIABILITY A6): names that
 * nobody has get a salt too, always the same one, and the work is the same.
 * That is why an alias or +detail is no name here: it would be told the salt
 * of the user's address.
 */
#include "receive/receive_private.h"

#include "base/arena.h"
#include "crypto/scram.h"
#include "os/random.h"
#include "smtp/base64.h"

enum { SCRATCH_MAX = 16384, NONCE_OCTETS = 18 };

/* What a name leads to. */
struct claimed {
	const struct app_password *list[VIEW_SCRAM_MAX];
	uint32_t count;
	uint32_t user;			/* 0: nobody */
	bool no_memory;
	slice folded;			/* names that are one have one of it */
};

static bool same_address(const struct address *a, slice text,
			 struct arena *scratch, bool *no_memory)
{
	struct address b;
	struct err err;
	bool ok = address_parse(text, scratch, &b, &err);
	*no_memory |= !ok && err.kind == ERR_LIMIT;
	return ok && slice_eq_fold(a->local, b.local) &&
	       slice_eq_fold(a->domain, b.domain);
}

static slice fold(const struct address *a, struct arena *scratch,
		  bool *no_memory)
{
	slice none = { 0 };
	size_t n = a->local.n + 1 + a->domain.n;
	char *p = arena_alloc(scratch, n);
	*no_memory |= p == NULL;
	if (p == NULL)
		return none;
	for (size_t i = 0; i < a->local.n; i++)
		p[i] = ascii_lower(a->local.p[i]);
	p[a->local.n] = '@';
	if (a->domain.n > 0)
		memcpy(p + a->local.n + 1, a->domain.p, a->domain.n);
	return (slice){ p, n };
}

static void claim(const struct view *v, slice name, struct arena *scratch,
		  struct claimed *c)
{
	struct address a;
	struct err err;
	*c = (struct claimed){ .folded = name };
	const struct app_password *p = view_app_password(v, name);
	if (p != NULL) {
		c->user = p->user;
		c->list[0] = p;
		c->count = p->has_scram;
		return;
	}
	if (!address_parse(name, scratch, &a, &err)) {
		c->no_memory = err.kind == ERR_LIMIT;
		return;
	}
	c->folded = fold(&a, scratch, &c->no_memory);
	const struct user *u = view_user(v, &a);
	if (u == NULL ||
	    !same_address(&a, u->address, scratch, &c->no_memory))
		return;
	c->user = u->id;
	c->count = view_scram_passwords(v, u->id, c->list);
}

/* Both are computed, whichever is told. */
static bool salt_of(const struct claimed *c, const uint8_t *pepper,
		    uint8_t salt[SCRAM_SALT_LEN])
{
	uint8_t user[SCRAM_SALT_LEN], nobody[SCRAM_SALT_LEN];
	bool user_ok = scram_salt_of_user(pepper, c->user, user);
	bool nobody_ok = scram_salt_of_nobody(pepper, c->folded, nobody);
	const uint8_t *told = c->count > 0 ? c->list[0]->scram_salt :
			      c->user > 0  ? user :
					     nobody;
	memcpy(salt, told, SCRAM_SALT_LEN);
	return user_ok && nobody_ok;
}

static void fault(struct session *s)
{
	slice none = { 0 };
	session_answer(s, REPLY_AUTH_BUSY, none, none, none);
}

void session_scram_first(struct session *s, const struct smtp_event *ev)
{
	uint8_t salt[SCRAM_SALT_LEN], random[NONCE_OCTETS];
	struct claimed claimed;
	struct admission_words words;
	struct arena scratch;
	struct buf nonce;
	if (!admit_auth(s, ev->user, &words)) {
		session_refuse_busy(s, REPLY_AUTH_BUSY, &words);
		return;
	}
	arena_init(&scratch, SCRATCH_MAX);
	buf_init(&nonce, 2 * NONCE_OCTETS);
	os_random(random, sizeof(random));
	base64_write(&nonce, (slice){ (const char *)random, sizeof(random) });
	claim(s->receive->view, ev->user, &scratch, &claimed);
	if (!salt_of(&claimed, s->receive->config.pepper, salt) ||
	    claimed.no_memory || nonce.failed)
		fault(s);
	else
		smtp_server_scram_first(
			s->server, conn_out(s->conn), buf_slice(&nonce),
			(slice){ (const char *)salt, sizeof(salt) },
			SCRAM_ITERATIONS);
	buf_fini(&nonce);
	arena_fini(&scratch);
}

/* The one that is proved; as many are tried as there could be. */
static const struct app_password *proved(const struct claimed *c,
					 const struct smtp_event *ev)
{
	const struct app_password *found = NULL;
	for (uint32_t i = 0; i < VIEW_SCRAM_MAX; i++) {
		const uint8_t *stored =
			i < c->count ? c->list[i]->scram_stored : NULL;
		if (scram_verify(stored, ev->scram_message, ev->scram_proof))
			found = c->list[i];
	}
	return found;
}

void session_scram_final(struct session *s, const struct smtp_event *ev)
{
	uint8_t signature[SCRAM_KEY_LEN];
	struct claimed claimed;
	struct arena scratch;
	const struct view *v = s->receive->view;
	arena_init(&scratch, SCRATCH_MAX);
	claim(v, ev->user, &scratch, &claimed);
	bool no_memory = claimed.no_memory;
	const struct app_password *p = proved(&claimed, ev);
	arena_fini(&scratch);
	bool fits = p != NULL && auth_login_fits(v, p, ev, &no_memory);
	if (!fits && !no_memory) {
		struct auth_try tried = {
			.account = ev->user, .user = ev->user, .password = p,
			.fault = p != NULL	   ? AUTH_NOT_IN_FORCE :
				 claimed.count > 0 ? AUTH_WRONG_SECRET :
						     AUTH_UNKNOWN,
		};
		auth_punish(s, &tried);
		return;
	}
	if (!fits ||
	    !scram_sign(p->scram_server, ev->scram_message, signature)) {
		fault(s);
		return;
	}
	/* Logged in is it when it says so. */
	memcpy(s->login_id, p->id, sizeof(s->login_id));
	s->login_generation = p->generation;
	smtp_server_scram_final(
		s->server, conn_out(s->conn),
		(slice){ (const char *)signature, sizeof(signature) });
}

void session_scram_done(struct session *s, const struct smtp_event *ev)
{
	slice id = { s->login_id, sizeof(s->login_id) };
	const struct app_password *p;
	if (policy_login_stands(s->receive->view, id, s->login_generation,
				&p))
		auth_welcome(s, p, ev->user);
	else
		auth_punish(s, &(struct auth_try){
				       .account = ev->user, .user = ev->user,
				       .fault = AUTH_NOT_IN_FORCE });
}
