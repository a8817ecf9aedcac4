/*
 * What a view holds: one counted, immutable allocation per row, its strings
 * behind it. Rows that the public headers show stand inside; a pointer to a
 * row leads back to its object. Private to src/policy.
 *
 * Counting is atomic: views that share objects are let go by any thread.
 */
#pragma once

#include <stdatomic.h>

#include "policy/trie.h"
#include "policy/view.h"

enum object_kind {
	OBJECT_CUSTOMER,
	OBJECT_SETTING,
	OBJECT_ENTRY,
	OBJECT_DOMAIN,
	OBJECT_USER,
	OBJECT_ALIAS,		/* a further address of a user */
	OBJECT_APP_PASSWORD,
	OBJECT_DEPENDENTS,	/* how many rows name a row */
	OBJECT_PLAN,
	OBJECT_LOGINS,		/* a user's app passwords with SCRAM */
	OBJECT_ADMINS,		/* a customer's super admins */
};

struct object {
	_Atomic uint32_t refs;
	uint8_t kind;		/* enum object_kind */
	uint8_t key_n;		/* of dependents */
	uint16_t alias_count;	/* of a user; of logins: how many */
};

struct customer_object {
	struct object head;
	struct customer row;
	const struct setting *settings[];	/* each holds a reference */
};
struct plan_object {
	struct object head;
	struct named_plan row;
};
struct setting_object {
	struct object head;
	struct setting row;
};
struct entry_object {
	struct object head;
	struct ip_entry row;
};
struct domain_object {
	struct object head;
	struct domain row;
};
struct user_object {
	struct object head;
	struct user row;
	char text[];		/* address, then each alias: u16 length, bytes */
};
struct alias_object {
	struct object head;
	uint32_t user;
	uint16_t n;
	char address[];
};
struct app_password_object {
	struct object head;
	struct app_password row;
};
struct logins_object {
	struct object head;
	uint32_t user;
	char ids[][10];		/* of app passwords */
};
struct admins_object {
	struct object head;	/* alias_count: how many */
	uint32_t customer;
	uint32_t users[];	/* ids */
};
struct dependents_object {
	struct object head;
	uint32_t count;
	char key[];
};

/* New ones: one reference, the caller's; NULL out of memory. The bytes that
 * it takes are object_bytes. */
struct object *object_of_customer(const struct customer *row,
				  const struct setting *const *settings,
				  uint32_t setting_count);
struct object *object_of_plan(const struct named_plan *row);
struct object *object_of_setting(const struct setting *row);
struct object *object_of_entry(const struct ip_entry *row);
struct object *object_of_domain(const struct domain *row);
struct object *object_of_user(const struct user *row, const slice *aliases,
			      uint32_t alias_count);
struct object *object_of_alias(uint32_t user, slice address);
struct object *object_of_app_password(const struct app_password *row);
/* `of` (may be NULL) with the app password's id added or taken away. */
struct object *object_of_logins(const struct logins_object *of,
				const struct app_password *row, bool more);
/* `of` (may be NULL) with a user's id added or taken away. */
struct object *object_of_admins(const struct admins_object *of,
				const struct user *row, bool more);
struct object *object_of_dependents(slice key, uint32_t count);

void object_ref(struct object *o);
/* Asks for the memory of an object that will be looked at in a moment: what
 * a decision reads of a row is in its first 130 bytes, which lie in up to
 * three lines. */
static inline void object_prefetch(const struct object *o)
{
	__builtin_prefetch(o);
	__builtin_prefetch((const char *)o + 64);
	__builtin_prefetch((const char *)o + 128);
}
void object_unref(struct object *o);
size_t object_bytes(const struct object *o);

/* The row inside; the kind must be that one. NULL gives NULL. */
const struct customer *object_customer(const struct object *o);
const struct named_plan *object_plan(const struct object *o);
const struct setting *object_setting(const struct object *o);
const struct ip_entry *object_entry(const struct object *o);
const struct domain *object_domain(const struct object *o);
const struct user *object_user(const struct object *o);
const struct app_password *object_app_password(const struct object *o);
const struct dependents_object *object_dependents(const struct object *o);
const struct logins_object *object_logins(const struct object *o);
const struct admins_object *object_admins(const struct object *o);
/* The object around a setting that a customer lists. */
const struct object *object_holding_setting(const struct setting *s);
/* The alias number i < alias_count of a user. */
slice object_user_alias(const struct object *o, uint32_t i);

/* How objects are found: by id (in order of ids), by name, by address. */
extern const struct trie_ops OPS_ID, OPS_CUSTOMER_NAME, OPS_DOMAIN,
	OPS_ADDRESS, OPS_APP_PASSWORD, OPS_DEPENDENTS;

/* Keys lend from their argument. */
struct trie_key key_of_id(const uint32_t *id);
struct trie_key key_of_name(const struct trie_ops *ops, const slice *name);

/* An address as users are found by it: local part without quotes, in lower
 * case, "@", domain. Empty when it does not fit or is no address. */
enum { ADDRESS_KEY_MAX = ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX };
struct address_key {
	char room[ADDRESS_KEY_MAX];
	slice s;
};
void address_key_of_parts(struct address_key *k, slice local, slice domain);
/* From "local@domain" as a row has it, the local part perhaps quoted. */
void address_key_of_text(struct address_key *k, slice text);
