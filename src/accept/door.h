/*
 * The one way in. Every message, whoever wrote it (a session, a delivery
 * report, an alert, an import), is a submission: the door seals it (id,
 * trace fields), writes the one record (envelope, body, bookings, archive
 * mark) to the spool, and posts it to the queue. Only then `done` says ok,
 * and only then may a 250 go out.
 *
 * One door a shard, on its loop. Nothing is kept of what failed.
 */
#pragma once

#include "base/counters.h"
#include "policy/view.h"
#include "queue/queue.h"
#include "smtp/trace.h"
#include "spool/spool.h"

struct door;
struct door_config {
	struct spool *spool;
	struct queue *queue;
	struct journal *journal;
	struct log *log;
	struct counters *counters;
	slice hostname;			/* outlives the door */
	int64_t (*wall_ms)(void *clock);
	void *clock;
};
bool door_new(const struct door_config *config, struct door **out,
	      struct err *err) MUST_USE;
/* No submission may be under way. */
void door_free(struct door **d);

/* What it was made with. */
const struct door_config *door_settings(const struct door *d);

/* A new message id. */
struct id door_id(struct door *d);

struct submission {
	/* The caller's; read until door_submit returns. id, sender,
	 * recipients and all facts are set; the door fills accepted_ms,
	 * body_bytes and trace_bytes. */
	struct envelope *envelope;
	/* One of the two; taken. The body isn't sealed yet. */
	struct body *body;
	struct spool_big *big;
	/* How it came in, for Received: (smtp/trace.h). */
	struct trace_facts trace;
	/* By what way it came, for the journal; empty, NULL: not known. */
	slice listener;
	slice login;			/* id of the app password */
	const struct ip_entry *entry;	/* that held the client's address */
	/* Bookings and archive mark, opaque; may be empty. */
	slice booking, archive;
	/* One per recipient: over which limit (ledger_verdict) it is held
	 * (SPEC 6.10) and so in no booking, or LEDGER_OK; NULL: none is. Read
	 * until door_submit returns. */
	const uint8_t *held;
	/* A report: the entry whose recipients it ends, NULL otherwise. */
	struct queue_entry *ends;
	/* On this shard's loop, later or before door_submit returns. The id
	 * is the message's. unknown: it may or may not be stored, so the
	 * connection ends without a reply (DESIGN: closed spool). */
	void (*done)(void *ctx, bool ok, bool unknown, const struct err *err);
	void *ctx;
};
void door_submit(struct door *d, struct submission *s);
/* Submissions under way. */
uint32_t door_open_count(const struct door *d);
