/*
 * A call about one thing (user.add, ip.remove, …): its fragment has gone
 * through load and merge as a file that says nothing else would; here the one
 * row is found, judged by what shall be done to it, and taken out when it is
 * removed. Check, authorise, store and change follow as for a file.
 */
#include "admin/directory.h"

#include "base/near_names.h"

/* --- finding -------------------------------------------------------------- */

static struct row_list *list_of(struct customer_row *c, enum row_kind kind)
{
	switch (kind) {
	case ROW_DOMAIN:
		return &c->domains;
	case ROW_USER:
		return &c->users;
	case ROW_SETTING:
		return &c->settings;
	case ROW_ENTRY:
		invariant(c->settings.count > 0);
		return &row_setting(c->settings.items[0])->entries;
	case ROW_CUSTOMER:
	case ROW_PLAN:
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("the others stand in no list of a customer");
}

/* Rows of the fragment stand before those that only the store has. */
static struct row *target(struct customer_row *c, enum row_kind kind)
{
	if (kind == ROW_CUSTOMER)
		return &c->row;
	struct row_list *l = list_of(c, kind);
	invariant(l->count > 0 && l->items[0]->node != NULL);
	return l->items[0];
}

/* What unit admins don't see isn't there for them. */
static bool is_there(const struct row *r, const struct caller *caller,
		     uint32_t customer)
{
	return r != NULL &&
	       (r->kind != ROW_USER ||
		authorise_sees_user(caller, customer,
				    row_user((struct row *)(uintptr_t)r)
					    ->org_unit));
}

/* --- removing ------------------------------------------------------------- */

static bool remove_old(struct directory *d, struct row *old)
{
	if (!row_list_add(&d->removed, &d->arena, old))
		return false;
	if (old->kind != ROW_SETTING)
		return true;
	const struct row_list *entries = &row_setting(old)->entries;
	for (uint32_t i = 0; i < entries->count; i++)
		if (!row_list_add(&d->removed, &d->arena, entries->items[i]))
			return false;
	return true;
}

static bool remove_all(struct directory *d, struct row_list *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (!remove_old(d, l->items[i]->old))
			return false;
	l->count = 0;
	return true;
}

static bool close_customer(struct directory *d, struct customer_row *c)
{
	c->c.closing = true;
	return remove_all(d, &c->settings) && remove_all(d, &c->users) &&
	       remove_all(d, &c->domains);
}

static bool remove_first(struct directory *d, struct row_list *l)
{
	struct row *old = l->items[0]->old;
	l->count--;
	memmove(l->items, l->items + 1, l->count * sizeof(*l->items));
	return remove_old(d, old);
}

/* Entries that only the store has. */
static bool remove_kept(struct directory *d, struct row_list *l)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < l->count; i++) {
		struct row *r = l->items[i];
		if (!r->kept)
			l->items[n++] = r;
		else if (!remove_old(d, r->old))
			return false;
	}
	l->count = n;
	return true;
}

/* --- the order of settings ------------------------------------------------ */

static uint32_t position_of(const struct row *r)
{
	return r->old != NULL ? row_setting(r->old)->s.position : UINT32_MAX;
}

static void move_to(struct row_list *l, uint32_t from, uint32_t to)
{
	struct row *r = l->items[from];
	for (; from > to; from--)
		l->items[from] = l->items[from - 1];
	for (; from < to; from++)
		l->items[from] = l->items[from + 1];
	l->items[to] = r;
}

/* As before, a new one at the end, and the one of the fragment where the
 * call wants it. */
static void order_settings(struct row_list *l, uint32_t wanted)
{
	for (uint32_t i = 1; i < l->count; i++) {
		uint32_t to = i;
		while (to > 0 && position_of(l->items[to - 1]) >
					 position_of(l->items[i]))
			to--;
		move_to(l, i, to);
	}
	for (uint32_t i = 0; wanted > 0 && i < l->count; i++)
		if (l->items[i]->node != NULL) {
			move_to(l, i, wanted < l->count ? wanted - 1 :
							  l->count - 1);
			break;
		}
	for (uint32_t i = 0; i < l->count; i++)
		row_setting(l->items[i])->s.position = i + 1;
}

/* In the order of the fragment, those that it doesn't name behind them. */
static enum directory_found order_all(struct customer_row *c,
				      const struct row **row)
{
	for (uint32_t i = 0; i < c->settings.count; i++) {
		*row = c->settings.items[i];
		if ((*row)->old == NULL)
			return DIRECTORY_NO_ROW;
		row_setting(c->settings.items[i])->s.position = i + 1;
	}
	return DIRECTORY_GOOD;
}

/* --- one ------------------------------------------------------------------ */

static enum directory_found look(struct customer_row *c,
				 const struct directory_one *one,
				 const struct caller *caller,
				 const struct row **row)
{
	*row = &c->row;
	if (one->kind != ROW_CUSTOMER && c->row.old == NULL)
		return DIRECTORY_NO_CUSTOMER;
	if (one->act == DIRECTORY_ORDER)
		return order_all(c, row);
	if (one->kind == ROW_ENTRY && c->settings.items[0]->old == NULL) {
		*row = c->settings.items[0];
		return DIRECTORY_NO_SETTING;
	}
	const struct row *r = target(c, one->kind);
	*row = r;
	if (one->act == DIRECTORY_ADD)
		return r->old == NULL ? DIRECTORY_GOOD : DIRECTORY_ROW_THERE;
	if (!is_there(r->old, caller, c->c.id))
		return DIRECTORY_NO_ROW;
	return one->act == DIRECTORY_REQUEST && !row_entry(r->old)->e.inert ?
		       DIRECTORY_IN_FORCE : DIRECTORY_GOOD;
}

enum directory_found directory_do_one(struct directory *d,
				      const struct directory_one *one,
				      const struct caller *caller,
				      const struct row **row)
{
	bool ok = true;
	invariant(d->fragment && d->customers.count == 1);
	struct customer_row *c = row_customer(d->customers.items[0]);
	enum directory_found found = look(c, one, caller, row);
	if (found != DIRECTORY_GOOD)
		return found;
	if (one->act == DIRECTORY_REMOVE)
		ok = one->kind == ROW_CUSTOMER ?
			     close_customer(d, c) :
			     remove_first(d, list_of(c, one->kind));
	if (one->act == DIRECTORY_REQUEST)
		row_entry(target(c, one->kind))->sharing_requested = true;
	if (one->all_entries)
		ok = remove_kept(d, &row_setting(target(c, one->kind))
					     ->entries);
	if (one->kind == ROW_SETTING && one->act != DIRECTORY_ORDER)
		order_settings(&c->settings, one->position);
	return ok ? DIRECTORY_GOOD : DIRECTORY_NO_MEMORY;
}

slice directory_near(struct directory *d, const struct caller *caller,
		     const struct row *row)
{
	struct near_names names = { .arena = &d->arena };
	struct customer_row *c = row_customer(d->customers.items[0]);
	if (row->kind == ROW_CUSTOMER)
		return (slice){ 0 };
	const struct row_list *l = list_of(c, row->kind);
	for (uint32_t i = 0; i < l->count && i < NEAR_NAMES_MAX; i++)
		if (l->items[i] != row &&
		    is_there(l->items[i]->old, caller, c->c.id))
			near_add(&names, row_key(l->items[i]));
	return near_find(&names, row_key(row));
}
