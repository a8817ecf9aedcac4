/*
 * A directory file (docs/formats/directory.md) on its way into the store:
 *
 *   load   text → rows, every error with its place
 *   merge  rows of the file beside those of the store: what the file does
 *          not say stays (or, with prune, goes)
 *   check  what must hold of the whole (SPEC 2 and 3)
 *   store  the difference, in one transaction, with audit rows
 *   change the records for relay
 *
 * Nothing is stored when any step finds an error.
 */
#pragma once

#include <libpsl.h>

#include "admin/authorise.h"
#include "admin/problem.h"
#include "admin/tables.h"
#include "admin/text.h"
#include "wire/yaml.h"

enum { DIRECTORY_CHANGE_MAX = 134217728 };	/* bytes of change records */

struct directory {
	struct arena arena;
	struct yaml *yaml;
	enum language language;
	bool prune;
	bool fragment;			/* made of a call, about one row: what
					 * it doesn't say stays, unsaid */
	bool bad_value;			/* one has the wrong type, or is none
					 * of those that there are */
	uint32_t own;			/* notes are about this customer's
					 * rows only; 0: about anybody's */
	bool has_plans;			/* the file has a list of them */
	struct row_list plans;		/* what shall be */
	struct row_list customers;	/* the same */
	struct row_list removed;	/* rows of the store that go */
	struct row_list reinert;	/* entries of the store whose inert
					 * changed: copies with the new value */
	struct text_list passwords;	/* ids of app passwords that go along
					 * with removed users */
	struct buf errors;		/* lines */
	/* Each error besides, for pages; may be NULL. */
	void (*problem)(void *ctx, const struct problem *p);
	struct problem saying;		/* what directory_error has begun */
	/* For the answer: rows {"what":…, "text":…}; may be NULL. */
	void (*tell)(void *ctx, slice json_object);
	void *ctx;
};

void directory_init(struct directory *d, enum language language);
void directory_fini(struct directory *d);

/* file: its name in messages. False: d->errors says why. */
bool directory_load(struct directory *d, slice text,
		    const char *file) MUST_USE;
/* Within a transaction. False: the store failed (store_good). */
bool directory_merge(struct directory *d, struct tables *t) MUST_USE;
/* What a call does to the one row that its fragment names: an item of the
 * only customer, or of its only setting, or the customer itself. */
enum directory_act {
	DIRECTORY_ADD,
	DIRECTORY_CHANGE,
	DIRECTORY_REMOVE,
	DIRECTORY_REQUEST,		/* an entry: that it may be shared */
	DIRECTORY_ORDER,		/* settings, as the fragment has them */
};
struct directory_one {
	enum row_kind kind;
	enum directory_act act;
	uint32_t position;		/* of a setting; 0: not said */
	bool all_entries;		/* of a setting: entries that the
					 * fragment lacks go */
};
enum directory_found {
	DIRECTORY_GOOD,
	DIRECTORY_NO_CUSTOMER,
	DIRECTORY_NO_SETTING,		/* of an entry */
	DIRECTORY_NO_ROW,		/* to change or remove */
	DIRECTORY_ROW_THERE,		/* to add */
	DIRECTORY_IN_FORCE,		/* an entry that needs no sharing */
	DIRECTORY_NO_MEMORY,
};
/* After the merge: is the row there as the act wants it, for this caller?
 * Then it is taken out, or brought to its position. A customer that is
 * removed is closing: all that it has goes, its row stays, so that its id is
 * never another's and mail in the queue has its language. */
enum directory_found directory_do_one(struct directory *d,
				      const struct directory_one *one,
				      const struct caller *caller,
				      const struct row **row);
/* For a row that is not there: the nearest key of those of its kind that are
 * there for the caller; empty: none is near. */
slice directory_near(struct directory *d, const struct caller *caller,
		     const struct row *row);

/* False: d->errors says why, or the store failed. psl may be NULL. */
bool directory_check(struct directory *d, struct tables *t,
		     const psl_ctx_t *psl) MUST_USE;
/* The customers that a file names must be there for the caller, whose own is
 * called `own`; before anything is said about them. False: d->errors. */
bool directory_authorise_names(struct directory *d,
			       const struct caller *caller,
			       slice own) MUST_USE;
/* After the merge: may the caller change what the file changes? False:
 * d->errors says what he may not. */
bool directory_authorise(struct directory *d,
			 const struct caller *caller) MUST_USE;
/* Tells the difference; *any: there is one. */
void directory_tell(struct directory *d, bool *any);

struct audit_by {
	slice who;		/* "uid 0", "alice@example.com" */
	slice role;		/* "super-admin"; empty: no person's act */
	slice client;		/* address of who spoke HTTP; or empty */
	slice call;		/* "directory.apply" */
	int64_t at_ms;
	uint64_t revision;	/* 0: it makes none */
};
/* Writes it. Its failures are the store's. */
void directory_store(struct directory *d, struct tables *t,
		     const struct audit_by *by);
/* Change records of this revision: all parts, one after the other. After
 * directory_store, which gives new rows their ids. */
bool directory_change(struct directory *d, uint64_t revision,
		      struct buf *out, struct err *err) MUST_USE;

/* "file:line:col: error: …" at a row's or another node. */
void directory_error(struct directory *d, const struct yaml_node *n,
		     enum admin_text id, slice a, slice b, slice c);
void directory_note(struct directory *d, enum admin_text id, slice a,
		    slice b);
void directory_note3(struct directory *d, enum admin_text id, slice a, slice b,
		     slice c);
/* Any mapping's node of the row, or of what it hangs on. */
const struct yaml_node *directory_node(const struct row *r,
				       const struct row *parent);
bool directory_no_memory(struct directory *d);

/* --- folder-private, between the steps ------------------------------------ */

/* Of entries alone (SPEC 3.4). */
void directory_check_entries(struct directory *d, struct customer_row *c);
/* Of a customer's tree of org units, of a user in it, of its plan; and that
 * no plan goes which somebody has. */
void directory_check_units(struct directory *d, const struct customer_row *c);
void directory_check_unit(struct directory *d, const struct user_row *u,
			  const struct customer_row *c);
void directory_check_plan(struct directory *d, struct tables *t,
			  const struct customer_row *c);
void directory_check_plans_gone(struct directory *d, struct tables *t);
/* Which entries are inert now that `touched` (entry rows) came, went or
 * changed: written to the store, listed in d->reinert, told. */
void directory_inert(struct directory *d, struct tables *t,
		     const struct row_list *touched);
/* Each row of the file's customers, parents first; c is NULL for plans. */
void directory_each(const struct directory *d, enum row_kind kind,
		    void (*each)(void *ctx, struct row *r,
				 struct customer_row *c),
		    void *ctx);
static inline bool row_is_new(const struct row *r)
{
	return r->old == NULL;
}
static inline bool row_is_changed(const struct row *r)
{
	return r->old != NULL && !row_same(r, r->old);
}

/* Folds an address as users are kept: local part and domain in lower case,
 * A-labels. False: it is none (or no memory). */
bool directory_address(slice s, struct arena *arena, slice *out,
		       slice *domain) MUST_USE;

/* One audit row. before, after: JSON or empty (NULL). */
void audit_write(struct store *s, const struct audit_by *by,
		 uint32_t customer, slice object, slice before, slice after);
