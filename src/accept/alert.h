/*
 * A limit was reached by 80 or 100 % (SPEC 6.11): told to the journal and, by
 * mail, to the customer's super admins, in the customer's language. Without
 * one who can sign in, to the customer's report address; without that, to
 * postmaster at the domain of the message that reached it.
 *
 * Once a window: the ledger tells each level once, the alert's accept frame
 * carries the mark that a start reads again, and what could not be stored is
 * forgotten, so that the next booking tells it. No limit counts an alert (6.9),
 * so it leaves when they are used up (8.2).
 *
 * One a shard, on its loop.
 */
#pragma once

#include "accept/notice.h"
#include "policy/view.h"

struct alerts_config {
	struct door *door;
	struct body_budget *budget;
	struct ledger *ledger;
	struct journal *journal;
	struct log *log;
	struct counters *counters;
};

struct alerts;
/* NULL and err: no memory. */
struct alerts *alerts_new(const struct alerts_config *config,
			  const struct view *view, struct err *err) MUST_USE;
/* No alert may be under way at the door. */
void alerts_free(struct alerts **a);
/* From now on; a reference is taken. */
void alerts_set_view(struct alerts *a, const struct view *view);

/* No mail any more; empty is called when none is at the door (perhaps before
 * this returns). What is not told now the next booking after a start tells. */
void alerts_drain(struct alerts *a, void (*empty)(void *ctx), void *ctx);

/* sender_domain: of the message, may be empty. */
void alert_tell(struct alerts *a, const struct ledger_alert *alert,
		slice sender_domain);

/* What it says; pure. opens_at_ms: 0 or WINDOW_NEVER: isn't said. */
struct alert_facts {
	const struct ledger_alert *alert;
	const struct customer *customer;
	slice user;			/* address, of a user's limit */
	slice hostname;
	int64_t now_ms, opens_at_ms;
};
void alert_subject(struct buf *out, const struct alert_facts *f);
void alert_text(struct buf *out, const struct alert_facts *f);
