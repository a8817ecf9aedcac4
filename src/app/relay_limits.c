/*
 * limits.show, answered inside relay: what a customer and one of its users
 * have used of their limits, how much room is left, when more opens, which
 * limit binds first (SPEC 6.11), and how much is held over each (6.10). See
 * relay_calls.h.
 */
#include "app/relay_calls_private.h"

#include <stdlib.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "limits/window.h"
#include "os/clock.h"

enum { ROW_MAX = 4096,
       SCRATCH_MAX = 16384 };

static void put_time(struct json *j, const char *key, int64_t at_ms)
{
	json_key(j, key);
	if (at_ms == 0 || at_ms == WINDOW_NEVER)
		json_put_null(j);
	else
		json_time_ms(j, at_ms);
}

/* What is held over the limits: of the customer, and of the user if his
 * limits are shown. */
struct held_seen {
	struct held_figures customer;
	struct held_over user[LEDGER_LIMITS + 1];
	bool user_known;
};

static void put_number(struct json *j, const char *key, bool is_known,
		       uint64_t n)
{
	if (is_known) {
		json_member_u64(j, key, n);
	} else {
		json_key(j, key);
		json_put_null(j);
	}
}

/* used NULL: over a limit of users, of all of them, where none was asked for:
 * no one figure is beside it. over NULL: how much is held isn't known. */
static void put_row(struct control_answer *a, const struct customer *c,
		    const struct user *u, enum ledger_verdict limit,
		    const struct ledger_row *used,
		    const struct held_over *over)
{
	static const struct ledger_row no_row;
	static const struct held_over nothing_held;
	bool of_user = limit == LEDGER_USER_MESSAGES ||
		       limit == LEDGER_USER_UNIQUE;
	bool known = used != NULL, held_known = over != NULL;
	const struct ledger_row *row = known ? used : &no_row;
	const struct held_over *held = held_known ? over : &nothing_held;
	struct buf out;
	struct json j;
	buf_init(&out, ROW_MAX);
	json_init(&j, &out);
	json_object_begin(&j);
	json_member_string(&j, "customer", c->name);
	json_member_text_or_null(&j, "user", of_user && u != NULL ?
						     u->address :
						     (slice){ 0 });
	json_member_cstr(&j, "name", ledger_verdict_name(limit));
	put_number(&j, "used", known, row->used);
	put_number(&j, "reserved", known, row->reserved);
	put_number(&j, "limit", known, row->allowed);
	put_number(&j, "headroom", known, row->headroom);
	put_time(&j, "opens_at", row->opens_at_ms);
	put_time(&j, "full_at", row->full_at_ms);
	json_member_bool(&j, "binds_first", row->binds_first);
	put_number(&j, "held_messages", held_known, held->messages);
	put_number(&j, "held_recipients", held_known, held->recipients);
	json_object_end(&j);
	control_answer_row(a, buf_slice(&out));
	buf_fini(&out);
}

static void look_at_held(struct held *all, const struct customer *c,
			 const struct user *u, struct held_seen *out)
{
	held_figures(all, c->id, &out->customer);
	out->user_known = u != NULL &&
			  held_over_of_user(all, c->id, u->id, out->user);
}

/* NULL: not known. */
static const struct held_over *held_over(const struct held_seen *seen,
					 enum ledger_verdict limit)
{
	if (limit == LEDGER_CUSTOMER_DAY || limit == LEDGER_CUSTOMER_PEAK)
		return &seen->customer.over[limit];
	return seen->user_known ? &seen->user[limit] : NULL;
}

/* NULL: *wrong says why. */
static const struct user *find_user(const struct view *v,
				    const struct customer *c, slice text,
				    enum relay_text *wrong)
{
	struct arena scratch;
	struct address address;
	struct err err;
	arena_init(&scratch, SCRATCH_MAX);
	const struct user *u = NULL;
	*wrong = RELAY_SAY_NO_USER;
	if (address_parse(text, &scratch, &address, &err))
		u = view_user(v, &address);
	else
		*wrong = RELAY_SAY_NO_ADDRESS;
	arena_fini(&scratch);
	return u != NULL && u->customer == c->id ? u : NULL;
}

/* As the verbs answer: a name that nobody has is wrong data, an argument of
 * no form is wrong usage. */
static int code_of(enum relay_text wrong)
{
	return wrong == RELAY_SAY_NO_CUSTOMER || wrong == RELAY_SAY_NO_USER ?
		       EXIT_DATA_CODE : EXIT_USAGE_CODE;
}

/* RELAY_SAY_COUNT: shown; *held_count recipients of the customer are held. Else
 * what is wrong, *about with what. */
static enum relay_text show(const struct relay_ask *ask, slice *about,
			    uint64_t *held_count)
{
	const struct view *v = relay_core_view(ask->core);
	const struct user *u = NULL;
	enum relay_text wrong;
	slice customer = json_text(ask->args, "customer");
	slice user = json_text(ask->args, "user");
	*about = customer;
	if (customer.n == 0)
		return RELAY_SAY_CUSTOMER_WANTED;
	const struct customer *c = view_customer_named(v, customer);
	if (c == NULL)
		return RELAY_SAY_NO_CUSTOMER;
	*about = user;
	if (user.n > 0 && (u = find_user(v, c, user, &wrong)) == NULL)
		return wrong;
	struct allowance allowed = view_allowance(v, c);
	struct ledger_view seen;
	struct held_seen held;
	ledger_show(relay_core_ledger(ask->core), c->id, u ? u->id : 0,
		    &allowed, os_wall_ms(), &seen);
	look_at_held(relay_core_held(ask->core), c, u, &held);
	*held_count = held.customer.recipients;
	for (uint32_t i = 0; i < seen.count; i++)
		put_row(ask->answer, c, u, seen.rows[i].limit, &seen.rows[i],
			held_over(&held, seen.rows[i].limit));
	for (unsigned i = LEDGER_USER_MESSAGES; u == NULL && i <= LEDGER_LIMITS;
	     i++)
		if (held.customer.over[i].recipients > 0)
			put_row(ask->answer, c, NULL, i, NULL,
				&held.customer.over[i]);
	return RELAY_SAY_COUNT;
}

void relay_call_limits(const struct relay_ask *ask)
{
	slice about;
	uint64_t held = 0;
	char number[24];
	enum relay_text wrong = show(ask, &about, &held);
	if (wrong != RELAY_SAY_COUNT) {
		relay_call_say(ask, code_of(wrong), wrong, about);
	} else if (held > 0) {
		snprintf(number, sizeof(number), "%" PRIu64, held);
		relay_call_say(ask, EXIT_FINE, RELAY_SAY_HELD,
			       slice_of(number));
	} else {
		control_answer_end(ask->answer, EXIT_FINE, (slice){ 0 });
	}
}

/* --- limits.users ----------------------------------------------------------- */

enum { USERS_DEFAULT = 50, USERS_MAX = 200 };

struct user_use {
	const struct user *user;
	struct ledger_row messages, unique;
	double full;			/* the nearer one, 1: used up */
};

static double fullness(const struct ledger_row *r)
{
	return r->allowed == 0 ? 1.0 :
		(double)(r->used + r->reserved) / (double)r->allowed;
}

static void look_at_user(struct ledger *l, const struct allowance *allowed,
			 int64_t now_ms, const struct user *u,
			 struct user_use *out)
{
	struct ledger_view seen;
	ledger_show(l, u->customer, u->id, allowed, now_ms, &seen);
	*out = (struct user_use){ .user = u };
	for (uint32_t i = 0; i < seen.count; i++) {
		if (seen.rows[i].limit == LEDGER_USER_MESSAGES)
			out->messages = seen.rows[i];
		if (seen.rows[i].limit == LEDGER_USER_UNIQUE)
			out->unique = seen.rows[i];
	}
	double a = fullness(&out->messages), b = fullness(&out->unique);
	out->full = a > b ? a : b;
}

static int by_fullness(const void *a, const void *b)
{
	const struct user_use *x = a, *y = b;
	if (x->full > y->full || x->full < y->full)
		return x->full > y->full ? -1 : 1;
	return x->user->id < y->user->id ? -1 : x->user->id > y->user->id;
}

static void put_user(struct control_answer *a, const struct user_use *u)
{
	struct buf out;
	struct json j;
	int64_t opens = fullness(&u->messages) > fullness(&u->unique) ?
				u->messages.opens_at_ms : u->unique.opens_at_ms;
	buf_init(&out, ROW_MAX);
	json_init(&j, &out);
	json_object_begin(&j);
	json_member_string(&j, "user", u->user->address);
	json_member_bool(&j, "registered", true);
	json_member_u64(&j, "messages_used", u->messages.used);
	json_member_u64(&j, "messages_limit", u->messages.allowed);
	json_member_u64(&j, "unique_used", u->unique.used);
	json_member_u64(&j, "unique_limit", u->unique.allowed);
	put_time(&j, "opens_at", opens);
	json_object_end(&j);
	control_answer_row(a, buf_slice(&out));
	buf_fini(&out);
}

/* {"next":"50"}: how many came before the next page. */
static void put_next(struct control_answer *a, uint64_t next, bool more)
{
	struct buf out;
	struct json j;
	char number[24] = "";
	if (more)
		snprintf(number, sizeof(number), "%" PRIu64, next);
	buf_init(&out, 100);
	json_init(&j, &out);
	json_object_begin(&j);
	json_member_text_or_null(&j, "next", slice_of(number));
	json_object_end(&j);
	control_answer_row(a, buf_slice(&out));
	buf_fini(&out);
}

static uint32_t gather_users(const struct relay_ask *ask,
			     const struct customer *c, struct user_use *uses)
{
	uint32_t ids[LEDGER_USERS_MAX], found = 0;
	const struct view *v = relay_core_view(ask->core);
	struct ledger *l = relay_core_ledger(ask->core);
	struct allowance allowed = view_allowance(v, c);
	int64_t now_ms = os_wall_ms();
	uint32_t n = ledger_users(l, c->id, ids, LEDGER_USERS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		const struct user *u = view_user_by_id(v, ids[i]);
		if (u != NULL && u->customer == c->id)
			look_at_user(l, &allowed, now_ms, u, &uses[found++]);
	}
	qsort(uses, found, sizeof(*uses), by_fullness);
	return found;
}

/* Of those who sent something lately, the nearest to a limit first. */
void relay_call_limits_users(const struct relay_ask *ask)
{
	slice name = json_text(ask->args, "customer");
	const struct customer *c =
		view_customer_named(relay_core_view(ask->core), name);
	json_int_t limit =
		json_integer_value(json_object_get(ask->args, "limit"));
	uint64_t at = 0;
	if (c == NULL) {
		relay_call_say(ask, EXIT_DATA_CODE, RELAY_SAY_NO_CUSTOMER,
			       name);
		return;
	}
	if (limit < 1 || limit > USERS_MAX)
		limit = USERS_DEFAULT;
	slice cursor = json_text(ask->args, "cursor");
	if (cursor.n > 0 && !slice_u64(cursor, LEDGER_USERS_MAX, &at))
		at = LEDGER_USERS_MAX;
	struct user_use *uses = calloc(LEDGER_USERS_MAX, sizeof(*uses));
	if (uses == NULL) {
		control_answer_end(ask->answer, EXIT_SOFTWARE_CODE,
				   slice_of(text_in(say_no_memory(),
						    ask->language)));
		return;
	}
	uint32_t found = gather_users(ask, c, uses);
	uint64_t end = at + (uint64_t)limit;
	for (uint64_t i = at; i < found && i < end; i++)
		put_user(ask->answer, &uses[i]);
	put_next(ask->answer, end, end < found);
	free(uses);
	control_answer_end(ask->answer, EXIT_FINE, (slice){ 0 });
}
