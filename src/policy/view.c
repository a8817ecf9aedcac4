/* The view's root, its references and its look-ups; see view.h. */
#include "policy/view.h"

#include <stdlib.h>

#include "base/map.h"
#include "policy/view_private.h"

/* --- references ----------------------------------------------------------- */
struct view *view_new(void)
{
	struct view *v = calloc(1, sizeof(*v));
	if (v == NULL)
		return NULL;
	atomic_init(&v->refs, 1);
	v->complete = true;
	return v;
}

struct view *view_ref(const struct view *v)
{
	struct view *mine = (struct view *)(uintptr_t)v;
	uint32_t was = atomic_fetch_add_explicit(&mine->refs, 1,
						 memory_order_relaxed);
	invariant(was > 0);
	return mine;
}

static void view_free(struct view *v)
{
	trie_release(&v->customers);
	trie_release(&v->customer_names);
	trie_release(&v->plans);
	trie_release(&v->settings);
	trie_release(&v->entries);
	trie_release(&v->domains);
	trie_release(&v->users);
	trie_release(&v->addresses);
	trie_release(&v->app_passwords);
	trie_release(&v->logins);
	trie_release(&v->admins);
	trie_release(&v->dependents);
	radix_release(&v->ranges);
	free(v);
}

void view_unref(const struct view **v)
{
	struct view *mine = (struct view *)(uintptr_t)*v;
	*v = NULL;
	if (mine == NULL)
		return;
	uint32_t was = atomic_fetch_sub_explicit(&mine->refs, 1,
						 memory_order_acq_rel);
	invariant(was > 0);
	if (was == 1)
		view_free(mine);
}

struct view *view_fork(const struct view *from)
{
	struct view *v = view_new();
	if (v == NULL)
		return NULL;
	v->complete = from->complete;
	v->revision = from->revision;
	v->customers = trie_share(&from->customers);
	v->customer_names = trie_share(&from->customer_names);
	v->plans = trie_share(&from->plans);
	v->settings = trie_share(&from->settings);
	v->entries = trie_share(&from->entries);
	v->domains = trie_share(&from->domains);
	v->users = trie_share(&from->users);
	v->addresses = trie_share(&from->addresses);
	v->app_passwords = trie_share(&from->app_passwords);
	v->logins = trie_share(&from->logins);
	v->admins = trie_share(&from->admins);
	v->dependents = trie_share(&from->dependents);
	v->ranges = radix_share(&from->ranges);
	v->object_bytes = from->object_bytes;
	return v;
}

struct view *view_take(const struct view **v)
{
	struct view *mine = (struct view *)(uintptr_t)*v;
	if (atomic_load_explicit(&mine->refs, memory_order_acquire) == 1) {
		*v = NULL;
		return mine;
	}
	struct view *fork = view_fork(mine);
	view_unref(v);
	return fork;
}

uint64_t view_revision(const struct view *v)
{
	return v->revision;
}

bool view_complete(const struct view *v)
{
	return v->complete;
}

/* --- by id and by name ---------------------------------------------------- */
static const struct object *by_id(const struct trie *t, uint32_t id)
{
	struct trie_key k = key_of_id(&id);
	return trie_get(t, &k);
}

static const struct object *by_name(const struct trie *t,
				    const struct trie_ops *ops, slice name)
{
	struct trie_key k = key_of_name(ops, &name);
	return trie_get(t, &k);
}

const struct customer *view_customer(const struct view *v, uint32_t id)
{
	return object_customer(by_id(&v->customers, id));
}

uint32_t view_super_admins(const struct view *v, uint32_t customer,
			   const struct user *out[VIEW_SUPER_ADMINS_MAX])
{
	const struct admins_object *a =
		object_admins(by_id(&v->admins, customer));
	uint32_t n = a != NULL ? a->head.alias_count : 0;
	for (uint32_t i = 0; i < n; i++) {
		out[i] = view_user_by_id(v, a->users[i]);
		invariant(out[i] != NULL);
	}
	return n;
}

const struct customer *view_customer_named(const struct view *v, slice name)
{
	return object_customer(
		by_name(&v->customer_names, &OPS_CUSTOMER_NAME, name));
}

const struct named_plan *view_plan(const struct view *v, uint32_t id)
{
	return object_plan(by_id(&v->plans, id));
}

/* A view of before there were plans has none. */
const struct plan *view_plan_of(const struct view *v,
				const struct customer *c)
{
	const struct named_plan *row = view_plan(v, c->plan);
	if (row != NULL)
		return &row->plan;
	return c->plan == VIEW_PLAN_WITHOUT_RELAY ? &PLAN_WITHOUT_RELAY :
						    &PLAN_STANDARD;
}

struct allowance view_allowance(const struct view *v,
				const struct customer *c)
{
	return plan_allowance(view_plan_of(v, c), c->licences,
			      c->billing == BILLING_PAID);
}

const struct setting *view_setting(const struct view *v, uint32_t id)
{
	return object_setting(by_id(&v->settings, id));
}

const struct user *view_user_by_id(const struct view *v, uint32_t id)
{
	return object_user(by_id(&v->users, id));
}

const struct app_password *view_app_password(const struct view *v, slice id)
{
	if (id.n != sizeof(((struct app_password *)NULL)->id))
		return NULL;
	return object_app_password(
		by_name(&v->app_passwords, &OPS_APP_PASSWORD, id));
}

uint32_t view_scram_passwords(const struct view *v, uint32_t user,
			      const struct app_password *out[VIEW_SCRAM_MAX])
{
	const struct logins_object *l = object_logins(by_id(&v->logins, user));
	uint32_t n = l != NULL ? l->head.alias_count : 0;
	invariant(n <= VIEW_SCRAM_MAX);
	for (uint32_t i = 0; i < n; i++) {
		out[i] = view_app_password(v, (slice){ l->ids[i],
						       sizeof(l->ids[i]) });
		invariant(out[i] != NULL && out[i]->has_scram);
	}
	return n;
}

const struct customer *view_next_customer(const struct view *v, uint32_t *at)
{
	struct trie_key k = key_of_id(at);
	const struct customer *c =
		object_customer(trie_after(&v->customers, &OPS_ID, k.hash));
	if (c != NULL)
		*at = c->id;
	return c;
}

/* --- domains -------------------------------------------------------------- */
const struct domain *view_domain(const struct view *v, slice name)
{
	if (name.n == 0 || name.n > ADDRESS_DOMAIN_MAX)
		return NULL;
	return object_domain(by_name(&v->domains, &OPS_DOMAIN, name));
}

/* From the whole name upwards, so the longest wins; at most 128 labels. */
const struct domain *view_domain_of(const struct view *v, slice name)
{
	if (name.n > ADDRESS_DOMAIN_MAX || v->domains.count == 0)
		return NULL;
	while (name.n > 0) {
		const struct domain *d = view_domain(v, name);
		if (d != NULL && d->verified)
			return d;
		slice_cut(&name, '.');
	}
	return NULL;
}

/* --- users ---------------------------------------------------------------- */
static const struct user *user_of(const struct view *v,
				  const struct object *o)
{
	if (o == NULL || o->kind == OBJECT_USER)
		return object_user(o);
	const struct alias_object *a =
		CONTAINER_OF((uintptr_t)o, struct alias_object, head);
	return view_user_by_id(v, a->user);
}

static const struct user *user_at(const struct view *v, slice local,
				  slice domain)
{
	struct address_key key;
	address_key_of_parts(&key, local, domain);
	if (key.s.n == 0)
		return NULL;
	return user_of(v, by_name(&v->addresses, &OPS_ADDRESS, key.s));
}

/* The local part without "+detail". */
static const struct user *user_plain(const struct view *v, slice local,
				     slice domain)
{
	size_t plus = slice_find(local, '+');
	if (plus == 0 || plus == local.n)
		return NULL;
	return user_at(v, slice_sub(local, 0, plus), domain);
}

const struct user *view_user_known(const struct view *v,
				   const struct address *a,
				   const struct object *found,
				   const struct domain *d)
{
	const struct user *u = user_of(v, found);
	if (u != NULL)
		return u;
	bool alias = d != NULL && d->verified && d->kind == DOMAIN_ALIAS;
	if (alias)
		u = user_at(v, a->local, d->alias_of);
	if (u == NULL)
		u = user_plain(v, a->local, a->domain);
	if (u == NULL && alias)
		u = user_plain(v, a->local, d->alias_of);
	return u;
}

const struct user *view_user(const struct view *v, const struct address *a)
{
	if (a->local.n == 0 || a->domain.n == 0 || v->addresses.count == 0)
		return NULL;
	const struct user *u = user_at(v, a->local, a->domain);
	return u != NULL ? u : view_user_known(v, a, NULL,
					       view_domain(v, a->domain));
}

bool view_user_alias(const struct user *u, uint32_t i, slice *out)
{
	const struct user_object *o =
		CONTAINER_OF((uintptr_t)u, struct user_object, row);
	if (i >= o->head.alias_count)
		return false;
	*out = object_user_alias(&o->head, i);
	return true;
}

/* --- address entries ------------------------------------------------------ */
struct visit {
	const struct view *v;
	bool (*each)(void *ctx, const struct ip_entry *entry);
	void *ctx;
	bool identifying_only;
};

static bool visit_entry(void *ctx, const struct object *o)
{
	const struct visit *visit = ctx;
	const struct ip_entry *e = object_entry(o);
	if (visit->identifying_only && !view_entry_identifies(visit->v, e))
		return true;
	return visit->each(visit->ctx, e);
}

/* By way of the customer, who is asked for in a moment anyway. */
static const struct setting *setting_of(const struct view *v,
					const struct customer *c, uint32_t id)
{
	if (c->setting_count > VIEW_SETTINGS_FEW)
		return view_setting(v, id);
	for (uint32_t i = 0; i < c->setting_count; i++)
		if (c->settings[i]->id == id)
			return c->settings[i];
	unreachable_state("an entry's setting is its customer's");
}

bool view_entry_identifies(const struct view *v, const struct ip_entry *e)
{
	if (!e->enabled || e->inert)
		return false;
	const struct customer *c = view_customer(v, e->customer);
	invariant(c != NULL);
	if (c->closing)
		return false;
	const struct setting *s = setting_of(v, c, e->setting);
	return s->enabled && s->ip_only;
}

void view_ranges_of(const struct view *v, const struct ip_addr *a,
		    bool (*each)(void *ctx, const struct ip_entry *entry),
		    void *ctx)
{
	struct visit visit = { v, each, ctx, false };
	radix_holding(&v->ranges, a, visit_entry, &visit);
}

void view_entries_of(const struct view *v, const struct ip_addr *a,
		     bool (*each)(void *ctx, const struct ip_entry *entry),
		     void *ctx)
{
	struct visit visit = { v, each, ctx, true };
	radix_holding(&v->ranges, a, visit_entry, &visit);
}

static bool seen(void *ctx, const struct ip_entry *entry)
{
	(void)entry;
	*(bool *)ctx = true;
	return false;
}

bool view_address_listed(const struct view *v, const struct ip_addr *a)
{
	bool listed = false;
	view_entries_of(v, a, seen, &listed);
	return listed;
}

/* --- figures -------------------------------------------------------------- */
void view_count(const struct view *v, struct view_counts *out)
{
	*out = (struct view_counts){
		.customers = v->customers.count,
		.domains = v->domains.count,
		.users = v->users.count,
		.app_passwords = v->app_passwords.count,
		.settings = v->settings.count,
		.entries = v->entries.count,
		.bytes = sizeof(*v) + v->object_bytes + v->customers.bytes +
			 v->customer_names.bytes + v->plans.bytes +
			 v->settings.bytes +
			 v->entries.bytes + v->domains.bytes +
			 v->users.bytes + v->addresses.bytes +
			 v->app_passwords.bytes + v->logins.bytes +
			 v->admins.bytes +
			 v->dependents.bytes + v->ranges.bytes,
	};
}
