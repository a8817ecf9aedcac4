/* See login.h. What is in here belongs to the world, also while the program
 * asks for its directory. */
#include "sim/login.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/scram.h"
#include "policy/change.h"
#include "sim/sim.h"
#include "smtp/base64.h"

enum { CUSTOMER = 1, FIRST_USER = 1, HASH_BYTES = 32, ADDRESS_BYTES = 64,
       CHALLENGE_MAX = 600 };

const uint8_t login_pepper[LOGIN_PEPPER_BYTES] = { 1, 2, 3 };

/* The same in each world: worked out once, since that takes long. */
struct secret {
	bool known;
	char text[APP_PASSWORD_LEN + 1];
	uint8_t mac[APP_PASSWORD_MAC_LEN], salt[SCRAM_SALT_LEN];
	uint8_t salted[HASH_BYTES], stored[HASH_BYTES], server[HASH_BYTES];
};
static struct secret secrets[LOGINS][LOGIN_VERSIONS + 1];

static void hmac(const uint8_t key[HASH_BYTES], slice text,
		 uint8_t out[HASH_BYTES])
{
	invariant(HMAC(EVP_sha256(), key, HASH_BYTES,
		       (const unsigned char *)text.p, text.n, out, NULL) !=
		  NULL);
}

static void work_out(struct secret *s, unsigned slot, unsigned version)
{
	uint8_t random[24] = { 0 };
	random[0] = (uint8_t)(slot + 1);
	random[23 - 8] = (uint8_t)(version + 1);
	slice text = { s->text, APP_PASSWORD_LEN };
	invariant(app_password_make(random, s->text) &&
		  app_password_mac(text, login_pepper, s->mac) &&
		  scram_salt_of_user(login_pepper, FIRST_USER + slot,
				     s->salt) &&
		  scram_keys_make(text, s->salt, s->stored, s->server));
	invariant(PKCS5_PBKDF2_HMAC(s->text, APP_PASSWORD_LEN, s->salt,
				    SCRAM_SALT_LEN, SCRAM_ITERATIONS,
				    EVP_sha256(), HASH_BYTES, s->salted) == 1);
	s->known = true;
}

static const struct secret *secret_of(unsigned slot, unsigned version)
{
	struct secret *s = &secrets[slot][version];
	bool inside = sim->inside;
	sim->inside = false;
	if (!s->known)
		work_out(s, slot, version);
	sim->inside = inside;
	return s;
}

static slice id_of(const struct secret *s)
{
	enum { PREFIX = 3 };
	return slice_sub(slice_of(s->text), PREFIX, APP_PASSWORD_ID_LEN);
}

/* --- the directory -------------------------------------------------------- */

void login_directory_begin(struct login_directory *d)
{
	*d = (struct login_directory){ .revision = 1 };
	for (unsigned i = 0; i < LOGINS; i++)
		d->truth[i].stands = d->live[i].stands = true;
}

static void user_address(unsigned slot, char to[ADDRESS_BYTES])
{
	snprintf(to, ADDRESS_BYTES, "user%u@c1.sim", slot);
}

static void put_password(struct buf *change, unsigned slot, unsigned version)
{
	const struct secret *s = secret_of(slot, version);
	struct app_password p = { .user = FIRST_USER + slot,
				  .customer = CUSTOMER, .has_scram = true,
				  .generation = version + 1 };
	memcpy(p.id, id_of(s).p, sizeof(p.id));
	memcpy(p.mac, s->mac, sizeof(p.mac));
	memcpy(p.scram_salt, s->salt, sizeof(p.scram_salt));
	memcpy(p.scram_stored, s->stored, sizeof(p.scram_stored));
	memcpy(p.scram_server, s->server, sizeof(p.scram_server));
	change_put_app_password(change, &p);
}

void login_directory_put(const struct login_directory *d, struct buf *change)
{
	for (unsigned i = 0; i < LOGINS; i++) {
		char address[ADDRESS_BYTES];
		user_address(i, address);
		struct user u = { .id = FIRST_USER + i, .customer = CUSTOMER,
				  .address = slice_of(address) };
		change_put_user(change, &u, NULL, 0);
		if (d->truth[i].stands)
			put_password(change, i, d->truth[i].version);
	}
}

void login_directory_change(struct login_directory *d, unsigned slot,
			    struct buf *change)
{
	struct login_state *t = &d->truth[slot];
	bool last = t->version + 1 == LOGIN_VERSIONS;
	d->changes++;
	change_begin(change, ++d->revision, true);
	if (t->stands && (last || d->changes % 2 == 0)) {
		change_remove_app_password(change, id_of(secret_of(slot, 0)));
		t->stands = false;
	} else if (!last) {
		put_password(change, slot, ++t->version);
		t->stands = true;
	}
	change_end(change);
	d->changing = true;
}

void login_directory_live(struct login_directory *d)
{
	memcpy(d->live, d->truth, sizeof(d->live));
	d->changing = false;
}

bool login_is_dead(const struct login_directory *d, unsigned slot,
		   unsigned version)
{
	const struct login_state *l = &d->live[slot];
	return version == LOGIN_WRONG || version < l->version ||
	       (version == l->version && !l->stands);
}

bool login_stands(const struct login_directory *d, unsigned slot,
		  unsigned version)
{
	return !d->changing && version != LOGIN_WRONG &&
	       d->live[slot].stands && d->live[slot].version == version;
}

/* --- the client's side ---------------------------------------------------- */

static void name_of(const struct login_try *t, char to[ADDRESS_BYTES])
{
	slice id = id_of(secret_of(t->slot, t->version));
	to[0] = '\0';
	if (t->name == LOGIN_BY_ADDRESS)
		user_address(t->slot, to);
	else if (t->name == LOGIN_BY_ID)
		snprintf(to, ADDRESS_BYTES, "%.*s", SLICE_ARG(id));
}

static void encode(struct buf *out, const char *text, size_t n)
{
	base64_write(out, (slice){ text, n });
	buf_append(out, SLICE("\r\n"));
}

/* NUL name NUL secret (RFC 4616 2). */
static void say_plain(const struct login_try *t, struct buf *out)
{
	char name[ADDRESS_BYTES], text[2 * ADDRESS_BYTES];
	name_of(t, name);
	int n = snprintf(text, sizeof(text), "%c%s%c%s", '\0', name, '\0',
			 secret_of(t->slot, t->version)->text);
	encode(out, text, (size_t)n);
}

static void nonce_of(const struct login_try *t, char to[ADDRESS_BYTES])
{
	snprintf(to, ADDRESS_BYTES, "client-nonce-%u-%u", t->slot, t->version);
}

/* client-first (RFC 5802 7); its bare part begins the AuthMessage. */
static void say_scram_first(struct login_try *t, struct buf *out)
{
	char name[ADDRESS_BYTES], nonce[ADDRESS_BYTES], text[200];
	name_of(t, name);
	nonce_of(t, nonce);
	snprintf(t->message, sizeof(t->message), "n=%s,r=%s", name, nonce);
	int n = snprintf(text, sizeof(text), "n,,%s", t->message);
	encode(out, text, (size_t)n);
}

static bool text_of(slice challenge, char to[CHALLENGE_MAX])
{
	size_t n;
	if (challenge.n >= CHALLENGE_MAX ||
	    !base64_decode(challenge, to, &n))
		return false;
	to[n] = '\0';
	return true;
}

static void prove(struct login_try *t, uint8_t proof[HASH_BYTES])
{
	const struct secret *s = secret_of(t->slot, t->version);
	uint8_t key[HASH_BYTES], signature[HASH_BYTES];
	hmac(s->salted, SLICE("Client Key"), key);
	hmac(s->stored, slice_of(t->message), signature);
	for (size_t i = 0; i < HASH_BYTES; i++)
		proof[i] = key[i] ^ signature[i];
	hmac(s->server, slice_of(t->message), t->signature);
}

/* The nonce begins with ours; the salt is that of the user, who is there. */
static bool scram_final(struct login_try *t, slice challenge, struct buf *out)
{
	char text[CHALLENGE_MAX], nonce[ADDRESS_BYTES], final[200];
	uint8_t proof[HASH_BYTES];
	nonce_of(t, nonce);
	if (!text_of(challenge, text))
		return false;
	slice rest = slice_of(text);
	slice said = slice_skip(slice_cut(&rest, ','), 2);
	size_t n = strlen(t->message);
	if (!slice_starts(said, slice_of(nonce)) || said.n <= strlen(nonce) ||
	    slice_find_slice(rest, SLICE(",i=4096")) == rest.n ||
	    n + strlen(text) + said.n + 20 > sizeof(t->message))
		return false;
	int m = snprintf(final, sizeof(final), "c=biws,r=%.*s",
			 SLICE_ARG(said));
	snprintf(t->message + n, sizeof(t->message) - n, ",%s,%s", text,
		 final);
	prove(t, proof);
	struct buf whole;
	buf_init(&whole, CHALLENGE_MAX);
	buf_append_bytes(&whole, final, (size_t)m);
	buf_append(&whole, SLICE(",p="));
	base64_write(&whole, (slice){ (const char *)proof, HASH_BYTES });
	encode(out, whole.p, whole.n);
	buf_fini(&whole);
	return true;
}

/* Only who has the password's keys can say this. */
static bool scram_over(const struct login_try *t, slice challenge,
		       struct buf *out)
{
	char text[CHALLENGE_MAX];
	struct buf right;
	if (!text_of(challenge, text))
		return false;
	buf_init(&right, CHALLENGE_MAX);
	buf_append(&right, SLICE("v="));
	base64_write(&right, (slice){ (const char *)t->signature,
				      HASH_BYTES });
	bool ok = slice_eq(slice_of(text), buf_slice(&right));
	buf_fini(&right);
	buf_append(out, SLICE("\r\n"));
	return ok;
}

static void first_answer(struct login_try *t, struct buf *out)
{
	char name[ADDRESS_BYTES];
	t->step = 1;
	switch (t->mechanism) {
	case LOGIN_PLAIN:
		say_plain(t, out);
		break;
	case LOGIN_LOGIN:
		name_of(t, name);
		/* Nothing at all is written so (RFC 4954 4). */
		if (name[0] == '\0')
			buf_append(out, SLICE("=\r\n"));
		else
			encode(out, name, strlen(name));
		break;
	case LOGIN_SCRAM:
		say_scram_first(t, out);
		break;
	case LOGIN_MECHANISMS:
		unreachable_state("no such mechanism");
	}
}

void login_begin(struct login_try *t, struct buf *out)
{
	static const char *const names[LOGIN_MECHANISMS] = {
		[LOGIN_PLAIN] = "PLAIN", [LOGIN_LOGIN] = "LOGIN",
		[LOGIN_SCRAM] = "SCRAM-SHA-256",
	};
	buf_printf(out, "AUTH %s", names[t->mechanism]);
	t->step = 0;
	if (!t->initial) {
		buf_append(out, SLICE("\r\n"));
		return;
	}
	buf_append_char(out, ' ');
	first_answer(t, out);
}

bool login_go_on(struct login_try *t, slice challenge, struct buf *out)
{
	if (t->step == 0) {
		first_answer(t, out);
		return true;
	}
	t->step++;
	if (t->mechanism == LOGIN_LOGIN && t->step == 2) {
		const struct secret *s = secret_of(t->slot, t->version);
		encode(out, s->text, APP_PASSWORD_LEN);
		return true;
	}
	if (t->mechanism == LOGIN_SCRAM && t->step == 2)
		return scram_final(t, challenge, out);
	return t->mechanism == LOGIN_SCRAM && t->step == 3 &&
	       scram_over(t, challenge, out);
}
