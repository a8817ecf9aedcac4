/*
 * The root of a view and how it is edited. A view that is being edited
 * belongs to one thread alone; from the moment it is handed out nothing in
 * it changes but the counters of references. Private to src/policy.
 */
#pragma once

#include "policy/object.h"
#include "policy/radix.h"
#include "policy/view.h"

struct view {
	_Atomic uint32_t refs;
	bool complete;
	uint64_t revision;
	struct trie customers;		/* by id */
	struct trie customer_names;
	struct trie plans;		/* by id */
	struct trie settings;		/* by id */
	struct trie entries;		/* by id */
	struct trie domains;		/* by name */
	struct trie users;		/* by id */
	struct trie addresses;		/* users and aliases */
	struct trie app_passwords;	/* by their id */
	struct trie logins;		/* of users with SCRAM, by user */
	struct trie admins;		/* super admins, by customer */
	struct trie dependents;		/* how many rows name a row */
	struct radix ranges;		/* entries by address */
	uint64_t object_bytes;
};

/* A view of its own that shares everything; NULL out of memory. */
struct view *view_fork(const struct view *from);
/* *v is a view that the caller alone may edit, forked if others hold it.
 * Consumes the reference; NULL out of memory. */
struct view *view_take(const struct view **v);

/* A customer of no more settings is walked through rather than looked up
 * in: most have one or two. */
enum { VIEW_SETTINGS_FEW = 8 };

/* view_user for who knows what stands in `addresses` at exactly the address
 * (NULL: nothing), and the domain registered under exactly a->domain. */
const struct user *view_user_known(const struct view *v,
				   const struct address *a,
				   const struct object *found,
				   const struct domain *d);

/*
 * What a decision looks up by names and by address, all at once: the look-ups
 * take their steps in turn, so that their cache misses overlap; see
 * docs/why/decision_speed.md.
 */
struct seek {
	/* Asked: NULL for the null sender; an empty helo asks for none. */
	const struct ip_addr *client;
	const struct address *sender;
	slice helo;		/* folded */
	/* Found, as by view_domain_of and view_user; a user only when the
	 * domain is. For the entries and the owner of sender_domain their
	 * memory has been asked for. */
	const struct domain *sender_domain, *helo_domain;
	const struct user *sender_user;
};
void view_seek(const struct view *v, struct seek *s);

/* Calls each for all entries that hold the address, whatever their state. */
void view_ranges_of(const struct view *v, const struct ip_addr *a,
		    bool (*each)(void *ctx, const struct ip_entry *entry),
		    void *ctx);
/* Enabled, not inert, of an enabled ip-only setting of a customer that is
 * not closing: may the entry say whose a session is (SPEC 2.2)? */
bool view_entry_identifies(const struct view *v, const struct ip_entry *e);

/*
 * One row each, copied into v, which the caller alone holds. References are
 * checked at once: what a row names must be there, and nothing goes that is
 * still named. False: *err says why, and v must be dropped.
 */
bool edit_put_customer(struct view *v, const struct customer *row,
		       struct err *err) MUST_USE;
bool edit_put_plan(struct view *v, const struct named_plan *row,
		   struct err *err) MUST_USE;
bool edit_put_setting(struct view *v, const struct setting *row,
		      struct err *err) MUST_USE;
bool edit_put_entry(struct view *v, const struct ip_entry *row,
		    struct err *err) MUST_USE;
bool edit_put_domain(struct view *v, const struct domain *row,
		     struct err *err) MUST_USE;
bool edit_put_user(struct view *v, const struct user *row,
		   const slice *aliases, uint32_t alias_count,
		   struct err *err) MUST_USE;
bool edit_put_app_password(struct view *v, const struct app_password *row,
			   struct err *err) MUST_USE;
bool edit_remove_customer(struct view *v, uint32_t id,
			  struct err *err) MUST_USE;
bool edit_remove_plan(struct view *v, uint32_t id, struct err *err) MUST_USE;
bool edit_remove_setting(struct view *v, uint32_t id,
			 struct err *err) MUST_USE;
bool edit_remove_entry(struct view *v, uint32_t id, struct err *err) MUST_USE;
bool edit_remove_domain(struct view *v, slice name,
			struct err *err) MUST_USE;
bool edit_remove_user(struct view *v, uint32_t id, struct err *err) MUST_USE;
bool edit_remove_app_password(struct view *v, slice id,
			      struct err *err) MUST_USE;

/* --- what the edits of all kinds share (edit.c) --------------------------- */

/* Puts or removes by key; keeps count of bytes; consumes the reference to
 * `o`, which may be NULL (out of memory when it was made). `counted`: this
 * trie is the one where the object's own bytes are counted. */
bool edit_put(struct view *v, struct trie *t, const struct trie_key *k,
	      struct object *o, bool counted, struct err *err) MUST_USE;
bool edit_remove(struct view *v, struct trie *t, const struct trie_key *k,
		 bool counted, struct err *err) MUST_USE;

/* What is named: the kind and the id or name of a row. */
struct dependents_key {
	char room[1 + ADDRESS_DOMAIN_MAX];
	slice s;
};
void dependents_of_id(struct dependents_key *k, enum object_kind kind,
		      uint32_t id);
void dependents_of_domain(struct dependents_key *k, slice name);
uint32_t edit_dependents(const struct view *v, const struct dependents_key *k);
bool edit_depend(struct view *v, const struct dependents_key *k, bool more,
		 struct err *err) MUST_USE;

/* ERR_PROTOCOL with this sentence; returns false. */
bool edit_refused(struct err *err, const char *why);

/* "a.b.c": LDH and underscore, lower case, at most ADDRESS_DOMAIN_MAX. */
bool edit_domain_valid(slice name);
/* The customer's object with these settings in the place of its old ones. */
bool edit_rebuild_customer(struct view *v, const struct customer *row,
			   const struct setting *const *settings,
			   uint32_t count, struct err *err) MUST_USE;
