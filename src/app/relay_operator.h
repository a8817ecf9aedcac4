/*
 * The operator's alerts inside relay: what is looked at once a second (the
 * spool's disk, admin), what is told at a start (crashes, a spool that had
 * closed), by the day and by the week (certificate, old TLS); and the way of a
 * mail to the door of the first shard. Which mail is due: operator_alerts.h.
 *
 * On the control thread, but for what runs on the shard by its job.
 */
#pragma once

#include "app/relay_private.h"
#include "receive/legacy_clients.h"

/* Before the core is opened, which then tells marks that it finds. */
bool relay_operator_begin(struct relay *r, struct err *err) MUST_USE;
/* relay_core_config.operator_mark; ctx is the relay. */
void relay_operator_mark(void *ctx, uint8_t number, int64_t sent_ms);
/* After the core was closed. */
void relay_operator_end(struct relay *r);
/* Another address, other routes. */
void relay_operator_configure(struct relay *r, const struct config *c);
/* Once a second. */
void relay_operator_look(struct relay *r, int64_t now_ms);
/* No more mail; empty is called when none is on its way, perhaps before this
 * returns. Once. */
void relay_operator_drain(struct relay *r, void (*empty)(struct relay *r));

/* The certificate in force, once a day and when it changes: tells
 * 30, 14, 7, 3 and 1 days before its end, and daily when it is over. */
void relay_operator_certificate(struct relay *r, int64_t ends_ms,
				int64_t now_ms);
/* The machine's clock jumped, and Postrider goes by another time. */
void relay_operator_clock(struct relay *r, int64_t machine_ms,
			  int64_t ours_ms);
/* Who came with old TLS since since_ms; rows as legacy_clients_take gives
 * them. */
void relay_operator_legacy(struct relay *r, const struct legacy_client *rows,
			   size_t count, int64_t since_ms, int64_t now_ms);
