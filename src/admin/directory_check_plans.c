/* What must hold of plans: a customer's is there, and none goes that somebody
 * has. */
#include "admin/directory.h"

#include <stdio.h>

#include "base/near_names.h"

static const slice NONE = { 0 };

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
		       struct near_names *n)
{
	struct row_list had = { 0 };
	tables_plans(t, &had, &d->arena);
	for (uint32_t i = 0; i < d->plans.count; i++)
		near_add(n, row_key(d->plans.items[i]));
	for (uint32_t i = 0; i < had.count; i++)
		if (!is_going(d, row_key(had.items[i])))
			near_add(n, row_key(had.items[i]));
}

void directory_check_plan(struct directory *d, struct tables *t,
			  const struct customer_row *c)
{
	bool there = is_coming(d, c->plan) ||
		     (!is_going(d, c->plan) &&
		      tables_plan_id(t, c->plan) != 0);
	if (there || t->store->failed)
		return;
	struct near_names names = { .arena = &d->arena };
	plan_names(d, t, &names);
	const struct yaml_node *at =
		c->row.node ? yaml_get(c->row.node, "plan") : NULL;
	slice near = near_find(&names, c->plan);
	directory_error(d, at != NULL ? at : c->row.node,
			near.n > 0 ? SAY_UNKNOWN_PLAN_NEAR : SAY_UNKNOWN_PLAN,
			c->plan, near, NONE);
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
