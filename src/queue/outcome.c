/*
 * The end of an attempt: one call that says what became of each recipient,
 * decides when the rest is tried again, writes the state, tells the journal
 * and asks for a report when one is due.
 */
#include "queue/queue_private.h"

enum { DOWN_FIRST_MS = 1000, DOWN_MAX_MS = 300000, REPORT_AGAIN_MS = 60000 };

/* --- recipients ----------------------------------------------------------- */

/* Results come mostly in the part's order: it is looked for from *at on, where
 * the one before was found, and around. */
static struct queue_recipient *find(struct queue_part *p, uint16_t number,
				    uint32_t *at)
{
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t k = (*at + i) % p->count;
		struct queue_recipient *r =
			&p->entry->recipients[p->first + k];
		if (r->number != number)
			continue;
		*at = k + 1;
		return r;
	}
	return NULL;
}

/* RFC 3461 4.1: nothing said means FAILURE (and DELAY, if we like). */
static bool wants(uint8_t notify, enum dsn_notify what)
{
	return notify == 0 ? what == DSN_FAILURE : (notify & what) != 0;
}

static void apply(struct queue_entry *e, struct queue_recipient *r,
		  const struct queue_result *result, uint8_t notify)
{
	if (r->state != RECIPIENT_WAITING)
		return;
	recipient_set_reply(r, result->code, result->enhanced, result->reply);
	switch (result->kind) {
	case RESULT_DEFERRED:
		return;
	case RESULT_DELIVERED:
		r->state = RECIPIENT_DELIVERED;
		r->dsn_passed = result->dsn_passed;
		r->reported = e->own || r->dsn_passed ||
			      !wants(notify, DSN_SUCCESS);
		break;
	case RESULT_FAILED:
		r->state = RECIPIENT_FAILED;
		r->reported = e->own || !wants(notify, DSN_FAILURE);
		break;
	}
	invariant(e->waiting > 0 && e->queue->waiting > 0);
	e->waiting--;
	e->queue->waiting--;
}

static uint8_t notify_of(const struct queue_attempt *a, uint16_t number)
{
	invariant(number < a->envelope->recipient_count);
	return a->envelope->recipients[number].notify;
}

/* --- time ----------------------------------------------------------------- */

static int64_t retry_after_ms(const struct queue *q, uint16_t tries)
{
	const struct retry_plan *plan = &q->config.retry;
	invariant(plan->steps > 0 && tries > 0);
	uint32_t step = tries - 1u;
	return plan->after_ms[step < plan->steps ? step : plan->steps - 1];
}

static void settle_part(struct queue *q, struct queue_part *p)
{
	p->urgent = false;
	if (part_waiting(p) > 0) {
		if (p->tries < UINT16_MAX)
			p->tries++;
		part_schedule(q, p, queue_wall_ms(q) +
					    retry_after_ms(q, p->tries));
	} else {
		p->state = part_held(p) > 0 ? PART_HELD : PART_DONE;
	}
}

/* A host that can't be reached is left alone for a while, longer each time;
 * the first sign of life ends that. */
static void note_health(struct queue *q, struct destination *d, bool down)
{
	if (!down) {
		if (atomic_exchange(&d->failures, 0) > 0)
			atomic_store(&d->not_before_ms, 0);
		return;
	}
	uint32_t n = atomic_fetch_add(&d->failures, 1);
	int64_t pause = DOWN_FIRST_MS << (n < 16 ? n : 16);
	if (pause > DOWN_MAX_MS)
		pause = DOWN_MAX_MS;
	atomic_store(&d->not_before_ms, queue_wall_ms(q) + pause);
}

/* --- journal -------------------------------------------------------------- */

static void tell_recipient(struct json *j, const struct queue_attempt *a,
			   const struct queue_recipient *r)
{
	struct buf text;
	buf_init(&text, ADDRESS_TEXT_MAX);
	address_write(&text, &a->envelope->recipients[r->number].address);
	json_object(j);
	json_member_string(j, "to", buf_slice(&text));
	json_member_cstr(j, "state",
			 r->state == RECIPIENT_WAITING
				 ? "deferred"
				 : recipient_state_name(r->state));
	json_member_u64(j, "code", r->code);
	json_member_string(j, "reply", slice_of(r->reply));
	json_object_end(j);
	buf_fini(&text);
}

/* Not those that had ended before, or are held. The part has its next state
 * already; try: which one this was. */
static void tell(struct queue *q, struct queue_part *p, uint32_t try,
		 const struct queue_attempt *a, struct journal_event *event)
{
	char address[IP_PORT_TEXT_MAX];
	journal_begin(event, q->config.journal, "delivery", queue_wall_ms(q));
	struct json *j = &event->json;
	json_key(j, "id");
	json_id(j, p->entry->id);
	json_member_u64(j, "customer", p->entry->customer);
	json_member_cstr(j, "destination", p->destination->name);
	json_member_string(j, "host", a->host);
	if (a->address.port != 0)
		json_member_cstr(j, "address",
				 ip_port_text(&a->address, address));
	if (a->tls != NULL)
		json_member_cstr(j, "tls", a->tls);
	if (a->ambiguous)
		json_member_bool(j, "ambiguous", true);
	json_member_u64(j, "try", try);
	if (part_waiting(p) > 0 && queue_next_ms(p) > 0) {
		json_key(j, "next_at");
		json_time_ms(j, queue_next_ms(p));
	}
	json_key(j, "recipients");
	json_array(j);
	for (uint16_t i = 0; i < p->count; i++) {
		struct queue_recipient *r =
			&p->entry->recipients[p->first + i];
		if (r->state == RECIPIENT_WAITING || r->has_result)
			tell_recipient(j, a, r);
		r->has_result = false;
	}
	json_array_end(j);
}

static void count(struct queue *q, const struct queue_result *results,
		  uint32_t n)
{
	uint64_t by_kind[3] = { 0 };
	for (uint32_t i = 0; i < n; i++)
		by_kind[results[i].kind]++;
	counter_add(q->config.counters, COUNTER_recipients_delivered_total,
		     by_kind[RESULT_DELIVERED]);
	counter_add(q->config.counters, COUNTER_recipients_deferred_total,
		     by_kind[RESULT_DEFERRED]);
	counter_add(q->config.counters, COUNTER_recipients_failed_total,
		     by_kind[RESULT_FAILED]);
}

/* --- reports -------------------------------------------------------------- */

static bool has_ended(const struct queue_recipient *r)
{
	return r->state == RECIPIENT_FAILED || r->state == RECIPIENT_DELIVERED;
}

bool entry_unreported(const struct queue_entry *e)
{
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		const struct queue_recipient *r = &e->recipients[i];
		if (!r->reported && has_ended(r))
			return true;
	}
	return false;
}

/* Is another part of it about to end too? Then one report tells both. */
static bool more_to_come(const struct queue_entry *e)
{
	for (uint16_t i = 0; i < e->part_count; i++) {
		const struct queue_part *p = &e->parts[i];
		if (p->state == PART_LEASED ||
		    (p->state == PART_READY &&
		     atomic_load(&p->destination->failures) == 0 &&
		     !atomic_load(&p->destination->paused)))
			return true;
	}
	return false;
}

bool queue_ask_report(struct queue *q, struct queue_entry *e)
{
	/* A report's frame has the state of the whole entry: not while a
	 * release is between memory and disk. Its end asks again. */
	if (e->own || e->reporting || e->release != NULL ||
	    !entry_unreported(e) || more_to_come(e))
		return false;
	e->reporting = true;
	q->hooks.report(q->hooks.ctx, e);
	return true;
}

bool queue_state_when_reported(struct queue_entry *e, struct buf *out)
{
	invariant(e->reporting);
	e->changed = false;
	e->ends_with_report = e->waiting == 0;
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		struct queue_recipient *r = &e->recipients[i];
		r->telling = has_ended(r) && !r->reported;
		r->reported = r->reported || r->telling;
	}
	if (!e->ends_with_report)
		entry_state_write(out, e);
	/* The entry itself changes only when the frame is synced. */
	for (uint16_t i = 0; i < e->recipient_count; i++)
		if (e->recipients[i].telling)
			e->recipients[i].reported = false;
	return e->ends_with_report;
}

static void end_report(struct queue_entry *e, bool accepted)
{
	invariant(e->reporting);
	e->reporting = false;
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		struct queue_recipient *r = &e->recipients[i];
		r->reported = r->reported || (accepted && r->telling);
		r->telling = false;
	}
}

void queue_reported(struct queue_entry *e)
{
	struct queue *q = e->queue;
	end_report(e, true);
	if (!e->ends_with_report) {
		/* A state written meanwhile knows nothing of the report; and
		 * who has ended meanwhile wants one too. */
		if (e->changed)
			queue_write(q, e, NULL);
		queue_ask_report(q, e);
		return;
	}
	/* The report's frame said that this one is done. */
	invariant(e->waiting == 0);
	e->over = true;
	if (e->commit != NULL)
		return;
	counter_add(q->config.counters, COUNTER_messages_ended_total, 1);
	entry_written(e, true);
	queue_forget(q, &e);
}

void queue_unreportable(struct queue_entry *e)
{
	struct queue *q = e->queue;
	struct journal_event event;
	end_report(e, false);
	for (uint16_t i = 0; i < e->recipient_count; i++)
		if (has_ended(&e->recipients[i]))
			e->recipients[i].reported = true;
	journal_begin(&event, q->config.journal, "unreportable",
		      queue_wall_ms(q));
	json_key(&event.json, "id");
	json_id(&event.json, e->id);
	json_member_u64(&event.json, "customer", e->customer);
	queue_write(q, e, &event);
}

/* A part that has ended carries the alarm clock; its wake-up finds nothing to
 * send and asks for the report again. */
static void ask_again_later(struct queue *q, struct queue_entry *e)
{
	for (uint16_t i = 0; i < e->part_count; i++) {
		if (e->parts[i].state != PART_DONE)
			continue;
		part_schedule(q, &e->parts[i],
			      queue_wall_ms(q) + REPORT_AGAIN_MS);
		return;
	}
}

void queue_report_later(struct queue_entry *e)
{
	end_report(e, false);
	ask_again_later(e->queue, e);
	/* The outcome counted on the report's frame. */
	queue_write(e->queue, e, NULL);
}

/* --- the end of an attempt ------------------------------------------------ */

void queue_outcome(struct queue_part *p, const struct queue_attempt *a,
		   const struct queue_result *results, uint32_t n)
{
	struct queue_entry *e = p->entry;
	struct queue *q = e->queue;
	invariant(p->state == PART_LEASED && e->live);
	uint32_t at = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct queue_recipient *r = find(p, results[i].number, &at);
		invariant(r != NULL);
		r->has_result = true;
		apply(e, r, &results[i], notify_of(a, r->number));
	}
	count(q, results, n);
	struct journal_event event;
	uint32_t try = p->tries + 1u;
	if (!a->untried)
		note_health(q, p->destination, a->destination_down);
	settle_part(q, p);
	tell(q, p, try, a, &event);
	entry_check(e);
	if (e->waiting == 0 && queue_ask_report(q, e)) {
		/* The report's accept frame ends this entry: no other frame
		 * is needed, and a crash before it only tries again. */
		journal_end(&event, JOURNAL_KEEP, 0);
		return;
	}
	/* Asked first: a report under way keeps the state from being "done". */
	queue_ask_report(q, e);
	queue_write(q, e, &event);
}
