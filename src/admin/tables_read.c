/* Rows out of the store; see tables.h. */
#include "admin/tables.h"

#include <stdio.h>

enum { PREFIX_MAX = 400 };

static void read_list(const struct sql *q, int column, struct text_list *out,
		      struct arena *arena)
{
	slice text = sql_copy(q, column, arena);
	uint32_t lines = 0;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (lines == 0)
		return;
	out->items = arena_alloc(arena, lines * sizeof(slice));
	if (out->items == NULL) {
		store_fail(q->store, "out of memory");
		return;
	}
	for (; out->count < lines; out->count++)
		out->items[out->count] = slice_cut(&text, '\n');
}

static void read_field(const struct sql *q, int column, struct row *r,
		       const struct field *f, struct arena *arena)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_NAME:
		field_set_text(r, f, sql_copy(q, column, arena));
		return;
	case FIELD_LIST:
		read_list(q, column, field_list(r, f), arena);
		return;
	case FIELD_BOOL:
	case FIELD_CHOICE:
	case FIELD_U32:
	case FIELD_COUNT:
	case FIELD_DAY:
		field_set_number(r, f, (uint32_t)sql_get_u64(q, column));
		return;
	}
}

static void read_range(const struct sql *q, struct entry_row *e)
{
	slice first = sql_peek(q, 1);
	invariant(first.n == 16);	/* the schema says so */
	memcpy(e->e.range.first.bytes, first.p, 16);
	e->e.range.bits = (uint8_t)sql_get_u64(q, 2);
	ip_range_text(&e->e.range, e->key);
}

/* The columns before the fields; returns the first field's. */
static int read_head(const struct sql *q, struct row *r, struct arena *arena)
{
	row_set_id(r, (uint32_t)sql_get_u64(q, 0));
	switch (r->kind) {
	case ROW_CUSTOMER:
		row_customer(r)->c.name = sql_copy(q, 1, arena);
		row_customer(r)->c.plan = (uint32_t)sql_get_u64(q, 2);
		return 3;
	case ROW_DOMAIN:
		row_domain(r)->d.name = sql_copy(q, 1, arena);
		row_domain(r)->d.customer = (uint32_t)sql_get_u64(q, 2);
		return 3;
	case ROW_USER:
		row_user(r)->u.address = sql_copy(q, 1, arena);
		row_user(r)->u.customer = (uint32_t)sql_get_u64(q, 2);
		return 3;
	case ROW_SETTING:
		row_setting(r)->s.key = sql_copy(q, 1, arena);
		row_setting(r)->s.customer = (uint32_t)sql_get_u64(q, 2);
		return 3;
	case ROW_ENTRY:
		read_range(q, row_entry(r));
		row_entry(r)->e.customer = (uint32_t)sql_get_u64(q, 3);
		row_entry(r)->e.setting = (uint32_t)sql_get_u64(q, 4);
		row_entry(r)->e.inert = sql_get_u64(q, 5) != 0;
		return 6;
	case ROW_PLAN:
		row_plan(r)->p.name = sql_copy(q, 1, arena);
		return 2;
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("every kind is listed");
}

static struct row *read_row(const struct sql *q, enum row_kind kind,
			    struct arena *arena)
{
	struct row *r = row_new(kind, arena);
	if (r == NULL) {
		store_fail(q->store, "out of memory");
		return NULL;
	}
	size_t count;
	const struct field *f = row_fields(kind, &count);
	int column = read_head(q, r, arena);
	for (size_t i = 0; i < count; i++)
		if (f[i].column != NULL)
			read_field(q, column++, r, &f[i], arena);
	row_derive(r);
	return r;
}

static void read_children(struct tables *t, enum row_kind kind,
			  uint32_t customer, struct row_list *out,
			  struct arena *arena)
{
	struct sql q = sql_of(t->store, t->select[kind]);
	sql_u64(&q, customer);
	while (sql_row(&q)) {
		struct row *r = read_row(&q, kind, arena);
		if (r == NULL || !row_list_add(out, arena, r)) {
			store_fail(t->store, "out of memory");
			sql_end(&q);
		}
	}
}

static struct user_row *user_with_id(const struct row_list *users,
				     uint32_t id)
{
	size_t low = 0, high = users->count;	/* by id, ascending */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (row_id(users->items[mid]) < id)
			low = mid + 1;
		else
			high = mid;
	}
	invariant(low < users->count && row_id(users->items[low]) == id);
	return row_user(users->items[low]);
}

static void add_alias(const struct sql *q, int column, struct user_row *u,
		      struct arena *arena)
{
	if (u->aliases.items == NULL)
		u->aliases.items = arena_alloc(
			arena, VIEW_ALIASES_MAX * sizeof(slice));
	if (u->aliases.items == NULL || u->aliases.count == VIEW_ALIASES_MAX)
		store_fail(q->store, "too many aliases, or out of memory");
	else
		u->aliases.items[u->aliases.count++] =
			sql_copy(q, column, arena);
}

static void read_aliases(struct tables *t, uint32_t customer,
			 const struct row_list *users, struct arena *arena)
{
	struct sql q = sql_of(t->store,
			      "SELECT a.user, a.address FROM users u JOIN "
			      "aliases a ON a.user = u.id WHERE "
			      "u.customer = ? ORDER BY a.user, a.address");
	sql_u64(&q, customer);
	while (sql_row(&q)) {
		struct user_row *u = user_with_id(
			users, (uint32_t)sql_get_u64(&q, 0));
		add_alias(&q, 1, u, arena);
	}
}

static void read_entries(struct tables *t, struct customer_row *c,
			 struct arena *arena)
{
	struct row_list entries = { 0 };
	read_children(t, ROW_ENTRY, c->c.id, &entries, arena);
	for (uint32_t i = 0; i < entries.count; i++) {
		uint32_t setting = row_entry(entries.items[i])->e.setting;
		uint32_t k = 0;
		while (k < c->settings.count &&
		       row_id(c->settings.items[k]) != setting)
			k++;
		invariant(k < c->settings.count);	/* a foreign key */
		struct setting_row *s = row_setting(c->settings.items[k]);
		if (!row_list_add(&s->entries, arena, entries.items[i]))
			store_fail(t->store, "out of memory");
	}
}

static void read_plan_name(struct tables *t, struct customer_row *c,
			   struct arena *arena)
{
	struct sql q = sql_of(t->store, "SELECT name FROM plans WHERE id=?");
	sql_u64(&q, c->c.plan);
	if (sql_row(&q)) {
		c->plan = sql_copy(&q, 0, arena);
		sql_end(&q);
	}
}

struct customer_row *tables_customer(struct tables *t, uint64_t id,
				     unsigned parts, struct arena *arena)
{
	struct row *r = NULL;
	struct sql q = sql_of(t->store, t->select[ROW_CUSTOMER]);
	sql_u64(&q, id);
	if (sql_row(&q)) {
		r = read_row(&q, ROW_CUSTOMER, arena);
		sql_end(&q);
	}
	if (r == NULL)
		return NULL;
	struct customer_row *c = row_customer(r);
	read_plan_name(t, c, arena);
	if (parts & PART_DOMAINS)
		read_children(t, ROW_DOMAIN, c->c.id, &c->domains, arena);
	if (parts & PART_USERS)
		read_children(t, ROW_USER, c->c.id, &c->users, arena);
	if (parts & PART_SETTINGS)
		read_children(t, ROW_SETTING, c->c.id, &c->settings, arena);
	if ((parts & PART_USERS) && !t->store->failed)
		read_aliases(t, c->c.id, &c->users, arena);
	if ((parts & PART_SETTINGS) && !t->store->failed)
		read_entries(t, c, arena);
	return t->store->failed ? NULL : c;
}

struct customer_row *tables_customer_named(struct tables *t, slice name,
					   unsigned parts,
					   struct arena *arena)
{
	struct sql q = sql_of(t->store, "SELECT id FROM customers WHERE "
					"name = ? AND closing = 0");
	sql_text(&q, name);
	uint64_t id = sql_number(&q, 0);
	return id != 0 ? tables_customer(t, id, parts, arena) : NULL;
}

struct customer_row *tables_customer_after(struct tables *t, uint32_t after,
					   unsigned parts,
					   struct arena *arena)
{
	struct sql q = sql_of(t->store, "SELECT id FROM customers "
					"WHERE id > ? ORDER BY id LIMIT 1");
	sql_u64(&q, after);
	if (!sql_row(&q))
		return NULL;
	uint64_t id = sql_get_u64(&q, 0);
	sql_end(&q);
	return tables_customer(t, id, parts, arena);
}

void tables_plans(struct tables *t, struct row_list *out, struct arena *arena)
{
	read_children(t, ROW_PLAN, 0, out, arena);
}

uint32_t tables_plan_id(struct tables *t, slice name)
{
	struct sql q = sql_of(t->store, "SELECT id FROM plans WHERE name=?");
	sql_text(&q, name);
	return (uint32_t)sql_number(&q, 0);
}

static void read_aliases_of(struct tables *t, struct user_row *u,
			    struct arena *arena)
{
	struct sql q = sql_of(t->store, "SELECT address FROM aliases "
					"WHERE user = ? ORDER BY address");
	sql_u64(&q, u->u.id);
	while (sql_row(&q))
		add_alias(&q, 0, u, arena);
}

void tables_users(struct tables *t, uint32_t customer, slice prefix,
		  slice after, uint32_t limit, struct row_list *out,
		  struct arena *arena)
{
	char end[PREFIX_MAX];
	/* Behind every text that begins so: the last character there is. */
	int n = snprintf(end, sizeof(end), "%.*s\xf4\x8f\xbf\xbf",
			 SLICE_ARG(slice_sub(prefix, 0, PREFIX_MAX - 8)));
	struct sql q = sql_of(t->store, t->users_page);
	sql_u64(&q, customer);
	sql_text(&q, prefix);
	sql_text(&q, (slice){ end, (size_t)n });
	sql_text(&q, after);
	sql_u64(&q, limit);
	while (sql_row(&q)) {
		struct row *r = read_row(&q, ROW_USER, arena);
		if (r == NULL || !row_list_add(out, arena, r))
			store_fail(t->store, "out of memory");
	}
	for (uint32_t i = 0; i < out->count && !t->store->failed; i++)
		read_aliases_of(t, row_user(out->items[i]), arena);
}

/* --- app passwords -------------------------------------------------------- */

/* False when the column is null. */
static bool take_octets(struct sql *q, int column, uint8_t *to, size_t n)
{
	slice s = sql_peek(q, column);
	if (s.n != n)
		return false;
	memcpy(to, s.p, n);
	return true;
}

void tables_app_passwords(struct tables *t, uint32_t customer,
			  void (*each)(void *ctx,
				       const struct app_password *p),
			  void *ctx)
{
	struct sql q = sql_of(t->store,
			      "SELECT p.id, p.user, p.customer, p.mac, "
			      "p.sender, p.range_first, p.range_bits, "
			      "p.generation, p.scram_salt, p.scram_stored, "
			      "p.scram_server FROM users u "
			      "JOIN app_passwords p "
			      "ON p.user = u.id WHERE u.customer = ?");
	sql_u64(&q, customer);
	while (sql_row(&q)) {
		struct app_password p = {
			.user = (uint32_t)sql_get_u64(&q, 1),
			.customer = (uint32_t)sql_get_u64(&q, 2),
			.generation = (uint32_t)sql_get_u64(&q, 7),
		};
		slice id = sql_peek(&q, 0), mac = sql_peek(&q, 3);
		slice first = sql_peek(&q, 5);
		if (id.n != sizeof(p.id) || mac.n != sizeof(p.mac)) {
			store_fail(t->store, "an app password is malformed");
			sql_end(&q);
			return;
		}
		memcpy(p.id, id.p, id.n);
		memcpy(p.mac, mac.p, mac.n);
		p.sender = sql_peek(&q, 4);
		p.has_range = first.n == 16;
		if (p.has_range) {
			memcpy(p.range.first.bytes, first.p, 16);
			p.range.bits = (uint8_t)sql_get_u64(&q, 6);
		}
		p.has_scram = take_octets(&q, 8, p.scram_salt,
					  sizeof(p.scram_salt)) &&
			      take_octets(&q, 9, p.scram_stored,
					  sizeof(p.scram_stored)) &&
			      take_octets(&q, 10, p.scram_server,
					  sizeof(p.scram_server));
		each(ctx, &p);
	}
}
