/* The difference between a file and the store, for people and programs: one
 * row each, {"what", "kind", "customer", "name", "before", "after", "text"}. */
#include "admin/directory.h"

enum { ROW_TEXT_MAX = 262144,
       CALL_ROW_BYTES = 1000000 };	/* calls.h */

static const slice NONE = { 0 };

static void tell(struct directory *d, struct buf *row)
{
	if (d->tell != NULL && !row->failed)
		d->tell(d->ctx, buf_slice(row));
	buf_fini(row);
}

void directory_note(struct directory *d, enum admin_text id, slice a, slice b)
{
	directory_note3(d, id, a, b, NONE);
}

void directory_note3(struct directory *d, enum admin_text id, slice a, slice b,
		     slice c)
{
	const slice values[PROBLEM_VALUES] = { a, b, c };
	struct buf line, row;
	struct json j;
	buf_init(&line, ROW_TEXT_MAX);
	buf_init(&row, ROW_TEXT_MAX);
	admin_say(&line, d->language, id, a, b, c);
	json_init(&j, &row);
	json_object(&j);
	json_member_cstr(&j, "what", "note");
	json_member_string(&j, "text", buf_slice(&line));
	problem_members(&j, admin_text_name(id), values);
	json_object_end(&j);
	buf_fini(&line);
	tell(d, &row);
}

enum what { WHAT_ADD, WHAT_CHANGE, WHAT_REMOVE, WHAT_KEEP, WHAT_COUNT };

static const struct {
	const char *name;
	enum admin_text text;
} WHATS[WHAT_COUNT] = {
	[WHAT_ADD] = { "add", SAY_ADDED },
	[WHAT_CHANGE] = { "change", SAY_CHANGED },
	[WHAT_REMOVE] = { "remove", SAY_REMOVED },
	[WHAT_KEEP] = { "keep", SAY_KEPT },
};

/* "licences 100 → 200, billing trial → paid" */
static void values(struct buf *out, const struct row *r)
{
	size_t count;
	unsigned n = 0;
	const struct field *f = row_fields(r->kind, &count);
	for (size_t i = 0; i < count; i++) {
		if (field_same(r, r->old, &f[i]))
			continue;
		struct buf before, after;
		buf_init(&before, 8192);
		buf_init(&after, 8192);
		field_show(&before, r->old, &f[i]);
		field_show(&after, r, &f[i]);
		bool grouped = f[i].group != NULL && *f[i].group;
		buf_printf(out, "%s%s%s%s ", n++ > 0 ? ", " : "",
			   grouped ? f[i].group : "", grouped ? "." : "",
			   f[i].name);
		say_plain(out, before.n > 0 ? buf_slice(&before) : SLICE("-"));
		buf_append(out, SLICE(" → "));
		say_plain(out, after.n > 0 ? buf_slice(&after) : SLICE("-"));
		buf_fini(&before);
		buf_fini(&after);
	}
}

static void text(struct buf *out, struct directory *d, enum what what,
		 const struct row *r, slice customer)
{
	slice kind = slice_of(text_in(admin_text(SAY_KIND_CUSTOMER + r->kind),
				      d->language));
	struct buf name;
	buf_init(&name, 4096);
	buf_append(&name, row_key(r));
	if (r->kind != ROW_CUSTOMER && r->kind != ROW_PLAN)
		buf_printf(&name, " (%.*s)", SLICE_ARG(customer));
	admin_say(out, d->language, WHATS[what].text, kind, buf_slice(&name),
		  NONE);
	buf_fini(&name);
	if (what == WHAT_CHANGE)
		values(out, r);
}

static void write_row(struct buf *row, enum what what, const struct row *r,
		      slice customer, slice line, bool whole)
{
	struct json j;
	const struct row *before = what == WHAT_ADD    ? NULL :
				   what == WHAT_CHANGE ? r->old :
							 r;
	const struct row *after = what == WHAT_REMOVE ? NULL : r;
	buf_clear(row);
	json_init(&j, row);
	json_object(&j);
	json_member_cstr(&j, "what", WHATS[what].name);
	json_member_cstr(&j, "kind", row_kind_name(r->kind));
	json_key(&j, "customer");
	if (r->kind == ROW_PLAN)
		json_null(&j);
	else
		json_string(&j, customer);
	json_member_string(&j, "name", row_key(r));
	if (what != WHAT_KEEP) {
		json_key(&j, "before");
		before != NULL && whole ? row_json(&j, before) : json_null(&j);
		json_key(&j, "after");
		after != NULL && whole ? row_json(&j, after) : json_null(&j);
	}
	if (!whole)
		json_member_bool(&j, "cut", true);
	json_member_string(&j, "text", line);
	json_object_end(&j);
}

/* A row that would be too long is told without before and after. */
static void tell_row(struct directory *d, enum what what, const struct row *r,
		     slice customer)
{
	struct buf line, row;
	if (d->tell == NULL)
		return;
	buf_init(&line, ROW_TEXT_MAX / 4);
	buf_init(&row, CALL_ROW_BYTES);
	text(&line, d, what, r, customer);
	write_row(&row, what, r, customer, buf_slice(&line), true);
	if (row.failed)
		write_row(&row, what, r, customer, buf_slice(&line), false);
	buf_fini(&line);
	tell(d, &row);
}

/* --- the walk ------------------------------------------------------------- */

static void each_of(const struct row_list *l,
		    void (*each)(void *ctx, struct row *r,
				 struct customer_row *c),
		    struct customer_row *c, void *ctx)
{
	for (uint32_t i = 0; i < l->count; i++)
		each(ctx, l->items[i], c);
}

void directory_each(const struct directory *d, enum row_kind kind,
		    void (*each)(void *ctx, struct row *r,
				 struct customer_row *c),
		    void *ctx)
{
	if (kind == ROW_PLAN)
		each_of(&d->plans, each, NULL, ctx);
	for (uint32_t i = 0; kind != ROW_PLAN && i < d->customers.count; i++) {
		struct customer_row *c = row_customer(d->customers.items[i]);
		if (kind == ROW_CUSTOMER)
			each(ctx, &c->row, c);
		else if (kind == ROW_DOMAIN)
			each_of(&c->domains, each, c, ctx);
		else if (kind == ROW_USER)
			each_of(&c->users, each, c, ctx);
		else if (kind == ROW_SETTING)
			each_of(&c->settings, each, c, ctx);
		else
			for (uint32_t k = 0; k < c->settings.count; k++)
				each_of(&row_setting(c->settings.items[k])
						 ->entries,
					each, c, ctx);
	}
}

struct telling {
	struct directory *d;
	bool any;
};

static void tell_one(void *ctx, struct row *r, struct customer_row *c)
{
	struct telling *t = ctx;
	slice customer = c != NULL ? c->c.name : NONE;
	bool closing = r->kind == ROW_CUSTOMER && row_customer(r)->c.closing;
	if (row_is_new(r) || row_is_changed(r)) {
		tell_row(t->d, row_is_new(r) ? WHAT_ADD :
			       closing	     ? WHAT_REMOVE : WHAT_CHANGE,
			 r, customer);
		t->any = true;
	} else if (r->kept && !t->d->fragment) {
		tell_row(t->d, WHAT_KEEP, r, customer);
	}
}

static slice customer_name(const struct directory *d, const struct row *r)
{
	uint32_t id = 0;
	struct row *w = (struct row *)(uintptr_t)r;
	if (r->kind == ROW_DOMAIN)
		id = row_domain(w)->d.customer;
	else if (r->kind == ROW_USER)
		id = row_user(w)->u.customer;
	else if (r->kind == ROW_SETTING)
		id = row_setting(w)->s.customer;
	else if (r->kind == ROW_ENTRY)
		id = row_entry(w)->e.customer;
	for (uint32_t i = 0; i < d->customers.count; i++)
		if (row_id(d->customers.items[i]) == id)
			return row_key(d->customers.items[i]);
	return NONE;
}

void directory_tell(struct directory *d, bool *any)
{
	struct telling t = { .d = d, .any = d->removed.count > 0 };
	for (uint32_t i = 0; i < d->removed.count; i++)
		tell_row(d, WHAT_REMOVE, d->removed.items[i],
			 customer_name(d, d->removed.items[i]));
	for (enum row_kind k = 0; k < ROW_KIND_COUNT; k++)
		directory_each(d, k, tell_one, &t);
	*any = t.any;
}
