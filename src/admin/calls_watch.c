/*
 * watch: what came lately from one sending system, for the live check of
 * whoever has just set one up.
 */
#include "admin/calls_index.h"
#include "admin/event.h"
#include "admin/mail_row.h"
#include "admin/search.h"
#include "os/clock.h"

static const slice NONE = { 0 };

/* Of one login, mail of others is looked through. */
enum { WATCH_ROWS = 25, LOOKED_THROUGH = 2000, WATCH_MS = 40 };
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
	if (w->accepted + w->refused == WATCH_ROWS ||
	    !is_of_login(row->line, w->login))
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
	    !call_client_asked(call, &f.client) ||
	    !arg_text(call, "app_password", false, &w.login) ||
	    !arg_text(call, "since", false, &since) || !call_has_index(call))
		return;
	if (w.login.n > 0)
		f.limit = LOOKED_THROUGH;
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
