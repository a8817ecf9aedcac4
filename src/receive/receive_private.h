/* What the files of src/receive share. */
#pragma once

#include "mail/header.h"
#include "os/net.h"
#include "receive/receive.h"
#include "smtp/server.h"

struct receive_listener {
	struct receive *receive;
	struct listener *listener;
	enum receive_tls tls;
	char name[32];
};

struct receive {
	struct receive_config config;
	struct smtp_server_config server;	/* of sessions with STARTTLS */
	struct smtp_server_config server_plain;
	const struct view *view;
	struct tls_context *tls;
	struct receive_listener *listeners[RECEIVE_LISTENERS_MAX];
	size_t listener_count;
	struct list sessions;
	uint32_t open_count;
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
};

struct session {
	struct receive *receive;
	const struct receive_listener *listener;
	struct list node;
	struct conn *conn;		/* NULL: the client left while STORING */
	struct smtp_server *server;
	struct timer timer;
	struct transaction *transaction;	/* between MAIL and its end */
	int64_t deadline_ms;		/* monotonic; the timer may be early */
	int64_t begun_ms;		/* wall clock */
	struct id id;
	struct ip_port client;
	char *helo;			/* as sent, NUL-terminated, or NULL */
	uint8_t state;			/* session_state */
	bool extended, known, has_login, mangled, greeted_tls;
	bool in_input, over;		/* see session_end */
	char tag[ID_TEXT_MAX];		/* id, at the end of refusals */
	char login_id[APP_PASSWORD_ID_LEN];
	uint32_t login_generation;
	uint32_t accepted, refused, auth_failed;
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
	bool in_body;
	bool broken;			/* err says why; the rest is eaten */
	struct err err;
};

/* --- session.c */
void session_begin(struct receive *r, const struct receive_listener *l,
		   int fd, const struct ip_port *peer,
		   const struct ip_port *local);
/* Journal, counters, and gone; while on_input is running, as soon as it
 * returns. */
void session_end(struct session *s);
/* The state that waited is over: reads on. */
void session_resume(struct session *s);
void session_answer(struct session *s, enum reply_id id, slice detail,
		    slice advice, slice tag);
void session_close_with(struct session *s, enum reply_id id);

/* --- auth.c: SMTP_AUTH */
void session_auth(struct session *s, const struct smtp_event *ev);
/* The login as the view has it now; NULL: none, or it stands no more. */
const struct app_password *session_login(struct session *s,
					 const struct view *v);

/* --- transaction.c: SMTP_MAIL, SMTP_RCPT */
void transaction_mail(struct session *s, const struct smtp_event *ev);
void transaction_rcpt(struct session *s, const struct smtp_event *ev);
void transaction_end(struct session *s);

/* --- body.c: SMTP_DATA, SMTP_BODY, SMTP_BODY_END */
void body_begin(struct session *s);
void body_piece(struct session *s, slice piece);
void body_end(struct session *s, const struct smtp_event *ev);

/* --- tell.c: journal */
void tell_refusal(struct session *s, const struct facts *f,
		  const struct decision *d, struct reference reference);
void tell_session_end(struct session *s);
