/*
 * The rows of a file beside those of the store: what the file does not say
 * stays as it is (with prune it goes back to its first value, or goes); see
 * directory.h.
 */
#include "admin/directory.h"

#include <stdio.h>

#include "base/map.h"

static const slice NONE = { 0 };

enum { ROWS_MAX = 2000000 };

/* --- finding rows by key -------------------------------------------------- */

static bool has_key(const void *object, const void *key)
{
	return slice_eq(row_key(object), *(const slice *)key);
}

static struct row *find(const struct map *m, slice key)
{
	return map_get(m, hash_bytes(key), has_key, &key);
}

static void twice(struct directory *d, const struct row *r,
		  const struct row *first)
{
	char line_text[16];
	unsigned line, column;
	yaml_place(first->node, &line, &column);
	snprintf(line_text, sizeof(line_text), "%u", line);
	if (r->kind == ROW_ENTRY)
		directory_error(d, r->node, SAY_RANGE_TWICE, row_key(r), NONE,
				NONE);
	else if (r->kind == ROW_SETTING)
		directory_error(d, r->node, SAY_GIVE_ID, row_key(r),
				slice_of(line_text), NONE);
	else
		directory_error(d, r->node, SAY_TWICE,
				slice_of(text_in(admin_text(
					SAY_KIND_CUSTOMER + r->kind),
					d->language)),
				row_key(r), slice_of(line_text));
}

static bool index_rows(struct directory *d, struct map *m,
		       const struct row_list *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct row *first = find(m, row_key(l->items[i]));
		if (first != NULL)
			twice(d, l->items[i], first);
		else if (!map_add(m, hash_bytes(row_key(l->items[i])),
				  l->items[i]))
			return directory_no_memory(d);
	}
	return true;
}

/* --- what the file does not say ------------------------------------------- */

static void tell_kept_value(struct directory *d, const struct row *r,
			    const struct field *f)
{
	struct buf value, line;
	buf_init(&value, 4096);
	buf_init(&line, 4096);
	field_show(&value, r->old, f);
	slice kind = slice_of(text_in(admin_text(SAY_KIND_CUSTOMER + r->kind),
				      d->language));
	slice args[] = { kind, row_key(r), slice_of(f->name),
			 buf_slice(&value) };
	say(&line, admin_text(SAY_KEPT_VALUE), d->language, args,
	    ARRAY_LEN(args));
	struct buf json;
	struct json j;
	buf_init(&json, 16384);
	json_init(&j, &json);
	json_object(&j);
	json_member_cstr(&j, "what", "keep-value");
	json_member_string(&j, "text", buf_slice(&line));
	json_object_end(&j);
	if (d->tell != NULL && !json.failed)
		d->tell(d->ctx, buf_slice(&json));
	buf_fini(&json);
	buf_fini(&line);
	buf_fini(&value);
}

static void fill(struct directory *d, struct row *r)
{
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	for (size_t i = 0; r->old != NULL && i < count; i++) {
		/* What no file names: the order is set later, the rest stays. */
		if (f[i].group == NULL)
			field_take(r, r->old, &f[i]);
		if ((r->given & (1u << i)) != 0 || f[i].group == NULL)
			continue;
		/* A description is not optional, so prune leaves it. */
		bool required = strcmp(f[i].name, "description") == 0;
		if (d->prune && !required)
			continue;
		field_take(r, r->old, &f[i]);
		if (!required && !d->fragment && !field_is_first(r, &f[i]))
			tell_kept_value(d, r, &f[i]);
	}
	row_derive(r);
}

static void take_ids(struct row *r)
{
	const struct row *old = r->old;
	switch (r->kind) {
	case ROW_CUSTOMER:
		row_customer(r)->c.id = row_id(old);
		row_customer(r)->c.plan = row_customer(r->old)->c.plan;
		return;
	case ROW_DOMAIN:
		row_domain(r)->id = row_id(old);
		return;
	case ROW_USER:
		row_user(r)->u.id = row_id(old);
		return;
	case ROW_SETTING:
		row_setting(r)->s.id = row_id(old);
		return;
	case ROW_ENTRY:
		row_entry(r)->e.id = row_id(old);
		row_entry(r)->e.inert = row_entry(r->old)->e.inert;
		return;
	case ROW_PLAN:
		row_plan(r)->p.id = row_id(old);
		return;
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("every kind is listed");
}

static void join(struct directory *d, struct row *r, struct row *old)
{
	r->old = old;
	take_ids(r);
	fill(d, r);
}

/* --- what the file lacks -------------------------------------------------- */

static size_t row_bytes(enum row_kind kind)
{
	switch (kind) {
	case ROW_DOMAIN:
		return sizeof(struct domain_row);
	case ROW_USER:
		return sizeof(struct user_row);
	case ROW_SETTING:
		return sizeof(struct setting_row);
	case ROW_ENTRY:
		return sizeof(struct entry_row);
	case ROW_PLAN:
		return sizeof(struct plan_row);
	case ROW_CUSTOMER:
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("customers are never copied");
}

static struct row *keep_row(struct directory *d, struct row *old)
{
	struct row *r = row_new(old->kind, &d->arena);
	if (r == NULL)
		return NULL;
	memcpy(r, old, row_bytes(old->kind));
	r->old = old;
	r->kept = true;
	if (r->kind == ROW_SETTING)
		row_setting(r)->entries = (struct row_list){ 0 };
	return r;
}

static bool lack(struct directory *d, struct row *old, struct row_list *to)
{
	struct row_list *list = d->prune ? &d->removed : to;
	struct row *r = d->prune ? old : keep_row(d, old);
	if (r == NULL || !row_list_add(list, &d->arena, r))
		return directory_no_memory(d);
	if (old->kind != ROW_SETTING)
		return true;
	struct row_list *entries = &row_setting(old)->entries;
	struct row_list *under = d->prune ? NULL : &row_setting(r)->entries;
	for (uint32_t i = 0; i < entries->count; i++)
		if (!lack(d, entries->items[i], under))
			return false;
	return true;
}

/* Rows of one list beside those that the store has of the same parent. */
static bool merge_list(struct directory *d, struct row_list *want,
		       const struct row_list *have)
{
	struct map keys;
	map_init(&keys, ROWS_MAX);
	bool ok = index_rows(d, &keys, want);
	for (uint32_t i = 0; ok && have != NULL && i < have->count; i++) {
		struct row *old = have->items[i];
		struct row *r = find(&keys, row_key(old));
		if (r != NULL)
			join(d, r, old);
		else
			ok = lack(d, old, want);
	}
	map_fini(&keys);
	return ok;
}

/* Those of the file in its order, then the others in theirs. */
static void set_positions(struct directory *d, struct customer_row *c)
{
	bool behind = false;
	if (d->fragment)
		return;			/* directory_do_one knows where */
	for (uint32_t i = 0; i < c->settings.count; i++) {
		struct setting_row *s = row_setting(c->settings.items[i]);
		behind = behind || (s->row.kept && i > 0 &&
				    !c->settings.items[i - 1]->kept);
		s->s.position = i + 1;
	}
	if (behind)
		directory_note(d, SAY_KEPT_BEHIND, c->c.name, NONE);
}

/* Its number stands in bookings, audit rows and the journal: another
 * organisation must not come upon them by its name. */
static void check_not_closing(struct directory *d, struct tables *t,
			      const struct customer_row *c)
{
	struct sql q = sql_of(t->store, "SELECT 1 FROM customers WHERE "
					"name = ? AND closing = 1");
	sql_text(&q, c->c.name);
	if (sql_number(&q, 0) != 0)
		directory_error(d, yaml_get(c->row.node, "name"),
				SAY_CUSTOMER_CLOSING, c->c.name, NONE, NONE);
}

/* A call about relay settings says nothing of domains and users, and nothing
 * that is checked of settings depends on them. */
static unsigned parts_meant(const struct directory *d,
			    const struct customer_row *c)
{
	bool settings_only = d->fragment && c->row.given == 0 &&
			     c->settings.count > 0 &&
			     c->domains.count + c->users.count == 0;
	return settings_only ? PART_SETTINGS : PARTS_ALL;
}

static bool merge_customer(struct directory *d, struct tables *t,
			   struct customer_row *c)
{
	struct customer_row *old = tables_customer_named(
		t, c->c.name, parts_meant(d, c), &d->arena);
	if (t->store->failed)
		return false;
	if (old != NULL)
		join(d, &c->row, &old->row);
	else
		check_not_closing(d, t, c);
	if (!merge_list(d, &c->domains, old ? &old->domains : NULL) ||
	    !merge_list(d, &c->users, old ? &old->users : NULL))
		return false;
	uint32_t settings = c->settings.count;
	if (!merge_list(d, &c->settings, old ? &old->settings : NULL))
		return false;
	for (uint32_t i = 0; i < settings; i++) {
		struct setting_row *s = row_setting(c->settings.items[i]);
		struct row *had = s->row.old;
		if (!merge_list(d, &s->entries,
				had ? &row_setting(had)->entries : NULL))
			return false;
	}
	set_positions(d, c);
	return true;
}

/* The standard plan always stays, so nobody need hear of it. */
static bool merge_plans(struct directory *d, struct tables *t)
{
	struct row_list all = { 0 }, have = { 0 };
	struct map keys;
	if (!d->has_plans)
		return true;
	tables_plans(t, &all, &d->arena);
	map_init(&keys, ROWS_MAX);
	bool ok = index_rows(d, &keys, &d->plans);
	for (uint32_t i = 0; ok && i < all.count; i++) {
		struct row *r = all.items[i];
		if (row_id(r) == VIEW_PLAN_STANDARD &&
		    find(&keys, row_key(r)) == NULL)
			continue;
		ok = row_list_add(&have, &d->arena, r) ||
		     directory_no_memory(d);
	}
	map_fini(&keys);
	return ok && d->errors.n == 0 && merge_list(d, &d->plans, &have);
}

bool directory_merge(struct directory *d, struct tables *t)
{
	struct map names;
	if (!merge_plans(d, t))
		return false;
	map_init(&names, ROWS_MAX);
	bool ok = index_rows(d, &names, &d->customers);
	map_fini(&names);
	for (uint32_t i = 0; ok && i < d->customers.count; i++)
		ok = merge_customer(d, t, row_customer(d->customers.items[i]));
	return ok && !t->store->failed;
}
