/* What the files of src/receive share. */
#pragma once

#include "mail/header.h"
#include "os/net.h"
#include "policy/refusal.h"
#include "receive/pace.h"
#include "receive/receive.h"
#include "smtp/server.h"

struct receive_listener {
	uint32_t refs;			/* the list's, and one a session */
	struct receive *receive;
	struct listener *listener;	/* NULL: it accepts no more */
	int fd;
	enum receive_tls tls;
	struct ip_range *ranges;	/* what rules point into */
	struct receive_rules rules;
	char name[32];
	struct buf farewell;		/* to those for whom no descriptor is
					 * left */
};
/* --- listeners.c */
struct receive_listener *receive_listener_ref(struct receive_listener *l);
void receive_listener_unref(struct receive_listener **l);
/* No more connections; the list's reference goes. */
void receive_listener_close(struct receive_listener **l);

bool ranges_hold(const struct receive_ranges *r, const struct ip_addr *a);

/* A connection that may become a session: a socket, or what a proxy handed
 * on, with the addresses its header gave. */
struct arrival {
	int fd;				/* -1: conn */
	struct conn *conn;
	struct ip_port peer, local;	/* of the client */
	bool by_proxy;
	struct ip_addr proxy;		/* then: whose connection it is */
};

/* What a session holds of the budgets of SPEC 7; see admission.c. */
struct admission {
	uint64_t address_key;		/* its place among its address' */
	int64_t greeting_delay_ms;
	int64_t active_ms;		/* last input, monotonic */
	uint32_t class_customer;	/* whose listed address, 0: stranger */
	bool is_stranger;		/* counted as one */
	bool has_name;			/* the HELO name was counted */
	bool is_none;			/* of a proxy: nothing is held */
	struct list node;		/* in receive.strangers */
};

struct receive {
	struct receive_config config;
	struct smtp_server_config server;	/* of sessions with STARTTLS */
	struct smtp_server_config server_plain;
	const struct view *view;
	struct tls_context *tls, *tls_legacy;
	struct legacy_clients *legacy_clients;
	struct receive_listener *listeners[RECEIVE_LISTENERS_MAX];
	size_t listener_count;
	struct list sessions;
	struct list strangers;		/* of them; longest without input first */
	uint32_t open_count;
	struct list proxied;		/* waiting for their PROXY header */
	uint32_t proxied_count;
	bool draining;
	void (*empty)(void *ctx);
	void *empty_ctx;
};

/*
 * A session from accept to close.
 *
 *   GREETING → COMMANDS            strangers: a moment later [session.c]
 *   HANDSHAKE → GREETING           implicit TLS
 *   COMMANDS → HANDSHAKE           STARTTLS
 *   COMMANDS ⇄ STORING             the door has the message
 *   COMMANDS ⇄ FULL                a big body waits for the disk
 *   COMMANDS ⇄ PUNISHED            a failed AUTH is answered later
 *   any → (gone)                   session_end
 *
 * Input is taken in COMMANDS only; meanwhile it waits in the connection.
 */
enum session_state {
	SESSION_GREETING,
	SESSION_HANDSHAKE,
	SESSION_COMMANDS,
	SESSION_STORING,
	SESSION_FULL,
	SESSION_PUNISHED,
};

struct session {
	struct receive *receive;
	struct receive_listener *listener;	/* a reference */
	struct list node;
	struct conn *conn;		/* NULL: the client left while STORING */
	struct smtp_server *server;
	struct timer timer;
	struct transaction *transaction;	/* between MAIL and its end */
	int64_t deadline_ms;		/* monotonic; the timer may be early */
	int64_t begun_ms;		/* wall clock */
	struct pace pace;		/* of a body */
	struct id id;
	struct ip_port client;
	struct ip_addr proxy;		/* by_proxy: through which */
	char *helo;			/* as sent, NUL-terminated, or NULL */
	uint8_t state;			/* session_state */
	bool extended, known, has_login, mangled, greeted_tls;
	bool in_input, over;		/* see session_end */
	bool by_proxy;
	bool client_due;		/* XCLIENT must come before mail */
	char tag[ID_TEXT_MAX];		/* id, at the end of refusals */
	char login_id[APP_PASSWORD_ID_LEN];
	char reference[REFERENCE_TEXT_MAX];	/* of the AUTH that waits for
						 * its refusal */
	uint32_t login_generation;
	uint32_t accepted, refused, auth_failed;
	struct admission admission;
	enum smtp_close_reason close;
};

/* A transaction from an accepted MAIL to its end. Slices lie in the engine's
 * arena. */
struct transaction {
	struct session *session;
	const struct view *view;	/* pinned */
	struct decision decision;
	struct envelope envelope;
	uint32_t recipients_cap;
	uint64_t room_bytes;		/* taken of the spool's */
	struct body *body;
	struct spool_big *big;
	struct header_scan header;
	struct allowance allowed;	/* as things stood at MAIL */
	struct reservation *reservation;	/* NULL: all are held */
	/* SPEC 6.10: over which limit each is held (ledger_verdict;
	 * LEDGER_OK: none), by number; as long as recipients */
	uint8_t *held;
	uint32_t held_count;
	uint64_t held_bytes;		/* counted for them */
	enum reply_id held_reply;	/* if they can't be, after all */
	/* Recipients refused by one limit, and under which reference. */
	struct {
		bool told;
		enum reply_id reply;
		struct reference reference;
		uint32_t more;		/* since it was told */
	} over;
	int64_t progress_ms;		/* when the ledger last heard of it */
	bool in_body;
	bool broken;			/* err says why; the rest is eaten */
	struct err err;
};

/* --- receive.c: may it come in? Takes what came. */
void receive_arrived(struct receive *r, struct receive_listener *l,
		     struct arrival *arrival);

/* --- proxy.c: a connection to a listener for proxies. Takes fd. */
void proxied_begin(struct receive_listener *l, int fd,
		   const struct ip_port *peer, const struct ip_port *local);
void proxied_end_all(struct receive *r);

/* --- xclient.c: SMTP_XCLIENT */
void session_xclient(struct session *s, const struct smtp_event *ev);

/* --- session.c */
/* Takes what came. */
void session_begin(struct receive *r, struct receive_listener *l,
		   struct arrival *arrival,
		   const struct admission *admission);
/* Journal, counters, and gone; while on_input is running, as soon as it
 * returns. */
void session_end(struct session *s);
/* The state that waited is over: reads on. */
void session_resume(struct session *s);
void session_answer(struct session *s, enum reply_id id, slice detail,
		    slice advice, slice tag);
void session_close_with(struct session *s, enum reply_id id);
/* While the service stops: nothing of its is under way. The rest of a body
 * that was refused comes first, so that the client reads what it is told. */
bool session_may_leave(const struct session *s);

/* --- admission.c: SPEC 7. What is refused is told when to come again. */
struct admission_words {
	char text[256];
};
/* A new connection; false: words say why. Fills *a, which admission_end gives
 * back. */
bool admit_connection(struct receive *r, const struct ip_addr *client,
		      struct admission *a,
		      struct admission_words *words) MUST_USE;
void admission_end(struct receive *r, struct admission *a);
/* Of a proxy whose client is not known yet. */
void admission_of_proxy(struct receive *r, struct admission *a);
/* It showed who it is: no stranger any more. */
void admission_known(struct session *s);
/* Input came. */
void admission_active(struct session *s);
bool admit_handshake(struct session *s,
		     struct admission_words *words) MUST_USE;
/* Is the client in an entry from which old TLS is still taken (SPEC 1.9)? */
bool admit_legacy_tls(const struct session *s) MUST_USE;
bool admit_name(struct session *s, slice helo,
		struct admission_words *words) MUST_USE;
/* May this account be tried from here; and what came of it. account: what
 * the client named, whether it exists or not. */
bool admit_auth(struct session *s, slice account,
		struct admission_words *words) MUST_USE;
void admission_auth_failed(struct session *s, slice account);
void admission_auth_good(struct session *s, slice account);

/* May a refusal for want of a budget be told once more? So often is enough
 * for people to see it, and a flood fills no journal. */
bool admission_tells(struct receive *r, const struct ip_addr *client) MUST_USE;

/* --- refuse.c: refusals that people look up. */
struct limit_words;
struct refusal {
	enum reply_id reply;
	enum refusal_cause cause;
	slice detail, advice;		/* of the reply */
	const struct address *sender;	/* NULL: not known */
	uint32_t customer;		/* identified, or 0 */
	uint32_t owner;			/* else whose to see: refusal_owner */
	uint32_t setting;
	slice why, why_detail;		/* as of a decision */
	slice login;			/* that was tried; empty: that stands */
	const struct limit_words *limit;	/* NULL: of no limit */
	uint32_t recipients;		/* refused at once */
	bool goes_on;			/* more of one that was told */
};
/* A new reference, written to `tag`, which it lends. */
slice refusal_tag(char tag[REFERENCE_TEXT_MAX]);
/* Members of its event, but for the client's. tag: its reference. */
void refusal_tell_rest(struct json *j, const struct refusal *r, slice tag);
/* Of what the transaction asks for; words NULL: of no limit. */
struct refusal transaction_refusal(const struct transaction *t,
				   enum reply_id id,
				   const struct limit_words *words);
/* Tells it and answers, with a new reference. */
void session_refuse(struct session *s, const struct refusal *r);
void session_refuse_busy(struct session *s, enum reply_id id,
			 const struct admission_words *words);
void transaction_refuse_over(struct transaction *t, enum reply_id id,
			     const struct limit_words *words);
void transaction_tell_over(struct transaction *t);

/* --- auth.c: SMTP_AUTH */
void session_auth(struct session *s, const struct smtp_event *ev);
/* The name and the identity asked for are the app password's user's, who is
 * not suspended. False and *no_memory set: that could not be found out. */
bool auth_login_fits(const struct view *v, const struct app_password *p,
		     const struct smtp_event *ev, bool *no_memory);
/* What a login failed by, for the journal: never told to the client. */
enum auth_fault { AUTH_UNKNOWN, AUTH_WRONG_SECRET, AUTH_NOT_IN_FORCE };
struct auth_try {
	slice account;			/* what the client named */
	slice user;			/* the name it gave */
	const struct app_password *password;	/* it leads to, or NULL */
	enum auth_fault fault;
};
/* The answer to a login that failed, and to one that is good. */
void auth_punish(struct session *s, const struct auth_try *tried);
void auth_welcome(struct session *s, const struct app_password *p,
		  slice account);
/* The login as the view has it now; NULL: none, or it stands no more. */
const struct app_password *session_login(struct session *s,
					 const struct view *v);

/* --- scram.c: SMTP_SCRAM_FIRST, FINAL, DONE */
void session_scram_first(struct session *s, const struct smtp_event *ev);
void session_scram_final(struct session *s, const struct smtp_event *ev);
void session_scram_done(struct session *s, const struct smtp_event *ev);

/* --- transaction.c: SMTP_MAIL, SMTP_RCPT */
void transaction_mail(struct session *s, const struct smtp_event *ev);
void transaction_rcpt(struct session *s, const struct smtp_event *ev);
void transaction_end(struct session *s);

/* --- reserve.c: limits (SPEC 6) */
struct limit_words {
	char text[200];			/* for a person: how much, until when */
	uint64_t used, allowed;		/* allowed 0: that is not known */
	int64_t opens_at_ms;		/* 0: never by itself */
};
enum { NULL_RESERVE_BYTES_MAX = 65536 };	/* SPEC 5.4 */
/* REPLY_SENDER_OK, or who may send no more. */
enum reply_id reserve_at_mail(struct transaction *t,
			      struct limit_words *words);
/* REPLY_RECIPIENT_OK: it is reserved or will be held over the limit *held. */
enum reply_id reserve_recipient(struct transaction *t,
				const struct address *a, uint8_t *held,
				struct limit_words *words);
void reserve_progress(struct transaction *t);
/* At the final dot, when header and size are known; REPLY_ACCEPTED: it can't
 * lapse any more. */
enum reply_id reserve_renew(struct transaction *t, struct limit_words *words);
/* What became of the message. */
void reserve_book(struct transaction *t);
void reserve_release(struct transaction *t);

/* --- body.c: SMTP_DATA, SMTP_BODY, SMTP_BODY_END */
void body_begin(struct session *s);
void body_piece(struct session *s, slice piece);
void body_end(struct session *s, const struct smtp_event *ev);

/* --- tell.c: journal and log */
void tell_refusal(struct session *s, const struct refusal *r, slice tag);
/* Of a connection that got no session. */
void tell_turned_away(struct receive *r, const struct receive_listener *l,
		      const struct ip_addr *client, const struct refusal *why,
		      slice tag);
/* AUTH was tried without TLS. */
void tell_auth_in_clear(struct session *s);
void tell_session_end(struct session *s);
/* The log for a line of this level about a client; NULL: it has had its lines
 * of this second (RELIABILITY 4.8), and this one was counted. */
struct log *log_about(struct receive *r, const struct ip_addr *client,
		      bool is_stranger, enum log_level level);
struct log *session_log(struct session *s, enum log_level level);
/* The handshake was one of before TLS 1.2 (SPEC 1.9): counted, and told once
 * a day of each address. */
void tell_legacy_tls(struct session *s);
