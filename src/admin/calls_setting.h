/*
 * What calls about whole relay settings share (calls_setting.c, calls_draft.c,
 * calls_replay.c): whose, which one, and the fragment that it makes.
 */
#pragma once

#include "admin/calls_apply.h"

/* Slices lend from the call. */
struct setting_change {
	slice customer;			/* name */
	uint32_t customer_id;
	slice id;			/* of a new one: may be empty */
	bool fresh;			/* a new one */
	slice draft;			/* that it was made from, or empty */
	const struct args *setting;	/* fields and ip_entries */
	struct directory_one one;	/* by setting_fragment */
};
/* The argument `customer`, or the caller's own; must be one. False: it has
 * ended. */
bool call_one_customer(struct admin_call *call, slice *name,
		       uint32_t *id) MUST_USE;
/* From the arguments customer, id, setting, draft. False: it has ended. */
bool setting_change_read(struct admin_call *call,
			 struct setting_change *c) MUST_USE;
/* The view in which the draft that the arguments `customer` and `draft` name,
 * or the `setting` (of id `id`) that they have, were in force; without them
 * the one that is. *out: the caller's reference, or NULL: it has ended. */
void setting_preview(struct admin_call *call, const struct view **out);
/* customer, id, fresh and setting are set. False: it has ended. */
bool setting_fragment(struct admin_call *call, struct setting_change *c,
		      struct buf *out) MUST_USE;
