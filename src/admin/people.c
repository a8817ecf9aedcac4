/* People and what proves who they are; see people.h. Sessions, links and
 * tokens are in people_sessions.c. */
#include "admin/people.h"

#include <stdlib.h>

#include "crypto/base32.h"
#include "crypto/password.h"
#include "os/random.h"

static const slice FACTOR_USE = { "postrider TOTP secret", 21 };
static const slice RECOVERY_USE = { "postrider recovery code", 23 };

/* --- finding -------------------------------------------------------------- */

static enum caller_role role_in(const struct sql *q)
{
	if (sql_get_u64(q, 1) != 0)
		return CALLER_OPERATOR;
	/* Suspended, or the customer is closing. */
	if (sql_get_u64(q, 7) != 0 || sql_get_u64(q, 8) != 0)
		return CALLER_USER;
	return caller_role_of((enum role)sql_get_u64(q, 4));
}

static void read_person(const struct sql *q, struct arena *arena,
			struct person *out)
{
	*out = (struct person){
		.id = (uint32_t)sql_get_u64(q, 0),
		.operator_id = (uint32_t)sql_get_u64(q, 1),
		.user = (uint32_t)sql_get_u64(q, 2),
		.address = sql_copy(q, 3, arena),
		.role = role_in(q),
		.customer = (uint32_t)sql_get_u64(q, 5),
		.org_unit = sql_copy(q, 6, arena),
		.password = sql_copy(q, 9, arena),
		.factor = sql_copy(q, 10, arena),
		.factor_step = sql_get_u64(q, 11),
		.has_language = sql_get_i64(q, 12) >= 0,
		.language = sql_get_u64(q, 12) == LANGUAGE_JA ? LANGUAGE_JA :
								LANGUAGE_EN,
		.time_zone = sql_copy(q, 13, arena),
		.scheme = sql_copy(q, 14, arena),
		.shortcuts = sql_get_u64(q, 15) != 0,
	};
	invariant((out->operator_id == 0) != (out->user == 0));
}

/* Of one of the two. */
static bool load_of(struct store *s, uint32_t operator_id, uint32_t user,
		    struct arena *arena, struct person *out)
{
	struct sql q = sql_of(
		s, "SELECT p.id, o.id, u.id, coalesce(o.address, u.address), "
		   "u.role, u.customer, u.org_unit, u.suspended, c.closing, "
		   "p.password, p.factor, p.factor_step, "
		   "coalesce(p.language, c.language, -1), p.time_zone, "
		   "p.scheme, coalesce(p.shortcuts, 1) "
		   "FROM (SELECT ?1 AS o, ?2 AS u) k "
		   "LEFT JOIN operators o ON o.id = k.o "
		   "LEFT JOIN users u ON u.id = k.u "
		   "LEFT JOIN customers c ON c.id = u.customer "
		   "LEFT JOIN people p ON p.operator = o.id OR p.user = u.id "
		   "WHERE o.id NOT NULL OR u.id NOT NULL");
	sql_u64(&q, operator_id);
	sql_u64(&q, user);
	if (!sql_row(&q))
		return false;
	read_person(&q, arena, out);
	sql_end(&q);
	return !s->failed;
}

bool person_find(struct store *s, slice address, struct arena *arena,
		 struct person *out)
{
	struct sql q = sql_of(s, "SELECT id FROM operators WHERE address = ?");
	sql_text(&q, address);
	uint32_t operator_id = (uint32_t)sql_number(&q, 0);
	if (operator_id != 0)
		return load_of(s, operator_id, 0, arena, out);
	q = sql_of(s, "SELECT id FROM users WHERE address = ?1 UNION ALL "
		      "SELECT user FROM aliases WHERE address = ?1");
	sql_text(&q, address);
	uint32_t user = (uint32_t)sql_number(&q, 0);
	return user != 0 && load_of(s, 0, user, arena, out);
}

bool person_load(struct store *s, uint32_t id, struct arena *arena,
		 struct person *out)
{
	struct sql q = sql_of(s, "SELECT operator, user FROM people "
				 "WHERE id = ?");
	sql_u64(&q, id);
	if (!sql_row(&q))
		return false;
	uint32_t operator_id = (uint32_t)sql_get_u64(&q, 0);
	uint32_t user = (uint32_t)sql_get_u64(&q, 1);
	sql_end(&q);
	return load_of(s, operator_id, user, arena, out);
}

void person_note(struct store *s, struct person *p)
{
	if (p->id != 0)
		return;
	struct sql q = sql_of(s, "INSERT INTO people (operator, user) "
				 "VALUES (nullif(?,0), nullif(?,0))");
	sql_u64(&q, p->operator_id);
	sql_u64(&q, p->user);
	sql_run(&q);
	p->id = (uint32_t)store_last_id(s);
}

bool person_is_enrolled(const struct person *p)
{
	return p->password.n > 0 && p->factor.n > 0;
}

/* --- password ------------------------------------------------------------- */

void person_set_password(struct store *s, uint32_t id, slice hash)
{
	struct sql q = sql_of(s, "UPDATE people SET password = ? WHERE id = ?");
	sql_text(&q, hash);
	sql_u64(&q, id);
	sql_run(&q);
}

static void forget_recovery(struct store *s, uint32_t id)
{
	struct sql q = sql_of(s, "DELETE FROM recovery_codes WHERE person = ?");
	sql_u64(&q, id);
	sql_run(&q);
}

void person_reset(struct store *s, uint32_t id, bool password, bool factor)
{
	if (password)
		person_set_password(s, id, (slice){ 0 });
	if (factor) {
		struct sql q = sql_of(s, "UPDATE people SET factor = NULL, "
					 "factor_step = 0 WHERE id = ?");
		sql_u64(&q, id);
		sql_run(&q);
		forget_recovery(s, id);
	}
	sessions_end(s, id, 0);
	struct sql q = sql_of(s, "DELETE FROM invites WHERE person = ?");
	sql_u64(&q, id);
	sql_run(&q);
}

/* --- second factor -------------------------------------------------------- */

/* A secret opens for its person only. */
static slice place_of(uint32_t person, char text[24])
{
	int n = snprintf(text, 24, "person %u", person);
	invariant(n > 0 && n < 24);
	return (slice){ text, (size_t)n };
}

bool factor_seal(struct admin *a, uint32_t person,
		 const uint8_t secret[TOTP_SECRET_LEN],
		 uint8_t sealed[TOTP_SECRET_LEN + SEAL_MORE])
{
	uint8_t nonce[SEAL_NONCE_LEN];
	char place[24];
	os_random(nonce, sizeof(nonce));
	return keyed_seal(a->pepper, FACTOR_USE, place_of(person, place), nonce,
			  (slice){ (const char *)secret, TOTP_SECRET_LEN },
			  sealed);
}

bool factor_open(struct admin *a, uint32_t person, slice sealed,
		 uint8_t secret[TOTP_SECRET_LEN])
{
	char place[24];
	return sealed.n == TOTP_SECRET_LEN + SEAL_MORE &&
	       keyed_open(a->pepper, FACTOR_USE, place_of(person, place),
			  sealed, secret);
}

bool person_takes_code(struct admin *a, struct person *p, slice code,
		       int64_t now)
{
	uint8_t secret[TOTP_SECRET_LEN] = { 0 };
	uint64_t step = 0;
	bool ok = factor_open(a, p->id, p->factor, secret) &&
		  totp_match(secret, code, now / 1000, p->factor_step, &step);
	secret_wipe(secret, sizeof(secret));
	if (!ok)
		return false;
	struct sql q = sql_of(a->store, "UPDATE people SET factor_step = ? "
					"WHERE id = ?");
	sql_u64(&q, step);
	sql_u64(&q, p->id);
	sql_run(&q);
	p->factor_step = step;
	return true;
}

/* As it is typed, in the form of its hash: ten letters and digits. */
static bool fold_recovery(slice code, char to[10])
{
	size_t n = 0;
	for (size_t i = 0; i < code.n; i++) {
		char c = code.p[i];
		if (c == '-' || c == ' ')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (n == 10 || !base32_has(c))
			return false;
		to[n++] = c;
	}
	return n == 10;
}

static bool hash_recovery(struct admin *a, uint32_t person,
			  const char code[10], uint8_t hash[KEYED_LEN])
{
	char text[40];
	int n = snprintf(text, sizeof(text), "%u %.10s", person, code);
	invariant(n > 0 && (size_t)n < sizeof(text));
	bool ok = keyed_hash(a->pepper, RECOVERY_USE,
			     (slice){ text, (size_t)n }, hash);
	secret_wipe(text, sizeof(text));
	return ok;
}

bool person_takes_recovery(struct admin *a, const struct person *p, slice code)
{
	uint8_t hash[KEYED_LEN];
	char folded[10];
	if (!fold_recovery(code, folded) ||
	    !hash_recovery(a, p->id, folded, hash))
		return false;
	struct sql q = sql_of(a->store, "DELETE FROM recovery_codes WHERE "
					"person = ? AND hash = ? RETURNING 1");
	sql_u64(&q, p->id);
	sql_blob(&q, (slice){ (const char *)hash, sizeof(hash) });
	bool taken = sql_row(&q);
	if (taken)
		sql_run(&q);
	return taken;
}

static bool add_recovery(struct admin *a, uint32_t id,
			 char code[RECOVERY_TEXT])
{
	uint8_t random[7], hash[KEYED_LEN];
	char text[10];
	os_random(random, sizeof(random));
	base32_write(random, sizeof(random), text, sizeof(text));
	snprintf(code, RECOVERY_TEXT, "%.5s-%.5s", text, text + 5);
	bool ok = hash_recovery(a, id, text, hash);
	secret_wipe(random, sizeof(random));
	secret_wipe(text, sizeof(text));
	struct sql q = sql_of(a->store, "INSERT INTO recovery_codes "
					"(person, hash) VALUES (?,?)");
	sql_u64(&q, id);
	sql_blob(&q, (slice){ (const char *)hash, sizeof(hash) });
	sql_run(&q);
	return ok;
}

bool person_set_factor(struct admin *a, uint32_t id, slice sealed,
		       uint64_t step,
		       char codes[RECOVERY_CODES][RECOVERY_TEXT])
{
	bool ok = true;
	struct sql q = sql_of(a->store, "UPDATE people SET factor = ?, "
					"factor_step = ? WHERE id = ?");
	sql_blob(&q, sealed);
	sql_u64(&q, step);
	sql_u64(&q, id);
	sql_run(&q);
	forget_recovery(a->store, id);
	for (size_t i = 0; i < RECOVERY_CODES; i++)
		ok = add_recovery(a, id, codes[i]) && ok;
	return ok;
}

/* --- operators at customers ------------------------------------------------ */

enum { VISITS = 256, VISIT_MS = 60 * 60 * 1000 };

struct visits {
	struct {
		uint32_t person, customer;
		int64_t at;
	} rows[VISITS];
	size_t next;
};

struct visits *visits_new(void)
{
	return calloc(1, sizeof(struct visits));
}

void visits_free(struct visits **v)
{
	free(*v);
	*v = NULL;
}

bool visits_begin(struct visits *v, uint32_t person, uint32_t customer,
		  int64_t now)
{
	for (size_t i = 0; i < VISITS; i++)
		if (v->rows[i].person == person &&
		    v->rows[i].customer == customer &&
		    now - v->rows[i].at < VISIT_MS)
			return false;
	v->rows[v->next].person = person;
	v->rows[v->next].customer = customer;
	v->rows[v->next].at = now;
	v->next = (v->next + 1) % VISITS;
	return true;
}
