/*
 * customer.add … ip.remove: a change of one thing. The arguments become a
 * fragment of a directory file (JSON, which is YAML), and that goes the way
 * of apply (calls_apply.h); no rule stands here.
 *
 * Arguments: the thing's key and fields (field_argument), the customer where
 * it isn't plain, of an entry the setting, of a setting its position.
 */
#include "admin/calls_apply.h"
#include "admin/fragment.h"

#include <stdio.h>

#include "base/near_names.h"

static const slice NONE = { 0 };

static const struct noun {
	const char *name;
	enum row_kind kind;
	const char *list;		/* where it stands in a customer */
} NOUNS[] = {
	{ "customer", ROW_CUSTOMER, NULL },
	{ "domain", ROW_DOMAIN, "domains" },
	{ "user", ROW_USER, "users" },
	{ "setting", ROW_SETTING, "relay_settings" },
	{ "ip", ROW_ENTRY, "ip_entries" },
};

static const struct act {
	const char *name;
	enum directory_act act;
	bool takes_fields;
	const char *fixed;		/* the field that it sets */
} ACTS[] = {
	{ "add", DIRECTORY_ADD, true, NULL },
	{ "change", DIRECTORY_CHANGE, true, NULL },
	{ "remove", DIRECTORY_REMOVE, false, NULL },
	{ "share", DIRECTORY_CHANGE, false, "shared" },
	{ "request_sharing", DIRECTORY_REQUEST, false, NULL },
};

struct verb {
	struct admin_call *call;
	const struct noun *noun;
	const struct act *act;
	struct directory_one one;
	slice key, customer, setting;
	bool dry_run;
	struct buf fragment;
};

/* --- which call ----------------------------------------------------------- */

static void parse_name(struct verb *v)
{
	slice rest = v->call->name;
	slice noun = slice_cut(&rest, '.');
	for (size_t i = 0; i < ARRAY_LEN(NOUNS); i++)
		if (slice_eq(noun, slice_of(NOUNS[i].name)))
			v->noun = &NOUNS[i];
	for (size_t i = 0; i < ARRAY_LEN(ACTS); i++)
		if (slice_eq(rest, slice_of(ACTS[i].name)))
			v->act = &ACTS[i];
	/* calls.def has no others */
	invariant(v->noun != NULL && v->act != NULL);
	v->one.kind = v->noun->kind;
	v->one.act = v->act->act;
}

/* --- arguments ------------------------------------------------------------ */

static bool known_arguments(struct verb *v)
{
	struct buf known;
	const char *unknown;
	size_t count;
	const struct field *f = row_fields(v->one.kind, &count);
	buf_init(&known, 4096);
	buf_printf(&known, "dry_run language %s",
		   row_key_name(v->one.kind));
	if (v->one.kind != ROW_CUSTOMER)
		buf_append(&known, SLICE(" customer"));
	if (v->one.kind == ROW_ENTRY)
		buf_append(&known, SLICE(" setting"));
	if (v->one.kind == ROW_SETTING && v->act->takes_fields)
		buf_append(&known, SLICE(" position"));
	for (size_t i = 0; v->act->takes_fields && i < count; i++)
		if (f[i].group != NULL)
			buf_printf(&known, " %s", field_argument(&f[i]));
	buf_append_char(&known, '\0');
	bool ok = !known.failed;
	if (!ok)
		call_no_memory(v->call);
	else if (args_unknown(v->call->args, known.p, &unknown)) {
		call_say(v->call, CALL_USAGE, SAY_UNKNOWN_ARGUMENT,
			 slice_of(unknown));
		ok = false;
	}
	buf_fini(&known);
	return ok;
}

static bool read_arguments(struct verb *v)
{
	struct admin_call *call = v->call;
	uint64_t position = 0;
	/* The key of a new setting is made from its description. */
	bool needs_key = v->one.kind != ROW_SETTING ||
			 v->one.act != DIRECTORY_ADD;
	if (!known_arguments(v) ||
	    !arg_text(call, row_key_name(v->one.kind), needs_key, &v->key) ||
	    !arg_text(call, "customer", false, &v->customer) ||
	    !arg_text(call, "setting", false, &v->setting) ||
	    !arg_bool(call, "dry_run", &v->dry_run) ||
	    !arg_u64(call, "position", ROW_SETTINGS_MAX, &position))
		return false;
	v->one.position = (uint32_t)position;
	return true;
}

/* --- whose it is ---------------------------------------------------------- */

/* The only answer of a query for a name; empty: none. */
static slice name_by(struct verb *v, const char *sql, slice key)
{
	slice name = NONE;
	struct sql q = sql_of(v->call->admin->store, sql);
	sql_text(&q, key);
	if (sql_row(&q)) {
		name = sql_copy(&q, 0, &v->call->arena);
		sql_end(&q);
	}
	return name;
}

static slice owner_of_domain(struct verb *v, slice domain)
{
	return name_by(v, "SELECT c.name FROM domains d JOIN customers c "
			  "ON c.id = d.customer WHERE d.name = ?", domain);
}

static slice owner_of_user(struct verb *v, slice given)
{
	slice address, domain, name = NONE;
	if (!directory_address(given, &v->call->arena, &address, &domain))
		return NONE;
	if (v->one.act != DIRECTORY_ADD)
		return name_by(v, "SELECT c.name FROM users u JOIN customers c "
				  "ON c.id = u.customer WHERE u.address = ?",
			       address);
	for (; domain.n > 0 && name.n == 0; domain = domain_parent(domain))
		name = owner_of_domain(v, domain);
	return name;
}

/* What the key alone tells the operator. */
static slice owner(struct verb *v)
{
	slice domain;
	if (v->one.kind == ROW_USER)
		return owner_of_user(v, v->key);
	if (v->one.kind != ROW_DOMAIN || v->one.act == DIRECTORY_ADD ||
	    !domain_normalise(v->key, &v->call->arena, &domain, NULL))
		return NONE;
	return owner_of_domain(v, domain);
}

static void say_no_customer(struct verb *v)
{
	struct admin_call *call = v->call;
	struct near_names names = { .arena = &call->arena };
	struct sql q = sql_of(call->admin->store,
			      "SELECT name FROM customers WHERE closing = 0 "
			      "LIMIT 1000");
	while (call_is_operator(call) && sql_row(&q))
		near_add(&names, sql_peek(&q, 0));
	sql_end(&q);
	apply_say_no_such(call, ROW_CUSTOMER, v->customer,
			  near_find(&names, v->customer));
}

static void say_which_customer(struct verb *v)
{
	bool by_key = v->one.act != DIRECTORY_ADD &&
		      (v->one.kind == ROW_USER || v->one.kind == ROW_DOMAIN);
	if (by_key)
		apply_say_no_such(v->call, v->one.kind, v->key, NONE);
	else
		call_say(v->call, CALL_USAGE, SAY_WHICH_CUSTOMER, NONE);
}

/* A person's is his own; he hears of no other. */
static bool find_customer(struct verb *v)
{
	struct admin_call *call = v->call;
	slice *name = v->one.kind == ROW_CUSTOMER ? &v->key : &v->customer;
	slice own = NONE;
	if (!call_is_operator(call) && !call_own_name(call, &own))
		return false;
	if (name->n == 0)
		*name = own.n > 0 ? own : owner(v);
	if (name->n == 0) {
		say_which_customer(v);
		return false;
	}
	bool there = own.n > 0 ? slice_eq(*name, own) :
		     (v->one.kind == ROW_CUSTOMER &&
		      v->one.act == DIRECTORY_ADD) ||
		     name_by(v, "SELECT name FROM customers WHERE name = ? "
				"AND closing = 0", *name).n > 0;
	v->customer = *name;
	if (!there)
		say_no_customer(v);
	return there;
}

/* The settings that the call may mean: of a new entry all, else those with
 * the range. */
static struct sql settings_meant(struct verb *v, const struct ip_range *range)
{
	bool add = v->one.act == DIRECTORY_ADD;
	struct sql q = sql_of(
		v->call->admin->store,
		add ? "SELECT s.key FROM settings s JOIN customers c "
		      "ON c.id = s.customer WHERE c.name = ? "
		      "ORDER BY s.position" :
		      "SELECT s.key FROM settings s JOIN customers c "
		      "ON c.id = s.customer JOIN ip_entries e "
		      "ON e.setting = s.id WHERE c.name = ? AND e.first = ? "
		      "AND e.bits = ? ORDER BY s.position");
	sql_text(&q, v->customer);
	if (!add) {
		sql_blob(&q, (slice){ (const char *)range->first.bytes, 16 });
		sql_u64(&q, range->bits);
	}
	return q;
}

/* Only of an entry, when the call doesn't name it: there must be one. */
static bool find_setting(struct verb *v)
{
	struct admin_call *call = v->call;
	struct ip_range range = { 0 };
	struct buf all;
	unsigned n = 0;
	if (v->one.kind != ROW_ENTRY || v->setting.n > 0)
		return true;
	if (ip_range_parse(v->key, &range))
		range = ip_range_network(&range);
	buf_init(&all, 65536);
	struct sql q = settings_meant(v, &range);
	while (sql_row(&q)) {
		v->setting = sql_copy(&q, 0, &call->arena);
		buf_printf(&all, "%s%.*s", n++ > 0 ? ", " : "",
			   SLICE_ARG(v->setting));
	}
	if (n > 1)
		call_say(call, CALL_USAGE, SAY_WHICH_SETTING, buf_slice(&all));
	buf_fini(&all);
	return n <= 1;
}

/* --- the fragment --------------------------------------------------------- */

/* {"customers": [{"name": …, "users": [{"address": …, …}]}]} */
static bool write_fragment(struct verb *v)
{
	struct buf *out = &v->fragment;
	unsigned open = 1;
	buf_append_char(out, '{');
	fragment_open(out, "customers", "name", v->customer);
	if (v->one.kind == ROW_ENTRY) {
		fragment_open(out, "relay_settings", "id",
			      v->setting.n > 0 ? v->setting : SLICE("-"));
		open++;
	}
	if (v->one.kind != ROW_CUSTOMER) {
		fragment_open(out, v->noun->list, row_key_name(v->one.kind),
			      v->key);
		open++;
	}
	if (v->act->takes_fields &&
	    !fragment_fields(out, v->call->args, v->one.kind, &v->call->arena))
		return false;
	if (v->act->fixed != NULL)
		fragment_member(out, v->act->fixed, SLICE("true"));
	fragment_close(out, open);
	buf_append_char(out, '}');
	return !out->failed;
}

/* --- one call ------------------------------------------------------------- */

static void carry_out(struct verb *v)
{
	char name[40];
	slice rest = v->call->name;
	slice noun = slice_cut(&rest, '.');
	struct applying p = { .call = v->call, .one = &v->one,
			      .dry_run = v->dry_run };
	snprintf(name, sizeof(name), "%.*s %.*s", SLICE_ARG(noun),
		 SLICE_ARG(rest));
	apply(&p, buf_slice(&v->fragment), name);
}

void call_verb(struct admin_call *call)
{
	struct verb v = { .call = call };
	struct err err;
	parse_name(&v);
	buf_init(&v.fragment, YAML_TEXT_MAX);
	if (!read_arguments(&v) || !find_customer(&v) || !find_setting(&v))
		;	/* it has ended */
	else if (!store_good(call->admin->store, &err))
		call_fail(call, &err, SAY_STORE_READ_FAILED);
	else if (!write_fragment(&v))
		call_no_memory(call);
	else
		carry_out(&v);
	buf_fini(&v.fragment);
}
