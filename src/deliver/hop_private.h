/* What hop.c and hop_transaction.c share. */
#pragma once

#include "deliver/deliver_private.h"

enum { HOP_BATCH_MAX = 100, HOP_PIECE_BYTES = 65536 };

/* See the diagram in hop.c. */
enum hop_state { HOP_LOOKUP, HOP_CONNECT, HOP_SESSION, HOP_IDLE };

struct hop {
	struct deliver_lane *lane;
	struct list all;		/* in deliver->hops */
	struct list node;		/* IDLE: in lane->idle */
	const struct routes *routes;
	const struct route *route;
	struct resolver_query query;
	struct ip_port addresses[RESOLVER_ADDRESSES_MAX];
	unsigned address_count, address_at;
	struct conn *conn;
	struct smtp_client *client;
	struct timer timer;
	struct attempt *attempt;	/* NULL: nothing to send */
	struct smtp_transaction transaction;
	struct smtp_outcome *outcomes;	/* of this transaction */
	uint16_t *indexes;		/* of its recipients in the part */
	enum smtp_client_tls tls;
	uint8_t state;			/* hop_state */
	bool ready;			/* the engine takes a transaction */
	bool claimed;			/* an attempt counts on it, from
					 * hop_claim to hop_idle */
	bool sending_body;
	bool in_step, over;		/* see hop_close */
	struct body_at body_at;
	/* a big body is read in pieces */
	struct spool_read_piece piece;
	bool piece_under_way;
	uint64_t piece_offset;
	char *piece_bytes;
};

static inline struct deliver *hop_deliver(const struct hop *h)
{
	return h->lane->deliver;
}

/* --- hop.c */
/* Runs the engine until it waits. `in` is what the connection shows. */
void hop_step(struct hop *h, slice *in);
/* The connection can't be used: the attempt's rest is deferred. down: the
 * host itself is at fault, not this message. */
void hop_fail(struct hop *h, const struct err *why, bool down);
/* Ends the attempt with what it has. */
void hop_end_attempt(struct hop *h);

/* --- hop_transaction.c */
/* The engine is ready: the next transaction of the attempt, or its end. */
void hop_next_transaction(struct hop *h);
/* The outcomes of the transaction become results of the attempt. */
void hop_collect(struct hop *h);
/* The engine wants the body; and: the connection has room for more of it. */
void hop_begin_body(struct hop *h);
void hop_send_body(struct hop *h);
