/*
 * Writing the difference into the store; see directory.h. The order keeps
 * every foreign key and every unique name whole at each step: what goes
 * first, then parents, then children; domains go last, because an alias may
 * still be turned away from them.
 */
#include "admin/directory.h"

/* 10,000 org units of 255 bytes, each of them escaped. */
enum { JSON_MAX = 6 * 2600000 };

struct storing {
	struct directory *d;
	struct tables *t;
	const struct audit_by *by;
	struct row_list touched;	/* entries that came, went, or opened */
	enum row_kind kind;
	bool aliases;			/* this round of domains */
};

/* --- audit ---------------------------------------------------------------- */

static void bind_json(struct sql *q, slice json)
{
	if (json.n > 0)
		sql_text(q, json);
	else
		sql_null(q);
}

void audit_write(struct store *s, const struct audit_by *by,
		 uint32_t customer, slice object, slice before, slice after)
{
	struct sql q = sql_of(s, "INSERT INTO audit (at, who, role, client, "
				 "call, revision, customer, object, before, "
				 "after) VALUES (?,?,?,?,?,?,?,?,?,?)");
	sql_i64(&q, by->at_ms);
	sql_text(&q, by->who);
	sql_text(&q, by->role);
	sql_text(&q, by->client);
	sql_text(&q, by->call);
	if (by->revision != 0)
		sql_u64(&q, by->revision);
	else
		sql_null(&q);
	if (customer != 0)
		sql_u64(&q, customer);
	else
		sql_null(&q);
	sql_text(&q, object);
	bind_json(&q, before);
	bind_json(&q, after);
	sql_run(&q);
}

static void audit_row(struct storing *s, const struct row *before,
		      const struct row *after, uint32_t customer)
{
	struct buf was, is, object;
	struct json j;
	const struct row *r = after != NULL ? after : before;
	buf_init(&was, JSON_MAX);
	buf_init(&is, JSON_MAX);
	buf_init(&object, 4096);
	buf_printf(&object, "%s %.*s", row_kind_name(r->kind),
		   SLICE_ARG(row_key(r)));
	json_init(&j, &was);
	if (before != NULL)
		row_json(&j, before);
	json_init(&j, &is);
	if (after != NULL)
		row_json(&j, after);
	if (was.failed || is.failed || object.failed)
		store_fail(s->t->store, "out of memory");
	audit_write(s->t->store, s->by, customer, buf_slice(&object),
		    buf_slice(&was), buf_slice(&is));
	buf_fini(&was);
	buf_fini(&is);
	buf_fini(&object);
}

/* --- what goes ------------------------------------------------------------ */

static void no_memory(struct storing *s)
{
	store_fail(s->t->store, "out of memory");
}

static void touch(struct storing *s, struct row *entry)
{
	if (!row_list_add(&s->touched, &s->d->arena, entry))
		no_memory(s);
}

/* Whom a removed row belonged to. */
static uint32_t customer_of(struct row *r)
{
	switch (r->kind) {
	case ROW_CUSTOMER:
		return row_customer(r)->c.id;
	case ROW_DOMAIN:
		return row_domain(r)->d.customer;
	case ROW_USER:
		return row_user(r)->u.customer;
	case ROW_SETTING:
		return row_setting(r)->s.customer;
	case ROW_ENTRY:
		return row_entry(r)->e.customer;
	case ROW_PLAN:
		return 0;
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("every kind is listed");
}

static void audit_password_gone(struct storing *s, slice id,
				const struct user_row *u)
{
	struct buf object, was;
	struct json j;
	buf_init(&object, 256);
	buf_init(&was, 4096);
	buf_printf(&object, "app-password %.*s", SLICE_ARG(id));
	json_init(&j, &was);
	json_object(&j);
	json_member_string(&j, "id", id);
	json_member_string(&j, "address", u->u.address);
	json_object_end(&j);
	audit_write(s->t->store, s->by, u->u.customer, buf_slice(&object),
		    buf_slice(&was), (slice){ 0 });
	buf_fini(&object);
	buf_fini(&was);
}

/* Ids of app passwords that the user takes along: relay must forget them. */
static void note_passwords(struct storing *s, const struct user_row *u)
{
	struct directory *d = s->d;
	struct sql q = sql_of(s->t->store,
			      "SELECT id FROM app_passwords WHERE user = ?");
	uint32_t first = d->passwords.count;
	sql_u64(&q, u->u.id);
	while (sql_row(&q)) {
		struct text_list *l = &d->passwords;
		/* Room doubles: the list is full at powers of two. */
		if ((l->count & (l->count - 1)) == 0) {
			slice *more = arena_alloc(&d->arena,
						  (l->count * 2 + 1) *
							  sizeof(slice));
			if (more == NULL) {
				no_memory(s);
				sql_end(&q);
				return;
			}
			if (l->count > 0)
				memcpy(more, l->items,
				       l->count * sizeof(slice));
			l->items = more;
		}
		l->items[l->count++] = sql_copy(&q, 0, &d->arena);
	}
	for (uint32_t i = first; i < d->passwords.count; i++)
		audit_password_gone(s, d->passwords.items[i], u);
}

static void remove_kind(struct storing *s, enum row_kind kind)
{
	struct row_list *l = &s->d->removed;
	for (uint32_t i = 0; i < l->count && !s->t->store->failed; i++) {
		struct row *r = l->items[i];
		if (r->kind != kind)
			continue;
		if (kind == ROW_USER)
			note_passwords(s, row_user(r));
		if (kind == ROW_ENTRY)
			touch(s, r);
		audit_row(s, r, NULL, customer_of(r));
		tables_remove(s->t, r);
	}
}

/* --- what comes or changes ------------------------------------------------ */

static void belong(struct storing *s, struct row *r, struct customer_row *c)
{
	if (r->kind == ROW_CUSTOMER && (row_is_new(r) || row_is_changed(r)))
		c->c.plan = tables_plan_id(s->t, c->plan);
	if (r->kind == ROW_DOMAIN)
		row_domain(r)->d.customer = c->c.id;
	else if (r->kind == ROW_USER)
		row_user(r)->u.customer = c->c.id;
	else if (r->kind == ROW_SETTING)
		row_setting(r)->s.customer = c->c.id;
	if (r->kind != ROW_SETTING)
		return;
	struct row_list *entries = &row_setting(r)->entries;
	for (uint32_t i = 0; i < entries->count; i++)
		row_entry(entries->items[i])->e.customer = c->c.id;
}

static void give_setting_id(struct setting_row *s)
{
	for (uint32_t i = 0; i < s->entries.count; i++)
		row_entry(s->entries.items[i])->e.setting = s->s.id;
}

static void put_row(void *ctx, struct row *r, struct customer_row *c)
{
	struct storing *s = ctx;
	bool fresh = row_is_new(r);
	if (s->t->store->failed)
		return;
	if (r->kind == ROW_DOMAIN &&
	    (row_domain(r)->d.kind == DOMAIN_ALIAS) != s->aliases)
		return;
	belong(s, r, c);
	if (fresh)
		tables_insert(s->t, r);
	else if (row_is_changed(r))
		tables_update(s->t, r);
	if (r->kind == ROW_SETTING)
		give_setting_id(row_setting(r));
	if (r->kind == ROW_ENTRY &&
	    (fresh || row_entry(r)->shared != row_entry(r->old)->shared))
		touch(s, r);
	if (fresh || row_is_changed(r))
		audit_row(s, r->old, r, c != NULL ? c->c.id : 0);
}

static void clear_aliases(void *ctx, struct row *r,
			  struct customer_row *c UNUSED)
{
	struct storing *s = ctx;
	if (row_is_changed(r))
		tables_clear_aliases(s->t, row_id(r));
}

void directory_store(struct directory *d, struct tables *t,
		     const struct audit_by *by)
{
	struct storing s = { .d = d, .t = t, .by = by };
	remove_kind(&s, ROW_ENTRY);
	remove_kind(&s, ROW_SETTING);
	remove_kind(&s, ROW_USER);
	directory_each(d, ROW_USER, clear_aliases, &s);
	directory_each(d, ROW_PLAN, put_row, &s);
	directory_each(d, ROW_CUSTOMER, put_row, &s);
	remove_kind(&s, ROW_PLAN);
	directory_each(d, ROW_DOMAIN, put_row, &s);
	s.aliases = true;
	directory_each(d, ROW_DOMAIN, put_row, &s);
	remove_kind(&s, ROW_DOMAIN);
	directory_each(d, ROW_USER, put_row, &s);
	directory_each(d, ROW_SETTING, put_row, &s);
	directory_each(d, ROW_ENTRY, put_row, &s);
	if (!t->store->failed)
		directory_inert(d, t, &s.touched);
}
