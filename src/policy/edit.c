/*
 * What the edits of all kinds of rows share, and the edits of customers and
 * relay settings. The others are in edit_rows.c.
 *
 * How many rows name a row is counted in objects of their own, so that
 * adding a user does not make its customer anew.
 */
#include "policy/view_private.h"

#include <stdlib.h>

bool edit_refused(struct err *err, const char *why)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_NONE, "view_apply", "%s", why);
}

bool edit_put(struct view *v, struct trie *t, const struct trie_key *k,
	      struct object *o, bool counted, struct err *err)
{
	if (o == NULL)
		return err_set_memory(err, "view_apply");
	const struct object *old = counted ? trie_get(t, k) : NULL;
	size_t old_bytes = old != NULL ? object_bytes(old) : 0;
	bool ok = trie_put(t, k, o);
	if (ok && counted)
		v->object_bytes += object_bytes(o) - old_bytes;
	object_unref(o);
	return ok || err_set_memory(err, "view_apply");
}

bool edit_remove(struct view *v, struct trie *t, const struct trie_key *k,
		 bool counted, struct err *err)
{
	const struct object *old = trie_get(t, k);
	invariant(old != NULL);
	size_t old_bytes = counted ? object_bytes(old) : 0;
	if (!trie_remove(t, k))
		return err_set_memory(err, "view_apply");
	invariant(v->object_bytes >= old_bytes);
	v->object_bytes -= old_bytes;
	return true;
}

/* --- how many name it ----------------------------------------------------- */
void dependents_of_id(struct dependents_key *k, enum object_kind kind,
		      uint32_t id)
{
	k->room[0] = (char)kind;
	memcpy(k->room + 1, &id, sizeof(id));
	k->s = (slice){ k->room, 1 + sizeof(id) };
}

void dependents_of_domain(struct dependents_key *k, slice name)
{
	invariant(name.n <= sizeof(k->room) - 1);
	k->room[0] = (char)OBJECT_DOMAIN;
	memcpy(k->room + 1, name.p, name.n);
	k->s = (slice){ k->room, 1 + name.n };
}

uint32_t edit_dependents(const struct view *v, const struct dependents_key *k)
{
	struct trie_key key = key_of_name(&OPS_DEPENDENTS, &k->s);
	const struct dependents_object *d =
		object_dependents(trie_get(&v->dependents, &key));
	return d != NULL ? d->count : 0;
}

bool edit_depend(struct view *v, const struct dependents_key *k, bool more,
		 struct err *err)
{
	struct trie_key key = key_of_name(&OPS_DEPENDENTS, &k->s);
	uint32_t count = edit_dependents(v, k);
	invariant(more ? count < UINT32_MAX : count > 0);
	count = more ? count + 1 : count - 1;
	if (count == 0)
		return edit_remove(v, &v->dependents, &key, true, err);
	return edit_put(v, &v->dependents, &key,
			object_of_dependents(k->s, count), true, err);
}

/* --- names ---------------------------------------------------------------- */
bool edit_domain_valid(slice name)
{
	if (name.n == 0 || name.n > ADDRESS_DOMAIN_MAX)
		return false;
	size_t label = 0;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		bool good = (c >= 'a' && c <= 'z') || ascii_digit(c) ||
			    c == '-' || c == '_';
		if (!good || ++label > ADDRESS_LABEL_MAX)
			return false;
	}
	return label > 0;
}

/* --- customers ------------------------------------------------------------ */
bool edit_rebuild_customer(struct view *v, const struct customer *row,
			   const struct setting *const *settings,
			   uint32_t count, struct err *err)
{
	struct object *o = object_of_customer(row, settings, count);
	if (o == NULL)
		return err_set_memory(err, "view_apply");
	const struct customer *c = object_customer(o);
	struct trie_key id = key_of_id(&c->id);
	struct trie_key name = key_of_name(&OPS_CUSTOMER_NAME, &c->name);
	object_ref(o);
	if (!edit_put(v, &v->customers, &id, o, true, err)) {
		object_unref(o);
		return false;
	}
	return edit_put(v, &v->customer_names, &name, o, false, err);
}

static bool customer_valid(const struct view *v, const struct customer *row,
			   struct err *err)
{
	if (row->id == 0)
		return edit_refused(err, "customer without an id");
	if (row->name.n == 0 || row->name.n > VIEW_NAME_MAX)
		return edit_refused(err, "customer's name is empty or too long");
	if (row->report_address.n > ADDRESS_TEXT_MAX)
		return edit_refused(err, "report address is too long");
	bool early = row->plan == VIEW_PLAN_STANDARD ||
		     row->plan == VIEW_PLAN_WITHOUT_RELAY;
	if (!early && view_plan(v, row->plan) == NULL)
		return edit_refused(err, "customer of an unknown plan");
	return true;
}

static bool plan_depend(struct view *v, uint32_t plan, bool more,
			struct err *err)
{
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_PLAN, plan);
	return edit_depend(v, &k, more, err);
}

bool edit_put_customer(struct view *v, const struct customer *row,
		       struct err *err)
{
	if (!customer_valid(v, row, err))
		return false;
	const struct customer *old = view_customer(v, row->id);
	const struct customer *named = view_customer_named(v, row->name);
	if (named != NULL && named->id != row->id)
		return edit_refused(err, "another customer has this name");
	if (old != NULL && !slice_eq(old->name, row->name)) {
		struct trie_key name =
			key_of_name(&OPS_CUSTOMER_NAME, &old->name);
		if (!edit_remove(v, &v->customer_names, &name, false, err))
			return false;
	}
	if (old == NULL || old->plan != row->plan) {
		if ((old != NULL && !plan_depend(v, old->plan, false, err)) ||
		    !plan_depend(v, row->plan, true, err))
			return false;
	}
	return edit_rebuild_customer(v, row, old ? old->settings : NULL,
				     old ? old->setting_count : 0, err);
}

bool edit_remove_customer(struct view *v, uint32_t id, struct err *err)
{
	const struct customer *old = view_customer(v, id);
	if (old == NULL)
		return edit_refused(err, "no such customer to remove");
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_CUSTOMER, id);
	if (old->setting_count > 0 || edit_dependents(v, &k) > 0)
		return edit_refused(err, "customer still has settings, "
					 "domains or users");
	struct trie_key name = key_of_name(&OPS_CUSTOMER_NAME, &old->name);
	struct trie_key by_id = key_of_id(&id);
	return plan_depend(v, old->plan, false, err) &&
	       edit_remove(v, &v->customer_names, &name, false, err) &&
	       edit_remove(v, &v->customers, &by_id, true, err);
}

/* --- relay settings ------------------------------------------------------- */
static bool setting_valid(const struct setting *row, struct err *err)
{
	if (row->id == 0)
		return edit_refused(err, "setting without an id");
	if (row->key.n > VIEW_KEY_MAX ||
	    row->description.n > VIEW_DESCRIPTION_MAX)
		return edit_refused(err, "setting's texts are too long");
	if (!row->ip_only && !row->require_auth)
		return edit_refused(err, "setting without authentication "
					 "would be an open relay");
	return true;
}

static bool comes_before(const struct setting *a, const struct setting *b)
{
	return a->position != b->position ? a->position < b->position :
					    a->id < b->id;
}

/* The customer's settings with `drop` left out and `add` in its place by
 * order; either may be NULL. Returns how many there are in `out`. */
static uint32_t settings_with(const struct customer *c,
			      const struct setting *drop,
			      const struct setting *add,
			      const struct setting **out)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->setting_count; i++) {
		const struct setting *s = c->settings[i];
		if (s == drop)
			continue;
		if (add != NULL && comes_before(add, s)) {
			out[n++] = add;
			add = NULL;
		}
		out[n++] = s;
	}
	if (add != NULL)
		out[n++] = add;
	return n;
}

static bool resettle(struct view *v, const struct customer *c,
		     const struct setting *drop, const struct setting *add,
		     struct err *err)
{
	const struct setting **list =
		calloc(c->setting_count + 1u, sizeof(*list));
	if (list == NULL)
		return err_set_memory(err, "view_apply");
	uint32_t n = settings_with(c, drop, add, list);
	bool ok = n <= VIEW_SETTINGS_MAX ?
			  edit_rebuild_customer(v, c, list, n, err) :
			  edit_refused(err, "customer has too many settings");
	free(list);
	return ok;
}

bool edit_put_setting(struct view *v, const struct setting *row,
		      struct err *err)
{
	if (!setting_valid(row, err))
		return false;
	const struct customer *c = view_customer(v, row->customer);
	if (c == NULL)
		return edit_refused(err, "setting of an unknown customer");
	const struct setting *old = view_setting(v, row->id);
	if (old != NULL && old->customer != row->customer)
		return edit_refused(err, "a setting can't change its customer");
	struct object *o = object_of_setting(row);
	if (o == NULL)
		return err_set_memory(err, "view_apply");
	struct trie_key k = key_of_id(&row->id);
	object_ref(o);
	/* The customer first: it still knows the old setting by pointer. */
	if (!resettle(v, c, old, object_setting(o), err)) {
		object_unref(o);
		object_unref(o);
		return false;
	}
	bool ok = edit_put(v, &v->settings, &k, o, true, err);
	object_unref(o);
	return ok;
}

bool edit_remove_setting(struct view *v, uint32_t id, struct err *err)
{
	const struct setting *old = view_setting(v, id);
	if (old == NULL)
		return edit_refused(err, "no such setting to remove");
	struct dependents_key k;
	dependents_of_id(&k, OBJECT_SETTING, id);
	if (edit_dependents(v, &k) > 0)
		return edit_refused(err, "setting still has entries");
	const struct customer *c = view_customer(v, old->customer);
	invariant(c != NULL);
	struct trie_key by_id = key_of_id(&id);
	return resettle(v, c, old, NULL, err) &&
	       edit_remove(v, &v->settings, &by_id, true, err);
}
