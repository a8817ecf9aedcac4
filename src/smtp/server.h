/*
 * The server side of SMTP (RFC 5321, 2920, 3030, 3207, 4954, 5802, 1870, 6152,
 * 6531, 3461, 9422), sans-I/O: bytes in, events out, answers in, bytes out.
 * No sockets, no clock, no waiting; the policy is the caller's.
 *
 * smtp_server_next looks at the front of *in, takes what it used, and
 * returns one event. Events marked (answer) must be answered before the next
 * call: the commands that the client pipelined wait in the caller's input,
 * so order is kept by itself. Replies are appended to `out`; send them when
 * next says NEED_INPUT or an answer is awaited for longer, so that a
 * pipelined group is answered in one write.
 *
 * The law: however the input is cut into pieces, events and replies are the
 * same (tests/unit/smtp/test_server_split.c). Only one thing looks at what
 * stands in the input behind a command: the check for bytes that a client may
 * not send before it has the reply (RFC 2920 3.1, RFC 3207 4.2), behind EHLO,
 * HELO, AUTH and DATA of strangers, behind STARTTLS, and behind a DATA that
 * is refused (the body would be read as commands): 554 and CLOSE.
 *
 * A transaction begins with a positive answer to SMTP_MAIL and ends with
 * exactly one of: an answered BODY_END, DROPPED, QUIT, CLOSE. DROPPED also
 * follows a refusing answer to SMTP_DATA.
 *
 * All syntax, order and parameter errors are answered here; the caller sees
 * only commands that are right in form and order. Octets of BDAT are always
 * consumed. Exactly one reply per command.
 */
#pragma once

#include "base/limits_table.h"
#include "mail/envelope.h"
#include "mail/reply.h"

enum smtp_event_kind {
	SMTP_NEED_INPUT,	/* *in is used up */
	SMTP_HELO,		/* client named itself; (answer) */
	SMTP_STARTTLS,		/* (answer) OK: 220 is written, then flush,
				 * start TLS, smtp_server_tls_started */
	SMTP_AUTH,		/* credentials complete; (answer) */
	SMTP_SCRAM_FIRST,	/* a client that will prove its password says
				 * who it is; (answer) a refusal, or
				 * smtp_server_scram_first */
	SMTP_SCRAM_FINAL,	/* its proof; (answer) a refusal, or
				 * smtp_server_scram_final */
	SMTP_SCRAM_DONE,	/* it took ours; (answer) */
	SMTP_XCLIENT,		/* a proxy says whose session this is; (answer)
				 * REPLY_GREETING, all begins again as that
				 * client's; or a refusal */
	SMTP_MAIL,		/* (answer) */
	SMTP_RCPT,		/* (answer) */
	SMTP_DATA,		/* DATA, or the first BDAT: a body will come;
				 * (answer) OK → 354 for DATA, nothing for
				 * BDAT; a refusal of BDAT still eats the
				 * octets */
	SMTP_BODY,		/* a piece of the body, dots unstuffed, CRLF
				 * kept; lends until the next call */
	SMTP_BODY_END,		/* the true end; (answer) one reply */
	SMTP_DROPPED,		/* transaction ended without acceptance: RSET,
				 * EHLO, BDAT error, TLS */
	SMTP_QUIT,		/* 221 is written: flush and close */
	SMTP_CLOSE,		/* a bound was passed or the bytes are not SMTP;
				 * what is in out is flushed, then close.
				 * event.close says why */
};

enum smtp_close_reason {
	SMTP_CLOSE_NONE,
	SMTP_CLOSE_ERRORS,		/* 421 written */
	SMTP_CLOSE_JUNK,		/* 421 written */
	SMTP_CLOSE_AUTH_FAILURES,	/* 421 written */
	SMTP_CLOSE_RECIPIENTS,		/* 421 written */
	SMTP_CLOSE_PIPELINED_STARTTLS,	/* 554 written */
	SMTP_CLOSE_EARLY_TALKER,	/* 554 written */
	SMTP_CLOSE_OVERSIZE,		/* 552 written */
	SMTP_CLOSE_BDAT_SIZE,		/* 501 written */
	SMTP_CLOSE_HTTP,		/* nothing written, for these three */
	SMTP_CLOSE_TLS_ON_PLAIN,
	SMTP_CLOSE_PROXY_HEADER,
	SMTP_CLOSE_OUT_OF_MEMORY,	/* 421 written */
	SMTP_CLOSE_CALLER,		/* by smtp_server_close */
};
const char *smtp_close_reason_name(enum smtp_close_reason reason);

/* What XCLIENT said; texts lend until it is answered. */
struct smtp_xclient {
	bool has_addr, has_login;
	bool extended;			/* PROTO=ESMTP */
	struct ip_addr addr;
	uint16_t port;			/* 0: not said */
	slice helo;			/* empty: not said */
	slice login;			/* empty: none */
};

struct smtp_event {
	enum smtp_event_kind kind;
	/* HELO; the name lends until the next call or until the input moves */
	slice helo;
	bool extended;			/* EHLO */
	bool firewall_mangled;		/* an XXXX EHLO came before (W19) */
	/* AUTH, SCRAM: these lend until answered, and are wiped then; of SCRAM
	 * until the exchange ends. Of SCRAM there is no secret. */
	slice mechanism;		/* "PLAIN", "LOGIN", "SCRAM-SHA-256" */
	slice authzid, user, secret;
	/* SCRAM_FINAL: AuthMessage and ClientProof. An empty proof is wrong:
	 * nonces or channel binding were not the ones agreed on. */
	slice scram_message, scram_proof;
	struct smtp_xclient xclient;
	/* MAIL: sender, ret, envid, body_type, smtputf8; RCPT: recipient.
	 * Slices live in the transaction's arena, until the transaction ends
	 * (accepted, dropped). */
	struct address sender;
	uint64_t declared_size;		/* SIZE=, 0 if not said */
	enum dsn_return ret;
	slice envid;
	enum body_type body_type;
	bool smtputf8;
	struct recipient recipient;
	/* BODY */
	slice body;
	/* BODY_END */
	bool bare_cr, bare_lf;		/* one stood outside CRLF */
	bool by_bdat;			/* also set with SMTP_DATA */
	bool too_big;			/* the caller answers SIZE */
	uint64_t body_bytes;
	/* CLOSE */
	enum smtp_close_reason close;
};

struct smtp_server_config {
	slice hostname;
	slice help_url;
	const struct limits *limits;
	bool offer_starttls;		/* has a certificate */
	bool offer_auth;		/* under TLS only, whatever this says */
};

struct smtp_server;

/* config must outlive it. Its limits may change: an open session takes them
 * with its next EHLO or MAIL, and the old ones must stay till then. tls: the
 * connection is encrypted from the start (implicit TLS). About 1 KiB; buffers
 * come only when a line is cut in two or a transaction is open. NULL out of
 * memory. */
struct smtp_server *smtp_server_new(const struct smtp_server_config *config,
				    bool tls);
void smtp_server_free(struct smtp_server **s);

/* Words (an id, a reference) at the end of each refusal that the engine makes
 * itself; lent, must outlive the server. */
void smtp_server_tag(struct smtp_server *s, slice tag);

/* 220 greeting. Before it, input makes CLOSE_EARLY_TALKER if the caller asks
 * for that check by calling smtp_server_next; input of a known client is then
 * left where it is. */
void smtp_server_greet(struct smtp_server *s, struct buf *out);

/* One event. Refusals and commands without progress count towards limits
 * errors_* and junk_* (what the caller refuses to a known client is junk, its
 * refused RCPTs are nothing); an accepted message clears both counts. A
 * command beyond a bound gets 421 as its one reply, then CLOSE. After QUIT or
 * CLOSE it says so again for ever. */
enum smtp_event_kind smtp_server_next(struct smtp_server *s, slice *in,
				      struct buf *out, struct smtp_event *ev);

/* The answer to the event that waits for one. For SMTP_DATA a positive
 * answer is REPLY_DATA_GO. A reply of code 421 ends the session. After limits
 * auth_failures failed AUTHs (AUTH_BUSY does not count) the next one gets
 * 421. After a refused MAIL the pipelined RCPT and DATA get 503; after only
 * refused RCPTs DATA gets 554. */
void smtp_server_answer(struct smtp_server *s, struct buf *out,
			const struct reply *reply);
/* The answers that go on with SCRAM. nonce: ours, printable without a comma;
 * salt and signature: raw. */
void smtp_server_scram_first(struct smtp_server *s, struct buf *out,
			     slice nonce, slice salt, unsigned iterations);
void smtp_server_scram_final(struct smtp_server *s, struct buf *out,
			     slice signature);
bool smtp_server_awaits_answer(const struct smtp_server *s);

/* After the handshake: forgets all that was said before (RFC 3207 4.2). */
void smtp_server_tls_started(struct smtp_server *s);

/* The client is identified (address entry or AUTH): the wider bounds hold,
 * and pipelining where RFC 2920 forbids it is tolerated. */
void smtp_server_known_client(struct smtp_server *s);

/* Ends it with a 421 (shutdown, timeout, busy): the reply is written unless
 * a body is being read; next returns CLOSE. */
void smtp_server_close(struct smtp_server *s, struct buf *out,
		       const struct reply *reply);

/* No AUTH in this session, whatever the configuration says (502). */
void smtp_server_refuse_auth(struct smtp_server *s);

/* What the transaction's slices live in; valid between MAIL and its end.
 * The caller may put its own things of the transaction there. */
struct arena *smtp_server_arena(struct smtp_server *s);

bool smtp_server_in_body(const struct smtp_server *s);
bool smtp_server_is_tls(const struct smtp_server *s);
bool smtp_server_is_extended(const struct smtp_server *s);

/* May this peer use XCLIENT: 502, 550, or yes, and announced. */
enum smtp_xclient_is { SMTP_XCLIENT_UNKNOWN, SMTP_XCLIENT_REFUSED,
		       SMTP_XCLIENT_ALLOWED };
void smtp_server_xclient(struct smtp_server *s, enum smtp_xclient_is is);

/* AUTH was tried without TLS, and refused (538). */
bool smtp_server_saw_auth_in_clear(const struct smtp_server *s);
/* For the journal, over the whole session: a known client sent bytes where it
 * had to wait (tolerated, C3); AUTH PLAIN came with its password before TLS
 * (refused with 538, but it was on the wire: to be changed). */
bool smtp_server_was_out_of_turn(const struct smtp_server *s);
bool smtp_server_saw_secret_in_clear(const struct smtp_server *s);
