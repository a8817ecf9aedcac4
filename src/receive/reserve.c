/*
 * What a transaction takes of its customer's limits (SPEC 6): reserved at
 * RCPT, kept while bytes arrive, booked with the 250, given back whatever
 * else happens. The ledger counts (limits/ledger); here its answers become
 * replies, by what the customer wants to happen over a limit (6.10).
 */
#include "receive/receive_private.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "limits/window.h"

enum { PROGRESS_MS = 1000, NULL_RESERVE_BYTES_MAX = 65536 };

static int64_t now_of(const struct transaction *t)
{
	return loop_wall_ms(t->session->receive->config.loop);
}

static const struct customer *customer_of(const struct transaction *t)
{
	return t->decision.customer;
}

static bool defers(const struct transaction *t, unsigned limit)
{
	/* Held mail is kept by its sender as long as it can't be kept here. */
	return customer_of(t)->over_limit[limit] != OVER_REFUSE;
}

/* The order of customer.over_limit. */
enum { OVER_CUSTOMER_DAY, OVER_CUSTOMER_PEAK, OVER_USER };

static enum reply_id reply_of(const struct transaction *t,
			      enum ledger_verdict verdict)
{
	switch (verdict) {
	case LEDGER_CUSTOMER_DAY:
		return defers(t, OVER_CUSTOMER_DAY) ?
			       REPLY_CUSTOMER_DAY_DEFER : REPLY_CUSTOMER_DAY;
	case LEDGER_CUSTOMER_PEAK:
		return REPLY_CUSTOMER_PEAK;
	case LEDGER_USER_MESSAGES:
	case LEDGER_USER_UNIQUE:
		return defers(t, OVER_USER) ? REPLY_USER_DAY_DEFER :
					      REPLY_USER_DAY;
	case LEDGER_SESSION:
		return REPLY_TOO_MANY_RECIPIENTS;
	case LEDGER_BUSY:
		return REPLY_FAULT;
	case LEDGER_OK:
	case LEDGER_VERDICTS:
		break;
	}
	unreachable_state("a verdict that is no refusal");
}

static const char *const units[] = {
	[LEDGER_CUSTOMER_DAY] = "recipients in 24 hours",
	[LEDGER_CUSTOMER_PEAK] = "recipients in 10 minutes",
	[LEDGER_USER_MESSAGES] = "messages of this sender in 24 hours",
	[LEDGER_USER_UNIQUE] =
		"different recipients of this sender in 24 hours",
};

/* "130 of 130 recipients in 24 hours are used; the next may be sent at …". */
static void say_room(const struct ledger_refusal *why,
		     struct limit_words *words)
{
	char at[TIME_TEXT_MAX];
	words->text[0] = '\0';
	if ((size_t)why->verdict >= ARRAY_LEN(units) ||
	    units[why->verdict] == NULL)
		return;
	int n = snprintf(words->text, sizeof(words->text),
			 "%" PRIu64 " of %" PRIu64 " %s are used",
			 why->used + why->reserved, why->limit,
			 units[why->verdict]);
	if (why->opens_at_ms == WINDOW_NEVER || n < 0 ||
	    (size_t)n >= sizeof(words->text))
		return;
	snprintf(words->text + n, sizeof(words->text) - (size_t)n,
		 "; there is room for more from %s",
		 time_text_ms(why->opens_at_ms, at));
}

static void note_refusal(struct transaction *t,
			 const struct ledger_refusal *why,
			 struct limit_words *words)
{
	say_room(why, words);
	counter_add(t->session->receive->config.counters,
		    COUNTER_limit_refusals_total, 1);
}

/* --- the way of a reservation --------------------------------------------- */

enum reply_id reserve_at_mail(struct transaction *t,
			      struct limit_words *words)
{
	struct ledger *ledger = t->session->receive->config.ledger;
	const struct customer *customer = customer_of(t);
	const struct envelope *e = &t->envelope;
	struct ledger_refusal why;
	t->allowed = plan_allowance(view_plan_of(t->view, customer),
				    customer->licences,
				    customer->billing == BILLING_PAID);
	if (e->user == 0 ||
	    ledger_message_fits(ledger, customer->id, e->user, &t->allowed,
				now_of(t), &why))
		return REPLY_SENDER_OK;
	note_refusal(t, &why, words);
	return reply_of(t, why.verdict);
}

/* The reserve of SPEC 5.4 is for what is small, as far as MAIL tells. */
static enum ledger_mode mode_of(const struct transaction *t)
{
	bool null = address_is_null(&t->envelope.sender);
	return null && t->room_bytes <= NULL_RESERVE_BYTES_MAX ?
		       LEDGER_NULL_SENDER : LEDGER_ORDINARY;
}

enum reply_id reserve_recipient(struct transaction *t,
				const struct address *a,
				struct limit_words *words)
{
	const struct receive_config *c = &t->session->receive->config;
	uint64_t hash = booking_recipient_hash(c->booking_key, a->local,
					       a->domain);
	struct ledger_ask ask = {
		.customer = t->envelope.customer,
		.user = t->envelope.user,
		.mode = mode_of(t),
		.shared_address = t->decision.address_shared,
		.allowed = t->allowed,
		.hashes = &hash,
		.count = 1,
	};
	enum ledger_verdict verdict;
	struct ledger_refusal why;
	if (ledger_reserve(c->ledger, &t->reservation, &ask, now_of(t),
			   &verdict, &why) == 1)
		return REPLY_RECIPIENT_OK;
	note_refusal(t, &why, words);
	return reply_of(t, verdict);
}

/* Bytes come by the thousand; the ledger needs to hear of them now and
 * then. */
void reserve_progress(struct transaction *t)
{
	int64_t now_ms = now_of(t);
	if (now_ms - t->progress_ms < PROGRESS_MS && now_ms >= t->progress_ms)
		return;
	t->progress_ms = now_ms;
	ledger_progress(t->session->receive->config.ledger, t->reservation,
			now_ms);
}

enum reply_id reserve_renew(struct transaction *t, struct limit_words *words)
{
	struct ledger_refusal why;
	if (ledger_renew(t->session->receive->config.ledger, t->reservation,
			 &t->allowed, now_of(t), &why))
		return REPLY_ACCEPTED;
	note_refusal(t, &why, words);
	return why.verdict == LEDGER_BUSY ? REPLY_FAULT : REPLY_CUSTOMER_PEAK;
}

void reserve_book(struct transaction *t)
{
	struct session *s = t->session;
	struct ledger_alert alerts[LEDGER_LIMITS];
	unsigned count = ledger_book(s->receive->config.ledger,
				     &t->reservation, &t->allowed,
				     t->envelope.accepted_ms, now_of(t),
				     alerts);
	for (unsigned i = 0; i < count; i++)
		tell_limit(s, &alerts[i]);
}

void reserve_release(struct transaction *t)
{
	ledger_release(t->session->receive->config.ledger, &t->reservation);
}
