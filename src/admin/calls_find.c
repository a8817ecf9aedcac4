/*
 * find: what was typed into the search at the top, recognised; reference.show:
 * what strangers see of a refusal; alert.list, watch: what happened lately of
 * one kind, from the index.
 */
#include <stdlib.h>

#include "admin/calls_index.h"
#include "admin/event.h"
#include "admin/mail_row.h"
#include "admin/search.h"
#include "base/json.h"
#include "os/clock.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 65536, HITS_MAX = 10 };

/* --- find ------------------------------------------------------------------ */

static void put_hit(struct json *j, const char *kind, slice id, slice title)
{
	json_object(j);
	json_member_cstr(j, "kind", kind);
	json_member_string(j, "id", id);
	json_member_string(j, "title", title);
	json_object_end(j);
}

static void find_domain(struct admin_call *call, struct json *j, slice name)
{
	const struct domain *d = view_domain(call->admin->view, name);
	if (d != NULL && authorise_sees(&call->caller, d->customer))
		put_hit(j, "domain", d->name, d->name);
}

static void find_user(struct admin_call *call, struct json *j, slice address)
{
	struct address a;
	const struct user *u =
		address_parse(address, &call->arena, &a, NULL) ?
			view_user(call->admin->view, &a) : NULL;
	if (u != NULL && call_sees_user(call, u->id))
		put_hit(j, "user", u->address, u->address);
}

struct entry_hits {
	struct admin_call *call;
	struct json *json;
	unsigned count;
};

static bool find_entry(void *ctx, const struct ip_entry *e)
{
	struct entry_hits *h = ctx;
	char range[IP_RANGE_TEXT_MAX];
	if (!authorise_sees(&h->call->caller, e->customer))
		return true;
	put_hit(h->json, "ip_entry",
		slice_of(ip_range_text(&e->range, range)), e->description);
	return ++h->count < HITS_MAX;
}

static void find_entries(struct admin_call *call, struct json *j, slice text)
{
	struct entry_hits h = { .call = call, .json = j };
	struct ip_addr a;
	if (ip_addr_parse(text, &a))
		view_entries_of(call->admin->view, &a, find_entry, &h);
}

/* By its name: the operator's own search. */
static void find_customer(struct admin_call *call, struct json *j, slice name)
{
	const struct customer *c =
		view_customer_named(call->admin->view, slice_trim(name));
	if (call_is_operator(call) && c != NULL)
		put_hit(j, "customer", c->name, c->name);
}

/* What mail there is, the list says that the console opens with the text. */
void call_find(struct admin_call *call)
{
	static const char *const kinds[] = {
		[TERM_NONE] = "none", [TERM_ID] = "message",
		[TERM_REFERENCE] = "reference",
		[TERM_MESSAGE_ID] = "message_id", [TERM_ADDRESS] = "address",
		[TERM_DOMAIN] = "domain", [TERM_CLIENT] = "client",
	};
	char room[SEARCH_TEXT_MAX];
	uint32_t customer;
	slice q = NONE, clean;
	struct call_object row;
	if (!call_customer_asked(call, &customer) ||
	    !arg_text(call, "q", true, &q))
		return;
	enum search_term term = search_text(q, room, &clean);
	struct json *j = call_row_begin(&row, ROW_MAX);
	json_member_cstr(j, "kind", kinds[term]);
	json_key(j, "text");
	json_string(j, term == TERM_NONE ? slice_trim(q) : clean);
	json_key(j, "hits");
	json_array(j);
	find_customer(call, j, q);
	if (term == TERM_ID)
		put_hit(j, "message", clean, clean);
	else if (term == TERM_REFERENCE)
		put_hit(j, "refusal", clean, clean);
	else if (term == TERM_ADDRESS)
		find_user(call, j, clean);
	else if (term == TERM_DOMAIN)
		find_domain(call, j, clean);
	else if (term == TERM_CLIENT)
		find_entries(call, j, clean);
	json_array_end(j);
	call_row_end(call, &row);
	call_end(call, CALL_OK, NONE);
}

/* --- alerts ---------------------------------------------------------------- */

struct alerts_given {
	struct admin_call *call;
	uint32_t limit, count;
	struct search_cursor last;
	bool more;
};

static void give_alert(void *ctx, struct search_cursor at, slice line)
{
	struct alerts_given *g = ctx;
	struct buf row;
	g->more = g->count == g->limit;
	if (g->more)
		return;
	buf_init(&row, ROW_MAX);
	mail_row_alert(&row, g->call->admin->view, at, line,
		       admin_wall_ms(g->call->admin));
	if (!row.failed)
		call_row(g->call, buf_slice(&row));
	buf_fini(&row);
	g->count++;
	g->last = at;
}

static void give_next(struct alerts_given *g)
{
	char text[SEARCH_CURSOR_MAX];
	search_cursor_text(g->last, text);
	call_next(g->call, g->more ? slice_of(text) : NONE);
}

/* Of whole customers, and of users: not a unit's. */
void call_alert_list(struct admin_call *call)
{
	struct alerts_given g = { .call = call };
	struct search_cursor after = { 0 };
	struct err err = { 0 };
	uint64_t limit = 50;
	uint32_t customer;
	bool behind;
	slice cursor = NONE;
	if (!call_customer_asked(call, &customer) ||
	    !arg_text(call, "cursor", false, &cursor) ||
	    !arg_u64(call, "limit", 200, &limit) || !call_has_index(call))
		return;
	if (cursor.n > 0 && !search_cursor_parse(cursor, &after)) {
		arg_bad(call, "cursor");
		return;
	}
	g.limit = limit > 0 ? (uint32_t)limit : 50;
	if (call->caller.role == CALLER_UNIT_ADMIN) {
		call_say(call, CALL_NOT_ALLOWED, SAY_NOT_ALLOWED, NONE);
	} else if (!call_index_step(call, &behind, &err) ||
		   !search_alerts(call->admin->search, customer, after,
				  g.limit + 1, give_alert, &g, &err)) {
		call_fail(call, &err, SAY_INDEX_FAILED);
	} else {
		give_next(&g);
		call_end(call, CALL_OK, NONE);
	}
}

/* --- watch ----------------------------------------------------------------- */

enum { WATCH_ROWS = 25, WATCH_MS = 40 };
static const int64_t WATCH_SINCE_MS = 3600000;

struct watched {
	struct admin_call *call;
	slice login;
	struct buf rows;
	uint32_t accepted, refused;
};

static bool is_of_login(slice line, slice login)
{
	struct args *row = login.n > 0 ? args_parse(line) : NULL;
	slice is = NONE;
	bool same = row != NULL &&
		    args_text(row, "login", &is) == ARGS_FOUND &&
		    slice_eq(is, login);
	if (row != NULL)
		args_free(&row);
	return same || login.n == 0;
}

static void note_seen(void *ctx, const struct search_row *row)
{
	struct watched *w = ctx;
	if (!is_of_login(row->line, w->login))
		return;
	if (w->accepted + w->refused > 0)
		buf_append_char(&w->rows, ',');
	w->accepted += !row->is_refusal;
	w->refused += row->is_refusal;
	mail_row(&w->rows, w->call->admin->view, row);
}

static bool sees_seen(void *ctx, slice sender)
{
	const struct watched *w = ctx;
	return call_sees_sender(w->call, sender);
}

static bool look(struct watched *w, const struct search_filter *f,
		 struct err *err)
{
	struct search *s = w->call->admin->search;
	struct search_list *list;
	int64_t until = os_monotonic_ns() + WATCH_MS * (int64_t)MS;
	bool behind, done = false;
	if (!call_index_step(w->call, &behind, err) ||
	    !search_list_new(s, f, sees_seen, note_seen, w, &list, err))
		return false;
	bool ok = true;
	while (ok && !done && w->accepted + w->refused < WATCH_ROWS &&
	       os_monotonic_ns() < until)
		ok = search_list_step(list, &done, err);
	search_list_free(&list);
	return ok;
}

static void give_watched(struct watched *w, int64_t since_ms)
{
	struct call_object out;
	struct json *j = call_row_begin(&out, CALL_ROW_MAX);
	json_key(j, "since");
	json_time_ms(j, since_ms);
	json_key(j, "as_of");
	json_time_ms(j, admin_wall_ms(w->call->admin));
	json_member_u64(j, "accepted", w->accepted);
	json_member_u64(j, "refused", w->refused);
	json_key(j, "rows");
	json_array(j);
	json_raw(j, buf_slice(&w->rows));
	json_array_end(j);
	call_row_end(w->call, &out);
	call_end(w->call, CALL_OK, NONE);
}

/* The last messages and refusals of one sending system: a live check. */
void call_watch(struct admin_call *call)
{
	struct search_filter f = { .of = LIST_MESSAGES | LIST_REFUSALS,
				   .limit = WATCH_ROWS };
	struct watched w = { .call = call };
	struct err err = { 0 };
	slice since = NONE;
	if (!call_customer_asked(call, &f.customer) ||
	    !call_setting_asked(call, &f) ||
	    !arg_text(call, "client", false, &f.client) ||
	    !arg_text(call, "app_password", false, &w.login) ||
	    !arg_text(call, "since", false, &since) || !call_has_index(call))
		return;
	f.since_ms = admin_wall_ms(call->admin) - WATCH_SINCE_MS;
	if (since.n > 0 && !event_time(since, &f.since_ms)) {
		arg_bad(call, "since");
		return;
	}
	buf_init(&w.rows, CALL_ROW_MAX / 2);
	if (look(&w, &f, &err))
		give_watched(&w, f.since_ms);
	else
		call_fail(call, &err, SAY_INDEX_FAILED);
	buf_fini(&w.rows);
}
