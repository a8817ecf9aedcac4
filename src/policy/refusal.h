/*
 * What a refusal is about and whom it concerns: for the journal, and so for
 * those who look later. Pure.
 */
#pragma once

#include "base/json.h"
#include "policy/decide.h"

enum refusal_cause {
#define CAUSE(id, key) CAUSE_##id,
#include "policy/refusal_cause.def"
#undef CAUSE
	CAUSE_COUNT,
};
const char *refusal_cause_key(enum refusal_cause cause);
/* CAUSE_OTHER: there is none of this key. */
enum refusal_cause refusal_cause_named(slice key);

/* Of a decision that refused. */
enum refusal_cause refusal_cause_of(const struct facts *f,
				    const struct decision *d);
/* Of a reply that no decision gave: limits, budgets, AUTH, content. */
enum refusal_cause refusal_cause_of_reply(enum reply_id id);

/*
 * Whose people should see a refusal that identified nobody, since they can
 * mend it: the customer whose listed address it is, if it is that of one
 * alone; else the owner of the sender's domain; 0: nobody's. An address that
 * several list says nothing: none of them may learn what the others send.
 */
uint32_t refusal_owner(const struct view *v, const struct facts *f);

/* The entry of this setting that holds the address, as the decision found it:
 * an inert one only for a client whose login holds; NULL: none (it asks for
 * AUTH only). */
const struct ip_entry *refusal_entry(const struct view *v,
				     const struct setting *s,
				     const struct ip_addr *client,
				     bool login_holds);

/* Members "why": {code, en, ja} and "fixes": [{code, en, ja}] of a refusal
 * that happened; why: a row of explain_text.def, by name; another: null and
 * none. setting NULL: it is not to be named. */
void refusal_explain(struct json *j, const struct facts *f,
		     enum reply_id reply, slice why, slice detail,
		     const struct setting *setting, slice hostname);
