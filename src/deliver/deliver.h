/*
 * Mail out, on one shard: a lane to each destination, connections that are
 * reused, attempts, outcomes, delivery reports. Everything runs on the
 * shard's loop; it takes from the queue and gives back to it.
 */
#pragma once

#include "accept/door.h"
#include "base/limits_table.h"
#include "base/notes.h"
#include "base/text.h"
#include "deliver/route.h"
#include "net/conn.h"
#include "net/resolver.h"
#include "queue/queue.h"

struct deliver_config {
	struct loop *loop;
	struct queue *queue;
	struct door *door;
	struct spool *spool;
	struct journal *journal;
	struct log *log;
	struct counters *counters;
	struct note *note;
	struct body_budget *budget;
	const struct limits *limits;
	struct resolver *resolver;
	struct os_pool *disk;		/* Maildir */
	struct tls_context *tls;	/* client side; a reference is taken */
	slice hostname;
	const struct routes *routes;
	/* Language of a customer's reports. */
	enum language (*language)(void *ctx, uint32_t customer);
	void *language_ctx;
};

struct deliver;
bool deliver_new(const struct deliver_config *config, struct deliver **out,
		 struct err *err) MUST_USE;
/* No attempt may be under way. */
void deliver_free(struct deliver **d);

/* Routes of the attempts from now on; the old ones must live until the
 * connections that use them are gone (deliver_uses). */
void deliver_set_routes(struct deliver *d, const struct routes *routes);
/* For what begins from now on; the old ones must stay for as long as deliver
 * lives. */
void deliver_set_limits(struct deliver *d, const struct limits *limits);
bool deliver_uses(const struct deliver *d, const struct routes *routes);

/* For the queue's hooks (queue_hooks.ready and .report). */
void deliver_ready(struct deliver *d, struct destination *destination);
void deliver_report(struct deliver *d, struct queue_entry *e);

/* No new attempts; those under way end. empty is called once, when the last
 * one is gone (perhaps before this returns). */
void deliver_drain(struct deliver *d, void (*empty)(void *ctx), void *ctx);
uint32_t deliver_open_count(const struct deliver *d);
