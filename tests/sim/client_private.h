/* What client.c and client_script.c share: a client, and what it is going to
 * say. */
#pragma once

#include "sim/people.h"

enum { TEXT_MAX = 4 << 20, REPLY_MAX = 4096 };

enum command_kind { COMMAND_EHLO, COMMAND_STARTTLS, COMMAND_AUTH,
		    COMMAND_MAIL, COMMAND_RCPT, COMMAND_DATA, COMMAND_BODY,
		    COMMAND_CHUNK, COMMAND_LAST, COMMAND_RSET, COMMAND_NOOP, COMMAND_QUIT };

struct command {
	enum command_kind kind;
	bool alone;			/* waits for all replies before it */
	bool if_open;			/* RSET: only if a transaction is */
	struct sim_message *message;
	unsigned index;			/* RCPT */
	uint32_t from, n;		/* CHUNK, LAST: of the text */
};

enum ending { ENDING_CLOSE, ENDING_RESET, ENDING_SILENCE };

struct client {
	struct talk talk;
	struct list node;
	struct oracle *oracle;
	struct client_plan plan;
	struct sim_random draw;
	struct sim_event event;		/* begins; then: patience */
	struct sim_event rest;		/* between two transactions */
	bool dawdles, resting, rested;
	struct ip_port from;
	struct command commands[CLIENT_COMMANDS_MAX];
	unsigned count, next, head;	/* next to send, next to be answered */
	unsigned sent[CLIENT_COMMANDS_MAX];	/* in order; head counts here */
	unsigned sent_count;
	bool lock_step, greeted, over, stranger;
	/* who it logs in as */
	bool has_login, logged_in;
	bool login_dead, login_sure;	/* when it began; sure: not dead */
	struct login_try login;
	/* of the transaction under way */
	bool mail_refused, mail_answered, data_go, open, chunk_refused;
	unsigned accepted;
	/* the way it ends before its time: after so many bytes; 0: never */
	uint64_t said, cut_at;
	enum ending ending;
	bool inject, injected;		/* plain text behind STARTTLS */
	char reply[REPLY_MAX];
	size_t reply_n;
};

/* --- client_script.c */
/* What it is like: first. */
void client_draw(struct client *c);
/* All its commands. */
void client_script(struct client *c);
