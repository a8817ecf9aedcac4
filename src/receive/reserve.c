/*
 * What a transaction takes of its customer's limits (SPEC 6): reserved at
 * RCPT, kept while bytes arrive, booked with the 250, given back whatever
 * else happens. The ledger counts (limits/ledger); here its answers become
 * replies, by what the customer wants to happen over a limit (6.10): refuse,
 * defer, or hold. What is held is in no reservation; it counts among what
 * `queue/held` keeps from its RCPT on.
 */
#include "receive/receive_private.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "limits/window.h"

enum { PROGRESS_MS = 1000 };

static int64_t now_of(const struct transaction *t)
{
	return loop_wall_ms(t->session->receive->config.loop);
}

static const struct customer *customer_of(const struct transaction *t)
{
	return t->decision.customer;
}

/* The order of customer.over_limit. */
enum { OVER_CUSTOMER_DAY, OVER_CUSTOMER_PEAK, OVER_USER };

static bool defers(const struct transaction *t, unsigned limit)
{
	/* What can't be held is kept by its sender. */
	return customer_of(t)->over_limit[limit] != OVER_REFUSE;
}

static bool holds(const struct transaction *t, enum ledger_verdict verdict)
{
	static const uint8_t of[LEDGER_VERDICTS] = {
		[LEDGER_CUSTOMER_DAY] = OVER_CUSTOMER_DAY,
		[LEDGER_CUSTOMER_PEAK] = OVER_CUSTOMER_PEAK,
		[LEDGER_USER_MESSAGES] = OVER_USER,
		[LEDGER_USER_UNIQUE] = OVER_USER,
	};
	return verdict >= LEDGER_CUSTOMER_DAY &&
	       verdict <= LEDGER_USER_UNIQUE &&
	       customer_of(t)->over_limit[of[verdict]] == OVER_HOLD;
}

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
	*words = (struct limit_words){ 0 };
	if ((size_t)why->verdict >= ARRAY_LEN(units) ||
	    units[why->verdict] == NULL)
		return;
	int n = snprintf(words->text, sizeof(words->text),
			 "%" PRIu64 " of %" PRIu64 " %s are used",
			 why->used + why->reserved, why->limit,
			 units[why->verdict]);
	words->used = why->used + why->reserved;
	words->allowed = why->limit;
	if (why->opens_at_ms != WINDOW_NEVER)
		words->opens_at_ms = why->opens_at_ms;
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

/* --- held ----------------------------------------------------------------- */

/* At most a day's limit and 1 GiB of a customer. The size counts once, as
 * far as it is known. */
static bool take_held(struct transaction *t, uint32_t recipients,
		      uint64_t bytes)
{
	if (!held_take(t->session->receive->config.held, t->envelope.customer,
		       t->allowed.customer_day, recipients, bytes))
		return false;
	t->held_count += recipients;
	t->held_bytes += bytes;
	return true;
}

static enum reply_id full_of_held(struct transaction *t,
				  struct limit_words *words)
{
	counter_add(t->session->receive->config.counters,
		    COUNTER_limit_refusals_total, 1);
	snprintf(words->text, sizeof(words->text),
		 "As much of your mail is held as may be; try again later");
	return t->held_reply;
}

/* Over `verdict`: held, or why not. */
static enum reply_id hold(struct transaction *t, enum ledger_verdict verdict,
			  struct limit_words *words)
{
	bool first = t->held_count == 0;
	t->held_reply = reply_of(t, verdict);
	if (!take_held(t, 1, first ? t->room_bytes : 0))
		return full_of_held(t, words);
	counter_add(t->session->receive->config.counters,
		    COUNTER_limit_held_total, 1);
	return REPLY_RECIPIENT_OK;
}

/* What is held goes first: who comes while the room there is will be used up
 * by it is held too, over the limit with the least room. LEDGER_OK: nobody is
 * before it. */
static enum ledger_verdict behind_held(const struct transaction *t)
{
	const struct receive_config *c = &t->session->receive->config;
	struct held_figures f;
	struct ledger_view v;
	enum ledger_verdict over = LEDGER_OK;
	if ((!holds(t, LEDGER_CUSTOMER_DAY) &&
	     !holds(t, LEDGER_CUSTOMER_PEAK)) ||
	    address_is_null(&t->envelope.sender))
		return LEDGER_OK;
	held_figures(c->held, t->envelope.customer, &f);
	if (f.recipients == 0)
		return LEDGER_OK;
	ledger_show(c->ledger, t->envelope.customer, 0, &t->allowed,
		    now_of(t), &v);
	for (uint64_t i = 0, least = f.recipients + 1; i < v.count; i++) {
		const struct ledger_row *row = &v.rows[i];
		if (!holds(t, row->limit) || row->headroom >= least)
			continue;
		least = row->headroom;
		over = row->limit;
	}
	return over;
}

/* The true size is known. */
static bool take_true_size(struct transaction *t, uint64_t bytes)
{
	return t->held_count == 0 || bytes <= t->held_bytes ||
	       take_held(t, 0, bytes - t->held_bytes);
}

/* --- the way of a reservation --------------------------------------------- */

enum reply_id reserve_at_mail(struct transaction *t,
			      struct limit_words *words)
{
	struct ledger *ledger = t->session->receive->config.ledger;
	const struct customer *customer = customer_of(t);
	const struct envelope *e = &t->envelope;
	struct ledger_refusal why;
	t->allowed = view_allowance(t->view, customer);
	if (e->user == 0 ||
	    ledger_message_fits(ledger, customer->id, e->user, &t->allowed,
				now_of(t), &why))
		return REPLY_SENDER_OK;
	if (holds(t, why.verdict))
		return REPLY_SENDER_OK;		/* each RCPT will be held */
	note_refusal(t, &why, words);
	return reply_of(t, why.verdict);
}

enum reply_id reserve_recipient(struct transaction *t,
				const struct address *a, uint8_t *held,
				struct limit_words *words)
{
	const struct receive_config *c = &t->session->receive->config;
	uint64_t hash = booking_recipient_hash(c->booking_key, a->local,
					       a->domain);
	struct ledger_ask ask = {
		.customer = t->envelope.customer,
		.user = t->envelope.user,
		/* Whether it may draw on the reserve its content will tell. */
		.mode = address_is_null(&t->envelope.sender) ?
			LEDGER_NULL_SENDER : LEDGER_ORDINARY,
		.shared_address = t->decision.address_shared,
		.allowed = t->allowed,
		.hashes = &hash,
		.count = 1,
	};
	struct ledger_refusal why;
	enum ledger_verdict verdict = behind_held(t);
	if (verdict == LEDGER_OK &&
	    ledger_reserve(c->ledger, &t->reservation, &ask, now_of(t),
			   &verdict, &why) == 1)
		return REPLY_RECIPIENT_OK;
	if (holds(t, verdict)) {
		*held = (uint8_t)verdict;
		return hold(t, verdict, words);
	}
	note_refusal(t, &why, words);
	return reply_of(t, verdict);
}

/* Bytes come by the thousand; the ledger needs to hear of them now and
 * then. */
void reserve_progress(struct transaction *t)
{
	int64_t now_ms = now_of(t);
	if (t->reservation == NULL)
		return;
	if (now_ms - t->progress_ms < PROGRESS_MS && now_ms >= t->progress_ms)
		return;
	t->progress_ms = now_ms;
	ledger_progress(t->session->receive->config.ledger, t->reservation,
			now_ms);
}

/* SPEC 5.4: what the null sender's reserve is there for. */
static bool may_draw(const struct transaction *t, uint64_t bytes)
{
	return bytes <= NULL_RESERVE_BYTES_MAX ||
	       t->header.multipart_report || t->header.auto_submitted;
}

/* It drew on the reserve and may not: as if it were any sender. */
static enum reply_id judge_draw(struct transaction *t, uint64_t bytes,
				struct limit_words *words)
{
	const struct receive_config *c = &t->session->receive->config;
	enum ledger_verdict over = ledger_drew_over(t->reservation);
	uint32_t n = t->envelope.recipient_count;
	if (over == LEDGER_OK || may_draw(t, bytes))
		return REPLY_ACCEPTED;
	ledger_release(c->ledger, &t->reservation);
	if (!holds(t, over)) {
		counter_add(c->counters, COUNTER_limit_refusals_total, 1);
		snprintf(words->text, sizeof(words->text),
			 "Only reports, automatic replies and messages of at "
			 "most %d bytes may use the empty sender over the "
			 "limit", NULL_RESERVE_BYTES_MAX);
		return reply_of(t, over);
	}
	t->held_reply = reply_of(t, over);
	if (!take_held(t, n - t->held_count, 0))
		return full_of_held(t, words);
	for (uint32_t i = 0; i < n; i++)
		if (t->held[i] == LEDGER_OK)
			t->held[i] = (uint8_t)over;
	counter_add(c->counters, COUNTER_limit_held_total, n);
	return REPLY_ACCEPTED;
}

static uint64_t body_bytes(const struct transaction *t)
{
	return t->big != NULL ? spool_big_size(t->big) : t->body->size;
}

enum reply_id reserve_renew(struct transaction *t, struct limit_words *words)
{
	struct ledger_refusal why;
	uint64_t bytes = body_bytes(t);
	enum reply_id id = REPLY_ACCEPTED;
	if (t->reservation != NULL) {
		if (!ledger_renew(t->session->receive->config.ledger,
				  t->reservation, &t->allowed, now_of(t),
				  &why)) {
			note_refusal(t, &why, words);
			return why.verdict == LEDGER_BUSY ?
				       REPLY_FAULT : REPLY_CUSTOMER_PEAK;
		}
		id = judge_draw(t, bytes, words);
	}
	if (id == REPLY_ACCEPTED && !take_true_size(t, bytes))
		return full_of_held(t, words);
	return id;
}

/* Of whose domain the customer's postmaster may be told. */
static slice domain_of(const struct transaction *t)
{
	if (!address_is_null(&t->envelope.sender))
		return t->envelope.sender.domain;
	return t->decision.helo_domain ? t->decision.helo_domain->name :
					 (slice){ 0 };
}

void reserve_book(struct transaction *t)
{
	struct session *s = t->session;
	struct ledger_alert alerts[LEDGER_LIMITS];
	if (t->reservation == NULL)
		return;
	unsigned count = ledger_book(s->receive->config.ledger,
				     &t->reservation, &t->allowed,
				     t->envelope.accepted_ms, now_of(t),
				     alerts);
	for (unsigned i = 0; i < count; i++)
		alert_tell(s->receive->config.alerts, &alerts[i],
			   domain_of(t));
}

void reserve_release(struct transaction *t)
{
	const struct receive_config *c = &t->session->receive->config;
	ledger_release(c->ledger, &t->reservation);
	held_give(c->held, t->envelope.customer, t->held_count, t->held_bytes);
	t->held_count = 0;
	t->held_bytes = 0;
}
