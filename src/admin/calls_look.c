/* Looking only: audit.list, explain, status, version. */
#include <stdlib.h>

#include "admin/calls_setting.h"
#include "policy/explain.h"

static const slice NONE = { 0 };

enum { AUDIT_DEFAULT = 100, AUDIT_MAX = 100000, EXPLAIN_MAX = 524288 };

/* --- audit ---------------------------------------------------------------- */

static void raw_or_null(struct json *j, const char *key, slice json_text)
{
	json_key(j, key);
	if (json_text.n > 0)
		json_raw(j, json_text);
	else
		json_null(j);
}

/* Without before and after when with them it is longer than a row may be:
 * who changed what is never left out. */
static bool write_audit_row(struct buf *row, const struct sql *q, bool whole)
{
	struct json j;
	buf_clear(row);
	json_init(&j, row);
	json_object(&j);
	json_member_u64(&j, "id", sql_get_u64(q, 0));
	json_key(&j, "at");
	json_time_ms(&j, sql_get_i64(q, 1));
	json_member_string(&j, "who", sql_peek(q, 2));
	json_member_text_or_null(&j, "role", sql_peek(q, 9));
	json_member_text_or_null(&j, "client", sql_peek(q, 10));
	json_member_string(&j, "call", sql_peek(q, 3));
	json_key(&j, "revision");
	if (sql_get_u64(q, 4) != 0)
		json_u64(&j, sql_get_u64(q, 4));
	else
		json_null(&j);
	json_member_text_or_null(&j, "customer", sql_peek(q, 5));
	json_member_string(&j, "object", sql_peek(q, 6));
	raw_or_null(&j, "before", whole ? sql_peek(q, 7) : NONE);
	raw_or_null(&j, "after", whole ? sql_peek(q, 8) : NONE);
	if (!whole)
		json_member_bool(&j, "cut", true);
	json_object_end(&j);
	return !row->failed;
}

static void audit_row(struct admin_call *call, const struct sql *q)
{
	struct buf row;
	buf_init(&row, CALL_ROW_MAX);
	bool fits = sql_peek(q, 7).n + sql_peek(q, 8).n < CALL_ROW_MAX - 20000;
	if (write_audit_row(&row, q, fits))
		call_row(call, buf_slice(&row));
	buf_fini(&row);
}

/* Of `object` as the log names things, or of the relay setting with this id.
 * False: it has ended. */
static bool read_object(struct admin_call *call, slice *object)
{
	struct buf named;
	slice setting = NONE;
	if (!arg_text(call, "object", false, object) ||
	    !arg_text(call, "setting", false, &setting))
		return false;
	if (setting.n == 0)
		return true;
	buf_init(&named, 1024);
	buf_printf(&named, "setting %.*s", SLICE_ARG(setting));
	bool ok = !named.failed &&
		  arena_copy(&call->arena, buf_slice(&named), object);
	buf_fini(&named);
	return ok || arg_bad(call, "setting");
}

#define AUDIT_COLUMNS                                                     \
	"SELECT a.id, a.at, a.who, a.call, a.revision, c.name, a.object, " \
	"a.before, a.after, a.role, a.client FROM audit a "                \
	"LEFT JOIN customers c ON c.id = a.customer "
#define AUDIT_OF_ONE                                                      \
	"WHERE a.id < ?1 AND a.customer = "                                \
	"(SELECT id FROM customers WHERE name = ?2) AND a.object = ?6 "
#define AUDIT_OF_ANY                                                      \
	"WHERE a.id < ?1 AND (?2 = '' OR c.name = ?2) "                    \
	"AND (?6 = '' OR a.object = ?6) "
#define AUDIT_REST                                                        \
	"AND (?4 = 0 OR a.customer = ?4) AND (?5 = '' OR a.who = ?5 OR "   \
	"a.who = 'operator as ' || ?5) AND (?7 = '' OR a.who = ?7 OR "     \
	"a.who = 'operator as ' || ?7) ORDER BY a.id DESC LIMIT ?3"

/* Newest first; `before` pages on. */
void call_audit_list(struct admin_call *call)
{
	uint64_t before = INT64_MAX, limit = AUDIT_DEFAULT;
	slice customer = NONE, object = NONE, by = NONE;
	if (!arg_u64(call, "before", INT64_MAX, &before) ||
	    !read_object(call, &object) ||
	    !arg_text(call, "by", false, &by) ||
	    !arg_u64(call, "limit", AUDIT_MAX, &limit) ||
	    !arg_text(call, "customer", false, &customer))
		return;
	/* A log may be long: of one thing, its index leads to the rows. */
	struct sql q = sql_of(call->admin->store,
			      object.n > 0 && customer.n > 0 ?
				      AUDIT_COLUMNS AUDIT_OF_ONE AUDIT_REST :
				      AUDIT_COLUMNS AUDIT_OF_ANY AUDIT_REST);
	sql_u64(&q, before);
	sql_text(&q, customer);
	sql_u64(&q, limit);
	sql_u64(&q, call_own_customer(call));
	/* Of a unit admin, own acts. */
	sql_text(&q, call->caller.role == CALLER_UNIT_ADMIN ?
			     call->caller.address : NONE);
	sql_text(&q, object);
	sql_text(&q, by);
	while (sql_row(&q))
		audit_row(call, &q);
	call_end_read(call);
}

/* --- explain -------------------------------------------------------------- */

/* --auth USER: by an address of the user, or by an app password's id. A user
 * without any is judged as if he had one. */
static bool find_login(struct admin_call *call, slice auth,
		       struct app_password *made,
		       const struct app_password **out)
{
	const struct view *v = call->admin->view;
	struct address a;
	*out = NULL;
	if (auth.n == 0)
		return true;
	*out = view_app_password(v, auth);
	if (*out != NULL && call_sees_user(call, (*out)->user))
		return true;
	if (!address_parse(auth, &call->arena, &a, NULL))
		return arg_bad(call, "auth");
	const struct user *u = view_user(v, &a);
	if (u == NULL || !call_sees_user(call, u->id)) {
		call_say(call, CALL_DATA, SAY_NO_SUCH_USER, auth);
		return false;
	}
	*made = (struct app_password){ .user = u->id,
				       .customer = u->customer };
	*out = made;
	return true;
}

static bool read_facts(struct admin_call *call, struct facts *f,
		       struct app_password *made)
{
	slice ip = NONE, from = NONE, auth = NONE, to = NONE;
	if (!arg_text(call, "client_ip", true, &ip) ||
	    !arg_text(call, "helo", false, &f->helo) ||
	    !arg_text(call, "from", false, &from) ||
	    !arg_text(call, "auth", false, &auth) ||
	    !arg_text(call, "to", false, &to) ||
	    !arg_bool(call, "tls", &f->tls))
		return false;
	if (!ip_addr_parse(ip, &f->client))
		return arg_bad(call, "client_ip");
	bool null_sender = from.n == 0 || slice_eq(from, SLICE("<>"));
	if (!null_sender &&
	    !address_parse(from, &call->arena, &f->sender, NULL))
		return arg_bad(call, "from");
	return find_login(call, auth, made, &f->login);
}

struct listed {
	const struct admin_call *call;
	bool own;
};

static bool look_at_entry(void *ctx, const struct ip_entry *e)
{
	struct listed *l = ctx;
	l->own = authorise_sees(&l->call->caller, e->customer);
	return !l->own;
}

static bool lists(const struct admin_call *call, const struct ip_addr *client)
{
	struct listed l = { .call = call };
	view_entries_of(call->admin->view, client, look_at_entry, &l);
	return l.own;
}

static bool is_foreign(struct admin_call *call, slice name)
{
	slice folded;
	if (!domain_normalise(name, &call->arena, &folded, NULL))
		return false;
	const struct domain *d = view_domain_of(call->admin->view, folded);
	return d != NULL && !authorise_sees(&call->caller, d->customer);
}

/* What is another customer's is explained like what is nobody's: its names
 * are read as one that nobody has (RFC 2606), and where the caller doesn't
 * list the address, an empty directory decides. *empty: the caller's
 * reference, or NULL. False: out of memory. */
static bool decide_for(struct admin_call *call, const struct view *v,
		       const struct facts *f, struct decision *d,
		       struct decision_trace *t, const struct view **empty)
{
	struct facts plain = *f;
	policy_decide(v, f, d, t);
	uint32_t about = explain_about(d, t);
	if (call_is_operator(call) ||
	    (about != 0 && authorise_sees(&call->caller, about)))
		return true;
	if (!lists(call, &f->client)) {
		*empty = view_new();
		if (*empty != NULL)
			policy_decide(*empty, f, d, t);
		return *empty != NULL;
	}
	if (is_foreign(call, f->sender.domain))
		plain.sender.domain = SLICE("nobody.invalid");
	if (is_foreign(call, f->helo))
		plain.helo = SLICE("nobody.invalid");
	policy_decide(v, &plain, d, t);
	return true;
}

static void explain(struct admin_call *call, const struct view *v,
		    const struct facts *f)
{
	struct decision d;
	struct decision_trace t = { .cap = DECISION_STEPS_MAX };
	const struct view *empty = NULL;
	t.steps = arena_alloc(&call->arena, t.cap * sizeof(*t.steps));
	if (t.steps == NULL || !decide_for(call, v, f, &d, &t, &empty)) {
		call_no_memory(call);
		return;
	}
	struct buf row, text;
	struct json j;
	buf_init(&row, EXPLAIN_MAX);
	buf_init(&text, EXPLAIN_MAX);
	json_init(&j, &row);
	const struct view *shown = empty != NULL ? empty : v;
	explain_json(&j, shown, f, &d, &t);
	explain_text(&text, call->language, shown, f, &d, &t);
	if (!row.failed)
		call_row(call, buf_slice(&row));
	call_end(call, CALL_OK, buf_slice(&text));
	buf_fini(&row);
	buf_fini(&text);
	view_unref(&empty);
}

/* By the settings in force, or by a draft. */
void call_explain(struct admin_call *call)
{
	struct facts f = { 0 };
	struct app_password made;
	const struct view *v;
	if (!read_facts(call, &f, &made))
		return;
	setting_preview(call, &v);
	if (v != NULL)
		explain(call, v, &f);
	view_unref(&v);
}

/* --- status --------------------------------------------------------------- */

void call_status(struct admin_call *call)
{
	struct admin *a = call->admin;
	struct view_counts n;
	struct call_object row;
	view_count(a->view, &n);
	struct json *j = call_row_begin(&row, 4096);
	json_member_cstr(j, "version", POSTRIDER_VERSION);
	json_member_u64(j, "revision", view_revision(a->view));
	json_key(j, "live");
	if (a->relay_known)
		json_u64(j, a->relay_live);
	else
		json_null(j);
	json_member_bool(j, "relay", a->ask != NULL && ask_up(a->ask));
	json_member_bool(j, "view_log", !a->behind);
	json_member_u64(j, "customers", n.customers);
	json_member_u64(j, "domains", n.domains);
	json_member_u64(j, "users", n.users);
	json_member_u64(j, "app_passwords", n.app_passwords);
	json_member_u64(j, "settings", n.settings);
	json_member_u64(j, "entries", n.entries);
	json_member_u64(j, "view_bytes", n.bytes);
	call_row_end(call, &row);
	call_end(call, CALL_OK, NONE);
}

void call_version(struct admin_call *call)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, 1024);
	json_member_cstr(j, "version", POSTRIDER_VERSION);
	call_row_end(call, &row);
	call_end(call, CALL_OK, NONE);
}
