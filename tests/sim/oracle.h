/*
 * The judge of a world: what clients were told, what next hops got, and
 * whether that fits (RELIABILITY 3.2). Every message has a number; it stands
 * in its header and in its addresses, so whoever sees it knows it.
 *
 *	LOST		acked, and neither delivered nor reported nor queued
 *	GHOST		refused or never whole, and delivered
 *	CORRUPT		delivered with other bytes
 *	DUPLICATE	twice, though nothing explains it
 *	STRAY		to somebody it was not for
 *	FORBIDDEN	accepted from a stranger whose password does not stand
 *	AUTH		a password taken that does not stand, or the other way
 *	REPLIES		not one reply a command
 *	FALSE REPORT	reported as failed without a reason, or though delivered;
 *			or nobody asked for it (RFC 3461)
 *	UNTOLD		delivered, and the report that was asked for never came
 *	DSN		its parameters did not arrive, or where they may not
 */
#pragma once

#include "base/buf.h"
#include "base/ip.h"
#include "base/slice.h"
#include "mail/envelope.h"
#include "sim/login.h"

enum { MESSAGES_MAX = 512, RECIPIENTS_MAX = 12, DELIVERIES_MAX = 6,
       LIVES_MAX = 12, ADDRESS_MAX = 64, PARAMETERS_MAX = 200 };

enum fate {
	FATE_NOT_SENT,		/* the final dot has not been said */
	FATE_UNKNOWN,		/* said, no word came */
	FATE_ACKED,
	FATE_REFUSED,
};

struct delivery {
	int64_t at_ns;
	/* whether the program has read the 250: asked of the connection as
	 * long as it is there */
	const struct net_end *end;
	uint64_t said;
	bool heard;
	bool is_file;		/* in a Maildir */
};

struct sim_recipient {
	uint8_t domain;
	bool accepted;		/* its RCPT was */
	bool refused_by_hop;	/* a 5yz that ends it */
	bool reported;		/* as failed */
	bool told;		/* reported as delivered or relayed */
	bool passed;		/* to a hop that reports itself */
	uint8_t notify;		/* enum dsn_notify */
	bool has_orcpt;
	unsigned count;		/* deliveries */
	struct delivery deliveries[DELIVERIES_MAX];
};

struct sim_message {
	uint32_t number;
	enum fate fate;
	bool null_sender, eight_bit;
	bool forbidden;		/* whoever sent it could not have */
	enum dsn_return ret;
	bool has_envid;
	uint32_t bytes;		/* of its text, about */
	uint32_t size;		/* exactly, and its hash */
	uint64_t hash;
	int64_t acked_ns;
	int64_t wall_ms;	/* how far the wall clock of the process was
				 * moved that accepted it */
	unsigned recipient_count;
	struct sim_recipient recipients[RECIPIENTS_MAX];
};

enum life_end { LIFE_STOPPED, LIFE_KILLED, LIFE_POWER_CUT, LIFE_FAILED };
struct life {
	int64_t begun_ns, end_ns;
	/* its wall clock is moved by that, at its begin and at its end */
	int64_t wall_ms, end_wall_ms;
	enum life_end end;
	bool trouble;		/* disk or memory had failed before the end */
};

struct oracle {
	struct sim_message messages[MESSAGES_MAX];
	unsigned count;
	struct life lives[LIVES_MAX];
	unsigned life_count;
	int64_t expire_ms, expire_own_ms;
	struct login_directory directory;
	/* before a report is judged: whoever has a Maildir looks into it */
	void (*read_mail)(void);
	uint64_t logins, logins_refused, filed;
	uint64_t acked, delivered, reported, told, explained, unknown, refused;
	bool failed;
	char verdict[200];	/* the first thing that was wrong */
};

/* For those that find something wrong; the first one stands. */
void oracle_fail(struct oracle *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL: no more room. */
struct sim_message *oracle_message(struct oracle *o);
void message_sender(const struct sim_message *m, char to[ADDRESS_MAX]);
void message_recipient(const struct sim_message *m, unsigned i,
		       char to[ADDRESS_MAX]);
/* Its text, the same every time; sets size and hash. */
void message_text(struct sim_message *m, struct buf *out);

/* Their DSN parameters as they stand in a command: " RET=FULL ENVID=…". */
void message_dsn(const struct sim_message *m, char to[PARAMETERS_MAX]);
void recipient_dsn(const struct sim_message *m, unsigned i,
		   char to[PARAMETERS_MAX]);

/* The process may accept it from now on, or just has: its own wall clock may
 * have been moved since MAIL. */
void oracle_accepting(struct sim_message *m);
void oracle_answered(struct oracle *o, struct sim_message *m, bool accepted);
/* Whose address this is; NULL: nobody's. */
struct sim_message *oracle_recipient(struct oracle *o, slice address,
				     unsigned *index);
struct sim_message *oracle_sender(struct oracle *o, slice address);
/* A next hop has taken it. heard: the bytes it had said when the 250 was out
 * (0: it will not be said). passed: the hop offers DSN and reports itself. */
void oracle_delivered(struct oracle *o, struct sim_message *m, unsigned index,
		      slice text, bool passed, const struct net_end *end,
		      uint64_t said);
/* A file has come out of a Maildir, in which it has been since at_ns. */
void oracle_filed(struct oracle *o, slice text, int64_t at_ns);
/* The connection is over: what was heard is known. */
void oracle_connection_over(struct oracle *o, const struct net_end *end);
/* Somebody got a report about m with this text. */
void oracle_reported(struct oracle *o, struct sim_message *m, slice text);
void oracle_life_over(struct oracle *o, enum life_end end, bool trouble);
/* The queue is empty. */
void oracle_final(struct oracle *o);
