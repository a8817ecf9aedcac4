/*
 * AUTH PLAIN and LOGIN; see sasl_server.h.
 *
 * PLAIN, RFC 4616: message = [authzid] NUL authcid NUL passwd. An empty
 * authcid is taken (the app password says who it is), so is an empty
 * password: it will be wrong.
 * LOGIN: user name, then password; the prompts are matched byte for byte by
 * devices ("Username:", "Password:" in base64).
 */
#include "smtp/sasl_server.h"

#include <stdlib.h>

static const char ask_user[] = "VXNlcm5hbWU6";
static const char ask_password[] = "UGFzc3dvcmQ6";

bool sasl_mechanism_find(slice name, enum sasl_mechanism *out)
{
	static const enum sasl_mechanism all[] = { SASL_PLAIN, SASL_LOGIN };
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
	explicit_bzero(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

/* 0..63, or 255 for what is not of the alphabet (RFC 4648 section 4). */
static uint8_t base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (ascii_digit(c))
		return (uint8_t)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : 255;
}

bool sasl_base64_decode(slice base64, char *to, size_t *n)
{
	if (base64.n % 4 != 0)
		return false;
	size_t padding = 0;
	while (padding < 2 && padding < base64.n &&
	       base64.p[base64.n - 1 - padding] == '=')
		padding++;
	uint32_t bits = 0;
	size_t at = 0, digits = base64.n - padding;
	for (size_t i = 0; i < base64.n; i++) {
		uint8_t v = i < digits ? base64_value(base64.p[i]) : 0;
		if (v == 255)
			return false;
		bits = bits << 6 | v;
		if (i % 4 != 3)
			continue;
		to[at++] = (char)(bits >> 16);
		to[at++] = (char)(bits >> 8);
		to[at++] = (char)bits;
		bits = 0;
	}
	invariant(at == base64.n / 4 * 3 && at >= padding);
	*n = at - padding;
	return true;
}

/* Decodes into texts[i]; the slice lends from there. */
static enum sasl_result decode(struct sasl_server *s, size_t i, slice base64,
			       slice *out)
{
	struct sasl_text *t = &s->texts[i];
	invariant(i < ARRAY_LEN(s->texts) && t->p == NULL);
	size_t n = 0;
	t->cap = base64.n / 4 * 3 + 1;
	t->p = malloc(t->cap);
	if (t->p == NULL)
		return SASL_NO_MEMORY;
	if (!sasl_base64_decode(base64, t->p, &n))
		return SASL_UNDECODABLE;
	*out = (slice){ t->p, n };
	return SASL_COMPLETE;
}

/* No NUL and no line end in a name or password: none can be typed, and they
 * must not reach a log. */
static bool clean(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
	return true;
}

static enum sasl_result plain_step(struct sasl_server *s, slice base64)
{
	slice message;
	enum sasl_result result = decode(s, 0, base64, &message);
	if (result != SASL_COMPLETE)
		return result;
	if (slice_find(message, '\0') == message.n)
		return SASL_UNDECODABLE;
	s->authzid = slice_cut(&message, '\0');
	if (slice_find(message, '\0') == message.n)
		return SASL_UNDECODABLE;
	s->user = slice_cut(&message, '\0');
	s->secret = message;
	return clean(s->authzid) && clean(s->user) && clean(s->secret) ?
		SASL_COMPLETE : SASL_UNDECODABLE;
}

static enum sasl_result login_step(struct sasl_server *s, slice base64,
				   slice *challenge)
{
	invariant(s->step < 2);
	slice *to = s->step == 0 ? &s->user : &s->secret;
	enum sasl_result result = decode(s, s->step, base64, to);
	if (result != SASL_COMPLETE)
		return result;
	if (!clean(*to))
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

enum sasl_result sasl_server_step(struct sasl_server *s, slice base64,
				  slice *challenge)
{
	if (slice_eq(base64, SLICE("=")))
		base64 = SLICE("");
	switch (s->mechanism) {
	case SASL_PLAIN:
		return plain_step(s, base64);
	case SASL_LOGIN:
		return login_step(s, base64, challenge);
	}
	unreachable_state("no such mechanism");
}
