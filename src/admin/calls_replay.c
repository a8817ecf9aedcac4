/*
 * replay: the mail of the last hours judged once more, by a draft (CONSOLE 6):
 * what was accepted and would be refused, what was refused and would be
 * accepted. The facts are those of the journal; the function is the relay's.
 * In pieces, and for so long at most, after which it says that it is
 * incomplete.
 */
#include <stdlib.h>

#include "admin/calls_index.h"
#include "admin/calls_setting.h"
#include "admin/search.h"
#include "os/clock.h"
#include "policy/refusal.h"

static const slice NONE = { 0 };

enum {
	HOURS_DEFAULT = 24, HOURS_MAX = 168,
	JUDGED_MAX = 200000,
	CHANGES_MAX = 500,		/* different ones; the rest is counted */
	CLIENT_MAX = IP_TEXT_MAX,
	DEADLINE_MS = 10000,
	SCRATCH_MAX = 65536,
};

/* Sessions that would come out differently in the same way. */
struct difference {
	char client[CLIENT_MAX];
	bool was_accepted;
	enum refusal_cause why;
	uint64_t count;
};

struct replaying {
	const struct view *view;	/* with the draft */
	struct search_filter filter;
	struct search_list *list;	/* NULL: the index catches up */
	struct catching_up catching_up;
	int64_t deadline_ms;		/* monotonic */
	uint64_t judged, gone, more;
	struct difference differences[CHANGES_MAX];
	uint32_t count;
};

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

static void replaying_free(struct admin_call *call)
{
	struct replaying *r = call->state;
	call->cancel = NULL;
	call->state = NULL;
	if (r == NULL)
		return;
	search_list_free(&r->list);
	view_unref(&r->view);
	free(r);
}

/* --- one session ----------------------------------------------------------- */

static const struct app_password *login_of(const struct view *v,
					   const struct args *line,
					   struct app_password *made)
{
	slice id = NONE;
	uint64_t user = 0;
	(void)args_text(line, "login", &id);
	if (id.n > 0)
		return view_app_password(v, id);
	if (args_u64(line, "user", UINT32_MAX, &user) != ARGS_FOUND ||
	    user == 0)
		return NULL;
	const struct user *u = view_user_by_id(v, (uint32_t)user);
	if (u == NULL)
		return NULL;
	*made = (struct app_password){ .user = u->id,
				       .customer = u->customer };
	return made;
}

/* False: the line lacks what a decision needs. */
static bool read_facts(const struct view *v, const struct args *line,
		       struct arena *arena, struct app_password *made,
		       struct facts *f)
{
	slice client = NONE, from = NONE, tls = NONE;
	*f = (struct facts){ 0 };
	if (args_text(line, "client", &client) != ARGS_FOUND ||
	    !ip_addr_parse(client, &f->client))
		return false;
	(void)args_text(line, "helo", &f->helo);
	f->tls = args_text(line, "tls", &tls) == ARGS_FOUND && tls.n > 0;
	if (args_text(line, "original_from", &from) != ARGS_FOUND)
		(void)args_text(line, "from", &from);
	f->login = login_of(v, line, made);
	return from.n == 0 || slice_eq(from, SLICE("<>")) ||
	       address_parse(from, arena, &f->sender, NULL);
}

static void note(struct replaying *r, slice client, bool was_accepted,
		 enum refusal_cause why)
{
	for (uint32_t i = 0; i < r->count; i++) {
		struct difference *d = &r->differences[i];
		if (d->was_accepted == was_accepted && d->why == why &&
		    slice_eq(slice_of(d->client), client)) {
			d->count++;
			return;
		}
	}
	if (r->count == CHANGES_MAX) {
		r->more++;
		return;
	}
	struct difference *d = &r->differences[r->count];
	if (!slice_to_cstr(client, d->client, CLIENT_MAX))
		return;
	d->was_accepted = was_accepted;
	d->why = why;
	d->count = 1;
	r->count++;
}

/* Else it was refused by what no setting decides, and would be again. */
static bool was_by_settings(enum refusal_cause cause)
{
	return cause == CAUSE_ADDRESS || cause == CAUSE_DOMAIN ||
	       cause == CAUSE_USER || cause == CAUSE_SENDER ||
	       cause == CAUSE_TLS || cause == CAUSE_AUTH ||
	       cause == CAUSE_FOREIGN || cause == CAUSE_EMPTY ||
	       cause == CAUSE_SETTING;
}

static void judge(struct replaying *r, const struct search_row *row,
		  const struct args *line, struct arena *arena)
{
	struct facts f;
	struct app_password made;
	struct decision d;
	slice client = NONE;
	enum refusal_cause was = refusal_cause_named(row->cause);
	if ((row->is_refusal && !was_by_settings(was)) ||
	    !read_facts(r->view, line, arena, &made, &f)) {
		r->gone++;
		return;
	}
	r->judged++;
	policy_decide(r->view, &f, &d, NULL);
	bool accepts = d.reply == REPLY_SENDER_OK;
	if (accepts != row->is_refusal)
		return;
	(void)args_text(line, "client", &client);
	note(r, client, !row->is_refusal,
	     accepts ? was : refusal_cause_of(&f, &d));
}

static void each(void *ctx, const struct search_row *row)
{
	struct replaying *r = ctx;
	struct arena arena;
	struct args *line = args_parse(row->line);
	if (line == NULL) {
		r->gone++;
		return;
	}
	arena_init(&arena, SCRATCH_MAX);
	judge(r, row, line, &arena);
	arena_fini(&arena);
	args_free(&line);
}

/* --- the answer ------------------------------------------------------------ */

static int by_count(const void *a, const void *b)
{
	const struct difference *x = a, *y = b;
	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void write_difference(struct json *j, const struct difference *d)
{
	json_object(j);
	json_member_cstr(j, "was", d->was_accepted ? "accept" : "refuse");
	json_member_cstr(j, "would", d->was_accepted ? "refuse" : "accept");
	json_member_u64(j, "count", d->count);
	json_member_cstr(j, "client", d->client);
	json_member_cstr(j, "why", refusal_cause_key(d->why));
	json_object_end(j);
}

static void answer(struct admin_call *call, bool incomplete)
{
	struct replaying *r = call->state;
	struct call_object row;
	struct json *j = call_row_begin(&row, CALL_ROW_MAX);
	qsort(r->differences, r->count, sizeof(r->differences[0]), by_count);
	json_member_u64(j, "judged", r->judged);
	json_member_u64(j, "gone", r->gone);
	json_key(j, "changed");
	json_array(j);
	for (uint32_t i = 0; i < r->count; i++)
		write_difference(j, &r->differences[i]);
	json_array_end(j);
	json_member_bool(j, "incomplete", incomplete || r->more > 0);
	call_row_end(call, &row);
	replaying_free(call);
	call_end(call, CALL_OK, NONE);
}

/* Then the list begins. */
static bool catch_up(struct admin_call *call, struct replaying *r,
		     struct err *err)
{
	bool ready;
	return catching_up_step(&r->catching_up, call, &ready, err) &&
	       (!ready || search_list_new(call->admin->search, &r->filter,
					  NULL, each, r, &r->list, err));
}

static void more(struct admin_call *call)
{
	struct replaying *r = call->state;
	struct err err = { 0 };
	bool done = false;
	bool good = r->list == NULL ? catch_up(call, r, &err) :
				      search_list_step(r->list, &done, &err);
	if (!good) {
		replaying_free(call);
		call_fail(call, &err, SAY_INDEX_FAILED);
	} else if (done || now_ms() >= r->deadline_ms) {
		answer(call, !done || r->catching_up.behind ||
			     r->judged + r->gone >= JUDGED_MAX);
	}
}

static bool read_hours(struct admin_call *call, uint64_t *hours)
{
	*hours = HOURS_DEFAULT;
	if (!arg_u64(call, "hours", HOURS_MAX, hours))
		return false;
	return *hours > 0 || arg_bad(call, "hours");
}

static void begin(struct admin_call *call, const struct view *view,
		  uint32_t customer, uint64_t hours)
{
	struct replaying *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		call_no_memory(call);
		return;
	}
	r->view = view_ref(view);
	catching_up_begin(&r->catching_up);
	r->deadline_ms = now_ms() + DEADLINE_MS;
	r->filter = (struct search_filter){
		.of = LIST_MESSAGES | LIST_REFUSALS,
		.customer = customer,
		.since_ms = admin_wall_ms(call->admin) -
			    (int64_t)hours * 3600 * 1000,
		.limit = JUDGED_MAX,
	};
	call->state = r;
	call->cancel = replaying_free;
	call->more = more;
}

void call_replay(struct admin_call *call)
{
	slice name;
	uint32_t customer;
	uint64_t hours;
	const struct view *view;
	if (!call_one_customer(call, &name, &customer) ||
	    !read_hours(call, &hours) || !call_has_index(call))
		return;
	setting_preview(call, &view);
	if (view != NULL)
		begin(call, view, customer, hours);
	view_unref(&view);
}
