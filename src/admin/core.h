/*
 * What admin has open: the store, the view's files, its own view, the
 * channel to relay; and the one way of a change through them (publish).
 * Folder-private; calls (calls.h) get it.
 */
#pragma once

#include "admin/directory.h"
#include "admin/serve.h"
#include "control/ask.h"
#include "control/view_file.h"

struct admin_call;
struct tries;
struct visits;

struct admin {
	struct log *log;
	slice hostname;
	const uint8_t *pepper;		/* 32 bytes */
	int dir;			/* data_dir */
	int lock;
	int view_dir;
	struct store *store;
	struct tables tables;
	psl_ctx_t *psl;			/* NULL: no list on this machine */
	const struct view *view;	/* of the store's last revision */
	struct view_writer *writer;
	bool behind;			/* the log lacks committed revisions */
	struct search *search;		/* NULL: no index is kept */
	bool index_failing;
	struct budgets *looks;		/* of strangers at references; or NULL */
	struct ask *ask;		/* NULL: no service (offline) */
	bool alone;			/* no relay will come */
	slice console_url;		/* of links; empty: no console */
	int64_t at_ms;			/* tests: it is always then; 0: now */
	struct tries *tries;		/* of signing in */
	struct visits *visits;		/* of operators at customers */
	uint64_t relay_live;
	bool relay_known;		/* relay told where it is */
	bool relay_refused;		/* it got a VIEW and refused it */
	/* A revision became live: waiting calls end. */
	void (*live)(void *ctx, uint64_t revision);
	void *live_ctx;
};

/* Lock, store, view, view's log; what store and log lack of each other.
 * Kinds: ERR_TEMPORARY the lock is held, ERR_PERMANENT a newer store. */
bool admin_open(struct admin *a, const char *data_dir, struct err *err)
	MUST_USE;
void admin_close(struct admin *a);

/* Wall-clock milliseconds of what is stored; and those of waits. */
int64_t admin_wall_ms(const struct admin *a);
int64_t admin_monotonic_ms(const struct admin *a);

uint64_t admin_next_revision(struct admin *a);
/* The row of a revision, in the transaction that makes it. */
void admin_note_revision(struct admin *a, const struct audit_by *by);
/*
 * Within that transaction, after all statements: puts `change` beside the
 * revision, looks whether the view takes it, commits, appends it to the log,
 * sends it to relay. False: rolled back, nothing changed.
 * *logged false: committed, but the log could not be written (tried again
 * with admin_catch_up).
 */
bool admin_publish(struct admin *a, const struct audit_by *by, slice change,
		   bool *logged, struct err *err) MUST_USE;
/* The view as it would be: a->view after `change` (parts of one revision).
 * Nothing else learns of it. */
bool admin_preview(struct admin *a, slice change, const struct view **out,
		   struct err *err) MUST_USE;
/* Appends what is missing; every second while a->behind. */
void admin_catch_up(struct admin *a);
/* Indexes more of the journal; every second. */
void admin_index(struct admin *a, bool *more);
/* Relay's word, from ask. */
void admin_relay_live(struct admin *a, uint64_t revision, bool refused);
/* The view of the store alone, from all its rows. NULL: err is filled. */
const struct view *admin_compile(struct admin *a, uint64_t revision,
				 struct err *err);
