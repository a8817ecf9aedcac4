/*
 * Recipients that were accepted over a limit (SPEC 6.10): their way out. When
 * `held` grants some, or somebody asks by hand, the envelope is read (for the
 * hashes that a booking has), the ledger is asked, and what it lets through
 * goes into one state frame with its booking. Only when that is synced are
 * they WAITING and may be tried:
 *
 *   HELD unbooked --ledger_reserve--> HELD releasing --frame synced--> WAITING
 *                                          |            [release_booked]
 *                                          +-- not written: the next frame
 *
 * So a death before the sync leaves them held and not booked, one behind it
 * finds them waiting and booked once: the state in the frame and the booking
 * are one. In memory (and so in a checkpoint) they stay HELD until then.
 *
 * Those whose time is over are failed here, and reported like others.
 */
#include "queue/queue_private.h"

#include <stdlib.h>

#include "limits/window.h"

/* A turn of the shard: what is in memory goes one after the other, with no
 * read to wait for, up to a millisecond or two. */
enum { GRANTS_A_TURN = 1000, RECIPIENTS_A_TURN = 2000, ARENA_MAX = 67108864,
       TOLD_RECIPIENTS = 1000 };

static const uint8_t expired_status[3] = { 5, 4, 5 };

static void release_free(struct queue_entry *e)
{
	struct queue_release *r = e->release;
	if (r == NULL)
		return;
	ledger_release(e->queue->config.ledger, &r->reservation);
	buf_fini(&r->booking);
	free(r);
	e->release = NULL;
}

static void answer(struct queue_release_ask *ask)
{
	list_remove(&ask->node);
	ask->done(ask);
}

void release_drop(struct queue_entry *e)
{
	struct queue_release_ask *ask = e->release ? e->release->ask : NULL;
	release_free(e);
	if (ask == NULL)
		return;
	ask->failed = true;
	answer(ask);
}

/* --- the frame ------------------------------------------------------------ */

void release_state_write(struct buf *out, struct queue_entry *e)
{
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		struct queue_recipient *r = &e->recipients[i];
		if (!r->releasing || r->state != RECIPIENT_HELD)
			continue;
		r->state = RECIPIENT_WAITING;
		r->unbooked = false;
	}
	entry_state_write(out, e);
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		struct queue_recipient *r = &e->recipients[i];
		if (!r->releasing || r->state != RECIPIENT_WAITING)
			continue;
		r->state = RECIPIENT_HELD;
		r->unbooked = true;
	}
}

static void tell_alerts(struct queue *q, const struct queue_release *r,
			const struct ledger_alert *alerts, unsigned count)
{
	for (unsigned i = 0; i < count && q->hooks.alert != NULL; i++)
		q->hooks.alert(q->hooks.ctx, &alerts[i],
			       slice_of(r->sender_domain));
}

void release_booked(struct queue_entry *e, int64_t booked_ms)
{
	struct queue *q = e->queue;
	struct queue_release *r = e->release;
	struct ledger_alert alerts[LEDGER_LIMITS];
	uint32_t n = 0, over_limit = 0;
	invariant(r != NULL);
	unsigned count = ledger_book(q->config.ledger, &r->reservation,
				     &r->allowed, booked_ms, queue_wall_ms(q),
				     alerts);
	for (uint16_t i = 0; i < e->recipient_count; i++) {
		struct queue_recipient *one = &e->recipients[i];
		if (one->releasing && one->state == RECIPIENT_HELD) {
			over_limit += recipient_limit_held(one);
			one->state = RECIPIENT_WAITING;
			one->held = HELD_NOT;
			one->unbooked = false;
			n++;
		}
		one->releasing = false;
	}
	e->message_booked = true;
	q->held -= n;
	entry_held_less(e, over_limit);
	tell_alerts(q, r, alerts, count);
	struct queue_release_ask *ask = r->ask;
	bool again = r->full;
	release_free(e);
	queue_ask_report(q, e);
	if (ask == NULL)
		return;
	ask->released += n;
	if (!again || q->releases.stopping) {
		answer(ask);
		return;
	}
	list_append(&q->releases.asks, &ask->node);
}

/* --- who goes ------------------------------------------------------------- */

/* One release: of whom, and what the ledger says of each. */
struct choice {
	struct queue_entry *e;
	const struct envelope *envelope;
	struct queue_release_ask *ask;	/* NULL: a grant */
	uint32_t most, count;
	struct queue_recipient **of;
	uint64_t *hashes;
	enum ledger_verdict *verdicts;
};

static bool may_go(const struct choice *c, const struct queue_recipient *r)
{
	return r->state == RECIPIENT_HELD && r->unbooked && !r->releasing &&
	       r->number < c->envelope->recipient_count &&
	       (r->held == HELD_LIMIT ||
		(c->ask != NULL && !(c->ask->by_customer &&
				     (r->held == HELD_OPERATOR ||
				      r->held == HELD_CRASH))));
}

/* What is being delivered right now is left alone. */
static void choose(struct choice *c, const uint8_t *key)
{
	const struct queue_entry *e = c->e;
	for (uint16_t i = 0; i < e->part_count; i++) {
		const struct queue_part *p = &e->parts[i];
		if (p->state == PART_LEASED)
			continue;
		for (uint16_t k = 0; k < p->count && c->count < c->most; k++) {
			struct queue_recipient *r =
				&e->recipients[p->first + k];
			if (!may_go(c, r))
				continue;
			const struct address *a =
				&c->envelope->recipients[r->number].address;
			c->of[c->count] = r;
			c->hashes[c->count++] = booking_recipient_hash(
				key, a->local, a->domain);
		}
	}
}

static struct queue_release *reserve(struct queue *q, struct choice *c,
				     const struct allowance *allowed)
{
	bool over = c->ask != NULL && c->ask->over_limit;
	struct ledger_ask ask = {
		.customer = c->e->customer,
		.user = c->envelope->user,
		.mode = over ? LEDGER_FORCED : LEDGER_ORDINARY,
		.message_booked = c->e->message_booked,
		.allowed = *allowed,
		.hashes = c->hashes,
		.count = c->count,
	};
	struct ledger_refusal why;
	struct queue_release *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->allowed = *allowed;
	buf_init(&r->booking, UINT32_MAX);
	(void)ledger_reserve(q->config.ledger, &r->reservation, &ask,
			     queue_wall_ms(q), c->verdicts, &why);
	if (c->ask != NULL && why.verdict != LEDGER_OK)
		c->ask->why = why;
	if (c->e->held != NULL)
		held_tried(q->config.held, c->e->held,
			   why.verdict == LEDGER_USER_MESSAGES ||
			   why.verdict == LEDGER_USER_UNIQUE);
	if (r->reservation != NULL && !over &&
	    !ledger_renew(q->config.ledger, r->reservation, allowed,
			  queue_wall_ms(q), NULL))
		ledger_release(q->config.ledger, &r->reservation);
	if (r->reservation != NULL)
		ledger_put_booking(&r->booking, r->reservation);
	if (r->reservation != NULL && !r->booking.failed)
		return r;
	ledger_release(q->config.ledger, &r->reservation);
	buf_fini(&r->booking);
	free(r);
	return NULL;
}

/* Their parts wait until the frame is synced. */
static uint32_t mark(struct choice *c)
{
	struct queue_entry *e = c->e;
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->count; i++) {
		c->of[i]->releasing = c->verdicts[i] == LEDGER_OK;
		n += c->of[i]->releasing;
	}
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		bool releasing = false;
		for (uint16_t k = 0; k < p->count; k++)
			releasing |= e->recipients[p->first + k].releasing;
		if (!releasing)
			continue;
		part_unlink(e->queue, p);
		p->state = PART_HELD;
	}
	return n;
}

static void write_release(struct queue *q, struct choice *c,
			  struct queue_release *r)
{
	struct queue_entry *e = c->e;
	struct journal_event ev;
	invariant(e->release == NULL);
	if (!slice_to_cstr(c->envelope->sender.domain, r->sender_domain,
			   sizeof(r->sender_domain)))
		r->sender_domain[0] = '\0';
	r->ask = c->ask;
	e->release = r;
	uint32_t n = mark(c);
	e->releasing = true;
	r->full = c->ask != NULL && n == HELD_GRANT_MAX &&
		  !c->ask->over_limit;
	if (c->ask != NULL && !r->full)
		c->ask->kept += c->count - n;
	journal_begin(&ev, q->config.journal, "queue.released",
		      queue_wall_ms(q));
	json_key(&ev.json, "id");
	json_id(&ev.json, e->id);
	json_member_u64(&ev.json, "customer", e->customer);
	json_member_u64(&ev.json, "recipients", n);
	json_member_cstr(&ev.json, "reason", held_reason_name(HELD_LIMIT));
	json_key(&ev.json, "released_recipients");
	json_array(&ev.json);
	for (uint32_t i = 0; i < c->count && i < TOLD_RECIPIENTS; i++)
		if (c->of[i]->releasing)
			json_u64(&ev.json, c->of[i]->number);
	json_array_end(&ev.json);
	queue_write(q, e, &ev);
}

static bool choice_open(struct choice *c)
{
	c->of = calloc(c->most, sizeof(*c->of));
	c->hashes = calloc(c->most, sizeof(*c->hashes));
	c->verdicts = calloc(c->most, sizeof(*c->verdicts));
	return c->of != NULL && c->hashes != NULL && c->verdicts != NULL;
}

static void choice_close(struct choice *c)
{
	free(c->of);
	free(c->hashes);
	free(c->verdicts);
}

/* True: a frame is under way, whose end answers the ask. */
static bool release(struct queue *q, struct choice *c)
{
	struct allowance allowed = { 0 };
	struct queue_release *r = NULL;
	bool known = q->hooks.allowed != NULL &&
		     q->hooks.allowed(q->hooks.ctx, c->e->customer, &allowed);
	bool over = c->ask != NULL && c->ask->over_limit;
	bool opened = choice_open(c);
	if (opened && (known || over)) {
		choose(c, q->config.booking_key);
		if (c->count > 0)
			r = reserve(q, c, &allowed);
	}
	if (r != NULL)
		write_release(q, c, r);
	else if (c->ask != NULL) {
		c->ask->kept += c->count;
		c->ask->failed |= !opened;
	}
	choice_close(c);
	return r != NULL;
}

/* --- whose time is over --------------------------------------------------- */

/* As an attempt that failed, but nothing was tried. */
static void expire_part(struct queue_part *p, const struct envelope *envelope)
{
	struct queue_entry *e = p->entry;
	struct queue_result *results = calloc(p->count, sizeof(*results));
	uint32_t n = 0;
	if (results == NULL)
		return;		/* at the next look */
	for (uint16_t i = 0; i < p->count; i++) {
		struct queue_recipient *r = &e->recipients[p->first + i];
		if (!recipient_limit_held(r) ||
		    r->number >= envelope->recipient_count)
			continue;
		r->state = RECIPIENT_WAITING;
		r->unbooked = false;
		results[n] = (struct queue_result){
			.number = r->number, .kind = RESULT_FAILED,
			.reply = SLICE("Held over a sending limit until its "
				       "time was over"),
		};
		memcpy(results[n++].enhanced, expired_status,
		       sizeof(expired_status));
	}
	e->queue->held -= n;
	entry_held_less(e, n);
	part_unlink(e->queue, p);
	p->state = PART_LEASED;
	struct queue_attempt told = { .envelope = envelope, .untried = true };
	queue_outcome(p, &told, results, n);
	free(results);
}

static void expire(struct queue_entry *e, const struct envelope *envelope)
{
	for (uint16_t i = 0; i < e->part_count; i++) {
		struct queue_part *p = &e->parts[i];
		uint32_t n = 0;
		for (uint16_t k = 0; k < p->count; k++)
			n += recipient_limit_held(
				&e->recipients[p->first + k]);
		if (n > 0 && p->state != PART_LEASED)
			expire_part(p, envelope);
	}
}

/* --- one after the other -------------------------------------------------- */

static void work(struct queue *q, struct queue_entry *e,
		 const struct envelope *envelope)
{
	struct releases *all = &q->releases;
	struct choice c = {
		.e = e, .envelope = envelope, .ask = all->ask,
		.most = all->ask != NULL ? HELD_GRANT_MAX :
					   all->grant.recipients,
	};
	all->ask = NULL;
	if (e->held != NULL)
		held_know_user(q->config.held, e->held, envelope->user,
			       e->message_booked);
	if (c.ask != NULL && c.ask->over_limit)
		c.most = e->recipient_count;
	if (c.ask == NULL && all->grant.expired)
		expire(e, envelope);
	else if (c.ask == NULL && all->grant.recipients == 0)
		return;			/* only whose it is was asked */
	else if (!release(q, &c) && c.ask != NULL)
		answer(c.ask);
}

static void give_up(struct queue *q, bool failed)
{
	struct queue_release_ask *ask = q->releases.ask;
	q->releases.ask = NULL;
	if (ask == NULL)
		return;
	ask->failed = failed;
	answer(ask);
}

/* Nobody can say whose it is: it must not keep others waiting for that. */
static void give_up_on(struct queue *q, struct queue_entry *e)
{
	if (e->held != NULL)
		held_know_user(q->config.held, e->held, 0, e->message_booked);
}

static void work_on(struct queue *q, struct queue_entry *e, slice bytes)
{
	struct arena arena;
	struct envelope envelope;
	struct err err;
	arena_init(&arena, ARENA_MAX);
	if (envelope_read(bytes, &arena, &envelope, &err)) {
		work(q, e, &envelope);
	} else {
		log_failure(q->config.log, LOG_WARNING, "queue.release", &err);
		give_up_on(q, e);
		give_up(q, true);
	}
	arena_fini(&arena);
}

/* A grant is given again; who asked by hand waits until the report or the
 * release under way is over. */
static void again_later(struct queue *q)
{
	struct releases *r = &q->releases;
	if (r->ask != NULL)
		list_append(&r->asks, &r->ask->node);
	r->ask = NULL;
}

static bool may_be_released(const struct queue_entry *e)
{
	return e->live && e->release == NULL && !e->reporting;
}

static void run(struct queue *q);

static void was_read(struct spool_read *r)
{
	struct queue *q = CONTAINER_OF(r, struct queue, releases.read);
	struct queue_entry *e = queue_find(q, r->id);
	q->releases.reading = false;
	if (!r->ok && e != NULL) {
		log_failure(q->config.log, LOG_WARNING, "queue.release",
			    &r->err);
		give_up_on(q, e);
	}
	if (!r->ok || e == NULL || q->releases.stopping)
		give_up(q, !r->ok || q->releases.stopping);
	else if (may_be_released(e))
		work_on(q, e, buf_slice(&r->envelope));
	else
		again_later(q);
	buf_fini(&r->envelope);
	run(q);
}

static void read_envelope(struct queue *q, struct id id)
{
	q->releases.reading = true;
	q->releases.read = (struct spool_read){ .id = id, .done = was_read };
	spool_read(q->config.spool, &q->releases.read);
}

/* Whose turn it is. False: nobody's, for now. */
static bool next(struct queue *q, struct id *id)
{
	struct releases *r = &q->releases;
	r->ask = list_first(&r->asks, struct queue_release_ask, node);
	if (r->ask != NULL) {
		list_remove(&r->ask->node);
		*id = r->ask->id;
		return true;
	}
	if (q->config.held == NULL ||
	    !held_granted(q->config.held, q->config.shard, &r->grant))
		return false;
	*id = r->grant.id;
	return true;
}

/* Until one has to be read. */
static void run(struct queue *q)
{
	struct releases *r = &q->releases;
	struct id id;
	uint32_t recipients = 0;
	for (int i = 0; i < GRANTS_A_TURN && !r->reading && !r->stopping &&
			recipients < RECIPIENTS_A_TURN && next(q, &id); i++) {
		struct queue_entry *e = queue_find(q, id);
		if (e == NULL || !queue_has_unbooked(e))
			give_up(q, false);
		else if (!may_be_released(e)) {
			bool by_hand = r->ask != NULL;
			again_later(q);
			if (by_hand)
				return;
		} else if (e->memory != NULL) {
			recipients += e->recipient_count;
			work_on(q, e, buf_slice(&e->memory->envelope));
		} else
			read_envelope(q, id);
	}
	if (recipients >= RECIPIENTS_A_TURN)
		q->config.wake_at(q->config.clock, queue_wall_ms(q));
	if (r->stopping && !r->reading && r->stopped != NULL) {
		void (*stopped)(void *) = r->stopped;
		r->stopped = NULL;
		stopped(r->stopped_ctx);
	}
}

/* --- from outside --------------------------------------------------------- */

void queue_release_unbooked(struct queue *q, struct queue_release_ask *ask)
{
	list_init(&ask->node);
	if (q->releases.stopping) {
		ask->failed = true;
		ask->done(ask);
		return;
	}
	list_append(&q->releases.asks, &ask->node);
	run(q);
}

static uint64_t room_of(void *ctx, uint32_t customer)
{
	struct queue *q = ctx;
	struct allowance allowed;
	if (!q->hooks.allowed(q->hooks.ctx, customer, &allowed))
		return 0;
	return ledger_headroom(q->config.ledger, customer, &allowed,
			       queue_wall_ms(q));
}

static struct held_user_room user_room_of(void *ctx, uint32_t customer,
					  uint32_t user)
{
	struct queue *q = ctx;
	struct allowance allowed;
	struct ledger_view v;
	struct held_user_room room = { .message = true, .recipient = true };
	if (!q->hooks.allowed(q->hooks.ctx, customer, &allowed))
		return (struct held_user_room){ 0 };
	ledger_show(q->config.ledger, customer, user, &allowed,
		    queue_wall_ms(q), &v);
	for (uint32_t i = 0; i < v.count; i++) {
		if (v.rows[i].headroom > 0)
			continue;
		room.message &= v.rows[i].limit != LEDGER_USER_MESSAGES;
		room.recipient &= v.rows[i].limit != LEDGER_USER_UNIQUE;
	}
	return room;
}

static void look(struct queue *q)
{
	int64_t now = queue_wall_ms(q);
	/* The wall clock may have been put back. */
	if (now < q->releases.look_ms &&
	    q->releases.look_ms - now <= q->config.held_look_ms)
		return;
	q->releases.look_ms = now + q->config.held_look_ms;
	struct held_keeper k = {
		.ctx = q, .room = room_of, .user_room = user_room_of,
		.expired_ms = now - q->config.retry.expire_ms,
	};
	if (!held_look(q->config.held, q->config.shard, &k))
		q->releases.look_ms = now;	/* the rest: a second later */
}

void queue_look_at_held(struct queue *q)
{
	if (q->releases.stopping || q->config.held == NULL ||
	    q->hooks.allowed == NULL)
		return;
	look(q);
	run(q);
}

void queue_go_on_releasing(struct queue *q)
{
	if (!q->releases.stopping)
		run(q);
}

void queue_stop_releases(struct queue *q, void (*stopped)(void *ctx),
			 void *ctx)
{
	struct releases *r = &q->releases;
	r->stopping = true;
	r->stopped = stopped;
	r->stopped_ctx = ctx;
	while (!list_empty(&r->asks)) {
		struct queue_release_ask *ask =
			list_first(&r->asks, struct queue_release_ask, node);
		ask->failed = true;
		answer(ask);
	}
	run(q);
}
