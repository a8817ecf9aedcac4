/*
 * message.list, message.show, refusal.list, refusal.show: mail as the index
 * has it. A list first lets the index catch up, then looks; in pieces, so
 * that other calls go on, and for so long at most, after which it gives what
 * was found and says that it is incomplete.
 */
#include <stdlib.h>

#include "admin/calls_index.h"
#include "admin/event.h"
#include "admin/mail_row.h"
#include "admin/search.h"
#include "base/json.h"
#include "limits/budget.h"
#include "os/clock.h"

static const slice NONE = { 0 };

enum {
	LIMIT_DEFAULT = 50, LIMIT_MAX = 200,
	DEADLINE_MS = 5000,
	LOOKS_KEPT = 4096,		/* addresses of strangers */
};
static const uint64_t LOOKS_OF_ALL = 1;

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

/* --- a list ---------------------------------------------------------------- */

struct listing {
	struct admin_call *call;
	struct search_filter filter;
	struct search_list *list;	/* NULL: the index catches up */
	struct catching_up catching_up;
	int64_t deadline_ms;		/* monotonic */
};

static void listing_free(struct admin_call *call)
{
	struct listing *l = call->state;
	call->cancel = NULL;
	call->state = NULL;
	if (l != NULL)
		search_list_free(&l->list);
	free(l);
}

static bool sees(void *ctx, slice sender)
{
	const struct listing *l = ctx;
	return call_sees_sender(l->call, sender);
}

static void give(void *ctx, const struct search_row *row)
{
	const struct listing *l = ctx;
	struct buf out;
	buf_init(&out, CALL_ROW_MAX);
	mail_row(&out, l->call->admin->view, row);
	if (!out.failed)
		call_row(l->call, buf_slice(&out));
	buf_fini(&out);
}

/* {"next":"20781.17","count":812,"incomplete":false,"as_of":"…"} */
static void give_last(const struct listing *l, bool incomplete)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, 1024);
	struct search_cursor next;
	char text[SEARCH_CURSOR_MAX];
	uint64_t count = search_list_count(l->list);
	bool more = search_list_next(l->list, &next);
	if (more)
		search_cursor_text(next, text);
	json_member_text_or_null(j, "next", more ? slice_of(text) : NONE);
	json_key(j, "count");
	if (l->filter.after.day != 0)
		json_null(j);	/* the first page had it */
	else if (count > SEARCH_COUNT_MAX)
		json_string(j, SLICE("10000+"));
	else
		json_u64(j, count);
	json_member_bool(j, "incomplete", incomplete);
	json_member_time_or_null(j, "as_of",
				 search_indexed_ms(l->call->admin->search));
	call_row_end(l->call, &row);
}

static void end(struct listing *l, bool incomplete)
{
	struct admin_call *call = l->call;
	give_last(l, incomplete || l->catching_up.behind);
	listing_free(call);
	call_end(call, CALL_OK, NONE);
}

static void fail(struct admin_call *call, const struct err *err)
{
	listing_free(call);
	call_fail(call, err, SAY_INDEX_FAILED);
}

/* Then the list begins. */
static bool catch_up(struct admin_call *call, struct listing *l,
		     struct err *err)
{
	bool ready, unit = call->caller.role == CALLER_UNIT_ADMIN;
	return catching_up_step(&l->catching_up, call, &ready, err) &&
	       (!ready || search_list_new(call->admin->search, &l->filter,
					  unit ? sees : NULL, give, l,
					  &l->list, err));
}

static void more(struct admin_call *call)
{
	struct listing *l = call->state;
	struct err err = { 0 };
	bool done = false;
	bool good = l->list == NULL ? catch_up(call, l, &err) :
				      search_list_step(l->list, &done, &err);
	if (!good)
		fail(call, &err);
	else if (done || (l->list != NULL && now_ms() >= l->deadline_ms))
		end(l, !done);
}

static void begin(struct admin_call *call, const struct search_filter *f)
{
	struct listing *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		call_no_memory(call);
		return;
	}
	l->call = call;
	l->filter = *f;
	catching_up_begin(&l->catching_up);
	l->deadline_ms = now_ms() + DEADLINE_MS;
	call->state = l;
	call->cancel = listing_free;
	call->more = more;
}

/* --- what is asked for ----------------------------------------------------- */

static bool read_time(struct admin_call *call, const char *name, int64_t *out)
{
	slice text = NONE;
	if (!arg_text(call, name, false, &text))
		return false;
	return text.n == 0 || (event_time(text, out) && *out >= 0) ||
	       arg_bad(call, name);
}

static bool read_filter(struct admin_call *call, struct search_filter *f)
{
	uint64_t limit = LIMIT_DEFAULT;
	slice cursor = NONE;
	if (!call_customer_asked(call, &f->customer) ||
	    !arg_text(call, "text", false, &f->text) ||
	    !arg_text(call, "from", false, &f->from) ||
	    !arg_text(call, "cursor", false, &cursor) ||
	    !read_time(call, "since", &f->since_ms) ||
	    !read_time(call, "until", &f->until_ms) ||
	    !arg_u64(call, "limit", LIMIT_MAX, &limit) ||
	    !call_setting_asked(call, f))
		return false;
	if (cursor.n > 0 && !search_cursor_parse(cursor, &f->after))
		return arg_bad(call, "cursor");
	f->limit = limit > 0 ? (uint32_t)limit : LIMIT_DEFAULT;
	return true;
}

/* "refused" are those that were never messages; without a state both are
 * shown, as they came. */
static bool read_state(struct admin_call *call, struct search_filter *f)
{
	slice name = NONE;
	f->of = LIST_MESSAGES | LIST_REFUSALS;
	if (!arg_text(call, "state", false, &name))
		return false;
	if (name.n == 0)
		return true;
	f->of = slice_eq(name, SLICE("refused")) ? LIST_REFUSALS :
						   LIST_MESSAGES;
	if (f->of == LIST_REFUSALS)
		return true;
	for (int i = STATE_ANY + 1; i < STATE_COUNT; i++)
		if (slice_eq(name, slice_of(search_state_name(
				      (enum search_state)i))))
			f->state = (enum search_state)i;
	return f->state != STATE_ANY || arg_bad(call, "state");
}

void call_message_list(struct admin_call *call)
{
	struct search_filter f = { 0 };
	if (read_filter(call, &f) && read_state(call, &f) &&
	    arg_text(call, "to", false, &f.to) &&
	    arg_text(call, "destination", false, &f.destination) &&
	    call_has_index(call))
		begin(call, &f);
}

void call_refusal_list(struct admin_call *call)
{
	struct search_filter f = { .of = LIST_REFUSALS };
	if (read_filter(call, &f) && call_client_asked(call, &f.client) &&
	    arg_text(call, "cause", false, &f.cause) && call_has_index(call))
		begin(call, &f);
}

/* --- one message ------------------------------------------------------------ */

struct showing {
	struct admin_call *call;
	bool shown;
};

static bool show_message(void *ctx, slice trace_row)
{
	struct showing *s = ctx;
	struct buf out;
	if (!call_sees_mail(s->call, trace_row))
		return false;
	buf_init(&out, CALL_ROW_MAX);
	mail_row_message(&out, s->call->admin->view, trace_row);
	s->shown = !out.failed;
	if (s->shown)
		call_row(s->call, buf_slice(&out));
	buf_fini(&out);
	return false;
}

void call_message_show(struct admin_call *call)
{
	struct search_query q = { .limit = 1 };
	struct showing s = { .call = call };
	struct err err = { 0 };
	struct id id;
	bool behind;
	if (!arg_text(call, "id", true, &q.id) ||
	    !call_customer_asked(call, &q.customer) || !call_has_index(call))
		return;
	if (!id_parse(q.id, &id))
		call_say(call, CALL_NONE_FOUND, SAY_NO_SUCH_MAIL, NONE);
	else if (!call_index_step(call, &behind, &err) ||
		 !search_find(call->admin->search, &q, show_message, &s, &err))
		call_fail(call, &err, SAY_INDEX_FAILED);
	else if (s.shown)
		call_end(call, CALL_OK, NONE);
	else
		call_say(call, CALL_NONE_FOUND, SAY_NO_SUCH_MAIL, NONE);
}

/* --- one refusal ------------------------------------------------------------ */

struct refusal_shown {
	struct admin_call *call;
	enum mail_reader reader;
	bool shown;
};

static void show_refusal(void *ctx, const struct search_row *row)
{
	struct refusal_shown *s = ctx;
	struct buf out;
	buf_init(&out, CALL_ROW_MAX);
	mail_row_refusal(&out, s->call->admin->view, row, s->reader,
			 s->call->admin->hostname);
	s->shown = !out.failed;
	if (s->shown)
		call_row(s->call, buf_slice(&out));
	buf_fini(&out);
}

static bool sees_refusal(void *ctx, slice sender)
{
	const struct refusal_shown *s = ctx;
	return call_sees_sender(s->call, sender);
}

/* A reference leads to one row, so this is a short list. */
static bool find_refusal(struct refusal_shown *s, const char *name,
			 uint32_t customer, struct err *err)
{
	struct search_filter f = { .of = LIST_REFUSALS, .limit = 1,
				   .customer = customer };
	struct search_list *list;
	struct reference reference;
	bool behind, done = false;
	slice text = NONE;
	bool unit = s->call->caller.role == CALLER_UNIT_ADMIN &&
		    s->reader == READER_OWN;
	if (args_text(s->call->args, name, &text) != ARGS_FOUND ||
	    !reference_parse(text, &reference))
		return true;
	f.text = text;
	if (!call_index_step(s->call, &behind, err) ||
	    !search_list_new(s->call->admin->search, &f,
			     unit ? sees_refusal : NULL, show_refusal, s,
			     &list, err))
		return false;
	bool ok = true;
	while (ok && !done && !s->shown)
		ok = search_list_step(list, &done, err);
	search_list_free(&list);
	return ok;
}

void call_refusal_show(struct admin_call *call)
{
	struct refusal_shown s = { .call = call, .reader = READER_OWN };
	struct err err = { 0 };
	uint32_t customer;
	slice reference = NONE;
	if (!arg_text(call, "reference", true, &reference) ||
	    !call_customer_asked(call, &customer) || !call_has_index(call))
		return;
	if (!find_refusal(&s, "reference", customer, &err))
		call_fail(call, &err, SAY_INDEX_FAILED);
	else if (s.shown)
		call_end(call, CALL_OK, NONE);
	else
		call_say(call, CALL_NONE_FOUND, SAY_NO_SUCH_REFERENCE, NONE);
}

/* --- what strangers see ----------------------------------------------------- */

/* Nobody finds references by trying: a few looks a minute from an address,
 * some more from all together. */
static bool may_look(struct admin_call *call)
{
	static const struct budget_rate one = { 20, 60000, 20 };
	static const struct budget_rate all = { 300, 60000, 100 };
	struct admin *a = call->admin;
	struct ip_addr client = { 0 };
	int64_t wait_ms;
	/* Those without an address share one budget. */
	if (!ip_addr_parse(call->client, &client))
		client = (struct ip_addr){ 0 };
	if (a->looks == NULL)
		a->looks = budgets_new(LOOKS_KEPT);
	return a->looks != NULL &&
	       budget_take(a->looks,
			   budget_key_address(BUDGET_CONNECT, &client), &one,
			   0, now_ms(), &wait_ms) &&
	       budget_take(a->looks, LOOKS_OF_ALL, &all, 0, now_ms(),
			   &wait_ms);
}

/* Unknown, expired and too often look alike. */
void call_reference_show(struct admin_call *call)
{
	struct refusal_shown s = { .call = call, .reader = READER_STRANGER };
	struct err err = { 0 };
	slice reference = NONE;
	if (!arg_text(call, "reference", true, &reference) ||
	    !call_has_index(call))
		return;
	if (may_look(call) && !find_refusal(&s, "reference", 0, &err))
		call_fail(call, &err, SAY_INDEX_FAILED);
	else if (s.shown)
		call_end(call, CALL_OK, NONE);
	else
		call_say(call, CALL_NONE_FOUND, SAY_NO_SUCH_REFERENCE, NONE);
}
