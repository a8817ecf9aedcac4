/*
 * The walk of a decision for people: English or Japanese text, or JSON
 * (DESIGN 8: {verdict, reply, customer, setting, reference, steps}).
 *
 * f, d and t are what policy_decide was given and gave, with the view still
 * held. Who may read it is the caller's affair: explain_about says whose
 * settings it shows.
 */
#pragma once

#include "base/json.h"
#include "policy/decide.h"

/* The id of the customer whose directory the walk speaks of: the one that
 * was identified, else the owner of the sender's domain whose settings were
 * judged; 0 when there is none. Show the walk of one customer to its own
 * people and the operator only. */
uint32_t explain_about(const struct decision *d,
		       const struct decision_trace *t);

/* Several lines of UTF-8, ending with '\n'; control characters and bytes
 * that are no UTF-8 are shown as \xNN, so a terminal takes no orders. */
void explain_text(struct buf *out, enum language language,
		  const struct view *v, const struct facts *f,
		  const struct decision *d, const struct decision_trace *t);

/* One object. verdict: "accept" or "refuse"; reply: code, enhanced code and
 * text; setting: its key; reference: null (the caller's); steps: {setting or
 * null, test ("identity" when null), held, why in English, code = row of
 * explain_text.def}. Beyond DESIGN 8: identified_by, sender (the one to use),
 * rewritten, user, single_recipient, fixes in both languages. */
void explain_json(struct json *j, const struct view *v, const struct facts *f,
		  const struct decision *d, const struct decision_trace *t);

/* "550 5.7.1 Mail relay denied [192.0.2.1]": the first line of the reply. */
void explain_reply(struct buf *out, const struct facts *f,
		   const struct decision *d);
