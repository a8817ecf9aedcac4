/*
 * The directory as rows that can be compared: what a file says, what the
 * store has, what shall be. Rows live in an arena; the structs of
 * policy/view.h stand inside, so a change record is written from them.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "policy/view.h"

struct yaml_node;

enum row_kind {
	ROW_CUSTOMER,
	ROW_DOMAIN,
	ROW_USER,
	ROW_SETTING,
	ROW_ENTRY,
	ROW_PLAN,
	ROW_KIND_COUNT,
};

enum {
	ROW_NAME_MAX = 100,		/* of a customer, bytes */
	ROW_KEY_MAX = 63,		/* of a setting */
	ROW_SETTINGS_MAX = 100,		/* of a customer */
	ROW_LIST_MAX = 10000,		/* org units; aliases have fewer */
	ROW_PLANS_MAX = 1000,
	ROW_UNITS_DEEP = 8,		/* parts of an org unit's path */
	ROW_FIELDS_MAX = 16,		/* of a kind: bits of row.given */
};

struct row {
	enum row_kind kind;
	uint32_t given;			/* bit of each field the file has */
	bool kept;			/* only the store has it: it stays */
	const struct yaml_node *node;	/* where the file says it, or NULL */
	struct row *old;		/* the same thing in the store */
};

struct row_list {			/* in an arena */
	struct row **items;
	uint32_t count, cap;
};
/* False: out of memory. */
bool row_list_add(struct row_list *l, struct arena *arena,
		  struct row *r) MUST_USE;

struct text_list {
	slice *items;
	uint32_t count;
};

struct customer_row {
	struct row row;
	struct customer c;
	slice plan;			/* its name; the id is in c */
	unsigned null_sender_recipients;
	struct text_list org_units;
	struct row_list domains, users, settings;
};
struct domain_row {
	struct row row;
	struct domain d;
	uint32_t id;
	unsigned verified;		/* 0 pending, 1 operator */
};
struct user_row {
	struct row row;
	struct user u;
	slice org_unit;
	struct text_list aliases;
};
struct setting_row {
	struct row row;
	struct setting s;
	struct row_list entries;
};
struct entry_row {
	struct row row;
	struct ip_entry e;
	bool shared;
	bool sharing_requested;		/* of the operator; no file says it */
	char key[IP_RANGE_TEXT_MAX];
};

struct plan_row {
	struct row row;
	struct named_plan p;
};

struct customer_row *row_customer(struct row *r);
struct domain_row *row_domain(struct row *r);
struct user_row *row_user(struct row *r);
struct setting_row *row_setting(struct row *r);
struct entry_row *row_entry(struct row *r);
struct plan_row *row_plan(struct row *r);

/* A row with the first values of its fields; NULL out of memory. */
struct row *row_new(enum row_kind kind, struct arena *arena);
/* Customer name, domain name, address, setting key, range, plan name. */
slice row_key(const struct row *r);
/* "customer", "domain", "user", "setting", "entry", "plan"; as in the
 * audit. */
const char *row_kind_name(enum row_kind kind);
/* What its key is called: "name", "address", "id", "range". */
const char *row_key_name(enum row_kind kind);
uint32_t row_id(const struct row *r);
void row_set_id(struct row *r, uint32_t id);

/* --- fields --------------------------------------------------------------- */

enum field_type {
	FIELD_TEXT,
	FIELD_NAME,		/* text; none is NULL in the store */
	FIELD_BOOL,
	FIELD_CHOICE,
	FIELD_U32,
	FIELD_COUNT,		/* a uint64_t that holds 32 bits */
	FIELD_DAY,		/* a uint32_t of base/day.h; 0 is none */
	FIELD_LIST,		/* of texts */
};

struct field {
	const char *group;	/* "" none; NULL: not in files */
	const char *name;
	const char *column;	/* NULL: kept elsewhere */
	enum field_type type;
	size_t offset;
	const char *const *choices;	/* of a text: its first value */
	unsigned first;		/* value when nothing was ever said */
	uint32_t max;
};
/* Its name among the arguments of a call, where there are no groups:
 * "ip_only", "over_customer_day". */
const char *field_argument(const struct field *f);
/* Of a kind; *count of them. */
const struct field *row_fields(enum row_kind kind, size_t *count);

unsigned field_choice(const struct row *r, const struct field *f);
bool field_bool(const struct row *r, const struct field *f);
uint32_t field_u32(const struct row *r, const struct field *f);
slice field_text(const struct row *r, const struct field *f);
struct text_list *field_list(const struct row *r, const struct field *f);
/* As a number: choice, bool, u32, count, day. */
uint32_t field_number(const struct row *r, const struct field *f);
void field_set_number(struct row *r, const struct field *f, uint32_t v);
void field_set_text(struct row *r, const struct field *f, slice s);

bool field_same(const struct row *a, const struct row *b,
		const struct field *f);
/* The value of `from` for `to` (slices are shared). */
void field_take(struct row *to, const struct row *from,
		const struct field *f);
/* It has the value that it would have if nothing was said. */
bool field_is_first(const struct row *r, const struct field *f);
/* Its value. */
void field_json(struct json *j, const struct row *r, const struct field *f);
/* For people: "true", "paid", "a, b", "2027-06-30". */
void field_show(struct buf *out, const struct row *r, const struct field *f);

bool row_same(const struct row *a, const struct row *b);
/* What follows from fields: verified, … */
void row_derive(struct row *r);
/* The fields as members of an open object, by field_argument. */
void row_fields_json(struct json *j, const struct row *r);
/* Key and fields as a JSON object. */
void row_json(struct json *j, const struct row *r);
