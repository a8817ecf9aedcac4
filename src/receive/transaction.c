/*
 * MAIL and RCPT: who is it, may it be relayed (policy/decide, over a view
 * that is pinned here until the transaction ends), is there room, is there a
 * route.
 */
#include "receive/receive_private.h"

#include <stdlib.h>

enum { RECIPIENTS_FIRST = 4, ADVICE_MAX = 2048 };

static const slice none = { 0 };

static void count_refusal(struct session *s, enum reply_id id)
{
	struct counters *c = s->receive->config.counters;
	s->refused++;
	counter_add(c, reply_row(id)->code >= 500
			       ? COUNTER_refusals_total
			       : COUNTER_temporary_refusals_total, 1);
}

static void refuse(struct session *s, enum reply_id id)
{
	count_refusal(s, id);
	session_answer(s, id, none, none, none);
}

/* words may be empty. Only limits are looked up later. */
static void refuse_at_rcpt(struct transaction *t, enum reply_id id,
			   const struct limit_words *words)
{
	struct session *s = t->session;
	count_refusal(s, id);
	if (refusal_cause_of_reply(id) == CAUSE_OTHER)
		session_answer(s, id, none, slice_of(words->text), none);
	else
		transaction_refuse_over(t, id, words);
}

/* The user may send no message more. */
static void refuse_at_mail(struct transaction *t, enum reply_id id,
			   const struct limit_words *words)
{
	struct refusal r = transaction_refusal(t, id, words);
	count_refusal(t->session, id);
	session_refuse(t->session, &r);
}

/* A refusal of policy: with the address, what to change, and a reference
 * under which the facts can be looked up (SPEC 4.3). */
static void refuse_by_policy(struct session *s, const struct view *v,
			     const struct facts *f, const struct decision *d)
{
	char address[IP_TEXT_MAX];
	struct buf advice;
	buf_init(&advice, ADVICE_MAX);
	policy_advice(f, d, s->receive->config.hostname, &advice);
	struct refusal r = {
		.reply = d->reply, .cause = refusal_cause_of(f, d),
		.detail = slice_of(ip_addr_text(&f->client, address)),
		.advice = buf_slice(&advice),
		.sender = &f->sender,
		.customer = d->customer ? d->customer->id : 0,
		.owner = d->customer ? 0 : refusal_owner(v, f),
		.setting = d->setting ? d->setting->id : 0,
		.why = slice_of(d->why), .why_detail = d->why_detail,
	};
	count_refusal(s, d->reply);
	session_refuse(s, &r);
	buf_fini(&advice);
}

static struct transaction *new_transaction(struct session *s)
{
	struct transaction *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->session = s;
	t->view = view_ref(s->receive->view);
	return t;
}

static void free_transaction(struct transaction *t)
{
	transaction_tell_over(t);
	if (t->room_bytes > 0)
		spool_room_give(t->session->receive->config.spool,
				t->room_bytes);
	body_unref(&t->body);
	spool_big_drop(&t->big);
	reserve_release(t);
	free(t->envelope.recipients);
	free(t->held);
	view_unref(&t->view);
	free(t);
}

void transaction_end(struct session *s)
{
	if (s->transaction != NULL)
		free_transaction(s->transaction);
	s->transaction = NULL;
}

static struct facts facts_of(struct session *s, const struct view *v,
			     const struct smtp_event *ev)
{
	return (struct facts){
		.client = s->client.addr,
		.tls = smtp_server_is_tls(s->server),
		.helo = slice_of(s->helo),
		.login = session_login(s, v),
		.sender = ev->sender,
	};
}

/* What the envelope says of its origin. Slices lie in the engine's arena or
 * in the pinned view. */
static void fill_envelope(struct transaction *t, const struct smtp_event *ev)
{
	struct session *s = t->session;
	const struct decision *d = &t->decision;
	struct envelope *e = &t->envelope;
	e->id = door_id(s->receive->config.door);
	e->session = s->id;
	e->customer = d->customer->id;
	e->setting = d->setting->id;
	e->user = d->user ? d->user->id : 0;
	e->sender = d->sender;
	if (d->rewritten)
		e->original_sender = ev->sender;
	e->client = s->client.addr;
	e->helo = slice_of(s->helo);
	e->envid = ev->envid;
	e->ret = ev->ret;
	e->body_type = ev->body_type;
	e->smtputf8 = ev->smtputf8;
}

void transaction_mail(struct session *s, const struct smtp_event *ev)
{
	struct receive *r = s->receive;
	invariant(s->transaction == NULL);
	struct transaction *t = new_transaction(s);
	if (t == NULL) {
		refuse(s, REPLY_FAULT);
		return;
	}
	struct facts f = facts_of(s, t->view, ev);
	policy_decide(t->view, &f, &t->decision, NULL);
	if (t->decision.reply != REPLY_SENDER_OK) {
		refuse_by_policy(s, t->view, &f, &t->decision);
		free_transaction(t);
		return;
	}
	if (!spool_room_take(r->config.spool, ev->declared_size)) {
		refuse(s, REPLY_STORAGE);
		free_transaction(t);
		return;
	}
	t->room_bytes = ev->declared_size;
	fill_envelope(t, ev);
	struct limit_words words = { 0 };
	enum reply_id id = reserve_at_mail(t, &words);
	if (id != REPLY_SENDER_OK) {
		refuse_at_mail(t, id, &words);
		free_transaction(t);
		return;
	}
	s->transaction = t;
	session_answer(s, REPLY_SENDER_OK, none, none, none);
}

/* --- RCPT ----------------------------------------------------------------- */

/* Room for one more. */
static bool grow_recipients(struct transaction *t)
{
	struct envelope *e = &t->envelope;
	if (e->recipient_count < t->recipients_cap)
		return true;
	uint32_t cap = t->recipients_cap ? t->recipients_cap * 2
					 : RECIPIENTS_FIRST;
	struct recipient *more = realloc(e->recipients,
					 cap * sizeof(struct recipient));
	if (more == NULL)
		return false;
	e->recipients = more;
	uint8_t *held = realloc(t->held, cap);
	if (held == NULL)
		return false;
	t->held = held;
	t->recipients_cap = cap;
	return true;
}

/* The same recipient twice gets the message once. */
static bool has_recipient(const struct envelope *e, const struct address *a)
{
	for (uint32_t i = 0; i < e->recipient_count; i++)
		if (address_eq(&e->recipients[i].address, a))
			return true;
	return false;
}

static enum reply_id judge_recipient(struct transaction *t,
				     const struct recipient *rcpt,
				     struct limit_words *words)
{
	const struct receive_config *c = &t->session->receive->config;
	const struct router *router = queue_router(c->queue);
	struct envelope *e = &t->envelope;
	if (t->decision.single_recipient && e->recipient_count == 1 &&
	    !address_eq(&e->recipients[0].address, &rcpt->address))
		return REPLY_NULL_SENDER_RECIPIENTS;
	if (router->route(router, rcpt->address.domain) == NULL)
		return REPLY_NO_ROUTE;
	if (has_recipient(e, &rcpt->address))
		return REPLY_RECIPIENT_OK;
	if (!grow_recipients(t))
		return REPLY_FAULT;
	uint8_t held = LEDGER_OK;
	enum reply_id id = reserve_recipient(t, &rcpt->address, &held, words);
	if (id == REPLY_RECIPIENT_OK) {
		t->held[e->recipient_count] = held;
		e->recipients[e->recipient_count++] = *rcpt;
	}
	return id;
}

void transaction_rcpt(struct session *s, const struct smtp_event *ev)
{
	invariant(s->transaction != NULL);
	struct recipient rcpt = ev->recipient;
	/* "postmaster" alone is ours (RFC 5321 4.5.1). */
	if (rcpt.address.domain.n == 0)
		rcpt.address.domain = s->receive->config.hostname;
	struct limit_words words = { 0 };
	enum reply_id id = judge_recipient(s->transaction, &rcpt, &words);
	if (id == REPLY_RECIPIENT_OK)
		session_answer(s, id, none, none, none);
	else
		refuse_at_rcpt(s->transaction, id, &words);
}
