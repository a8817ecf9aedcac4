/* Edits of address entries, domains, users and app passwords; see
 * view_private.h. */
#include "policy/view_private.h"

static const struct object *object_by_id(const struct trie *t, uint32_t id)
{
	struct trie_key k = key_of_id(&id);
	return trie_get(t, &k);
}

static bool no_memory(struct err *err)
{
	return err_set_memory(err, "view_apply");
}

/* --- plans ---------------------------------------------------------------- */
bool edit_put_plan(struct view *v, const struct named_plan *row,
		   struct err *err)
{
	if (row->id == 0)
		return edit_refused(err, "plan without an id");
	if (row->name.n == 0 || row->name.n > VIEW_PLAN_NAME_MAX)
		return edit_refused(err, "plan's name is empty or too long");
	struct trie_key by_id = key_of_id(&row->id);
	return edit_put(v, &v->plans, &by_id, object_of_plan(row), true, err);
}

bool edit_remove_plan(struct view *v, uint32_t id, struct err *err)
{
	struct trie_key by_id = key_of_id(&id);
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_PLAN, id);
	if (edit_dependents(v, &k) > 0)
		return edit_refused(err, "plan still has customers");
	/* A directory of before there were plans has no row of this one. */
	if (object_by_id(&v->plans, id) == NULL)
		return id == VIEW_PLAN_WITHOUT_RELAY ||
		       edit_refused(err, "no such plan to remove");
	return edit_remove(v, &v->plans, &by_id, true, err);
}

/* --- address entries ------------------------------------------------------ */
static bool entry_valid(const struct view *v, const struct ip_entry *row,
			struct err *err)
{
	if (row->id == 0)
		return edit_refused(err, "entry without an id");
	if (row->description.n > VIEW_DESCRIPTION_MAX)
		return edit_refused(err, "entry's description is too long");
	if (row->range.bits > 128 || row->range.bits < VIEW_ENTRY_BITS_MIN)
		return edit_refused(err, "entry's range is too wide");
	if (ip_range_has_host_bits(&row->range))
		return edit_refused(err, "entry's range has host bits");
	const struct setting *s = view_setting(v, row->setting);
	if (s == NULL || s->customer != row->customer)
		return edit_refused(err, "entry of an unknown setting");
	return true;
}

static bool entry_forget(struct view *v, const struct object *old,
			 struct err *err)
{
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_SETTING, object_entry(old)->setting);
	return edit_depend(v, &k, false, err) &&
	       (radix_remove(&v->ranges, old) || no_memory(err));
}

static bool entry_add(struct view *v, struct object *o, struct err *err)
{
	struct dependents_key k;
	switch (radix_add(&v->ranges, o)) {
	case RADIX_DONE:
		dependents_of_id(&k, OBJECT_SETTING,
				 object_entry(o)->setting);
		return edit_depend(v, &k, true, err);
	case RADIX_OUT_OF_MEMORY:
		return no_memory(err);
	case RADIX_FULL:
		return edit_refused(err, "too many entries of one range");
	}
	unreachable_state("every result is listed");
}

/* A tick or a description changes far more often than a range. */
static bool entry_exchange(struct view *v, const struct object *old,
			   struct object *o, struct err *err)
{
	const struct ip_entry *was = object_entry(old);
	const struct ip_entry *is = object_entry(o);
	if (was->setting == is->setting && was->range.bits == is->range.bits &&
	    ip_addr_eq(&was->range.first, &is->range.first))
		return radix_replace(&v->ranges, old, o) || no_memory(err);
	return entry_forget(v, old, err) && entry_add(v, o, err);
}

bool edit_put_entry(struct view *v, const struct ip_entry *row,
		    struct err *err)
{
	if (!entry_valid(v, row, err))
		return false;
	struct object *o = object_of_entry(row);
	if (o == NULL)
		return no_memory(err);
	const struct object *old = object_by_id(&v->entries, row->id);
	if (old != NULL ? !entry_exchange(v, old, o, err) :
			  !entry_add(v, o, err)) {
		object_unref(o);
		return false;
	}
	struct trie_key by_id = key_of_id(&row->id);
	return edit_put(v, &v->entries, &by_id, o, true, err);
}

bool edit_remove_entry(struct view *v, uint32_t id, struct err *err)
{
	const struct object *old = object_by_id(&v->entries, id);
	if (old == NULL)
		return edit_refused(err, "no such entry to remove");
	struct trie_key by_id = key_of_id(&id);
	return entry_forget(v, old, err) &&
	       edit_remove(v, &v->entries, &by_id, true, err);
}

/* --- domains -------------------------------------------------------------- */
static bool alias_target_valid(const struct view *v, const struct domain *row,
			       struct err *err)
{
	if (row->kind != DOMAIN_ALIAS)
		return row->alias_of.n == 0 ||
		       edit_refused(err, "only an alias domain has a target");
	const struct domain *target = view_domain(v, row->alias_of);
	if (target == NULL || target->kind == DOMAIN_ALIAS ||
	    target->customer != row->customer ||
	    slice_eq(target->name, row->name))
		return edit_refused(err, "alias of an unknown domain");
	return true;
}

static bool domain_valid(const struct view *v, const struct domain *row,
			 struct err *err)
{
	if (!edit_domain_valid(row->name))
		return edit_refused(err, "domain's name is malformed");
	if (view_customer(v, row->customer) == NULL)
		return edit_refused(err, "domain of an unknown customer");
	if (!alias_target_valid(v, row, err))
		return false;
	const struct domain *old = view_domain(v, row->name);
	struct dependents_key k;
	dependents_of_domain(&k, row->name);
	if (old != NULL && edit_dependents(v, &k) > 0 &&
	    (row->kind == DOMAIN_ALIAS || old->customer != row->customer))
		return edit_refused(err, "domain still has aliases");
	return true;
}

/* What the row names counts it, or no longer does. */
static bool domain_depend(struct view *v, const struct domain *row, bool more,
			  struct err *err)
{
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_CUSTOMER, row->customer);
	if (!edit_depend(v, &k, more, err))
		return false;
	if (row->kind != DOMAIN_ALIAS)
		return true;
	dependents_of_domain(&k, row->alias_of);
	return edit_depend(v, &k, more, err);
}

bool edit_put_domain(struct view *v, const struct domain *row,
		     struct err *err)
{
	if (!domain_valid(v, row, err))
		return false;
	const struct domain *old = view_domain(v, row->name);
	if (old != NULL && !domain_depend(v, old, false, err))
		return false;
	struct trie_key k = key_of_name(&OPS_DOMAIN, &row->name);
	return domain_depend(v, row, true, err) &&
	       edit_put(v, &v->domains, &k, object_of_domain(row), true, err);
}

bool edit_remove_domain(struct view *v, slice name, struct err *err)
{
	const struct domain *old = view_domain(v, name);
	if (old == NULL)
		return edit_refused(err, "no such domain to remove");
	struct dependents_key k;
	dependents_of_domain(&k, name);
	if (edit_dependents(v, &k) > 0)
		return edit_refused(err, "domain still has aliases");
	struct trie_key by_name = key_of_name(&OPS_DOMAIN, &name);
	return domain_depend(v, old, false, err) &&
	       edit_remove(v, &v->domains, &by_name, true, err);
}

/* --- users ---------------------------------------------------------------- */
static bool address_free(const struct view *v, slice address, uint32_t user,
			 struct err *err)
{
	struct address_key key;
	address_key_of_text(&key, address);
	size_t at = slice_rfind(key.s, '@');
	if (key.s.n == 0 || !edit_domain_valid(slice_skip(key.s, at + 1)))
		return edit_refused(err, "user's address is malformed");
	struct trie_key k = key_of_name(&OPS_ADDRESS, &key.s);
	const struct object *o = trie_get(&v->addresses, &k);
	if (o == NULL)
		return true;
	uint32_t owner = o->kind == OBJECT_USER ?
		object_user(o)->id :
		CONTAINER_OF((uintptr_t)o, struct alias_object, head)->user;
	return owner == user ||
	       edit_refused(err, "another user has this address");
}

static bool user_valid(const struct view *v, const struct user *row,
		       const slice *aliases, uint32_t alias_count,
		       struct err *err)
{
	if (row->id == 0)
		return edit_refused(err, "user without an id");
	if (alias_count > VIEW_ALIASES_MAX)
		return edit_refused(err, "user has too many aliases");
	if (view_customer(v, row->customer) == NULL)
		return edit_refused(err, "user of an unknown customer");
	const struct user *old = view_user_by_id(v, row->id);
	if (old != NULL && old->customer != row->customer)
		return edit_refused(err, "a user can't change its customer");
	if (!address_free(v, row->address, row->id, err))
		return false;
	for (uint32_t i = 0; i < alias_count; i++)
		if (!address_free(v, aliases[i], row->id, err))
			return false;
	return true;
}

static bool address_remove(struct view *v, slice address, bool primary,
			   struct err *err)
{
	struct address_key key;
	address_key_of_text(&key, address);
	struct trie_key k = key_of_name(&OPS_ADDRESS, &key.s);
	return edit_remove(v, &v->addresses, &k, !primary, err);
}

static bool addresses_forget(struct view *v, const struct object *old,
			     struct err *err)
{
	for (uint32_t i = 0; i < old->alias_count; i++)
		if (!address_remove(v, object_user_alias(old, i), false, err))
			return false;
	return address_remove(v, object_user(old)->address, true, err);
}

static bool address_add(struct view *v, slice address, struct object *o,
			bool primary, struct err *err)
{
	struct address_key key;
	address_key_of_text(&key, address);
	struct trie_key k = key_of_name(&OPS_ADDRESS, &key.s);
	if (o != NULL && trie_get(&v->addresses, &k) != NULL) {
		object_unref(o);
		return edit_refused(err, "user has an address twice");
	}
	/* The user's own bytes are counted where it stands by id. */
	return edit_put(v, &v->addresses, &k, o, !primary, err);
}

static bool addresses_add(struct view *v, struct object *o, struct err *err)
{
	const struct user *u = object_user(o);
	object_ref(o);
	if (!address_add(v, u->address, o, true, err))
		return false;
	for (uint32_t i = 0; i < o->alias_count; i++) {
		slice alias = object_user_alias(o, i);
		if (!address_add(v, alias, object_of_alias(u->id, alias),
				 false, err))
			return false;
	}
	return true;
}

static bool is_listed(const struct admins_object *a, uint32_t user)
{
	for (uint32_t i = 0; a != NULL && i < a->head.alias_count; i++)
		if (a->users[i] == user)
			return true;
	return false;
}

/* The list of the customer's super admins: as many as it takes. */
static bool admin_listed(struct view *v, const struct user *row, bool more,
			 struct err *err)
{
	struct trie_key k = key_of_id(&row->customer);
	const struct admins_object *a =
		object_admins(trie_get(&v->admins, &k));
	uint32_t had = a != NULL ? a->head.alias_count : 0;
	if (row->role != ROLE_SUPER_ADMIN || is_listed(a, row->id) == more ||
	    (more && had == VIEW_SUPER_ADMINS_MAX))
		return true;
	if (!more && had == 1)
		return edit_remove(v, &v->admins, &k, true, err);
	return edit_put(v, &v->admins, &k, object_of_admins(a, row, more),
			true, err);
}

bool edit_put_user(struct view *v, const struct user *row,
		   const slice *aliases, uint32_t alias_count,
		   struct err *err)
{
	if (!user_valid(v, row, aliases, alias_count, err))
		return false;
	struct trie_key by_id = key_of_id(&row->id);
	const struct object *old = trie_get(&v->users, &by_id);
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_CUSTOMER, row->customer);
	if (old != NULL ? !addresses_forget(v, old, err) ||
			  !admin_listed(v, object_user(old), false, err) :
			  !edit_depend(v, &k, true, err))
		return false;
	if (!admin_listed(v, row, true, err))
		return false;
	struct object *o = object_of_user(row, aliases, alias_count);
	if (o == NULL)
		return no_memory(err);
	if (!addresses_add(v, o, err)) {
		object_unref(o);
		return false;
	}
	return edit_put(v, &v->users, &by_id, o, true, err);
}

bool edit_remove_user(struct view *v, uint32_t id, struct err *err)
{
	struct trie_key by_id = key_of_id(&id);
	const struct object *old = trie_get(&v->users, &by_id);
	if (old == NULL)
		return edit_refused(err, "no such user to remove");
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_USER, id);
	if (edit_dependents(v, &k) > 0)
		return edit_refused(err, "user still has app passwords");
	dependents_of_id(&k, OBJECT_CUSTOMER, object_user(old)->customer);
	return edit_depend(v, &k, false, err) &&
	       admin_listed(v, object_user(old), false, err) &&
	       addresses_forget(v, old, err) &&
	       edit_remove(v, &v->users, &by_id, true, err);
}

/* --- app passwords -------------------------------------------------------- */
static bool app_password_valid(const struct view *v,
			       const struct app_password *row,
			       struct err *err)
{
	for (size_t i = 0; i < sizeof(row->id); i++)
		if (!ascii_alnum(row->id[i]))
			return edit_refused(err, "app password's id is "
						 "malformed");
	const struct user *u = view_user_by_id(v, row->user);
	if (u == NULL || u->customer != row->customer)
		return edit_refused(err, "app password of an unknown user");
	if (row->sender.n > ADDRESS_TEXT_MAX)
		return edit_refused(err, "app password's sender is too long");
	if (row->has_range &&
	    (row->range.bits > 128 || ip_range_has_host_bits(&row->range)))
		return edit_refused(err, "app password's range is malformed");
	return true;
}

/* The list of the user's app passwords that SCRAM may prove. */
static bool scram_listed(struct view *v, const struct app_password *row,
			 bool more, struct err *err)
{
	struct trie_key k = key_of_id(&row->user);
	const struct logins_object *l =
		object_logins(trie_get(&v->logins, &k));
	uint32_t had = l != NULL ? l->head.alias_count : 0;
	if (more && had == VIEW_SCRAM_MAX)
		return edit_refused(err, "user has too many app passwords");
	invariant(more || had > 0);
	if (!more && had == 1)
		return edit_remove(v, &v->logins, &k, true, err);
	return edit_put(v, &v->logins, &k, object_of_logins(l, row, more),
			true, err);
}

static bool app_password_depend(struct view *v, const struct app_password *row,
				bool more, struct err *err)
{
	struct dependents_key k;
	if (row->has_scram && !scram_listed(v, row, more, err))
		return false;
	dependents_of_id(&k, OBJECT_USER, row->user);
	return edit_depend(v, &k, more, err);
}

bool edit_put_app_password(struct view *v, const struct app_password *row,
			   struct err *err)
{
	if (!app_password_valid(v, row, err))
		return false;
	slice id = { row->id, sizeof(row->id) };
	const struct app_password *old = view_app_password(v, id);
	if (old != NULL && !app_password_depend(v, old, false, err))
		return false;
	struct trie_key k = key_of_name(&OPS_APP_PASSWORD, &id);
	return app_password_depend(v, row, true, err) &&
	       edit_put(v, &v->app_passwords, &k, object_of_app_password(row),
			true, err);
}

bool edit_remove_app_password(struct view *v, slice id, struct err *err)
{
	const struct app_password *old = view_app_password(v, id);
	if (old == NULL)
		return edit_refused(err, "no such app password to remove");
	struct trie_key k = key_of_name(&OPS_APP_PASSWORD, &id);
	return app_password_depend(v, old, false, err) &&
	       edit_remove(v, &v->app_passwords, &k, true, err);
}
