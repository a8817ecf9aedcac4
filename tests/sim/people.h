/* Who talks with the program: clients with mail, and next hops. Scripted from
 * the world's seed; they know nothing of the program but what it says. */
#pragma once

#include "base/list.h"
#include "sim/login.h"
#include "sim/oracle.h"
#include "sim/sim.h"
#include "sim/talk.h"

/* The last one goes into a Maildir. */
enum { DOMAINS = 6, MAILDIR_DOMAIN = 5, CLIENT_COMMANDS_MAX = 160, HOPS_MAX = 8 };

/* --- client.c ------------------------------------------------------------------- */

struct client_plan {
	struct ip_port to;
	uint32_t bytes_max;		/* of a message */
	bool may_misbehave;
	bool only_temporary;		/* no 5yz is right */
	unsigned domains;		/* 1 to DOMAINS */
	bool maildir;			/* MAILDIR_DOMAIN besides */
	unsigned logins;		/* percent of clients that log in */
};

struct client;
/* A session that begins when the time has come. */
struct client *client_new(struct oracle *o, struct list *all,
			  const struct client_plan *plan, int64_t at_ns,
			  uint64_t seed);
/* All sessions are broken off. */
void clients_stop(struct list *all);
void clients_free(struct list *all);

/* --- hop.c ---------------------------------------------------------------------- */

/* Percent of each kind of trouble. */
struct hop_mood {
	unsigned refuse, silent;	/* calls */
	unsigned greeting, ehlo;
	unsigned mail_4, mail_5, rcpt_4, rcpt_5, data_4, data_5, dot_4, dot_5;
	unsigned drop;			/* at any command */
	unsigned drop_in_body, drop_unsaid, drop_said;	/* at the dot */
	unsigned stall;			/* never answers again */
	unsigned bad_tls;
	int64_t slow_max_ns;
};
extern const struct hop_mood hop_good;

struct hop_server {
	struct net_server server;
	struct oracle *oracle;
	struct list connections;
	struct sim_random draw;
	struct hop_mood mood;
	bool lmtp, pipelining, chunking, starttls, dsn;
	uint64_t taken;			/* messages */
};
void hop_begin(struct hop_server *h, struct oracle *o,
	       const struct ip_port *at, uint64_t seed);
void hop_set_mood(struct hop_server *h, const struct hop_mood *mood);
/* Hangs up on everybody. */
void hop_hang_up(struct hop_server *h);
void hop_fini(struct hop_server *h);
