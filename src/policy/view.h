/*
 * The directory as the hot path sees it: customers, domains, users, app
 * passwords, relay settings, address entries; immutable, counted, in memory.
 *
 * A view is a root over persistent nodes (hash tries by name and by id, a
 * radix tree by address). A change makes new nodes along its paths and
 * shares all else, so it costs the same with 10 and with 100,000 customers,
 * and a transaction that pinned the old view never sees half of it. Looking
 * up allocates nothing and takes no lock.
 *
 * Objects are counted too: a pointer from a view lives while that view is
 * referenced. References are counted atomically, so any thread may take and
 * let go; only change.h makes new views, one thread at a time for each.
 */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "base/text.h"
#include "limits/plan.h"
#include "mail/address.h"

enum billing { BILLING_TRIAL, BILLING_UNPAID, BILLING_PAID };
enum allowed_senders { SENDERS_REGISTERED_USERS, SENDERS_OWN_DOMAINS,
		       SENDERS_ANY };
enum domain_kind { DOMAIN_PRIMARY, DOMAIN_SECONDARY, DOMAIN_ALIAS };
enum over_limit { OVER_REFUSE, OVER_DEFER, OVER_HOLD };
enum line_ends { LINE_ENDS_STRICT, LINE_ENDS_NORMALISE };
enum role { ROLE_USER, ROLE_AUDITOR, ROLE_UNIT_ADMIN, ROLE_SUPER_ADMIN };

/* Bounds of rows; a change that passes one is refused. */
enum {
	VIEW_NAME_MAX = 255,		/* of a customer, bytes */
	VIEW_KEY_MAX = 255,		/* of a setting */
	VIEW_DESCRIPTION_MAX = 1024,
	VIEW_SETTINGS_MAX = 1000,	/* of a customer */
	VIEW_ALIASES_MAX = 64,		/* of a user */
	VIEW_SCRAM_MAX = 32,		/* of a user: app passwords that SCRAM
					 * may prove, each of which is tried */
	VIEW_PLAN_NAME_MAX = 63,
	VIEW_ENTRY_BITS_MIN = 112,	/* SPEC 3.4: 65,536 addresses at most;
					 * the same for both families */
};

/* Ids are given by admin, never used again, never 0. */

/* What the operator sells: named figures that any number of customers
 * share. */
struct named_plan {
	uint32_t id;
	slice name;
	struct plan plan;
};
/* Those that are there before the operator makes any. */
enum { VIEW_PLAN_STANDARD = 1, VIEW_PLAN_WITHOUT_RELAY = 2 };

struct customer {
	uint32_t id;
	slice name;
	uint32_t licences;
	enum billing billing;
	enum language language;
	bool suspended;
	bool closing;			/* tombstone: no new mail */
	uint32_t plan;			/* id; figures: view_plan_of */
	bool allow_private_addresses;
	bool null_sender_many;		/* SPEC 5.3 */
	bool sender_must_match_login;	/* SPEC 4.5 */
	enum over_limit over_limit[3];	/* customer day, peak, user */
	slice report_address;		/* may be empty */
	/* in order; enabled and disabled ones */
	const struct setting *const *settings;
	uint32_t setting_count;
};

struct setting {
	uint32_t id;
	uint32_t customer;
	uint32_t position;
	slice key;			/* "head-office" */
	slice description;
	enum allowed_senders allowed_senders;
	bool ip_only;
	bool require_auth;
	bool require_tls;
	bool enabled;
	enum line_ends line_ends;
};

struct ip_entry {
	uint32_t id;
	uint32_t customer;
	uint32_t setting;
	struct ip_range range;
	slice description;
	bool enabled;
	bool inert;			/* overlaps an earlier customer's entry,
					 * sharing not allowed (SPEC 2.2) */
	uint32_t legacy_tls_until;	/* old TLS is taken from there to the
					 * end of this day (base/day.h); 0:
					 * never (SPEC 1.9) */
};

struct domain {
	slice name;			/* A-label form, lower case */
	uint32_t customer;
	enum domain_kind kind;
	slice alias_of;			/* of an alias: name of the real one */
	bool verified;			/* only then it is in force */
};

struct user {
	uint32_t id;
	uint32_t customer;
	slice address;			/* primary one */
	enum role role;
	bool suspended;
};

struct app_password {
	char id[10];
	uint32_t user;			/* user id */
	uint32_t customer;
	uint8_t mac[32];
	bool has_scram;			/* made since there is SCRAM */
	uint8_t scram_salt[16];		/* one for all of a user */
	uint8_t scram_stored[32], scram_server[32];
	slice sender;			/* bound to this sender, or empty */
	bool has_range;			/* bound to this range */
	struct ip_range range;
	uint32_t generation;		/* grows with each change */
};

/* Of a customer, those that mail about it goes to: the first so many. */
enum { VIEW_SUPER_ADMINS_MAX = 32 };

/* Number i of a user's further addresses; false behind the last. */
bool view_user_alias(const struct user *u, uint32_t i, slice *out) MUST_USE;

struct view;
struct view *view_new(void);		/* empty, revision 0; NULL: no memory */
struct view *view_ref(const struct view *v);
void view_unref(const struct view **v);
uint64_t view_revision(const struct view *v);
/* False between the parts of a change of several: such a view is only there
 * to take the next part; never decide by it. */
bool view_complete(const struct view *v);

const struct customer *view_customer(const struct view *v, uint32_t id);
const struct customer *view_customer_named(const struct view *v, slice name);
/* The figures of the customer's plan, of now: they change without the
 * customer's row. Never NULL. */
const struct plan *view_plan_of(const struct view *v,
				const struct customer *c);
/* What the customer may send by it now (SPEC 6). */
struct allowance view_allowance(const struct view *v,
				const struct customer *c);
const struct named_plan *view_plan(const struct view *v, uint32_t id);
const struct setting *view_setting(const struct view *v, uint32_t id);
/* The domain registered under exactly this name, verified or not. */
const struct domain *view_domain(const struct view *v, slice name);
/* The longest registered, verified domain that `name` is or lies in
 * (SPEC 2.4); NULL if none. name is normalised. A domain of a closing
 * customer is found too: the caller looks at the customer. */
const struct domain *view_domain_of(const struct view *v, slice name);
/* SPEC 2.5: domain folded, alias domains, aliases, +detail. NULL if none.
 * The address as it stands comes first, then the real domain of an alias
 * domain, then both without +detail. Only whole domains: an address in a
 * subdomain is no user of the domain above. Suspended users are found. */
const struct user *view_user(const struct view *v, const struct address *a);
const struct user *view_user_by_id(const struct view *v, uint32_t id);
const struct app_password *view_app_password(const struct view *v,
					     slice id);
/* The app passwords of a user with has_scram, in any order; how many. */
uint32_t view_scram_passwords(const struct view *v, uint32_t user,
			      const struct app_password *out[VIEW_SCRAM_MAX]);
/* The super admins of a customer, suspended ones too, in any order; of many
 * some are left out. How many. */
uint32_t view_super_admins(const struct view *v, uint32_t customer,
			   const struct user *out[VIEW_SUPER_ADMINS_MAX]);
/* Calls each for every enabled, not inert entry of an enabled ip-only
 * setting that holds the address, until it returns false. */
void view_entries_of(const struct view *v, const struct ip_addr *a,
		     bool (*each)(void *ctx, const struct ip_entry *entry),
		     void *ctx);
/* Is the address in any such entry: a known client (wider budgets). */
bool view_address_listed(const struct view *v, const struct ip_addr *a);
/* for (at = 0; (c = view_next_customer(v, &at)) != NULL; ) by id */
const struct customer *view_next_customer(const struct view *v, uint32_t *at);
/* bytes: what the view's objects and nodes take, shared ones included; the
 * allocator's own overhead (8 to 16 bytes each) is not in it. */
struct view_counts {
	uint64_t customers, domains, users, app_passwords, settings, entries,
		bytes;
};
void view_count(const struct view *v, struct view_counts *out);
