/*
 * One attempt: what is needed is loaded, the routes of today are asked, and
 * the part is sent by a hop or into a Maildir; at the end the queue learns
 * what became of each recipient.
 */
#include "deliver/deliver_private.h"

#include <stdlib.h>

enum { ATTEMPT_ARENA_MAX = 67108864, LATER_MS = 5000 };

static const uint8_t expired_status[3] = { 4, 4, 7 };
static const uint8_t no_route_status[3] = { 4, 4, 4 };

uint16_t attempt_number(const struct attempt *a, uint16_t index)
{
	invariant(index < a->part->count);
	return a->part->entry->recipients[a->part->first + index].number;
}

bool attempt_wants(const struct attempt *a, uint16_t index)
{
	invariant(index < a->part->count);
	return a->part->entry->recipients[a->part->first + index].state ==
	       RECIPIENT_WAITING;
}

/* --- end ------------------------------------------------------------------ */

static void free_attempt(struct attempt *a)
{
	struct deliver *d = a->deliver;
	struct deliver_lane *l = a->lane;
	if (a->was_read)
		buf_fini(&a->read.envelope);
	body_unref(&a->body);
	arena_fini(&a->arena);
	free(a->has_result);
	free(a->results);
	free(a);
	note_message_clear(d->config.note);
	lane_dispatch_later(l);
	deliver_attempt_over(d);
}

/* The hop or the place in the Maildir is free for the next part. */
static void leave(struct attempt *a)
{
	if (a->hop != NULL) {
		struct hop *h = a->hop;
		a->hop = NULL;
		hop_idle(h);
	} else {
		lane_leave(a->lane);
	}
}

/* The lease ends without an outcome. */
static void give_back(struct attempt *a, int64_t after_ms)
{
	queue_untake(a->part, after_ms);
	leave(a);
	free_attempt(a);
}

void attempt_result(struct attempt *a, uint16_t index, enum result_kind kind,
		    uint16_t code, const uint8_t enhanced[3], slice reply,
		    bool dsn_passed)
{
	invariant(a->result_count < a->part->count);
	struct queue_result *r = &a->results[a->result_count];
	*r = (struct queue_result){
		.number = attempt_number(a, index),
		.kind = kind,
		.code = code,
		.dsn_passed = dsn_passed,
	};
	memcpy(r->enhanced, enhanced, sizeof(r->enhanced));
	/* The words live only until the hop's next transaction. */
	if (!arena_copy(&a->arena, reply, &r->reply))
		r->reply = (slice){ 0 };
	a->result_count++;
	a->has_result[index] = true;
}

void attempt_rest(struct attempt *a, enum result_kind kind, uint16_t code,
		  const uint8_t enhanced[3], slice reply)
{
	for (uint16_t i = 0; i < a->part->count; i++)
		if (attempt_wants(a, i) && !a->has_result[i])
			attempt_result(a, i, kind, code, enhanced, reply,
				       false);
}

void attempt_end(struct attempt *a, slice host, const struct ip_port *peer)
{
	struct queue_attempt told = {
		.host = host,
		.tls = a->tls[0] ? a->tls : NULL,
		.ambiguous = a->ambiguous,
		.destination_down = a->down,
		.envelope = &a->envelope,
	};
	if (peer != NULL)
		told.address = *peer;
	queue_outcome(a->part, &told, a->results, a->result_count);
	leave(a);
	free_attempt(a);
}

/* --- send ----------------------------------------------------------------- */

/* Its time is over: the last words that were heard stand in the report. */
static void end_expired(struct attempt *a)
{
	for (uint16_t i = 0; i < a->part->count; i++) {
		const struct queue_recipient *r =
			&a->part->entry->recipients[a->part->first + i];
		slice words = r->reply ? slice_of(r->reply)
				       : SLICE("Delivery time expired");
		if (attempt_wants(a, i))
			attempt_result(a, i, RESULT_FAILED, r->code,
				       expired_status, words, false);
	}
	attempt_end(a, (slice){ 0 }, NULL);
}

static void send(struct attempt *a)
{
	struct deliver *d = a->deliver;
	note_message(d->config.note, a->envelope.id, "deliver");
	if (!queue_still_routed(a->part, &a->envelope)) {
		/* The entry was made anew; this lease is over. */
		leave(a);
		free_attempt(a);
		return;
	}
	a->results = calloc(a->part->count, sizeof(struct queue_result));
	a->has_result = calloc(a->part->count, sizeof(bool));
	if (a->results == NULL || a->has_result == NULL) {
		give_back(a, LATER_MS);
		return;
	}
	counter_add(d->config.counters, COUNTER_attempts_total, 1);
	const struct route *route =
		routes_of(d->config.routes, a->lane->destination);
	if (a->expired) {
		end_expired(a);
	} else if (a->hop != NULL) {
		hop_send(a->hop, a);
	} else if (route != NULL && route->kind == DELIVER_MAILDIR) {
		maildir_send(a, route);
	} else {
		attempt_rest(a, RESULT_DEFERRED, 0, no_route_status,
			     SLICE("No route to this destination any more"));
		attempt_end(a, (slice){ 0 }, NULL);
	}
}

/* --- load ----------------------------------------------------------------- */

/* Its bytes can't be read. A disk that fails may come back; a damaged message
 * (its frame is in quarantine) is held for the operator. */
static void end_unreadable(struct attempt *a, const struct err *err)
{
	log_failure(a->deliver->config.log, LOG_ERROR, "deliver.unreadable",
		    err);
	if (err->kind != ERR_PROTOCOL && err->kind != ERR_PERMANENT) {
		give_back(a, LATER_MS);
		return;
	}
	struct queue_entry *e = a->part->entry;
	queue_untake(a->part, 0);
	leave(a);
	free_attempt(a);
	queue_hold(e, HELD_OPERATOR);
}

static void loaded(struct attempt *a, slice envelope)
{
	struct err err;
	if (envelope_read(envelope, &a->arena, &a->envelope, &err))
		send(a);
	else
		end_unreadable(a, &err);
}

static void was_read(struct spool_read *r)
{
	struct attempt *a = CONTAINER_OF(r, struct attempt, read);
	a->was_read = true;
	if (!r->ok) {
		end_unreadable(a, &r->err);
		return;
	}
	a->body = r->body;
	r->body = NULL;
	loaded(a, buf_slice(&r->envelope));
}

static void load(struct attempt *a)
{
	const struct queue_entry *e = a->part->entry;
	if (e->memory != NULL && (e->memory->body != NULL || e->big)) {
		a->body = e->memory->body ? body_ref(e->memory->body) : NULL;
		loaded(a, buf_slice(&e->memory->envelope));
		return;
	}
	a->read.id = e->id;
	a->read.want_body = !e->big;
	a->read.done = was_read;
	spool_read(a->deliver->config.spool, &a->read);
}

bool attempt_begin(struct deliver_lane *lane, struct hop *hop)
{
	struct deliver *d = lane->deliver;
	struct attempt *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return false;
	a->part = queue_take(d->config.queue, lane->destination, &a->expired);
	if (a->part == NULL) {
		free(a);
		return false;
	}
	a->deliver = d;
	a->lane = lane;
	a->hop = hop;
	if (hop != NULL)
		hop_claim(hop);
	arena_init(&a->arena, ATTEMPT_ARENA_MAX);
	d->attempts++;
	load(a);
	return true;
}
