/*
 * Inside of the SMTP server engine; see server.h for the contract. Who does
 * what:
 *
 *	server.c		the public verbs, the step loop
 *	server_answer.c		what an answer does
 *	server_line.c		bytes → command lines, the first bytes
 *	server_command.c	verb table, the simple commands
 *	server_mail.c		MAIL and RCPT
 *	server_parameters.c	what stands behind their paths
 *	server_auth.c		AUTH and its exchange
 *	server_xclient.c	XCLIENT
 *	server_data.c		DATA, BDAT, the bodies
 *	server_reply.c		replies of our own, bounds, closing
 *	extensions_server.c	what EHLO announces
 */
#pragma once

#include "smtp/sasl_server.h"
#include "smtp/server.h"

enum server_phase {
	PHASE_GREETING,		/* 220 is not written yet */
	PHASE_COMMAND,		/* a command line is due */
	PHASE_AUTH,		/* a line of an AUTH exchange is due */
	PHASE_TLS,		/* 220 to STARTTLS is written */
	PHASE_DATA,		/* lines up to the dot */
	PHASE_CHUNK,		/* octets of a BDAT that count */
	PHASE_EAT,		/* octets of a BDAT that was refused */
	PHASE_ENDED,		/* QUIT or CLOSE for ever */
};

enum server_transaction {
	TRANSACTION_NONE,
	TRANSACTION_FAILED,	/* MAIL, DATA or BDAT was refused: what was
				 * pipelined behind it gets 503 */
	TRANSACTION_OPEN,	/* MAIL was accepted */
	TRANSACTION_BDAT,	/* and a first chunk */
};

/* The event that was given out and waits for its answer. */
enum server_awaits {
	AWAITS_NOTHING, AWAITS_HELO, AWAITS_STARTTLS, AWAITS_AUTH,
	AWAITS_XCLIENT,
	AWAITS_MAIL, AWAITS_RCPT, AWAITS_DATA, AWAITS_BDAT, AWAITS_BODY_END,
};

/* How a refused command counts. */
enum server_weight {
	WEIGHT_NOTHING,		/* bounded otherwise */
	WEIGHT_JUNK,		/* no progress */
	WEIGHT_ERROR,
};

/* A command line that came in parts; memory only while there is one. */
struct server_line {
	char *p;
	uint32_t n, cap;
	bool complete;		/* p holds a whole line, without CRLF */
	bool spent;		/* and it was handled: free at the next step */
	bool discarding;	/* over the bound: reading on to its CRLF */
	bool discard_cr;	/* the last byte read was CR */
	uint64_t discarded;
};

/* Where the body stands, seen from the last byte read. */
enum body_at {
	AT_LINE_START,		/* behind a true CRLF, or at the beginning */
	AT_DOT,			/* a dot at a line start; it is held back */
	AT_DOT_CR,		/* dot and CR; both are held back */
	AT_TEXT,
	AT_CR,			/* CR in a line; it was given out */
};

struct server_body {
	enum body_at at;
	bool bare_cr, bare_lf;
	bool too_big;
	uint64_t bytes;		/* all, the ones not given out too */
};

struct smtp_server {
	const struct smtp_server_config *config;
	/* Those that config had at the last MAIL or EHLO: they stay for a
	 * transaction. */
	const struct limits *limits;
	slice tag;
	struct arena arena;
	struct server_line line;
	struct sasl_server *sasl;
	struct server_body body;
	uint64_t chunk_left;	/* octets of the BDAT at hand */
	uint64_t eaten_bytes;	/* of refused BDATs since a message went */
	enum server_phase phase;
	enum server_transaction transaction;
	enum server_awaits awaits;
	enum smtp_close_reason close;
	uint32_t errors, junk, auth_failures;
	uint32_t rcpt_commands;	/* since MAIL, of any outcome */
	uint32_t rcpt_accepted;
	enum body_type body_type;
	/* The first bytes: how many of the PROXY v2 signature came, and how
	 * many of these are read as lines after all. */
	uint8_t proxy_matched, replay_at, replay_n;
	bool first_bytes_due;
	bool long_line_is_auth;	/* the line that was too long */
	bool tls, known, authenticated;
	bool helo_done, extended;
	bool helo_extended;	/* of the EHLO or HELO that waits */
	bool firewall_mangled, out_of_turn, secret_in_clear,
		auth_in_clear;
	bool smtputf8;
	bool chunk_last;
	bool bytes_behind_data;	/* input stood behind the DATA that waits */
	bool drop_due;		/* SMTP_DROPPED is to be given out */
	bool arena_stale;	/* reset with the next call */
	bool quit;
	bool no_auth;		/* of this session, whatever config says */
	uint8_t xclient;	/* enum smtp_xclient_is */
	bool xclient_helo, xclient_extended;	/* of the one to be answered */
};

/* One step of smtp_server_next. */
struct server_call {
	struct smtp_server *s;
	slice *in;		/* what stands behind the command */
	struct buf *out;
	struct smtp_event *ev;
	slice verb;
	slice arg;		/* trimmed */
	slice in_before;	/* for putting the command back */
};

/* --- server_line.c -------------------------------------------------------- */
enum line_result {
	LINE_NONE,		/* input used up */
	LINE_READY,		/* *line, without CRLF */
	LINE_LONG,		/* its end came, the rest was thrown away */
	LINE_ENDLESS,		/* far too much of it */
	LINE_NO_MEMORY,
};
/* The next line from *in. line lends from the input or from the server. */
enum line_result server_line_read(struct smtp_server *s, slice *in,
				  slice *line);
/* Frees the line that was handled (wiped: it may hold a password). */
void server_line_free(struct smtp_server *s);

enum { PROXY_V2_LEN = 12 };
extern const char server_proxy_v2[PROXY_V2_LEN];
/* Looks at the very first bytes. True: they are settled, and `reason` says
 * whether they are SMTP (SMTP_CLOSE_NONE). False: more must come. */
bool server_first_bytes(struct smtp_server *s, slice *in,
			enum smtp_close_reason *reason);

/* --- server_command.c ----------------------------------------------------- */
/* True: ev holds an event. */
bool server_command(struct server_call *c, slice line);

/* --- server_mail.c, server_parameters.c ----------------------------------- */
bool server_mail(struct server_call *c);
bool server_rcpt(struct server_call *c);
enum { PARAMETERS_MAIL, PARAMETERS_RCPT };
/* Reads them into ev; replies itself when false. */
bool server_parameters(struct server_call *c, int whose, slice rest) MUST_USE;
/* Refuses MAIL or RCPT, with the right weight. */
void server_refuse_mail(struct server_call *c, enum reply_id id, slice detail,
			slice advice);
void server_refuse_rcpt(struct server_call *c, enum reply_id id, slice detail,
			slice advice);

/* --- server_auth.c -------------------------------------------------------- */
bool server_auth(struct server_call *c);
bool server_auth_line(struct server_call *c, slice line);

/* --- server_xclient.c ----------------------------------------------------- */
bool server_xclient(struct server_call *c);
void server_answer_xclient(struct smtp_server *s, struct buf *out,
			   const struct reply *reply);

/* --- server_data.c -------------------------------------------------------- */
bool server_data(struct server_call *c);
bool server_bdat(struct server_call *c);
/* More came than is read on after the size limit: true, answered and ended.
 * Looked at between the steps, so that what fits was given out before. */
bool server_body_oversize(struct server_call *c);
bool server_data_step(struct server_call *c);
bool server_chunk_step(struct server_call *c);
bool server_eat_step(struct server_call *c);
void server_body_begin(struct smtp_server *s, bool by_bdat);
/* The octets of a BDAT that was answered with a refusal. */
void server_eat(struct smtp_server *s);

/* --- server_reply.c ------------------------------------------------------- */
/* A reply of the engine's own; refusals carry the session's tag. */
void server_reply(struct smtp_server *s, struct buf *out, enum reply_id id,
		  slice detail, slice advice);
static inline void server_say(struct server_call *c, enum reply_id id)
{
	server_reply(c->s, c->out, id, SLICE(""), SLICE(""));
}
/* Counts; false: the bound was passed, 421 is written, the session ends. */
bool server_count(struct smtp_server *s, struct buf *out,
		  enum server_weight weight) MUST_USE;
/* A refusal that counts as an error, or as something else. */
void server_refuse(struct server_call *c, enum reply_id id);
void server_refuse_with(struct server_call *c, enum reply_id id, slice detail,
			slice advice, enum server_weight weight);
/* Ends the session; nothing is written. */
void server_end(struct smtp_server *s, enum smtp_close_reason reason);
/* Writes the reply and ends the session. */
void server_end_with(struct smtp_server *s, struct buf *out, enum reply_id id,
		     enum smtp_close_reason reason);
/* A stranger pipelined where it may not: true, answered and ended. */
bool server_out_of_turn(struct server_call *c);

/* --- server.c ------------------------------------------------------------- */
/* Holds before and after each step. */
void server_check(const struct smtp_server *s);
bool server_event(struct server_call *c, enum smtp_event_kind kind,
		  enum server_awaits awaits);
bool server_in_transaction(const struct smtp_server *s);
/* What config has now counts from here on: there is no open transaction. */
void server_take_limits(struct smtp_server *s);
/* The open transaction is over; SMTP_DROPPED will follow. */
void server_drop(struct smtp_server *s);
uint64_t server_read_max(const struct smtp_server *s);

/* --- extensions_server.c -------------------------------------------------- */
void server_ehlo_write(struct smtp_server *s, struct buf *out, slice name);
