/*
 * Transactions over a hop: recipients in batches, the body as fast as the
 * connection takes it, outcomes per recipient.
 */
#include "deliver/hop_private.h"

#include <stdlib.h>

/* --- transactions --------------------------------------------------------- */

/* Recipients for the next transaction: those that want it still. */
static uint32_t gather(struct hop *h)
{
	struct attempt *a = h->attempt;
	uint32_t max = smtp_client_extensions(h->client)->rcpt_max;
	if (max == 0 || max > HOP_BATCH_MAX)
		max = HOP_BATCH_MAX;
	uint32_t n = 0;
	for (; a->at < a->part->count && n < max; a->at++) {
		if (!attempt_wants(a, a->at))
			continue;
		uint16_t number = attempt_number(a, a->at);
		h->indexes[n] = a->at;
		h->outcomes[n++] = (struct smtp_outcome){
			.recipient = &a->envelope.recipients[number],
		};
	}
	return n;
}

static bool make_room(struct hop *h)
{
	if (h->outcomes == NULL)
		h->outcomes = calloc(HOP_BATCH_MAX, sizeof(struct smtp_outcome));
	if (h->indexes == NULL)
		h->indexes = calloc(HOP_BATCH_MAX, sizeof(uint16_t));
	return h->outcomes != NULL && h->indexes != NULL;
}

/* The engine is ready: the next transaction of the attempt, or its end. */
void hop_next_transaction(struct hop *h)
{
	struct attempt *a = h->attempt;
	if (a == NULL)
		return;
	uint32_t n = make_room(h) ? gather(h) : 0;
	if (n == 0) {
		hop_end_attempt(h);
		return;
	}
	h->ready = false;
	h->transaction = (struct smtp_transaction){
		.envelope = &a->envelope,
		.outcomes = h->outcomes,
		.count = n,
		.has_8bit = a->envelope.body_type == BODY_8BITMIME,
		.size = a->envelope.body_bytes,
	};
	smtp_client_transaction(h->client, conn_out(h->conn),
				&h->transaction);
}

static enum result_kind kind_of(const struct smtp_outcome *o)
{
	if (!o->done || o->code == 0)
		return RESULT_DEFERRED;
	if (o->code < 300)
		return RESULT_DELIVERED;
	/* Words about the host are no verdict about a message. */
	if (o->code < 500 || o->scope == SCOPE_HOST ||
	    o->scope == SCOPE_SESSION || o->scope == SCOPE_DESTINATION)
		return RESULT_DEFERRED;
	return RESULT_FAILED;
}

void hop_collect(struct hop *h)
{
	struct attempt *a = h->attempt;
	bool delivered = false;
	bool dsn = smtp_client_extensions(h->client)->dsn;
	for (uint32_t i = 0; i < h->transaction.count; i++) {
		const struct smtp_outcome *o = &h->outcomes[i];
		if (o->scope == SCOPE_HOST || o->scope == SCOPE_DESTINATION)
			a->down = true;
		delivered = delivered || kind_of(o) == RESULT_DELIVERED;
		attempt_result(a, h->indexes[i], kind_of(o), o->code,
			       o->enhanced, o->reply, dsn);
	}
	h->transaction.count = 0;
	if (delivered)
		counter_add(hop_deliver(h)->config.counters,
			    COUNTER_delivered_bytes_total,
			    a->envelope.body_bytes);
}

/* --- the body ------------------------------------------------------------- */

static void read_piece(struct hop *h);

static void body_done(struct hop *h)
{
	h->sending_body = false;
	smtp_client_body_end(h->client, conn_out(h->conn));
}

/* As much of a small body as the connection takes now; the rest when it has
 * drained. */
static void send_small(struct hop *h)
{
	uint64_t bound = hop_deliver(h)->config.limits->output_pending;
	slice piece;
	while (conn_pending_bytes(h->conn) < bound) {
		if (!body_next(&h->body_at, &piece)) {
			body_done(h);
			return;
		}
		smtp_client_body(h->client, conn_out(h->conn), piece);
	}
}

void hop_send_body(struct hop *h)
{
	if (h->attempt->body != NULL)
		send_small(h);
	else if (!h->piece_under_way)
		read_piece(h);
}

static void piece_read(struct spool_read_piece *p)
{
	struct hop *h = CONTAINER_OF(p, struct hop, piece);
	slice none = { 0 };
	h->piece_under_way = false;
	if (h->over) {
		hop_close(h);
		return;
	}
	if (!p->ok) {
		hop_fail(h, &p->err, false);
		return;
	}
	h->piece_offset += p->n;
	smtp_client_body(h->client, conn_out(h->conn),
			 (slice){ h->piece_bytes, p->n });
	if (p->n < HOP_PIECE_BYTES)
		body_done(h);
	hop_step(h, &none);
}

static void read_piece(struct hop *h)
{
	struct err err;
	if (h->piece_bytes == NULL)
		h->piece_bytes = malloc(HOP_PIECE_BYTES);
	if (h->piece_bytes == NULL) {
		err_set_memory(&err, "hop");
		hop_fail(h, &err, false);
		return;
	}
	h->piece = (struct spool_read_piece){
		.id = h->attempt->envelope.id,
		.offset = h->piece_offset,
		.to = h->piece_bytes,
		.cap = HOP_PIECE_BYTES,
		.done = piece_read,
	};
	h->piece_under_way = true;
	spool_read_piece(hop_deliver(h)->config.spool, &h->piece);
}

void hop_begin_body(struct hop *h)
{
	h->sending_body = true;
	h->piece_offset = 0;
	if (h->attempt->body != NULL)
		h->body_at = body_start(h->attempt->body);
	hop_send_body(h);
}

