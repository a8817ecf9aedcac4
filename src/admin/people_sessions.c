/* Sessions, links that let in once, API tokens; see people.h. Each is known
 * by the hash of a token of 256 random bits, which only its holder has. */
#include "admin/people.h"

#include "crypto/base32.h"
#include "crypto/password.h"
#include "os/random.h"

static slice bytes(const uint8_t hash[KEYED_LEN])
{
	return (slice){ (const char *)hash, KEYED_LEN };
}

/* False: no memory; the store has failed then. */
static bool new_token(struct store *s, const char *prefix,
		      char text[TOKEN_TEXT_MAX], uint8_t hash[KEYED_LEN])
{
	uint8_t random[TOKEN_RANDOM_LEN];
	os_random(random, sizeof(random));
	token_make(prefix, random, text);
	secret_wipe(random, sizeof(random));
	if (token_hash(prefix, slice_of(text), hash))
		return true;
	store_fail(s, "out of memory");
	return false;
}

/* --- rules ---------------------------------------------------------------- */

const char *session_state_name(enum session_state state)
{
	switch (state) {
	case SESSION_CODE:
		return "code";
	case SESSION_ENROL:
		return "enrol";
	case SESSION_IN:
		return "in";
	}
	unreachable_state("every state is listed");
}

int64_t session_ends_at(const struct session *s)
{
	int64_t idle = s->seen_at + SESSION_IDLE_MS;
	int64_t most = s->begun_at + SESSION_MOST_MS;
	return idle < most ? idle : most;
}

bool session_is_over(const struct session *s, int64_t now)
{
	return now >= session_ends_at(s) ||
	       now < s->seen_at - SESSION_BEHIND_MS;
}

bool session_step_allows(enum session_state state, slice call)
{
	static const struct {
		const char *call;
		bool code, enrol;
	} steps[] = {
		{ "session.show", true, true },
		{ "session.end", true, true },
		{ "session.code", true, false },
		{ "session.password", false, true },
		{ "factor.begin", false, true },
		{ "factor.confirm", false, true },
	};
	if (state == SESSION_IN)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (slice_eq(call, slice_of(steps[i].call)))
			return state == SESSION_CODE ? steps[i].code :
						       steps[i].enrol;
	return false;
}

enum session_state session_next_state(const struct person *p, bool by_code)
{
	if (p->factor.n > 0 && !by_code)
		return SESSION_CODE;
	return person_is_enrolled(p) ? SESSION_IN : SESSION_ENROL;
}

/* --- sessions ------------------------------------------------------------- */

static void end_old(struct store *s, uint32_t person, int64_t now)
{
	struct sql q = sql_of(s, "DELETE FROM sessions WHERE seen_at <= ? "
				 "OR begun_at <= ?");
	sql_i64(&q, now - SESSION_IDLE_MS);
	sql_i64(&q, now - SESSION_MOST_MS);
	sql_run(&q);
	q = sql_of(s, "DELETE FROM sessions WHERE person = ?1 AND id IN "
		      "(SELECT id FROM sessions WHERE person = ?1 "
		      "ORDER BY id DESC LIMIT -1 OFFSET ?2)");
	sql_u64(&q, person);
	sql_u64(&q, SESSIONS_MAX - 1);
	sql_run(&q);
}

void session_begin(struct store *s, uint32_t person, enum session_state state,
		   slice client, int64_t now, char text[TOKEN_TEXT_MAX])
{
	uint8_t hash[KEYED_LEN];
	if (!new_token(s, SESSION_PREFIX, text, hash))
		return;
	end_old(s, person, now);
	struct sql q = sql_of(s, "INSERT INTO sessions (hash, person, state, "
				 "begun_at, seen_at, client) "
				 "VALUES (?,?,?,?,?,?)");
	sql_blob(&q, bytes(hash));
	sql_u64(&q, person);
	sql_u64(&q, state);
	sql_i64(&q, now);
	sql_i64(&q, now);
	sql_text(&q, client);
	sql_run(&q);
}

bool session_load(struct store *s, const uint8_t hash[KEYED_LEN],
		  struct arena *arena, struct session *out)
{
	struct sql q = sql_of(s, "SELECT id, person, state, begun_at, seen_at, "
				 "wrong, pending FROM sessions WHERE hash = ?");
	sql_blob(&q, bytes(hash));
	if (!sql_row(&q))
		return false;
	*out = (struct session){
		.id = sql_get_u64(&q, 0),
		.person = (uint32_t)sql_get_u64(&q, 1),
		.state = (enum session_state)sql_get_u64(&q, 2),
		.begun_at = sql_get_i64(&q, 3),
		.seen_at = sql_get_i64(&q, 4),
		.wrong = (uint32_t)sql_get_u64(&q, 5),
		.pending = sql_copy(&q, 6, arena),
	};
	sql_end(&q);
	invariant(out->state <= SESSION_IN);
	return !s->failed;
}

void session_advance(struct store *s, struct session *session,
		     enum session_state state, int64_t now,
		     char text[TOKEN_TEXT_MAX])
{
	uint8_t hash[KEYED_LEN];
	invariant(state > session->state);
	if (!new_token(s, SESSION_PREFIX, text, hash))
		return;
	struct sql q = sql_of(s, "UPDATE sessions SET hash = ?, state = ?, "
				 "seen_at = ?, pending = NULL WHERE id = ?");
	sql_blob(&q, bytes(hash));
	sql_u64(&q, state);
	sql_i64(&q, now);
	sql_u64(&q, session->id);
	sql_run(&q);
	session->state = state;
	session->seen_at = now;
}

void session_seen(struct store *s, struct session *session, int64_t now)
{
	if (now - session->seen_at < SESSION_SEEN_MS)
		return;
	struct sql q = sql_of(s, "UPDATE sessions SET seen_at = ? "
				 "WHERE id = ?");
	sql_i64(&q, now);
	sql_u64(&q, session->id);
	sql_run(&q);
	session->seen_at = now;
}

void session_end(struct store *s, uint64_t id)
{
	struct sql q = sql_of(s, "DELETE FROM sessions WHERE id = ?");
	sql_u64(&q, id);
	sql_run(&q);
}

void sessions_end(struct store *s, uint32_t person, uint64_t except)
{
	struct sql q = sql_of(s, "DELETE FROM sessions WHERE person = ? "
				 "AND id <> ?");
	sql_u64(&q, person);
	sql_u64(&q, except);
	sql_run(&q);
}

void session_was_wrong(struct store *s, struct session *session)
{
	if (++session->wrong >= SESSION_WRONG_MAX) {
		session_end(s, session->id);
		return;
	}
	struct sql q = sql_of(s, "UPDATE sessions SET wrong = ? WHERE id = ?");
	sql_u64(&q, session->wrong);
	sql_u64(&q, session->id);
	sql_run(&q);
}

void session_set_pending(struct store *s, uint64_t id, slice sealed)
{
	struct sql q = sql_of(s, "UPDATE sessions SET pending = ? "
				 "WHERE id = ?");
	sql_blob(&q, sealed);
	sql_u64(&q, id);
	sql_run(&q);
}

bool session_csrf(struct admin *a, slice token, char text[TOKEN_BODY_LEN + 1])
{
	uint8_t hash[KEYED_LEN];
	if (!keyed_hash(a->pepper, SLICE("postrider CSRF"), token, hash))
		return false;
	base32_write(hash, sizeof(hash), text, TOKEN_BODY_LEN);
	text[TOKEN_BODY_LEN] = '\0';
	return true;
}

/* --- links ---------------------------------------------------------------- */

void invite_make(struct store *s, uint32_t person, int64_t now,
		 char text[TOKEN_TEXT_MAX])
{
	uint8_t hash[KEYED_LEN];
	if (!new_token(s, INVITE_PREFIX, text, hash))
		return;
	struct sql q = sql_of(s, "DELETE FROM invites WHERE person = ? "
				 "OR expires_at <= ?");
	sql_u64(&q, person);
	sql_i64(&q, now);
	sql_run(&q);
	q = sql_of(s, "INSERT INTO invites (hash, person, expires_at) "
		      "VALUES (?,?,?)");
	sql_blob(&q, bytes(hash));
	sql_u64(&q, person);
	sql_i64(&q, now + INVITE_MS);
	sql_run(&q);
}

uint32_t invite_take(struct store *s, slice text, int64_t now)
{
	uint8_t hash[KEYED_LEN];
	uint32_t person = 0;
	if (!token_hash(INVITE_PREFIX, text, hash))
		return 0;
	struct sql q = sql_of(s, "DELETE FROM invites WHERE hash = ? "
				 "RETURNING person, expires_at");
	sql_blob(&q, bytes(hash));
	if (sql_row(&q)) {
		if (sql_get_i64(&q, 1) > now)
			person = (uint32_t)sql_get_u64(&q, 0);
		sql_run(&q);
	}
	return person;
}

/* --- API tokens ----------------------------------------------------------- */

static void token_used(struct store *s, slice hash, int64_t now)
{
	struct sql q = sql_of(s, "UPDATE api_tokens SET used_at = ?1 "
				 "WHERE hash = ?2 AND (used_at IS NULL OR "
				 "?1 - used_at >= ?3)");
	sql_i64(&q, now);
	sql_blob(&q, hash);
	sql_i64(&q, SESSION_SEEN_MS);
	sql_run(&q);
}

bool api_token_take(struct store *s, slice text, int64_t now,
		    struct api_token *out)
{
	uint8_t hash[KEYED_LEN];
	if (!token_hash(API_TOKEN_PREFIX, text, hash))
		return false;
	struct sql q = sql_of(s, "SELECT person, scopes, expires_at FROM "
				 "api_tokens WHERE hash = ?");
	sql_blob(&q, bytes(hash));
	if (!sql_row(&q))
		return false;
	*out = (struct api_token){ (uint32_t)sql_get_u64(&q, 0),
				   (uint32_t)sql_get_u64(&q, 1),
				   sql_get_i64(&q, 2) };
	sql_end(&q);
	if (out->expires_at <= now)
		return false;
	token_used(s, bytes(hash), now);
	return !s->failed;
}

void people_forget_sessions(struct store *s)
{
	struct sql q = sql_of(s, "DELETE FROM sessions");
	sql_run(&q);
	q = sql_of(s, "DELETE FROM invites");
	sql_run(&q);
}
