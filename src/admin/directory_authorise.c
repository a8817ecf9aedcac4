/*
 * What a person, other than the operator, may change of the directory,
 * field by field (SPEC 12.3). The operator's fields are all that are not
 * listed here, so a new one is the operator's until somebody says otherwise.
 */
#include "admin/directory.h"

static const slice NONE = { 0 };

/* Fields of a kind that a super admin changes, NULL-terminated. */
static const char *const FIELDS[ROW_KIND_COUNT][8] = {
	[ROW_CUSTOMER] = { "language", "report_address", "org_units",
			   "customer_day", "customer_peak", "user", NULL },
	[ROW_DOMAIN] = { "kind", "of", NULL },
	[ROW_USER] = { "role", "suspended", "org_unit", "aliases", NULL },
	[ROW_SETTING] = { "description", "allowed_senders", "ip_only",
			  "require_auth", "require_tls", "enabled",
			  "line_ends", NULL },
	[ROW_ENTRY] = { "description", "enabled", NULL },
	[ROW_PLAN] = { NULL },
};

struct authorising {
	struct directory *d;
	const struct caller *caller;
};

/* --- names ---------------------------------------------------------------- */

bool directory_authorise_names(struct directory *d,
			       const struct caller *caller, slice own)
{
	if (caller->role == CALLER_OPERATOR)
		return true;
	if (d->has_plans)
		directory_error(d, yaml_get(yaml_root(d->yaml), "plans"),
				SAY_OPERATORS_PLANS, NONE, NONE, NONE);
	for (uint32_t i = 0; i < d->customers.count; i++) {
		const struct row *r = d->customers.items[i];
		if (!slice_eq(row_key(r), own))
			directory_error(d, yaml_get(r->node, "name"),
					SAY_NO_SUCH_CUSTOMER, row_key(r),
					NONE, NONE);
	}
	return d->errors.n == 0;
}

/* --- fields --------------------------------------------------------------- */

static bool is_listed(enum row_kind kind, const struct field *f)
{
	/* What no file names: the order of settings is theirs as well, and
	 * to ask for sharing; to close a customer is not. */
	if (f->group == NULL)
		return strcmp(f->name, "closing") != 0;
	for (size_t i = 0; FIELDS[kind][i] != NULL; i++)
		if (strcmp(FIELDS[kind][i], f->name) == 0)
			return true;
	return false;
}

static bool is_different(const struct row *r, const struct field *f)
{
	return r->old != NULL ? !field_same(r, r->old, f) :
				!field_is_first(r, f);
}

static void check_fields(struct authorising *a, struct row *r,
			 struct customer_row *c)
{
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	for (size_t i = 0; i < count; i++)
		if (is_different(r, &f[i]) && !is_listed(r->kind, &f[i]))
			directory_error(a->d, directory_node(r, &c->row),
					SAY_OPERATORS_FIELD,
					slice_of(f[i].name), NONE, NONE);
}

/* --- administrators of org units ------------------------------------------ */

static bool in_own_unit(const struct authorising *a, struct row *user)
{
	return authorise_unit_holds(a->caller->org_unit,
				    row_user(user)->org_unit);
}

/* Users of the unit, before and after, and never what they may do. */
static void check_for_unit_admin(struct authorising *a, struct row *r,
				 struct customer_row *c)
{
	const struct yaml_node *at = directory_node(r, &c->row);
	if (r->kind != ROW_USER) {
		directory_error(a->d, at, SAY_OTHER_ROLES, row_key(r), NONE,
				NONE);
		return;
	}
	if (!in_own_unit(a, r) || (r->old != NULL && !in_own_unit(a, r->old)))
		directory_error(a->d, at, SAY_OTHER_UNIT, row_key(r), NONE,
				NONE);
	enum role was = r->old != NULL ? row_user(r->old)->u.role : ROLE_USER;
	if (row_user(r)->u.role != was)
		directory_error(a->d, at, SAY_OTHER_ROLES, SLICE("role"),
				NONE, NONE);
	/* Nor where an administrator stands, which is what he may. */
	if (was == ROLE_UNIT_ADMIN &&
	    !slice_eq(row_user(r)->org_unit, row_user(r->old)->org_unit))
		directory_error(a->d, at, SAY_OTHER_ROLES, SLICE("org_unit"),
				NONE, NONE);
	if (!authorise_changes_user(a->caller, was))
		directory_error(a->d, at, SAY_OTHER_ROLES, row_key(r), NONE,
				NONE);
}

/* --- all ------------------------------------------------------------------ */

static void check_row(void *ctx, struct row *r, struct customer_row *c)
{
	struct authorising *a = ctx;
	if (!row_is_new(r) && !row_is_changed(r))
		return;
	invariant(c != NULL);	/* plans were refused by name */
	check_fields(a, r, c);
	if (a->caller->role == CALLER_UNIT_ADMIN)
		check_for_unit_admin(a, r, c);
}

static void check_removed(struct authorising *a)
{
	for (uint32_t i = 0; i < a->d->removed.count; i++) {
		struct row *r = a->d->removed.items[i];
		/* With a user goes his role, which only super admins take. */
		bool may = a->caller->role == CALLER_SUPER_ADMIN ||
			   (r->kind == ROW_USER && in_own_unit(a, r) &&
			    row_user(r)->u.role == ROLE_USER);
		if (!may)
			directory_error(a->d, yaml_root(a->d->yaml),
					SAY_OTHER_ROLES, row_key(r), NONE,
					NONE);
	}
}

bool directory_authorise(struct directory *d, const struct caller *caller)
{
	struct authorising a = { d, caller };
	if (caller->role == CALLER_OPERATOR)
		return true;
	invariant(caller->role == CALLER_SUPER_ADMIN ||
		  caller->role == CALLER_UNIT_ADMIN);
	for (enum row_kind k = 0; k < ROW_KIND_COUNT; k++)
		directory_each(d, k, check_row, &a);
	check_removed(&a);
	return d->errors.n == 0;
}
