/* What must hold of org units, of who is in them, and of plans. */
#include "admin/directory.h"

#include <stdio.h>

#include "base/map.h"
#include "base/text.h"

enum { NEAR_MAX = 2000 };

static const slice NONE = { 0 };

/* --- the nearest of some names -------------------------------------------- */

struct names {
	const char *all[NEAR_MAX + 1];
	size_t count;
};

static void names_add(struct directory *d, struct names *n, slice name)
{
	char *copy = n->count < NEAR_MAX ?
			     arena_alloc(&d->arena, name.n + 1) : NULL;
	if (copy != NULL && slice_to_cstr(name, copy, name.n + 1))
		n->all[n->count++] = copy;
}

static void say_unknown(struct directory *d, const struct yaml_node *at,
			enum admin_text plain, enum admin_text near,
			const struct names *n, slice name)
{
	const char *nearest = text_nearest(name, n->all);
	if (nearest != NULL)
		directory_error(d, at, near, name, slice_of(nearest), NONE);
	else
		directory_error(d, at, plain, name, NONE, NONE);
}

/* --- org units ------------------------------------------------------------ */

static bool path_good(slice path)
{
	size_t parts = 0;
	bool slash_ends = path.n > 0 && path.p[path.n - 1] == '/';
	while (path.n > 0) {
		slice part = slice_cut(&path, '/');
		if (part.n == 0 || slice_trim(part).n != part.n ||
		    ++parts > ROW_UNITS_DEEP)
			return false;
	}
	return parts > 0 && !slash_ends;
}

static bool same_unit(const void *object, const void *key)
{
	return slice_eq(*(const slice *)object, *(const slice *)key);
}

static void check_path(struct directory *d, const struct yaml_node *at,
		       const struct map *paths, slice path)
{
	if (!path_good(path)) {
		directory_error(d, at, SAY_BAD_UNIT, path, NONE, NONE);
		return;
	}
	size_t slash = slice_rfind(path, '/');
	slice above = slice_sub(path, 0, slash);
	if (slash < path.n &&
	    map_get(paths, hash_bytes(above), same_unit, &above) == NULL)
		directory_error(d, at, SAY_UNIT_ABOVE, path, above, NONE);
}

/* Only what the file says: older stores hold free names. */
void directory_check_units(struct directory *d, const struct customer_row *c)
{
	const struct yaml_node *list =
		c->row.node ? yaml_get(c->row.node, "org_units") : NULL;
	struct map paths;
	if (list == NULL || yaml_count(list) != c->org_units.count)
		return;
	map_init(&paths, ROW_LIST_MAX);
	for (uint32_t i = 0; i < c->org_units.count; i++) {
		slice *path = &c->org_units.items[i];
		if (map_get(&paths, hash_bytes(*path), same_unit, path))
			directory_error(d, yaml_item(list, i), SAY_UNIT_TWICE,
					*path, NONE, NONE);
		else if (!map_add(&paths, hash_bytes(*path), path))
			directory_no_memory(d);
	}
	for (uint32_t i = 0; i < c->org_units.count; i++)
		check_path(d, yaml_item(list, i), &paths,
			   c->org_units.items[i]);
	map_fini(&paths);
}

static bool is_listed(const struct text_list *l, slice s)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (slice_eq(l->items[i], s))
			return true;
	return false;
}

void directory_check_unit(struct directory *d, const struct user_row *u,
			  const struct customer_row *c)
{
	const struct yaml_node *at = directory_node(&u->row, &c->row);
	bool fresh = row_is_new(&u->row) || row_is_changed(&u->row);
	if (u->u.role == ROLE_UNIT_ADMIN && u->org_unit.n == 0 && fresh)
		directory_error(d, at, SAY_UNIT_ADMIN_WHERE, NONE, NONE, NONE);
	if (u->org_unit.n == 0 || is_listed(&c->org_units, u->org_unit))
		return;
	struct names *n = arena_alloc(&d->arena, sizeof(*n));
	if (n == NULL) {
		directory_no_memory(d);
		return;
	}
	for (uint32_t i = 0; i < c->org_units.count; i++)
		names_add(d, n, c->org_units.items[i]);
	const struct yaml_node *own =
		u->row.node ? yaml_get(u->row.node, "org_unit") : NULL;
	say_unknown(d, own != NULL ? own : at, SAY_UNKNOWN_UNIT,
		    SAY_UNKNOWN_UNIT_NEAR, n, u->org_unit);
}

/* --- plans ---------------------------------------------------------------- */

static bool is_going(const struct directory *d, slice name)
{
	for (uint32_t i = 0; i < d->removed.count; i++)
		if (d->removed.items[i]->kind == ROW_PLAN &&
		    slice_eq(row_key(d->removed.items[i]), name))
			return true;
	return false;
}

static bool is_coming(const struct directory *d, slice name)
{
	for (uint32_t i = 0; i < d->plans.count; i++)
		if (slice_eq(row_key(d->plans.items[i]), name))
			return true;
	return false;
}

/* Those of the file and those of the store. */
static void plan_names(struct directory *d, struct tables *t,
		       struct names *n)
{
	struct row_list had = { 0 };
	tables_plans(t, &had, &d->arena);
	for (uint32_t i = 0; i < d->plans.count; i++)
		names_add(d, n, row_key(d->plans.items[i]));
	for (uint32_t i = 0; i < had.count; i++)
		if (!is_going(d, row_key(had.items[i])))
			names_add(d, n, row_key(had.items[i]));
}

void directory_check_plan(struct directory *d, struct tables *t,
			  const struct customer_row *c)
{
	bool there = is_coming(d, c->plan) ||
		     (!is_going(d, c->plan) &&
		      tables_plan_id(t, c->plan) != 0);
	if (there || t->store->failed)
		return;
	struct names *n = arena_alloc(&d->arena, sizeof(*n));
	if (n == NULL) {
		directory_no_memory(d);
		return;
	}
	plan_names(d, t, n);
	const struct yaml_node *at =
		c->row.node ? yaml_get(c->row.node, "plan") : NULL;
	say_unknown(d, at != NULL ? at : c->row.node, SAY_UNKNOWN_PLAN,
		    SAY_UNKNOWN_PLAN_NEAR, n, c->plan);
}

/* Customers that have it now; those of the file that leave it don't count. */
static uint64_t holders(struct directory *d, struct tables *t,
			const struct row *plan)
{
	struct sql q = sql_of(t->store,
			      "SELECT count(*) FROM customers WHERE plan=?");
	sql_u64(&q, row_id(plan));
	uint64_t count = sql_number(&q, 0);
	for (uint32_t i = 0; i < d->customers.count; i++) {
		struct row *r = d->customers.items[i];
		if (r->old != NULL &&
		    row_customer(r->old)->c.plan == row_id(plan))
			count--;
	}
	return count;
}

void directory_check_plans_gone(struct directory *d, struct tables *t)
{
	const struct yaml_node *at = yaml_get(yaml_root(d->yaml), "plans");
	for (uint32_t i = 0; i < d->removed.count; i++) {
		const struct row *r = d->removed.items[i];
		char text[24];
		uint64_t count = r->kind == ROW_PLAN ? holders(d, t, r) : 0;
		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)count);
		if (count > 0)
			directory_error(d, at, SAY_PLAN_IN_USE, row_key(r),
					slice_of(text), NONE);
	}
}
