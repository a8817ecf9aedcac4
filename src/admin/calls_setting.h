/*
 * What calls about relay settings and those that try drafts share.
 */
#pragma once

#include "admin/calls_apply.h"

/* The argument `customer`, or the caller's own; must be one. False: it has
 * ended. */
bool call_one_customer(struct admin_call *call, slice *name,
		       uint32_t *id) MUST_USE;
/* The view in which the draft that the arguments `customer` and `draft` name,
 * or the `setting` (of id `id`) that they have, were in force; without them
 * the one that is. *out: the caller's reference, or NULL: it has ended. */
void setting_preview(struct admin_call *call, const struct view **out);
