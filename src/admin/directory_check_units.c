/* What must hold of org units and of who is in them. */
#include "admin/directory.h"

#include "base/map.h"
#include "base/near_names.h"

static const slice NONE = { 0 };

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
	struct near_names names = { .arena = &d->arena };
	for (uint32_t i = 0; i < c->org_units.count; i++)
		near_add(&names, c->org_units.items[i]);
	const struct yaml_node *own =
		u->row.node ? yaml_get(u->row.node, "org_unit") : NULL;
	slice near = near_find(&names, u->org_unit);
	directory_error(d, own != NULL ? own : at,
			near.n > 0 ? SAY_UNKNOWN_UNIT_NEAR : SAY_UNKNOWN_UNIT,
			u->org_unit, near, NONE);
}
