/*
 * The queue after a start: entries come from checkpoint and log in any
 * number of versions, the last one counts; then their parts are put where
 * they belong. Also: routes of today for a message of yesterday.
 */
#include "queue/queue_private.h"

/* Routes of today, and where there is none any more, the unrouted place: what
 * was accepted is kept, tried by the schedule in case a route comes back, and
 * reported when it expires. */
struct lasting_router {
	struct router router;
	const struct queue *queue;
};

static struct destination *route_or_wait(const struct router *r, slice domain)
{
	const struct queue *q = CONTAINER_OF((struct router *)(uintptr_t)r,
					     struct lasting_router,
					     router)->queue;
	struct destination *d =
		q->config.router->route(q->config.router, domain);
	return d ? d : destinations_at(q->config.destinations,
				       DESTINATION_UNROUTED);
}

static struct queue_entry *entry_anew(struct queue *q,
				      const struct envelope *env)
{
	struct lasting_router r = { { route_or_wait }, q };
	return entry_new(q, &r.router, env);
}

bool queue_recover(struct queue *q, struct id id, const struct envelope *env,
		   slice state, struct err *err)
{
	struct queue_entry *old = queue_find(q, id);
	struct queue_entry *e;
	if (state.n > 0)
		e = entry_from_state(q, id, q->config.destinations, state,
				     err);
	else if (env != NULL)
		e = entry_anew(q, env);
	else
		return err_set(err, ERR_PROTOCOL, SCOPE_MESSAGE,
			       "queue_recover", "neither envelope nor state");
	if (e == NULL && state.n > 0)
		return false;
	if (e == NULL)
		return err_set_memory(err, "queue_recover");
	if (old != NULL)
		queue_forget(q, &old);
	e->live = false;	/* until queue_recover_end */
	if (!queue_insert(q, e)) {
		entry_free(&e);
		return err_set_memory(err, "queue_recover");
	}
	return true;
}

void queue_recover_done(struct queue *q, struct id id)
{
	struct queue_entry *e = queue_find(q, id);
	if (e != NULL)
		queue_forget(q, &e);
}

/* The process before may have had another wall clock: nobody waits longer from
 * now than the plan can say. */
static int64_t believable_ms(const struct queue *q, int64_t next_ms,
			     int64_t now)
{
	const struct retry_plan *plan = &q->config.retry;
	int64_t longest_ms = 0;
	for (uint32_t i = 0; i < plan->steps; i++)
		if (plan->after_ms[i] > longest_ms)
			longest_ms = plan->after_ms[i];
	return next_ms - now > longest_ms ? now + longest_ms : next_ms;
}

static void start_part(struct queue *q, struct queue_part *p, int64_t now)
{
	switch ((enum part_state)p->state) {
	case PART_READY:
		part_ready(q, p);
		break;
	case PART_SCHEDULED:
		if (p->next_ms <= now || part_waiting(p) == 0)
			part_due(q, p);
		else
			part_schedule(q, p, believable_ms(q, p->next_ms, now));
		break;
	case PART_HELD:
		/* Its release is written, and so it goes. */
		if (part_waiting(p) > 0)
			part_ready(q, p);
		break;
	case PART_DONE:
		break;
	case PART_LEASED:
		unreachable_state("a lease is never written");
	}
}

void queue_recover_end(struct queue *q)
{
	int64_t now = queue_wall_ms(q);
	list_each(&q->all, node, after) {
		if (node == &q->marker)
			continue;
		struct queue_entry *e =
			CONTAINER_OF(node, struct queue_entry, all);
		if (e->live)
			continue;
		e->live = true;
		for (uint16_t i = 0; i < e->part_count; i++)
			start_part(q, &e->parts[i], now);
		entry_check(e);
		queue_ask_report(q, e);
		if (e->waiting == 0 && !e->reporting)
			queue_write(q, e, NULL);	/* done */
	}
}

/* --- routes of today ------------------------------------------------------ */

static bool part_goes_there(const struct queue *q, const struct queue_part *p,
			    const struct envelope *env)
{
	const struct router *r = q->config.router;
	for (uint16_t i = 0; i < p->count; i++) {
		const struct queue_recipient *rcpt =
			&p->entry->recipients[p->first + i];
		const struct address *a =
			&env->recipients[rcpt->number].address;
		struct destination *d = r->route(r, a->domain);
		/* No route at all any more: it stays where it is until the
		 * operator or the expiry ends it. */
		if (rcpt->state == RECIPIENT_WAITING && d != NULL &&
		    d != p->destination)
			return false;
	}
	return true;
}

static void copy_recipient(struct queue_recipient *to,
			   struct queue_recipient *from)
{
	*to = *from;
	from->reply = NULL;
}

/* The recipients of `old` in the parts of `fresh`; its tries are kept. */
static void carry_over(struct queue_entry *fresh, struct queue_entry *old)
{
	uint16_t tries = 0;
	for (uint16_t i = 0; i < old->part_count; i++)
		if (old->parts[i].tries > tries)
			tries = old->parts[i].tries;
	for (uint16_t i = 0; i < fresh->recipient_count; i++)
		for (uint16_t k = 0; k < old->recipient_count; k++)
			if (old->recipients[k].number ==
			    fresh->recipients[i].number)
				copy_recipient(&fresh->recipients[i],
					       &old->recipients[k]);
	fresh->waiting = old->waiting;
	fresh->own = old->own;
	fresh->big = old->big;
	fresh->message_booked = old->message_booked;
	fresh->held = old->held;
	old->held = NULL;
	for (uint16_t i = 0; i < fresh->part_count; i++)
		fresh->parts[i].tries = tries;
}

static void start_fresh(struct queue *q, struct queue_entry *e)
{
	e->live = true;
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		if (part_waiting(p) > 0)
			part_ready(q, p);
		else
			p->state = part_held(p) > 0 ? PART_HELD : PART_DONE;
	}
}

static bool only_lease(const struct queue_part *p)
{
	for (uint16_t i = 0; i < p->entry->part_count; i++)
		if (&p->entry->parts[i] != p &&
		    p->entry->parts[i].state == PART_LEASED)
			return false;
	/* A release that could not be written yet: made anew, its parts would
	 * go before it is. */
	return p->entry->commit == NULL && !p->entry->reporting &&
	       p->entry->release == NULL && !p->entry->releasing;
}

bool queue_still_routed(struct queue_part *p, const struct envelope *env)
{
	enum { LOOK_AGAIN_MS = 1000 };
	struct queue_entry *old = p->entry;
	struct queue *q = old->queue;
	invariant(p->state == PART_LEASED);
	if (part_goes_there(q, p, env))
		return true;
	/* Made anew only when nobody else holds a part of it. */
	struct queue_entry *fresh =
		only_lease(p) ? entry_anew(q, env) : NULL;
	if (fresh == NULL) {
		queue_untake(p, LOOK_AGAIN_MS);
		return false;
	}
	carry_over(fresh, old);
	fresh->waits = old->waits;
	old->waits = NULL;
	queue_forget(q, &old);
	if (!queue_insert(q, fresh)) {
		/* Out of memory: it is in the spool, found by the next
		 * start. */
		entry_written(fresh, false);
		entry_leave_held(fresh);
		entry_free(&fresh);
		return false;
	}
	start_fresh(q, fresh);
	queue_write(q, fresh, NULL);
	return false;
}
