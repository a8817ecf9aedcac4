/*
 * AUTH SCRAM-SHA-256 without channel binding (RFC 5802, 7677): the messages.
 * RFC 5802 section 7, without what we have no use for:
 *
 *	client-first = ("n" / "y") "," ["a=" saslname] "," bare
 *	bare         = "n=" saslname ",r=" printable *("," extension)
 *	server-first = "r=" nonces ",s=" base64 ",i=" number
 *	client-final = "c=" base64 ",r=" nonces *("," extension) ",p=" base64
 *	server-final = "v=" base64
 *	saslname     = 1*(anything but "=" and "," / "=2C" / "=3D")
 *	extension    = ALPHA "=" value
 *
 * "y" says that the client could bind the channel but believes that we can't:
 * it is right, so that is "n". "p=" asks for a binding, an extension "m=" for
 * something that must be understood: both are refused.
 *
 *	step 0 → 1 [client-first]; → 2 [client-final]; → 3 [the empty line by
 *	which the client takes server-final (RFC 4954 4)]
 */
#include "smtp/sasl_private.h"

#include <stdlib.h>

#include "smtp/base64.h"

enum {
	NONCE_MAX = 256,		/* of the client: our line stays below 512 */
	MESSAGE_MAX = 65536,
};

void sasl_scram_fini(struct sasl_scram *scram)
{
	buf_fini(&scram->first);
	buf_fini(&scram->message);
}

static bool printable(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == ',')
			return false;
	return s.n > 0;
}

/* The value of "k=value" at the front of *rest; with its comma it is cut
 * off. */
static bool take(slice *rest, char key, slice *value)
{
	slice whole = slice_cut(rest, ',');
	if (whole.n < 2 || whole.p[0] != key || whole.p[1] != '=')
		return false;
	*value = slice_skip(whole, 2);
	return true;
}

static bool extensions_fine(slice rest)
{
	while (rest.n > 0) {
		slice one = slice_cut(&rest, ',');
		if (one.n < 2 || !ascii_alpha(one.p[0]) || one.p[1] != '=' ||
		    one.p[0] == 'm')
			return false;
	}
	return true;
}

/* "=2C" is a comma, "=3D" an equals sign, no other "=" may stand. */
static bool unescape(slice name, char **at, slice *out)
{
	char *to = *at;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c == '=') {
			slice code = slice_sub(name, i, 3);
			if (slice_eq(code, SLICE("=2C")))
				c = ',';
			else if (!slice_eq(code, SLICE("=3D")))
				return false;
			i += 2;
		}
		*to++ = c;
	}
	*out = (slice){ *at, (size_t)(to - *at) };
	*at = to;
	return name.n > 0 && sasl_clean(*out);
}

static enum sasl_result take_names(struct sasl_server *s, slice authzid,
				   slice user)
{
	struct sasl_text *t = &s->texts[SASL_TEXT_NAMES];
	t->cap = authzid.n + user.n + 1;
	t->p = malloc(t->cap);
	if (t->p == NULL)
		return SASL_NO_MEMORY;
	char *at = t->p;
	if ((authzid.n > 0 && !unescape(authzid, &at, &s->authzid)) ||
	    !unescape(user, &at, &s->user))
		return SASL_UNDECODABLE;
	invariant((size_t)(at - t->p) < t->cap);
	return SASL_SCRAM_FIRST;
}

static enum sasl_result client_first(struct sasl_server *s, slice base64)
{
	struct sasl_scram *scram = &s->scram;
	slice message, user, authzid = { 0 };
	enum sasl_result result =
		sasl_decode(s, SASL_TEXT_FIRST, base64, &message);
	if (result != SASL_COMPLETE)
		return result;
	slice rest = message;
	slice flag = slice_cut(&rest, ',');
	if (!slice_eq(flag, SLICE("n")) && !slice_eq(flag, SLICE("y")))
		return SASL_UNDECODABLE;
	slice identity = slice_sub(rest, 0, slice_find(rest, ','));
	if (identity.n == rest.n)
		return SASL_UNDECODABLE;
	slice_cut(&rest, ',');
	if (identity.n > 0 &&
	    (!take(&identity, 'a', &authzid) || authzid.n == 0))
		return SASL_UNDECODABLE;
	scram->header = slice_sub(message, 0, message.n - rest.n);
	scram->bare = rest;
	if (!take(&rest, 'n', &user) || !take(&rest, 'r', &scram->nonce) ||
	    !printable(scram->nonce) || scram->nonce.n > NONCE_MAX ||
	    !extensions_fine(rest))
		return SASL_UNDECODABLE;
	return take_names(s, authzid, user);
}

bool sasl_scram_begin(struct sasl_server *s, slice nonce, slice salt,
		      unsigned iterations, struct buf *out)
{
	struct buf *first = &s->scram.first;
	invariant(s->mechanism == SASL_SCRAM_SHA_256 && s->step == 1);
	invariant(printable(nonce) && first->cap == 0);
	buf_init(first, MESSAGE_MAX);
	buf_printf(first, "r=%.*s%.*s,s=", SLICE_ARG(s->scram.nonce),
		   SLICE_ARG(nonce));
	base64_write(first, salt);
	buf_printf(first, ",i=%u", iterations);
	if (first->failed)
		return false;
	base64_write(out, buf_slice(first));
	return true;
}

/* "r=…" as it stands in our own first message. */
static slice nonces(const struct sasl_scram *scram)
{
	slice rest = buf_slice(&scram->first), value = { 0 };
	bool there = take(&rest, 'r', &value);
	invariant(there);
	return value;
}

static enum sasl_result decode_proof(struct sasl_server *s, slice base64)
{
	return sasl_decode(s, SASL_TEXT_PROOF, base64, &s->scram.proof);
}

/* c= repeats the header of the first message: who stripped a binding from it
 * on the way is found out here. Then there is no proof. */
static bool judge_binding(struct sasl_scram *scram, slice binding)
{
	struct buf want;
	buf_init(&want, MESSAGE_MAX);
	base64_write(&want, scram->header);
	bool ok = !want.failed;
	if (!slice_eq(buf_slice(&want), binding))
		scram->proof = (slice){ 0 };
	buf_fini(&want);
	return ok;
}

static enum sasl_result make_message(struct sasl_scram *scram, slice final)
{
	struct buf *m = &scram->message;
	invariant(m->cap == 0);
	buf_init(m, MESSAGE_MAX);
	buf_append(m, scram->bare);
	buf_append_char(m, ',');
	buf_append(m, buf_slice(&scram->first));
	buf_append_char(m, ',');
	buf_append(m, final);
	scram->auth_message = buf_slice(m);
	return m->failed ? SASL_NO_MEMORY : SASL_SCRAM_FINAL;
}

static enum sasl_result client_final(struct sasl_server *s, slice base64)
{
	struct sasl_scram *scram = &s->scram;
	slice message, binding, nonce;
	enum sasl_result result =
		sasl_decode(s, SASL_TEXT_SECOND, base64, &message);
	if (result != SASL_COMPLETE)
		return result;
	size_t comma = slice_rfind(message, ',');
	slice proof = slice_skip(message, comma + 1);
	slice final = slice_sub(message, 0, comma), rest = final;
	if (comma == message.n || !slice_starts(proof, SLICE("p=")) ||
	    !take(&rest, 'c', &binding) || !take(&rest, 'r', &nonce) ||
	    !extensions_fine(rest))
		return SASL_UNDECODABLE;
	result = decode_proof(s, slice_skip(proof, 2));
	if (result != SASL_COMPLETE)
		return result;
	if (!judge_binding(scram, binding))
		return SASL_NO_MEMORY;
	if (!slice_eq(nonce, nonces(scram)))
		scram->proof = (slice){ 0 };
	return make_message(scram, final);
}

void sasl_scram_signature(struct sasl_server *s, slice signature,
			  struct buf *out)
{
	enum { FINAL_MAX = 64 };
	struct buf final;
	invariant(s->mechanism == SASL_SCRAM_SHA_256 && s->step == 2);
	buf_init(&final, FINAL_MAX);
	buf_append(&final, SLICE("v="));
	base64_write(&final, signature);
	base64_write(out, buf_slice(&final));
	if (final.failed)
		out->failed = true;
	buf_fini(&final);
}

enum sasl_result sasl_scram_step(struct sasl_server *s, slice base64)
{
	switch (s->step++) {
	case 0:
		return client_first(s, base64);
	case 1:
		return client_final(s, base64);
	case 2:
		return base64.n == 0 ? SASL_COMPLETE : SASL_UNDECODABLE;
	default:
		unreachable_state("no such step of SCRAM");
	}
}
