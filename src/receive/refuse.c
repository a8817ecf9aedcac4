/*
 * Refusing: each refusal of mail gets a reference, under which the journal has
 * the facts and the reply as it was sent (SPEC 4.3), and whoever may see it
 * finds what to change. Those that a flood could bring by the thousand
 * (budgets, recipients over a limit) are told now and then, with a number.
 */
#include "receive/receive_private.h"

#include "os/random.h"

static const slice none = { 0 };

/* --- the event ------------------------------------------------------------- */

/* As it goes out, its lines ended by '\n'. */
static void tell_text(struct json *j, const struct reply *reply)
{
	enum { TEXT_MAX = 8192 };
	struct buf text;
	size_t n = 0;
	buf_init(&text, TEXT_MAX);
	reply_write(&text, reply);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r')
			text.p[n++] = text.p[i];
	json_member_string(j, "text", (slice){ text.p, n > 0 ? n - 1 : 0 });
	buf_fini(&text);
}

static void tell_whose(struct json *j, const struct refusal *r)
{
	if (r->customer != 0)
		json_member_u64(j, "customer", r->customer);
	else if (r->owner != 0)
		json_member_u64(j, "owner", r->owner);
	if (r->setting != 0)
		json_member_u64(j, "setting", r->setting);
	if (r->why.n > 0)
		json_member_string(j, "why", r->why);
	if (r->why_detail.n > 0)
		json_member_string(j, "why_detail", r->why_detail);
}

static void tell_limit(struct json *j, const struct limit_words *w)
{
	json_member_u64(j, "used", w->used);
	json_member_u64(j, "allowed", w->allowed);
	if (w->opens_at_ms > 0) {
		json_key(j, "opens_at");
		json_time_ms(j, w->opens_at_ms);
	}
}

void refusal_tell_rest(struct json *j, const struct refusal *r, slice tag)
{
	const struct reply_row *row = reply_row(r->reply);
	struct reply reply = { .id = r->reply, .detail = r->detail,
			       .advice = r->advice, .tag = tag };
	json_member_string(j, "reference", tag);
	json_member_cstr(j, "cause", refusal_cause_key(r->cause));
	json_member_cstr(j, "reply", row->name);
	json_member_u64(j, "code", row->code);
	tell_whose(j, r);
	if (r->limit != NULL && r->limit->allowed > 0)
		tell_limit(j, r->limit);
	if (r->recipients > 1)
		json_member_u64(j, "recipients", r->recipients);
	if (r->goes_on)
		json_member_bool(j, "goes_on", true);
	else
		tell_text(j, &reply);
}

/* --- answering ------------------------------------------------------------- */

static struct reference refusal_reference(void)
{
	return (struct reference){ os_random_u64(), os_random_u64() };
}

slice refusal_tag(char tag[REFERENCE_TEXT_MAX])
{
	return slice_of(reference_text(refusal_reference(), tag));
}

void session_refuse(struct session *s, const struct refusal *r)
{
	char text[REFERENCE_TEXT_MAX];
	slice tag = refusal_tag(text);
	tell_refusal(s, r, tag);
	session_answer(s, r->reply, r->detail, r->advice, tag);
}

/* A budget of SPEC 7 is used up. */
void session_refuse_busy(struct session *s, enum reply_id id,
			 const struct admission_words *words)
{
	struct refusal r = {
		.reply = id,
		.cause = refusal_cause_of_reply(id),
		.advice = slice_of(words->text),
		.owner = s->admission.class_customer,
	};
	if (admission_tells(s->receive, &s->client.addr))
		session_refuse(s, &r);
	else
		session_answer(s, id, none, r.advice, none);
}

struct refusal transaction_refusal(const struct transaction *t,
				   enum reply_id id,
				   const struct limit_words *words)
{
	return (struct refusal){
		.reply = id,
		.cause = refusal_cause_of_reply(id),
		.advice = words ? slice_of(words->text) : none,
		.limit = words,
		.sender = &t->envelope.sender,
		.customer = t->envelope.customer,
		.setting = t->envelope.setting,
	};
}

/* --- recipients over a limit ----------------------------------------------- */

/* The first is told at once, so that its reference leads somewhere; how many
 * more there were when the transaction ends or another limit is over: before
 * the answer that ends it, with which the engine lets go of the sender. */
void transaction_tell_over(struct transaction *t)
{
	char tag[REFERENCE_TEXT_MAX];
	if (t->over.more == 0)
		return;
	struct refusal r = transaction_refusal(t, t->over.reply, NULL);
	r.recipients = t->over.more;
	r.goes_on = true;
	tell_refusal(t->session, &r,
		     slice_of(reference_text(t->over.reference, tag)));
	t->over.more = 0;
}

void transaction_refuse_over(struct transaction *t, enum reply_id id,
			     const struct limit_words *words)
{
	char tag[REFERENCE_TEXT_MAX];
	struct session *s = t->session;
	struct refusal r = transaction_refusal(t, id, words);
	if (t->over.told && t->over.reply == id) {
		t->over.more++;
	} else {
		transaction_tell_over(t);
		t->over.told = true;
		t->over.reply = id;
		t->over.reference = refusal_reference();
		tell_refusal(s, &r, slice_of(reference_text(t->over.reference,
							    tag)));
	}
	session_answer(s, id, none, r.advice,
		       slice_of(reference_text(t->over.reference, tag)));
}
