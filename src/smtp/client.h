/*
 * The client side of SMTP and LMTP (RFC 5321, 2920, 3030, 3207, 4954, 2033),
 * sans-I/O. The caller opens a connection, feeds what arrives, sends what is
 * in `out`, and is asked for the body when the peer wants it.
 *
 * A client lives as long as a connection: greeting, EHLO, [STARTTLS, EHLO,]
 * [AUTH], then any number of transactions, then QUIT. Commands are pipelined
 * as far as the peer allows. No CR or LF outside CRLF ever leaves it, and no
 * byte of a body becomes a command.
 *
 * Replies of strangers: bounded by limits reply_line, reply_lines,
 * reply_bytes; NUL, bare LF or CR, different codes in one reply, a reply
 * that nobody asked for: ERR_PROTOCOL, scope session, connection lost.
 */
#pragma once

#include "base/limits_table.h"
#include "mail/envelope.h"

enum smtp_client_event {
	SMTP_CLIENT_NEED_INPUT,
	SMTP_CLIENT_START_TLS,		/* do the handshake, then
					 * smtp_client_tls_started */
	SMTP_CLIENT_READY,		/* may begin a transaction or quit */
	SMTP_CLIENT_WANT_BODY,		/* told once: feed pieces by
					 * smtp_client_body until done, then
					 * smtp_client_body_end; what arrives
					 * meanwhile goes to next */
	SMTP_CLIENT_DONE,		/* transaction over: look at outcomes;
					 * then READY or CLOSED follows */
	SMTP_CLIENT_CLOSED,		/* 221 or 421 came, or (after DONE)
					 * the connection can't be used any
					 * more: close */
	SMTP_CLIENT_FAILED,		/* err says why; close. In a
					 * transaction call smtp_client_lost */
};

/* What is due next, for the caller's timer (limits remote_*_ms). */
enum smtp_client_wait {
	SMTP_WAIT_GREETING, SMTP_WAIT_EHLO, SMTP_WAIT_STARTTLS, SMTP_WAIT_AUTH,
	SMTP_WAIT_MAIL, SMTP_WAIT_RCPT, SMTP_WAIT_DATA, SMTP_WAIT_BLOCK,
	SMTP_WAIT_DOT, SMTP_WAIT_QUIT, SMTP_WAIT_NOTHING,
};

enum smtp_client_tls { SMTP_TLS_NEVER, SMTP_TLS_OPPORTUNISTIC,
		       SMTP_TLS_REQUIRED };

struct smtp_client_config {
	slice ehlo_name;
	const struct limits *limits;
	enum smtp_client_tls tls;
	bool lmtp;
	bool implicit_tls;		/* TLS ran before the greeting */
	slice auth_user, auth_password;	/* both empty: no AUTH */
	bool auth_in_clear;		/* AUTH without TLS is allowed; else
					 * it fails (scope destination) */
};

/* What the peer offers; for the journal and for choosing. */
struct smtp_extensions {
	bool starttls, pipelining, eight_bit, smtputf8, chunking, binarymime,
		dsn, size, auth_plain, auth_login, enhanced, requiretls;
	uint64_t size_max;		/* 0: unsaid */
	uint32_t rcpt_max;		/* LIMITS RCPTMAX, 0: unsaid */
	uint32_t mail_max;
};

struct smtp_client;
/* config is copied, its slices must outlive the client. */
struct smtp_client *smtp_client_new(const struct smtp_client_config *config);
void smtp_client_free(struct smtp_client **c);

enum smtp_client_event smtp_client_next(struct smtp_client *c, slice *in,
					struct buf *out, struct err *err);
void smtp_client_tls_started(struct smtp_client *c);
/* The handshake failed. With OPPORTUNISTIC the caller makes a new connection
 * with NEVER; this one is over. */
const struct smtp_extensions *smtp_client_extensions(
	const struct smtp_client *c);
bool smtp_client_is_tls(const struct smtp_client *c);
enum smtp_client_wait smtp_client_waits_for(const struct smtp_client *c);

/* One recipient of a transaction and what became of it. */
struct smtp_outcome {
	const struct recipient *recipient;	/* caller's */
	bool done;			/* false: no word about it: temporary,
					 * code is 0 */
	uint16_t code;			/* reply that decided; 250: delivered */
	uint8_t enhanced[3];
	enum err_scope scope;		/* of a refusal: recipient (RCPT),
					 * message (DATA, dot), session, host
					 * (421, greeting), destination */
	slice reply;			/* the peer's words behind the code,
					 * '\n' between lines, 1 KiB at most,
					 * no control characters (8-bit may
					 * be there); lives until the next
					 * transaction */
	const char *phase;		/* static: "MAIL", "RCPT", "DATA",
					 * "BDAT", "dot", "check" */
};

struct smtp_transaction {
	const struct envelope *envelope;
	struct smtp_outcome *outcomes;	/* recipients of this transaction, set
					 * up by the caller; results go here */
	uint32_t count;
	bool has_8bit;			/* body has 8-bit octets */
	uint64_t size;			/* bytes of the body, before stuffing */
};
/* Only when READY. The transaction must live until DONE. What the peer can't
 * take (8-bit without 8BITMIME, SMTPUTF8, size, bare line ends without
 * CHUNKING) ends at once with DONE and 5.6.3, 5.6.7, 5.3.4, 5.6.11; scope
 * message, phase "check". */
void smtp_client_transaction(struct smtp_client *c, struct buf *out,
			     const struct smtp_transaction *t);
/* A piece of the body, stuffed or chunked as needed into out. */
void smtp_client_body(struct smtp_client *c, struct buf *out, slice piece);
void smtp_client_body_end(struct smtp_client *c, struct buf *out);
/* Ends the session in good order; CLOSED follows. */
void smtp_client_quit(struct smtp_client *c, struct buf *out);
/* The connection ended (or next said FAILED): outcomes that are not done get
 * code 0 (temporary: no word came), 4.4.2, the scope, phase and text of
 * `why`, and stay not done. True when the final dot had gone out without a
 * reply: they may be duplicates. The transaction is over. */
bool smtp_client_lost(struct smtp_client *c, const struct err *why);
