/*
 * Calls answered inside relay (they come from admin, which has judged who may
 * make them): queue.list, queue.show, queue.retry, queue.hold, queue.release,
 * queue.remove, queue.destinations; limits.show; clock.show, clock.accept.
 * What changes something is answered when it is on the disk.
 */
#pragma once

#include "app/relay_clock.h"
#include "app/relay_core.h"
#include "control/serve.h"

/*
 * Ends the answer, now or later. args: a JSON object with any of
 *   id (20 characters), customer (number), destination, from, state: which
 *   messages; limit: of rows, for queue.list (100 if it is missing);
 *   all: true, for acts on everything; language;
 *   within_limit: true, for a release of what a limit held (SPEC 6.10): only
 *   as far as there is room; without it, it is booked all the same;
 *   by_customer: 1, for acts of a super admin: a hold is the customer's, a
 *   release within_limit and not of what the operator or a crash holds (9.4).
 * Rows of list and show: {id, customer, from, size, accepted_at, recipients:
 * [{to, state, destination, tries, next_at, reply}]}. An act on one message
 * answers {id, recipients}, an act on all that match one row {messages,
 * recipients}: how many it changed.
 * limits.show takes customer (name), user (address, may be missing). Rows:
 * {customer, user|null, name, used, reserved, limit, headroom, opens_at,
 * full_at, binds_first, held_messages, held_recipients}: what is held over that
 * limit (SPEC 6.10), null when it isn't known yet whose it is. Without a user,
 * what is held over limits of users stands in rows of its own, whose other
 * figures are null.
 */
void relay_call(struct relay_core *c, slice name, slice args,
		struct control_answer *a);
/* clock.show, clock.accept; args: language. One row: {own, system, offset_ms,
 * state, changed, text}; text says in words what that means. */
void relay_call_clock(struct relay_clock *clock, struct journal *journal,
		      slice name, slice args, struct control_answer *a);
