/*
 * limits.show, answered inside relay: what a customer and one of its users
 * have used of their limits, how much room is left, when more opens, and
 * which limit binds first (SPEC 6.11). See relay_calls.h.
 */
#include "app/relay_calls_private.h"

#include "base/arena.h"
#include "limits/window.h"
#include "os/clock.h"

enum { ROW_MAX = 4096,
       SCRATCH_MAX = 16384 };

struct asked {
	slice customer, user;
	enum language language;
};

static void put_time(struct json *j, const char *key, int64_t at_ms)
{
	json_key(j, key);
	if (at_ms == 0 || at_ms == WINDOW_NEVER)
		json_put_null(j);
	else
		json_time_ms(j, at_ms);
}

static void put_row(struct control_answer *a, const struct customer *c,
		    const struct user *u, const struct ledger_row *row)
{
	bool of_user = row->limit == LEDGER_USER_MESSAGES ||
		       row->limit == LEDGER_USER_UNIQUE;
	struct buf out;
	struct json j;
	buf_init(&out, ROW_MAX);
	json_init(&j, &out);
	json_object_begin(&j);
	json_member_string(&j, "customer", c->name);
	json_key(&j, "user");
	if (of_user)
		json_put_string(&j, u->address);
	else
		json_put_null(&j);
	json_member_cstr(&j, "name", ledger_verdict_name(row->limit));
	json_member_u64(&j, "used", row->used);
	json_member_u64(&j, "reserved", row->reserved);
	json_member_u64(&j, "limit", row->allowed);
	json_member_u64(&j, "headroom", row->headroom);
	put_time(&j, "opens_at", row->opens_at_ms);
	put_time(&j, "full_at", row->full_at_ms);
	json_member_bool(&j, "binds_first", row->binds_first);
	json_object_end(&j);
	control_answer_row(a, buf_slice(&out));
	buf_fini(&out);
}

/* NULL: *wrong says why. */
static const struct user *find_user(const struct view *v,
				    const struct customer *c, slice text,
				    const struct text **wrong)
{
	struct arena scratch;
	struct address address;
	struct err err;
	arena_init(&scratch, SCRATCH_MAX);
	const struct user *u = NULL;
	*wrong = relay_text(RELAY_SAY_NO_USER);
	if (address_parse(text, &scratch, &address, &err))
		u = view_user(v, &address);
	else
		*wrong = relay_text(RELAY_SAY_NO_ADDRESS);
	arena_fini(&scratch);
	return u != NULL && u->customer == c->id ? u : NULL;
}

/* NULL: shown. Else what is wrong, *about with what. */
static const struct text *show(struct relay_core *core,
			       const struct asked *asked,
			       struct control_answer *a, slice *about)
{
	const struct view *v = relay_core_view(core);
	const struct user *u = NULL;
	const struct text *wrong;
	*about = asked->customer;
	if (asked->customer.n == 0)
		return relay_text(RELAY_SAY_CUSTOMER_WANTED);
	const struct customer *c = view_customer_named(v, asked->customer);
	if (c == NULL)
		return relay_text(RELAY_SAY_NO_CUSTOMER);
	*about = asked->user;
	if (asked->user.n > 0 &&
	    (u = find_user(v, c, asked->user, &wrong)) == NULL)
		return wrong;
	struct allowance allowed = plan_allowance(
		view_plan_of(v, c), c->licences, c->billing == BILLING_PAID);
	struct ledger_view seen;
	ledger_show(relay_core_ledger(core), c->id, u ? u->id : 0, &allowed,
		    os_wall_ms(), &seen);
	for (uint32_t i = 0; i < seen.count; i++)
		put_row(a, c, u, &seen.rows[i]);
	return NULL;
}

void relay_call_limits(struct relay_core *core, slice args,
		       struct control_answer *a)
{
	json_error_t where;
	json_t *json = json_loadb(args.p, args.n, 0, &where);
	struct asked asked = {
		.customer = json_text(json, "customer"),
		.user = json_text(json, "user"),
		.language = language_of(json_text(json, "language")),
	};
	slice about;
	struct buf words;
	buf_init(&words, ROW_MAX);
	const struct text *wrong = show(core, &asked, a, &about);
	if (wrong == NULL) {
		control_answer_end(a, EXIT_FINE, (slice){ 0 });
	} else {
		say(&words, wrong, asked.language, &about, 1);
		control_answer_end(a, EXIT_USAGE_CODE, buf_slice(&words));
	}
	buf_fini(&words);
	json_decref(json);
}
