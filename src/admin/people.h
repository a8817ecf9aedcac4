/*
 * Who signs in to the console and the API (SPEC 12.3): operators, and users
 * with a role; what proves who they are, and what they hold then: sessions,
 * links that let in once, API tokens. docs/why/sign_in.md.
 *
 * Here are the rows of the store and the rules about them; calls_session.c,
 * calls_account.c, calls_token.c and calls_people.c are the calls. Failures of
 * the store are the store's. Times are wall-clock milliseconds and passed in.
 */
#pragma once

#include "admin/core.h"
#include "crypto/keyed.h"
#include "crypto/totp.h"

#define SESSION_PREFIX "pr_ses_"
#define INVITE_PREFIX "pr_inv_"
#define API_TOKEN_PREFIX "pr_api_"

enum {
	SESSION_IDLE_MS = 30 * 60 * 1000,
	SESSION_MOST_MS = 12 * 60 * 60 * 1000,
	/* A clock that was put back by more ends what it has not begun. */
	SESSION_BEHIND_MS = 5 * 60 * 1000,
	/* Being at work is written down no more often than this. */
	SESSION_SEEN_MS = 10 * 1000,
	SESSION_WRONG_MAX = 5,		/* codes; then it is over */
	SESSIONS_MAX = 32,		/* of a person; the oldest goes */
	INVITE_MS = 24 * 60 * 60 * 1000,
	RECOVERY_CODES = 10,
	RECOVERY_TEXT = 12,		/* "abcde-fghij", NUL */
	API_TOKENS_MAX = 32,		/* of a person */
	API_TOKEN_NAME_MAX = 100,	/* bytes */
	API_TOKEN_ID_LEN = 10,
	TIME_ZONE_MAX = 64,
};
#define API_TOKEN_MS (366ll * 24 * 60 * 60 * 1000)

/* Slices live as long as the arena given at loading. */
struct person {
	uint32_t id;			/* in people; 0: never invited */
	uint32_t operator_id, user;	/* one of them is 0 */
	/* CALLER_USER: may not sign in, for want of a role, or suspended, or
	 * the customer is closing. */
	enum caller_role role;
	uint32_t customer;		/* 0: of none (operator) */
	slice address, org_unit;
	slice password;			/* Argon2id; empty: none */
	slice factor;			/* sealed; empty: none */
	uint64_t factor_step;		/* used last */
	bool has_language;		/* else the customer's or the page's */
	enum language language;
	slice time_zone, scheme;	/* empty: not said */
	bool shortcuts;
};

/* By folded address or alias; operators come first. False: there is nobody,
 * or the store failed. */
bool person_find(struct store *s, slice address, struct arena *arena,
		 struct person *out) MUST_USE;
bool person_load(struct store *s, uint32_t id, struct arena *arena,
		 struct person *out) MUST_USE;
/* His row in people, made if there is none: fills p->id. */
void person_note(struct store *s, struct person *p);
/* Has all that signing in takes? */
bool person_is_enrolled(const struct person *p);

void person_set_password(struct store *s, uint32_t id, slice hash);
/* Forgets how he proves who he is: what is asked for; with the factor, his
 * recovery codes; always sessions and links. */
void person_reset(struct store *s, uint32_t id, bool password, bool factor);

/* --- second factor -------------------------------------------------------- */

/* Takes a step of the factor, which is used then. */
bool person_takes_code(struct admin *a, struct person *p, slice code,
		       int64_t now) MUST_USE;
/* Takes a recovery code, which is gone then. */
bool person_takes_recovery(struct admin *a, const struct person *p,
			   slice code) MUST_USE;
/* False: no memory. */
bool factor_seal(struct admin *a, uint32_t person,
		 const uint8_t secret[TOTP_SECRET_LEN],
		 uint8_t sealed[TOTP_SECRET_LEN + SEAL_MORE]) MUST_USE;
bool factor_open(struct admin *a, uint32_t person, slice sealed,
		 uint8_t secret[TOTP_SECRET_LEN]) MUST_USE;
/* The factor is this from now on; `step` was used to prove it. New recovery
 * codes in place of the old ones. False: no memory. */
bool person_set_factor(struct admin *a, uint32_t id, slice sealed,
		       uint64_t step,
		       char codes[RECOVERY_CODES][RECOVERY_TEXT]) MUST_USE;

/* --- sessions ------------------------------------------------------------- */

/* In this order one comes in; numbers are those in the store. */
enum session_state {
	SESSION_CODE,			/* who he is, is said; a code is due */
	SESSION_ENROL,			/* password or factor are missing */
	SESSION_IN,
};
const char *session_state_name(enum session_state state);

struct session {
	uint64_t id;
	uint32_t person;
	enum session_state state;
	int64_t begun_at, seen_at;
	uint32_t wrong;
	slice pending;			/* factor being set up, sealed */
};

/* Over by time. */
bool session_is_over(const struct session *s, int64_t now);
int64_t session_ends_at(const struct session *s);
/* May it make this call before it is in? */
bool session_step_allows(enum session_state state, slice call);
/* What is still missing. by_code: a code of his was just taken, or his factor
 * was. */
enum session_state session_next_state(const struct person *p, bool by_code);

/* Makes one; text: its token, for the cookie: wipe it after use. */
void session_begin(struct store *s, uint32_t person, enum session_state state,
		   slice client, int64_t now, char text[TOKEN_TEXT_MAX]);
/* False: none has this hash. */
bool session_load(struct store *s, const uint8_t hash[KEYED_LEN],
		  struct arena *arena, struct session *out) MUST_USE;
/* It comes to another state, under another token: whoever knew the old one
 * stays outside. */
void session_advance(struct store *s, struct session *session,
		     enum session_state state, int64_t now,
		     char text[TOKEN_TEXT_MAX]);
void session_seen(struct store *s, struct session *session, int64_t now);
void session_end(struct store *s, uint64_t id);
/* Of the person, but `except` (0: all). */
void sessions_end(struct store *s, uint32_t person, uint64_t except);
/* One more wrong code; ends it at SESSION_WRONG_MAX. */
void session_was_wrong(struct store *s, struct session *session);
void session_set_pending(struct store *s, uint64_t id, slice sealed);
/* What a page must say besides the cookie: made from the token. False: no
 * memory. */
bool session_csrf(struct admin *a, slice token,
		  char text[TOKEN_BODY_LEN + 1]) MUST_USE;

/* --- links and tokens ----------------------------------------------------- */

/* A link that lets the person in once, in place of older ones. */
void invite_make(struct store *s, uint32_t person, int64_t now,
		 char text[TOKEN_TEXT_MAX]);
/* Takes one: it is gone then. 0: none such, or its time is over. */
uint32_t invite_take(struct store *s, slice text, int64_t now);

struct api_token {
	uint32_t person;
	uint32_t scopes;		/* RIGHT_BIT of rights */
	int64_t expires_at;
};
/* False: none such, or its time is over. Notes that it was used. */
bool api_token_take(struct store *s, slice text, int64_t now,
		    struct api_token *out) MUST_USE;

/* All sessions and links: of a store that was put back. */
void people_forget_sessions(struct store *s);

/* --- operators at customers ------------------------------------------------ */

struct visits *visits_new(void);	/* NULL: no memory */
void visits_free(struct visits **v);
/* Is it a new visit: none was noted within the hour? Notes it. */
bool visits_begin(struct visits *v, uint32_t person, uint32_t customer,
		  int64_t now);
