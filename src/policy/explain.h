/*
 * The walk of a decision for people: English or Japanese text, or JSON
 * (DESIGN 8: {verdict, reply, customer, setting, reference, steps}).
 */
#pragma once

#include "base/json.h"
#include "policy/decide.h"

void explain_text(struct buf *out, enum language language,
		  const struct view *v, const struct facts *f,
		  const struct decision *d, const struct decision_trace *t);
void explain_json(struct json *j, const struct view *v, const struct facts *f,
		  const struct decision *d, const struct decision_trace *t);
