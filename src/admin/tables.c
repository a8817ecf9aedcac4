/* The statements of all kinds of rows, and rows into the store; see tables.h.
 * Out of it: tables_read.c. */
#include "admin/tables.h"

enum { SQL_TEXT_MAX = 4096, LIST_TEXT_MAX = 4194304 };

/* What stands in a table besides id and the fields. */
static const struct {
	const char *table;
	const char *columns[6];
	const char *order;
} TABLES[ROW_KIND_COUNT] = {
	[ROW_CUSTOMER] = { "customers", { "name", "plan", NULL }, "id" },
	[ROW_DOMAIN] = { "domains", { "name", "customer", NULL }, "id" },
	[ROW_USER] = { "users", { "address", "customer", NULL }, "id" },
	[ROW_SETTING] = { "settings", { "key", "customer", NULL },
			  "position, id" },
	[ROW_ENTRY] = { "ip_entries",
			{ "first", "bits", "customer", "setting", "inert",
			  NULL },
			"id" },
	[ROW_PLAN] = { "plans", { "name", NULL }, "id" },
};

/* --- making the statements ------------------------------------------------ */

static unsigned columns(struct buf *out, enum row_kind kind,
			const char *before, const char *after)
{
	size_t count;
	unsigned n = 0;
	const struct field *f = row_fields(kind, &count);
	for (size_t i = 0; TABLES[kind].columns[i] != NULL; i++)
		buf_printf(out, "%s%s%s%s", n++ ? "," : "", before,
			   TABLES[kind].columns[i], after);
	for (size_t i = 0; i < count; i++)
		if (f[i].column != NULL)
			buf_printf(out, "%s%s%s%s", n++ ? "," : "", before,
				   f[i].column, after);
	return n;
}

static const char *keep(struct tables *t, struct buf *text)
{
	slice kept = { 0 };
	buf_append_char(text, '\0');
	if (text->failed || !arena_copy(&t->arena, buf_slice(text), &kept))
		return NULL;
	buf_clear(text);
	return kept.p;
}

static void make_statements(struct tables *t, enum row_kind kind,
			    struct buf *b)
{
	const char *table = TABLES[kind].table;
	buf_printf(b, "INSERT INTO %s (", table);
	unsigned n = columns(b, kind, "", "");
	buf_append(b, SLICE(") VALUES ("));
	for (unsigned i = 0; i < n; i++)
		buf_append(b, i > 0 ? SLICE(",?") : SLICE("?"));
	buf_append_char(b, ')');
	t->insert[kind] = keep(t, b);
	buf_printf(b, "UPDATE %s SET ", table);
	columns(b, kind, "", "=?");
	buf_append(b, SLICE(" WHERE id=?"));
	t->update[kind] = keep(t, b);
	buf_append(b, SLICE("SELECT id,"));
	columns(b, kind, "", "");
	/* Customers come one by one, plans all, the others all of one
	 * customer. */
	buf_printf(b, " FROM %s WHERE %s?1 ORDER BY %s", table,
		   kind == ROW_CUSTOMER ? "id=" :
		   kind == ROW_PLAN	? "id>" :
					  "customer=",
		   TABLES[kind].order);
	t->select[kind] = keep(t, b);
	if (kind != ROW_USER)
		return;
	buf_append(b, SLICE("SELECT id,"));
	columns(b, kind, "", "");
	buf_append(b, SLICE(" FROM users WHERE customer=? AND address>=? AND "
			    "address<? AND address>? ORDER BY address "
			    "LIMIT ?"));
	t->users_page = keep(t, b);
}

bool tables_init(struct tables *t, struct store *store, struct err *err)
{
	struct buf b;
	*t = (struct tables){ .store = store };
	arena_init(&t->arena, 65536);
	buf_init(&b, SQL_TEXT_MAX);
	bool ok = true;
	for (enum row_kind k = 0; k < ROW_KIND_COUNT; k++) {
		make_statements(t, k, &b);
		ok = ok && t->insert[k] && t->update[k] && t->select[k];
	}
	ok = ok && t->users_page != NULL;
	buf_fini(&b);
	if (ok)
		return true;
	tables_fini(t);
	return err_set_memory(err, "tables_init");
}

void tables_fini(struct tables *t)
{
	arena_fini(&t->arena);
}

/* --- writing -------------------------------------------------------------- */

static void bind_list(struct sql *q, const struct text_list *l)
{
	struct buf b;
	buf_init(&b, LIST_TEXT_MAX);
	for (uint32_t i = 0; i < l->count; i++) {
		invariant(slice_find(l->items[i], '\n') == l->items[i].n);
		buf_append(&b, l->items[i]);
		buf_append_char(&b, '\n');
	}
	if (b.failed)
		store_fail(q->store, "out of memory");
	sql_text(q, buf_slice(&b));
	buf_fini(&b);
}

static void bind_field(struct sql *q, const struct row *r,
		       const struct field *f)
{
	switch (f->type) {
	case FIELD_TEXT:
		sql_text(q, field_text(r, f));
		return;
	case FIELD_NAME:
		if (field_text(r, f).n > 0)
			sql_text(q, field_text(r, f));
		else
			sql_null(q);
		return;
	case FIELD_LIST:
		bind_list(q, field_list(r, f));
		return;
	case FIELD_BOOL:
	case FIELD_CHOICE:
	case FIELD_U32:
	case FIELD_COUNT:
	case FIELD_DAY:
		sql_u64(q, field_number(r, f));
		return;
	}
}

static void bind_entry(struct sql *q, const struct ip_entry *e)
{
	sql_blob(q, (slice){ (const char *)e->range.first.bytes, 16 });
	sql_u64(q, e->range.bits);
	sql_u64(q, e->customer);
	sql_u64(q, e->setting);
	sql_u64(q, e->inert);
}

static void bind_row(struct sql *q, struct row *r)
{
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	if (r->kind == ROW_ENTRY)
		bind_entry(q, &row_entry(r)->e);
	else
		sql_text(q, row_key(r));
	if (r->kind == ROW_CUSTOMER)
		sql_u64(q, row_customer(r)->c.plan);
	if (r->kind == ROW_DOMAIN)
		sql_u64(q, row_domain(r)->d.customer);
	if (r->kind == ROW_USER)
		sql_u64(q, row_user(r)->u.customer);
	if (r->kind == ROW_SETTING)
		sql_u64(q, row_setting(r)->s.customer);
	for (size_t i = 0; i < count; i++)
		if (f[i].column != NULL)
			bind_field(q, r, &f[i]);
}

void tables_clear_aliases(struct tables *t, uint32_t user)
{
	struct sql q = sql_of(t->store, "DELETE FROM aliases WHERE user=?");
	sql_u64(&q, user);
	sql_run(&q);
}

static void write_aliases(struct tables *t, const struct user_row *u)
{
	for (uint32_t i = 0; i < u->aliases.count; i++) {
		struct sql q = sql_of(t->store,
				      "INSERT INTO aliases (address, user) "
				      "VALUES (?, ?)");
		sql_text(&q, u->aliases.items[i]);
		sql_u64(&q, u->u.id);
		sql_run(&q);
	}
}

void tables_insert(struct tables *t, struct row *r)
{
	struct sql q = sql_of(t->store, t->insert[r->kind]);
	bind_row(&q, r);
	sql_run(&q);
	if (t->store->failed)
		return;
	/* The schema keeps ids below 2^32. */
	row_set_id(r, (uint32_t)store_last_id(t->store));
	if (r->kind == ROW_USER)
		write_aliases(t, row_user(r));
}

void tables_update(struct tables *t, const struct row *row)
{
	struct row *r = (struct row *)(uintptr_t)row;
	struct sql q = sql_of(t->store, t->update[r->kind]);
	bind_row(&q, r);
	sql_u64(&q, row_id(r));
	sql_run(&q);
	if (r->kind != ROW_USER)
		return;
	tables_clear_aliases(t, row_id(r));
	write_aliases(t, row_user(r));
}

void tables_remove(struct tables *t, const struct row *r)
{
	static const char *const sql[ROW_KIND_COUNT] = {
		[ROW_CUSTOMER] = "DELETE FROM customers WHERE id=?",
		[ROW_DOMAIN] = "DELETE FROM domains WHERE id=?",
		[ROW_USER] = "DELETE FROM users WHERE id=?",
		[ROW_SETTING] = "DELETE FROM settings WHERE id=?",
		[ROW_ENTRY] = "DELETE FROM ip_entries WHERE id=?",
		[ROW_PLAN] = "DELETE FROM plans WHERE id=?",
	};
	struct sql q = sql_of(t->store, sql[r->kind]);
	sql_u64(&q, row_id(r));
	sql_run(&q);
}
