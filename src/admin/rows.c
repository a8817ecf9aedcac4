/* Rows of the directory and their fields; see rows.h. */
#include "admin/rows.h"

#include "base/day.h"

static const char *const CHOICES_BILLING[] = { "trial", "unpaid", "paid",
					       NULL };
static const char *const CHOICES_PLAN[] = { "standard", NULL };
static const char *const CHOICES_LANGUAGE[] = { "en", "ja", NULL };
static const char *const CHOICES_RECIPIENTS[] = { "one", "many", NULL };
static const char *const CHOICES_OVER_LIMIT[] = { "refuse", "defer", "hold",
						  NULL };
static const char *const CHOICES_DOMAIN[] = { "primary", "secondary", "alias",
					      NULL };
static const char *const CHOICES_VERIFIED[] = { "pending", "operator", NULL };
static const char *const CHOICES_ROLE[] = { "user", "auditor", "unit-admin",
					    "super-admin", NULL };
static const char *const CHOICES_SENDERS[] = { "registered-users",
					       "own-domains", "any", NULL };
static const char *const CHOICES_LINE_ENDS[] = { "strict", "normalise", NULL };

#define ROW_TYPE_CUSTOMER struct customer_row
#define ROW_TYPE_DOMAIN struct domain_row
#define ROW_TYPE_USER struct user_row
#define ROW_TYPE_SETTING struct setting_row
#define ROW_TYPE_ENTRY struct entry_row
#define ROW_TYPE_PLAN struct plan_row

static const struct field FIELDS[] = {
#define FIELD(kind, group, name, column, type, place, choices, first, max) \
	{ group, name, column, FIELD_##type,                               \
	  offsetof(ROW_TYPE_##kind, place), choices, first, max },
#include "admin/fields.def"
#undef FIELD
};
static const enum row_kind FIELD_KINDS[] = {
#define FIELD(kind, group, name, column, type, place, choices, first, max) \
	ROW_##kind,
#include "admin/fields.def"
#undef FIELD
};

/* The table is in the order of kinds, so a kind's fields stand together. */
void row_set_id(struct row *r, uint32_t id)
{
	switch (r->kind) {
	case ROW_CUSTOMER:
		row_customer(r)->c.id = id;
		return;
	case ROW_DOMAIN:
		row_domain(r)->id = id;
		return;
	case ROW_USER:
		row_user(r)->u.id = id;
		return;
	case ROW_SETTING:
		row_setting(r)->s.id = id;
		return;
	case ROW_ENTRY:
		row_entry(r)->e.id = id;
		return;
	case ROW_PLAN:
		row_plan(r)->p.id = id;
		return;
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("every kind is listed");
}

const struct field *row_fields(enum row_kind kind, size_t *count)
{
	size_t begin = 0;
	while (FIELD_KINDS[begin] != kind)
		begin++;
	size_t end = begin;
	while (end < ARRAY_LEN(FIELD_KINDS) && FIELD_KINDS[end] == kind)
		end++;
	*count = end - begin;
	invariant(*count > 0 && *count <= ROW_FIELDS_MAX);
	return &FIELDS[begin];
}

const char *field_argument(const struct field *f)
{
	bool grouped = f->group != NULL && *f->group != '\0';
	return grouped ? f->column : f->name;
}

bool row_list_add(struct row_list *l, struct arena *arena, struct row *r)
{
	if (l->count == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 8;
		struct row **items =
			arena_alloc(arena, cap * sizeof(*items));
		if (items == NULL)
			return false;
		if (l->count > 0)
			memcpy(items, l->items, l->count * sizeof(*items));
		l->items = items;
		l->cap = cap;
	}
	l->items[l->count++] = r;
	return true;
}

/* --- kinds ---------------------------------------------------------------- */

#define ROW_AS(name, KIND)                                           \
	struct name##_row *row_##name(struct row *r)                 \
	{                                                            \
		invariant(r != NULL && r->kind == KIND);             \
		return CONTAINER_OF(r, struct name##_row, row);      \
	}
ROW_AS(customer, ROW_CUSTOMER)
ROW_AS(domain, ROW_DOMAIN)
ROW_AS(user, ROW_USER)
ROW_AS(setting, ROW_SETTING)
ROW_AS(entry, ROW_ENTRY)
ROW_AS(plan, ROW_PLAN)

/* row stands first in each, so that a field's offset counts from it. */
static const size_t SIZES[ROW_KIND_COUNT] = {
	[ROW_CUSTOMER] = sizeof(struct customer_row),
	[ROW_DOMAIN] = sizeof(struct domain_row),
	[ROW_USER] = sizeof(struct user_row),
	[ROW_SETTING] = sizeof(struct setting_row),
	[ROW_ENTRY] = sizeof(struct entry_row),
	[ROW_PLAN] = sizeof(struct plan_row),
};

static slice first_text(const struct field *f)
{
	return f->choices != NULL ? slice_of(f->choices[0]) : (slice){ 0 };
}

struct row *row_new(enum row_kind kind, struct arena *arena)
{
	struct row *r = arena_alloc(arena, SIZES[kind]);
	size_t count;
	if (r == NULL)
		return NULL;
	r->kind = kind;
	const struct field *f = row_fields(kind, &count);
	for (size_t i = 0; i < count; i++) {
		if (f[i].type == FIELD_TEXT || f[i].type == FIELD_NAME)
			field_set_text(r, &f[i], first_text(&f[i]));
		else if (f[i].type != FIELD_LIST)
			field_set_number(r, &f[i], f[i].first);
	}
	return r;
}

static struct row *writable(const struct row *r)
{
	return (struct row *)(uintptr_t)r;
}

slice row_key(const struct row *r)
{
	struct row *w = writable(r);
	switch (r->kind) {
	case ROW_CUSTOMER:
		return row_customer(w)->c.name;
	case ROW_DOMAIN:
		return row_domain(w)->d.name;
	case ROW_USER:
		return row_user(w)->u.address;
	case ROW_SETTING:
		return row_setting(w)->s.key;
	case ROW_ENTRY:
		return slice_of(row_entry(w)->key);
	case ROW_PLAN:
		return row_plan(w)->p.name;
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("every kind is listed");
}

uint32_t row_id(const struct row *r)
{
	struct row *w = writable(r);
	switch (r->kind) {
	case ROW_CUSTOMER:
		return row_customer(w)->c.id;
	case ROW_DOMAIN:
		return row_domain(w)->id;
	case ROW_USER:
		return row_user(w)->u.id;
	case ROW_SETTING:
		return row_setting(w)->s.id;
	case ROW_ENTRY:
		return row_entry(w)->e.id;
	case ROW_PLAN:
		return row_plan(w)->p.id;
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("every kind is listed");
}

const char *row_kind_name(enum row_kind kind)
{
	static const char *const names[ROW_KIND_COUNT] = {
		[ROW_CUSTOMER] = "customer", [ROW_DOMAIN] = "domain",
		[ROW_USER] = "user",	     [ROW_SETTING] = "setting",
		[ROW_ENTRY] = "entry",	     [ROW_PLAN] = "plan",
	};
	invariant(kind < ROW_KIND_COUNT);
	return names[kind];
}

/* --- values --------------------------------------------------------------- */

static const char *place(const struct row *r, const struct field *f)
{
	return (const char *)r + f->offset;
}

bool field_bool(const struct row *r, const struct field *f)
{
	invariant(f->type == FIELD_BOOL);
	bool v;
	memcpy(&v, place(r, f), sizeof(v));
	return v;
}

uint32_t field_u32(const struct row *r, const struct field *f)
{
	invariant(f->type == FIELD_U32 || f->type == FIELD_DAY);
	uint32_t v;
	memcpy(&v, place(r, f), sizeof(v));
	return v;
}

/* Enums without negative values are unsigned int with both compilers. */
unsigned field_choice(const struct row *r, const struct field *f)
{
	invariant(f->type == FIELD_CHOICE);
	_Static_assert(sizeof(enum billing) == sizeof(unsigned), "enum size");
	unsigned v;
	memcpy(&v, place(r, f), sizeof(v));
	return v;
}

slice field_text(const struct row *r, const struct field *f)
{
	invariant(f->type == FIELD_TEXT || f->type == FIELD_NAME);
	slice v;
	memcpy(&v, place(r, f), sizeof(v));
	return v;
}

struct text_list *field_list(const struct row *r, const struct field *f)
{
	invariant(f->type == FIELD_LIST);
	return (struct text_list *)(void *)((char *)writable(r) + f->offset);
}

static uint32_t field_count(const struct row *r, const struct field *f)
{
	uint64_t v;
	memcpy(&v, place(r, f), sizeof(v));
	invariant(v <= UINT32_MAX);
	return (uint32_t)v;
}

uint32_t field_number(const struct row *r, const struct field *f)
{
	if (f->type == FIELD_BOOL)
		return field_bool(r, f);
	if (f->type == FIELD_COUNT)
		return field_count(r, f);
	return f->type == FIELD_CHOICE ? field_choice(r, f) : field_u32(r, f);
}

void field_set_number(struct row *r, const struct field *f, uint32_t v)
{
	char *at = (char *)r + f->offset;
	bool b = v != 0;
	uint64_t wide = v;
	invariant(f->type == FIELD_BOOL || f->type == FIELD_CHOICE ||
		  f->type == FIELD_U32 || f->type == FIELD_COUNT ||
		  f->type == FIELD_DAY);
	if (f->type == FIELD_BOOL)
		memcpy(at, &b, sizeof(b));
	else if (f->type == FIELD_COUNT)
		memcpy(at, &wide, sizeof(wide));
	else
		memcpy(at, &v, sizeof(v));
}

void field_set_text(struct row *r, const struct field *f, slice s)
{
	invariant(f->type == FIELD_TEXT || f->type == FIELD_NAME);
	memcpy((char *)r + f->offset, &s, sizeof(s));
}

static bool lists_same(const struct text_list *a, const struct text_list *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!slice_eq(a->items[i], b->items[i]))
			return false;
	return true;
}

bool field_same(const struct row *a, const struct row *b,
		const struct field *f)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_NAME:
		return slice_eq(field_text(a, f), field_text(b, f));
	case FIELD_LIST:
		return lists_same(field_list(a, f), field_list(b, f));
	case FIELD_BOOL:
	case FIELD_CHOICE:
	case FIELD_U32:
	case FIELD_COUNT:
	case FIELD_DAY:
		return field_number(a, f) == field_number(b, f);
	}
	unreachable_state("every type is listed");
}

void field_take(struct row *to, const struct row *from, const struct field *f)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_NAME:
		field_set_text(to, f, field_text(from, f));
		return;
	case FIELD_LIST:
		*field_list(to, f) = *field_list(from, f);
		return;
	case FIELD_BOOL:
	case FIELD_CHOICE:
	case FIELD_U32:
	case FIELD_COUNT:
	case FIELD_DAY:
		field_set_number(to, f, field_number(from, f));
		return;
	}
}

bool field_is_first(const struct row *r, const struct field *f)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_NAME:
		return slice_eq(field_text(r, f), first_text(f));
	case FIELD_LIST:
		return field_list(r, f)->count == 0;
	case FIELD_BOOL:
	case FIELD_CHOICE:
	case FIELD_U32:
	case FIELD_COUNT:
	case FIELD_DAY:
		return field_number(r, f) == f->first;
	}
	unreachable_state("every type is listed");
}

static const char *choice_name(const struct row *r, const struct field *f)
{
	unsigned v = field_choice(r, f);
	for (unsigned i = 0; i <= v; i++)
		invariant(f->choices[i] != NULL);
	return f->choices[v];
}

void field_show(struct buf *out, const struct row *r, const struct field *f)
{
	char day[DAY_TEXT_MAX];
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_NAME:
		buf_append(out, field_text(r, f));
		return;
	case FIELD_LIST: {
		const struct text_list *l = field_list(r, f);
		for (uint32_t i = 0; i < l->count; i++) {
			buf_append(out, i > 0 ? SLICE(", ") : SLICE(""));
			buf_append(out, l->items[i]);
		}
		return;
	}
	case FIELD_BOOL:
		buf_append(out, field_bool(r, f) ? SLICE("true") :
						   SLICE("false"));
		return;
	case FIELD_CHOICE:
		buf_append(out, slice_of(choice_name(r, f)));
		return;
	case FIELD_U32:
	case FIELD_COUNT:
		buf_printf(out, "%u", field_number(r, f));
		return;
	case FIELD_DAY:
		buf_append(out, slice_of(day_text(field_u32(r, f), day)));
		return;
	}
}

/* --- rows ----------------------------------------------------------------- */

bool row_same(const struct row *a, const struct row *b)
{
	size_t count;
	invariant(a->kind == b->kind);
	const struct field *f = row_fields(a->kind, &count);
	for (size_t i = 0; i < count; i++)
		if (!field_same(a, b, &f[i]))
			return false;
	return true;
}

void row_derive(struct row *r)
{
	if (r->kind == ROW_CUSTOMER) {
		struct customer_row *c = row_customer(r);
		c->c.null_sender_many = c->null_sender_recipients == 1;
	} else if (r->kind == ROW_DOMAIN) {
		struct domain_row *d = row_domain(r);
		d->d.verified = d->verified == 1;
	} else if (r->kind == ROW_ENTRY) {
		/* What was asked for has been granted. */
		struct entry_row *e = row_entry(r);
		e->sharing_requested = e->sharing_requested && !e->shared;
	}
}

static void list_json(struct json *j, const struct text_list *l)
{
	json_array(j);
	for (uint32_t i = 0; i < l->count; i++)
		json_string(j, l->items[i]);
	json_array_end(j);
}

static void day_json(struct json *j, uint32_t day)
{
	char text[DAY_TEXT_MAX];
	if (day == 0)
		json_null(j);
	else
		json_string(j, slice_of(day_text(day, text)));
}

void field_json(struct json *j, const struct row *r, const struct field *f)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_NAME:
		json_string(j, field_text(r, f));
		return;
	case FIELD_LIST:
		list_json(j, field_list(r, f));
		return;
	case FIELD_BOOL:
		json_bool(j, field_bool(r, f));
		return;
	case FIELD_CHOICE:
		json_string(j, slice_of(choice_name(r, f)));
		return;
	case FIELD_U32:
	case FIELD_COUNT:
		json_u64(j, field_number(r, f));
		return;
	case FIELD_DAY:
		day_json(j, field_u32(r, f));
		return;
	}
}

const char *row_key_name(enum row_kind kind)
{
	static const char *const names[ROW_KIND_COUNT] = {
		[ROW_CUSTOMER] = "name", [ROW_DOMAIN] = "name",
		[ROW_USER] = "address",	 [ROW_SETTING] = "id",
		[ROW_ENTRY] = "range",	[ROW_PLAN] = "name",
	};
	invariant(kind < ROW_KIND_COUNT);
	return names[kind];
}

void row_fields_json(struct json *j, const struct row *r)
{
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	for (size_t i = 0; i < count; i++) {
		json_key(j, field_argument(&f[i]));
		field_json(j, r, &f[i]);
	}
}

/* In the groups of the file. */
void row_json(struct json *j, const struct row *r)
{
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	const char *group = "";
	json_object(j);
	json_member_string(j, row_key_name(r->kind), row_key(r));
	for (size_t i = 0; i < count; i++) {
		const char *now = f[i].group ? f[i].group : "";
		if (strcmp(now, group) != 0 && *group)
			json_object_end(j);
		if (strcmp(now, group) != 0 && *now) {
			json_key(j, now);
			json_object(j);
		}
		group = now;
		json_key(j, f[i].name);
		field_json(j, r, &f[i]);
	}
	if (*group)
		json_object_end(j);
	json_object_end(j);
}
