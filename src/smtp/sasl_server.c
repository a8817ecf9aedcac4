/*
 * AUTH PLAIN and LOGIN; see sasl_server.h. SCRAM is in sasl_scram.c.
 *
 * PLAIN, RFC 4616: message = [authzid] NUL authcid NUL passwd. An empty
 * authcid is taken (the app password says who it is), so is an empty
 * password: it will be wrong.
 * LOGIN: user name, then password; the prompts are matched byte for byte by
 * devices ("Username:", "Password:" in base64).
 */
#include "smtp/sasl_private.h"

#include "smtp/base64.h"

#include <stdlib.h>

static const char ask_user[] = "VXNlcm5hbWU6";
static const char ask_password[] = "UGFzc3dvcmQ6";

bool sasl_mechanism_find(slice name, enum sasl_mechanism *out)
{
	static const enum sasl_mechanism all[] = { SASL_PLAIN, SASL_LOGIN,
						   SASL_SCRAM_SHA_256 };
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (slice_eq_fold(name, sasl_mechanism_name(all[i]))) {
			*out = all[i];
			return true;
		}
	}
	return false;
}

slice sasl_mechanism_name(enum sasl_mechanism mechanism)
{
	switch (mechanism) {
	case SASL_PLAIN:
		return SLICE("PLAIN");
	case SASL_LOGIN:
		return SLICE("LOGIN");
	case SASL_SCRAM_SHA_256:
		return SLICE("SCRAM-SHA-256");
	}
	unreachable_state("no such mechanism");
}

struct sasl_server *sasl_server_new(enum sasl_mechanism mechanism)
{
	struct sasl_server *s = calloc(1, sizeof(*s));
	if (s != NULL)
		s->mechanism = mechanism;
	return s;
}

void sasl_server_free(struct sasl_server **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN((*s)->texts); i++) {
		struct sasl_text *t = &(*s)->texts[i];
		if (t->p != NULL)
			explicit_bzero(t->p, t->cap);
		free(t->p);
	}
	sasl_scram_fini(&(*s)->scram);
	explicit_bzero(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

enum sasl_result sasl_decode(struct sasl_server *s, enum sasl_text_kind i,
			     slice base64, slice *out)
{
	struct sasl_text *t = &s->texts[i];
	invariant(i < ARRAY_LEN(s->texts) && t->p == NULL);
	size_t n = 0;
	t->cap = base64.n / 4 * 3 + 1;
	t->p = malloc(t->cap);
	if (t->p == NULL)
		return SASL_NO_MEMORY;
	if (!base64_decode(base64, t->p, &n))
		return SASL_UNDECODABLE;
	*out = (slice){ t->p, n };
	return SASL_COMPLETE;
}

/* No NUL and no line end in a name or password: none can be typed, and they
 * must not reach a log. */
bool sasl_clean(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
	return true;
}

static enum sasl_result plain_step(struct sasl_server *s, slice base64)
{
	slice message;
	enum sasl_result result = sasl_decode(s, SASL_TEXT_FIRST, base64,
					      &message);
	if (result != SASL_COMPLETE)
		return result;
	if (slice_find(message, '\0') == message.n)
		return SASL_UNDECODABLE;
	s->authzid = slice_cut(&message, '\0');
	if (slice_find(message, '\0') == message.n)
		return SASL_UNDECODABLE;
	s->user = slice_cut(&message, '\0');
	s->secret = message;
	return sasl_clean(s->authzid) && sasl_clean(s->user) &&
	       sasl_clean(s->secret) ?
		SASL_COMPLETE : SASL_UNDECODABLE;
}

static enum sasl_result login_step(struct sasl_server *s, slice base64,
				   slice *challenge)
{
	invariant(s->step < 2);
	slice *to = s->step == 0 ? &s->user : &s->secret;
	enum sasl_result result =
		sasl_decode(s, (enum sasl_text_kind)s->step, base64, to);
	if (result != SASL_COMPLETE)
		return result;
	if (!sasl_clean(*to))
		return SASL_UNDECODABLE;
	if (s->step++ == 1)
		return SASL_COMPLETE;
	*challenge = SLICE(ask_password);
	return SASL_CHALLENGE;
}

slice sasl_server_first_challenge(const struct sasl_server *s)
{
	invariant(s->step == 0 && s->texts[0].p == NULL);
	return s->mechanism == SASL_LOGIN ? SLICE(ask_user) : SLICE("");
}

static enum sasl_result step(struct sasl_server *s, slice base64,
			     slice *challenge)
{
	switch (s->mechanism) {
	case SASL_PLAIN:
		return plain_step(s, base64);
	case SASL_LOGIN:
		return login_step(s, base64, challenge);
	case SASL_SCRAM_SHA_256:
		return sasl_scram_step(s, base64);
	}
	unreachable_state("no such mechanism");
}

enum sasl_result sasl_server_step(struct sasl_server *s, slice base64,
				  slice *challenge)
{
	invariant(!s->complete);
	if (slice_eq(base64, SLICE("=")))
		base64 = SLICE("");
	enum sasl_result result = step(s, base64, challenge);
	s->complete = result == SASL_COMPLETE;
	return result;
}
