/* What the files of the client engine share; see client.c for the states. */
#pragma once

#include "smtp/client.h"
#include "smtp/client_body.h"
#include "smtp/client_reply.h"

enum {
	/* Commands sent ahead of their replies: a group of any size is sent
	 * in windows, so that `out` stays small (RFC 2920 3.1). */
	SMTP_CLIENT_WINDOW = 256,
	/* Words of replies kept for the outcomes of one transaction. */
	SMTP_CLIENT_WORDS_MAX = 1 << 20,
	SMTP_CREDENTIAL_MAX = 1024,	/* bytes of a user name, a password */
};

enum client_state {
	CLIENT_GREETING,
	CLIENT_EHLO,		/* or LHLO */
	CLIENT_HELO,
	CLIENT_STARTTLS,
	CLIENT_HANDSHAKE,	/* due: START_TLS was not told yet */
	CLIENT_AUTH,
	CLIENT_READY,		/* due: READY was not told yet */
	CLIENT_COMMANDS,	/* of a transaction, up to DATA */
	CLIENT_BODY,		/* due: WANT_BODY was not told yet */
	CLIENT_DOT,
	CLIENT_LONE_DOT,	/* 354 although all recipients were refused */
	CLIENT_ENDED,		/* DONE is told next */
	CLIENT_QUIT,
	CLIENT_CLOSING,		/* CLOSED is told next */
	CLIENT_OVER,
};

enum client_auth { AUTH_PLAIN_SENT, AUTH_LOGIN_SENT, AUTH_LOGIN_USER,
		   AUTH_LAST };

struct smtp_client {
	struct smtp_client_config config;
	struct smtp_extensions extensions;
	struct smtp_reply reply;
	enum client_state state;
	enum client_auth auth;
	bool due;		/* the state's command or event is not out */
	bool tls;
	bool failed;		/* FAILED was or is to be told; failure */
	struct err failure;

	/* the transaction */
	const struct smtp_transaction *transaction;
	struct arena words;
	uint32_t sent, answered, end;	/* steps: see client_transaction.c */
	uint32_t accepted;		/* recipients */
	uint32_t at;			/* LMTP: whose reply comes next */
	uint64_t bdat_left;		/* octets announced, not yet sent */
	struct smtp_stuffer stuffer;
	bool by_bdat;
	bool mail_refused;
	bool needs_reset;		/* RSET before the next transaction */
	bool unusable;			/* CLOSED after DONE */
};

/* --- client.c ------------------------------------------------------------- */

/* Goes to a state; its command or event is due. */
void client_enter(struct smtp_client *c, enum client_state state);
/* The connection is over; next says FAILED with this error. */
void client_fail(struct smtp_client *c, enum err_kind kind,
		 enum err_scope scope, const char *text);
/* The same: a reply that nobody asked for. */
void client_fail_unasked(struct smtp_client *c);
/* Fails the client when `out` overflowed: something said is missing. */
void client_check_output(struct smtp_client *c, const struct buf *out);

/* --- client_extensions.c -------------------------------------------------- */

/* The words of a reply to EHLO, first line first. */
void client_extensions_parse(slice words, struct smtp_extensions *out);

/* --- client_sasl.c -------------------------------------------------------- */

/* True when the configured credentials can be used; fails the client
 * otherwise (scope destination). */
bool client_auth_possible(struct smtp_client *c);
/* The command, or the next response. */
void client_auth_send(struct smtp_client *c, struct buf *out);
void client_auth_reply(struct smtp_client *c);

/* --- client_transaction.c ------------------------------------------------- */

bool client_in_transaction(const struct smtp_client *c);
/* Sends what may be sent now; CLIENT_COMMANDS. */
void client_commands_send(struct smtp_client *c, struct buf *out);
/* The reply in c->reply, in CLIENT_COMMANDS, BODY, DOT and LONE_DOT. */
void client_transaction_reply(struct smtp_client *c, struct buf *out);
/* 421 or an early refusal: decides for all that have no outcome. */
void client_transaction_cut(struct smtp_client *c, enum err_scope scope);
/* The line before a body by BDAT; nothing with DATA. */
void client_body_begin(struct smtp_client *c, struct buf *out);
/* All outcomes are there. */
void client_transaction_end(struct smtp_client *c);
/* No word will come for those without an outcome. */
void client_outcomes_lost(struct smtp_client *c, const struct err *why);
/* Static name of what is under way, for outcomes: "MAIL", … */
const char *client_phase(const struct smtp_client *c);
enum smtp_client_wait client_commands_wait(const struct smtp_client *c);
