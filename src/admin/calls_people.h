/* What the calls about people share. Folder-private. */
#pragma once

#include "admin/calls.h"

/* Judges a new password of call->person, begins a transaction and keeps it
 * there; his other sessions end. False: the call has ended, nothing began. */
bool call_new_password(struct admin_call *call, slice password) MUST_USE;
/* Commits what a step of signing in has done, and comes to the next step or
 * in; ends the call. extra: more members of the row, or NULL. */
void call_session_go_on(struct admin_call *call, bool by_code,
			void (*extra)(void *ctx, struct json *j), void *ctx);
/* Only over a front connection, by a session. False: it has ended. */
bool call_is_front(struct admin_call *call) MUST_USE;
/* Which wait is due before a password or code of the person is looked at.
 * False: it must wait, and the call has ended. */
bool call_may_try(struct admin_call *call, slice person) MUST_USE;
/* It was wrong: counts it and ends the call. */
void call_try_failed(struct admin_call *call, slice person, int code,
		     enum admin_text text);
/* Commits. False: it failed, all is undone, and the call has ended. */
bool call_stored(struct admin_call *call) MUST_USE;
