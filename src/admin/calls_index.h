/*
 * What calls share that look into the index of the journal: that there is
 * one, and that it has what happened a moment ago.
 */
#pragma once

#include "admin/calls.h"

/* False: none is kept here; it has ended. */
bool call_has_index(struct admin_call *call) MUST_USE;
/* Up to now, as far as one step goes. *behind: there is more. */
bool call_index_step(struct admin_call *call, bool *behind,
		     struct err *err) MUST_USE;

/* The same for who waits, in pieces, until it is up to now or for a second. */
struct catching_up {
	int64_t until_ms;		/* monotonic */
	bool behind;			/* it could not */
};
void catching_up_begin(struct catching_up *c);
/* *ready: it is, or for long enough. */
bool catching_up_step(struct catching_up *c, struct admin_call *call,
		      bool *ready, struct err *err) MUST_USE;

/* The argument "client", an address in the one form that the journal writes;
 * absent: empty. False: it has ended. */
bool call_client_asked(struct admin_call *call, slice *out) MUST_USE;
/* Fills the filter's setting from the argument "setting", a key. False: the
 * customer has none of it, and it has ended. */
struct search_filter;
bool call_setting_asked(struct admin_call *call,
			struct search_filter *f) MUST_USE;
