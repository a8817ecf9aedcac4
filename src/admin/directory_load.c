/* From the text of a directory file to rows; see directory.h. */
#include "admin/directory.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/day.h"

enum {
	ARENA_MAX = 1 << 30,
	ERRORS_MAX = YAML_ERRORS_MAX + 65536,
	KEYS_MAX = 32,
	CUSTOMERS_MAX = 100000,
	DOMAINS_MAX = 10000,
	USERS_MAX = 500000,
	ENTRIES_MAX = 20000,
};

void directory_init(struct directory *d, enum language language)
{
	*d = (struct directory){ .language = language };
	arena_init(&d->arena, ARENA_MAX);
	buf_init(&d->errors, ERRORS_MAX);
}

void directory_fini(struct directory *d)
{
	yaml_close(&d->yaml);
	arena_fini(&d->arena);
	buf_fini(&d->errors);
}

void directory_error(struct directory *d, const struct yaml_node *n,
		     enum admin_text id, slice a, slice b, slice c)
{
	slice args[] = { a, b, c };
	d->saying = (struct problem){ .code = admin_text_name(id),
				      .values = { a, b, c } };
	yaml_say(d->yaml, n, &d->errors, admin_text(id), args,
		 ARRAY_LEN(args));
	d->saying = (struct problem){ 0 };
}

static void hear(void *ctx, slice path, slice message)
{
	struct directory *d = ctx;
	struct problem p = d->saying;
	p.field = problem_field(path);
	p.message = message;
	d->problem(d->ctx, &p);
}

static const slice NONE = { 0 };

bool directory_no_memory(struct directory *d)
{
	yaml_say(d->yaml, NULL, &d->errors, say_no_memory(), NULL, 0);
	return false;
}

const struct yaml_node *directory_node(const struct row *r,
				       const struct row *parent)
{
	return r->node != NULL || parent == NULL ? r->node : parent->node;
}

/* --- texts and addresses -------------------------------------------------- */

static bool has_control(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool text_good(struct directory *d, const struct yaml_node *n,
		      const char *name, slice s, uint32_t max)
{
	char limit[16];
	snprintf(limit, sizeof(limit), "%u", max);
	if (has_control(s))
		directory_error(d, n, SAY_CONTROL_CHARACTER, slice_of(name),
				NONE, NONE);
	else if (s.n > max)
		directory_error(d, n, SAY_TOO_LONG, slice_of(name),
				slice_of(limit), NONE);
	else
		return true;
	return false;
}

/* The key of a row: text that must be there. */
static bool key_text(struct directory *d, const struct yaml_node *n,
		     const char *name, uint32_t max, slice *out)
{
	const struct yaml_node *v = yaml_get(n, name);
	if (v == NULL) {
		directory_error(d, n, SAY_KEY_MISSING, slice_of(name), NONE,
				NONE);
		return false;
	}
	if (!yaml_string(d->yaml, v, &d->arena, out, &d->errors))
		return false;
	if (out->n == 0) {
		directory_error(d, v, SAY_EMPTY, slice_of(name), NONE, NONE);
		return false;
	}
	return text_good(d, v, name, *out, max);
}

static bool fold_local(slice local, struct arena *arena, slice *out)
{
	char *p = arena_alloc(arena, local.n + 1);
	if (p == NULL)
		return false;
	for (size_t i = 0; i < local.n; i++)
		p[i] = ascii_lower(local.p[i]);
	*out = (slice){ p, local.n };
	return true;
}

bool directory_address(slice s, struct arena *arena, slice *out,
		       slice *domain)
{
	struct address a;
	if (!address_parse(s, arena, &a, NULL) || a.local.n == 0 ||
	    a.domain.n == 0 || address_is_literal(&a) ||
	    !fold_local(a.local, arena, &a.local))
		return false;
	*out = address_text(&a, arena);
	if (domain != NULL)
		*domain = a.domain;
	return out->n > 0;
}

/* --- fields --------------------------------------------------------------- */

static bool load_list(struct directory *d, const struct yaml_node *n,
		      const struct field *f, struct text_list *out)
{
	size_t count = yaml_count(n);
	if (!yaml_want(d->yaml, n, YAML_SEQUENCE, &d->errors))
		return false;
	if (count > ROW_LIST_MAX) {
		directory_error(d, n, SAY_TOO_MANY, slice_of(f->name),
				SLICE("10000"), NONE);
		return false;
	}
	if (count == 0)
		return true;
	out->items = arena_alloc(&d->arena, count * sizeof(slice));
	if (out->items == NULL)
		return directory_no_memory(d);
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = yaml_item(n, i);
		slice *to = &out->items[out->count];
		if (yaml_string(d->yaml, item, &d->arena, to, &d->errors) &&
		    text_good(d, item, f->name, *to, f->max))
			out->count++;
	}
	return out->count == count;
}

static bool load_number(struct directory *d, const struct yaml_node *n,
			const struct field *f, struct row *r)
{
	bool b = false, ok;
	unsigned u = 0;
	uint64_t v = 0;
	if (f->type == FIELD_BOOL) {
		ok = yaml_bool(d->yaml, n, &b, &d->errors);
		v = b;
	} else if (f->type == FIELD_CHOICE) {
		ok = yaml_choice(d->yaml, n, f->choices, &u, &d->errors);
		v = u;
	} else {
		ok = yaml_u64(d->yaml, n, 0, f->max, &v, &d->errors);
	}
	if (ok)
		field_set_number(r, f, (uint32_t)v);
	d->bad_value = d->bad_value || !ok;
	return ok;
}

/* Nothing, or "", is none. */
static bool load_day(struct directory *d, const struct yaml_node *n,
		     const struct field *f, struct row *r)
{
	slice s = NONE;
	uint32_t day = 0;
	bool ok = yaml_kind(n) == YAML_NULL ||
		  yaml_string(d->yaml, n, &d->arena, &s, &d->errors);
	if (ok && s.n > 0 && !day_parse(s, &day)) {
		directory_error(d, n, SAY_NO_DAY, slice_of(f->name), s, NONE);
		ok = false;
	}
	if (ok)
		field_set_number(r, f, day);
	d->bad_value = d->bad_value || !ok;
	return ok;
}

static bool load_field(struct directory *d, const struct yaml_node *n,
		       const struct field *f, struct row *r)
{
	slice s;
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_NAME:
		if (!yaml_string(d->yaml, n, &d->arena, &s, &d->errors) ||
		    !text_good(d, n, f->name, s, f->max))
			return false;
		field_set_text(r, f, s);
		return true;
	case FIELD_LIST:
		return load_list(d, n, f, field_list(r, f));
	case FIELD_BOOL:
	case FIELD_CHOICE:
	case FIELD_U32:
	case FIELD_COUNT:
		return load_number(d, n, f, r);
	case FIELD_DAY:
		return load_day(d, n, f, r);
	}
	unreachable_state("every type is listed");
}

struct key_list {
	const char *keys[KEYS_MAX + 1];		/* NULL-terminated */
	size_t count;
};

static void key_add(struct key_list *l, const char *key)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->keys[i], key) == 0)
			return;
	invariant(l->count < KEYS_MAX);
	l->keys[l->count++] = key;
}

/* Keys of a group: those of the fields that stand in it. */
static void check_group(struct directory *d, const struct yaml_node *n,
			enum row_kind kind, const char *group)
{
	struct key_list keys = { .count = 0 };
	size_t count;
	const struct field *f = row_fields(kind, &count);
	for (size_t i = 0; i < count; i++)
		if (f[i].group != NULL && strcmp(f[i].group, group) == 0)
			key_add(&keys, f[i].name);
	yaml_check_keys(d->yaml, yaml_get(n, group), keys.keys, &d->errors);
}

/* Keys of the mapping and of its groups, then the fields. more: keys besides
 * the fields, NULL-terminated. */
static bool load_fields(struct directory *d, const struct yaml_node *n,
			const char *const *more, struct row *r)
{
	struct key_list keys = { .count = 0 };
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	r->node = n;
	for (; *more != NULL; more++)
		key_add(&keys, *more);
	for (size_t i = 0; i < count; i++)
		if (f[i].group != NULL)
			key_add(&keys, *f[i].group ? f[i].group : f[i].name);
	yaml_check_keys(d->yaml, n, keys.keys, &d->errors);
	const char *group = "";
	for (size_t i = 0; i < count; i++) {
		if (f[i].group == NULL)
			continue;
		if (*f[i].group && strcmp(f[i].group, group) != 0)
			check_group(d, n, r->kind, f[i].group);
		group = f[i].group;
		const struct yaml_node *from = *group ? yaml_get(n, group) : n;
		const struct yaml_node *v = yaml_get(from, f[i].name);
		if (v != NULL && load_field(d, v, &f[i], r))
			r->given |= 1u << i;
	}
	return true;
}

/* --- kinds ---------------------------------------------------------------- */

static struct row *begin_row(struct directory *d, const struct yaml_node *n,
			     enum row_kind kind, const char *const *more)
{
	if (!yaml_want(d->yaml, n, YAML_MAPPING, &d->errors))
		return NULL;
	struct row *r = row_new(kind, &d->arena);
	if (r == NULL) {
		directory_no_memory(d);
		return NULL;
	}
	load_fields(d, n, more, r);
	return r;
}

/* Calls load for each item of the list that stands under `name`. */
static void load_list_of(struct directory *d, const struct yaml_node *n,
			 const char *name, uint32_t max, struct row_list *to,
			 struct row *(*load)(struct directory *,
					     const struct yaml_node *))
{
	const struct yaml_node *list = yaml_get(n, name);
	char limit[16];
	snprintf(limit, sizeof(limit), "%u", max);
	if (list == NULL || yaml_kind(list) == YAML_NULL ||
	    !yaml_want(d->yaml, list, YAML_SEQUENCE, &d->errors))
		return;
	if (yaml_count(list) > max) {
		directory_error(d, list, SAY_TOO_MANY, slice_of(name),
				slice_of(limit), NONE);
		return;
	}
	for (size_t i = 0; i < yaml_count(list); i++) {
		struct row *r = load(d, yaml_item(list, i));
		if (r != NULL && !row_list_add(to, &d->arena, r))
			directory_no_memory(d);
	}
}

static struct row *load_domain(struct directory *d, const struct yaml_node *n)
{
	static const char *const more[] = { "name", NULL };
	struct row *r = begin_row(d, n, ROW_DOMAIN, more);
	slice name;
	if (r == NULL || !key_text(d, n, "name", 255, &name))
		return NULL;
	struct domain_row *row = row_domain(r);
	if (!domain_normalise(name, &d->arena, &row->d.name, NULL)) {
		directory_error(d, yaml_get(n, "name"), SAY_BAD_DOMAIN, name,
				NONE, NONE);
		return NULL;
	}
	slice of = row->d.alias_of;
	if (of.n > 0 &&
	    !domain_normalise(of, &d->arena, &row->d.alias_of, NULL)) {
		directory_error(d, yaml_get(n, "of"), SAY_BAD_DOMAIN, of,
				NONE, NONE);
		return NULL;
	}
	row_derive(r);
	return r;
}

static bool fold_address(struct directory *d, const struct yaml_node *n,
			 slice *address)
{
	slice given = *address;
	if (directory_address(given, &d->arena, address, NULL))
		return true;
	directory_error(d, n, SAY_BAD_ADDRESS, given, NONE, NONE);
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return slice_cmp(*(const slice *)a, *(const slice *)b);
}

static struct row *load_user(struct directory *d, const struct yaml_node *n)
{
	static const char *const more[] = { "address", NULL };
	struct row *r = begin_row(d, n, ROW_USER, more);
	if (r == NULL)
		return NULL;
	struct user_row *u = row_user(r);
	if (!key_text(d, n, "address", 320, &u->u.address) ||
	    !fold_address(d, yaml_get(n, "address"), &u->u.address))
		return NULL;
	const struct yaml_node *aliases = yaml_get(n, "aliases");
	if (u->aliases.count > VIEW_ALIASES_MAX) {
		directory_error(d, aliases, SAY_TOO_MANY, SLICE("aliases"),
				SLICE("64"), NONE);
		return NULL;
	}
	for (uint32_t i = 0; i < u->aliases.count; i++)
		if (!fold_address(d, yaml_item(aliases, i),
				  &u->aliases.items[i]))
			return NULL;
	/* Their order means nothing; the store has them sorted. */
	if (u->aliases.count > 1)
		qsort(u->aliases.items, u->aliases.count, sizeof(slice),
		      by_bytes);
	return r;
}

static struct row *load_entry(struct directory *d, const struct yaml_node *n)
{
	static const char *const more[] = { "range", NULL };
	struct row *r = begin_row(d, n, ROW_ENTRY, more);
	slice text;
	if (r == NULL || !key_text(d, n, "range", 64, &text))
		return NULL;
	struct entry_row *e = row_entry(r);
	const struct yaml_node *at = yaml_get(n, "range");
	if (!ip_range_parse(text, &e->e.range)) {
		directory_error(d, at, SAY_BAD_RANGE, text, NONE, NONE);
		return NULL;
	}
	struct ip_range network = ip_range_network(&e->e.range);
	ip_range_text(&network, e->key);
	if (ip_range_has_host_bits(&e->e.range))
		directory_error(d, at, SAY_HOST_BITS, text, slice_of(e->key),
				NONE);
	if (e->e.range.bits < VIEW_ENTRY_BITS_MIN)
		directory_error(d, at, SAY_TOO_WIDE, text, NONE, NONE);
	e->e.range = network;
	return r;
}

static bool key_good(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !ascii_digit(s.p[i]) && s.p[i] != '-')
			return false;
	return s.n > 0 && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

/* "Head office" → "head-office". A description without letters of ASCII gets
 * a checksum: the same one each time, which is what a key is for. */
static bool key_from(struct directory *d, slice description, slice *out)
{
	char *p = arena_alloc(&d->arena, ROW_KEY_MAX + 1);
	size_t n = 0;
	if (p == NULL)
		return directory_no_memory(d);
	for (size_t i = 0; i < description.n && n < ROW_KEY_MAX; i++) {
		char c = description.p[i];
		if (ascii_alnum(c))
			p[n++] = ascii_lower(c);
		else if (n > 0 && p[n - 1] != '-')
			p[n++] = '-';
	}
	while (n > 0 && p[n - 1] == '-')
		n--;
	bool foreign = false;
	for (size_t i = 0; i < description.n; i++)
		foreign = foreign || (uint8_t)description.p[i] >= 0x80;
	if (n == 0 || foreign)
		n = (size_t)snprintf(p, ROW_KEY_MAX + 1, "setting-%08x",
				     crc32c(0, description.p, description.n));
	*out = (slice){ p, n };
	return true;
}

static struct row *load_setting(struct directory *d,
				const struct yaml_node *n)
{
	static const char *const more[] = { "id", "ip_entries", NULL };
	struct row *r = begin_row(d, n, ROW_SETTING, more);
	if (r == NULL)
		return NULL;
	struct setting_row *s = row_setting(r);
	load_list_of(d, n, "ip_entries", ENTRIES_MAX, &s->entries, load_entry);
	const struct yaml_node *id = yaml_get(n, "id");
	if (id == NULL) {
		slice description;
		return key_text(d, n, "description", 500, &description) &&
				       key_from(d, description, &s->s.key) ?
			       r :
			       NULL;
	}
	if (!key_text(d, n, "id", ROW_KEY_MAX, &s->s.key))
		return NULL;
	if (key_good(s->s.key))
		return r;
	directory_error(d, id, SAY_BAD_KEY, s->s.key, NONE, NONE);
	return NULL;
}

static struct row *load_customer(struct directory *d,
				 const struct yaml_node *n)
{
	static const char *const more[] = { "name", "domains", "users",
					    "relay_settings", NULL };
	struct row *r = begin_row(d, n, ROW_CUSTOMER, more);
	if (r == NULL)
		return NULL;
	struct customer_row *c = row_customer(r);
	bool named = key_text(d, n, "name", ROW_NAME_MAX, &c->c.name);
	if (named && slice_trim(c->c.name).n != c->c.name.n)
		directory_error(d, yaml_get(n, "name"), SAY_BAD_NAME,
				c->c.name, NONE, NONE);
	slice report = c->c.report_address;
	if (report.n > 0)
		fold_address(d, yaml_get(n, "report_address"),
			     &c->c.report_address);
	load_list_of(d, n, "domains", DOMAINS_MAX, &c->domains, load_domain);
	load_list_of(d, n, "users", USERS_MAX, &c->users, load_user);
	load_list_of(d, n, "relay_settings", ROW_SETTINGS_MAX, &c->settings,
		     load_setting);
	row_derive(r);
	return named ? r : NULL;
}

static struct row *load_plan(struct directory *d, const struct yaml_node *n)
{
	static const char *const more[] = { "name", NULL };
	struct row *r = begin_row(d, n, ROW_PLAN, more);
	if (r == NULL)
		return NULL;
	slice *name = &row_plan(r)->p.name;
	if (!key_text(d, n, "name", VIEW_PLAN_NAME_MAX, name))
		return NULL;
	if (key_good(*name))
		return r;
	directory_error(d, yaml_get(n, "name"), SAY_BAD_PLAN_NAME, *name, NONE,
			NONE);
	return NULL;
}

bool directory_load(struct directory *d, slice text, const char *file)
{
	static const char *const keys[] = { "plans", "customers", NULL };
	if (!yaml_open(text, file, d->language, &d->yaml, &d->errors))
		return false;
	if (d->fragment)
		yaml_hide_places(d->yaml);
	if (d->problem != NULL)
		yaml_hear(d->yaml, (struct yaml_hearer){ hear, d });
	const struct yaml_node *root = yaml_root(d->yaml);
	yaml_check_keys(d->yaml, root, keys, &d->errors);
	d->has_plans = yaml_get(root, "plans") != NULL;
	if (yaml_kind(root) == YAML_MAPPING && !d->has_plans &&
	    yaml_get(root, "customers") == NULL)
		directory_error(d, root, SAY_KEY_MISSING, SLICE("customers"),
				NONE, NONE);
	load_list_of(d, root, "plans", ROW_PLANS_MAX, &d->plans, load_plan);
	load_list_of(d, root, "customers", CUSTOMERS_MAX, &d->customers,
		     load_customer);
	return d->errors.n == 0;
}
