/* What must hold of the directory after the file (SPEC 2.4, 3.2, 3.3); what
 * must hold of IP entries is in directory_check_entry.c. */
#include "admin/directory.h"

#include <stdio.h>

#include "base/map.h"

enum { NAMES_MAX = 4000000, NEAR_MAX = 100 };

static const slice NONE = { 0 };

/* A name and the row that has it. */
struct named {
	slice name;
	struct row *row;
	struct customer_row *customer;
};

struct check {
	struct directory *d;
	struct tables *t;
	const psl_ctx_t *psl;
	struct map domains;		/* of all customers in the file */
	struct map addresses;		/* users and aliases of them */
};

static bool same_name(const void *object, const void *key)
{
	const struct named *n = object;
	return slice_eq(n->name, *(const slice *)key);
}

static const struct named *named_get(const struct map *m, slice name)
{
	return map_get(m, hash_bytes(name), same_name, &name);
}

/* NULL: added; else who has the name already. */
static const struct named *named_add(struct check *k, struct map *m,
				     slice name, struct row *r,
				     struct customer_row *c)
{
	const struct named *first = named_get(m, name);
	if (first != NULL)
		return first;
	struct named *n = arena_alloc(&k->d->arena, sizeof(*n));
	if (n != NULL)
		*n = (struct named){ name, r, c };
	if (n == NULL || !map_add(m, hash_bytes(name), n))
		directory_no_memory(k->d);
	return NULL;
}

static void twice(struct check *k, enum row_kind kind, slice name,
		  const struct row *r, const struct named *first)
{
	char line_text[16];
	unsigned line, column;
	const struct yaml_node *at = r->node ? r->node : first->row->node;
	const struct yaml_node *other = r->node ? first->row->node : NULL;
	yaml_place(other, &line, &column);
	snprintf(line_text, sizeof(line_text), "%u", line);
	directory_error(k->d, at, SAY_TWICE,
			slice_of(text_in(admin_text(SAY_KIND_CUSTOMER + kind),
					 k->d->language)),
			name, line > 0 ? slice_of(line_text) : SLICE("-"));
}

/* Is it one of the customers in the file? Then the maps know of it. */
static bool in_file(const struct check *k, uint64_t customer)
{
	const struct row_list *l = &k->d->customers;
	for (uint32_t i = 0; i < l->count; i++)
		if (row_id(l->items[i]) == customer)
			return true;
	return false;
}

/* --- domains -------------------------------------------------------------- */

static void check_suffix(struct check *k, const struct domain_row *r)
{
	char name[ADDRESS_DOMAIN_MAX + 1];
	if (k->psl == NULL || !slice_to_cstr(r->d.name, name, sizeof(name)))
		return;
	if (psl_is_public_suffix2(k->psl, name,
				  PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE))
		directory_error(k->d, r->row.node, SAY_PUBLIC_SUFFIX,
				r->d.name, NONE, NONE);
}

/* Whose registered, verified domain is `name`; 0: nobody's. */
static uint64_t domain_owner(struct check *k, slice name, bool verified)
{
	struct sql q = sql_of(k->t->store,
			      "SELECT customer FROM domains WHERE name = ? "
			      "AND verified >= ?");
	sql_text(&q, name);
	sql_u64(&q, verified);
	return sql_number(&q, 0);
}

/* The nearest verified domain above; is it another customer's? */
static bool below_another(struct check *k, const struct domain_row *r,
			  const struct customer_row *c, slice *above)
{
	for (slice up = domain_parent(r->d.name); up.n > 0;
	     up = domain_parent(up)) {
		*above = up;
		const struct named *n = named_get(&k->domains, up);
		if (n != NULL && row_domain(n->row)->d.verified)
			return n->customer != c;
		uint64_t owner = domain_owner(k, up, true);
		if (owner != 0 && !in_file(k, owner))
			return owner != c->c.id;
	}
	return false;
}

static void check_new_domain(struct check *k, struct domain_row *r,
			     const struct customer_row *c)
{
	uint64_t owner = domain_owner(k, r->d.name, false);
	slice above;
	check_suffix(k, r);
	if (owner != 0 && owner != c->c.id) {
		directory_error(k->d, r->row.node, SAY_DOMAIN_TAKEN,
				r->d.name, NONE, NONE);
	} else if (below_another(k, r, c, &above)) {
		if (r->d.verified)
			directory_note(k->d, SAY_DOMAIN_BELOW_NOTE, r->d.name,
				       above);
		else
			directory_error(k->d, r->row.node, SAY_DOMAIN_BELOW,
					r->d.name, above, NONE);
	}
	if (!r->d.verified)
		directory_note(k->d, SAY_DOMAIN_PENDING, r->d.name, NONE);
}

static void check_alias(struct check *k, const struct domain_row *r,
			const struct customer_row *c)
{
	const struct yaml_node *at = directory_node(&r->row, &c->row);
	bool alias = r->d.kind == DOMAIN_ALIAS;
	if (alias && r->d.alias_of.n == 0)
		directory_error(k->d, at, SAY_ALIAS_OF_WHAT, NONE, NONE, NONE);
	if (!alias && r->d.alias_of.n > 0)
		directory_error(k->d, at, SAY_OF_WITHOUT_ALIAS, NONE, NONE,
				NONE);
	if (!alias || r->d.alias_of.n == 0)
		return;
	const struct named *to = named_get(&k->domains, r->d.alias_of);
	if (to == NULL || to->customer != c ||
	    row_domain(to->row)->d.kind == DOMAIN_ALIAS)
		directory_error(k->d, at, SAY_ALIAS_TARGET, r->d.alias_of,
				NONE, NONE);
}

static void check_domains(struct check *k, struct customer_row *c)
{
	const struct domain_row *primary = NULL;
	for (uint32_t i = 0; i < c->domains.count; i++) {
		struct domain_row *r = row_domain(c->domains.items[i]);
		check_alias(k, r, c);
		if (row_is_new(&r->row))
			check_new_domain(k, r, c);
		if (r->d.kind != DOMAIN_PRIMARY)
			continue;
		if (primary != NULL)
			directory_error(k->d, directory_node(&r->row, &c->row),
					SAY_PRIMARY_TWICE, r->d.name,
					primary->d.name, NONE);
		else
			primary = r;
	}
}

/* --- users ---------------------------------------------------------------- */

static bool has_text(const struct text_list *l, slice s)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (slice_eq(l->items[i], s))
			return true;
	return false;
}

/* The longest registered name wins (2.4), also one of a customer that is not
 * in the file. An address that was there before that one came stays. */
static bool in_domains(struct check *k, const struct customer_row *c,
		       slice domain, bool fresh)
{
	for (slice up = domain; up.n > 0; up = domain_parent(up)) {
		const struct named *n = named_get(&k->domains, up);
		if (n != NULL)
			return n->customer == c;
		uint64_t owner = fresh ? domain_owner(k, up, false) : 0;
		if (owner != 0 && !in_file(k, owner))
			return false;
	}
	return false;
}

static void say_no_domain(struct check *k, const struct customer_row *c,
			  const struct yaml_node *at, slice address)
{
	const char *names[NEAR_MAX + 1] = { NULL };
	slice domain = slice_skip(address, slice_rfind(address, '@') + 1);
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->domains.count && n < NEAR_MAX; i++) {
		slice name = row_key(c->domains.items[i]);
		char *copy = arena_alloc(&k->d->arena, name.n + 1);
		if (copy == NULL)
			break;
		memcpy(copy, name.p, name.n);
		names[n++] = copy;
	}
	yaml_say_nearest(k->d->yaml, at, &k->d->errors,
			 admin_text(SAY_ADDRESS_DOMAIN), &address, 1, domain,
			 names);
}

static void check_address(struct check *k, struct user_row *u,
			  struct customer_row *c, slice address, bool fresh)
{
	const struct yaml_node *at = directory_node(&u->row, &c->row);
	const struct named *first =
		named_add(k, &k->addresses, address, &u->row, c);
	if (first != NULL) {
		twice(k, ROW_USER, address, &u->row, first);
		return;
	}
	size_t domain = slice_rfind(address, '@') + 1;
	if (!in_domains(k, c, slice_skip(address, domain), fresh))
		say_no_domain(k, c, at, address);
	if (!fresh)
		return;
	struct sql q = sql_of(k->t->store,
			      "SELECT customer FROM users WHERE address = ?1 "
			      "UNION ALL SELECT u.customer FROM aliases a "
			      "JOIN users u ON u.id = a.user "
			      "WHERE a.address = ?1");
	sql_text(&q, address);
	uint64_t owner = sql_number(&q, 0);
	if (owner != 0 && !in_file(k, owner))
		directory_error(k->d, at, SAY_ADDRESS_TAKEN, address, NONE,
				NONE);
}

static void check_user(struct check *k, struct user_row *u,
		       struct customer_row *c)
{
	const struct text_list *had =
		u->row.old ? &row_user(u->row.old)->aliases : NULL;
	check_address(k, u, c, u->u.address, u->row.old == NULL);
	for (uint32_t i = 0; i < u->aliases.count; i++) {
		slice alias = u->aliases.items[i];
		check_address(k, u, c, alias,
			      had == NULL || !has_text(had, alias));
	}
	directory_check_unit(k->d, u, c);
}

/* --- relay settings ------------------------------------------------------- */

static void check_setting(struct check *k, const struct setting_row *s,
			  const struct customer_row *c)
{
	const struct yaml_node *at = directory_node(&s->row, &c->row);
	if (s->s.description.n == 0)
		directory_error(k->d, at, SAY_KEY_MISSING,
				SLICE("description"), NONE, NONE);
	if (!s->s.ip_only && !s->s.require_auth)
		directory_error(k->d, at, SAY_OPEN_RELAY, NONE, NONE, NONE);
}

/* --- all ------------------------------------------------------------------ */

static void index_domains(struct check *k, struct customer_row *c)
{
	for (uint32_t i = 0; i < c->domains.count; i++) {
		struct row *r = c->domains.items[i];
		const struct named *first =
			named_add(k, &k->domains, row_key(r), r, c);
		if (first != NULL)
			twice(k, ROW_DOMAIN, row_key(r), r, first);
	}
}

static void check_customer(struct check *k, struct customer_row *c)
{
	char limit[16];
	check_domains(k, c);
	for (uint32_t i = 0; i < c->users.count; i++)
		check_user(k, row_user(c->users.items[i]), c);
	directory_check_units(k->d, c);
	directory_check_plan(k->d, k->t, c);
	snprintf(limit, sizeof(limit), "%d", ROW_SETTINGS_MAX);
	if (c->settings.count > ROW_SETTINGS_MAX)
		directory_error(k->d, c->row.node, SAY_TOO_MANY,
				SLICE("relay_settings"), slice_of(limit),
				NONE);
	for (uint32_t i = 0; i < c->settings.count; i++)
		check_setting(k, row_setting(c->settings.items[i]), c);
	directory_check_entries(k->d, c);
}

bool directory_check(struct directory *d, struct tables *t,
		     const psl_ctx_t *psl)
{
	struct check k = { .d = d, .t = t, .psl = psl };
	map_init(&k.domains, NAMES_MAX);
	map_init(&k.addresses, NAMES_MAX);
	for (uint32_t i = 0; i < d->customers.count; i++)
		index_domains(&k, row_customer(d->customers.items[i]));
	for (uint32_t i = 0; i < d->customers.count; i++)
		check_customer(&k, row_customer(d->customers.items[i]));
	map_fini(&k.domains);
	map_fini(&k.addresses);
	directory_check_plans_gone(d, t);
	return d->errors.n == 0 && !t->store->failed;
}
